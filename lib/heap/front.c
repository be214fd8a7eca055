// SPDX-License-Identifier: MIT
//
// front.c - a thread's own slabs.
//
// 1. Theory. A thread allocates from slabs that it owns, so that nothing on its way is shared
//    (Hoard's per-thread heaps, Berger and others 2000, without a lock on them). A class's slabs
//    stand in a ring. Blocks come from one word of one of them, lowest first, until the word has
//    none; then from the next word that has some, and so on in one round through the slab. Before
//    a word is used for the first time those below it are looked at again: one with HARVEST free
//    blocks is better. So used blocks stay together, pages that need not be touched are not, and
//    a word is worth the step to it.
// 2. The walk. There is no list of slabs with free blocks, and so no step on release that puts a
//    slab into one. After a round the slab itself and then the next WALK of the ring are looked at,
//    each first taking in what strangers returned; the first with one block in WORTH free is worth
//    a round. (The fullest of them was measured as well: scattered blocks of up to 16 KiB then take
//    three quarters more instructions, and the same memory.) Of blocks above 256 bytes, whose bits
//    are soon counted, slabs that are empty go back. Where none is worth it, the spare one (empty),
//    an orphan of the class, or a new slab follows. The ring is gone on with next time, so every
//    slab comes up; a heap that grows looks at WALK slabs for each new one; and what stays unused
//    is at most one block in WORTH, and what was released behind the walk.
// 3. Empty slabs. ledger->left counts releases down; when the slab is not the current one it comes
//    to 0 exactly when its last block is released (by its owner; what strangers return is seen in
//    the walk). One such slab is the bin's spare, and the depot gets the others. A spare slab is
//    lent: it is in no ring, and who swaps it away has it, the owner when the class needs one or
//    another for whom it is idle (idle.c).
// 4. Empty current slabs. The way in line counts releases but not what it takes, so a current slab
//    has at least as many used slots as `left` says: when that comes to 0 they are counted again.
//    An empty one becomes the spare, and its class waits, with no current slab, for a next request;
//    where its thread is idle from then on another has the slab. What the counting and coming
//    back cost (some 60 and 200 instructions) must not be paid by who allocates and releases one
//    block again and again. So FRONT_KEPT bins of a thread are lax, they may sit on an empty slab:
//    every KEEP_EVERY-th bin that is looked at with hardly a block in use takes the place of the
//    one that has been lax longest. A thread that has looked LOOKS_MOST times since a tick of
//    idle.c's clock is lax altogether until the next one (half a decay, or 4 MiB of growth), so
//    that looking costs a busy thread little; one that stops right then sits on what it has. And
//    where threads are few there is little to be had: all bins are lax.
// 5. First touch. A class that has POPULATE slabs will use up its next: the pages that its blocks
//    lie in are asked for at once, instead of by sixteen faults.
// 6. Sources. Slabs come from what is behind the front, a table of functions for slow paths only:
//    the process's depot (front_thread.c), or a space of the engine's slab policy
//    (policy/slab_run.c), which keeps a word for each block, its descriptor, behind a slab's
//    record: its tag. The depot's slabs have no tags, and nobody looks at theirs.
// 7. Locking. None: everything here is the thread's. The source locks.

#include "heap/front.h"

#include <string.h>

#include "base/bits.h"
#include "memory/extent.h"
#include "os/os.h"

#ifdef MEMS_HOSTILE
#define WALK 2u
#else
#define WALK 8u
#endif
#define WORTH     16u
#define HARVEST   8u
#define FEW_WORDS 4u // of blocks above 256 bytes: all of them are looked at
#define POPULATE  4u // slabs of a class, from which on a new one is touched at once

#ifdef MEMS_HOSTILE
#define FEW_THREADS 1u
#else
#define FEW_THREADS 16u // with up to so many every bin is lax
#endif
#define FEW_USED   4u  // blocks: a look at a slab with so few comes again at once
#define ENOUGH     16u // blocks: where there are more in use, that will do until the next look
#define KEEP_EVERY 4u
#define LOOKS_MOST 4096u

