// SPDX-License-Identifier: MIT
//
// merge.c - the results of shards joined to one.
//
// 1. What comes out. The plan that the shards were dealt from, with every cell as its shard has
// left
//    it (result/restore.c): whoever shows, writes or judges a run does the same with it. Sections
//    and cells are in the plan's order, whichever order the files come in.
// 2. What fits together. All parts have the same book (same sections by hash, same cells, as many
//    shards), the same plan and the same key, which covers the files of the plan and the build.
//    Else the merge is refused, and says where they differ. A section's text must have the hash
//    that the book says: an edited result is no result.
// 3. Twice. The same shard may come twice, and what was merged before may be merged with the rest:
//    equal cells are one. A cell that has ended wins over the same one that has not. Two outcomes
//    of one cell are refused: nobody can know which to believe.
// 4. Machines. The shards' machines are listed, every cell names its own, and warnings are told for
//    each shard. The targets of a section were measured on one machine (journal.c sees to it), or
//    the merge is refused.
// 5. Nothing that a plan names needs to be here: no trace, no allocator.

#ifdef MEMS_HAVE_JANSSON

#include "shard/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "disk/memory.h"
#include "job/sure.h"
#include "result/restore.h"
#include "run/plan_order.h"
#include "shard/merge_part.h"
#include "json/json.h"

