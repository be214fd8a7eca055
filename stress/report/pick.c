// SPDX-License-Identifier: MIT
//
// pick.c - what of a document a page shows: a result's cells lose what no chart or table has.
//
// A result says more than a page can show, and a page is to stay small. What is left out is named
// here, by its path from a cell, `*` being each element of an array or member of an object.
// The document itself remains with whoever made the page.

#include "report/pick.h"

#ifdef MEMS_HAVE_JANSSON

#include <jansson.h>
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

void pick_shown(struct json_t *root)
{
    size_t index;
    json_t *cell;
    json_array_foreach(json_object_get(root, "cells"), index, cell)
    {
        for (size_t i = 0; i < sizeof pick_left_out / sizeof pick_left_out[0]; i++) {
            pick_remove(cell, pick_left_out[i]);
        }
    }
}

#else

void pick_shown(struct json_t *root)
{
    (void)root;
}

#endif
