// SPDX-License-Identifier: MIT
//
// text.h - an input as a text: up to its first NUL, in a block of just that size.

#ifndef FUZZ_TEXT_H
#define FUZZ_TEXT_H

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

// To be freed.
static inline char *text_of(const uint8_t *bytes, size_t size)
{
    size_t length = size > 0 ? strnlen((const char *)bytes, size) : 0;
    char *text = malloc(length + 1);
    if (text == NULL) {
        abort();
    }
    if (length > 0) {
        memcpy(text, bytes, length);
    }
    text[length] = '\0';
    return text;
}

#endif
