// SPDX-License-Identifier: MIT
//
// pick.c - what of a document a page shows: a result's cells lose what no chart or table has.
//
// A result says more than a page can show, and a page is to stay small; the document itself remains
// with whoever made the page.
//
// 1. Kept: what is named below, by paths from a cell, `*` being each element of an array; what a
// new
//    view looks at needs its name there.
// 2. Thinned: curves over time, to as many points as a chart is wide enough for. Of each stretch of
//    samples the one with the most bytes held stays, so that peaks do; the first and the last stay.
// 3. Shortened: of a thread's last operations, the last ones.
// 4. Packed: the pieces of a picture are one text, "b64,1 h32 b64,1*3": the first letter of what it
//    is, its numbers, and how often the like follows.
// 5. Budget. What is then too much for a page is thinned by pick_levels[], one after the other:
//    pictures first (the first and the last stay), of one repeat only, then samples. The page says
//    so.

#include "report/pick.h"

#ifdef MEMS_HAVE_JANSSON

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk/memory.h"

static const struct pick_level {
    size_t pictures, samples; // at most, of a cell and of a curve
} pick_levels[] = {{200, PICK_SAMPLES},
                   {60, PICK_SAMPLES},
                   {30, 120},
                   {20, 80},
                   {14, 80},
                   {10, 60},
                   {7, 60},
                   {5, 40},
                   {3, 40},
                   {2, 24},
                   {0, 16}};

#define PICK_LEVELS (sizeof pick_levels / sizeof pick_levels[0])

// Members that views look at; of the objects at a path from a cell the others go.
static const struct pick_row {
    const char *path;
    const char *names[16];
} pick_rows[] = {
    {"metrics",
     {"ops_per_second", "cpu_ns_per_op", "alloc_p50_ns", "alloc_p99_ns", "free_p99_ns",
      "free_remote_p99_ns", "held_over_live", "internal_share", "external_share", "rss_peak_bytes",
      "lock_waits_per_op", "offcpu_share", "refused_share"}},
    {"report", {"latency", "contention", "memory", "figures", "samples", "map"}},
    {"report.memory", {"decay"}},
    {"report.contention", {"locks"}},
    {"report.contention.locks.*",
     {"name", "acquisitions", "contended", "waited", "wait_ns", "max_wait_ns", "owner_switches",
      "hold_sampled", "hold_ns", "max_hold_ns"}},
    {"report.samples",
     {"at_ns", "live_bytes", "taken_bytes", "held_bytes", "rss_bytes", "free_bytes",
      "largest_hole_bytes", "holes", "live_blocks"}},
    {"report.latency.alloc", {"buckets"}},
    {"report.latency.free", {"buckets"}},
    {"report.latency.free_remote", {"buckets"}},
    {"report.latency.resize", {"buckets"}},
    {"report.latency.step", {"buckets"}},
    {"report.latency.response.alloc", {"buckets"}},
    {"report.latency.response.free", {"buckets"}},
    {"report.latency.response.free_remote", {"buckets"}},
    {"report.latency.response.resize", {"buckets"}},
    {"report.latency.response.step", {"buckets"}},
};

static void pick_keep(json_t *object, const char *const *names)
{
    const char *name;
    json_t *value;
    void *next;
    json_object_foreach_safe(object, next, name, value)
    {
        size_t i = 0;
        while (names[i] != NULL && strcmp(names[i], name) != 0) {
            i++;
        }
        if (names[i] == NULL) {
            json_object_del(object, name);
        }
    }
}

