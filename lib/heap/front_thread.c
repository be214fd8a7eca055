// SPDX-License-Identifier: MIT
//
// front_thread.c - the fronts of the process's threads: how they come and go.

#include "heap/depot.h"
#include "heap/front.h"

__thread struct front *front_here = &front_none;

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
            front_init(front, self);
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
