// SPDX-License-Identifier: MIT
//
// sweep.c - sections with lists and series in their values become the sections that they stand for.
//
// 1. Theory
//
// A value that lists several (series.c) is a dimension of its section. The section is replaced by
// one section for every point of the cross product; each is an ordinary section in which every key
// has one value, named NAME key=value key=value. Nothing after this step knows of sweeps, but for
// the key `group`, which every section of a sweep gets: it holds the name that the sweep had. That
// keeps them together where it matters (their order of running, wait_for, --section), and survives
// being written and read again.
//
// 2. Which keys
//
// The entry that holds counts: the command line's, else the section's own, else the last one of
// [global]. A dimension that comes from [global] multiplies every section whose workload can use
// the key. The workload itself comes first, because which keys there are depends on it. Of ops and
// runtime the one that loses against the other (job.c, settle_length) is no dimension; whether ops
// wins depends on its value, so it is chosen before runtime.
//
// Values in quotes, lists (target), and keys that are `plain` do not sweep.
//
// 3. Names
//
// Own keys come before those of [global], in the order of the file. Two sections of one name are an
// error, as in a file.

#include "job/sweep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "job/number.h"
#include "job/series.h"
#include "job/tables.h"
#include "workload/workload.h"

#define DIMENSIONS_MAX 64

struct dimension {
    const struct job_key *key;
    struct document_entry *entry; // that sweeps
};

struct spread {
    struct document *document;
    struct document_section *source;
    const struct workload *workload; // NULL: unknown, which is told later
    struct dimension dimensions[DIMENSIONS_MAX];
    size_t dimension_count;
    struct document_entry *chosen[DIMENSIONS_MAX]; // [0 .. depth)
    size_t depth;
    const char *name; // with what is chosen
    struct complaint *complaint;
};

bool sweep_is(const struct document_entry *entry, const struct job_key *key)
{
    return !entry->quoted && !entry->origin && series_is(key, entry->value);
}

int sweep_each(struct document_entry *entry, const struct job_key *key, struct arena *arena,
               int (*visit)(void *arg, struct document_entry *single, const char *label), void *arg,
               struct complaint *complaint)
{
    struct series series;
    struct complaint why = {{0}};
    size_t offset;
    int error = series_parse(key, entry->value, arena, &series, &offset, &why);
    if (error) {
        struct complaint_place place = entry->value_at;
        place.column += entry->literal ? (unsigned)offset : 0;
        complain_at(complaint, &place, "%s = %s: %s", key->name, complaint_clip(entry->value).text,
                    why.text);
        return error;
    }
    for (size_t i = 0; i < series.count && !error; i++) {
        struct document_entry *single = arena_get(arena, sizeof *single);
        *single = *entry;
        single->value = series.values[i].text;
        single->value_at.column += entry->literal ? (unsigned)series.values[i].offset : 0;
        single->literal = false;
        single->origin = entry;
        single->next = NULL;
        error = visit(arg, single, series.values[i].label);
    }
    return error;
}

struct document_entry *sweep_holding(const struct document *document,
                                     const struct document_section *section, const char *key)
{
    struct document_entry *holding = NULL;
    for (struct document_entry *entry = section->entries; entry; entry = entry->next) {
        if (strcmp(entry->key, key) == 0 && (!holding || entry->level > holding->level)) {
            holding = entry;
        }
    }
    const struct document_section *at = document->sections;
    bool own = holding != NULL;
    for (; !own && at && at != section; at = at->next) {
        for (struct document_entry *entry = at->global ? at->entries : NULL; entry;
             entry = entry->next) {
            holding = strcmp(entry->key, key) == 0 ? entry : holding;
        }
    }
    return holding;
}

static struct document_entry *holding(const struct spread *spread, const char *key)
{
    return sweep_holding(spread->document, spread->source, key);
}

static const struct job_key *find_key(const struct spread *spread, const char *name)
{
    const struct workload *workload = spread->workload;
    const struct job_key *key = workload ? table_find(workload->keys, name) : NULL;
    key = key ? key : table_find(job_common_keys, name);
    return key && workload && table_unused(workload, name) ? NULL : key;
}

static void append(struct document_section *section, struct document_entry *entry)
{
    entry->next = NULL;
    if (section->last) {
        section->last->next = entry;
    } else {
        section->entries = entry;
    }
    section->last = entry;
}

static void append_copy(const struct spread *spread, struct document_section *section,
                        const struct document_entry *entry)
{
    struct document_entry *copy = arena_get(&spread->document->arena, sizeof *copy);
    *copy = *entry;
    append(section, copy);
}

static void link_section(struct document *document, struct document_section *section)
{
    if (document->last) {
        document->last->next = section;
    } else {
        document->sections = section;
    }
    document->last = section;
}

// What is chosen in the place of an entry of the source; NULL: it stays.
static const struct document_entry *chosen_for(const struct spread *spread,
                                               const struct document_entry *entry)
{
    for (size_t i = 0; i < spread->depth; i++) {
        const struct complaint_place *at = &spread->chosen[i]->key_at;
        if (at->file == entry->key_at.file && at->line == entry->key_at.line &&
            at->column == entry->key_at.column) {
            return spread->chosen[i];
        }
    }
    return NULL;
}