static uint64_t front_nothing; // a word without bits, never written

struct front front_none = {
    .entry = {[0 ... FRONT_ENTRIES - 1] = {.word = &front_nothing}},
};

uint32_t front_count;
uint64_t front_clock;

// ---- opening and closing -----------------------------------------------------------------------

void front_init(struct front *front, uint64_t self, const struct front_source *source)
{
    memcpy(front->entry, front_none.entry, sizeof front->entry);
    memset(front->kept, 0, sizeof front->kept);
    front->turn = front->looks = 0;
    front->since = load_relaxed(&front_clock);
    store_relaxed(&front->lent, 0);
    store_relaxed(&front->came, front->since);
    store_relaxed(&front->self, self);
    front->source = source;
    uint32_t next = FRONT_DIRECT / FRONT_STEP + 1;
    for (unsigned class = 0, from = 0; class < SLAB_CLASSES; class ++) {
        struct front_bin *bin = &front->bin[class];
        uint32_t size = slab_class_size(class);
        bin->current = NULL;
        store_relaxed(&bin->spare, NULL);
        bin->slabs = 0;
        bin->lax = false;
        if (size <= FRONT_DIRECT) {
            bin->first = from;
            bin->last = size / FRONT_STEP;
            from = bin->last + 1;
        } else {
            bin->first = bin->last = next++;
        }
    }
}

// ---- rings -------------------------------------------------------------------------------------

static struct granule *ring_next(const struct granule *slab)
{
    return container_of(slab->ring.next, struct granule, ring);
}

// Behind `after`; NULL: it is the first.
static void ring_insert(struct front_bin *bin, struct granule *after, struct granule *slab)
{
    if (after == NULL) {
        list_init(&slab->ring);
    } else {
        list_insert_after(&after->ring, &slab->ring);
    }
    bin->slabs++;
}

static void ring_remove(struct front_bin *bin, struct granule *slab)
{
    list_remove(&slab->ring);
    bin->slabs--;
}

// ---- spare slabs -------------------------------------------------------------------------------

// Whoever looks for it sees the spare slab or the bit, or is seen to have taken the bit away.
static void spare_put(struct front *front, struct front_bin *bin, struct granule *slab)
{
    uint64_t bit = UINT64_C(1) << slab->class;
    slab->ledger->left = LEDGER_FAR;
    (void)swap_acq_rel(&bin->spare, slab); // [R:spare]
    if ((load_relaxed(&front->lent) & bit) == 0) {
        (void)or_acq_rel(&front->lent, bit);
    }
}

// It is the owner's again; NULL: there is none.
static struct granule *spare_take(struct front_bin *bin)
{
    return load_relaxed(&bin->spare) != NULL ? swap_acquire(&bin->spare, NULL) : NULL; // [A:spare]
}

struct granule *front_borrow(struct front *front)
{
    for (uint64_t lent = load_relaxed(&front->lent); lent != 0; lent &= lent - 1) {
        struct granule *slab = spare_take(&front->bin[ledger_lowest(lent)]);
        if (slab != NULL) {
            return slab;
        }
    }
    return NULL;
}

static void slab_back(struct front *front, struct front_bin *bin, struct granule *slab)
{
    ring_remove(bin, slab);
    front->source->slab_close(front, slab);
}

// A slab of the ring that is empty is the spare one, or goes back.
static void put_by(struct front *front, struct front_bin *bin, struct granule *slab)
{
    if (load_relaxed(&bin->spare) != NULL) {
        slab_back(front, bin, slab);
    } else {
        ring_remove(bin, slab);
        spare_put(front, bin, slab);
    }
}

// ---- the current slab --------------------------------------------------------------------------

