// SPDX-License-Identifier: MIT
//
// depot_thread.c - what the depot keeps for threads: memory for their fronts, and slabs of those
// that have ended.
//
// An orphan is a slab that nobody owns and that still has blocks in use. Strangers return them as
// ever; a thread that needs a slab of the class takes it over; one that has become empty ends when
// the depot next looks at what is old (depot.c).

#include "heap/depot.h"
#include "heap/front.h"
#include "heap/orphan.h"
#include "heap/sin.h"

struct front *depot_front_open(size_t bytes)
{
    struct depot *depot = depot_lock();
    if (depot->front_pool.record == 0) {
        pool_init(&depot->front_pool, bytes);
    }
    struct front *front = pool_take(&depot->front_pool);
    (void)add_relaxed(&front_count, front != NULL);
    depot_unlock(depot);
    return front;
}

static struct front *front_find(const struct depot *depot, uint64_t self)
{
    struct pool_place place = {.chunk = NULL};
    struct front *front = NULL;
    if (depot->front_pool.record != 0) {
        do {
            front = pool_walk(&depot->front_pool, &place);
        } while (front != NULL && load_relaxed(&front->self) != self);
    }
    return front;
}

bool depot_front_find(uint64_t self, struct front **front)
{
    depot_settle();
    if (!depot_lock_this(&depots[0])) {
        return false;
    }
    *front = front_find(&depots[0], self);
    depot_unlock(&depots[0]);
    if (*front == NULL) {
        (void)depot_lock_this(&depots[1]);
        *front = front_find(&depots[1], self);
        depot_unlock(&depots[1]);
    }
    return true;
}

void depot_front_close(struct front *front)
{
    struct depot *depot = depot_lock();
    (void)add_relaxed(&front_count, UINT32_MAX);
    if (depot->front_pool.record != 0) { // else it is the frozen one's: lost, once a fork
        pool_give(&depot->front_pool, front);
    }
    depot_unlock(depot);
}

// As ledger_collect, where twice is a sin.
static void take_in(struct granule *slab)
{
    uint32_t twice;
    (void)ledger_collect(slab, &twice);
    if (twice != SLOT_NONE) {
        sin_twice_at(slab, twice);
    }
}

void depot_orphan_push(struct depot *depot, struct granule *slab)
{
    orphan_push(&depot->orphans[slab->class], &depot->orphan_count[slab->class], slab);
}

void depot_orphans_put(struct list *slabs)
{
    struct depot *depot = depot_lock();
    while (!list_empty(slabs)) {
        struct granule *slab = container_of(slabs->next, struct granule, ring);
        list_remove(&slab->ring);
        (void)orphan_make(slab);
        depot_orphan_push(depot, slab);
    }
    depot_unlock(depot);
}

static struct granule *orphan_find(struct depot *depot, unsigned class, uint64_t self)
{
    return orphan_adopt(&depot->orphans[class], &depot->orphan_count[class], self);
}

struct granule *depot_orphan_get(unsigned class, uint64_t self)
{
    struct granule *found = NULL;
    if (load_relaxed(&depots[0].orphan_count[class]) != 0) {
        struct depot *depot = depot_lock();
        found = orphan_find(depot, class, self);
        depot_unlock(depot);
    }
    if (found == NULL && load_relaxed(&depots[1].orphan_count[class]) != 0) {
        struct depot *depot = &depots[1]; // those of threads that ended in a freeze
        (void)depot_lock_this(depot);
        found = orphan_find(depot, class, self);
        depot_unlock(depot);
    }
    return found;
}

// Slabs that nobody owns, and whose last blocks strangers have returned, are of use to all.
void depot_orphans_end(struct depot *depot)
{
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        struct list *orphans = &depot->orphans[class];
        for (struct list *i = orphans->next, *next; i != orphans; i = next) {
            struct granule *slab = container_of(i, struct granule, ring);
            next = i->next;
            take_in(slab);
            if (slab->depot == depot->number && ledger_is_empty(slab)) {
                orphan_remove(&depot->orphan_count[class], slab);
                depot_slab_end(depot, slab);
            }
        }
    }
}
