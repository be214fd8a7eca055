// SPDX-License-Identifier: MIT
//
// inject.c - makes the Nth call of a seam fail.
//
// Each call draws its number from one atomic counter, so exactly one call has the number N however
// many threads call. All orders are relaxed: nothing but the counts travels through them. Arming
// while other threads are inside the library is harmless, but then which call is the first after
// it is a matter of luck. A call that does not fail costs one atomic addition beside a system call.

#include "os/inject.h"

#include <stddef.h>

struct inject_seam {
    uint64_t nth;          // [atomic] 0: disarmed
    uint64_t from_then_on; // [atomic] 0 or 1
    uint64_t calls;        // [atomic]
    uint64_t hits;         // [atomic]
};

static struct inject_seam seams[MEMS_SEAM_COUNT];

bool inject_fails(enum mems_seam seam)
{
    struct inject_seam *s = &seams[seam];
    uint64_t call = __atomic_add_fetch(&s->calls, 1, __ATOMIC_RELAXED);
    uint64_t nth = __atomic_load_n(&s->nth, __ATOMIC_RELAXED);
    if (nth == 0 || call < nth) {
        return false;
    }
    if (call > nth && __atomic_load_n(&s->from_then_on, __ATOMIC_RELAXED) == 0) {
        return false;
    }
    __atomic_fetch_add(&s->hits, 1, __ATOMIC_RELAXED);
    return true;
}

static struct inject_seam *seam_of(enum mems_seam seam)
{
    return (unsigned)seam < MEMS_SEAM_COUNT ? &seams[seam] : NULL;
}

void mems_inject(enum mems_seam seam, uint64_t nth, int from_then_on)
{
    struct inject_seam *s = seam_of(seam);
    if (s == NULL) {
        return;
    }
    __atomic_store_n(&s->nth, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&s->from_then_on, from_then_on != 0, __ATOMIC_RELAXED);
    __atomic_store_n(&s->calls, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&s->hits, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&s->nth, nth, __ATOMIC_RELAXED);
}

uint64_t mems_inject_calls(enum mems_seam seam)
{
    const struct inject_seam *s = seam_of(seam);
    return s == NULL ? 0 : __atomic_load_n(&s->calls, __ATOMIC_RELAXED);
}

uint64_t mems_inject_hits(enum mems_seam seam)
{
    const struct inject_seam *s = seam_of(seam);
    return s == NULL ? 0 : __atomic_load_n(&s->hits, __ATOMIC_RELAXED);
}