// One section of the product: the source's entries, with what is chosen in the place of sweeps.
static int add_section(struct spread *spread)
{
    struct document *document = spread->document;
    const struct document_section *source = spread->source;
    struct document_section *section = arena_get(&document->arena, sizeof *section);
    *section =
        (struct document_section){.name = spread->name, .origin = source->name, .at = source->at};
    if (strlen(spread->name) > DOCUMENT_SECTION_NAME_MAX) {
        complain_at(spread->complaint, &source->at,
                    "the name of a cell is longer than %d characters: %s; give the section a "
                    "shorter one, or sweep fewer keys",
                    DOCUMENT_SECTION_NAME_MAX, complaint_clip(spread->name).text);
        return EINVAL;
    }
    if (++document->section_count > DOCUMENT_SECTIONS_MAX) {
        complain_at(spread->complaint, &source->at,
                    "the sweeps of section [%s] lead to more than %d sections",
                    complaint_clip(source->name).text, DOCUMENT_SECTIONS_MAX);
        return EINVAL;
    }
    for (const struct document_entry *entry = source->entries; entry; entry = entry->next) {
        const struct document_entry *instead = chosen_for(spread, entry);
        append_copy(spread, section, instead ? instead : entry);
    }
    for (size_t i = 0; i < spread->depth; i++) {
        if (spread->chosen[i]->level == DOCUMENT_GLOBAL) {
            append_copy(spread, section, spread->chosen[i]);
        }
    }
    if (spread->depth > 0 && !holding(spread, "group")) {
        append(section, arena_get(&document->arena, sizeof(struct document_entry)));
        *section->last = (struct document_entry){.key = "group",
                                                 .value = source->name,
                                                 .folder = "/",
                                                 .key_at = source->at,
                                                 .value_at = source->at,
                                                 .level = DOCUMENT_OWN,
                                                 .quoted = true};
    }
    link_section(document, section);
    return 0;
}

// Whether an ops that holds its own against runtime is above 0.
static bool drops_runtime(const struct spread *spread, const struct document_entry *runtime)
{
    const struct document_entry *ops = holding(spread, "ops");
    for (size_t i = 0; i < spread->depth; i++) {
        ops = strcmp(spread->chosen[i]->key, "ops") == 0 ? spread->chosen[i] : ops;
    }
    uint64_t number;
    return ops && ops->level > runtime->level &&
           number_parse(ops->value, strlen(ops->value), NUMBER_COUNT, &number, NULL) == 0 &&
           number > 0;
}

static int spread_from(struct spread *spread, size_t dimension);

struct choice {
    struct spread *spread;
    size_t dimension;
};

static int choose(void *arg, struct document_entry *single, const char *label)
{
    const struct choice *choice = arg;
    struct spread *spread = choice->spread;
    const char *name = spread->name;
    spread->name = arena_print(&spread->document->arena, "%s %s=%s", name, single->key, label);
    spread->chosen[spread->depth++] = single;
    int error = spread_from(spread, choice->dimension + 1);
    spread->depth--;
    spread->name = name;
    return error;
}

// Everything that follows from the dimensions chosen so far.
static int spread_from(struct spread *spread, size_t index)
{
    if (index == spread->dimension_count) {
        return add_section(spread);
    }
    const struct dimension *dimension = &spread->dimensions[index];
    if (strcmp(dimension->key->name, "runtime") == 0 && drops_runtime(spread, dimension->entry)) {
        return spread_from(spread, index + 1);
    }
    struct choice choice = {spread, index};
    return sweep_each(dimension->entry, dimension->key, &spread->document->arena, choose, &choice,
                      spread->complaint);
}

static size_t index_of(const struct spread *spread, const char *key)
{
    size_t index = 0;
    while (index < spread->dimension_count &&
           strcmp(spread->dimensions[index].key->name, key) != 0) {
        index++;
    }
    return index;
}

// Makes a dimension of the key, if its entry that holds is a sweep.
static void consider(struct spread *spread, const char *name)
{
    const struct job_key *key = find_key(spread, name);
    struct document_entry *entry = key ? holding(spread, name) : NULL;
    if (!entry || !sweep_is(entry, key) || strcmp(name, "workload") == 0 ||
        index_of(spread, name) < spread->dimension_count ||
        spread->dimension_count == DIMENSIONS_MAX - 1) {
        return;
    }
    const struct document_entry *runtime = holding(spread, "runtime");
    if (strcmp(name, "ops") == 0 && runtime && runtime->level > entry->level) {
        return; // dropped
    }
    spread->dimensions[spread->dimension_count++] = (struct dimension){key, entry};
}

static void find_dimensions(struct spread *spread)
{
    spread->dimension_count = 0;
    consider(spread, "ops");
    for (const struct document_entry *entry = spread->source->entries; entry; entry = entry->next) {
        consider(spread, entry->key);
    }
    const struct document_section *at = spread->document->sections;
    for (; at && at != spread->source; at = at->next) {
        for (const struct document_entry *entry = at->global ? at->entries : NULL; entry;
             entry = entry->next) {
            consider(spread, entry->key);
        }
    }
}

