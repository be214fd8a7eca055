// SPDX-License-Identifier: MIT
//
// restore_map.c - pictures of a cell's memory read back: the inverse of json_map.c.

#ifdef MEMS_HAVE_JANSSON

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "result/json.h"
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
    MAP_ROW(RESTORE_COUNT, "mark", mark),
    MAP_ROW(RESTORE_COUNT, "frame_bytes", frame_bytes),
#define MAP_COUNTER(name)                                                                          \
    {"counters", #name, RESTORE_COUNT, offsetof(struct picture, counters.name), 0},
    PICTURE_COUNTERS(MAP_COUNTER)
#undef MAP_COUNTER
#define MAP_FIGURE(name, key)                                                                      \
    {"decision", key, RESTORE_COUNT, offsetof(struct picture, decision.name), 0},
        PICTURE_DEED_FIGURES(MAP_FIGURE)
#undef MAP_FIGURE
            {0},
};

// Which of `count` names a text is; `count`: none.
static uint32_t map_name(const json_t *text, const char *const *names, uint32_t count)
{
    const char *name = json_string_value(text);
    uint32_t i = 0;
    while (i < count && (name == NULL || strcmp(names[i], name) != 0)) {
        i++;
    }
    return i;
}

// A piece's numbers: json_map.c says in which order.
static void map_numbers(const uint64_t *numbers, size_t count, bool run,
                        struct picture_piece *piece)
{
    piece->size = numbers[0];
    piece->page = MEMS_PAGE_NONE;
    piece->count = 1;
    if (piece->kind == PICTURE_CELL) {
        piece->live = numbers[1];
        piece->cached = numbers[2];
        piece->count = (uint32_t)numbers[3];
        piece->largest = numbers[4];
        piece->space = (uint32_t)numbers[5];
    } else if (piece->kind == MEMS_PIECE_BLOCK) {
        piece->space = (uint32_t)numbers[1];
        piece->count = run ? (uint32_t)numbers[2] : 1;
        piece->page = !run && count > 2 ? numbers[2] : MEMS_PAGE_NONE;
    } else if (run && piece->kind == MEMS_PIECE_CACHED) {
        piece->count = (uint32_t)numbers[1];
    }
}

static int map_piece(const struct restore *restore, const json_t *array, bool run,
                     struct picture_piece *piece)
{
    uint64_t numbers[6] = {0};
    size_t count = json_array_size(array) > 0 ? json_array_size(array) - 1 : 0;
    piece->kind = map_name(json_array_get(array, 0), json_piece_names, PICTURE_CELL + 1);
    if (piece->kind > PICTURE_CELL || count > 6) {
        return restore_complain(restore, "map", "pieces", "block, cached, hole or cell");
    }
    size_t least = piece->kind == PICTURE_CELL       ? 6
                   : piece->kind == MEMS_PIECE_BLOCK ? 2u + run
                                                     : 1u + (run && piece->kind != MEMS_PIECE_HOLE);
    for (size_t i = 0; i < count || i < least; i++) {
        uint64_t most = piece->kind == PICTURE_CELL && (i == 3 || i == 5) ? UINT32_MAX : UINT64_MAX;
        most = piece->kind == MEMS_PIECE_BLOCK && i == 1 ? UINT32_MAX : most;
        most = run && i == least - 1 && i > 0 ? UINT32_MAX : most;
        if (restore_number(restore, json_array_get(array, i + 1), "map", "pieces", most,
                           &numbers[i]) != 0) {
            return EINVAL;
        }
    }
    map_numbers(numbers, count, run, piece);
    return 0;
}

static int map_picture(const struct restore *restore, const json_t *object, struct picture *picture,
                       struct picture_piece *drawn, uint32_t room)
{
    const json_t *pieces = json_object_get(object, "pieces");
    int error = restore_fields(restore, map_table, object, picture);
    picture->drawn = map_name(json_object_get(object, "drawn"), json_drawn_names, PICTURE_WAYS);
    picture->decision.deed = map_name(json_object_get(json_object_get(object, "decision"), "what"),
                                      json_deed_names, DEEDS);
    if (error == 0 && (picture->drawn == PICTURE_WAYS || picture->decision.deed == DEEDS)) {
        const char *which = picture->drawn == PICTURE_WAYS ? "drawn" : "decision";
        picture->drawn = picture->decision.deed = 0;
        return restore_complain(restore, "map", which, "one of the schema's words");
    }
    if (error == 0 && (!json_is_array(pieces) || json_array_size(pieces) > room)) {
        error = restore_complain(restore, "map", "pieces", "a short array");
    }
    for (size_t i = 0; error == 0 && i < json_array_size(pieces); i++) {
        error = map_piece(restore, json_array_get(pieces, i), picture->drawn == PICTURE_RUNS,
                          &drawn[i]);
        picture->piece_count = (uint32_t)i + 1;
    }
    return error;
}

unsigned restore_album_pieces(const json_t *map)
{
    size_t most = 0, index;
    json_t *picture;
    json_array_foreach(map, index, picture)
    {
        size_t count = json_array_size(json_object_get(picture, "pieces"));
        most = count > most ? count : most;
    }
    return most < PICTURE_PIECES ? (unsigned)most : PICTURE_PIECES;
}

int restore_album(const struct restore *restore, const json_t *map, struct picture_album *album)
{
    int error = 0;
    for (uint32_t i = 0; i < album->room && i < json_array_size(map) && error == 0; i++) {
        error = map_picture(restore, json_array_get(map, i), &album->pictures[i],
                            picture_pieces(album, i), album->pieces);
        album->count = i + 1;
    }
    return error;
}

#endif
