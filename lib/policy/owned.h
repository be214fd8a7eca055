// SPDX-License-Identifier: MIT
//
// owned.h - steps that every policy with descriptors takes: what a space owns, what may come back.

#ifndef POLICY_OWNED_H
#define POLICY_OWNED_H

#include "memory/corruption.h"
#include "policy/policy.h"

// Whether a grant on its way back is what it says: CACHED under the generation it was given. The
// word alone cannot tell: of two releases that race the later store may have undone FREE.
static inline bool owned_may_return(const struct grant *grant)
{
    uint64_t word = load_relaxed(&grant->descriptor->word);
    return descriptor_state(word) == DESCRIPTOR_CACHED &&
           descriptor_generation(word) == descriptor_generation(grant->addr) &&
           load_relaxed(&grant->descriptor->space) != 0;
}

// Reports grants that may not; called with no lock held.
static inline void owned_report(const uint64_t *bad, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        corruption_report("block released twice at once", bad[i]);
    }
}

// Ends a block whose space is closing: its address goes stale, its descriptor may be given back.
static inline void owned_end(struct descriptor *descriptor, struct policy_closed *closed)
{
    uint64_t word = load_relaxed(&descriptor->word);
    uint32_t generation = (descriptor_generation(word) + 1) & DESCRIPTOR_GENERATION_MASK;
    if (descriptor_state(word) < DESCRIPTOR_RESIDENT) {
        return;
    }
    closed->blocks++;
    closed->requested += load_relaxed(&descriptor->limit);
    // A mover or an access may turn the word meanwhile, never into a block that is not there.
    while (
        !cas_relaxed(&descriptor->word, &word, descriptor_word(DESCRIPTOR_CACHED, generation, 0))) {
    }
}

// One piece of a walk for a block behind a descriptor.
static inline void owned_describe(const struct descriptor *descriptor, struct mems_extent *extent)
{
    uint64_t word = load_relaxed(&descriptor->word);
    bool live = descriptor_state(word) >= DESCRIPTOR_RESIDENT;
    extent->piece = live ? MEMS_PIECE_BLOCK : MEMS_PIECE_CACHED;
    extent->page = MEMS_PAGE_NONE;
    extent->requested = live ? load_relaxed(&descriptor->limit) : 0;
    extent->space = load_relaxed(&descriptor->space);
    extent->addr = live ? descriptor_addr(descriptor) : 0;
}

#endif
