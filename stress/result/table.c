// SPDX-License-Identifier: MIT
//
// table.c - the result for people: a table a section, what went wrong, the verdict.
//
// What does not fit into 100 columns (more percentiles, every lock) is in the document. A terminal
// with fewer has every figure too, in bands (columns.c), and lines that end where it ends (wrap.h).

#include "result/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "job/checks.h"
#include "job/complaint.h"
#include "result/columns.h"
#include "result/figures.h"
#include "result/harness.h"
#include "result/scaling.h"
#include "result/summary.h"
#include "result/trouble.h"
#include "result/wrap.h"
#include "workload/workload.h"

#define TABLE_INDENT 4 // of lines that go on

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

static void table_open_loop(FILE *out, const struct plan_section *section,
                            const struct summary *summary)
{
    const double *median = summary->median;
    char text[200];
    if (isnan(median[METRIC_STARTS])) {
        return;
    }
    int length =
        snprintf(text, sizeof text, "%s intended",
                 columns_rates(median[METRIC_STARTS], summary_intended_rate(section)).text);
    if (!isnan(median[METRIC_LATE])) {
        length += snprintf(text + length, sizeof text - (size_t)length, "; %.0f %% started late",
                           median[METRIC_LATE] * 100);
    }
    if (!isnan(median[METRIC_ALLOC_P50])) {
        snprintf(text + length, sizeof text - (size_t)length, "; service p50 %s, p99 %s",
                 columns_time(median[METRIC_ALLOC_P50]).text,
                 columns_time(median[METRIC_ALLOC_P99]).text);
    }
    wrap_words(out, fprintf(out, "open loop, %s:", summary->spec->name), TABLE_INDENT, text);
}

static void table_section(FILE *out, const struct plan *plan, const struct plan_section *section)
{
    struct summary *summaries = calloc(section->spec_count + 1, sizeof *summaries);
    if (summaries == NULL) {
        complain_exhausted();
    }
    summary_section(plan, section, summaries);
    bool open_loop = summary_intended_rate(section) > 0;
    table_title(out, plan, section);
    columns_print(out, wrap_width(), summaries, section->spec_count, open_loop);
    for (size_t i = 0; i < section->spec_count && open_loop; i++) {
        table_open_loop(out, section, &summaries[i]);
    }
    for (size_t i = 0; i < section->spec_count; i++) {
        if (summaries[i].median[METRIC_REFUSED] > 0.01) {
            char text[64];
            snprintf(text, sizeof text, "refused %.1f %% of the allocations",
                     summaries[i].median[METRIC_REFUSED] * 100);
            wrap_words(out, fprintf(out, "* %s", summaries[i].spec->name), TABLE_INDENT, text);
        }
    }
    free(summaries);
    figures_print(out, plan, section);
}

static void table_verdict(FILE *out, const struct plan *plan, const struct verdict *verdict)
{
    char text[1400] = "";
    size_t length = 0;
    const char *separator = "(";
    for (enum cell_verdict i = CELL_WAITING; i <= CELL_SKIPPED; i++) {
        if (verdict->cells[i] > 0) {
            length += (size_t)snprintf(text + length, sizeof text - length, "%s%zu %s", separator,
                                       verdict->cells[i], cell_verdict_name(i));
            separator = ", ";
        }
    }
    length +=
        (size_t)snprintf(text + length, sizeof text - length, "%s", separator[0] == ',' ? ")" : "");
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
        snprintf(text + length, sizeof text - length, "; up to %.1f %% refused (%s in %s)",
                 most * 100, worst->spec->name, worst->section->section->name);
    }
    wrap_words(out, fprintf(out, "verdict: %s", verdict->name), TABLE_INDENT, text);
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
