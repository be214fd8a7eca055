// SPDX-License-Identifier: MIT
//
// document.c - what exploring came to as JSON, "mems-stress/explore/1"; also in mems-stress, which
// has no scheduler.

#include <stdlib.h>

#include "explore/explore.h"

static void find_fini(struct explore_find *find)
{
    free(find->check);
    free(find->text);
    free(find->again);
}

void explore_result_free(struct explore_result *result)
{
    for (size_t i = 0; i < result->count; i++) {
        struct explore_cell *cell = &result->cells[i];
        if (cell->first != NULL) {
            find_fini(cell->first);
        }
        if (cell->smallest != NULL) {
            find_fini(&cell->smallest->find);
            free(cell->smallest->operations);
        }
        free(cell->first);
        free(cell->smallest);
    }
    free(result->cells);
    *result = (struct explore_result){0};
}

#ifdef MEMS_HAVE_JANSSON

#include <inttypes.h>

#include "json/json.h"

static const char *const verdict_names[] = {
    [EXPLORE_PASSED] = "pass", [EXPLORE_FAILED] = "failed", [EXPLORE_STUCK] = "stuck"};

static json_t *json_of_find(const struct explore_find *find)
{
    char digest[20];
    snprintf(digest, sizeof digest, "%016" PRIx64, find->digest);
    return json_pack("{s:o, s:s, s:s, s:o, s:o, s:s, s:o}", "seed", json_of_count(find->seed),
                     "strategy", find->strategy, "end", find->end, "check",
                     json_of_text(find->check), "text", json_of_text(find->text), "digest", digest,
                     "again", json_of_text(find->again));
}

static json_t *json_of_failure(const struct explore_cell *cell)
{
    if (cell->first == NULL) {
        return json_null();
    }
    json_t *failure = json_of_find(cell->first);
    json_object_set_new(failure, "schedule", json_of_count(cell->schedules));
    json_object_set_new(failure, "same_again", json_boolean(cell->same));
    return failure;
}

static json_t *json_of_smallest(const struct explore_smallest *smallest)
{
    if (smallest == NULL) {
        return json_null();
    }
    json_t *all = json_of_find(&smallest->find);
    json_object_set_new(all, "operations", json_of_text(smallest->operations));
    json_object_set_new(all, "kept", json_of_count(smallest->kept));
    json_object_set_new(all, "of", json_of_count(smallest->of));
    json_object_set_new(all, "starts", json_of_count(smallest->starts));
    json_object_set_new(all, "needed", json_of_count(smallest->needed));
    json_object_set_new(all, "schedules_each", json_of_count(smallest->each));
    json_object_set_new(all, "cut_short", json_boolean(smallest->cut_short));
    json_object_set_new(all, "schedules", json_of_count(smallest->schedules));
    json_object_set_new(all, "seconds", json_of_real(smallest->seconds));
    return all;
}

static json_t *json_of_cell(const struct explore_cell *found)
{
    const struct cell *cell = found->cell;
    double schedules = found->schedules > 0 ? (double)found->schedules : 1;
    double operations = schedules * found->threads * found->operations;
    json_t *all = json_pack("{s:o, s:o, s:o, s:s, s:o, s:s}", "id", json_of_text(cell->id),
                            "section", json_of_text(cell->section->section->name), "target",
                            json_of_text(cell->spec->name), "strategy", found->strategy, "seed",
                            json_of_count(cell->seed), "verdict", verdict_names[found->verdict]);
    json_object_set_new(all, "threads", json_of_count(found->threads));
    json_object_set_new(all, "operations", json_of_count(found->operations));
    json_object_set_new(all, "schedules", json_of_count(found->schedules));
    json_object_set_new(all, "lists", json_of_count(found->lists));
    json_object_set_new(all, "points", json_of_count(found->points));
    json_object_set_new(all, "choices", json_of_count(found->choices));
    json_object_set_new(all, "switches", json_of_count(found->switches));
    json_object_set_new(all, "points_per_operation",
                        json_of_real((double)found->points / operations));
    json_object_set_new(all, "seconds", json_of_real(found->seconds));
    json_object_set_new(all, "cpu_seconds", json_of_real(found->cpu_seconds));
    json_object_set_new(all, "schedules_per_cpu_minute",
                        found->cpu_seconds > 0 ? json_of_real(60 * schedules / found->cpu_seconds)
                                               : json_null());
    json_object_set_new(all, "failure", json_of_failure(found));
    json_object_set_new(all, "smallest", json_of_smallest(found->smallest));
    return all;
}

struct json_t *explore_document(const struct explore_result *result,
                                const struct explore_order *order, int exit_status)
{
    json_t *cells = json_array();
    for (size_t i = 0; i < result->count; i++) {
        json_array_append_new(cells, json_of_cell(&result->cells[i]));
    }
    return json_pack("{s:s, s:i, s:o, s:o, s:o}", "schema", "mems-stress/explore/1", "exit_status",
                     exit_status, "command", json_of_text(order->command), "seconds",
                     json_of_real(result->seconds), "cells", cells);
}

#else

struct json_t *explore_document(const struct explore_result *result,
                                const struct explore_order *order, int exit_status)
{
    (void)result;
    (void)order;
    (void)exit_status;
    return NULL;
}

#endif
