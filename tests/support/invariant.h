// SPDX-License-Identifier: MIT
//
// invariant.h - a check can fail: one field takes a wrong value, and the check names the invariant
// that this breaks; put right again, it names none.

#ifndef SUPPORT_INVARIANT_H
#define SUPPORT_INVARIANT_H

#include "support/require.h"
#include "support/test.h"

#include <string.h>

// What a check said; NULL: all is whole, and so it must have said.
static inline void invariant_said(const char *said, const char *label, const char *what)
{
    test_require(label == NULL ? said == NULL : said != NULL && strcmp(said, label) == 0,
                 "%s: %s is broken, said to be %s", what, label == NULL ? "none" : label,
                 said == NULL ? "none" : said);
}

// `check` is an expression: NULL, or a label. No other thread looks.
#define INVARIANT_SPOILT(check, field, value, label)                                               \
    do {                                                                                           \
        __typeof__(field) invariant_was = (field);                                                 \
        invariant_said((check), NULL, "before " #field);                                           \
        (field) = (__typeof__(field))(value);                                                      \
        test_require((field) != invariant_was, "%s is not changed", #field);                       \
        invariant_said((check), (label), #field " = " #value);                                     \
        (field) = invariant_was;                                                                   \
        invariant_said((check), NULL, "after " #field);                                            \
    } while (0)

#endif
