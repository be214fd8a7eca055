// SPDX-License-Identifier: MIT
//
// restore_report.c - a cell's measurements read back: the inverse of json_report.c and
// json_measure.c.

#ifdef MEMS_HAVE_JANSSON

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "job/job.h"
#include "result/restore.h"
#include "run/limit.h"

#define REPORT_ROW(kind, place, key, member)                                                       \
    {                                                                                              \
        place, key, kind, offsetof(struct cell_report, member),                                    \
            sizeof((struct cell_report *)0)->member                                                \
    }

static const struct restore_field report_table[] = {
    REPORT_ROW(RESTORE_FLAG, "", "incomplete", incomplete),
    REPORT_ROW(RESTORE_COUNT, "", "wall_ns", wall_ns),
    REPORT_ROW(RESTORE_COUNT, "", "drain_ns", drain_ns),
    REPORT_ROW(RESTORE_COUNT, "", "warmup_ns", warmup_ns),
    REPORT_ROW(RESTORE_TEXT, "", "pinned", pinned),
    REPORT_ROW(RESTORE_FLAG, "", "invariants_checked", checked),
    REPORT_ROW(RESTORE_COUNT, "speed", "before_ns", speed_before_ns),
    REPORT_ROW(RESTORE_COUNT, "speed", "after_ns", speed_after_ns),
    REPORT_ROW(RESTORE_COUNT, "operations", "refused", refused),
    REPORT_ROW(RESTORE_COUNT, "operations", "allocated_bytes", allocated_bytes),
    REPORT_ROW(RESTORE_COUNT, "operations", "thread_least", thread_least),
    REPORT_ROW(RESTORE_COUNT, "operations", "thread_most", thread_most),
    REPORT_ROW(RESTORE_REAL, "operations", "jain", jain),
    REPORT_ROW(RESTORE_COUNT, "latency", "one_in", latency_every),
    REPORT_ROW(RESTORE_COUNT, "latency", "timer_overhead_ns", timer_ns),
    REPORT_ROW(RESTORE_COUNT, "latency", "begun", begun),
    REPORT_ROW(RESTORE_COUNT, "latency", "missed", missed),
    REPORT_ROW(RESTORE_COUNT, "latency", "late", late),
    REPORT_ROW(RESTORE_COUNT, "memory", "rss_baseline_bytes", baseline_rss_bytes),
    REPORT_ROW(RESTORE_COUNT, "memory", "rss_peak_bytes", peak_rss_bytes),
    REPORT_ROW(RESTORE_COUNT, "memory", "rss_end_bytes", end_rss_bytes),
    REPORT_ROW(RESTORE_COUNT, "memory", "rss_drained_bytes", drained_rss_bytes),
    REPORT_ROW(RESTORE_COUNT, "memory", "live_bytes", live_bytes),
    REPORT_ROW(RESTORE_COUNT, "memory", "taken_bytes", taken_bytes),
    REPORT_ROW(RESTORE_COUNT, "memory", "pss_peak_bytes", peak_pss_bytes),
    REPORT_ROW(RESTORE_COUNT, "memory", "huge_peak_bytes", peak_huge_bytes),
    REPORT_ROW(RESTORE_COUNT, "memory", "detailed_looks", detail_count),
    REPORT_ROW(RESTORE_COUNT, "memory", "sample_cost_ns", sample_cost_ns),
    REPORT_ROW(RESTORE_COUNT, "memory", "metrics_bytes", metrics_bytes),
    REPORT_ROW(RESTORE_COUNT, "memory", "metrics_thread_bytes", metrics_thread_bytes),
    REPORT_ROW(RESTORE_REAL, "memory", "rss_overhead", fragmentation.rss_overhead),
    REPORT_ROW(RESTORE_SHARE, "fragmentation", "internal_share_at_most_live",
               fragmentation.internal),
    REPORT_ROW(RESTORE_SHARE, "fragmentation", "external_share_at_most_live",
               fragmentation.external),
    REPORT_ROW(RESTORE_SHARE, "fragmentation", "internal_share_at_end", fragmentation.end_internal),
    REPORT_ROW(RESTORE_SHARE, "fragmentation", "external_share_at_end", fragmentation.end_external),
    REPORT_ROW(RESTORE_RATIO, "fragmentation", "mean_held_over_live",
               fragmentation.mean_held_over_live),
    REPORT_ROW(RESTORE_RATIO, "fragmentation", "held_over_live_at_most_live",
               fragmentation.at_most_live),
    REPORT_ROW(RESTORE_RATIO, "fragmentation", "held_over_live_at_most_held",
               fragmentation.at_most_held),
    REPORT_ROW(RESTORE_RATIO, "fragmentation", "most_held_over_most_live",
               fragmentation.most_held_over_most_live),
    REPORT_ROW(RESTORE_SHARE, "fragmentation", "holes_per_block_at_most_live",
               fragmentation.holes_per_block),
    REPORT_ROW(RESTORE_SHARE, "fragmentation", "holes_per_block_at_end",
               fragmentation.end_holes_per_block),
    REPORT_ROW(RESTORE_SHARE, "fragmentation", "waste_bytes_per_block",
               fragmentation.waste_per_block),
    REPORT_ROW(RESTORE_SHARE, "fragmentation", "concentration", fragmentation.concentration),
    REPORT_ROW(RESTORE_REAL, "fairness", "cv", thread_cv),
    REPORT_ROW(RESTORE_COUNT, "system", "user_ns", user_ns),
    REPORT_ROW(RESTORE_COUNT, "system", "system_ns", system_ns),
    REPORT_ROW(RESTORE_COUNT, "system", "worker_ns", worker_ns),
    REPORT_ROW(RESTORE_COUNT, "system", "offcpu_ns", offcpu_ns),
    REPORT_ROW(RESTORE_COUNT, "system", "runqueue_ns", runqueue_ns),
    REPORT_ROW(RESTORE_COUNT, "system", "futex_waits", futex_waits),
    REPORT_ROW(RESTORE_TEXT, "system", "futex_why", futex_why),
    REPORT_ROW(RESTORE_COUNT, "system", "voluntary_switches", voluntary_switches),
    REPORT_ROW(RESTORE_COUNT, "system", "involuntary_switches", involuntary_switches),
    REPORT_ROW(RESTORE_COUNT, "system", "minor_faults", minor_faults),
    REPORT_ROW(RESTORE_COUNT, "system", "major_faults", major_faults),
    REPORT_ROW(RESTORE_COUNT, "samples", "every_ns", sample_every_ns),
    {0},
};

