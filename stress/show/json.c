// SPDX-License-Identifier: MIT
//
// json.c - the show as one JSON document.

#include "show/json.h"

#include <stdlib.h>

#ifdef MEMS_HAVE_JANSSON

#include "show/words.h"
#include "json/json.h"

#define SHOW_SCHEMA "mems-stress/show/1"

struct show_document {
    json_t *root, *targets;
    json_t *target, *steps; // borrowed, of the target under way
};

struct show_document *show_document_open(const char *trace)
{
    struct show_document *document = calloc(1, sizeof *document);
    if (document == NULL) {
        return NULL;
    }
    document->targets = json_array();
    document->root = json_pack("{s:s, s:o, s:o}", "schema", SHOW_SCHEMA, "trace",
                               json_of_text(trace), "targets", document->targets);
    return document;
}

static json_t *show_units(uint64_t bytes, uint64_t unit)
{
    return bytes % unit == 0 ? json_of_count(bytes / unit)
                             : json_of_real((double)bytes / (double)unit);
}

static json_t *show_share(double share)
{
    return share < 0 ? json_null() : json_of_real(share);
}

void show_document_target(struct show_document *document, const struct show *show,
                          const char *target)
{
    document->steps = json_array();
    document->target = json_pack("{s:o, s:o, s:o, s:o}", "target", json_of_text(target), "options",
                                 json_of_text(show_options(show)), "unit_bytes",
                                 json_of_count(show_unit(show)), "steps", document->steps);
    json_array_append_new(document->targets, document->target);
}

static json_t *show_piece(const struct show *show, const struct show_map *map,
                          const struct show_piece *piece)
{
    static const char *const kinds[] = {
        [MEMS_PIECE_BLOCK] = "block", [MEMS_PIECE_CACHED] = "cached", [MEMS_PIECE_HOLE] = "hole"};
    uint64_t unit = show_unit(show);
    json_t *object = json_pack("{s:s}", "what", kinds[piece->kind]);
    if (!piece->absent) {
        json_object_set_new(object, "region", json_of_count(piece->region));
        json_object_set_new(object, "at", show_units(piece->at, unit));
    }
    json_object_set_new(object, "size", show_units(piece->size, unit));
    if (piece->block != SHOW_NOBODY) {
        char name[160];
        words_name(show_trace(show), piece->process, piece->block, name, sizeof name);
        json_object_set_new(object, "owner", json_of_text(name));
        json_object_set_new(object, "requested", show_units(piece->requested, unit));
        json_object_set_new(object, "resident", json_boolean(!piece->absent));
    }
    if (map->frame != 0) {
        json_object_set_new(object, "frame",
                            piece->absent ? json_null() : json_of_count(piece->at / map->frame));
        json_object_set_new(object, "page",
                            piece->page == MEMS_PAGE_NONE ? json_null()
                                                          : json_of_count(piece->page));
    }
    return object;
}

static json_t *show_map(const struct show *show, const struct show_map *map)
{
    const struct mems_stats *stats = &map->stats;
    uint64_t unit = show_unit(show);
    json_t *pieces = json_array();
    for (size_t i = 0; i < map->count; i++) {
        json_array_append_new(pieces, show_piece(show, map, &map->pieces[i]));
    }
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "memory",
        show_units(map->memory, unit), "live_blocks", json_of_count(stats->live_blocks),
        "requested", show_units(stats->requested_bytes, unit), "taken",
        show_units(stats->block_bytes, unit), "free", show_units(stats->free_bytes, unit), "holes",
        json_of_count(stats->holes), "largest_hole", show_units(stats->largest_hole, unit),
        "refused", json_of_count(stats->refusals), "refused_enough_free",
        json_of_count(stats->refusals_enough_free), "pieces", pieces);
}

void show_document_step(struct show_document *document, const struct show *show,
                        const struct show_step *step, const struct show_map *map)
{
    uint64_t unit = show_unit(show);
    if (step->outcome == SHOW_SILENT) {
        return;
    }
    json_t *object = json_pack("{s:o, s:o, s:s, s:o}", "number", json_of_count(step->number),
                               "operation", json_of_text(step->operation), "outcome",
                               words_outcome(step->outcome), "text", json_of_text(step->text));
    json_t *moves = json_array();
    for (size_t i = 0; i < step->move_count; i++) {
        const struct show_move *move = &step->moves[i];
        char name[160];
        words_name(show_trace(show), move->process, move->block, name, sizeof name);
        json_array_append_new(moves, json_pack("{s:o, s:o, s:o}", "owner", json_of_text(name),
                                               "from", show_units(move->from, unit), "to",
                                               show_units(move->to, unit)));
    }
    if (step->move_count > 0) {
        json_object_set(object, "moves", moves);
    }
    json_decref(moves);
    if (step->reason[0] != '\0') {
        json_object_set_new(object, "reason", json_of_text(step->reason));
    }
    if (step->choice.made) {
        json_object_set_new(object, "choice",
                            json_pack("{s:o, s:o}", "at", show_units(step->choice.at, unit), "size",
                                      show_units(step->choice.size, unit)));
    }
    if (map != NULL) {
        json_object_set_new(object, "map", show_map(show, map));
    }
    json_array_append_new(document->steps, object);
}

void show_document_end(struct show_document *document, struct show *show)
{
    struct show_summary summary;
    uint64_t unit = show_unit(show);
    show_sum_up(show, &summary);
    json_t *object = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "served",
        json_of_count(summary.served), "refused", json_of_count(summary.refused),
        "refused_enough_free", json_of_count(summary.refused_enough), "internal_share",
        show_share(summary.internal), "external_share", show_share(summary.external), "holes",
        json_of_count(summary.holes), "free", show_units(summary.free_bytes, unit), "largest_hole",
        show_units(summary.largest_hole, unit), "faults", json_of_count(summary.faults), "moved",
        show_units(summary.moved_bytes, unit));
    json_object_set_new(document->target, "summary", object);
    json_object_set_new(document->target, "end", show_map(show, show_look(show)));
}

struct json_t *show_document_root(struct show_document *document)
{
    return document->root;
}

void show_document_add(struct show_document *document, struct json_t *target)
{
    json_array_append_new(document->targets, target);
}

char *show_document_text(struct show_document *document)
{
    return json_print(document->root);
}

void show_document_close(struct show_document *document)
{
    json_decref(document->root);
    free(document);
}

#else

struct show_document *show_document_open(const char *trace)
{
    (void)trace;
    return NULL;
}

void show_document_target(struct show_document *document, const struct show *show,
                          const char *target)
{
    (void)document;
    (void)show;
    (void)target;
}

void show_document_step(struct show_document *document, const struct show *show,
                        const struct show_step *step, const struct show_map *map)
{
    (void)document;
    (void)show;
    (void)step;
    (void)map;
}

void show_document_end(struct show_document *document, struct show *show)
{
    (void)document;
    (void)show;
}

struct json_t *show_document_root(struct show_document *document)
{
    (void)document;
    return NULL;
}

void show_document_add(struct show_document *document, struct json_t *target)
{
    (void)document;
    (void)target;
}

char *show_document_text(struct show_document *document)
{
    (void)document;
    return NULL;
}

void show_document_close(struct show_document *document)
{
    (void)document;
}

#endif
