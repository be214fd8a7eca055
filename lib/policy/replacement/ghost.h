// SPDX-License-Identifier: MIT
//
// ghost.h - a table of keys, each with a small number: what an algorithm remembers of pages gone.
//
// The numbers are 0 .. capacity - 1, for the algorithm's own arrays and queues. Hashing with
// chains; a chain is one array of numbers, so that a key costs 8 bytes and two or three numbers.
// All steps are O(1) expected. Memory that was never used is not touched.

#ifndef POLICY_REPLACEMENT_GHOST_H
#define POLICY_REPLACEMENT_GHOST_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/replacement/layout.h"

#define GHOST_NONE UINT32_MAX

// Chains hold number + 1; 0 ends them.
//
// each number below `made` is in the chain of its key's bucket, or in the free chain           (G1)
// count == numbers in the buckets' chains <= made <= capacity                                  (G2)
struct ghost_table {
    uint32_t capacity;
    uint32_t count;
    uint32_t made; // numbers from here on were never given out
    uint32_t free; // chain of numbers given back
    uint32_t mask; // buckets - 1
    uint64_t *key;
    uint32_t *chain;
    uint32_t *bucket;
};

// Cuts the table's arrays; the memory is zeroed. capacity < GHOST_NONE; 0: nothing is found or
// fits.
void ghost_layout(struct ghost_table *table, struct layout *layout, uint32_t capacity);

uint32_t ghost_find(const struct ghost_table *table, uint64_t key); // GHOST_NONE: not there
// The key is not there, and count < capacity.
uint32_t ghost_insert(struct ghost_table *table, uint64_t key);
void ghost_remove(struct ghost_table *table, uint32_t number);

// Verifies G1 and G2. O(capacity).
bool ghost_check(const struct ghost_table *table);

#endif