static const struct restore_field report_harness_table[] = {
#define HARNESS_ROW(key, member)                                                                   \
    {                                                                                              \
        "harness", key, RESTORE_REAL, offsetof(struct report_harness, member), 0                   \
    }
    HARNESS_ROW("op_ns", op_ns),
    HARNESS_ROW("timed_ns", timed_ns),
    HARNESS_ROW("checked_ns", checked_ns),
    HARNESS_ROW("checked_bytes_per_ns", checked_bytes_per_ns),
    {0},
};

static const struct restore_field report_usage_table[] = {
#define USAGE_ROW(key, member)                                                                     \
    {                                                                                              \
        "", key, RESTORE_COUNT, offsetof(struct target_usage, member), 0                           \
    }
    USAGE_ROW("held_bytes", held_bytes),
    USAGE_ROW("free_bytes", free_bytes),
    USAGE_ROW("holes", holes),
    USAGE_ROW("largest_hole_bytes", largest_hole),
    USAGE_ROW("metadata_bytes", metadata_bytes),
    {0},
};

#define LOCK_ROW(member)                                                                           \
    {                                                                                              \
        "", #member, RESTORE_COUNT, offsetof(struct mems_lock_stats, member), 0                    \
    }

static const struct restore_field report_lock_table[] = {
    {"", "name", RESTORE_TEXT, offsetof(struct mems_lock_stats, name),
     sizeof((struct mems_lock_stats *)0)->name},
    LOCK_ROW(acquisitions),
    LOCK_ROW(contended),
    LOCK_ROW(spin_acquired),
    LOCK_ROW(waited),
    LOCK_ROW(wait_ns),
    LOCK_ROW(max_wait_ns),
    LOCK_ROW(max_waiting),
    LOCK_ROW(owner_switches),
    LOCK_ROW(hold_sample),
    LOCK_ROW(hold_sampled),
    LOCK_ROW(hold_ns),
    LOCK_ROW(max_hold_ns),
    {0},
};

