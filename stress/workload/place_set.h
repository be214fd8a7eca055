// SPDX-License-Identifier: MIT
//
// place_set.h - which windows of the address space have been seen: a set of numbers.
//
// Open addressing with linear probing, at most half full. The set says how large it will become at
// most; its memory is the harness's.

#ifndef WORKLOAD_PLACE_SET_H
#define WORKLOAD_PLACE_SET_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "run/run.h"
#include "workload/random.h"

struct place_set {
    uint64_t *keys;    // number + 1; 0: empty
    uint64_t capacity; // a power of two; 2 * count <= capacity
    uint64_t count;
};

static inline void place_set_init(struct place_set *set, uint64_t most)
{
    *set = (struct place_set){.capacity = 2};
    while (set->capacity < 2 * most) {
        set->capacity *= 2;
    }
    set->keys = run_map(set->capacity * sizeof(set->keys[0]));
}

static inline void place_set_clear(struct place_set *set)
{
    memset(set->keys, 0, set->capacity * sizeof(set->keys[0]));
    set->count = 0;
}

// False when it was there already.
static inline bool place_set_add(struct place_set *set, uint64_t number)
{
    uint64_t at = random_mix(number) & (set->capacity - 1);
    while (set->keys[at] != 0) {
        if (set->keys[at] == number + 1) {
            return false;
        }
        at = (at + 1) & (set->capacity - 1);
    }
    set->keys[at] = number + 1;
    set->count++;
    return true;
}

#endif