// Whether the section has the key from the command line already, by its own name.
static bool is_set(const struct document_section *section, const char *key)
{
    for (const struct document_entry *entry = section->entries; entry; entry = entry->next) {
        if (entry->level == DOCUMENT_SET && strcmp(entry->key, key) == 0) {
            return true;
        }
    }
    return false;
}

// The overrides for one section, or (named == false) those for every section that can use them.
static void add_overrides(struct spread *spread, bool named)
{
    struct document_override *at = spread->document->overrides;
    for (; at; at = at->next) {
        const char *key = at->entry.key;
        if (named ? !at->section || strcmp(at->section, spread->source->name) != 0
                  : at->section || !find_key(spread, key)) {
            continue;
        }
        at->entry.used = true;
        if (!is_set(spread->source, key)) {
            append_copy(spread, spread->source, &at->entry);
        }
    }
}

// All sections for one workload.
static int spread_workload(struct spread *spread)
{
    const struct document_section kept = *spread->source;
    struct document_entry *last = kept.last;
    add_overrides(spread, false);
    find_dimensions(spread);
    int error = spread_from(spread, 0);
    *spread->source = kept; // the next workload may use others
    if (last) {
        last->next = NULL;
    }
    return error;
}

static int choose_workload(void *arg, struct document_entry *single, const char *label)
{
    struct spread *spread = arg;
    spread->workload = workload_find(single->value);
    spread->name =
        arena_print(&spread->document->arena, "%s workload=%s", spread->source->name, label);
    spread->chosen[0] = single;
    spread->depth = 1;
    return spread_workload(spread);
}

// An override of the workload decides which others can be used.
static void add_workload(struct spread *spread)
{
    struct document_override *at = spread->document->overrides;
    for (; at; at = at->next) {
        if (!at->section && strcmp(at->entry.key, "workload") == 0) {
            at->entry.used = true;
            if (!is_set(spread->source, "workload")) {
                append_copy(spread, spread->source, &at->entry);
            }
        }
    }
}

static int spread_section(struct spread *spread)
{
    spread->workload = NULL;
    spread->depth = 0;
    spread->name = spread->source->name;
    add_overrides(spread, true);
    add_workload(spread);
    struct document_entry *entry = holding(spread, "workload");
    if (entry && sweep_is(entry, &job_common_keys[0])) {
        return sweep_each(entry, &job_common_keys[0], &spread->document->arena, choose_workload,
                          spread, spread->complaint);
    }
    spread->workload = entry ? workload_find(entry->value) : NULL;
    return spread_workload(spread);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(struct document_section *const *)a)->name,
                  (*(struct document_section *const *)b)->name);
}

// A sweep may make a name that another section has.
static int check_names(struct document *document, struct complaint *complaint)
{
    size_t count = 0;
    struct document_section **sorted =
        arena_get(&document->arena, (document->section_count + 1) * sizeof *sorted);
    for (struct document_section *at = document->sections; at; at = at->next) {
        if (!at->global) {
            sorted[count++] = at;
        }
    }
    qsort(sorted, count, sizeof *sorted, compare_names);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0) {
            complain_at(complaint, &sorted[i]->at,
                        "a sweep makes section [%s] twice: the other begins at %s; rename one",
                        complaint_clip(sorted[i]->name).text,
                        complaint_where(&sorted[i - 1]->at).text);
            return EINVAL;
        }
    }
    return 0;
}

// Overrides that no section has taken.
static int check_overrides(struct document *document, struct complaint *complaint)
{
    for (const struct document_override *at = document->overrides; at; at = at->next) {
        const struct workload *owner;
        const char *key = at->entry.key;
        if (at->entry.used || (document->section_count == 0 && job_key_find(key, &owner))) {
            continue;
        }
        if (!job_key_find(key, &owner)) {
            const char *near = job_key_suggest(key);
            complain_at(complaint, &at->entry.key_at, "unknown key '%s'%s%s%s",
                        complaint_clip(key).text, near ? "; did you mean '" : "",
                        near ? near : "; `mems-stress list keys` prints all", near ? "'?" : "");
        } else {
            complain_at(complaint, &at->entry.key_at, "no section of the job can use key '%s'%s%s",
                        key, owner ? ", which is one of workload " : "", owner ? owner->name : "");
        }
        return EINVAL;
    }
    return 0;
}

int sweep_spread(struct document *document, struct complaint *complaint)
{
    struct document_section *at = document->sections, *next;
    struct spread *spread = arena_get(&document->arena, sizeof *spread);
    spread->document = document;
    spread->complaint = complaint;
    // The list is made again: what it holds while a section is spread is what stood before it.
    document->sections = NULL;
    document->last = NULL;
    document->section_count = 0;
    int error = 0;
    for (; at && !error; at = next) {
        next = at->next;
        at->next = NULL;
        if (at->global) {
            link_section(document, at);
        } else {
            spread->source = at;
            error = spread_section(spread);
        }
    }
    error = error ? error : check_overrides(document, complaint);
    return error ? error : check_names(document, complaint);
}