// [least value of a bucket, how many], each through `place`, which says where it belongs.
static int report_buckets(const struct restore *restore, const json_t *array, const char *key,
                          uint64_t *(*place)(void *into, uint64_t least), void *into)
{
    size_t index;
    json_t *pair;
    if (!json_is_array(array)) {
        return restore_complain(restore, "report", key, "an array of pairs");
    }
    json_array_foreach(array, index, pair)
    {
        uint64_t least, count;
        int error =
            restore_number(restore, json_array_get(pair, 0), "report", key, UINT64_MAX, &least);
        error = error != 0 ? error
                           : restore_number(restore, json_array_get(pair, 1), "report", key,
                                            UINT64_MAX, &count);
        if (error != 0) {
            return error;
        }
        *place(into, least) = count;
    }
    return 0;
}

static uint64_t *report_histogram_bucket(void *into, uint64_t least)
{
    struct histogram *histogram = into;
    histogram->least = least < histogram->least ? least : histogram->least;
    return &histogram->bucket[histogram_bucket(least)];
}

static uint64_t *report_lock_bucket(void *into, uint64_t least)
{
    uint64_t *buckets = into;
    unsigned bucket = 0;
    while (bucket + 1 < MEMS_LOCK_BUCKETS && mems_lock_bucket_least(bucket) < least) {
        bucket++;
    }
    return &buckets[bucket];
}

static int report_histogram(const struct restore *restore, const json_t *object, const char *kind,
                            struct histogram *histogram)
{
    static const struct restore_field table[] = {
        {"", "count", RESTORE_COUNT, offsetof(struct histogram, count), 0},
        {"", "capped", RESTORE_COUNT, offsetof(struct histogram, capped), 0},
        {"", "max_ns", RESTORE_COUNT, offsetof(struct histogram, most), 0},
        {0},
    };
    histogram_init(histogram);
    if (object == NULL) {
        return 0; // nothing was done
    }
    double mean = json_number_value(json_object_get(object, "mean_ns"));
    int error = restore_fields(restore, table, object, histogram);
    // Nine digits of the mean are as many of the total.
    histogram->total = (uint64_t)llround(mean * (double)histogram->count);
    return error != 0 ? error
                      : report_buckets(restore, json_object_get(object, "buckets"), kind,
                                       report_histogram_bucket, histogram);
}

static int report_operations(const struct restore *restore, const json_t *object,
                             struct cell_report *report)
{
    const json_t *operations = json_object_get(object, "operations");
    const json_t *latency = json_object_get(object, "latency");
    const json_t *response = json_object_get(latency, "response");
    int error = 0;
    for (enum op_kind kind = OP_ALLOC; kind < OP_KINDS && error == 0; kind++) {
        const char *name = limit_kind_name(kind);
        error = restore_number(restore, json_object_get(operations, name), "operations", name,
                               UINT64_MAX, &report->count[kind]);
        if (error == 0) {
            error = report_histogram(restore, json_object_get(latency, name), name,
                                     &report->latency[kind]);
        }
        if (error == 0) {
            error = report_histogram(restore, json_object_get(response, name), name,
                                     &report->response[kind]);
        }
    }
    return error;
}

static int report_figures(const struct restore *restore, const json_t *object,
                          struct cell_report *report)
{
    static const struct restore_field table[] = {
        {"", "name", RESTORE_TEXT, offsetof(struct report_figure, name),
         sizeof((struct report_figure *)0)->name},
        {"", "unit", RESTORE_TEXT, offsetof(struct report_figure, unit),
         sizeof((struct report_figure *)0)->unit},
        {"", "value", RESTORE_REAL, offsetof(struct report_figure, value), 0},
        {"", "bound", RESTORE_REAL, offsetof(struct report_figure, bound), 0},
        {0},
    };
    const json_t *figures = json_object_get(object, "figures");
    int error = 0;
    if (!json_is_array(figures) || json_array_size(figures) > REPORT_FIGURES) {
        return restore_complain(restore, "report", "figures", "a short array");
    }
    report->figure_count = (uint32_t)json_array_size(figures);
    for (uint32_t i = 0; i < report->figure_count && error == 0; i++) {
        error = restore_fields(restore, table, json_array_get(figures, i), &report->figures[i]);
    }
    return error;
}

// A column of numbers, null where one is 0; `count` of them.
static int report_column(const struct restore *restore, const json_t *column, const char *key,
                         size_t count, void *first, size_t step)
{
    if (!json_is_array(column) || json_array_size(column) != count) {
        return restore_complain(restore, "report", key, "an array as long as the others");
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(column, i);
        uint64_t *number = (void *)((char *)first + i * step);
        *number = 0;
        if (!json_is_null(value) &&
            restore_number(restore, value, "report", key, UINT64_MAX, number) != 0) {
            return EINVAL;
        }
    }
    return 0;
}

