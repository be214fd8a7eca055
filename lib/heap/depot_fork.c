// SPDX-License-Identifier: MIT
//
// depot_fork.c - the depot and fork.
//
// 1. Theory. A child has one thread, and the memory as it was: also what another thread was in the
//    middle of changing, and locks that nobody is there to give back. The usual way, to take every
//    lock before the fork and give it back after, hangs where another thread holds a lock of
//    libc's that fork wants, and waits for memory. Here a fork waits for the depot's holder, who
//    waits for nothing, and then freezes the depot: other threads go on with the second depot.
// 2. Several forks at once share one freeze; the last one done ends it.
// 3. In the child the first depot is whole. The second may have been left in the middle of a
//    change: it is begun anew under another number, its era; blocks of an earlier era stay good,
//    and their bytes, but not their addresses, are of use when they are released.
// 4. Slabs of threads that are gone: their ledgers are right, word by word, whatever their threads
//    were doing; blocks on the way between a thread and its program are lost. They become
//    orphans at once, for a thread that the child starts may stand where a gone one stood (libc
//    keeps stacks), and would pass for the owner of its slabs. Where no thread but the survivor had
//    any, that waits until the child first comes to the depot: not in children that only exec.
//    Slabs on the way between a thread and the depot have no owner and are in no list, so the lists
//    are made anew: all that is not the survivor's. A large block on that way is one that has been
//    closed and is still there: it goes on to `returned`.
// 5. A fork inside a signal handler may interrupt the depot's own holder, who does not go on before
//    the handler returns. The lock says so exactly (lock_is_mine). Then nobody is waited for: the
//    depot is frozen as it is, and that thread goes on with its change afterwards, in the parent,
//    and in the child as well, whose first depot stays frozen until then (depot_thaw_late). Nobody
//    shares such a freeze: another fork's child would have the change and not the thread. Likewise
//    for the common front: where this thread was taking from it in the child, it is neither begun
//    anew nor buried. A handler may also interrupt a thread that is about to close a slab or a
//    large block (depot_hand): that goes on in the same way. The second depot cannot be frozen: who
//    has it runs no handlers meanwhile.
// 6. Whether one is in a child tells a page that fork wipes and vfork shares; a number of a process
//    would not, for who runs after vfork has another one and the parent's memory.

#include "heap/common.h"
#include "heap/depot.h"
#include "heap/front.h"
#include "os/os.h"
#include "sync/thread.h"

static uint32_t *witness; // [ro] 1; in a child that has not settled 0. NULL: there is none

__thread uint32_t depot_interrupted;

// One of several forks, or the first.
static void share(struct depot *depot)
{
    bool done = false;
    while (!done) {
        uint32_t forks = load_relaxed(&depot->frozen);
        if (forks == 0) {
            done = lock_freeze(&depot->lock, &depot->frozen, 1);
        } else if ((forks & DEPOT_ALONE) != 0) {
            os_wait(&depot->frozen, forks, 0);
        } else {
            done = cas_acquire(&depot->frozen, &forks, forks + 1);
        }
    }
}

// A handler does not interrupt this: its fork would.
void depot_freeze(void)
{
    struct depot *depot = &depots[0];
    uint64_t before = os_signals_block();
    if (depot_interrupted != 0 || lock_is_mine(&depot->lock)) {
        if (depot_interrupted++ == 0) {
            lock_freeze_mine(&depot->lock, &depot->frozen, DEPOT_ALONE);
        }
    } else {
        share(depot);
    }
    os_signals_restore(before);
}

void depot_thaw(void)
{
    struct depot *depot = &depots[0];
    uint64_t before = os_signals_block();
    if (depot_interrupted != 0) {
        if (--depot_interrupted == 0) {
            lock_thaw_mine(&depot->lock);
            store_release(&depot->frozen, 0);
            os_wake(&depot->frozen, UINT32_MAX);
        }
    } else if (add_acq_rel(&depot->frozen, UINT32_MAX) == 1) {
        lock_thaw(&depot->lock);
    }
    os_signals_restore(before);
}

void depot_fork_init(void)
{
    witness = os_map_for_parent();
    if (witness != NULL) {
        *witness = 1;
    }
}

void depot_settle_slow(void)
{
    if (witness != NULL && *witness == 0) {
        depot_thaw_child();
    }
}

static void second_reset(void)
{
    struct depot *second = &depots[1];
    uint8_t era = (uint8_t)(second->number % 255 + 1);
    *second = (struct depot){.number = era};
    lock_init(&second->lock, LOCK_POLICY, "heap.aside", 1);
}

// The first depot is in use again, but for what threads had that are gone.
static void first_thaw(void)
{
    struct depot *first = &depots[0];
    bool has_front = front_here != &front_none; // else no slab is this thread's, whoever stood here
    uint64_t self = has_front ? thread_self() : UINT64_MAX;
    front_forget(self);
    first->survivor = self;
    first->spared = depot_hand;
    first->common_lives = common_is_mine();
    lock_init(&first->lock, LOCK_POLICY, first->lock.name, first->lock.number);
    store_release(&first->frozen, 0);
    if (load_relaxed(&depot_fronts) > has_front) {
        depot_unlock(depot_lock());
    }
    store_relaxed(&depot_fronts, has_front);
}

void depot_thaw_child(void)
{
    uint64_t before = os_signals_block();
    if (witness != NULL) {
        *witness = 1;
    }
    if (load_relaxed(&depots[0].frozen) != 0) { // else somebody came before libc did
        common_reset();
        second_reset();
        if (depot_interrupted == 0) {
            first_thaw();
        }
    }
    os_signals_restore(before);
}

void depot_thaw_late(void)
{
    depot_interrupted = 0;
    first_thaw();
}

// Empties the lists of orphans but for those of the second depot's past, which no walk finds.
static void orphans_forget(struct depot *depot)
{
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        uint32_t count = depot->orphan_count[class];
        store_relaxed(&depot->orphan_count[class], 0);
        for (; count > 0; count--) {
            struct granule *slab = container_of(depot->orphans[class].next, struct granule, ring);
            list_remove(&slab->ring);
            if (slab->depot != depot->number) {
                depot_orphan_push(depot, slab);
            }
        }
    }
}

// What a thread that is gone had in its hands.
static void bury(struct depot *depot, struct granule *record, uint64_t survivor)
{
    uint64_t owner = granule_owner(record);
    if (record == depot->spared || (owner == COMMON_SELF && depot->common_lives)) {
        return;
    }
    if (record->kind == GRANULE_SLAB && owner != survivor) {
        (void)and_acq_rel(&record->owner, GRANULE_MAIL);
        depot_orphan_push(depot, record);
    } else if (record->kind == GRANULE_PAST_LARGE) {
        depot_return(depot, record);
    }
}

void depot_bury(struct depot *depot)
{
    uint64_t survivor = depot->survivor;
    depot->survivor = 0;
    orphans_forget(depot);
    const struct extents *extents = &depot->extents;
    for (struct extent *i = extents_first(extents); i != NULL; i = extents_next(extents, i)) {
        if (i->tag == EXTENT_BLOCK && i->held) {
            bury(depot, i->holder, survivor);
        }
    }
    depot->spared = NULL;
}
