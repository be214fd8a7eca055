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
// only one thread at a time has. Few are told by few words: who finds another's there is none the
// worse.
#define LATELY 256
static struct front *lately[LATELY]; // [atomic]

static struct front **lately_of(uint64_t self)
{
    return &lately[(self >> 12 ^ self >> 20) % LATELY];
}

struct front *front_open(uint64_t self)
{
    struct front *front = load_acquire(lately_of(self)); // [A:lately]
    if (front != NULL && load_relaxed(&front->self) == self) {
        return front;
    }
    front = depot_front_open(sizeof(struct front));
    if (front != NULL) {
        front_init(front, self, &front_of_depot);
        store_release(lately_of(self), front); // [R:lately]
    }
    return front;
}

static void lately_not(struct front *front)
{
    struct front *expected = front;
    (void)cas_relaxed(lately_of(front->self), &expected, NULL);
    store_relaxed(&front->self, 0);
}

void front_forget(uint64_t survivor)
{
    for (unsigned i = 0; i < LATELY; i++) {
        if (lately[i] != NULL && lately[i]->self != survivor) {
            lately[i] = NULL;
        }
    }
}

void front_close(struct front *front)
{
    front_leave(front);
    lately_not(front);
    depot_front_close(front);
}
