// SPDX-License-Identifier: MIT
//
// idle.c - memory that idle threads sit on.
//
// 1. What. A thread that is idle comes by no more to give anything back. Two things can be had
//    without it: slabs that are empty, which it has lent (2), and blocks of its slabs that others
//    have released (5).
// 2. Lent slabs. A thread puts a slab that has become empty into its bin's `spare`, and swaps it
//    out again when its class needs one. Whoever holds the depot's lock may swap it out as well: of
//    those who swap one gets it, and there is nobody else who has it. [R:spare] [A:spare]: what the
//    owner did with the slab happens before another cuts it anew. The owner alone puts slabs there,
//    so what was NULL for it stays NULL. `lent` says where to look; it may say too much, and is
//    taken before the places are looked at, so that what is put there meanwhile is said anew.
// 3. Idle. `front_clock` is a clock: it goes on by the granules that the process grows by beyond
//    its peak, and by FRONT_TICK whenever what is old is looked for. A thread notes it when it
//    is out of the way in line. It is idle when the clock has gone on by FRONT_TICK since: so
//    nobody loses a slab that it needs again at once, and threads that use the same few slabs in
//    turn do not take them from each other.
// 4. When. Before the process grows VISITS fronts are looked at, in turn (idle_grow), so that
//    threads that come one after the other, and stay, use the same memory as far as they have none
//    in use; all fronts when the depot looks for what is old; and malloc_trim takes all, idle or
//    not. Fronts are found as records of the pool that they come from. One that was opened while a
//    fork had frozen the depot is not in it, and not looked at.
// 5. Returned blocks. A block that another thread releases waits in its slab's inbox until the
//    slab's owner looks there (ledger.c). An owner that is idle never looks: a thread that has
//    filled the heap, and whose blocks others released, would hold all of it. Only the owner may
//    touch the slab's own bits, and it may be about to. But a block in the inbox is nobody's: the
//    owner hands it out only after taking its bit from there. So who holds the depot's lock takes
//    the bits out of the inbox as an owner would, gives the pages back that only such blocks lie
//    in, and puts the bits back. Meanwhile the owner finds the inbox empty and does without. A
//    block that is released a second time meanwhile is found when its bit is put back, and told of
//    when the lock is released. That is done to slabs whose inbox has not changed between two
//    looks, or to all by malloc_trim. `looked` says how many blocks there were at the last one, and
//    whether their pages went back. [R:inbox] [A:inbox]: what the program did with a block happens
//    before its page goes, and that before it is handed out again.
// 6. Fork. In a child the threads of all other fronts are gone, and their slabs are made orphans
//    (depot_fork.c), lent or not: nothing may be found in those fronts any more.

#include "heap/idle.h"

#include "heap/depot.h"
#include "heap/front.h"
#include "heap/ledger.h"
#include "os/os.h"

#define VISITS 4u

#define MOST_WORDS (GRANULE_BYTES / SLAB_STEP / 64 + 1)
#define PURGED     UINT32_C(0x80000000)

struct taken {
    uint64_t bits[MOST_WORDS];
};

// ---- lent slabs --------------------------------------------------------------------------------

static bool is_idle(const struct front *front)
{
    return load_relaxed(&front_clock) - load_relaxed(&front->came) >= FRONT_TICK;
}

// A slab that is in nobody's hands but here. It may be the other depot's, or of a past era (then
// its bytes alone are of use).
static void lent_end(struct depot *depot, struct granule *slab)
{
    struct depot *home = &depots[slab->depot != 0];
    store_relaxed(&slab->owner, 0);
    if (home == depot && home->number == slab->depot) {
        depot_slab_end(depot, slab);
    } else if (home->number == slab->depot) {
        depot_return(home, slab);
    } else {
        (void)os_purge(extent_host(slab->extent), slab->extent->size);
    }
}

static void lent_take(struct depot *depot, struct front *front)
{
    if (load_relaxed(&front->lent) == 0) {
        return;
    }
    for (uint64_t lent = swap_acquire(&front->lent, 0); lent != 0; lent &= lent - 1) {
        struct front_bin *bin = &front->bin[ledger_lowest(lent)];
        struct granule *slab = swap_acquire(&bin->spare, NULL); // [A:spare]
        if (slab != NULL) {
            lent_end(depot, slab);
        }
    }
}

void idle_grow(struct depot *depot, uint64_t granules)
{
    (void)add_relaxed(&front_clock, granules);
    for (unsigned i = 0; i < VISITS; i++) {
        struct front *front = pool_walk(&depot->front_pool, &depot->visited);
        if (front != NULL && is_idle(front)) {
            lent_take(depot, front);
        }
    }
}

