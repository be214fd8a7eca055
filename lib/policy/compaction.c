// SPDX-License-Identifier: MIT
//
// compaction.c - when blocks are moved together.
//
// 1. How they move is told in memory/extent_move.c and memory/relocation.c; nobody who uses them
//    ever waits for it. Here is when: on demand (mems_compact), by threshold (`compact_after`: a
//    request that would be refused, or would grow the engine, though enough is free), and in the
//    background (`mover`), where a thread works in rounds of ROUND_NS, each with its share of
//    `mover_budget`.
// 2. Passes. A call repeats passes over an arena while they move blocks and no access came in
//    between. After the first pass with blocks in use there is one more: a block is tried at most
//    twice in a call then. PASSES_MOST bounds a call against a program that allocates and releases
//    faster than blocks move.
// 3. Locking. One mover at a time: the lock of rank LOCK_MOVER is held from a batch's first mark to
//    its last publish, and by a call from begin to end. It is never taken inside a section, so a
//    grace period may be waited for under it. The arenas' locks are not held meanwhile.
// 4. The thread keeps its pass from round to round, with nothing in flight in between; calls have a
//    pass of their own. When a whole pass has moved nothing it rests, twice as long each time up to
//    IDLE_MOST_NS. A walk makes it rest: a block that moves past a walk would be missed, and a
//    program that is quiet may count on its map being exact. (A walk inside a section does not
//    wait for the batch that is in flight: that one may be waiting for the section.)
// 5. Regions that blocks have left go back to the OS when the passes over an arena have ended, or
//    the thread's pass; after a compaction for a request, when the request has had its place.
// 6. Counters are raised when a batch is settled, so CM1 holds at any moment with the lock held.
// 7. If you change this: what runs between two steps of a pass may allocate nothing and must look
//    at `stop`; an engine closes while the thread is anywhere.

#include "policy/compaction.h"

#include <errno.h>

#include "sync/section.h"

#define PASSES_MOST  8
#define ROUND_NS     UINT64_C(10000000)
#define ROUND_MOST   (INT64_C(64) << 20) // bytes, where there is no limit: others want the lock
#define IDLE_MOST_NS UINT64_C(640000000)
#define ROUNDS       (UINT64_C(1000000000) / ROUND_NS) // a second

const char *const compaction_orders[] = {"address", "top", NULL};

void compaction_init(struct compaction *compaction, const struct compaction_settings *settings,
                     void (*arena_at)(void *, size_t, struct compaction_arena *), void *state,
                     size_t arenas, struct regions *regions)
{
    *compaction = (struct compaction){.settings = *settings,
                                      .arena_at = arena_at,
                                      .state = state,
                                      .arenas = arenas,
                                      .regions = regions};
    lock_init(&compaction->lock, LOCK_MOVER, "compaction", 0);
}

// ---- one pass ----------------------------------------------------------------------------------

static void account(struct compaction *compaction, const struct extent_pass *before,
                    const struct extent_pass *pass)
{
    uint64_t moved = pass->moved - before->moved, abandoned = pass->abandoned - before->abandoned;
    count_own(&compaction->moves_tried, moved + abandoned);
    count_own(&compaction->moves_done, moved);
    count_own(&compaction->moves_abandoned, abandoned);
    count_own(&compaction->moved_bytes, pass->moved_bytes - before->moved_bytes);
}

// One step of a pass, with the arena's lock. Called with compaction->lock held.
static bool step(struct compaction *compaction, struct extent_pass *pass, struct lock *arena,
                 uint64_t most)
{
    struct extent_pass before = {
        .moved = pass->moved, .abandoned = pass->abandoned, .moved_bytes = pass->moved_bytes};
    lock_lock(arena);
    bool more = extent_pass_step(pass, most);
    lock_unlock(arena);
    account(compaction, &before, pass);
    if (more) {
        extent_pass_move(pass);
    }
    return more;
}

static void begin(struct compaction *compaction, struct extent_pass *pass,
                  const struct compaction_arena *arena)
{
    lock_lock(arena->lock);
    extent_pass_begin(pass, arena->extents, (enum extent_order)compaction->settings.order);
    lock_unlock(arena->lock);
}

static void end(struct extent_pass *pass, const struct compaction_arena *arena)
{
    lock_lock(arena->lock);
    extent_pass_end(pass);
    lock_unlock(arena->lock);
}