// No slab: no bits.
static void set_entries(struct front *front, const struct front_bin *bin, struct granule *slab,
                        unsigned word)
{
    struct front_entry entry = {.word = &front_nothing};
    if (slab != NULL) {
        void **tags = (void **)(void *)((char *)slab + front->source->tags);
        uint64_t first = UINT64_C(64) * word;
        entry = (struct front_entry){.word = &slab->ledger->free[word],
                                     .base = extent_host(slab->extent) + first * slab->size,
                                     .size = slab->size,
                                     .tags = tags + first};
    }
    for (uint32_t i = bin->first; i <= bin->last; i++) {
        front->entry[i] = entry;
    }
}

// Of the words below `end`, one with HARVEST free blocks; or -1.
static int rich_word(const struct granule *slab, unsigned end)
{
    for (unsigned word = 0; word < end; word++) {
        uint64_t bits = ledger_real(slab, word);
        if (bits != 0 && ledger_bits(bits) >= HARVEST) {
            return (int)word;
        }
    }
    return -1;
}

// The next word to take from, at or after `word`; a rich one before it is better than the first use
// of one. -1: none is left in this round.
static int next_word(const struct granule *slab, unsigned word, bool above)
{
    unsigned words = ledger_words(slab);
    struct ledger *ledger = slab->ledger;
    for (; word < words; word++) {
        if (!above && word >= ledger->fresh) {
            int rich = rich_word(slab, ledger->fresh);
            if (rich >= 0) {
                return rich;
            }
            ledger->fresh = word + 1;
        }
        if (ledger_real(slab, word) != 0) {
            return (int)word;
        }
    }
    return -1;
}

static bool aim(struct front *front, struct front_bin *bin, struct granule *slab, unsigned from)
{
    int word = next_word(slab, from, slab->size > FRONT_DIRECT);
    if (word < 0) {
        return false;
    }
    set_entries(front, bin, slab, (unsigned)word);
    return true;
}

// What strangers have returned is the owner's again.
static void collect(struct front *front, struct granule *slab)
{
    uint32_t twice = SLOT_NONE;
    unsigned count = granule_has_mail(slab) ? ledger_collect(slab, &twice) : 0;
    if (twice != SLOT_NONE) {
        front->source->twice(front, slab, twice);
    }
    if (count != 0) {
        uint32_t left = slab->ledger->left;
        slab->ledger->left = left > count ? left - count : 1;
    }
}

// From now on nothing is taken from it.
static void leave(struct granule *slab)
{
    slab->ledger->left = slab->count - ledger_count(slab, UINT32_MAX);
}

static bool is_lax(const struct front *front, const struct front_bin *bin)
{
    return __builtin_expect(load_relaxed(&front_count) <= FEW_THREADS, 1) ||
           front->looks >= LOOKS_MOST || front_keeps(front, bin);
}

// When the current slab is looked at again, where `used` blocks of it are in use.
static void set_left(const struct front_bin *bin, unsigned used)
{
    bin->current->ledger->left = bin->lax ? LEDGER_FAR : used + (used == 0);
}

// From now on blocks are taken from it: false: it has none. Its entries are words of the current
// slab, also then.
static bool enter(struct front *front, struct front_bin *bin, struct granule *slab)
{
    collect(front, slab);
    bin->current = slab;
    bin->lax = is_lax(front, bin);
    set_left(bin, bin->lax ? 0 : ledger_used(slab, ENOUGH));
    bool aimed = aim(front, bin, slab, 0);
    if (!aimed) {
        set_entries(front, bin, slab, 0);
    }
    return aimed;
}

// ---- another slab ------------------------------------------------------------------------------

// Free blocks that a slab must have to be worth a round.
static unsigned worth_of(const struct granule *slab)
{
    return slab->count / WORTH + 1u;
}

// The first of the next slabs in the ring that is worth it; *last is the last one looked at.
static struct granule *walk(struct front *front, struct front_bin *bin, struct granule **last)
{
    struct granule *slab = ring_next(bin->current);
    for (unsigned i = 0; i < WALK && slab != bin->current; i++) {
        struct granule *next = ring_next(slab);
        collect(front, slab);
        unsigned worth = worth_of(slab);
        bool few = ledger_words(slab) <= FEW_WORDS;
        unsigned count = ledger_count(slab, few ? slab->count : worth);
        if (few && count == slab->count) {
            put_by(front, bin, slab);
        } else {
            *last = slab;
            if (count >= worth) {
                return slab;
            }
        }
        slab = next;
    }
    return NULL;
}

