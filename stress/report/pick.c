// SPDX-License-Identifier: MIT
//
// pick.c - what of a document a page shows: a result's cells lose what no chart or table has.
//
// A result says more than a page can show, and a page is to stay small; the document itself remains
// with whoever made the page.
//
// 1. Left out: named below by their paths from a cell, `*` being each element of an array.
// 2. Thinned: curves over time, to as many points as a chart is wide enough for. Of each stretch of
//    samples the one with the most bytes held stays, so that peaks do; the first and the last stay.
// 3. Shortened: of a thread's last operations, the last ones.

#include "report/pick.h"

#ifdef MEMS_HAVE_JANSSON

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

static const char *const pick_left_out[] = {
    "report.engine_drained",
    "report.fragmentation.unusable_share_by_log2_bytes",
    "report.fairness.thread_operations",
    "report.contention.locks.*.hold_buckets",
    "report.contention.locks.*.wait_buckets",
    "report.contention.all.hold_buckets",
    "report.contention.all.wait_buckets",
    "report.samples.pss_bytes",
    "report.samples.huge_bytes",
    "report.samples.operations",
    "report.samples.allocated_bytes",
};

static void pick_remove(json_t *value, const char *path)
{
    size_t length = strcspn(path, ".");
    size_t index;
    json_t *element;
    if (*path == '*') {
        json_array_foreach(value, index, element)
        {
            pick_remove(element, path + 2);
        }
        return;
    }
    if (path[length] == '\0') {
        json_object_del(value, path);
        return;
    }
    char name[64] = "";
    if (length < sizeof name) {
        memcpy(name, path, length);
        pick_remove(json_object_get(value, name), path + length + 1);
    }
}

// The sample of [from, to) that stays.
static size_t pick_peak(const json_t *held, size_t from, size_t to)
{
    size_t best = from;
    for (size_t i = from + 1; i < to; i++) {
        if (json_number_value(json_array_get(held, i)) >
            json_number_value(json_array_get(held, best))) {
            best = i;
        }
    }
    return best;
}

static json_t *pick_column(const json_t *column, const size_t *kept, size_t count)
{
    json_t *made = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append(made, json_array_get(column, kept[i]));
    }
    return made;
}

static void pick_thin(json_t *samples)
{
    size_t kept[PICK_SAMPLES];
    const json_t *held = json_object_get(samples, "held_bytes");
    size_t count = json_array_size(held);
    const char *name;
    json_t *column;
    void *next;
    if (count <= PICK_SAMPLES) {
        return;
    }
    size_t inner = PICK_SAMPLES - 2;
    kept[0] = 0;
    kept[PICK_SAMPLES - 1] = count - 1;
    for (size_t i = 0; i < inner; i++) {
        kept[i + 1] =
            pick_peak(held, 1 + i * (count - 2) / inner, 1 + (i + 1) * (count - 2) / inner);
    }
    json_object_foreach_safe(samples, next, name, column)
    {
        if (json_array_size(column) == count) {
            json_object_set_new(samples, name, pick_column(column, kept, PICK_SAMPLES));
        }
    }
}

static void pick_shorten(json_t *threads)
{
    size_t index;
    json_t *thread;
    json_array_foreach(threads, index, thread)
    {
        json_t *last = json_object_get(thread, "last");
        while (json_array_size(last) > PICK_OPERATIONS) {
            json_array_remove(last, 0);
        }
    }
}

void pick_shown(struct json_t *root)
{
    size_t index;
    json_t *cell;
    json_array_foreach(json_object_get(root, "cells"), index, cell)
    {
        for (size_t i = 0; i < sizeof pick_left_out / sizeof pick_left_out[0]; i++) {
            pick_remove(cell, pick_left_out[i]);
        }
        pick_thin(json_object_get(json_object_get(cell, "report"), "samples"));
        pick_shorten(json_object_get(json_object_get(cell, "evidence"), "threads"));
    }
}

#else

void pick_shown(struct json_t *root)
{
    (void)root;
}

#endif
