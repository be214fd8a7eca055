// SPDX-License-Identifier: MIT
//
// agenda.h - what is due when: a binary heap of moments, the earliest first.
//
// At most `room` entries; putting and taking cost O(log n). Of two that are due at the same moment
// the one with the smaller number is first, so that the order is one of content, not of history.

#ifndef WORKLOAD_AGENDA_H
#define WORKLOAD_AGENDA_H

#include <stdbool.h>
#include <stdint.h>

struct agenda_entry {
    uint64_t when;
    uint64_t what;
};

// entries[(i - 1) / 2] is not after entries[i]                                                (G1)
struct agenda {
    struct agenda_entry *entries; // the owner's memory
    uint64_t count;
};

static inline bool agenda_before(const struct agenda_entry *a, const struct agenda_entry *b)
{
    return a->when != b->when ? a->when < b->when : a->what < b->what;
}

static inline bool agenda_is_due(const struct agenda *agenda, uint64_t now)
{
    return agenda->count > 0 && agenda->entries[0].when <= now;
}

static inline void agenda_put(struct agenda *agenda, uint64_t when, uint64_t what)
{
    struct agenda_entry entry = {when, what};
    uint64_t at = agenda->count++;
    while (at > 0 && agenda_before(&entry, &agenda->entries[(at - 1) / 2])) {
        agenda->entries[at] = agenda->entries[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    agenda->entries[at] = entry;
}

// Takes the earliest out; there is one.
static inline struct agenda_entry agenda_take(struct agenda *agenda)
{
    struct agenda_entry first = agenda->entries[0], last = agenda->entries[--agenda->count];
    uint64_t at = 0;
    for (;;) {
        uint64_t child = 2 * at + 1;
        if (child >= agenda->count) {
            break;
        }
        if (child + 1 < agenda->count &&
            agenda_before(&agenda->entries[child + 1], &agenda->entries[child])) {
            child++;
        }
        if (!agenda_before(&agenda->entries[child], &last)) {
            break;
        }
        agenda->entries[at] = agenda->entries[child];
        at = child;
    }
    agenda->entries[at] = last;
    return first;
}

#endif
