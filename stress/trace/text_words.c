// SPDX-License-Identifier: MIT
//
// text_words.c - the words of a line of the text form.

#include "trace/text_words.h"

#include <string.h>

#include "trace/text.h"

bool text_is(const struct word *word, const char *text)
{
    return word->length == strlen(text) && memcmp(word->at, text, word->length) == 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

size_t text_words(const char *at, const char *end, struct word *words, size_t most)
{
    size_t count = 0;
    while (count < most) {
        while (at < end && is_blank(*at)) {
            at++;
        }
        if (at == end || *at == '#') {
            break;
        }
        const char *start = at;
        while (at < end && !is_blank(*at)) {
            at++;
        }
        words[count++] = (struct word){start, (size_t)(at - start)};
    }
    return count;
}

bool text_number(const struct word *word, bool units, uint64_t *value)
{
    static const struct {
        const char *name;
        uint64_t factor;
    } table[] = {{"", 1},      {"k", 1000},     {"M", 1000000},    {"G", 1000000000},
                 {"Ki", 1024}, {"Mi", 1048576}, {"Gi", 1073741824}};
    uint64_t number = 0;
    size_t i = 0;
    for (; i < word->length && word->at[i] >= '0' && word->at[i] <= '9'; i++) {
        if (__builtin_mul_overflow(number, 10u, &number) ||
            __builtin_add_overflow(number, (uint64_t)(word->at[i] - '0'), &number)) {
            return false;
        }
    }
    if (i == 0) {
        return false;
    }
    const struct word unit = {word->at + i, word->length - i};
    for (size_t u = 0; u < (units ? sizeof(table) / sizeof(table[0]) : 1); u++) {
        if (text_is(&unit, table[u].name)) {
            return !__builtin_mul_overflow(number, table[u].factor, value);
        }
    }
    return false;
}

bool trace_text_name_fits(const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c <= ' ' || c == 0x7f || c == '/' || c == '#' || c == '=') {
            return false;
        }
    }
    return length > 0;
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *found = c != '\0' ? strchr(digits, c) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

const char *text_unescape(const struct word *word, char *text)
{
    size_t used = 0;
    for (size_t i = 0; i < word->length; i++) {
        const char *at = word->at + i;
        size_t left = word->length - i;
        if (*at != '\\') {
            text[used++] = *at;
        } else if (left >= 2 && at[1] == '\\') {
            text[used++] = '\\';
            i++;
        } else if (left >= 4 && at[1] == 'x' && hex_digit(at[2]) >= 0 && hex_digit(at[3]) >= 0) {
            text[used++] = (char)(hex_digit(at[2]) << 4 | hex_digit(at[3]));
            i += 3;
        } else {
            return at;
        }
    }
    text[used] = '\0';
    return NULL;
}
