// SPDX-License-Identifier: MIT
//
// book.c - what every shard's result knows of the whole.
//
// A shard's document has its own sections and cells. So that whoever joins the shards can tell
// whether they are of one plan, where a section of two plans differs, and what is missing though
// nobody brought its shard, each also has the list of all: sections by name, hash, shard and
// targets, cells as three numbers each. For 10,000 cells that is some 100 kB.

#ifdef MEMS_HAVE_JANSSON

#include "shard/book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk/memory.h"
#include "mems_revision.h" // made by the build
#include "json/json.h"

#ifndef MEMS_VERSION
#define MEMS_VERSION "unknown"
#endif

const char *book_build(void)
{
    return MEMS_VERSION " " MEMS_REVISION;
}

struct digest book_key(const struct plan *plan)
{
    char *text = NULL;
    size_t length;
    struct digest none = {""};
    FILE *out = disk_memory(&text, &length);
    if (out == NULL) {
        complain_exhausted();
    }
    fprintf(out, "%s\n%s\n", plan_hash(plan).text, book_build());
    for (size_t i = 0; i < plan->section_count; i++) {
        const struct plan_section *section = &plan->sections[i];
        for (size_t j = 0; j < section->file_count; j++) {
            fprintf(out, "%s\n", section->files[j].digest.text);
        }
    }
    if (fclose(out) != 0) {
        complain_exhausted();
    }
    struct digest key = digest_possible() ? digest_of_bytes(text, length) : none;
    free(text);
    return key;
}

static int book_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// A name that two cells have; NULL: none.
static const char *book_twice(const struct plan *plan)
{
    const char *twice = NULL;
    const char **names = calloc(plan->cell_count + 1, sizeof *names);
    if (names == NULL) {
        complain_exhausted();
    }
    for (size_t i = 0; i < plan->cell_count; i++) {
        names[i] = plan->cells[i].id;
    }
    qsort(names, plan->cell_count, sizeof *names, book_compare);
    for (size_t i = 1; i < plan->cell_count && twice == NULL; i++) {
        twice = strcmp(names[i - 1], names[i]) == 0 ? names[i] : NULL;
    }
    free(names);
    return twice;
}

static json_t *book_section(const struct plan_section *section, unsigned shard)
{
    json_t *targets = json_array();
    for (size_t i = 0; i < section->spec_count; i++) {
        json_array_append_new(targets, json_of_text(section->specs[i].name));
    }
    return json_pack("{s:o, s:s, s:i, s:o}", "name", json_of_text(section->section->name), "sha256",
                     digest_of_bytes(section->text, strlen(section->text)).text, "shard",
                     (int)shard, "targets", targets);
}

json_t *book_make(const struct plan *plan, const struct dealt *dealt, unsigned index,
                  struct complaint *complaint)
{
    const char *twice = book_twice(plan);
    if (twice != NULL) {
        complain(complaint, "--shard: two cells have the name %s; rename a section", twice);
        return NULL;
    }
    json_t *sections = json_array();
    json_t *cells = json_array();
    for (size_t i = 0; i < plan->section_count; i++) {
        json_array_append_new(sections, book_section(&plan->sections[i], dealt->shard[i]));
    }
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *cell = &plan->cells[i];
        json_array_append_new(cells, json_pack("[i, i, i]", (int)(cell->section - plan->sections),
                                               (int)cell->target, (int)cell->repeat));
    }
    return json_pack("{s:i, s:i, s:o, s:o}", "index", (int)index, "count", (int)dealt->count,
                     "sections", sections, "cells", cells);
}

#endif
