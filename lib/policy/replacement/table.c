// SPDX-License-Identifier: MIT
//
// table.c - the replacement algorithms there are.

#include <string.h>

#include "policy/replacement/replacement.h"

static const struct replacement *const replacements[] = {
    &replacement_fifo,  &replacement_lru, &replacement_clock,  &replacement_second_chance,
    &replacement_nru,   &replacement_lfu, &replacement_random, &replacement_opt,
    &replacement_arc,   &replacement_2q,  &replacement_lirs,   &replacement_s3fifo,
    &replacement_sieve, &replacement_ws,  &replacement_pff,
};

const struct replacement *replacement_at(size_t index)
{
    return index < sizeof replacements / sizeof replacements[0] ? replacements[index] : NULL;
}

const struct replacement *replacement_find(const char *name)
{
    for (size_t i = 0; i < sizeof replacements / sizeof replacements[0]; i++) {
        if (strcmp(replacements[i]->name, name) == 0) {
            return replacements[i];
        }
    }
    return NULL;
}
