// SPDX-License-Identifier: MIT
//
// map.c - the memory map of an engine, by the names of a trace.

#include "show/map.h"

#include <stdlib.h>
#include <string.h>

#include "job/complaint.h"

struct map_walk {
    struct show_map *map;
    const struct map_owner *owners;
    size_t owner_count;
    uint64_t base; // position of the region's start
    uint64_t end;  // of what was seen so far
    uint32_t arena, region;
    bool begun;
};

static int map_compare(const void *a, const void *b)
{
    const struct map_owner *left = a, *right = b;
    return (left->addr > right->addr) - (left->addr < right->addr);
}

// The piece's own place in the order of positions.
static void map_place(struct map_walk *walk, const struct mems_extent *extent,
                      struct show_piece *piece)
{
    struct show_map *map = walk->map;
    bool other = walk->arena != extent->arena || walk->region != extent->region;
    if (!walk->begun || other) {
        walk->base = walk->end;
        walk->arena = extent->arena;
        walk->region = extent->region;
        piece->region = map->count > 0 ? map->pieces[map->count - 1].region + walk->begun : 0;
        walk->begun = true;
    } else {
        piece->region = map->pieces[map->count - 1].region;
    }
    piece->at = walk->base + extent->offset;
    walk->end = piece->at + extent->size;
    map->memory += extent->size;
}

static int map_visit(const struct mems_extent *extent, void *arg)
{
    struct map_walk *walk = arg;
    struct show_map *map = walk->map;
    if (map->count == map->room) {
        size_t room = map->room * 2 + 64;
        struct show_piece *pieces = realloc(map->pieces, room * sizeof *pieces);
        if (pieces == NULL) {
            complain_exhausted();
        }
        map->pieces = pieces;
        map->room = room;
    }
    struct show_piece *piece = &map->pieces[map->count];
    *piece = (struct show_piece){
        .kind = extent->piece,
        .absent = extent->absent,
        .more = extent->more,
        .page = extent->page,
        .block = SHOW_NOBODY,
        .process = SHOW_NOBODY,
        .size = extent->size,
        .requested = extent->requested,
        .addr = extent->addr,
    };
    const struct map_owner key = {.addr = extent->addr};
    const struct map_owner *owner =
        extent->piece != MEMS_PIECE_BLOCK || walk->owner_count == 0
            ? NULL
            : bsearch(&key, walk->owners, walk->owner_count, sizeof key, map_compare);
    if (owner != NULL) {
        piece->block = owner->block;
        piece->process = owner->process;
    }
    if (!extent->absent) {
        map_place(walk, extent, piece);
    }
    if (map->frame == 0 && extent->page != MEMS_PAGE_NONE) {
        map->frame = extent->size;
    }
    map->count++;
    return 0;
}

void map_capture(struct mems_engine *engine, struct map_owner *owners, size_t owner_count,
                 struct show_map *map)
{
    struct map_walk walk = {.map = map, .owners = owners, .owner_count = owner_count};
    if (owner_count > 0) {
        qsort(owners, owner_count, sizeof *owners, map_compare);
    }
    map->count = 0;
    map->memory = 0;
    mems_snapshot(engine, &map->stats);
    (void)mems_walk(engine, map_visit, &walk); // the visitor never stops it
}

void map_fini(struct show_map *map)
{
    free(map->pieces);
    memset(map, 0, sizeof *map);
}
