// SPDX-License-Identifier: MIT
//
// metric.c - every figure a cell is told by, as one table.
//
// A floor is what nobody would act on: a nanosecond of a latency, a tenth of one on average, a
// hundredth of a share, one wait in a thousand operations, a few pages. Without it a figure that
// rises from nothing to next to nothing has risen without end.

#include "result/metric.h"

#include <math.h>
#include <string.h>

#include "result/summary.h"
#include "run/decay.h"

static double metric_rate(const struct cell *cell)
{
    return summary_rate(&cell->stage->report);
}

static double metric_cpu(const struct cell *cell)
{
    const struct cell_report *report = &cell->stage->report;
    uint64_t operations = summary_operations(report);
    uint64_t cpu_ns = report->user_ns + report->system_ns;
    return operations > 0 && cpu_ns > 0 ? (double)cpu_ns / (double)operations : NAN;
}

static double metric_quantile(const struct cell *cell, enum op_kind kind, double share)
{
    uint64_t value = histogram_quantile(&cell->stage->report.latency[kind], share);
    return value == UINT64_MAX ? NAN : (double)value;
}

static double metric_alloc_p50(const struct cell *cell)
{
    return metric_quantile(cell, OP_ALLOC, 0.5);
}

static double metric_alloc_p99(const struct cell *cell)
{
    return metric_quantile(cell, OP_ALLOC, 0.99);
}

static double metric_alloc_p999(const struct cell *cell)
{
    return metric_quantile(cell, OP_ALLOC, 0.999);
}

static double metric_free_p99(const struct cell *cell)
{
    return metric_quantile(cell, OP_FREE, 0.99);
}

static double metric_remote_p99(const struct cell *cell)
{
    return metric_quantile(cell, OP_FREE_REMOTE, 0.99);
}

static double metric_held(const struct cell *cell)
{
    double ratio = cell->stage->report.fragmentation.most_held_over_most_live;
    return ratio > 0 ? ratio : NAN;
}

static double metric_internal(const struct cell *cell)
{
    double share = cell->stage->report.fragmentation.internal;
    return share >= 0 ? share : NAN;
}

static double metric_external(const struct cell *cell)
{
    double share = cell->stage->report.fragmentation.external;
    return share >= 0 ? share : NAN;
}

static double metric_rss(const struct cell *cell)
{
    return (double)cell->stage->report.peak_rss_bytes;
}

// A figure of all the engine's locks together, an operation.
static double metric_of_locks(const struct cell_report *report, uint64_t figure)
{
    uint64_t operations = summary_operations(report);
    return report->engine.known && operations > 0 ? (double)figure / (double)operations : NAN;
}

static double metric_waits(const struct cell *cell)
{
    return metric_of_locks(&cell->stage->report, cell->stage->report.engine.lock_sum.waited);
}

static double metric_wait_ns(const struct cell *cell)
{
    return metric_of_locks(&cell->stage->report, cell->stage->report.engine.lock_sum.wait_ns);
}

static double metric_free_p50(const struct cell *cell)
{
    return metric_quantile(cell, OP_FREE, 0.5);
}

static double metric_refused(const struct cell *cell)
{
    return summary_refused(&cell->stage->report);
}

// Of allocations; of the steps where it is them that are paced.
static double metric_response(const struct cell *cell, double share)
{
    const struct histogram *response = cell->stage->report.response;
    enum op_kind kind = response[OP_ALLOC].count > 0 ? OP_ALLOC : OP_STEP;
    uint64_t value = histogram_quantile(&response[kind], share);
    return value == UINT64_MAX ? NAN : (double)value;
}

static double metric_response_p50(const struct cell *cell)
{
    return metric_response(cell, 0.5);
}

static double metric_response_p99(const struct cell *cell)
{
    return metric_response(cell, 0.99);
}

static double metric_free_response(const struct cell *cell)
{
    uint64_t value = histogram_quantile(&cell->stage->report.response[OP_FREE], 0.99);
    return value == UINT64_MAX ? NAN : (double)value;
}

