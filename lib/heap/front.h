// SPDX-License-Identifier: MIT
//
// front.h - a thread's own slabs, and the block that it gets next.
//
// The essay is in front.c.

#ifndef HEAP_FRONT_H
#define HEAP_FRONT_H

#include "base/container.h"
#include "heap/granule.h"
#include "heap/ledger.h"
#include "memory/slab.h"

#define FRONT_DIRECT       1024u // sizes up to it find their entry without a table
#define FRONT_STEP         16u
#define FRONT_CLASS_DIRECT 32u // classes up to it

// Where the next block of a size comes from. For a class that has none yet `word` is one without
// bits.
struct front_entry {
    uint64_t *word; // of the ledger of the bin's current slab
    char *base;     // address of the word's first block
    uint64_t size;  // of a block
    void **tags;    // of the word's blocks: see front_source
};

_Static_assert(sizeof(struct front_entry) == 2 * FRONT_STEP, "a size, twice, is its entry's place");

// the ring has `slabs` slabs of this thread and class, and `current` is in it; `spare` is this
// thread's and class's, in no ring, and empty                                                (F1)
// the entries of a class are alike: a word of current's ledger; without one, no bits         (F2)
// left == used slots, but 1 where there are none: of a slab in the ring that is not current; of the
// current one at most that, unless `lax`                                                     (F3)
// slots from `fresh` on, or in words from it on, are free                                     (F4)
// `lax` where the bin is in `kept`; also where it was found so with few threads, or after too many
// looks                                                                                      (F5)
struct front_bin {
    struct granule *current; // taken from; NULL: none
    struct granule *spare;   // [atomic] who swaps it away has it; the owner alone puts one
    uint32_t slabs;          // in its ring, the current one included
    uint32_t first, last;    // entries of the class
    bool lax;                // when its current slab becomes empty, that is not seen
};

#define FRONT_KEPT 3u // bins whose current slab may be empty, of a thread among many

// How many threads have a front; and a clock, which goes on by the granules that the process grows
// by, and from time to time (idle.c). A tick of it is what a thread may be away without being idle.
extern uint32_t front_count; // [atomic]
extern uint64_t front_clock; // [atomic]
#ifdef MEMS_HOSTILE
#define FRONT_TICK 2u
#else
#define FRONT_TICK 64u
#endif

struct front_source;

// [own] where nothing else is said. entry[i] serves requests of up to 16 i bytes; those above
// FRONT_DIRECT one a class.
struct front {
    struct front_entry entry[FRONT_DIRECT / FRONT_STEP + 1 + SLAB_CLASSES - FRONT_CLASS_DIRECT];
    struct front_bin bin[SLAB_CLASSES];
    const struct front_source *source; // [ro]
    // [atomic] the owner of its slabs: a word that no other front has, its lowest bit clear
    uint64_t self;
    uint64_t lent; // [atomic] bit c is set: bin[c] may have a spare slab; see idle.c
    uint64_t came; // [atomic] front_clock, when its thread was last out of the way in line
    struct front_bin *kept[FRONT_KEPT]; // the ones kept last
    uint32_t turn;                      // the oldest of them
    uint32_t looks;                     // at current slabs, since
    uint64_t since;                     // then, by front_clock
};

_Static_assert(SLAB_CLASSES <= 64, "a bit of `lent` for each class");

// Where a front's slabs come from and where they go to.
struct front_source {
    // A slab of the class, all free, owned by front->self. NULL: there is none to be had.
    struct granule *(*slab_open)(struct front *front, unsigned class);
    void (*slab_close)(struct front *front, struct granule *slab); // it is empty; its inbox too
    // One that nobody owns and that may have a free block, owned by front->self now; or NULL.
    struct granule *(*orphan_get)(struct front *front, unsigned class);
    // Slabs with blocks in use, a list by `ring`, which is empty then: nobody's from now on.
    void (*orphans_put)(struct front *front, struct list *slabs);
    // Strangers have returned a slot that was free.
    void (*twice)(struct front *front, const struct granule *slab, uint32_t slot);
    size_t tags; // how far behind a slab's record stands a word for each block, if there are such
};

