// SPDX-License-Identifier: MIT
//
// swap.h - where pages go that have no frame: slots of one page each, in a file without a name.
//
// The essay is in swap.c. Slots are taken, shared and left by the policy; several pages may name
// one slot (they were shared while they were out), and a page in a frame may keep its slot, so that
// it need not be written again while it is clean.

#ifndef MEMORY_SWAP_H
#define MEMORY_SWAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bitmap.h"
#include "sync/lock.h"

#define SWAP_NONE  UINT32_MAX
#define SWAP_SLOTS (UINT32_MAX - 1) // at most

// back.count + used + (count - fresh) == count                                                 (W1)
// a slot below fresh is in `back` == it has no users                                           (W2)
struct swap {
    struct lock lock; // rank LOCK_FRAMES, above the frames'
    int file;
    unsigned page_bits; // [ro]
    uint32_t count;     // [ro] slots; 0: there is no file
    uint32_t fresh;     // [lock] slots from here on were never used
    uint32_t used;      // [lock]
    struct bitmap back; // [lock] free, used before
    uint32_t *users;    // [lock] of each slot
    size_t mapped;      // [ro]
};

// The file's folder as for os_file_open. An errno value says why it cannot be; nothing is left.
int swap_open(struct swap *swap, const char *folder, size_t length, uint32_t count,
              unsigned page_bits);
void swap_close(struct swap *swap);

uint32_t swap_take(struct swap *swap); // a free slot, its user is the caller; SWAP_NONE: all used
void swap_share(struct swap *swap, uint32_t slot); // one user more
void swap_leave(struct swap *swap, uint32_t slot); // one less; the last one frees it
uint32_t swap_users(struct swap *swap, uint32_t slot);
uint32_t swap_used(struct swap *swap);

// 0; EIO or, writing, ENOSPC.
int swap_read(struct swap *swap, uint32_t slot, void *page);
int swap_write(struct swap *swap, uint32_t slot, const void *page);

const char *swap_check(struct swap *swap); // NULL, or the invariant that does not hold; O(slots)

#endif
