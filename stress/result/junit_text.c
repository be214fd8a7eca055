// SPDX-License-Identifier: MIT
//
// junit_text.c - text in XML 1.0, which cannot hold every byte.

#include "result/junit.h"

#include <stdbool.h>

// The length of the UTF-8 sequence at `text`, 0 where there is none.
static unsigned junit_sequence(const char *text)
{
    unsigned char first = (unsigned char)*text;
    unsigned length = first < 0x80                    ? 1
                      : first >= 0xc2 && first < 0xe0 ? 2
                      : first >= 0xe0 && first < 0xf0 ? 3
                      : first >= 0xf0 && first < 0xf5 ? 4
                                                      : 0;
    for (unsigned i = 1; i < length; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    // U+FFFE, U+FFFF and surrogates are no characters.
    bool surrogate = first == 0xed && (unsigned char)text[1] >= 0xa0;
    bool none = first == 0xef && (unsigned char)text[1] == 0xbf && (unsigned char)text[2] >= 0xbe;
    return surrogate || none ? 0 : length;
}

void junit_text(FILE *out, const char *text)
{
    while (*text != '\0') {
        unsigned length = junit_sequence(text);
        unsigned char c = (unsigned char)*text;
        if (length == 0 || (c < 0x20 && c != '\n' && c != '\t')) {
            fputc('?', out);
            length = length == 0 ? 1 : length;
        } else if (c == '<' || c == '>' || c == '&' || c == '"') {
            fputs(c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : "&quot;", out);
        } else if (c == '\n') {
            fputs("&#10;", out);
        } else {
            fprintf(out, "%.*s", (int)length, text);
        }
        text += length;
    }
}

void junit_attribute(FILE *out, const char *name, const char *text)
{
    fprintf(out, " %s=\"", name);
    junit_text(out, text);
    fputc('"', out);
}