// ---- on demand ---------------------------------------------------------------------------------

// Every pass over one arena that a call makes. 0 or ENOMEM. Called with compaction->lock held.
static int compact_arena(struct compaction *compaction, const struct compaction_arena *arena,
                         struct mems_compaction *done)
{
    struct extent_pass *pass = &compaction->pass;
    bool again = false;
    uint64_t pinned = 0;
    for (unsigned i = 0; i < PASSES_MOST; i++) {
        begin(compaction, pass, arena);
        while (step(compaction, pass, arena->lock, UINT64_MAX)) {
        }
        end(pass, arena);
        done->tried += pass->tried;
        done->moved += pass->moved;
        done->abandoned += pass->abandoned;
        done->moved_bytes += pass->moved_bytes;
        done->grace_waits += pass->waits;
        pinned = pass->pinned;
        if (again || pass->error != 0 || (pass->moved == 0 && pass->abandoned == 0)) {
            break;
        }
        again = pass->abandoned != 0;
    }
    done->pinned += pinned;
    return pass->error;
}

static void count_left(const struct compaction_arena *arena, struct mems_compaction *done)
{
    lock_lock(arena->lock);
    done->holes += arena->extents->hole_count;
    done->free_bytes += arena->extents->free_bytes;
    lock_unlock(arena->lock);
}

int compaction_run(struct compaction *compaction, struct mems_compaction *done)
{
    int error = 0;
    lock_lock(&compaction->lock); // [model:one mover]
    for (size_t i = 0; i < compaction->arenas && error == 0; i++) {
        struct compaction_arena arena;
        compaction->arena_at(compaction->state, i, &arena);
        error = compact_arena(compaction, &arena, done);
        regions_trim(compaction->regions, arena.lock, arena.extents);
        count_left(&arena, done);
    }
    count_own(&compaction->compactions, 1);
    lock_unlock(&compaction->lock);
    return error;
}

// ---- by threshold ------------------------------------------------------------------------------

// Whether so many percent of the free bytes lie outside the largest hole.
static bool is_scattered(const struct compaction *compaction, const struct extents *extents)
{
    uint64_t outside = extents->free_bytes - extents_largest_hole(extents);
    return outside > 0 && outside >= extents->free_bytes / 100 * compaction->settings.after;
}

bool compaction_for(struct compaction *compaction, uint64_t size)
{
    struct mems_compaction done = {0};
    if (compaction->settings.after == 0 || section_inside()) {
        return false;
    }
    lock_lock(&compaction->lock); // [model:one mover]
    bool enough = false, worth = false;
    for (size_t i = 0; i < compaction->arenas; i++) {
        struct compaction_arena arena;
        compaction->arena_at(compaction->state, i, &arena);
        lock_lock(arena.lock);
        bool here = arena.extents->free_bytes >= size;
        enough |= here; // another call may have moved them while this one waited
        here = here && is_scattered(compaction, arena.extents);
        lock_unlock(arena.lock);
        if (here) {
            (void)compact_arena(compaction, &arena, &done); // what moved has moved
            worth = true;
        }
    }
    if (worth) {
        count_own(&compaction->compactions, 1);
    }
    lock_unlock(&compaction->lock);
    return enough;
}

void compaction_trim(struct compaction *compaction)
{
    for (size_t i = 0; i < compaction->arenas; i++) {
        struct compaction_arena arena;
        compaction->arena_at(compaction->state, i, &arena);
        regions_trim(compaction->regions, arena.lock, arena.extents);
    }
}

// ---- in the background -------------------------------------------------------------------------

static bool stopping(const struct compaction *compaction)
{
    return load_acquire(&compaction->stop) != 0; // [A:mover stop]
}

// Stopping, or a walk is under way.
static bool is_held(const struct compaction *compaction)
{
    return stopping(compaction) || load_relaxed(&compaction->walks) != 0;
}

static void background_end(struct compaction *compaction, const struct compaction_arena *arena)
{
    end(&compaction->background, arena);
    regions_trim(compaction->regions, arena->lock, arena->extents);
    compaction->open = false;
    compaction->fruitful |= compaction->background.moved > 0;
    compaction->next++;
}

