// SPDX-License-Identifier: MIT
//
// wrap.c - lines for people that fit 100 columns, or as many as there are.

#include "result/wrap.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

static int wrap_columns_settled = WRAP_WIDTH;

// Columns that so many bytes of UTF-8 take, a column a character.
static int wrap_columns(const char *text, int bytes)
{
    int columns = 0;
    for (int i = 0; i < bytes; i++) {
        columns += ((unsigned char)text[i] & 0xc0) != 0x80;
    }
    return columns;
}

void wrap_within(FILE *out, int width, int at, int indent, const char *text)
{
    bool empty = at == 0;
    at = empty ? fprintf(out, "%*s", indent, "") : at;
    while (*text != '\0') {
        int bytes = (int)strcspn(text, " ");
        int columns = wrap_columns(text, bytes);
        if (!empty && at + 1 + columns > width) {
            at = fprintf(out, "\n%*s", indent, "") - 1;
            empty = true;
        }
        at += fprintf(out, "%s%.*s", empty ? "" : " ", bytes, text) - bytes + columns;
        empty = false;
        text += bytes;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

void wrap_words(FILE *out, int at, int indent, const char *text)
{
    wrap_within(out, wrap_columns_settled, at, indent, text);
}

// What COLUMNS or the terminal says; `none` where nobody does.
static int wrap_told(FILE *out, int none)
{
    struct winsize window;
    const char *given = getenv("COLUMNS");
    long width = given != NULL ? strtol(given, NULL, 10) : 0;
    if (width <= 0 && ioctl(fileno(out), TIOCGWINSZ, &window) == 0) {
        width = window.ws_col;
    }
    width = width <= 0 ? none : width;
    return width < WRAP_LEAST ? WRAP_LEAST : width > 1000 ? 1000 : (int)width;
}

int wrap_terminal(FILE *out)
{
    return wrap_told(out, 80);
}

void wrap_settle(FILE *out)
{
    int width = wrap_told(out, WRAP_WIDTH);
    wrap_columns_settled = width < WRAP_WIDTH ? width : WRAP_WIDTH;
}

int wrap_width(void)
{
    return wrap_columns_settled;
}
