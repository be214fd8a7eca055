// SPDX-License-Identifier: MIT
//
// dynamic_look.c - dynamic partitioning seen from outside: the map, the check, the totals.

#include <errno.h>

#include "policy/dynamic.h"
#include "policy/extent_map.h"
#include "policy/owned.h"

static void describe(const void *policy, const struct extent *extent, uint64_t from,
                     struct mems_extent *piece)
{
    const struct dynamic *dynamic = policy;
    if (dynamic->flat) {
        piece->addr = from + dynamic->settings.start;
        if (extent->tag == EXTENT_BLOCK) {
            piece->piece = MEMS_PIECE_BLOCK;
            piece->requested = extent->requested;
            piece->space = 1;
        }
    } else if (extent->tag == EXTENT_BLOCK && !extent_is_reserved(extent)) {
        owned_describe(extent->descriptor, piece);
    }
}

int dynamic_walk(void *state, mems_visitor visit, void *arg)
{
    struct dynamic *dynamic = state;
    int stop = 0;
    compaction_walk_begin(&dynamic->compaction);
    for (unsigned i = 0; i < dynamic->settings.arenas && stop == 0; i++) {
        struct arena *arena = &dynamic->arenas[i];
        struct extent_map map = {&arena->lock, &arena->extents, i, describe, dynamic};
        stop = extent_map_walk(&map, visit, arg);
    }
    compaction_walk_end(&dynamic->compaction);
    return stop;
}

// every block's descriptor points back at it, is not FREE, and is where the block is           (D1)
static int blocks_check(struct arena *arena, unsigned number, struct mems_violation *first)
{
    struct extent_cursor cursor;
    const struct extent *extent;
    uint64_t from;
    int error = 0;
    extents_cursor_begin(&arena->extents, &cursor);
    while (error == 0 && (extent = extents_cursor_next(&arena->extents, &cursor, &from)) != NULL) {
        if (extent->tag != EXTENT_BLOCK || extent_is_reserved(extent)) {
            continue;
        }
        const struct descriptor *descriptor = extent->descriptor;
        uint64_t word = load_relaxed(&descriptor->word);
        if (descriptor->record != extent || descriptor_state(word) == DESCRIPTOR_FREE ||
            descriptor_host(word) != extent_host(extent) ||
            descriptor_arena(descriptor) != number) {
            struct printer printer;
            first->invariant = "D1";
            print_init(&printer, first->text, sizeof first->text);
            print_format(&printer,
                         "block at position %llu of arena %u has a descriptor that "
                         "does not name it",
                         (unsigned long long)extent->position, number);
            error = EUCLEAN;
        }
    }
    extents_cursor_end(&cursor);
    return error;
}

static int arena_check(struct dynamic *dynamic, unsigned number, struct mems_violation *first)
{
    struct arena *arena = &dynamic->arenas[number];
    const char *broken = extents_check(&arena->extents);
    if (broken == NULL && !dynamic->flat && !extents_reserved_check(&arena->extents)) {
        broken = "H7";
    }
    if (broken != NULL) {
        struct printer printer;
        first->invariant = broken;
        print_init(&printer, first->text, sizeof first->text);
        print_format(&printer, "the chain of arena %u is broken (%llu regions, %llu blocks)",
                     number, (unsigned long long)arena->extents.region_count,
                     (unsigned long long)arena->extents.block_count);
        return EUCLEAN;
    }
    return dynamic->flat ? 0 : blocks_check(arena, number, first);
}

int dynamic_check(void *state, struct mems_violation *first)
{
    struct dynamic *dynamic = state;
    int error = 0;
    for (unsigned i = 0; i < dynamic->settings.arenas && error == 0; i++) {
        lock_lock(&dynamic->arenas[i].lock);
        error = arena_check(dynamic, i, first);
        lock_unlock(&dynamic->arenas[i].lock);
    }
    return error;
}

void dynamic_totals(void *state, struct policy_totals *totals)
{
    struct dynamic *dynamic = state;
    *totals = (struct policy_totals){.metadata_bytes = dynamic->mapped};
    for (uint64_t i = 0; i < dynamic->settings.arenas; i++) {
        struct arena *arena = &dynamic->arenas[i];
        lock_lock(&arena->lock);
        extent_map_totals(&arena->extents, totals);
        lock_unlock(&arena->lock);
    }
    totals->held_peak_bytes = regions_peak(&dynamic->regions, totals->held_bytes);
    lock_lock(&dynamic->lock);
    totals->metadata_bytes += dynamic->spaces.bytes;
    lock_unlock(&dynamic->lock);
    compaction_totals(&dynamic->compaction, totals);
}

const struct lock *dynamic_lock_at(void *state, size_t index)
{
    struct dynamic *dynamic = state;
    uint64_t arenas = dynamic->settings.arenas;
    return index < arenas                                     ? &dynamic->arenas[index].lock
           : index == arenas                                  ? &dynamic->lock
           : index == arenas + 1 && dynamic->settings.movable ? &dynamic->compaction.lock
                                                              : NULL;
}