// Nothing else can be had: any slab with a free block.
static struct granule *last_resort(struct front *front, struct front_bin *bin)
{
    struct granule *slab = bin->current;
    for (uint32_t i = bin->slabs; i > 0; i--) {
        collect(front, slab);
        if (ledger_count(slab, 1) != 0) {
            return slab;
        }
        slab = ring_next(slab);
    }
    return NULL;
}

// The pages that its blocks lie in.
static void populate(const struct granule *slab)
{
    uint64_t bytes = 0;
    bits_round_up((uint64_t)slab->count * slab->size, os_page_size(), &bytes);
    os_populate(extent_host(slab->extent), bytes);
}

static struct granule *another(struct front *front, struct front_bin *bin, unsigned class)
{
    struct granule *last = bin->current, *slab = NULL;
    if (last != NULL) {
        leave(last);
        slab = walk(front, bin, &last);
    }
    if (slab != NULL) {
        return slab;
    }
    slab = spare_take(bin);
    if (slab == NULL) {
        slab = front->source->orphan_get(front, class);
    }
    if (slab == NULL) {
        slab = front->source->slab_open(front, class);
        if (slab != NULL && slab->zeroed && bin->slabs >= POPULATE) {
            populate(slab);
        }
    }
    if (slab != NULL) {
        ring_insert(bin, last, slab);
        return slab;
    }
    return last_resort(front, bin);
}

// Aims at the next word with a free block, in this slab or another. false: no memory.
static bool advance(struct front *front, struct front_bin *bin, unsigned class)
{
    struct granule *slab = bin->current;
    if (slab != NULL) {
        collect(front, slab);
        if (ledger_count(slab, worth_of(slab)) >= worth_of(slab) && aim(front, bin, slab, 0)) {
            return true;
        }
    }
    do {
        slab = another(front, bin, class);
        if (slab == NULL) {
            return false;
        }
    } while (!enter(front, bin, slab));
    return true;
}

// ---- current slabs that become empty -----------------------------------------------------------

// The ring goes on without its current slab.
static void current_leave(struct front *front, struct front_bin *bin)
{
    struct granule *next = ring_next(bin->current);
    if (next != bin->current) {
        (void)enter(front, bin, next);
    } else {
        bin->current = NULL;
        set_entries(front, bin, NULL, 0);
    }
}

// The current slab is not to be empty: with `used` blocks in use, or more, it may go on.
static void current_judge(struct front *front, struct front_bin *bin, unsigned used)
{
    struct granule *slab = bin->current;
    if (used != 0) {
        set_left(bin, used);
    } else {
        current_leave(front, bin);
        put_by(front, bin, slab);
    }
}

// When the bin's current slab becomes empty, that is seen from now on.
static void watch(struct front *front, struct front_bin *bin)
{
    bin->lax = is_lax(front, bin);
    if (!bin->lax && bin->current != NULL) {
        current_judge(front, bin, ledger_used(bin->current, ENOUGH));
    }
}

// The bin is lax from now on, and the one that has been for longest is not.
static void keep(struct front *front, struct front_bin *bin)
{
    struct front_bin *gone = front->kept[front->turn];
    front->kept[front->turn] = bin;
    front->turn = (front->turn + 1) % FRONT_KEPT;
    bin->lax = true;
    set_left(bin, 0);
    if (gone != NULL) {
        watch(front, gone);
    }
}

static void current_look(struct front *front, struct front_bin *bin)
{
    unsigned used = ledger_used(bin->current, ENOUGH);
    front->looks++;
    bin->lax = is_lax(front, bin);
    if (bin->lax) {
        set_left(bin, used);
    } else if (used < FEW_USED && front->looks % KEEP_EVERY == 0) {
        keep(front, bin);
    } else {
        current_judge(front, bin, used);
    }
}