// Batches of one arena until its pass is over or the credit is used up.
static void round_arena(struct compaction *compaction, int64_t *credit)
{
    struct compaction_arena arena;
    struct extent_pass *pass = &compaction->background;
    compaction->arena_at(compaction->state, compaction->next, &arena);
    if (!compaction->open) {
        lock_lock(arena.lock);
        bool worth = is_scattered(compaction, arena.extents);
        lock_unlock(arena.lock);
        if (!worth) {
            compaction->next++;
            return;
        }
        begin(compaction, pass, &arena);
        compaction->open = true;
    }
    bool more = true;
    while (more && (*credit > 0 || !extent_pass_resting(pass))) {
        uint64_t before = pass->moved_bytes;
        bool rest = *credit <= 0 || is_held(compaction);
        more = step(compaction, pass, arena.lock, rest ? 0 : (uint64_t)*credit);
        *credit -= (int64_t)(pass->moved_bytes - before);
        if (rest && extent_pass_resting(pass)) {
            break;
        }
    }
    if (!more) {
        background_end(compaction, &arena);
    }
}

// One round. false: every arena was gone through, and nothing could be moved.
static bool mover_round(struct compaction *compaction, int64_t *credit)
{
    bool busy = true;
    lock_lock(&compaction->lock); // [model:one mover]
    while (*credit > 0 && !is_held(compaction)) {
        if (compaction->next >= compaction->arenas) {
            busy = compaction->fruitful;
            count_own(&compaction->compactions, compaction->fruitful);
            compaction->fruitful = false;
            compaction->next = 0;
            break;
        }
        round_arena(compaction, credit);
    }
    lock_unlock(&compaction->lock);
    return busy;
}

static void mover_main(void *arg)
{
    struct compaction *compaction = arg;
    uint64_t share = compaction->settings.budget / ROUNDS;
    int64_t full = compaction->settings.budget == 0 ? ROUND_MOST : (int64_t)(share > 0 ? share : 1);
    int64_t credit = full;
    uint64_t pause = ROUND_NS;
    while (!stopping(compaction)) {
        bool busy = mover_round(compaction, &credit);
        // What a block was larger than the credit is paid off first.
        credit = credit < 0 ? credit + full : full;
        pause = busy ? ROUND_NS : pause * 2 < IDLE_MOST_NS ? pause * 2 : IDLE_MOST_NS;
        if (!busy || compaction->settings.budget != 0) {
            os_wait(&compaction->stop, 0, pause);
        } else {
            os_yield();
        }
    }
}

int compaction_start(struct compaction *compaction, struct printer *complaint)
{
    if (!compaction->settings.mover) {
        return 0;
    }
    compaction->running = os_thread_start(&compaction->thread, mover_main, compaction);
    if (!compaction->running) {
        print_text(complaint, "mover=yes: the operating system starts no further thread");
        return ENOMEM;
    }
    return 0;
}

void compaction_fini(struct compaction *compaction)
{
    if (compaction->running) {
        store_release(&compaction->stop, 1); // [R:mover stop]
        os_wake(&compaction->stop, 1);
        os_thread_join(&compaction->thread);
        compaction->running = false;
    }
}

// ---- walks and counters ------------------------------------------------------------------------

static void walks_add(struct compaction *compaction, uint32_t n)
{
    bool wait = !section_inside(); // the lock's holder may be waiting for this section
    if (compaction->settings.mover && wait) {
        lock_lock(&compaction->lock);
    }
    (void)add_relaxed(&compaction->walks, n);
    if (compaction->settings.mover && wait) {
        lock_unlock(&compaction->lock);
    }
}

void compaction_walk_begin(struct compaction *compaction)
{
    walks_add(compaction, 1);
}

void compaction_walk_end(struct compaction *compaction)
{
    walks_add(compaction, UINT32_MAX); // one less
}

void compaction_totals(const struct compaction *compaction, struct policy_totals *totals)
{
    totals->compactions += load_relaxed(&compaction->compactions);
    totals->moves_done += load_relaxed(&compaction->moves_done);
    totals->moves_abandoned += load_relaxed(&compaction->moves_abandoned);
    totals->moves_tried = totals->moves_done + totals->moves_abandoned;
    totals->moved_bytes += load_relaxed(&compaction->moved_bytes);
}
