// SPDX-License-Identifier: MIT
//
// restore_map.c - the pictures of a cell's memory map, read back: the inverse of json_map.c.

#ifdef MEMS_HAVE_JANSSON

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "result/restore.h"

#define RESTORE_PICTURES 200 // as many as map= may ask for

static const struct restore_field restore_picture_table[] = {
    {"", "at_ns", RESTORE_COUNT, offsetof(struct picture, at_ns), 0},
    {"", "operations", RESTORE_COUNT, offsetof(struct picture, operations), 0},
    {"", "memory_bytes", RESTORE_COUNT, offsetof(struct picture, memory_bytes), 0},
    {"", "requested_bytes", RESTORE_COUNT, offsetof(struct picture, requested_bytes), 0},
    {"", "taken_bytes", RESTORE_COUNT, offsetof(struct picture, block_bytes), 0},
    {"", "free_bytes", RESTORE_COUNT, offsetof(struct picture, free_bytes), 0},
    {"", "live_blocks", RESTORE_COUNT, offsetof(struct picture, live_blocks), 0},
    {"", "holes", RESTORE_COUNT, offsetof(struct picture, holes), 0},
    {"", "largest_hole_bytes", RESTORE_COUNT, offsetof(struct picture, largest_hole), 0},
    {"", "refused", RESTORE_COUNT, offsetof(struct picture, refusals), 0},
    {"", "refused_enough_free", RESTORE_COUNT, offsetof(struct picture, refusals_enough_free), 0},
    {"", "exact", RESTORE_FLAG, offsetof(struct picture, exact), 0},
    {0},
};

unsigned restore_album_room(const json_t *report)
{
    const json_t *map = json_object_get(report, "map");
    size_t count = json_array_size(map);
    if (!json_is_array(map)) {
        return 0;
    }
    return count > 0 && count <= RESTORE_PICTURES ? (unsigned)count : 1;
}

static int restore_piece(const struct restore *restore, const json_t *array,
                         struct picture_piece *piece)
{
    static const char *const kinds[] = {
        [MEMS_PIECE_BLOCK] = "block", [MEMS_PIECE_CACHED] = "cached", [MEMS_PIECE_HOLE] = "hole"};
    const char *what = json_string_value(json_array_get(array, 0));
    uint32_t kind = 0;
    while (kind < 3 && (what == NULL || strcmp(kinds[kind], what) != 0)) {
        kind++;
    }
    if (kind == 3) {
        return restore_complain(restore, "map", "pieces", "block, cached or hole");
    }
    uint64_t space = 0;
    piece->kind = kind;
    int error = restore_number(restore, json_array_get(array, 1), "map", "pieces", UINT64_MAX,
                               &piece->size);
    if (error == 0 && kind == MEMS_PIECE_BLOCK) {
        error =
            restore_number(restore, json_array_get(array, 2), "map", "pieces", UINT32_MAX, &space);
    }
    piece->space = (uint32_t)space;
    return error;
}

int restore_album(const struct restore *restore, const json_t *map, struct picture_album *album)
{
    size_t count = json_array_size(map);
    if (count > album->room) {
        return restore_complain(restore, "report", "map", "200 pictures at most");
    }
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++) {
        const json_t *object = json_array_get(map, i);
        const json_t *pieces = json_object_get(object, "pieces");
        struct picture *picture = &album->pictures[i];
        if (!json_is_array(pieces) || json_array_size(pieces) > PICTURE_PIECES) {
            return restore_complain(restore, "map", "pieces", "an array of 192 at most");
        }
        error = restore_fields(restore, restore_picture_table, object, picture);
        picture->piece_count = (uint32_t)json_array_size(pieces);
        for (uint32_t p = 0; p < picture->piece_count && error == 0; p++) {
            error = restore_piece(restore, json_array_get(pieces, p), &picture->pieces[p]);
        }
    }
    album->count = error == 0 ? (uint32_t)count : 0;
    return error;
}

#endif
