// SPDX-License-Identifier: MIT
//
// json_report.c - a cell's measurements: operations, latencies, memory, locks, samples.
//
// Times are nanoseconds, sizes bytes: the raw values; whoever shows them scales them. A figure that
// is not known is null.

#ifdef MEMS_HAVE_JANSSON

#include <math.h>
#include <stddef.h>

#include "result/json.h"
#include "result/summary.h"
#include "run/limit.h"

static json_t *report_histogram(const struct histogram *histogram)
{
    static const struct {
        const char *name;
        double share;
    } quantiles[] = {{"p50_ns", 0.5},
                     {"p90_ns", 0.9},
                     {"p99_ns", 0.99},
                     {"p99.9_ns", 0.999},
                     {"p99.99_ns", 0.9999}};
    json_t *object = json_object();
    json_object_set_new(object, "count", json_of_count(histogram->count));
    json_object_set_new(object, "mean_ns", json_of_real(histogram_mean(histogram)));
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        uint64_t value = histogram_quantile(histogram, quantiles[i].share);
        json_object_set_new(object, quantiles[i].name,
                            value != UINT64_MAX ? json_of_count(value) : json_null());
    }
    json_object_set_new(object, "max_ns", json_of_count(histogram->most));
    json_object_set_new(object, "capped", json_of_count(histogram->capped));
    // [least value of the bucket, how many]: the whole curve.
    json_t *buckets = json_array();
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (histogram->bucket[i] != 0) {
            json_array_append_new(buckets,
                                  json_pack("[o, o]", json_of_count(histogram_bucket_least(i)),
                                            json_of_count(histogram->bucket[i])));
        }
    }
    json_object_set_new(object, "buckets", buckets);
    return object;
}

static json_t *report_operations(const struct cell_report *report)
{
    json_t *object = json_object();
    for (enum op_kind kind = OP_ALLOC; kind < OP_KINDS; kind++) {
        json_object_set_new(object, limit_kind_name(kind), json_of_count(report->count[kind]));
    }
    json_object_set_new(object, "all", json_of_count(summary_operations(report)));
    json_object_set_new(object, "refused", json_of_count(report->refused));
    json_object_set_new(object, "refused_share", json_of_real(summary_refused(report)));
    json_object_set_new(object, "allocated_bytes", json_of_count(report->allocated_bytes));
    json_object_set_new(object, "thread_least", json_of_count(report->thread_least));
    json_object_set_new(object, "thread_most", json_of_count(report->thread_most));
    json_object_set_new(object, "jain", json_of_real(report->jain));
    return object;
}

// By kind; what was not done is left out.
static void report_histograms(json_t *object, const struct histogram histograms[OP_KINDS])
{
    for (enum op_kind kind = OP_ALLOC; kind < OP_KINDS; kind++) {
        if (histograms[kind].count > 0) {
            json_object_set_new(object, limit_kind_name(kind), report_histogram(&histograms[kind]));
        }
    }
}

static json_t *report_latency(const struct cell_report *report, bool open_loop)
{
    json_t *object = json_object();
    json_t *response = json_object();
    json_object_set_new(object, "one_in", json_of_count(report->latency_every));
    json_object_set_new(object, "timer_overhead_ns", json_of_count(report->timer_ns));
    report_histograms(object, report->latency);
    report_histograms(response, report->response);
    json_object_set_new(object, "begun", open_loop ? json_of_count(report->begun) : json_null());
    json_object_set_new(object, "missed", open_loop ? json_of_count(report->missed) : json_null());
    json_object_set_new(object, "late", open_loop ? json_of_count(report->late) : json_null());
    json_object_set_new(object, "response", open_loop ? response : json_null());
    if (!open_loop) {
        json_decref(response);
    }
    return object;
}

static json_t *report_figures(const struct cell_report *report)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < report->figure_count; i++) {
        const struct report_figure *figure = &report->figures[i];
        json_array_append_new(
            array, json_pack("{s:o, s:o, s:o, s:o}", "name", json_of_text(figure->name), "unit",
                             json_of_text(figure->unit), "value", json_of_real(figure->value),
                             "bound", json_of_real(figure->bound)));
    }
    return array;
}

