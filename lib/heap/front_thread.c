// SPDX-License-Identifier: MIT
//
// front_thread.c - the fronts of the process's threads: how they come and go.

#include "heap/depot.h"
#include "heap/front.h"

__thread struct front *front_here = &front_none;

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
        front_init(front, self);
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