// Says that its thread is not idle. At a tick of the clock all bins are watched anew.
static void come(struct front *front)
{
    uint64_t grown = load_relaxed(&front_clock);
    store_relaxed(&front->came, grown);
    if (__builtin_expect(grown - front->since >= FRONT_TICK, 0)) {
        front->since = grown;
        front->looks = 0;
        for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
            watch(front, &front->bin[class]);
        }
    }
}

// ---- the next block ----------------------------------------------------------------------------

// Takes the lowest block of the entry's word, which is one of the current slab's; the last one too.
static void *take(const struct front_entry *entry, const struct granule *slab)
{
    unsigned word = (unsigned)(entry->word - slab->ledger->free);
    uint64_t bits = ledger_real(slab, word);
    if (bits == 0) {
        return NULL;
    }
    poke(entry->word, *entry->word & ~(bits & -bits));
    return entry->base + ledger_lowest(bits) * entry->size;
}

void *front_refill(struct front *front, unsigned class)
{
    struct front_bin *bin = &front->bin[class];
    struct front_entry *entry = &front->entry[bin->first];
    come(front);
    if (bin->current != NULL) {
        unsigned word = (unsigned)(entry->word - bin->current->ledger->free);
        void *block = take(entry, bin->current);
        bool more = aim(front, bin, bin->current, word + 1);
        if (block != NULL || more) {
            return block != NULL ? block : take(entry, bin->current);
        }
    }
    return advance(front, bin, class) ? take(entry, bin->current) : NULL;
}

void *front_take(struct front *front, unsigned class, bool *zeroed)
{
    bool above = class >= FRONT_CLASS_DIRECT;
    const struct front_entry *entry = &front->entry[front->bin[class].first];
    *zeroed = false;
    void *block = NULL;
    if (above) {
        block = front_pop_above(entry, zeroed);
    } else {
        (void)front_pop(entry, &block);
    }
    if (block == NULL) {
        block = front_refill(front, class);
        if (above && block != NULL) {
            struct granule *slab = front->bin[class].current;
            uint32_t slot = granule_slot(slab, block);
            *zeroed = slot >= slab->ledger->fresh;
            if (*zeroed) {
                slab->ledger->fresh = slot + 1;
            }
        }
    }
    return block;
}

// ---- empty slabs -------------------------------------------------------------------------------

void front_look(struct front *front, struct granule *slab)
{
    struct front_bin *bin = &front->bin[slab->class];
    store_relaxed(&front->came, load_relaxed(&front_clock));
    if (slab == bin->current) {
        current_look(front, bin);
        return;
    }
    unsigned used = ledger_used(slab, UINT32_MAX);
    if (used != 0) {
        slab->ledger->left = used;
    } else {
        put_by(front, bin, slab);
    }
}

// Every slab of a bin: empty ones go back; the others are put into `leaving`, if there is such a
// list.
static void bin_clear(struct front *front, struct front_bin *bin, struct list *leaving)
{
    struct granule *slab = bin->current, *spare = spare_take(bin);
    if (spare != NULL) {
        front->source->slab_close(front, spare);
    }
    for (uint32_t i = bin->slabs; i > 0; i--) {
        struct granule *next = ring_next(slab);
        collect(front, slab);
        if (ledger_is_empty(slab)) {
            if (slab == bin->current) {
                bin->current = NULL;
                set_entries(front, bin, NULL, 0);
            }
            slab_back(front, bin, slab);
        } else if (leaving != NULL) {
            ring_remove(bin, slab);
            list_push_back(leaving, &slab->ring);
        } else if (bin->current == NULL) {
            (void)enter(front, bin, slab);
        }
        slab = next;
    }
    if (leaving != NULL) {
        bin->current = NULL;
    }
}

void front_trim(struct front *front)
{
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        bin_clear(front, &front->bin[class], NULL);
    }
}

void front_leave(struct front *front)
{
    struct list leaving;
    list_init(&leaving);
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        bin_clear(front, &front->bin[class], &leaving);
    }
    front->source->orphans_put(front, &leaving);
}