static json_t *report_usage(const struct target_usage *usage)
{
    if (!usage->known) {
        return json_null();
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "held_bytes", json_of_count(usage->held_bytes),
                     "free_bytes", json_of_count(usage->free_bytes), "largest_hole_bytes",
                     json_of_count(usage->largest_hole), "holes", json_of_count(usage->holes),
                     "metadata_bytes", json_of_count(usage->metadata_bytes));
}

static json_t *report_memory(const struct cell_report *report)
{
    json_t *object = json_object();
    json_object_set_new(object, "rss_baseline_bytes", json_of_count(report->baseline_rss_bytes));
    json_object_set_new(object, "rss_peak_bytes", json_of_count(report->peak_rss_bytes));
    json_object_set_new(object, "rss_end_bytes", json_of_count(report->end_rss_bytes));
    json_object_set_new(object, "rss_drained_bytes", json_of_count(report->drained_rss_bytes));
    json_object_set_new(object, "live_bytes", json_of_count(report->live_bytes));
    json_object_set_new(object, "taken_bytes", json_of_count(report->taken_bytes));
    json_object_set_new(object, "engine", report_usage(&report->usage));
    json_object_set_new(object, "engine_drained", report_usage(&report->drained));
    json_add_memory(object, report);
    return object;
}

// A share that the cell marks as unknown by a negative number.
static json_t *report_share(double share)
{
    return share >= 0 ? json_of_real(share) : json_null();
}

// Ratios of 0 are those that could not be formed.
static json_t *report_ratio(double ratio)
{
    return ratio > 0 ? json_of_real(ratio) : json_null();
}

static json_t *report_fragmentation_of(const struct report_fragmentation *fragmentation)
{
    json_t *object = json_object();
    json_object_set_new(object, "internal_share_at_most_live",
                        report_share(fragmentation->internal));
    json_object_set_new(object, "external_share_at_most_live",
                        report_share(fragmentation->external));
    json_object_set_new(object, "internal_share_at_end", report_share(fragmentation->end_internal));
    json_object_set_new(object, "external_share_at_end", report_share(fragmentation->end_external));
    json_object_set_new(object, "mean_held_over_live",
                        report_ratio(fragmentation->mean_held_over_live));
    json_object_set_new(object, "held_over_live_at_most_live",
                        report_ratio(fragmentation->at_most_live));
    json_object_set_new(object, "held_over_live_at_most_held",
                        report_ratio(fragmentation->at_most_held));
    json_object_set_new(object, "most_held_over_most_live",
                        report_ratio(fragmentation->most_held_over_most_live));
    json_add_holes(object, fragmentation);
    return object;
}

// [least time of the bucket, how many]
static json_t *report_lock_times(const uint64_t *buckets)
{
    json_t *array = json_array();
    for (unsigned i = 0; i < MEMS_LOCK_BUCKETS; i++) {
        if (buckets[i] != 0) {
            json_array_append_new(array,
                                  json_pack("[o, o]", json_of_count(mems_lock_bucket_least(i)),
                                            json_of_count(buckets[i])));
        }
    }
    return array;
}

static json_t *report_lock(const struct mems_lock_stats *lock)
{
#define REPORT_LOCK_FIELD(name) json_object_set_new(object, #name, json_of_count(lock->name))
    json_t *object = json_object();
    json_object_set_new(object, "name", json_of_text(lock->name));
    REPORT_LOCK_FIELD(acquisitions);
    REPORT_LOCK_FIELD(contended);
    REPORT_LOCK_FIELD(spin_acquired);
    REPORT_LOCK_FIELD(waited);
    REPORT_LOCK_FIELD(wait_ns);
    REPORT_LOCK_FIELD(max_wait_ns);
    REPORT_LOCK_FIELD(max_waiting);
    REPORT_LOCK_FIELD(owner_switches);
    REPORT_LOCK_FIELD(hold_sample);
    REPORT_LOCK_FIELD(hold_sampled);
    REPORT_LOCK_FIELD(hold_ns);
    REPORT_LOCK_FIELD(max_hold_ns);
#undef REPORT_LOCK_FIELD
    json_object_set_new(object, "wait_buckets", report_lock_times(lock->wait));
    json_object_set_new(object, "hold_buckets", report_lock_times(lock->hold));
    return object;
}

static json_t *report_contention(const struct report_engine *engine)
{
    json_t *locks = json_array();
    for (uint32_t i = 0; i < engine->lock_count; i++) {
        json_array_append_new(locks, report_lock(&engine->locks[i]));
    }
    return json_pack("{s:o, s:o, s:i}", "all", report_lock(&engine->lock_sum), "locks", locks,
                     "more_locks", (int)engine->lock_more);
}

