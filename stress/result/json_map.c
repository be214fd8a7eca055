// SPDX-License-Identifier: MIT
//
// json_map.c - the pictures of a cell's memory map.

#ifdef MEMS_HAVE_JANSSON

#include "result/json.h"

// [what, bytes] or, of a block, [what, bytes, space].
static json_t *map_piece(const struct picture_piece *piece)
{
    static const char *const kinds[] = {
        [MEMS_PIECE_BLOCK] = "block", [MEMS_PIECE_CACHED] = "cached", [MEMS_PIECE_HOLE] = "hole"};
    json_t *array = json_array();
    json_array_append_new(array, json_string(kinds[piece->kind]));
    json_array_append_new(array, json_of_count(piece->size));
    if (piece->kind == MEMS_PIECE_BLOCK) {
        json_array_append_new(array, json_of_count(piece->space));
    }
    return array;
}

static json_t *map_picture(const struct picture *picture)
{
    json_t *pieces = json_array();
    for (uint32_t i = 0; i < picture->piece_count; i++) {
        json_array_append_new(pieces, map_piece(&picture->pieces[i]));
    }
    json_t *object = json_object();
    json_object_set_new(object, "at_ns", json_of_count(picture->at_ns));
    json_object_set_new(object, "operations", json_of_count(picture->operations));
    json_object_set_new(object, "memory_bytes", json_of_count(picture->memory_bytes));
    json_object_set_new(object, "requested_bytes", json_of_count(picture->requested_bytes));
    json_object_set_new(object, "taken_bytes", json_of_count(picture->block_bytes));
    json_object_set_new(object, "free_bytes", json_of_count(picture->free_bytes));
    json_object_set_new(object, "live_blocks", json_of_count(picture->live_blocks));
    json_object_set_new(object, "holes", json_of_count(picture->holes));
    json_object_set_new(object, "largest_hole_bytes", json_of_count(picture->largest_hole));
    json_object_set_new(object, "refused", json_of_count(picture->refusals));
    json_object_set_new(object, "refused_enough_free",
                        json_of_count(picture->refusals_enough_free));
    json_object_set_new(object, "exact", json_boolean(picture->exact));
    json_object_set_new(object, "pieces", pieces);
    return object;
}

json_t *json_of_album(const struct picture_album *album)
{
    json_t *pictures = json_array();
    for (uint32_t i = 0; i < album->count; i++) {
        json_array_append_new(pictures, map_picture(&album->pictures[i]));
    }
    return pictures;
}

#endif
