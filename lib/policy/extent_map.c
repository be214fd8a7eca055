// SPDX-License-Identifier: MIT
//
// extent_map.c - what a policy whose memory is struct extents shows of it.

#include "policy/extent_map.h"

#define PIECES 64 // described before the lock is dropped

void extent_map_piece(const struct extent *extent, unsigned arena, uint64_t from,
                      struct mems_extent *piece)
{
    uint64_t seen = from - extent->position;
    *piece = (struct mems_extent){.piece = MEMS_PIECE_HOLE,
                                  .page = MEMS_PAGE_NONE,
                                  .arena = arena,
                                  .region = extent->region->number,
                                  .offset = from - extent->region->start,
                                  .size = extent->size - seen,
                                  .host = extent_host(extent) + seen};
}

int extent_map_walk(const struct extent_map *map, mems_visitor visit, void *arg)
{
    struct mems_extent pieces[PIECES];
    struct extent_cursor cursor;
    size_t count;
    int stop = 0;
    lock_lock(map->lock);
    extents_cursor_begin(map->extents, &cursor);
    do {
        const struct extent *extent;
        uint64_t from;
        count = 0;
        while (count < PIECES &&
               (extent = extents_cursor_next(map->extents, &cursor, &from)) != NULL) {
            extent_map_piece(extent, map->arena, from, &pieces[count]);
            map->describe(map->policy, extent, from, &pieces[count]);
            count++;
        }
        lock_unlock(map->lock);
        for (size_t i = 0; i < count && stop == 0; i++) {
            stop = visit(&pieces[i], arg);
        }
        lock_lock(map->lock);
    } while (count != 0 && stop == 0);
    extents_cursor_end(&cursor);
    lock_unlock(map->lock);
    return stop;
}

void extent_map_totals(const struct extents *extents, struct policy_totals *totals)
{
    uint64_t largest = extents_largest_hole(extents);
    totals->held_bytes += extents->held_bytes;
    totals->free_bytes += extents->free_bytes + extents->reserved_bytes;
    totals->holes += extents->hole_count;
    totals->largest_hole = largest > totals->largest_hole ? largest : totals->largest_hole;
    totals->regions += extents->region_count;
    totals->blocks += extents->block_count - extents->reserved_count;
    totals->metadata_bytes += extents_metadata(extents);
}