static json_t *report_stats(const struct mems_stats *stats)
{
    json_t *object = json_object();
    const struct mems_stat *row;
    for (size_t i = 0; (row = mems_stat_at(i)) != NULL; i++) {
        const char *field = (const char *)stats + row->offset;
        json_object_set_new(object, row->name,
                            json_of_count(*(const uint64_t *)(const void *)field));
    }
    return object;
}

static json_t *report_column(const struct cell_report *report, size_t offset)
{
    json_t *column = json_array();
    for (uint32_t i = 0; i < report->sample_count; i++) {
        const char *field = (const char *)&report->samples[i] + offset;
        json_array_append_new(column, json_of_count(*(const uint64_t *)(const void *)field));
    }
    return column;
}

// Of samples that looked at it; null where one did not.
static json_t *report_seldom_column(const struct cell_report *report, size_t offset)
{
    json_t *column = json_array();
    for (uint32_t i = 0; i < report->sample_count; i++) {
        const struct report_sample *sample = &report->samples[i];
        const char *field = (const char *)sample + offset;
        json_array_append_new(column, sample->pss_bytes > 0
                                          ? json_of_count(*(const uint64_t *)(const void *)field)
                                          : json_null());
    }
    return column;
}

static json_t *report_samples(const struct cell_report *report)
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
        {"free_bytes", offsetof(struct report_sample, free_bytes)},
        {"largest_hole_bytes", offsetof(struct report_sample, largest_hole)},
        {"holes", offsetof(struct report_sample, holes)},
        {"live_blocks", offsetof(struct report_sample, live_blocks)},
    };
    // The last four are the engine's.
    bool engine = report->sample_count > 0 && report->samples[0].holes_known;
    size_t count = sizeof columns / sizeof columns[0] - (engine ? 0 : 4);
    json_t *object = json_object();
    json_object_set_new(object, "every_ns", json_of_count(report->sample_every_ns));
    for (size_t i = 0; i < count; i++) {
        json_object_set_new(object, columns[i].name, report_column(report, columns[i].offset));
    }
    json_object_set_new(object, "pss_bytes",
                        report_seldom_column(report, offsetof(struct report_sample, pss_bytes)));
    json_object_set_new(object, "huge_bytes",
                        report_seldom_column(report, offsetof(struct report_sample, huge_bytes)));
    return object;
}

json_t *json_of_report(const struct cell *cell)
{
    const struct cell_report *report = &cell->stage->report;
    bool open_loop = job_number(cell->section->section, "rate") > 0;
    json_t *object = json_object();
    json_object_set_new(object, "incomplete", json_boolean(report->incomplete));
    json_object_set_new(object, "wall_ns", json_of_count(report->wall_ns));
    json_object_set_new(object, "drain_ns", json_of_count(report->drain_ns));
    json_object_set_new(object, "warmup_ns", json_of_count(report->warmup_ns));
    json_object_set_new(object, "steady", json_of_steady(report));
    json_object_set_new(object, "speed", json_of_speed(report));
    json_object_set_new(object, "harness", json_of_harness(report));
    json_object_set_new(object, "operations", report_operations(report));
    json_object_set_new(object, "latency", report_latency(report, open_loop));
    json_object_set_new(object, "memory", report_memory(report));
    json_object_set_new(object, "fragmentation", report_fragmentation_of(&report->fragmentation));
    json_object_set_new(object, "figures", report_figures(report));
    json_object_set_new(object, "fairness", json_of_fairness(report, cell->section->threads));
    json_object_set_new(object, "system", json_of_system(report));
    json_object_set_new(object, "pinned",
                        report->pinned[0] != '\0' ? json_of_text(report->pinned) : json_null());
    json_object_set_new(object, "invariants_checked", json_boolean(report->checked));
    if (report->engine.known) {
        json_object_set_new(object, "contention", report_contention(&report->engine));
        json_object_set_new(object, "engine", report_stats(&report->engine.stats));
        json_object_set_new(object, "engine_drained", report_stats(&report->engine.drained));
    }
    json_object_set_new(object, "samples", report_samples(report));
    if (stage_album(cell->stage) != NULL) {
        json_object_set_new(object, "map", json_of_album(stage_album(cell->stage)));
    }
    return object;
}

#endif