static int report_samples(const struct restore *restore, const json_t *object,
                          struct cell_report *report)
{
    static const struct {
        const char *name;
        size_t offset;
    } columns[] = {
        {"at_ns", offsetof(struct report_sample, at_ns)},
        {"operations", offsetof(struct report_sample, operations)},
        {"allocated_bytes", offsetof(struct report_sample, allocated_bytes)},
        {"live_bytes", offsetof(struct report_sample, live_bytes)},
        {"taken_bytes", offsetof(struct report_sample, taken_bytes)},
        {"held_bytes", offsetof(struct report_sample, held_bytes)},
        {"rss_bytes", offsetof(struct report_sample, rss_bytes)},
        {"pss_bytes", offsetof(struct report_sample, pss_bytes)},
        {"huge_bytes", offsetof(struct report_sample, huge_bytes)},
        {"free_bytes", offsetof(struct report_sample, free_bytes)},
        {"largest_hole_bytes", offsetof(struct report_sample, largest_hole)},
        {"holes", offsetof(struct report_sample, holes)},
        {"live_blocks", offsetof(struct report_sample, live_blocks)},
    };
    const json_t *samples = json_object_get(object, "samples");
    size_t count = json_array_size(json_object_get(samples, "at_ns"));
    bool engine = json_object_get(samples, "free_bytes") != NULL; // the last four are the engine's
    if (count > REPORT_SAMPLES) {
        return restore_complain(restore, "report", "samples", "fewer of them");
    }
    report->sample_count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        report->samples[i].holes_known = engine;
    }
    int error = 0;
    for (size_t i = 0; i < sizeof columns / sizeof columns[0] - (engine ? 0 : 4) && error == 0;
         i++) {
        error = report_column(restore, json_object_get(samples, columns[i].name), columns[i].name,
                              count, (char *)report->samples + columns[i].offset,
                              sizeof report->samples[0]);
    }
    return error;
}

static int report_decay(const struct restore *restore, const json_t *memory,
                        struct cell_report *report)
{
    const json_t *decay = json_object_get(memory, "decay");
    size_t count = json_array_size(json_object_get(decay, "after_ns"));
    if (!json_is_object(decay)) {
        return 0;
    }
    if (count > REPORT_DECAY) {
        return restore_complain(restore, "memory", "decay", "fewer looks");
    }
    report->decay_count = (uint32_t)count;
    int error = report_column(restore, json_object_get(decay, "after_ns"), "after_ns", count,
                              &report->decay[0].after_ns, sizeof report->decay[0]);
    return error != 0 ? error
                      : report_column(restore, json_object_get(decay, "rss_bytes"), "rss_bytes",
                                      count, &report->decay[0].rss_bytes, sizeof report->decay[0]);
}

static void report_native(json_t *native, struct cell_report *report)
{
    const char *key;
    json_t *value;
    json_object_foreach(native, key, value)
    {
        if (report->native_count < REPORT_NATIVE) {
            struct report_native *row = &report->native[report->native_count++];
            snprintf(row->name, sizeof row->name, "%s", key);
            row->value = json_is_number(value) ? json_number_value(value) : NAN;
        }
    }
}

static int report_usage(const struct restore *restore, const json_t *object,
                        struct target_usage *usage)
{
    usage->known = json_is_object(object);
    return usage->known ? restore_fields(restore, report_usage_table, object, usage) : 0;
}

static int report_memory(const struct restore *restore, const json_t *object,
                         struct cell_report *report)
{
    const json_t *memory = json_object_get(object, "memory");
    int error = report_usage(restore, json_object_get(memory, "engine"), &report->usage);
    if (error == 0) {
        error = report_usage(restore, json_object_get(memory, "engine_drained"), &report->drained);
    }
    report_native(json_object_get(memory, "native"), report);
    return error != 0 ? error : report_decay(restore, memory, report);
}

// The curve stops at its first 1: beyond the largest hole everything is unusable.
static void report_unusable(const json_t *object, struct report_fragmentation *fragmentation)
{
    const json_t *curve =
        json_object_get(json_object_get(object, "fragmentation"), "unusable_share_by_log2_bytes");
    size_t count = json_array_size(curve);
    for (size_t i = 0; i < REPORT_CURVE; i++) {
        fragmentation->unusable[i] = !json_is_array(curve) ? -1
                                     : i < count ? json_number_value(json_array_get(curve, i))
                                                 : 1;
    }
}

