// SPDX-License-Identifier: MIT
//
// table.c - the result for people: a table a section, what went wrong, the verdict.
//
// A column has one unit for all its rows, chosen for the largest of them and printed in the
// header; the latencies share theirs. A figure that nobody can know is a dash. What does not fit
// into 100 columns (more percentiles, every lock) is in the document.

#include "result/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "job/checks.h"
#include "job/complaint.h"
#include "result/figures.h"
#include "result/harness.h"
#include "result/scaling.h"
#include "result/summary.h"
#include "result/trouble.h"
#include "result/wrap.h"
#include "workload/workload.h"

#define TABLE_TARGET_WIDTH 19
#define TABLE_RATE_WIDTH   6
#define TABLE_LONGER       1 // a name may reach so far into the next column
#define TABLE_INDENT       4 // of lines that go on

struct table_unit {
    const char *name;
    double factor;
};

static const struct table_unit table_rates[] = {
    {"Gops/s", 1e9}, {"Mops/s", 1e6}, {"kops/s", 1e3}, {"ops/s", 1}, {NULL, 0}};
static const struct table_unit table_times[] = {
    {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}, {NULL, 0}};
static const struct table_unit table_sizes[] = {
    {"GiB", 0x1p30}, {"MiB", 0x1p20}, {"KiB", 0x1p10}, {NULL, 0}};

// The largest unit in which `figure` is at least `least`.
static const struct table_unit *table_unit(const struct table_unit *units, double figure,
                                           double least)
{
    while (units[1].name != NULL && !(figure >= least * units->factor)) {
        units++;
    }
    return units;
}

static double table_larger(double a, double b)
{
    return isnan(a) || b > a ? b : a;
}

// Right-aligned, with three significant digits where there is room for them; a dash where it is
// unknown. What would touch the column before it even without digits is told as a power: 3e5.
static void table_number(FILE *out, int width, double figure)
{
    char text[64] = "-";
    if (!isnan(figure)) {
        int digits = figure < 9.995 ? 2 : figure < 99.95 ? 1 : 0;
        int length = snprintf(text, sizeof text, "%.*f", digits, figure);
        while (length >= width && digits > 0) {
            length = snprintf(text, sizeof text, "%.*f", --digits, figure);
        }
        if (length >= width) {
            snprintf(text, sizeof text, "%.0e", figure);
            char *exponent = strchr(text, '+');
            long power = exponent != NULL ? strtol(exponent, NULL, 10) : 0;
            if (exponent != NULL) {
                snprintf(exponent, sizeof text - (size_t)(exponent - text), "%ld", power);
            }
        }
    }
    fprintf(out, "%*s", width, text);
}

// How many repeats of a target of the section the plan has: fewer than the job's where cells were
// chosen.
static unsigned table_repeats(const struct plan *plan, const struct plan_section *section)
{
    unsigned most = 0;
    for (unsigned target = 0; target < section->spec_count; target++) {
        unsigned count = 0;
        for (size_t i = 0; i < plan->cell_count; i++) {
            count += plan->cells[i].section == section && plan->cells[i].target == target;
        }
        most = count > most ? count : most;
    }
    return most;
}

static void table_title(FILE *out, const struct plan *plan, const struct plan_section *section)
{
    const struct job_section *job = section->section;
    bool timed = job_number(job, "runtime") > 0; // else the workload ends by itself
    bool counted = job_number(job, "ops") != 0;
    unsigned repeats = table_repeats(plan, section);
    char text[600];
    int length = snprintf(text, sizeof text, "workload %s, %u thread%s, %s%s, verify %s",
                          job->workload->name, section->threads, section->threads == 1 ? "" : "s",
                          counted ? "ops "
                          : timed ? "runtime "
                                  : "to its end",
                          counted ? job_text(job, "ops")
                          : timed ? job_text(job, "runtime")
                                  : "",
                          job_text(job, "verify"));
    char off[160];
    job_checks_off(job, off, sizeof off);
    if (off[0] != '\0' && length > 0 && (size_t)length < sizeof text) {
        length += snprintf(text + length, sizeof text - (size_t)length, " without %s", off);
    }
    if (repeats > 1 && length > 0 && (size_t)length < sizeof text) {
        snprintf(text + length, sizeof text - (size_t)length, "; medians of %u repeats", repeats);
    }
    wrap_words(out, fprintf(out, "%s:", job->name), TABLE_INDENT, text);
}

