// SPDX-License-Identifier: MIT
//
// policy.h - which block do we pick? One file a policy, each ending in one `const struct policy`.
//
// A policy owns the memory, finds places in it, and keeps the account of what each space holds. It
// sees batches of blocks of one size; it does not know whether a thread's magazine or a user asked.
// What a policy lacks is NULL; the engine then answers ENOTSUP or does it another way.

#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/option.h"
#include "memory/descriptor.h"
#include "mems/engine.h"
#include "sync/lock.h"

#define POLICY_BATCH    64  // grants in one take or give, at most
#define POLICY_SETTINGS 256 // bytes of a policy's settings, at most

// What a policy adds to a snapshot; the engine does the rest.
struct policy_totals {
    uint64_t held_bytes, free_bytes, holes, largest_hole, metadata_bytes, regions;
    uint64_t blocks; // taken and not given back, magazines' included
    // The most that was ever held; 0: no memory is ever given back, so the last snapshot knows.
    uint64_t held_peak_bytes;
};

// What closing a space gave back.
struct policy_closed {
    uint64_t blocks;    // that were allocated (not in magazines)
    uint64_t requested; // bytes they had been asked for
};

struct policy {
    const char *name;
    const char *help;
    const struct option *options;
    bool (*flat)(const void *settings); // whether addresses are flat (then no caches); NULL: never

    // Opens with settings that option_parse filled. 0; EINVAL with a complaint; ENOMEM.
    int (*open)(const void *settings, struct descriptor_table *table, void **state,
                struct printer *complaint);
    void (*close)(void *state);

    // What one space owns. 0 or ENOMEM.
    int (*space_open)(void *state, uint32_t space, void **owned);
    // Gives back all that it owns. No other call on this space is under way.
    void (*space_close)(void *state, void *owned, struct policy_closed *closed);

    // Takes up to `count` blocks of `size` bytes for the space. Returns how many; fewer than asked
    // only when there is no more. *error says why: ENOSPC, a bounded engine has no place; ENOMEM,
    // the OS refused; EINVAL. `align` 0: any. Waits for its lock.
    size_t (*take)(void *state, void *owned, size_t size, size_t align, struct grant *grants,
                   size_t count, int *error);
    // Takes back blocks that are CACHED. One that is not (two releases of it raced) is reported as
    // corruption and left alone.
    void (*give)(void *state, const struct grant *grants, size_t count);
    // Grows or shrinks one block where it stands. 0, or ENOMEM and nothing changed.
    int (*resize)(void *state, struct descriptor *descriptor, size_t size);
    // Bytes the block takes, for who owns it: nobody else may release it meanwhile.
    size_t (*block_size)(void *state, const struct descriptor *descriptor);
    // The same for anyone, under the lock; of no meaning where the block was released meanwhile.
    size_t (*measure)(void *state, const struct descriptor *descriptor);
    // Sizes that magazines should hold, rising; NULL: any size will do.
    const uint64_t *(*classes)(void *state, size_t *count);

    // Flat addresses only.
    int (*flat_release)(void *state, mems_addr addr, size_t *requested);
    int (*flat_resize)(void *state, mems_addr addr, size_t size, size_t *before);
    int (*flat_find)(void *state, mems_addr addr, void **host, size_t *span, size_t *requested,
                     size_t *size);

    int (*walk)(void *state, mems_visitor visit, void *arg);
    int (*check)(void *state, struct mems_violation *first); // 0 or EUCLEAN
    void (*totals)(void *state, struct policy_totals *totals);
    const struct lock *(*lock_at)(void *state, size_t index); // NULL past the last
};

extern const struct policy policy_dynamic;
extern const struct policy policy_fixed;

// The table, by index; NULL past the last. And one by name, or NULL.
const struct policy *policy_at(size_t index);
const struct policy *policy_find(const char *name);

#endif
