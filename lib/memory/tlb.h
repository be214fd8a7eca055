// SPDX-License-Identifier: MIT
//
// tlb.h - a model of a translation look-aside buffer, and what an access costs with one.
//
// 1. Theory. A set-associative cache of page numbers: a key belongs to the set key mod sets, and
//    there the least recently used of its ways goes. One set: fully associative. The keys carry
//    their space, as tags with an address space number do, so nothing is flushed between spaces.
// 2. Cost. A reference compares all ways of a set, one after the other: hardware does it at once.
// 3. Effective access time (policies.md): with a hit rate h, access time m, TLB time t, L levels of
//    tables and service time s for the share p of references that fault,
//    EAT = (1 - p) * (h (t + m) + (1 - h) (t + (L + 1) m)) + p s.
// Not thread-safe: the owner's lock guards it.

#ifndef MEMORY_TLB_H
#define MEMORY_TLB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLB_MOST 65536 // entries

struct tlb_entry {
    uint64_t key;  // + 1; 0: empty
    uint64_t last; // number of the reference that used it last
};

struct tlb {
    uint32_t sets, ways; // sets 0: there is none
    uint64_t now;        // references so far
    uint64_t hits;
    struct tlb_entry *entry; // set after set
    size_t mapped;
};

// `ways` divides `entries`. 0 or ENOMEM.
int tlb_open(struct tlb *tlb, uint32_t entries, uint32_t ways);
void tlb_close(struct tlb *tlb);
bool tlb_refer(struct tlb *tlb, uint64_t key); // whether it was there; it is now
void tlb_drop(struct tlb *tlb, uint64_t key);  // the translation is not valid any more

struct tlb_costs {
    uint64_t tlb_ns, memory_ns, table_levels, fault_ns;
};

// Effective access time, in nanoseconds. The rates are between 0 and 1.
double tlb_effective_ns(const struct tlb_costs *costs, double hit_rate, double fault_rate);

#endif
