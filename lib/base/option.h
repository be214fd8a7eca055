// SPDX-License-Identifier: MIT
//
// option.h - options as data: a table says what a key is, one parser fills the owner's struct.
//
// A table row names the key, its kind, its range, its default as text, its help, and where in the
// owner's settings struct the value goes. Parsing "key=value,key=value" first applies every
// default, so a settings struct is always complete. Unknown keys, bad units, values out of range
// and keys given twice are complaints that name the key, what was said and what would be right.

#ifndef BASE_OPTION_H
#define BASE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/print.h"

enum option_kind {
    OPTION_NUMBER, // uint64_t: digits; or one of `choices`, where there are some: UINT64_MAX
    OPTION_SIZE,   // uint64_t: digits with k M G T (1000) or Ki Mi Gi Ti (1024)
    OPTION_FLAG,   // bool: yes, no (on, off, true, false, 1, 0)
    OPTION_CHOICE, // unsigned: index into `choices`, a NULL-terminated list of words
    OPTION_TEXT,   // struct option_text: a piece of the options text; the owner parses it further
};

struct option_text {
    const char *text; // not terminated; valid as long as the options text
    size_t length;
};

struct option {
    const char *name;
    enum option_kind kind;
    uint64_t least, most; // numbers and sizes
    const char *const *choices;
    const char *values;   // what is allowed, for people
    const char *standard; // the default, as text; numbers: "" is 0, allowed or not: not said
    const char *help;
    size_t offset; // of the field in the settings struct
};

// Where a key is looked up: a table (ends with a row whose name is NULL) and its settings.
struct option_set {
    const struct option *table;
    void *settings;
};

// Parses `text` (NULL: "") into the sets, the first set whose table has the key takes it. Values
// may hold commas inside parentheses or when the next piece has no '='
// ("partitions=64Kx100,1Mx10"). Returns 0 or EINVAL with a complaint printed; the settings are then
// unspecified.
int option_parse(const struct option_set *sets, size_t count, const char *text,
                 struct printer *complaint);

// The same, but goes on behind a mistake: each is printed on `complaint`, emptied before it, and
// passed on; the option keeps its default, and the others get their values. Pieces without a
// character count as nothing. Returns how many mistakes there were.
unsigned option_parse_each(const struct option_set *sets, size_t count, const char *text,
                           struct printer *complaint, void (*complain)(struct printer *complaint));

// Parses digits with an optional unit (see OPTION_SIZE; K is taken for k); `length` characters.
// 0, EINVAL or ERANGE.
int option_size(const char *text, size_t length, uint64_t *size);

#endif