static int report_lock(const struct restore *restore, const json_t *object,
                       struct mems_lock_stats *lock)
{
    int error = restore_fields(restore, report_lock_table, object, lock);
    if (error == 0) {
        error = report_buckets(restore, json_object_get(object, "wait_buckets"), "wait_buckets",
                               report_lock_bucket, lock->wait);
    }
    if (error == 0) {
        error = report_buckets(restore, json_object_get(object, "hold_buckets"), "hold_buckets",
                               report_lock_bucket, lock->hold);
    }
    return error;
}

static int report_stats(const struct restore *restore, const json_t *object, const char *key,
                        struct mems_stats *stats)
{
    const json_t *counters = json_object_get(object, key);
    const struct mems_stat *row;
    int error = 0;
    for (size_t i = 0; (row = mems_stat_at(i)) != NULL && error == 0; i++) {
        uint64_t *counter = (void *)((char *)stats + row->offset);
        error = restore_number(restore, json_object_get(counters, row->name), key, row->name,
                               UINT64_MAX, counter);
    }
    return error;
}

static int report_engine(const struct restore *restore, const json_t *object,
                         struct report_engine *engine)
{
    const json_t *contention = json_object_get(object, "contention");
    const json_t *locks = json_object_get(contention, "locks");
    uint64_t more;
    if (contention == NULL) {
        return 0;
    }
    engine->known = true;
    if (!json_is_array(locks) || json_array_size(locks) > REPORT_LOCKS) {
        return restore_complain(restore, "contention", "locks", "an array");
    }
    int error = report_lock(restore, json_object_get(contention, "all"), &engine->lock_sum);
    engine->lock_count = (uint32_t)json_array_size(locks);
    for (uint32_t i = 0; i < engine->lock_count && error == 0; i++) {
        error = report_lock(restore, json_array_get(locks, i), &engine->locks[i]);
    }
    if (error == 0) {
        error = restore_number(restore, json_object_get(contention, "more_locks"), "contention",
                               "more_locks", UINT32_MAX, &more);
    }
    if (error == 0) {
        engine->lock_more = (uint32_t)more;
        error = report_stats(restore, object, "engine", &engine->stats);
    }
    return error != 0 ? error : report_stats(restore, object, "engine_drained", &engine->drained);
}

// What says by being there whether it is known.
static int report_known(const struct restore *restore, const json_t *object,
                        struct cell_report *report)
{
    const json_t *steady = json_object_get(object, "steady");
    const json_t *system = json_object_get(object, "system");
    const json_t *harness = json_object_get(object, "harness");
    static const struct restore_field table[] = {
        REPORT_ROW(RESTORE_REAL, "steady", "deviation_share", steady_deviation),
        REPORT_ROW(RESTORE_COUNT, "steady", "at_ns", steady_ns),
        {0},
    };
    int error = 0;
    report->runqueue_known = json_is_integer(json_object_get(system, "runqueue_ns"));
    report->futex_known = json_is_integer(json_object_get(system, "futex_waits"));
    if (json_is_object(steady)) {
        report->steady =
            json_is_true(json_object_get(steady, "reached")) ? STEADY_REACHED : STEADY_NOT_REACHED;
        error = restore_fields(restore, table, object, report);
    }
    report->harness_known = json_is_object(harness);
    if (report->harness_known && error == 0) {
        error = restore_fields(restore, report_harness_table, object, &report->harness);
    }
    return error;
}

int restore_report(const struct restore *restore, const json_t *object, const struct cell *cell,
                   struct cell_report *report)
{
    const json_t *each = json_object_get(json_object_get(object, "fairness"), "thread_operations");
    size_t threads =
        cell->section->threads < REPORT_THREADS ? cell->section->threads : REPORT_THREADS;
    int error = restore_fields(restore, report_table, object, report);
    error = error != 0 ? error : report_operations(restore, object, report);
    error = error != 0 ? error : report_figures(restore, object, report);
    error = error != 0 ? error : report_samples(restore, object, report);
    error = error != 0 ? error : report_memory(restore, object, report);
    error = error != 0 ? error : report_engine(restore, object, &report->engine);
    error = error != 0 ? error : report_known(restore, object, report);
    report_unusable(object, &report->fragmentation);
    return error != 0
               ? error
               : report_column(restore, each, "thread_operations", threads,
                               report->thread_operations, sizeof report->thread_operations[0]);
}

#endif