#define FRONT_ENTRIES (sizeof((struct front *)0)->entry / sizeof(struct front_entry))

// Serves nothing.
extern struct front front_none __attribute__((visibility("hidden")));

void front_init(struct front *front, uint64_t self, const struct front_source *source);
// Its slabs become orphans or go back.
void front_leave(struct front *front);

// ---- the process's threads (front_thread.c) ----------------------------------------------------

// This thread's; &front_none: it has none (yet).
extern __thread struct front *front_here __attribute__((visibility("hidden")));

// Slabs from the depot; a block that was returned twice is a sin.
extern const struct front_source front_of_depot;

// A front for a thread, whose thread_self it is. NULL: no memory, or it cannot be told yet which
// one.
struct front *front_open(uint64_t self);
// In a child: the fronts of all threads but this one are nobody's.
void front_forget(uint64_t survivor, bool has_front);
// It is left, and nobody's then.
void front_close(struct front *front);

// ---- blocks ------------------------------------------------------------------------------------

// The next block of a class up to FRONT_DIRECT; false: its word has at most one more.
static inline __attribute__((always_inline)) bool front_pop(const struct front_entry *entry,
                                                            void **block)
{
    uint64_t *word = entry->word, bits = peek(word), rest = bits & (bits - 1);
    if (__builtin_expect(rest == 0, 0)) {
        return false;
    }
    poke(word, rest);
    *block = entry->base + ledger_lowest(bits) * entry->size;
    return true;
}

// The tag of the block that front_pop would take next; NULL: it has none, or front_pop none to
// give.
static inline __attribute__((always_inline)) void *front_tag(const struct front_entry *entry)
{
    uint64_t bits = peek(entry->word);
    return (bits & (bits - 1)) != 0 ? peek(&entry->tags[ledger_lowest(bits)]) : NULL;
}

// The entry of a class above FRONT_DIRECT, which has one.
static inline const struct front_entry *front_entry_above(const struct front *front, unsigned class)
{
    return &front->entry[FRONT_DIRECT / FRONT_STEP + 1 + class - FRONT_CLASS_DIRECT];
}

// The same of such a class, whose ledgers have one word; and whether all of it is zero.
static inline __attribute__((always_inline)) void *front_pop_above(const struct front_entry *entry,
                                                                   bool *zeroed)
{
    uint64_t *word = entry->word, bits = peek(word), rest = bits & (bits - 1);
    if (__builtin_expect(rest == 0, 0)) {
        return NULL;
    }
    struct ledger *ledger = container_of(word, struct ledger, free[0]);
    uint32_t slot = (uint32_t)ledger_lowest(bits);
    poke(word, rest);
    *zeroed = slot >= ledger->fresh;
    if (*zeroed) {
        ledger->fresh = slot + 1;
    }
    return entry->base + slot * entry->size;
}

// A block of the class, and whether all of it is zero (false: unknown). NULL: ENOMEM.
void *front_take(struct front *front, unsigned class, bool *zeroed);

// The same, when the way in line (heap.h) had none. NULL: ENOMEM.
void *front_refill(struct front *front, unsigned class);

// The owner's release has brought ledger->left to 0.
void front_look(struct front *front, struct granule *slab);

// Any thread's: one of the spare slabs of a front that is not closed meanwhile. It is the caller's
// then, empty and in no ring. NULL: there is none.
struct granule *front_borrow(struct front *front);

// Slabs that are empty go back; what strangers returned is taken in.
void front_trim(struct front *front);

// Whether the bin is one of the front's kept ones.
static inline bool front_keeps(const struct front *front, const struct front_bin *bin)
{
    bool kept = false;
    for (unsigned i = 0; i < FRONT_KEPT; i++) {
        kept = kept || front->kept[i] == bin;
    }
    return kept;
}

// Whether F1 to F5, and of every slab's ledger G2 and G3, hold: NULL, or the label of the first
// that does not. No other thread is at these slabs meanwhile. (front_check.c)
const char *front_check(const struct front *front);
const char *front_check_ledger(const struct granule *slab);

#endif