// Waits for each operation: seldom, so that what is below a thousandth is told as a power.
static void table_waits(FILE *out, int width, double waits)
{
    if (isnan(waits)) {
        fprintf(out, "%*s", width, "-");
    } else if (waits > 0 && waits < 0.0005) {
        fprintf(out, "%*.0e", width, waits);
    } else {
        fprintf(out, "%*.*f", width, waits > 0 ? 3 : 0, waits);
    }
}

struct table_units {
    const struct table_unit *rate, *time, *size;
    bool response; // not service: open loop
    enum metric_index p50, p99, free_p99, remote_p99;
};

static void table_header(FILE *out, const struct table_units *units)
{
    char latency[96];
    char alloc[32];
    char release[32];
    snprintf(alloc, sizeof alloc, "alloc %s", units->time->name);
    snprintf(release, sizeof release, "free p99 %s", units->time->name);
    snprintf(latency, sizeof latency, "%10s %11s", alloc, release);
    if (units->response) {
        snprintf(latency, sizeof latency, "response %s, free p99", units->time->name);
    }
    fprintf(out, "%-*s%*s%5s%22s%5s%5s%5s%5s%4s%6s%6s\n", TABLE_TARGET_WIDTH, "", TABLE_RATE_WIDTH,
            "rate", "rel.", latency, "held", "int.", "ext.", "RSS", "cv", "waits", "wait");
    fprintf(out, "%-*s%*s%5s%5s%6s%5s%6s%5s%5s%5s%5s%4s%6s%6s result\n", TABLE_TARGET_WIDTH,
            "target", TABLE_RATE_WIDTH, units->rate->name, "x", "p50", "p99", "loc.", "rem.",
            "live", "%", "%", units->size->name, "%", "/op", "ns/op");
}

static void table_row(FILE *out, const struct summary *summary, const struct table_units *units)
{
    const char *name = summary->spec->name;
    int length = (int)strlen(name);
    if (length > TABLE_TARGET_WIDTH + TABLE_LONGER) {
        fprintf(out, "%s\n", name);
        name = "";
        length = 0;
    }
    int over = length > TABLE_TARGET_WIDTH ? length - TABLE_TARGET_WIDTH : 0;
    fprintf(out, "%-*s", TABLE_TARGET_WIDTH, name);
    table_number(out, TABLE_RATE_WIDTH - over, summary->median[METRIC_RATE] / units->rate->factor);
    table_number(out, 5, summary->relative);
    table_number(out, 5, summary->median[units->p50] / units->time->factor);
    table_number(out, 6, summary->median[units->p99] / units->time->factor);
    table_number(out, 5, summary->median[units->free_p99] / units->time->factor);
    table_number(out, 6, summary->median[units->remote_p99] / units->time->factor);
    table_number(out, 5, summary->median[METRIC_HELD]);
    table_number(out, 5, summary->median[METRIC_INTERNAL] * 100);
    table_number(out, 5, summary->median[METRIC_EXTERNAL] * 100);
    table_number(out, 5, summary->median[METRIC_RSS] / units->size->factor);
    table_number(out, 4, summary->median[METRIC_CV] * 100);
    table_waits(out, 6, summary->median[METRIC_WAITS]);
    table_number(out, 6, summary->median[METRIC_WAIT_NS]);
    fprintf(out, "%c%s\n", summary->median[METRIC_REFUSED] > 0.01 ? '*' : ' ',
            cell_verdict_name(summary->verdict));
}

// Three significant digits and a unit.
static void table_time(FILE *out, double ns)
{
    const struct table_unit *unit = table_unit(table_times, ns, 1);
    fprintf(out, isnan(ns) ? "-" : "%.3g %s", ns / unit->factor, unit->name);
}