static double metric_remote_response(const struct cell *cell)
{
    uint64_t value = histogram_quantile(&cell->stage->report.response[OP_FREE_REMOTE], 0.99);
    return value == UINT64_MAX ? NAN : (double)value;
}

static double metric_starts(const struct cell *cell)
{
    const struct cell_report *report = &cell->stage->report;
    return summary_open_loop(cell) ? (double)report->begun * 1e9 / (double)report->wall_ns : NAN;
}

static double metric_late(const struct cell *cell)
{
    const struct cell_report *report = &cell->stage->report;
    return report->begun > 0 ? (double)report->late / (double)report->begun : NAN;
}

static double metric_cv(const struct cell *cell)
{
    return cell->stage->report.thread_cv;
}

static double metric_offcpu(const struct cell *cell)
{
    return summary_offcpu_share(&cell->stage->report);
}

static double metric_system(const struct cell *cell)
{
    return summary_system_share(&cell->stage->report);
}

static double metric_futex(const struct cell *cell)
{
    const struct cell_report *report = &cell->stage->report;
    uint64_t operations = summary_operations(report);
    return report->futex_known && operations > 0 ? (double)report->futex_waits / (double)operations
                                                 : NAN;
}

static double metric_huge(const struct cell *cell)
{
    return summary_huge_share(&cell->stage->report);
}

static double metric_overhead(const struct cell *cell)
{
    return cell->stage->report.fragmentation.rss_overhead;
}

static double metric_decay_left(const struct cell *cell)
{
    return decay_left_share(&cell->stage->report);
}

static double metric_decay_half(const struct cell *cell)
{
    return decay_half_life_ns(&cell->stage->report);
}

static double metric_concentration(const struct cell *cell)
{
    double share = cell->stage->report.fragmentation.concentration;
    return share >= 0 ? share : NAN;
}

