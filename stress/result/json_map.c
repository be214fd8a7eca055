// SPDX-License-Identifier: MIT
//
// json_map.c - the pictures of a cell's memory map.

#ifdef MEMS_HAVE_JANSSON

#include "result/json.h"

const char *const json_drawn_names[PICTURE_WAYS] = {
    [PICTURE_EACH] = "pieces", [PICTURE_RUNS] = "runs", [PICTURE_CELLS] = "cells"};
const char *const json_piece_names[PICTURE_CELL + 1] = {[MEMS_PIECE_BLOCK] = "block",
                                                        [MEMS_PIECE_CACHED] = "cached",
                                                        [MEMS_PIECE_HOLE] = "hole",
                                                        [PICTURE_CELL] = "cell"};
const char *const json_deed_names[DEEDS] = {
    [DEED_UNKNOWN] = "unknown",
    [DEED_ALLOC_HOLE] = "alloc from a hole",
    [DEED_ALLOC_MAGAZINE] = "alloc from a magazine",
    [DEED_ALLOC_REFILL] = "alloc after a refill",
    [DEED_ALLOC_GREW] = "alloc in new memory",
    [DEED_ALLOC_FRAMES] = "alloc of frames",
    [DEED_FREE_HOLE] = "free to a hole",
    [DEED_FREE_MAGAZINE] = "free to a magazine",
    [DEED_FREE_FRAMES] = "free of frames",
    [DEED_TOUCH_HIT] = "touch, in memory",
    [DEED_TOUCH_FAULT] = "touch, fault",
    [DEED_REFUSED] = "alloc refused",
};

static void map_append(json_t *array, uint64_t number)
{
    json_array_append_new(array, json_of_count(number));
}

// [what, bytes]; of a block [what, bytes, space] and the page that is in a frame, or of how many
// pieces a run is; of a run at hand [what, bytes, pieces]; of a cell [what, bytes, live, cached,
// holes, largest hole, space].
static json_t *map_piece(const struct picture_piece *piece, bool run)
{
    json_t *array = json_array();
    json_array_append_new(array, json_string(json_piece_names[piece->kind]));
    map_append(array, piece->size);
    if (piece->kind == PICTURE_CELL) {
        map_append(array, piece->live);
        map_append(array, piece->cached);
        map_append(array, piece->count);
        map_append(array, piece->largest);
    }
    if (piece->kind == MEMS_PIECE_BLOCK || piece->kind == PICTURE_CELL) {
        map_append(array, piece->space);
    }
    if (run && (piece->kind == MEMS_PIECE_BLOCK || piece->kind == MEMS_PIECE_CACHED)) {
        map_append(array, piece->count);
    } else if (piece->kind == MEMS_PIECE_BLOCK && piece->page != MEMS_PAGE_NONE) {
        map_append(array, piece->page);
    }
    return array;
}

static json_t *map_counters(const struct picture_counters *counters)
{
    json_t *object = json_object();
#define MAP_COUNTER(name) json_object_set_new(object, #name, json_of_count(counters->name));
    PICTURE_COUNTERS(MAP_COUNTER)
#undef MAP_COUNTER
    return object;
}

static json_t *map_decision(const struct picture_decision *decision)
{
    json_t *object = json_object();
    json_object_set_new(object, "what", json_string(json_deed_names[decision->deed]));
#define MAP_FIGURE(name, key) json_object_set_new(object, key, json_of_count(decision->name));
    PICTURE_DEED_FIGURES(MAP_FIGURE)
#undef MAP_FIGURE
    return object;
}

static json_t *map_picture(const struct picture *picture, const struct picture_piece *drawn)
{
    json_t *pieces = json_array();
    for (uint32_t i = 0; i < picture->piece_count; i++) {
        json_array_append_new(pieces, map_piece(&drawn[i], picture->drawn == PICTURE_RUNS));
    }
    json_t *object = json_object();
    json_object_set_new(object, "at_ns", json_of_count(picture->at_ns));
    json_object_set_new(object, "operations", json_of_count(picture->operations));
    json_object_set_new(object, "mark", json_of_count(picture->mark));
    json_object_set_new(object, "memory_bytes", json_of_count(picture->memory_bytes));
    json_object_set_new(object, "frame_bytes", json_of_count(picture->frame_bytes));
    json_object_set_new(object, "requested_bytes", json_of_count(picture->requested_bytes));
    json_object_set_new(object, "taken_bytes", json_of_count(picture->block_bytes));
    json_object_set_new(object, "free_bytes", json_of_count(picture->free_bytes));
    json_object_set_new(object, "live_blocks", json_of_count(picture->live_blocks));
    json_object_set_new(object, "holes", json_of_count(picture->holes));
    json_object_set_new(object, "largest_hole_bytes", json_of_count(picture->largest_hole));
    json_object_set_new(object, "refused", json_of_count(picture->refusals));
    json_object_set_new(object, "refused_enough_free",
                        json_of_count(picture->refusals_enough_free));
    json_object_set_new(object, "exact", json_boolean(picture->drawn == PICTURE_EACH));
    json_object_set_new(object, "drawn", json_string(json_drawn_names[picture->drawn]));
    json_object_set_new(object, "counters", map_counters(&picture->counters));
    json_object_set_new(object, "decision", map_decision(&picture->decision));
    json_object_set_new(object, "pieces", pieces);
    return object;
}

json_t *json_of_album(const struct picture_album *album)
{
    json_t *pictures = json_array();
    for (uint32_t i = 0; i < album->count; i++) {
        json_array_append_new(pictures, map_picture(&album->pictures[i], picture_pieces(album, i)));
    }
    return pictures;
}

#endif