static void table_open_loop(FILE *out, const struct plan_section *section,
                            const struct summary *summary)
{
    double intended = summary_intended_rate(section);
    const struct table_unit *unit = table_unit(table_rates, intended, 1);
    const double *median = summary->median;
    if (isnan(median[METRIC_STARTS])) {
        return;
    }
    fprintf(out, "open loop, %s: %.3g of %.3g %s intended", summary->spec->name,
            median[METRIC_STARTS] / unit->factor, intended / unit->factor, unit->name);
    if (!isnan(median[METRIC_LATE])) {
        fprintf(out, "; %.0f %% started late", median[METRIC_LATE] * 100);
    }
    if (!isnan(median[METRIC_ALLOC_P50])) {
        fprintf(out, "; service p50 ");
        table_time(out, median[METRIC_ALLOC_P50]);
        fprintf(out, ", p99 ");
        table_time(out, median[METRIC_ALLOC_P99]);
    }
    fprintf(out, "\n");
}

static void table_section(FILE *out, const struct plan *plan, const struct plan_section *section)
{
    struct summary *summaries = calloc(section->spec_count + 1, sizeof *summaries);
    if (summaries == NULL) {
        complain_exhausted();
    }
    summary_section(plan, section, summaries);
    bool open_loop = summary_intended_rate(section) > 0;
    struct table_units units = {
        .p50 = open_loop ? METRIC_RESPONSE_P50 : METRIC_ALLOC_P50,
        .p99 = open_loop ? METRIC_RESPONSE_P99 : METRIC_ALLOC_P99,
        .free_p99 = open_loop ? METRIC_FREE_RESPONSE_P99 : METRIC_FREE_P99,
        .remote_p99 = open_loop ? METRIC_REMOTE_RESPONSE_P99 : METRIC_REMOTE_P99,
        .response = open_loop,
    };
    double rate = NAN;
    double time = NAN;
    double size = NAN;
    for (size_t i = 0; i < section->spec_count; i++) {
        const struct summary *summary = &summaries[i];
        rate = table_larger(rate, summary->median[METRIC_RATE]);
        time = table_larger(time, summary->median[units.p50]);
        time = table_larger(time, summary->median[units.p99] / 10);
        time = table_larger(time, summary->median[units.free_p99] / 10);
        time = table_larger(time, summary->median[units.remote_p99] / 10);
        size = table_larger(size, summary->median[METRIC_RSS]);
    }
    units.rate = table_unit(table_rates, rate, 1);
    units.time = table_unit(table_times, time, 10);
    units.size = table_unit(table_sizes, size, 1);
    table_title(out, plan, section);
    table_header(out, &units);
    for (size_t i = 0; i < section->spec_count; i++) {
        table_row(out, &summaries[i], &units);
    }
    for (size_t i = 0; i < section->spec_count && open_loop; i++) {
        table_open_loop(out, section, &summaries[i]);
    }
    for (size_t i = 0; i < section->spec_count; i++) {
        if (summaries[i].median[METRIC_REFUSED] > 0.01) {
            fprintf(out, "* %s refused %.1f %% of the allocations\n", summaries[i].spec->name,
                    summaries[i].median[METRIC_REFUSED] * 100);
        }
    }
    free(summaries);
    figures_print(out, plan, section);
}

static void table_verdict(FILE *out, const struct plan *plan, const struct verdict *verdict)
{
    const char *separator = " (";
    int at = fprintf(out, "verdict: %s", verdict->name);
    for (enum cell_verdict i = CELL_WAITING; i <= CELL_SKIPPED; i++) {
        if (verdict->cells[i] > 0) {
            at += fprintf(out, "%s%zu %s", separator, verdict->cells[i], cell_verdict_name(i));
            separator = ", ";
        }
    }
    at += fprintf(out, "%s", separator[0] == ',' ? ")" : "");
    double most = 0;
    const struct cell *worst = NULL;
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *cell = &plan->cells[i];
        if (summary_measured(cell) && summary_refused(&cell->stage->report) > most) {
            most = summary_refused(&cell->stage->report);
            worst = cell;
        }
    }
    if (most > 0.01) {
        char text[1400];
        snprintf(text, sizeof text, "up to %.1f %% refused (%s in %s)", most * 100,
                 worst->spec->name, worst->section->section->name);
        wrap_words(out, at + fprintf(out, ";"), TABLE_INDENT, text);
    } else {
        fprintf(out, "\n");
    }
}

