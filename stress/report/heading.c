// SPDX-License-Identifier: MIT
//
// heading.c - what a result is called on a page: its job; without a job file, what was done to
// whom.
//
// A job that options made up is called by the option's name in the document, by which it is known
// again; to people that says nothing. Named are workloads and targets as they were asked for (cells
// run in an order by chance), each once, and of many the first HEADING_NAMES and how many more.

#include "report/heading.h"

#ifdef MEMS_HAVE_JANSSON

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk/memory.h"
#include "job/job.h"
#include "target/target.h"
#include "json/json.h"

#define HEADING_NAMES 4 // of workloads, and of targets

// The trace that a section replays, without its folder; empty: none.
static const char *heading_trace(const json_t *section)
{
    const char *path = json_text(json_object_get(section, "values"), "trace");
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static void heading_add(json_t *names, const char *name, const char *more)
{
    char text[512];
    snprintf(text, sizeof text, "%s%s%s", name, *more != '\0' ? " " : "", more);
    json_t *added = json_string(text);
    for (size_t i = 0; i < json_array_size(names); i++) {
        if (json_equal(json_array_get(names, i), added)) {
            json_decref(added);
            return;
        }
    }
    json_array_append_new(names, added);
}

// The targets that the section's job lists, of those that cells have.
static void heading_add_listed(json_t *names, const json_t *section, const json_t *cells)
{
    const char *at = json_text(json_object_get(section, "values"), "target");
    while (*at != '\0') {
        at += strspn(at, " ?,");
        size_t length = target_list_piece(at);
        size_t index;
        const json_t *cell;
        json_array_foreach(cells, index, cell)
        {
            const char *target = json_text(cell, "target");
            if (strlen(target) == length && memcmp(target, at, length) == 0) {
                heading_add(names, target, "");
                break;
            }
        }
        at += length;
    }
}

static void heading_list(FILE *out, const json_t *names)
{
    size_t count = json_array_size(names);
    size_t named = count > HEADING_NAMES + 1 ? HEADING_NAMES : count; // "1 more" is a name
    for (size_t i = 0; i < named; i++) {
        fprintf(out, "%s%s", i > 0 ? ", " : "", json_string_value(json_array_get(names, i)));
    }
    if (named < count) {
        fprintf(out, " and %zu more", count - named);
    }
}

// From malloc; NULL: there is nothing to name, or no memory.
static char *heading_made(const json_t *sections, const json_t *cells)
{
    json_t *works = json_array(), *targets = json_array();
    char *text = NULL;
    size_t size, index;
    const json_t *each;
    json_array_foreach(sections, index, each)
    {
        heading_add(works, json_text(each, "workload"), heading_trace(each));
    }
    heading_add_listed(targets, json_array_get(sections, 0), cells);
    json_array_foreach(cells, index, each)
    {
        heading_add(targets, json_text(each, "target"), "");
    }
    FILE *out = json_array_size(works) > 0 ? disk_memory(&text, &size) : NULL;
    if (out != NULL) {
        heading_list(out, works);
        fputs(json_array_size(targets) > 0 ? " on " : "", out);
        heading_list(out, targets);
        if (fclose(out) != 0) {
            free(text);
            text = NULL;
        }
    }
    json_decref(works);
    json_decref(targets);
    return text;
}

void heading_settle(struct json_t *root)
{
    json_t *job = json_object_get(root, "job");
    if (!job_is_adhoc(json_text(job, "title"), json_text(job, "path"))) {
        return;
    }
    char *made = heading_made(json_object_get(job, "sections"), json_object_get(root, "cells"));
    if (made != NULL) {
        json_object_set_new(job, "title", json_string(made));
        json_object_set_new(job, "path", json_string(made));
    }
    free(made);
}

#else

void heading_settle(struct json_t *root)
{
    (void)root;
}

#endif