static void pick_walk(json_t *value, const char *path, const char *const *names)
{
    size_t length = strcspn(path, ".");
    size_t index;
    json_t *element;
    if (*path == '\0') {
        pick_keep(value, names);
        return;
    }
    const char *rest = path + length + (path[length] == '.');
    if (*path == '*') {
        json_array_foreach(value, index, element)
        {
            pick_walk(element, rest, names);
        }
        return;
    }
    char name[64] = "";
    if (length < sizeof name) {
        memcpy(name, path, length);
        pick_walk(json_object_get(value, name), rest, names);
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

static void pick_thin(json_t *samples, size_t most)
{
    size_t kept[PICK_SAMPLES];
    const json_t *held = json_object_get(samples, "held_bytes");
    size_t count = json_array_size(held);
    const char *name;
    json_t *column;
    void *next;
    if (count <= most) {
        return;
    }
    size_t inner = most - 2;
    kept[0] = 0;
    kept[most - 1] = count - 1;
    for (size_t i = 0; i < inner; i++) {
        kept[i + 1] =
            pick_peak(held, 1 + i * (count - 2) / inner, 1 + (i + 1) * (count - 2) / inner);
    }
    json_object_foreach_safe(samples, next, name, column)
    {
        if (json_array_size(column) == count) {
            json_object_set_new(samples, name, pick_column(column, kept, most));
        }
    }
}

// ---- pictures -----------------------------------------------------------------------------------

static void pick_piece(FILE *out, const json_t *piece)
{
    const char *what = json_string_value(json_array_get(piece, 0));
    fputc(what != NULL ? what[0] : '?', out);
    if (what != NULL && strcmp(what, "cell") == 0) {
        fputc('e', out); // "cached" has the c
    }
    for (size_t i = 1; i < json_array_size(piece); i++) {
        fprintf(out, "%s%" JSON_INTEGER_FORMAT, i > 1 ? "," : "",
                json_integer_value(json_array_get(piece, i)));
    }
}

static void pick_pack(json_t *picture)
{
    const json_t *pieces = json_object_get(picture, "pieces");
    char *text = NULL;
    size_t size = 0;
    FILE *out = json_is_array(pieces) ? disk_memory(&text, &size) : NULL;
    if (out == NULL) {
        return;
    }
    for (size_t i = 0, next; i < json_array_size(pieces); i = next) {
        const json_t *piece = json_array_get(pieces, i);
        next = i + 1;
        while (next < json_array_size(pieces) && json_equal(piece, json_array_get(pieces, next))) {
            next++;
        }
        fputs(i > 0 ? " " : "", out);
        pick_piece(out, piece);
        if (next - i > 1) {
            fprintf(out, "*%zu", next - i);
        }
    }
    if (fclose(out) == 0) {
        json_object_set_new(picture, "pieces", json_string(text));
    }
    free(text);
}

// Figures of the last operation that are 0 mean nothing.
static void pick_decision(json_t *decision)
{
    const char *name;
    json_t *value;
    void *next;
    json_object_foreach_safe(decision, next, name, value)
    {
        if (json_is_integer(value) && json_integer_value(value) == 0) {
            json_object_del(decision, name);
        }
    }
}

// The first and the last stay, and of those between as many as there is room for.
static void pick_pictures(json_t *report, size_t most)
{
    json_t *map = json_object_get(report, "map");
    size_t count = json_array_size(map);
    if (most == 0) {
        json_object_del(report, "map");
    }
    for (size_t i = count; count > most && most > 1 && i-- > 0;) {
        size_t part = i * (most - 1) / (count - 1);
        bool stays = i == 0 || i == count - 1 || part != (i - 1) * (most - 1) / (count - 1);
        if (!stays) {
            json_array_remove(map, i);
        }
    }
}

// Whether an earlier cell is of the same section and target, and has pictures.
static bool pick_again(const json_t *cells, size_t index)
{
    const json_t *cell = json_array_get(cells, index);
    for (size_t i = 0; i < index; i++) {
        const json_t *other = json_array_get(cells, i);
        if (json_object_get(json_object_get(other, "report"), "map") != NULL &&
            json_equal(json_object_get(other, "section"), json_object_get(cell, "section")) &&
            json_equal(json_object_get(other, "target"), json_object_get(cell, "target"))) {
            return true;
        }
    }
    return false;
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

static void pick_cell(json_t *cell)
{
    json_t *report = json_object_get(cell, "report");
    size_t index;
    json_t *picture;
    for (size_t i = 0; i < sizeof pick_rows / sizeof pick_rows[0]; i++) {
        pick_walk(cell, pick_rows[i].path, pick_rows[i].names);
    }
    json_array_foreach(json_object_get(report, "map"), index, picture)
    {
        pick_pack(picture);
        pick_decision(json_object_get(picture, "decision"));
    }
    pick_shorten(json_object_get(json_object_get(cell, "evidence"), "threads"));
}

static void pick_level(json_t *root, size_t level)
{
    const struct pick_level *limit = &pick_levels[level];
    json_t *cells = json_object_get(root, "cells");
    for (size_t i = json_array_size(cells); i-- > 0;) {
        json_t *report = json_object_get(json_array_get(cells, i), "report");
        pick_pictures(report, level > 0 && pick_again(cells, i) ? 0 : limit->pictures);
        pick_thin(json_object_get(report, "samples"), limit->samples);
    }
    if (level > 0 && json_is_array(cells)) {
        json_object_set_new(root, "thinned",
                            json_pack("{s:i,s:i}", "pictures", (int)limit->pictures, "samples",
                                      (int)limit->samples));
    }
}

static size_t pick_size(json_t *const *roots, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += json_dumpb(roots[i], NULL, 0, JSON_COMPACT | JSON_REAL_PRECISION(7));
    }
    return size;
}

void pick_shown(struct json_t *const *roots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t index;
        json_t *cell;
        json_array_foreach(json_object_get(roots[i], "cells"), index, cell)
        {
            pick_cell(cell);
        }
    }
    size_t level = 0;
    do {
        for (size_t i = 0; i < count; i++) {
            pick_level(roots[i], level);
        }
    } while (pick_size(roots, count) > PICK_BUDGET && ++level < PICK_LEVELS);
}

#else

void pick_shown(struct json_t *const *roots, size_t count)
{
    (void)roots;
    (void)count;
}

#endif
