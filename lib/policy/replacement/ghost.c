// SPDX-License-Identifier: MIT
//
// ghost.c - a table of keys: hashing with chains that are arrays of numbers.

#include "policy/replacement/ghost.h"

#include "base/bits.h"

// Keys are numbers of pages, close together; the finalizer of MurmurHash3 spreads them.
static uint32_t ghost_bucket(const struct ghost_table *table, uint64_t key)
{
    key ^= key >> 33;
    key *= 0xff51afd7ed558ccdu;
    key ^= key >> 33;
    key *= 0xc4ceb9fe1a85ec53u;
    key ^= key >> 33;
    return (uint32_t)key & table->mask;
}

void ghost_layout(struct ghost_table *table, struct layout *layout, uint32_t capacity)
{
    size_t buckets = (size_t)1 << bits_log2_up(capacity > 0 ? capacity : 1);
    *table = (struct ghost_table){.capacity = capacity, .mask = (uint32_t)(buckets - 1)};
    table->key = layout_take(layout, capacity, sizeof *table->key);
    table->chain = layout_take(layout, capacity, sizeof *table->chain);
    table->bucket = layout_take(layout, buckets, sizeof *table->bucket);
}

uint32_t ghost_find(const struct ghost_table *table, uint64_t key)
{
    uint32_t link = table->bucket[ghost_bucket(table, key)];
    while (link != 0 && table->key[link - 1] != key) {
        link = table->chain[link - 1];
    }
    return link == 0 ? GHOST_NONE : link - 1;
}

uint32_t ghost_insert(struct ghost_table *table, uint64_t key)
{
    uint32_t number;
    if (table->free != 0) {
        number = table->free - 1;
        table->free = table->chain[number];
    } else {
        number = table->made++;
    }
    uint32_t *bucket = &table->bucket[ghost_bucket(table, key)];
    table->key[number] = key;
    table->chain[number] = *bucket;
    *bucket = number + 1;
    table->count++;
    return number;
}

void ghost_remove(struct ghost_table *table, uint32_t number)
{
    uint32_t *link = &table->bucket[ghost_bucket(table, table->key[number])];
    while (*link != number + 1) {
        link = &table->chain[*link - 1];
    }
    *link = table->chain[number];
    table->chain[number] = table->free;
    table->free = number + 1;
    table->count--;
}

bool ghost_check(const struct ghost_table *table)
{
    uint32_t count = 0, free = 0;
    for (uint64_t b = 0; b <= table->mask; b++) {
        for (uint32_t link = table->bucket[b]; link != 0; link = table->chain[link - 1]) {
            if (link > table->made || ghost_bucket(table, table->key[link - 1]) != b ||
                ++count > table->count) {
                return false;
            }
        }
    }
    for (uint32_t link = table->free; link != 0; link = table->chain[link - 1]) {
        if (link > table->made || ++free > table->made) {
            return false;
        }
    }
    return count == table->count && count + free == table->made && table->made <= table->capacity;
}
