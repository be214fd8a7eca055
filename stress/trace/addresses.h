// SPDX-License-Identifier: MIT
//
// addresses.h - which block lives at an address, while a recording is merged.

#ifndef TRACE_ADDRESSES_H
#define TRACE_ADDRESSES_H

#include <stddef.h>
#include <stdint.h>

struct trace_place {
    uint64_t address; // 0: empty
    uint32_t block;
};

struct trace_addresses {       // zeroed at first
    struct trace_place *table; // open addressing, linear, at most half full
    size_t size;               // a power of two, or 0
    size_t count;
};

#define TRACE_NOWHERE UINT32_MAX

void trace_addresses_fini(struct trace_addresses *addresses);
// The address must not be there yet, and not be 0. 0 or ENOMEM.
int trace_addresses_add(struct trace_addresses *addresses, uint64_t address, uint32_t block);
// Takes it out and tells its block; TRACE_NOWHERE when it is not there.
uint32_t trace_addresses_take(struct trace_addresses *addresses, uint64_t address);

#endif
