// SPDX-License-Identifier: MIT
//
// idle.c - memory that idle threads sit on.
//
// 1. What. A block that another thread releases waits in its slab's inbox until the slab's owner
//    looks there (ledger.c). An owner that is idle never looks: a thread that has filled the heap,
//    and whose blocks others released, would hold all of it.
// 2. How. Only the owner may touch the slab's own bits, and it may be about to. But a block in the
//    inbox is nobody's: the owner hands it out only after taking its bit from there. So who holds
//    the depot's lock takes the bits out of the inbox as an owner would, gives the pages back that
//    only such blocks lie in, and puts the bits back. Meanwhile the owner finds the inbox empty and
//    does without. A block that is released a second time meanwhile is found when its bit is put
//    back.
// 3. When. Whoever asks for it (malloc_trim) gets all; else what has not changed between two looks.
//    `looked` says how many blocks there were at the last one, and whether their pages went back.
// 4. The slab stays: closing one takes the depot's lock. [R:inbox] [A:inbox]: what the program did
//    with a block happens before its page goes, and that before it is handed out again.

#include "heap/idle.h"

#include "heap/depot.h"
#include "heap/ledger.h"
#include "heap/sin.h"
#include "os/os.h"

#define MOST_WORDS (GRANULE_BYTES / SLAB_STEP / 64 + 1)
#define PURGED     UINT32_C(0x80000000)

struct taken {
    uint64_t bits[MOST_WORDS];
};

// A block that was released twice: said when the lock is released, since a handler of the program's
// may allocate.
struct sinner {
    const void *block;
    size_t size;
};

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

static uint64_t purge_slab(struct granule *slab, struct sinner *sinner)
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
            sinner->block = (char *)extent_host(slab->extent) + slot * slab->size;
            sinner->size = slab->size;
        }
    }
    ledger_announce(slab);
    return purged;
}

static uint64_t look_at(struct granule *slab, bool now, struct sinner *sinner)
{
    struct ledger_inbox *inbox = ledger_inbox(slab);
    uint32_t count = count_inbox(slab), looked = inbox->looked;
    uint64_t purged = 0;
    if (count == 0 || looked == (count | PURGED)) {
        return 0;
    }
    inbox->looked = count;
    if (now || looked == count) {
        purged = purge_slab(slab, sinner);
        inbox->looked = count | PURGED;
    }
    return purged;
}

uint64_t idle_purge(bool now)
{
    uint64_t purged = 0;
    struct sinner sinner = {.block = NULL};
    struct depot *depot = depot_lock();
    const struct extents *extents = &depot->extents;
    for (struct extent *i = extents_first(extents); i != NULL; i = extents_next(extents, i)) {
        struct granule *slab = i->tag == EXTENT_BLOCK && i->held ? i->holder : NULL;
        if (slab != NULL && load_relaxed(&slab->kind) == GRANULE_SLAB) {
            purged += look_at(slab, now, &sinner);
        }
    }
    depot->purged_bytes += purged;
    depot_unlock(depot);
    if (sinner.block != NULL) {
        sin_twice("free", sinner.block, sinner.size);
    }
    return purged;
}
