// SPDX-License-Identifier: MIT
//
// text_words.h - the words of a line of the text form.

#ifndef TRACE_TEXT_WORDS_H
#define TRACE_TEXT_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct word {
    const char *at;
    size_t length;
};

// The words from `at` to `end`, at most `most`; a word that begins with '#' ends the line.
size_t text_words(const char *at, const char *end, struct word *words, size_t most);
bool text_is(const struct word *word, const char *text);
// Digits, and k M G (powers of 1000) or Ki Mi Gi (powers of 1024) where `units`.
bool text_number(const struct word *word, bool units, uint64_t *value);
// Replaces \\ and \xHH; `text` has room for as many bytes as the word, and a 0. NULL, or where a
// backslash means nothing.
const char *text_unescape(const struct word *word, char *text);

#endif