const struct metric metric_table[METRIC_ALL] = {
    [METRIC_RATE] =
        {
            .name = "ops_per_second",
            .unit = "ops/s",
            .help = "operations as measured, without those refused, over the time of the measured "
                    "phase",
            .better = METRIC_HIGHER,
            .judged = true,
            .speed = METRIC_PER_TIME,
            .of = metric_rate,
        },
    [METRIC_CPU] =
        {
            .name = "cpu_ns_per_op",
            .unit = "ns/op",
            .help = "processor time of the process in the measured phase, an operation; what other "
                    "programs take of the machine is not in it",
            .better = METRIC_LOWER,
            .judged = true,
            .speed = METRIC_TIME,
            .floor = 0.1,
            .of = metric_cpu,
        },
    [METRIC_ALLOC_P50] =
        {
            .name = "alloc_p50_ns",
            .unit = "ns",
            .help = "median time of an allocation",
            .better = METRIC_LOWER,
            .speed = METRIC_TIME,
            .floor = 1,
            .of = metric_alloc_p50,
        },
    [METRIC_ALLOC_P99] =
        {
            .name = "alloc_p99_ns",
            .unit = "ns",
            .help = "99th percentile of an allocation",
            .better = METRIC_LOWER,
            .judged = true,
            .seldom = true,
            .speed = METRIC_TIME,
            .floor = 1,
            .of = metric_alloc_p99,
        },
    [METRIC_ALLOC_P999] =
        {
            .name = "alloc_p99.9_ns",
            .unit = "ns",
            .help = "99.9th percentile of an allocation",
            .better = METRIC_LOWER,
            .speed = METRIC_TIME,
            .floor = 1,
            .of = metric_alloc_p999,
        },
    [METRIC_FREE_P50] =
        {
            .name = "free_p50_ns",
            .unit = "ns",
            .help = "median time of a free by the thread that allocated",
            .better = METRIC_LOWER,
            .speed = METRIC_TIME,
            .floor = 1,
            .of = metric_free_p50,
        },
    [METRIC_FREE_P99] =
        {
            .name = "free_p99_ns",
            .unit = "ns",
            .help = "99th percentile of a free by the thread that allocated",
            .better = METRIC_LOWER,
            .judged = true,
            .seldom = true,
            .speed = METRIC_TIME,
            .floor = 1,
            .of = metric_free_p99,
        },
    [METRIC_REMOTE_P99] =
        {
            .name = "free_remote_p99_ns",
            .unit = "ns",
            .help = "99th percentile of a free by another thread",
            .better = METRIC_LOWER,
            .judged = true,
            .seldom = true,
            .speed = METRIC_TIME,
            .floor = 1,
            .of = metric_remote_p99,
        },
    [METRIC_HELD] =
        {
            .name = "held_over_live",
            .unit = "x",
            .help = "most held over most live (requested); held: of an engine, mapped for its "
                    "blocks; of a foreign allocator, resident set less baseline",
            .better = METRIC_LOWER,
            .judged = true,
            .floor = 0.01,
            .of = metric_held,
        },
    [METRIC_INTERNAL] =
        {
            .name = "internal_share",
            .unit = "share",
            .help = "of the blocks' bytes, not asked for, when most was live",
            .better = METRIC_LOWER,
            .floor = 0.01,
            .of = metric_internal,
        },
    [METRIC_EXTERNAL] =
        {
            .name = "external_share",
            .unit = "share",
            .help = "1 - largest hole/free bytes, when most was live; engines only",
            .better = METRIC_LOWER,
            .floor = 0.01,
            .of = metric_external,
        },
    [METRIC_RSS] =
        {
            .name = "rss_peak_bytes",
            .unit = "bytes",
            .help = "largest resident set of the samples",
            .better = METRIC_LOWER,
            .judged = true,
            .floor = 65536,
            .of = metric_rss,
        },
    [METRIC_WAITS] =
        {
            .name = "lock_waits_per_op",
            .unit = "waits/op",
            .help = "threads that slept for one of the engine's locks",
            .better = METRIC_LOWER,
            .floor = 1e-3,
            .of = metric_waits,
        },
    [METRIC_WAIT_NS] =
        {
            .name = "lock_wait_ns_per_op",
            .unit = "ns/op",
            .help = "time slept for the engine's locks",
            .better = METRIC_LOWER,
            .speed = METRIC_TIME,
            .floor = 1,
            .of = metric_wait_ns,
        },
    [METRIC_REFUSED] =
        {
            .name = "refused_share",
            .unit = "share",
            .help = "of the allocations asked for, refused",
            .better = METRIC_LOWER,
            .floor = 0.01,
            .of = metric_refused,
        },
    [METRIC_RESPONSE_P50] =
        {
            .name = "alloc_response_p50_ns",
            .unit = "ns",
            .help = "median of an allocation from its intended start (of a step where steps are "
                    "paced); open loop only",
            .better = METRIC_LOWER,
            .of = metric_response_p50,
        },
    [METRIC_RESPONSE_P99] =
        {
            .name = "alloc_response_p99_ns",
            .unit = "ns",
            .help = "99th percentile of an allocation from its intended start (of a step where "
                    "steps are paced); open loop only",
            .better = METRIC_LOWER,
            .judged = true,
            .seldom = true,
            .speed = METRIC_TIME,
            .floor = 1,
            .of = metric_response_p99,
        },
    [METRIC_FREE_RESPONSE_P99] =
        {
            .name = "free_response_p99_ns",
            .unit = "ns",
            .help = "99th percentile of a free by the thread that allocated, from its intended "
                    "start; open loop only",
            .better = METRIC_LOWER,
            .speed = METRIC_TIME,
            .floor = 1,
            .of = metric_free_response,
        },
    [METRIC_REMOTE_RESPONSE_P99] =
        {
            .name = "free_remote_response_p99_ns",
            .unit = "ns",
            .help = "99th percentile of a free by another thread, from its intended start; open "
                    "loop only",
            .better = METRIC_LOWER,
            .speed = METRIC_TIME,
            .floor = 1,
            .of = metric_remote_response,
        },
    [METRIC_STARTS] =
        {
            .name = "starts_per_second",
            .unit = "1/s",
            .help = "intended starts that were begun, over the time of the measured phase; open "
                    "loop only",
            .better = METRIC_HIGHER,
            .of = metric_starts,
        },
    [METRIC_LATE] =
        {
            .name = "late_share",
            .unit = "share",
            .help = "of the intended starts that were begun, behind their time; open loop only",
            .better = METRIC_LOWER,
            .of = metric_late,
        },
    [METRIC_CV] =
        {
            .name = "thread_cv",
            .unit = "share",
            .help =
                "how unevenly the operations are spread over threads: standard deviation over mean",
            .better = METRIC_LOWER,
            .floor = 0.01,
            .of = metric_cv,
        },
    [METRIC_OFFCPU] =
        {
            .name = "offcpu_share",
            .unit = "share",
            .help = "of the threads' time, not on a CPU",
            .better = METRIC_LOWER,
            .floor = 0.01,
            .of = metric_offcpu,
        },
    [METRIC_SYSTEM] =
        {
            .name = "system_share",
            .unit = "share",
            .help = "of the CPU time, in the kernel",
            .better = METRIC_LOWER,
            .floor = 0.01,
            .of = metric_system,
        },
    [METRIC_FUTEX] =
        {
            .name = "futex_waits_per_op",
            .unit = "waits/op",
            .help = "calls that ask the kernel to wait on a futex",
            .better = METRIC_LOWER,
            .floor = 1e-3,
            .of = metric_futex,
        },
    [METRIC_HUGE] =
        {
            .name = "huge_share",
            .unit = "share",
            .help = "of the largest resident set, in huge pages",
            .better = METRIC_NEITHER,
            .floor = 0.01,
            .of = metric_huge,
        },
    [METRIC_RSS_OVERHEAD] =
        {
            .name = "rss_overhead",
            .unit = "x",
            .help = "resident at the end beyond baseline and live bytes, over live bytes; where "
                    "all of them were touched",
            .better = METRIC_LOWER,
            .floor = 0.01,
            .of = metric_overhead,
        },
    [METRIC_DECAY_LEFT] =
        {
            .name = "decay_left_share",
            .unit = "share",
            .help = "of the peak over the baseline, resident when decay= was over",
            .better = METRIC_LOWER,
            .floor = 0.01,
            .of = metric_decay_left,
        },
    [METRIC_DECAY_HALF] =
        {
            .name = "decay_half_life_ns",
            .unit = "ns",
            .help = "until half of the peak over the baseline was given back",
            .better = METRIC_LOWER,
            .floor = 1e6,
            .of = metric_decay_half,
        },
    [METRIC_CONCENTRATION] =
        {
            .name = "hole_concentration",
            .unit = "share",
            .help = "1 - sqrt(sum of squares of the holes)/sum, at the end; engines only",
            .better = METRIC_LOWER,
            .floor = 0.01,
            .of = metric_concentration,
        },
    [METRIC_REAL_TIME] =
        {
            .name = "real_time",
            .unit = "ns",
            .help = "Google Benchmark's: time of an iteration, by the clock",
            .better = METRIC_LOWER,
            .judged = true,
            .speed = METRIC_TIME,
        },
    [METRIC_CPU_TIME] =
        {
            .name = "cpu_time",
            .unit = "ns",
            .help = "Google Benchmark's: processor time of an iteration",
            .better = METRIC_LOWER,
            .judged = true,
            .seldom = true,
            .speed = METRIC_TIME,
        },
    [METRIC_ITEMS] =
        {
            .name = "items_per_second",
            .unit = "1/s",
            .help = "Google Benchmark's: items that the benchmark counted, a second",
            .better = METRIC_HIGHER,
            .judged = true,
            .seldom = true,
            .speed = METRIC_PER_TIME,
        },
};

const struct metric *metric_find(const char *name)
{
    for (size_t i = 0; i < METRIC_ALL; i++) {
        if (strcmp(metric_table[i].name, name) == 0) {
            return &metric_table[i];
        }
    }
    return NULL;
}
