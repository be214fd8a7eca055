// SPDX-License-Identifier: MIT
//
// front_thread.c - the fronts of the process's threads, whose slabs come from the depot.

#include "heap/depot.h"
#include "heap/front.h"
#include "heap/sin.h"

__thread struct front *front_here = &front_none;

// ---- the depot as a source ---------------------------------------------------------------------

static struct granule *slab_open(struct front *front, unsigned class)
{
    return depot_slab_open(class, front->self);
}

static void slab_close(struct front *front, struct granule *slab)
{
    (void)front;
    depot_slab_close(slab);
}

static struct granule *orphan_get(struct front *front, unsigned class)
{
    return depot_orphan_get(class, front->self);
}

static void orphans_put(struct front *front, struct list *slabs)
{
    (void)front;
    depot_orphans_put(slabs);
}

static void twice(struct front *front, const struct granule *slab, uint32_t slot)
{
    (void)front;
    sin_twice_at(slab, slot);
}

const struct front_source front_of_depot = {
    .slab_open = slab_open,
    .slab_close = slab_close,
    .orphan_get = orphan_get,
    .orphans_put = orphans_put,
    .twice = twice,
};

// ---- opening and closing -----------------------------------------------------------------------

// A front whose thread has ended without closing it is the next one's that has the same `self`:
// only one thread at a time has, and the slabs are its own by that. All open fronts are looked
// through for it, but where these counts, by few bits of `self`, say that there is none.
#define COUNTS 1024
static uint32_t counts[COUNTS]; // [atomic]

static uint32_t *count_of(uint64_t self)
{
    return &counts[(self >> 12 ^ self >> 20) % COUNTS];
}

struct front *front_open(uint64_t self)
{
    struct front *front = NULL;
    if (load_relaxed(count_of(self)) != 0 && !depot_front_find(self, &front)) {
        return NULL;
    }
    if (front == NULL) {
        front = depot_front_open(sizeof(struct front));
        if (front != NULL) {
            front_init(front, self, &front_of_depot);
            (void)add_relaxed(count_of(self), 1);
        }
    }
    return front;
}

void front_forget(uint64_t survivor, bool has_front)
{
    for (unsigned i = 0; i < COUNTS; i++) {
        store_relaxed(&counts[i], 0);
    }
    store_relaxed(count_of(survivor), has_front);
}

void front_close(struct front *front)
{
    uint64_t self = front->self;
    front_leave(front);
    store_relaxed(&front->self, 0);
    (void)add_relaxed(count_of(self), UINT32_MAX);
    depot_front_close(front);
}
