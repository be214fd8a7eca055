// SPDX-License-Identifier: MIT
//
// merge_part.c - one file of a merge: read, judged, held against the first.

#ifdef MEMS_HAVE_JANSSON

#include "shard/merge_part.h"

#include "json/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "disk/digest.h"
#include "result/document.h"

static int part_complain(const struct merge_part *part, const char *place, const char *wanted,
                         struct complaint *complaint)
{
    complain(complaint, "%s: %s: %s is wanted", part->path, place, wanted);
    return EINVAL;
}

// ---- one file -----------------------------------------------------------------------------------

// That a book says what everybody takes for granted of it.
static int part_check_book(const struct merge_part *part, struct complaint *complaint)
{
    size_t index, at;
    json_t *row, *name;
    const json_t *sections = json_object_get(part->book, "sections");
    const json_t *cells = json_object_get(part->book, "cells");
    if (!json_is_array(sections) || !json_is_array(cells) ||
        json_integer_value(json_object_get(part->book, "count")) < 1) {
        return part_complain(part, "shard", "an object with count, sections and cells", complaint);
    }
    json_array_foreach(sections, index, row)
    {
        json_t *targets = json_object_get(row, "targets");
        bool good = json_is_string(json_object_get(row, "name")) &&
                    json_is_string(json_object_get(row, "sha256")) && json_is_array(targets);
        json_array_foreach(targets, at, name)
        {
            good = good && json_is_string(name);
        }
        if (!good) {
            return part_complain(part, "shard.sections", "name, sha256 and targets of each",
                                 complaint);
        }
    }
    json_array_foreach(cells, index, row)
    {
        json_int_t section = json_integer_value(json_array_get(row, 0));
        json_int_t target = json_integer_value(json_array_get(row, 1));
        const json_t *owner = section >= 0 ? json_array_get(sections, (size_t)section) : NULL;
        const json_t *targets = json_object_get(owner, "targets");
        if (target < 0 || json_array_get(targets, (size_t)target) == NULL ||
            !json_is_integer(json_array_get(row, 2))) {
            return part_complain(part, "shard.cells", "[section, target, repeat] of each",
                                 complaint);
        }
    }
    return 0;
}

// The hash that the book has of a section; "": it has no such section.
static const char *part_book_hash(const json_t *book, const char *name)
{
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(book, "sections"), index, row)
    {
        if (strcmp(json_text(row, "name"), name) == 0) {
            return json_text(row, "sha256");
        }
    }
    return "";
}

static int part_index_sections(struct merge_part *part, struct complaint *complaint)
{
    size_t index;
    json_t *section;
    json_t *sections = json_object_get(json_object_get(part->root, "job"), "sections");
    part->sections = json_object();
    if (!json_is_array(sections)) {
        return part_complain(part, "job.sections", "an array", complaint);
    }
    json_array_foreach(sections, index, section)
    {
        const char *name = json_text(section, "name");
        const char *text = json_text(section, "text");
        if (!json_is_string(json_object_get(section, "name")) ||
            !json_is_integer(json_object_get(section, "threads")) ||
            json_integer_value(json_object_get(section, "threads")) < 1) {
            return part_complain(part, "job.sections", "name, threads and text of each", complaint);
        }
        if (digest_possible() && strcmp(digest_of_bytes(text, strlen(text)).text,
                                        part_book_hash(part->book, name)) != 0) {
            complain(complaint,
                     "%s: section [%s] is not the one that was planned: its text has another hash "
                     "than shard.sections says",
                     part->path, name);
            return EINVAL;
        }
        json_object_set(part->sections, name, section);
    }
    return 0;
}

static int part_index_cells(struct merge_part *part, struct complaint *complaint)
{
    size_t index;
    json_t *cell;
    json_t *cells = json_object_get(part->root, "cells");
    part->cells = json_object();
    if (!json_is_array(cells)) {
        return part_complain(part, "cells", "an array", complaint);
    }
    json_array_foreach(cells, index, cell)
    {
        const char *id = json_text(cell, "id");
        if (*id == '\0' || json_object_get(part->cells, id) != NULL) {
            return part_complain(part, "cells", "an id of each, another for each", complaint);
        }
        json_object_set(part->cells, id, cell);
    }
    return 0;
}

static int part_load(const char *path, struct merge_part *part, struct complaint *complaint)
{
    return json_read(path, &part->root, complaint->text, sizeof complaint->text);
}

