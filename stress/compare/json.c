// SPDX-License-Identifier: MIT
//
// json.c - a comparison for programs.

#include "compare/compare.h"

#ifdef MEMS_HAVE_JANSSON

#include <math.h>

#include "json/json.h"

static json_t *compare_json_row(const struct compare_row *row)
{
    const struct judge_result *result = &row->result;
    json_t *object = json_object();
    json_object_set_new(object, "section", json_of_text(row->section));
    json_object_set_new(object, "target", json_of_text(row->target));
    json_object_set_new(object, "metric", json_string(row->metric->name));
    json_object_set_new(object, "unit", json_string(row->metric->unit));
    json_object_set_new(object, "paired", json_boolean(row->sides.paired));
    json_object_set_new(object, "repeats_a", json_of_count(row->sides.count_a));
    json_object_set_new(object, "repeats_b", json_of_count(row->sides.count_b));
    json_object_set_new(object, "median_a", json_of_real(result->median_a));
    json_object_set_new(object, "median_b", json_of_real(result->median_b));
    json_object_set_new(object, "ratio", json_of_real(result->ratio));
    json_object_set_new(object, "from_zero",
                        json_boolean(result->median_a == 0 && isinf(result->ratio)));
    json_object_set_new(object, "low", json_of_real(result->low));
    json_object_set_new(object, "high", json_of_real(result->high));
    json_object_set_new(object, "family", json_of_count(row->family));
    json_object_set_new(object, "p", row->judged ? json_of_real(result->p) : json_null());
    json_object_set_new(object, "p_holm", row->judged ? json_of_real(result->p_holm) : json_null());
    json_object_set_new(object, "effect", row->judged ? json_of_real(result->effect) : json_null());
    json_object_set_new(object, "verdict", json_string(judge_verdict_name(result->verdict)));
    json_object_set_new(object, "reason", json_of_text(result->reason));
    return object;
}

static json_t *compare_json_note(const struct compare_note *note)
{
    return json_pack("{s:o, s:o, s:s, s:b, s:o}", "section",
                     *note->section != '\0' ? json_of_text(note->section) : json_null(), "target",
                     *note->target != '\0' ? json_of_text(note->target) : json_null(), "kind",
                     compare_kind_name(note->kind), "refused", note->kind == COMPARE_REFUSED,
                     "reason", json_of_text(note->reason));
}

struct json_t *compare_json(const struct comparison *comparison)
{
    const struct judge_options *judge = &comparison->options.judge;
    json_t *rows = json_array();
    json_t *notes = json_array();
    for (size_t i = 0; i < comparison->row_count; i++) {
        json_array_append_new(rows, compare_json_row(&comparison->rows[i]));
    }
    for (size_t i = 0; i < comparison->note_count; i++) {
        json_array_append_new(notes, compare_json_note(&comparison->notes[i]));
    }
    json_t *object = json_object();
    json_object_set_new(object, "schema", json_string("mems-stress-comparison/1"));
    json_object_set_new(object, "a", json_of_text(comparison->name_a));
    json_object_set_new(object, "b", json_of_text(comparison->name_b));
    json_object_set_new(object, "threshold_share", json_of_real(judge->threshold));
    json_object_set_new(object, "alpha", json_of_real(judge->alpha));
    json_object_set_new(object, "judged", json_of_count(comparison->judged));
    for (int i = 0; i < JUDGE_VERDICTS; i++) {
        json_object_set_new(object, judge_verdict_name((enum judge_verdict)i),
                            json_of_count(comparison->count[i]));
    }
    json_object_set_new(object, "refused", json_of_count(comparison->refused));
    json_object_set_new(object, "rows", rows);
    json_object_set_new(object, "notes", notes);
    return object;
}

void compare_json_free(struct json_t *json)
{
    json_decref(json);
}

#else

struct json_t *compare_json(const struct comparison *comparison)
{
    (void)comparison;
    return NULL;
}

void compare_json_free(struct json_t *json)
{
    (void)json;
}

#endif