void table_describe(FILE *out)
{
    static const struct {
        const char *column, *help;
    } columns[] = {
        {"target", "the allocator; null is none at all: what the harness itself costs"},
        {"rate", "operations a second of all threads together"},
        {"rel. x", "rate over that of the section's first target"},
        {"alloc p50, p99",
         "of the allocations that were timed (latency=): half took longer than p50, one\n"
         "in a hundred longer than p99"},
        {"free p99 loc.",
         "of the frees by the thread that allocated, one in a hundred took longer"},
        {"free p99 rem.", "of the frees by another thread"},
        {"response",
         "with rate=, these times are: from the intended start to the end. Below the table:\n"
         "what was achieved of the intended rate, and the times from start to end (service)"},
        {"held/live",
         "the most held over the most that was live (requested). Held is, of an engine, what\n"
         "it has mapped for blocks (its records apart); of a foreign allocator what the"},
        {"", "resident set has grown by since the first operation: untouched pages are not in\n"
             "it, and what checks keep (verify = 4) is"},
        {"int. %", "of what live blocks take, how much nobody asked for; when most is live"},
        {"ext. %", "of the free memory in the engine, how much is not in the largest hole; when\n"
                   "most is live; nobody knows it of a foreign allocator"},
        {"RSS", "the largest resident set of the process, the harness in it"},
        {"cv %",
         "how unevenly the operations are spread over the threads: their standard deviation\n"
         "over their mean"},
        {"waits/op", "how often an operation had to wait for one of the engine's locks"},
        {"wait ns/op", "time waited for them, spread over all operations"},
        {"result",
         "the worst of the repeats: pass; failed: a check did; crashed; hung; unsteady;\n"
         "incomplete; skipped: not installed. *: more than 1 % of the allocations refused"},
        {"harness:", "under the tables: ns that an operation takes of the harness itself: neither\n"
                     "timed nor checked; every one timed; checks 1 to 3 on 64 B; medians"},
    };
    fprintf(out,
            "The table of a run has a row a target; with repeats, medians. Units are in the "
            "header, one\n"
            "for all rows. A figure too long for its column is a power: 3e5.\n"
            "A dash: nobody can know, or fewer than ten samples lie beyond that percentile. More\n"
            "percentiles, every lock and the curves over time are in the JSON document.\n\n");
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        const char *help = columns[i].help;
        size_t length = strcspn(help, "\n");
        fprintf(out, "  %-14s %.*s\n", columns[i].column, (int)length, help);
        if (help[length] != '\0') {
            fprintf(out, "  %-14s %s\n", "", help + length + 1);
        }
    }
}

void table_warning(void *arg, const char *code, const char *text)
{
    char line[1024];
    FILE *out = arg;
    snprintf(line, sizeof line, "%s [%s]", text, code);
    wrap_words(out, fprintf(out, "warning:"), TABLE_INDENT, line);
}

void table_print(FILE *out, const struct plan *plan, const struct verdict *verdict, bool brief)
{
    for (size_t i = 0; i < plan->section_count && !brief; i++) {
        table_section(out, plan, &plan->sections[i]);
        fprintf(out, "\n");
    }
    if (!brief) {
        harness_print(out, plan);
    }
    if (!brief && scaling_print(out, plan) > 0) {
        fprintf(out, "\n");
    }
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *cell = &plan->cells[i];
        bool unsteady = cell->verdict == CELL_UNSTEADY;
        if ((cell->verdict >= CELL_FAILED && cell->verdict <= CELL_HUNG) || unsteady) {
            trouble_print(out, cell);
            fprintf(out, "\n");
        }
    }
    table_verdict(out, plan, verdict);
}
