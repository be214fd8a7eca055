// SPDX-License-Identifier: MIT
//
// restore_map.c - pictures of a cell's memory read back: the inverse of json_map.c.

#ifdef MEMS_HAVE_JANSSON

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "result/restore.h"
#include "run/picture.h"

#define MAP_ROW(kind, key, member)                                                                 \
    {                                                                                              \
        "", key, kind, offsetof(struct picture, member), 0                                         \
    }

static const struct restore_field map_table[] = {
    MAP_ROW(RESTORE_COUNT, "at_ns", at_ns),
    MAP_ROW(RESTORE_COUNT, "operations", operations),
    MAP_ROW(RESTORE_COUNT, "memory_bytes", memory_bytes),
    MAP_ROW(RESTORE_COUNT, "requested_bytes", requested_bytes),
    MAP_ROW(RESTORE_COUNT, "taken_bytes", block_bytes),
    MAP_ROW(RESTORE_COUNT, "free_bytes", free_bytes),
    MAP_ROW(RESTORE_COUNT, "live_blocks", live_blocks),
    MAP_ROW(RESTORE_COUNT, "holes", holes),
    MAP_ROW(RESTORE_COUNT, "largest_hole_bytes", largest_hole),
    MAP_ROW(RESTORE_COUNT, "refused", refusals),
    MAP_ROW(RESTORE_COUNT, "refused_enough_free", refusals_enough_free),
    MAP_ROW(RESTORE_FLAG, "exact", exact),
    {0},
};

static int map_piece(const struct restore *restore, const json_t *array,
                     struct picture_piece *piece)
{
    static const char *const kinds[] = {
        [MEMS_PIECE_BLOCK] = "block", [MEMS_PIECE_CACHED] = "cached", [MEMS_PIECE_HOLE] = "hole"};
    const char *name = json_string_value(json_array_get(array, 0));
    const uint32_t count = sizeof kinds / sizeof kinds[0];
    uint64_t space = 0;
    piece->kind = 0;
    while (piece->kind < count && (name == NULL || strcmp(kinds[piece->kind], name) != 0)) {
        piece->kind++;
    }
    if (piece->kind == count) {
        return restore_complain(restore, "map", "pieces", "block, cached or hole");
    }
    int error = restore_number(restore, json_array_get(array, 1), "map", "pieces", UINT64_MAX,
                               &piece->size);
    if (error == 0 && piece->kind == MEMS_PIECE_BLOCK) {
        error =
            restore_number(restore, json_array_get(array, 2), "map", "pieces", UINT32_MAX, &space);
    }
    piece->space = (uint32_t)space;
    return error;
}

static int map_picture(const struct restore *restore, const json_t *object, struct picture *picture)
{
    const json_t *pieces = json_object_get(object, "pieces");
    int error = restore_fields(restore, map_table, object, picture);
    if (error == 0 && (!json_is_array(pieces) || json_array_size(pieces) > PICTURE_PIECES)) {
        error = restore_complain(restore, "map", "pieces", "a short array");
    }
    for (size_t i = 0; error == 0 && i < json_array_size(pieces); i++) {
        error = map_piece(restore, json_array_get(pieces, i), &picture->pieces[i]);
        picture->piece_count = (uint32_t)i + 1;
    }
    return error;
}

int restore_album(const struct restore *restore, const json_t *map, struct picture_album *album)
{
    int error = 0;
    for (uint32_t i = 0; i < album->room && i < json_array_size(map) && error == 0; i++) {
        error = map_picture(restore, json_array_get(map, i), &album->pictures[i]);
        album->count = i + 1;
    }
    return error;
}

#endif