static json_int_t merge_count(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

// ---- the plan -----------------------------------------------------------------------------------

// The section of a part that has it.
static const json_t *merge_section(const struct merge *merge, const char *name)
{
    for (size_t i = 0; i < merge->part_count; i++) {
        const json_t *section = json_object_get(merge->parts[i].sections, name);
        if (section != NULL) {
            return section;
        }
    }
    return NULL;
}

static const char *merge_name(const struct merge *merge, size_t place)
{
    const json_t *row = json_array_get(json_object_get(merge->book, "sections"), place);
    return json_string_value(json_object_get(row, "name"));
}

// The sections that there are, as one job.
static int merge_job(struct merge *merge, struct complaint *complaint)
{
    char *text = NULL;
    size_t length;
    size_t count = json_array_size(json_object_get(merge->book, "sections"));
    const json_t *job = json_object_get(merge->parts[0].root, "job");
    FILE *out = disk_memory(&text, &length);
    if (out == NULL) {
        complain_exhausted();
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *section = merge_section(merge, merge_name(merge, i));
        if (section != NULL) {
            fprintf(out, "\n%s", json_string_value(json_object_get(section, "text")));
        }
    }
    if (fclose(out) != 0) {
        complain_exhausted();
    }
    // A job without sections is no job: of empty shards there is nothing to read.
    int error = length > 0 ? job_recall(text, "the shards' sections", &merge->job, complaint) : 0;
    free(text);
    if (error == 0 && merge->job != NULL) {
        merge->named = *merge->job;
    }
    const char *path = json_string_value(json_object_get(job, "path"));
    const char *title = json_string_value(json_object_get(job, "title"));
    merge->named.path = path != NULL ? path : "";
    merge->named.title = title != NULL ? title : "";
    return error;
}

static void merge_specs(struct plan_section *section, const json_t *targets)
{
    size_t index;
    json_t *target;
    section->specs = plan_zeroed(json_array_size(targets), sizeof *section->specs);
    section->missing = plan_zeroed(json_array_size(targets), sizeof *section->missing);
    json_array_foreach(targets, index, target)
    {
        section->specs[index].name = strdup(json_string_value(target));
        if (section->specs[index].name == NULL) {
            complain_exhausted();
        }
    }
    section->spec_count = json_array_size(targets);
}

static void merge_section_files(struct plan_section *section, json_t *files)
{
    const char *key;
    json_t *file;
    section->files = plan_zeroed(json_object_size(files), sizeof *section->files);
    json_object_foreach(files, key, file)
    {
        struct plan_file *made = &section->files[section->file_count++];
        const char *hash = json_string_value(json_object_get(file, "sha256"));
        made->key = key;
        made->path = json_string_value(json_object_get(file, "path"));
        snprintf(made->digest.text, sizeof made->digest.text, "%s", hash != NULL ? hash : "");
    }
}

// As they were written, and not as the plan resolved them: 20k, not 20000.
static void merge_values(struct job_section *section, const json_t *values)
{
    for (size_t i = 0; i < section->value_count; i++) {
        const char *text = json_string_value(json_object_get(values, section->values[i].key->name));
        section->values[i].text = text != NULL ? text : section->values[i].text;
    }
}

static void merge_plan_section(struct plan_section *made, struct job_section *section,
                               const json_t *object, const json_t *targets)
{
    const json_t *demand = json_object_get(object, "demand");
    *made = (struct plan_section){
        .section = section,
        .text = strdup(json_string_value(json_object_get(object, "text"))),
        .threads = (unsigned)merge_count(object, "threads"),
        .seed = (uint64_t)json_number_value(json_object_get(object, "seed")),
        .repeats = (unsigned)merge_count(object, "repeats"),
        .demand = {.peak_bytes = (uint64_t)merge_count(demand, "peak_bytes"),
                   .largest = (uint64_t)merge_count(demand, "largest_bytes")},
    };
    if (made->text == NULL) {
        complain_exhausted();
    }
    if (json_is_integer(json_object_get(object, "seed"))) {
        made->seed = (uint64_t)merge_count(object, "seed");
    }
    merge_values(section, json_object_get(object, "values"));
    merge_specs(made, targets);
    merge_section_files(made, json_object_get(object, "files"));
}

// By place in the book: the plan's section, or NULL where no part has it.
static struct plan_section **merge_sections(struct merge *merge)
{
    const json_t *rows = json_object_get(merge->book, "sections");
    size_t count = json_array_size(rows);
    struct plan_section **placed = plan_zeroed(count, sizeof(struct plan_section *));
    merge->plan.sections = plan_zeroed(count, sizeof *merge->plan.sections);
    for (size_t i = 0; i < count; i++) {
        const json_t *object = merge_section(merge, merge_name(merge, i));
        size_t place = merge->plan.section_count;
        if (object != NULL && merge->job != NULL && place < merge->job->section_count) {
            placed[i] = &merge->plan.sections[merge->plan.section_count++];
            merge_plan_section(placed[i], &merge->job->sections[place], object,
                               json_object_get(json_array_get(rows, i), "targets"));
        }
    }
    return placed;
}

// ---- cells --------------------------------------------------------------------------------------

static bool merge_ended(const json_t *cell)
{
    const char *verdict = json_string_value(json_object_get(cell, "verdict"));
    return verdict != NULL && strcmp(verdict, cell_verdict_name(CELL_WAITING)) != 0 &&
           strcmp(verdict, cell_verdict_name(CELL_INCOMPLETE)) != 0;
}

// Equal but for their place in the run, and how that was called.
static bool merge_equal(const json_t *a, const json_t *b)
{
    json_t *one = json_copy((json_t *)(uintptr_t)a);
    json_t *other = json_copy((json_t *)(uintptr_t)b);
    json_object_del(one, "order");
    json_object_del(other, "order");
    json_object_del(one, "again");
    json_object_del(other, "again");
    bool equal = json_equal(one, other) != 0;
    json_decref(one);
    json_decref(other);
    return equal;
}

// The cell's outcome, of the part that has the best of it. EINVAL: there are two.
static int merge_find(const struct merge *merge, const char *id, const json_t **found,
                      struct complaint *complaint)
{
    const struct merge_part *from = NULL;
    *found = NULL;
    for (size_t i = 0; i < merge->part_count; i++) {
        const json_t *cell = json_object_get(merge->parts[i].cells, id);
        if (cell == NULL || (*found != NULL && !merge_ended(cell))) {
            continue;
        }
        if (*found != NULL && merge_ended(*found) && !merge_equal(*found, cell)) {
            complain(complaint,
                     "%s and %s: both have the cell %s, with different outcomes: leave one of "
                     "them out",
                     from->path, merge->parts[i].path, id);
            return EINVAL;
        }
        if (*found == NULL || !merge_ended(*found)) {
            *found = cell;
            from = &merge->parts[i];
        }
    }
    return 0;
}

static void merge_miss(struct merge *merge, const char *id, const json_t *row)
{
    merge->missing[merge->missing_count++] =
        sure_print("%s (shard %d/%d)", id, (int)merge_count(row, "shard"),
                   (int)merge_count(merge->book, "count"));
}

static int merge_cell(struct merge *merge, struct plan_section *section, unsigned target,
                      const json_t *object, struct complaint *complaint)
{
    struct cell *cell = &merge->plan.cells[merge->plan.cell_count++];
    const char *again = json_string_value(json_object_get(object, "again"));
    const char *id = json_string_value(json_object_get(object, "id"));
    const json_t *seed = json_object_get(object, "seed");
    *cell = (struct cell){
        .id = strdup(id),
        .section = section,
        .spec = &section->specs[target],
        .target = target,
        .repeat = (unsigned)merge_count(object, "repeat"),
        .seed = json_is_integer(seed) ? (uint64_t)json_integer_value(seed)
                                      : (uint64_t)json_number_value(seed),
        .rerun = strdup(again != NULL ? again : ""),
    };
    if (cell->id == NULL || cell->rerun == NULL) {
        complain_exhausted();
    }
    return restore_cell(object, cell, complaint);
}

static int merge_cells(struct merge *merge, struct plan_section **sections,
                       struct complaint *complaint)
{
    size_t index;
    json_t *triple;
    const json_t *rows = json_object_get(merge->book, "sections");
    const json_t *cells = json_object_get(merge->book, "cells");
    merge->plan.cells = plan_zeroed(json_array_size(cells), sizeof *merge->plan.cells);
    merge->missing = plan_zeroed(json_array_size(cells), sizeof *merge->missing);
    json_array_foreach(cells, index, triple)
    {
        size_t place = (size_t)json_integer_value(json_array_get(triple, 0));
        size_t target = (size_t)json_integer_value(json_array_get(triple, 1));
        const json_t *row = json_array_get(rows, place);
        const json_t *name = json_array_get(json_object_get(row, "targets"), target);
        const json_t *found;
        char id[5000];
        snprintf(id, sizeof id, "%s/%s/%d", merge_name(merge, place), json_string_value(name),
                 (int)json_integer_value(json_array_get(triple, 2)));
        int error = merge_find(merge, id, &found, complaint);
        if (error == 0 && (found == NULL || !merge_ended(found))) {
            merge_miss(merge, id, row);
        }
        if (error == 0 && found != NULL && sections[place] != NULL) {
            error = merge_cell(merge, sections[place], (unsigned)target, found, complaint);
        }
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

// What is compared must be of one machine.
static int merge_check_machines(const struct merge *merge, struct complaint *complaint)
{
    const struct plan *plan = &merge->plan;
    for (size_t s = 0; s < plan->section_count; s++) {
        const char *host = NULL;
        for (size_t i = 0; i < plan->cell_count; i++) {
            const struct cell *cell = &plan->cells[i];
            if (cell->section != &plan->sections[s] || cell->host[0] == '\0') {
                continue;
            }
            if (host != NULL && strcmp(host, cell->host) != 0) {
                complain(complaint,
                         "section [%s] was measured on two machines, %s and %s: its targets cannot "
                         "be compared",
                         plan->sections[s].section->name, host, cell->host);
                return EINVAL;
            }
            host = cell->host;
        }
    }
    return 0;
}

// ---- the rest of the document -------------------------------------------------------------------

static void merge_machines(struct merge *merge)
{
    size_t index, at;
    json_t *machine;
    merge->hosts = json_array();
    json_t *known = json_object();
    for (index = 0; index < merge->part_count; index++) {
        json_array_foreach(json_object_get(merge->parts[index].root, "hosts"), at, machine)
        {
            const char *name = json_string_value(json_object_get(machine, "name"));
            if (name != NULL && json_object_get(known, name) == NULL) {
                json_object_set(known, name, machine);
                json_array_append(merge->hosts, machine);
            }
        }
    }
    json_decref(known);
    const json_t *first = json_array_get(merge->hosts, 0);
    const char *name = json_string_value(json_object_get(first, "name"));
    snprintf(merge->host.name, sizeof merge->host.name, "%s", name != NULL ? name : "");
    merge->plan.cpus = (unsigned)merge_count(json_object_get(first, "topology"), "cpus");
}

// Of one part; each begins with whose it is. "hosts" is about the whole, and told anew.
static void merge_warnings(struct merge *merge, const struct merge_part *part)
{
    size_t index;
    json_t *warning;
    const json_t *host = json_object_get(part->root, "host");
    const char *machine = json_string_value(json_object_get(host, "name"));
    json_array_foreach(json_object_get(part->root, "warnings"), index, warning)
    {
        const char *code = json_string_value(json_object_get(warning, "code"));
        const char *text = json_string_value(json_object_get(warning, "text"));
        if (code == NULL || text == NULL || strcmp(code, "hosts") == 0) {
            continue;
        }
        merge->told = realloc(merge->told, (merge->told_count + 1) * sizeof *merge->told);
        if (merge->told == NULL) {
            complain_exhausted();
        }
        merge->told[merge->told_count++] = (struct warning_told){
            code, part->index > 0 ? sure_print("shard %u, %s: %s", part->index,
                                               machine != NULL ? machine : "?", text)
                                  : sure_print("%s", text)};
    }
}

// A key has the value that the first part gives it.
static void merge_context(struct merge *merge)
{
    size_t count = 0;
    const char *key;
    json_t *value;
    json_t *all = json_object();
    for (size_t i = 0; i < merge->part_count; i++) {
        json_object_update_missing(all, json_object_get(merge->parts[i].root, "context"));
    }
    merge->context = plan_zeroed(json_object_size(all) + 1, sizeof *merge->context);
    json_object_foreach(all, key, value)
    {
        const char *text = json_string_value(value);
        merge->context[count++] = sure_print("%s=%s", key, text != NULL ? text : "");
    }
    json_decref(all);
}

// A part that is there twice is counted once.
static bool merge_is_first(const struct merge *merge, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (json_equal(merge->parts[i].root, merge->parts[index].root)) {
            return false;
        }
    }
    return true;
}

static void merge_rest(struct merge *merge)
{
    const char *started = NULL;
    for (size_t i = 0; i < merge->part_count; i++) {
        const struct merge_part *part = &merge->parts[i];
        const char *text = json_string_value(json_object_get(part->root, "started"));
        started = started == NULL || (text != NULL && strcmp(text, started) < 0) ? text : started;
        if (merge_is_first(merge, i)) {
            merge->seconds += json_number_value(json_object_get(part->root, "seconds"));
            merge_warnings(merge, part);
        }
    }
    merge->started = sure_print("%s", started != NULL ? started : "");
    merge->whole = json_copy((json_t *)(uintptr_t)merge->book);
    json_object_set_new(merge->whole, "index", json_integer(0));
    merge_machines(merge);
    merge_context(merge);
}

// By shard; those that were merged before come first.
static int merge_compare(const void *a, const void *b)
{
    const struct merge_part *one = a;
    const struct merge_part *other = b;
    return one->index < other->index ? -1 : one->index > other->index;
}

// A file that is not there is a shard that has not come to its end: its cells are missing. At least
// one must be there.
static int merge_parts(const char *const *paths, size_t count, struct merge *merge,
                       struct complaint *complaint)
{
    for (size_t i = 0; i < count; i++) {
        struct complaint why = {{0}};
        struct merge_part *part = &merge->parts[merge->part_count];
        int error = merge_part_read(paths[i], part, &why);
        if (error == ENOENT && (merge->part_count > 0 || i + 1 < count)) {
            merge->absent[merge->absent_count++] = paths[i];
            continue;
        }
        merge->part_count++;
        if (error == 0) {
            error = merge_part_fits(&merge->parts[0], part, &why);
        }
        if (error != 0) {
            complain(complaint, "%s", why.text);
            return error;
        }
    }
    return 0;
}

int merge_files(const char *const *paths, size_t count, struct merge *merge,
                struct complaint *complaint)
{
    memset(merge, 0, sizeof *merge);
    merge->parts = plan_zeroed(count, sizeof *merge->parts);
    merge->absent = plan_zeroed(count, sizeof *merge->absent);
    int error = merge_parts(paths, count, merge, complaint);
    if (error == 0) {
        qsort(merge->parts, merge->part_count, sizeof *merge->parts, merge_compare);
        merge->book = merge->parts[0].book;
        error = merge_job(merge, complaint);
    }
    if (error == 0) {
        struct plan_section **sections = merge_sections(merge);
        merge->plan.job = &merge->named;
        error = merge_cells(merge, sections, complaint);
        free(sections);
    }
    error = error != 0 ? error : merge_check_machines(merge, complaint);
    if (error == 0) {
        merge_rest(merge);
    } else {
        merge_fini(merge);
    }
    return error;
}

void merge_head(const struct merge *merge, struct document_head *head)
{
    const json_t *job = json_object_get(merge->parts[0].root, "job");
    head->text = json_string_value(json_object_get(job, "text"));
    head->plan_sha256 = json_string_value(json_object_get(job, "plan_sha256"));
    head->resume_key = json_string_value(json_object_get(job, "resume_key"));
    head->context = (const char *const *)merge->context;
    head->started = merge->started;
    head->seconds = merge->seconds;
    head->shard = merge->whole;
    head->host = json_object_get(merge->parts[0].root, "host");
    head->hosts = merge->hosts;
    head->scene.plan = &merge->plan;
    head->scene.host = &merge->host;
    head->scene.merged = true;
    head->scene.told = merge->told;
    head->scene.told_count = merge->told_count;
}

void merge_fini(struct merge *merge)
{
    plan_fini(&merge->plan);
    job_free(merge->job);
    for (size_t i = 0; i < merge->missing_count; i++) {
        free(merge->missing[i]);
    }
    for (size_t i = 0; i < merge->told_count; i++) {
        free((char *)(uintptr_t)merge->told[i].text);
    }
    for (size_t i = 0; merge->context != NULL && merge->context[i] != NULL; i++) {
        free(merge->context[i]);
    }
    json_decref(merge->hosts);
    json_decref(merge->whole);
    free(merge->missing);
    free(merge->absent);
    free(merge->told);
    free(merge->context);
    free(merge->started);
    for (size_t i = 0; i < merge->part_count; i++) {
        merge_part_fini(&merge->parts[i]);
    }
    free(merge->parts);
    memset(merge, 0, sizeof *merge);
}

#endif
