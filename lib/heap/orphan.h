// SPDX-License-Identifier: MIT
//
// orphan.h - slabs that nobody owns and that have blocks in use: a list a class, and how many.
//
// Called with the lock of who keeps the list; the count may be read without it. Strangers return an
// orphan's blocks as ever.

#ifndef HEAP_ORPHAN_H
#define HEAP_ORPHAN_H

#include "heap/granule.h"

// A slab that is in no list becomes nobody's. Whether there is mail in it: its owner may have taken
// in what was returned before that, and nobody has since.
bool orphan_make(struct granule *slab);
void orphan_push(struct list *orphans, uint32_t *count, struct granule *slab);
void orphan_remove(uint32_t *count, struct granule *slab);
// One with a free block, or with mail, owned by `self` now; or NULL.
struct granule *orphan_adopt(struct list *orphans, uint32_t *count, uint64_t self);

#endif
