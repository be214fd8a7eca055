// SPDX-License-Identifier: MIT
//
// document.c - exercises and runs in a document of "mems-stress/show/1".
//
// A run is a target like an engine's: frames are pieces of size 1, a page in one is its block. What
// only runs have is more members: R, M and times of a piece, the hand of a map, faults of a step.

#include "lesson/document.h"

#ifdef MEMS_HAVE_JANSSON

#include <inttypes.h>
#include <stdio.h>

#include "json/json.h"

void lesson_document_exercise(struct show_document *document, const struct exercise *exercise)
{
    static const char *const kinds[] = {[EXERCISE_TRACE] = "trace",
                                        [EXERCISE_REFERENCES] = "references",
                                        [EXERCISE_STATE] = "state",
                                        [EXERCISE_ACCESS_TIME] = "access time"};
    json_object_set_new(
        show_document_root(document), "exercise",
        json_pack("{s:o, s:o, s:o, s:o, s:s, s:o}", "name", json_of_text(exercise->name), "title",
                  json_of_text(exercise->title), "question", json_of_text(exercise->question),
                  "source", exercise->source != NULL ? json_of_text(exercise->source) : json_null(),
                  "kind", kinds[exercise->kind], "input", json_of_text(exercise->input)));
}

static json_t *document_piece(const struct lesson_run *run, const struct lesson_cell *cell,
                              size_t frame)
{
    char name[32];
    bool used = cell->page != LESSON_NONE;
    json_t *piece = json_pack("{s:s, s:o, s:o, s:i, s:o}", "what", used ? "block" : "hole",
                              "region", json_of_count(0), "at", json_of_count(frame), "size", 1,
                              "frame", json_of_count(frame));
    json_object_set_new(piece, "page", used ? json_of_count(cell->page) : json_null());
    if (!used) {
        return piece;
    }
    snprintf(name, sizeof name, "%" PRIu64, cell->page);
    json_object_set_new(piece, "owner", json_of_text(name));
    json_object_set_new(piece, "loaded", json_of_count(cell->loaded));
    json_object_set_new(piece, "used", json_of_count(cell->last));
    if (run->bits) {
        json_object_set_new(piece, "referenced", json_boolean(cell->r));
    }
    if (run->dirty) {
        json_object_set_new(piece, "modified", json_boolean(cell->m));
    }
    return piece;
}

// step NULL: there is no memory.
static json_t *document_map(const struct lesson_run *run, const struct lesson_step *step)
{
    json_t *pieces = json_array();
    size_t cells = step != NULL ? step->cell_count : 0, live = 0;
    for (size_t i = 0; i < cells; i++) {
        live += step->cells[i].page != LESSON_NONE;
        json_array_append_new(pieces, document_piece(run, &step->cells[i], i));
    }
    json_t *map =
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:i, s:o}", "memory",
                  json_of_count(cells), "live_blocks", json_of_count(live), "requested",
                  json_of_count(live), "taken", json_of_count(live), "free",
                  json_of_count(cells - live), "holes", json_of_count(cells - live), "largest_hole",
                  cells > live ? 1 : 0, "refused", 0, "refused_enough_free", 0, "pieces", pieces);
    if (run->hand) {
        json_object_set_new(map, "hand",
                            step != NULL && step->hand != LESSON_NONE ? json_of_count(step->hand)
                                                                      : json_null());
    }
    return map;
}

static json_t *document_step(const struct lesson_run *run, size_t index)
{
    const struct lesson_step *step = &run->steps[index];
    json_t *object = json_pack("{s:o, s:o, s:s, s:o}", "number", json_of_count(index + 1),
                               "operation", json_of_text(step->operation), "outcome", "done",
                               "text", json_of_text(step->text));
    if (step->reason != NULL) {
        json_object_set_new(object, "reason", json_of_text(step->reason));
    }
    if (step->page != LESSON_NONE) {
        json_object_set_new(object, "page", json_of_count(step->page));
        json_object_set_new(object, "fault", json_boolean(step->fault));
        json_object_set_new(object, "initial", json_boolean(step->initial));
    }
    if (step->cells != NULL) {
        json_object_set_new(object, "map", document_map(run, step));
    }
    return object;
}

void lesson_document_run(struct show_document *document, const struct lesson_run *run)
{
    json_t *steps = json_array();
    bool string = run->count > 0 && run->steps[0].page != LESSON_NONE;
    const struct lesson_step *last = run->count > 0 ? &run->steps[run->count - 1] : NULL;
    for (size_t i = 0; i < run->count; i++) {
        json_array_append_new(steps, document_step(run, i));
    }
    json_t *summary = json_pack(
        "{s:o, s:i, s:i, s:n, s:n, s:i, s:i, s:i, s:o, s:i}", "served", json_of_count(run->count),
        "refused", 0, "refused_enough_free", 0, "internal_share", "external_share", "holes", 0,
        "free", 0, "largest_hole", 0, "faults", json_of_count(run->faults), "moved", 0);
    json_t *target = json_pack("{s:o, s:s, s:i, s:s, s:o, s:o, s:o}", "target",
                               json_of_text(run->name), "options", "", "unit_bytes", 1, "kind",
                               run->dirty ? "state"
                               : string   ? "replacement"
                                          : "calculation",
                               "steps", steps, "summary", summary, "end", document_map(run, last));
    if (string) {
        json_object_set_new(summary, "initial_loads", json_of_count(run->initial));
        json_object_set_new(target, "algorithm", json_of_text(run->algorithm));
        json_object_set_new(target, "frames",
                            run->frames > 0 ? json_of_count(run->frames) : json_null());
    }
    show_document_add(document, target);
    lesson_document_answer(document, run->answer, run->expected);
}

void lesson_document_answer(struct show_document *document, const char *answer,
                            const char *expected)
{
    json_t *targets = json_object_get(show_document_root(document), "targets");
    json_t *target = json_array_get(targets, json_array_size(targets) - 1);
    if (answer[0] != '\0') {
        json_object_set_new(target, "answer", json_of_text(answer));
        json_object_set_new(target, "expected",
                            expected != NULL ? json_of_text(expected) : json_null());
    }
}

#else

void lesson_document_exercise(struct show_document *document, const struct exercise *exercise)
{
    (void)document;
    (void)exercise;
}

void lesson_document_run(struct show_document *document, const struct lesson_run *run)
{
    (void)document;
    (void)run;
}

void lesson_document_answer(struct show_document *document, const char *answer,
                            const char *expected)
{
    (void)document;
    (void)answer;
    (void)expected;
}

#endif
