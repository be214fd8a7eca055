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
//    the walk). A bin keeps one such slab, and the depot gets the others.
// 4. First touch. A class that has POPULATE slabs will use up its next: the pages that its blocks
// lie
//    in are asked for at once, instead of by sixteen faults.
// 5. Locking. None: everything here is the thread's. The depot locks.

#include "heap/front.h"

#include "base/bits.h"
#include "heap/depot.h"
#include "os/os.h"
#include "sync/thread.h"

#ifdef MEMS_HOSTILE
#define WALK 2u
#else
#define WALK 8u
#endif
#define WORTH     16u
#define HARVEST   8u
#define FEW_WORDS 4u // of blocks above 256 bytes: all of them are looked at
#define POPULATE  4u // slabs of a class, from which on a new one is touched at once

static uint64_t front_nothing; // a word without bits, never written

struct front front_none = {
    .entry = {[0 ... FRONT_ENTRIES - 1] = {.word = &front_nothing}},
};

__thread struct front *front_here = &front_none;

// ---- opening and closing -----------------------------------------------------------------------

void front_init(struct front *front, uint64_t self)
{
    *front = front_none;
    store_relaxed(&front->self, self);
    uint32_t next = FRONT_DIRECT / FRONT_STEP + 1;
    for (unsigned class = 0, from = 0; class < SLAB_CLASSES; class ++) {
        struct front_bin *bin = &front->bin[class];
        uint32_t size = slab_class_size(class);
        if (size <= FRONT_DIRECT) {
            bin->first = from;
            bin->last = size / FRONT_STEP;
            from = bin->last + 1;
        } else {
            bin->first = bin->last = next++;
        }
    }
}

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
    if (bin->spare == slab) {
        bin->spare = NULL;
    }
}

// ---- the current slab --------------------------------------------------------------------------

static void set_entries(struct front *front, const struct front_bin *bin, uint64_t *word,
                        char *base, uint64_t size)
{
    for (uint32_t i = bin->first; i <= bin->last; i++) {
        front->entry[i] = (struct front_entry){.word = word, .base = base, .size = size};
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
    set_entries(front, bin, &slab->ledger->free[word],
                extent_host(slab->extent) + (uint64_t)slab->size * 64 * (unsigned)word, slab->size);
    return true;
}

// What strangers have returned is the owner's again.
static void collect(struct granule *slab)
{
    unsigned count = ledger_take_in(slab);
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

// From now on blocks are taken from it: false: it has none. Its entries are words of the current
// slab, also then.
static bool enter(struct front *front, struct front_bin *bin, struct granule *slab)
{
    collect(slab);
    slab->ledger->left = LEDGER_FAR;
    bin->current = slab;
    if (bin->spare == slab) {
        bin->spare = NULL;
    }
    bool aimed = aim(front, bin, slab, 0);
    if (!aimed) {
        set_entries(front, bin, &slab->ledger->free[0], extent_host(slab->extent), slab->size);
    }
    return aimed;
}

// ---- another slab ------------------------------------------------------------------------------

// Free blocks that a slab must have to be worth a round.
static unsigned worth_of(const struct granule *slab)
{
    return slab->count / WORTH + 1u;
}

static void slab_back(struct front_bin *bin, struct granule *slab)
{
    ring_remove(bin, slab);
    depot_slab_close(slab);
}

// An empty slab is the spare one, or goes back.
static void put_by(struct front_bin *bin, struct granule *slab)
{
    if (bin->spare == NULL) {
        bin->spare = slab;
        slab->ledger->left = LEDGER_FAR;
    } else if (bin->spare != slab) {
        slab_back(bin, slab);
    }
}

// The first of the next slabs in the ring that is worth it; *last is the last one looked at.
static struct granule *walk(struct front_bin *bin, struct granule **last)
{
    struct granule *slab = ring_next(bin->current);
    for (unsigned i = 0; i < WALK && slab != bin->current; i++) {
        struct granule *next = ring_next(slab);
        collect(slab);
        unsigned worth = worth_of(slab);
        bool few = ledger_words(slab) <= FEW_WORDS;
        unsigned count = ledger_count(slab, few ? slab->count : worth);
        if (few && count == slab->count) {
            put_by(bin, slab);
        } else {
            *last = slab;
            if (count >= worth && slab != bin->spare) {
                return slab;
            }
        }
        slab = next;
    }
    return NULL;
}

// Nothing else can be had: any slab with a free block.
static struct granule *last_resort(struct front_bin *bin)
{
    struct granule *slab = bin->current;
    for (uint32_t i = bin->slabs; i > 0; i--) {
        collect(slab);
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
        slab = walk(bin, &last);
    }
    if (slab == NULL) {
        slab = bin->spare;
    }
    if (slab != NULL) {
        return slab;
    }
    slab = depot_orphan_get(class, front->self);
    if (slab == NULL) {
        slab = depot_slab_open(class, front->self);
        if (slab != NULL && slab->zeroed && bin->slabs >= POPULATE) {
            populate(slab);
        }
    }
    if (slab != NULL) {
        ring_insert(bin, last, slab);
        return slab;
    }
    return last_resort(bin);
}

// Aims at the next word with a free block, in this slab or another. false: no memory.
static bool advance(struct front *front, struct front_bin *bin, unsigned class)
{
    struct granule *slab = bin->current;
    if (slab != NULL) {
        collect(slab);
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
    unsigned used = slab->count - ledger_count(slab, UINT32_MAX);
    if (slab == bin->current) {
        slab->ledger->left = LEDGER_FAR;
    } else if (used != 0) {
        slab->ledger->left = used;
    } else {
        put_by(bin, slab);
    }
}

// Every slab of a bin: empty ones go back; the others are put into `leaving`, if there is such a
// list.
static void bin_clear(struct front *front, struct front_bin *bin, struct list *leaving)
{
    struct granule *slab = bin->current;
    for (uint32_t i = bin->slabs; i > 0; i--) {
        struct granule *next = ring_next(slab);
        collect(slab);
        if (ledger_is_empty(slab)) {
            if (slab == bin->current) {
                bin->current = NULL;
                set_entries(front, bin, &front_nothing, NULL, 0);
            }
            slab_back(bin, slab);
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

void front_close(struct front *front)
{
    struct list leaving;
    list_init(&leaving);
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        bin_clear(front, &front->bin[class], &leaving);
    }
    depot_orphans_put(&leaving);
    lately_not(front);
    depot_front_close(front);
}
