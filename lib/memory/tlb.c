// SPDX-License-Identifier: MIT
//
// tlb.c - a model of a translation look-aside buffer (see tlb.h).

#include "memory/tlb.h"

#include <errno.h>

#include "base/bits.h"
#include "os/os.h"

int tlb_open(struct tlb *tlb, uint32_t entries, uint32_t ways)
{
    uint64_t bytes = 0;
    *tlb = (struct tlb){0};
    bits_round_up(entries * sizeof(struct tlb_entry), os_page_size(), &bytes);
    tlb->entry = os_map(bytes, 0);
    if (tlb->entry == NULL) {
        return ENOMEM;
    }
    tlb->sets = entries / ways;
    tlb->ways = ways;
    tlb->mapped = bytes;
    return 0;
}

void tlb_close(struct tlb *tlb)
{
    if (tlb->entry != NULL) {
        os_unmap(tlb->entry, tlb->mapped);
        tlb->entry = NULL;
    }
}

static struct tlb_entry *set_of(const struct tlb *tlb, uint64_t key)
{
    return &tlb->entry[key % tlb->sets * tlb->ways];
}

bool tlb_refer(struct tlb *tlb, uint64_t key)
{
    struct tlb_entry *set = set_of(tlb, key), *oldest = set;
    tlb->now++;
    for (uint32_t way = 0; way < tlb->ways; way++) {
        if (set[way].key == key + 1) {
            set[way].last = tlb->now;
            tlb->hits++;
            return true;
        }
        oldest = set[way].last < oldest->last ? &set[way] : oldest;
    }
    *oldest = (struct tlb_entry){key + 1, tlb->now};
    return false;
}

void tlb_drop(struct tlb *tlb, uint64_t key)
{
    struct tlb_entry *set = set_of(tlb, key);
    for (uint32_t way = 0; way < tlb->ways; way++) {
        if (set[way].key == key + 1) {
            set[way] = (struct tlb_entry){0}; // empty ones are the oldest
        }
    }
}

double tlb_effective_ns(const struct tlb_costs *costs, double hit_rate, double fault_rate)
{
    double memory = (double)costs->memory_ns, tlb = (double)costs->tlb_ns;
    double missed = tlb + (double)(costs->table_levels + 1) * memory;
    double access = hit_rate * (tlb + memory) + (1 - hit_rate) * missed;
    return (1 - fault_rate) * access + fault_rate * (double)costs->fault_ns;
}