int merge_part_read(const char *path, struct merge_part *part, struct complaint *complaint)
{
    part->path = path;
    int error = part_load(path, part, complaint);
    if (error != 0) {
        return error;
    }
    if (strcmp(json_text(part->root, "schema"), DOCUMENT_SCHEMA) != 0) {
        complain(complaint,
                 "%s: no result of mems-stress: schema \"" DOCUMENT_SCHEMA "\" is wanted", path);
        return EINVAL;
    }
    part->book = json_object_get(part->root, "shard");
    if (part->book == NULL) {
        complain(complaint,
                 "%s: the result of a whole run, not of a shard: there is nothing to merge it with "
                 "(mems-stress run JOB --shard I/N)",
                 path);
        return EINVAL;
    }
    part->index = (unsigned)json_integer_value(json_object_get(part->book, "index"));
    error = part_check_book(part, complaint);
    error = error != 0 ? error : part_index_sections(part, complaint);
    return error != 0 ? error : part_index_cells(part, complaint);
}

void merge_part_fini(struct merge_part *part)
{
    json_decref(part->sections);
    json_decref(part->cells);
    json_decref(part->root);
    *part = (struct merge_part){0};
}

// ---- two files ----------------------------------------------------------------------------------

// The first section in which two books differ, and how.
static void part_describe(const json_t *a, const json_t *b, char *text, size_t size)
{
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(a, "sections"), index, row)
    {
        const char *name = json_text(row, "name");
        const char *other = part_book_hash(b, name);
        if (*other == '\0') {
            snprintf(text, size, "section [%s] is in the first only", name);
            return;
        }
        if (strcmp(other, json_text(row, "sha256")) != 0) {
            snprintf(text, size, "section [%s] differs", name);
            return;
        }
    }
    json_array_foreach(json_object_get(b, "sections"), index, row)
    {
        if (*part_book_hash(a, json_text(row, "name")) == '\0') {
            snprintf(text, size, "section [%s] is in the second only", json_text(row, "name"));
            return;
        }
    }
    snprintf(text, size, "the order of the sections differs");
}

static int part_other_key(const struct merge_part *first, const struct merge_part *part,
                          struct complaint *complaint)
{
    const char *one = json_text(json_object_get(first->root, "host"), "revision");
    const char *other = json_text(json_object_get(part->root, "host"), "revision");
    if (strcmp(one, other) != 0 ||
        strcmp(json_text(first->root, "version"), json_text(part->root, "version")) != 0) {
        complain(complaint, "%s and %s are of different builds of mems-stress: %s and %s",
                 first->path, part->path, one, other);
    } else {
        complain(complaint,
                 "%s and %s: a file that the plan names had another content (the files of each "
                 "section, with their SHA-256, are in job.sections)",
                 first->path, part->path);
    }
    return EINVAL;
}

int merge_part_fits(const struct merge_part *first, const struct merge_part *part,
                    struct complaint *complaint)
{
    const json_t *job = json_object_get(first->root, "job");
    const json_t *other = json_object_get(part->root, "job");
    json_int_t count = json_integer_value(json_object_get(first->book, "count"));
    json_int_t counts = json_integer_value(json_object_get(part->book, "count"));
    const char *hash = json_text(job, "plan_sha256");
    const char *hashes = json_text(other, "plan_sha256");
    char why[400];
    if (strcmp(hash, hashes) != 0) {
        part_describe(first->book, part->book, why, sizeof why);
        complain(complaint,
                 "%s and %s are of different plans, %.12s and %.12s: %s ($ncpus, the environment "
                 "and included files may differ between machines: `mems-stress plan` prints a job "
                 "that does not)",
                 first->path, part->path, hash, hashes, why);
        return EINVAL;
    }
    if (count != counts) {
        complain(complaint, "%s and %s: the plan was dealt to %d shards, and to %d", first->path,
                 part->path, (int)count, (int)counts);
        return EINVAL;
    }
    if (strcmp(json_text(job, "resume_key"), json_text(other, "resume_key")) != 0) {
        return part_other_key(first, part, complaint);
    }
    if (!json_equal(json_object_get(first->book, "sections"),
                    json_object_get(part->book, "sections")) ||
        !json_equal(json_object_get(first->book, "cells"), json_object_get(part->book, "cells"))) {
        complain(complaint, "%s and %s: other cells of the plan were picked (--filter, --only)",
                 first->path, part->path);
        return EINVAL;
    }
    return 0;
}

#endif
