// SPDX-License-Identifier: MIT
//
// addresses.c - which block lives at an address.
//
// Linear probing without tombstones: taking one out moves back those behind it that may stand
// nearer to their own place (Knuth, volume 3, 6.4, algorithm R).

#include "trace/addresses.h"

#include <errno.h>
#include <string.h>

#include "trace/store.h"

static size_t home(const struct trace_addresses *addresses, uint64_t address)
{
    uint64_t mixed = (address >> 3) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(mixed >> 32) & (addresses->size - 1);
}

static size_t slot_of(const struct trace_addresses *addresses, uint64_t address)
{
    size_t slot = home(addresses, address);
    while (addresses->table[slot].address != 0 && addresses->table[slot].address != address) {
        slot = (slot + 1) & (addresses->size - 1);
    }
    return slot;
}

void trace_addresses_fini(struct trace_addresses *addresses)
{
    trace_store_free(addresses->table, addresses->size, sizeof(*addresses->table));
    memset(addresses, 0, sizeof(*addresses));
}

static int grow(struct trace_addresses *addresses)
{
    struct trace_addresses grown = {.size = addresses->size == 0 ? 4096 : addresses->size * 2,
                                    .count = addresses->count};
    void *table = NULL;
    size_t room = 0;
    int error = trace_store_grow(&table, &room, grown.size, sizeof(*grown.table));
    if (error != 0) {
        return error;
    }
    grown.table = table;
    for (size_t i = 0; i < addresses->size; i++) {
        const struct trace_place *place = &addresses->table[i];
        if (place->address != 0) {
            grown.table[slot_of(&grown, place->address)] = *place;
        }
    }
    trace_addresses_fini(addresses);
    *addresses = grown;
    return 0;
}

int trace_addresses_add(struct trace_addresses *addresses, uint64_t address, uint32_t block)
{
    if (addresses->count * 2 >= addresses->size) {
        int error = grow(addresses);
        if (error != 0) {
            return error;
        }
    }
    addresses->table[slot_of(addresses, address)] =
        (struct trace_place){.address = address, .block = block};
    addresses->count++;
    return 0;
}

uint32_t trace_addresses_take(struct trace_addresses *addresses, uint64_t address)
{
    if (addresses->size == 0) {
        return TRACE_NOWHERE;
    }
    size_t mask = addresses->size - 1, hole = slot_of(addresses, address);
    struct trace_place *table = addresses->table;
    if (table[hole].address == 0) {
        return TRACE_NOWHERE;
    }
    uint32_t block = table[hole].block;
    for (size_t slot = (hole + 1) & mask; table[slot].address != 0; slot = (slot + 1) & mask) {
        size_t distance = (slot - home(addresses, table[slot].address)) & mask;
        if (distance >= ((slot - hole) & mask)) {
            table[hole] = table[slot];
            hole = slot;
        }
    }
    table[hole].address = 0;
    addresses->count--;
    return block;
}
