// SPDX-License-Identifier: MIT
//
// wrap.c - lines for people that fit 100 columns, or as many as there are.

#include "result/wrap.h"

#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>

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
    wrap_within(out, WRAP_WIDTH, at, indent, text);
}

int wrap_terminal(FILE *out)
{
    struct winsize window;
    int width = 80;
    if (ioctl(fileno(out), TIOCGWINSZ, &window) == 0 && window.ws_col > 0) {
        width = window.ws_col;
    }
    return width < WRAP_LEAST ? WRAP_LEAST : width > 1000 ? 1000 : width;
}
