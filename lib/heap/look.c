// SPDX-License-Identifier: MIT
//
// look.c - what the heap holds, in figures.
//
// 1. How. Under a depot's lock all regions are walked: each is a row of holes, slabs and large
//    blocks. A slab's used blocks are counted in its bitmaps, which its threads go on changing: the
//    figure is right for each word at some moment. Nobody else is slowed down but who needs the
//    depot; it takes about a microsecond for 64 slabs.
// 2. A depot that a fork has frozen is not waited for, whoever asks may hold what the fork waits
//    for; nobody changes it as long as it is frozen, so it is kept frozen and looked at.

#include "heap/look.h"

#include "heap/depot.h"

#define FIGURE(field, help_)                                                                       \
    {                                                                                              \
#field, help_, offsetof(struct look, field)                                                \
    }

const struct look_figure look_figures[] = {
    FIGURE(used_blocks, "small blocks in use"),
    FIGURE(used_bytes, "bytes of these"),
    FIGURE(large_blocks, "large blocks in use"),
    FIGURE(large_bytes, "bytes of these"),
    FIGURE(slabs, "slabs of small blocks, of 64 KiB each"),
    FIGURE(orphans, "of these, slabs of threads that have ended"),
    FIGURE(free_bytes, "bytes of small blocks that are free"),
    FIGURE(dirty_bytes, "bytes free, which the OS has not got back yet"),
    FIGURE(clean_bytes, "bytes free, which the OS has got back"),
    FIGURE(mapped_bytes, "bytes of address space for all of these"),
    FIGURE(peak_bytes, "the most that there was of it"),
    FIGURE(account_bytes, "bytes of address space for the account of it"),
    FIGURE(purged_bytes, "bytes given back to the OS so far"),
};

const size_t look_figure_count = sizeof look_figures / sizeof look_figures[0];

static unsigned used_blocks(const struct granule *slab)
{
    unsigned words = ledger_words(slab), released = 0;
    for (unsigned word = 0; word < words; word++) {
        released +=
            ledger_bits(ledger_real(slab, word) | load_relaxed(&ledger_returned(slab)[word]));
    }
    return slab->count - released;
}

static void add_slab(struct look *look, const struct granule *slab)
{
    struct look_class *class = &look->class[slab->class];
    unsigned used = used_blocks(slab);
    class->slabs++;
    class->blocks += slab->count;
    class->used += used;
    look->slabs++;
    look->slab_bytes += slab->extent->size;
    look->orphans += granule_owner(slab) == 0;
    look->used_blocks += used;
    look->used_bytes += (uint64_t)used * slab->size;
    look->free_blocks += slab->count - used;
    look->free_bytes += (uint64_t)(slab->count - used) * slab->size;
}

static void add_hole(struct look *look, const struct extent *hole)
{
    char *host = extent_host(hole);
    look->holes++;
    for (uint64_t offset = 0; offset < hole->size; offset += GRANULE_BYTES) {
        uint64_t *bytes =
            *granule_age(host + offset) == 0 ? &look->clean_bytes : &look->dirty_bytes;
        *bytes += GRANULE_BYTES;
    }
}

static void add_block(struct look *look, const struct extent *block)
{
    const struct granule *record = block->held ? block->holder : NULL;
    if (record != NULL && load_relaxed(&record->kind) == GRANULE_SLAB) {
        add_slab(look, record);
    } else if (record != NULL) {
        look->large_blocks++;
        look->large_bytes += block->size;
    }
}

static void add_depot(struct look *look, const struct depot *depot)
{
    const struct extents *extents = &depot->extents;
    for (struct extent *i = extents_first(extents); i != NULL; i = extents_next(extents, i)) {
        if (i->tag == EXTENT_HOLE) {
            add_hole(look, i);
        } else {
            add_block(look, i);
        }
    }
    look->mapped_bytes += depot->extents.held_bytes;
    look->peak_bytes += depot->peak_bytes;
    look->purged_bytes += depot->purged_bytes;
    look->account_bytes += extents_metadata(&depot->extents) + depot->front_pool.bytes;
    for (unsigned lines = 1; lines <= LEDGER_LINES; lines++) {
        look->account_bytes += depot->ledgers[lines].bytes;
    }
}

void look_take(struct look *look)
{
    *look = (struct look){.account_bytes = granule_bytes()};
    for (unsigned i = 0; i < 2; i++) {
        struct depot *depot = &depots[i];
        bool locked = depot_lock_this(depot);
        if (!locked) {
            depot_freeze();
        }
        if (depot->open) {
            add_depot(look, depot);
        }
        if (locked) {
            depot_unlock(depot);
        } else {
            depot_thaw();
        }
    }
}