static void fronts_look(struct depot *depot, bool now)
{
    struct pool_place place = {.chunk = NULL};
    for (struct front *front; (front = pool_walk(&depot->front_pool, &place)) != NULL;) {
        if (now || is_idle(front)) {
            lent_take(depot, front);
        }
    }
    (void)add_relaxed(&front_clock, FRONT_TICK);
}

void idle_forget(struct depot *depot, uint64_t survivor)
{
    struct pool_place place = {.chunk = NULL};
    for (struct front *front; (front = pool_walk(&depot->front_pool, &place)) != NULL;) {
        if (load_relaxed(&front->self) != survivor && load_relaxed(&front->self) != 0) {
            store_relaxed(&front->lent, 0);
            store_relaxed(&front->self, 0);
        }
    }
}

// ---- returned blocks ---------------------------------------------------------------------------

static uint32_t count_inbox(const struct granule *slab)
{
    unsigned words = ledger_words(slab);
    uint32_t count = 0;
    for (unsigned word = 0; word < words; word++) {
        count += ledger_bits(load_relaxed(&ledger_returned(slab)[word]));
    }
    return count;
}

// Whether all that lies in [from, to) of the slab is taken, or behind its last block.
static bool all_taken(const struct granule *slab, const struct taken *taken, uint64_t from,
                      uint64_t to)
{
    uint64_t last = (to - 1) / slab->size;
    for (uint64_t slot = from / slab->size; slot <= last && slot < slab->count; slot++) {
        if ((taken->bits[slot >> 6] >> (slot & 63) & 1) == 0) {
            return false;
        }
    }
    return true;
}

static uint64_t purge_pages(const struct granule *slab, const struct taken *taken)
{
    char *host = extent_host(slab->extent);
    uint64_t page = os_page_size(), from = 0, purged = 0;
    for (uint64_t at = 0; at <= GRANULE_BYTES; at += page) {
        if (at < GRANULE_BYTES && all_taken(slab, taken, at, at + page)) {
            continue;
        }
        if (at > from && os_purge(host + from, at - from)) {
            purged += at - from;
        }
        from = at + page;
    }
    return purged;
}

static uint64_t purge_slab(struct depot *depot, struct granule *slab)
{
    struct taken taken;
    unsigned words = ledger_words(slab);
    for (unsigned word = 0; word < words; word++) {
        taken.bits[word] = swap_acquire(&ledger_returned(slab)[word], 0); // [A:inbox]
    }
    uint64_t purged = purge_pages(slab, &taken);
    for (unsigned word = 0; word < words; word++) {
        uint64_t bits = taken.bits[word], twice = 0;
        if (bits != 0) {
            twice = or_acq_rel(&ledger_returned(slab)[word], bits) & bits; // [R:inbox]
        }
        if (twice != 0) {
            uint64_t slot = 64 * (uint64_t)word + ledger_lowest(twice);
            depot->twice = extent_host(slab->extent) + slot * slab->size;
            depot->twice_bytes = slab->size;
        }
    }
    ledger_announce(slab);
    return purged;
}

static uint64_t look_at(struct depot *depot, struct granule *slab, bool now)
{
    struct ledger_inbox *inbox = ledger_inbox(slab);
    uint32_t count = count_inbox(slab), looked = inbox->looked;
    uint64_t purged = 0;
    if (count == 0 || looked == (count | PURGED)) {
        return 0;
    }
    inbox->looked = count;
    if (now || looked == count) {
        purged = purge_slab(depot, slab);
        inbox->looked = count | PURGED;
    }
    return purged;
}

uint64_t idle_look(struct depot *depot, bool now)
{
    uint64_t purged = 0;
    const struct extents *extents = &depot->extents;
    fronts_look(depot, now);
    for (struct extent *i = extents_first(extents); i != NULL; i = extents_next(extents, i)) {
        struct granule *slab = i->tag == EXTENT_BLOCK && i->held ? i->holder : NULL;
        if (slab != NULL && load_relaxed(&slab->kind) == GRANULE_SLAB && granule_has_mail(slab)) {
            purged += look_at(depot, slab, now);
        }
    }
    depot->purged_bytes += purged;
    return purged;
}

uint64_t idle_purge(bool now)
{
    struct depot *depot = depot_lock();
    uint64_t purged = idle_look(depot, now);
    depot_unlock(depot);
    return purged;
}
