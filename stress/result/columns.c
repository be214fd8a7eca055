// SPDX-License-Identifier: MIT
//
// columns.c - the figures of a section, a row a target: side by side, or in bands one below the
// other.
//
// 1. A column has one unit for all its rows, chosen for the largest of them and printed in the
//    header; the latencies share theirs. A figure that nobody can know is a dash.
// 2. Side by side. All columns take COLUMNS_WIDE; two heads span several of them. A name that is
//    longer than its column has a line of its own.
// 3. Bands. Where there is less room, as many columns as fit stand behind the names, then the next
//    ones below with the names again, so that what is compared stays in one column. The result
//    comes first, and each column has its whole head to itself, in up to three lines. At the least
//    width (WRAP_LEAST) every column fits behind the longest name that is not on a line of its own.

#include "result/columns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/wrap.h"

#define COLUMNS_NAME   19 // of a target, side by side
#define COLUMNS_LONGER 1  // a name may reach so far into the next column
#define COLUMNS_BAND   17 // of a target, in bands, at most

// ---- units and figures ---------------------------------------------------------------------

struct columns_unit {
    const char *name;
    double factor;
};

static const struct columns_unit columns_rate_units[] = {
    {"Gops/s", 1e9}, {"Mops/s", 1e6}, {"kops/s", 1e3}, {"ops/s", 1}, {NULL, 0}};
static const struct columns_unit columns_time_units[] = {
    {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}, {NULL, 0}};
static const struct columns_unit columns_size_units[] = {
    {"GiB", 0x1p30}, {"MiB", 0x1p20}, {"KiB", 0x1p10}, {NULL, 0}};

// The largest unit in which `figure` is at least `least`.
static const struct columns_unit *columns_unit(const struct columns_unit *units, double figure,
                                               double least)
{
    while (units[1].name != NULL && !(figure >= least * units->factor)) {
        units++;
    }
    return units;
}

static double columns_larger(double a, double b)
{
    return isnan(a) || b > a ? b : a;
}

struct columns_text columns_time(double ns)
{
    struct columns_text made = {"-"};
    const struct columns_unit *unit = columns_unit(columns_time_units, ns, 1);
    if (!isnan(ns)) {
        snprintf(made.text, sizeof made.text, "%.3g %s", ns / unit->factor, unit->name);
    }
    return made;
}

struct columns_text columns_rates(double rate, double of)
{
    struct columns_text made;
    const struct columns_unit *unit = columns_unit(columns_rate_units, of, 1);
    snprintf(made.text, sizeof made.text, "%.3g of %.3g %s", rate / unit->factor, of / unit->factor,
             unit->name);
    return made;
}

// Right-aligned, with three significant digits where there is room for them; a dash where it is
// unknown. What would touch the column before it even without digits is told as a power: 3e5.
static void columns_number(FILE *out, int width, double figure)
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

// Waits for each operation: seldom, so that what is below a thousandth is told as a power.
static void columns_waits(FILE *out, int width, double waits)
{
    if (isnan(waits)) {
        fprintf(out, "%*s", width, "-");
    } else if (waits > 0 && waits < 0.0005) {
        fprintf(out, "%*.0e", width, waits);
    } else {
        fprintf(out, "%*.*f", width, waits > 0 ? 3 : 0, waits);
    }
}

// ---- what a column has ---------------------------------------------------------------------

struct columns_units {
    const struct columns_unit *rate, *time, *size;
    bool response; // not service: open loop
    enum metric_index p50, p99, free_p99, remote_p99;
};

enum columns_kind {
    COLUMNS_RESULT,
    COLUMNS_RATE,
    COLUMNS_RELATIVE,
    COLUMNS_P50,
    COLUMNS_P99,
    COLUMNS_FREE,
    COLUMNS_REMOTE,
    COLUMNS_HELD,
    COLUMNS_INTERNAL,
    COLUMNS_EXTERNAL,
    COLUMNS_RSS,
    COLUMNS_CV,
    COLUMNS_WAITS,
    COLUMNS_WAIT,
    COLUMNS_COUNT,
};

static const struct columns_head {
    const char *over, *name, *unit; // in bands, above each other; NULL: by the units
    int band, wide;                 // columns that it takes, the blank before it included
} columns_heads[COLUMNS_COUNT] = {
    [COLUMNS_RESULT] = {"", "", " result", 11, 0},   [COLUMNS_RATE] = {"", "rate", NULL, 7, 6},
    [COLUMNS_RELATIVE] = {"", "rel.", "x", 5, 5},    [COLUMNS_P50] = {NULL, "p50", NULL, 6, 5},
    [COLUMNS_P99] = {NULL, "p99", NULL, 6, 6},       [COLUMNS_FREE] = {"free", "loc.", NULL, 7, 5},
    [COLUMNS_REMOTE] = {"free", "rem.", NULL, 7, 6}, [COLUMNS_HELD] = {"", "held", "live", 5, 5},
    [COLUMNS_INTERNAL] = {"", "int.", "%", 5, 5},    [COLUMNS_EXTERNAL] = {"", "ext.", "%", 5, 5},
    [COLUMNS_RSS] = {"", "RSS", NULL, 5, 5},         [COLUMNS_CV] = {"", "cv", "%", 4, 4},
    [COLUMNS_WAITS] = {"", "waits", "/op", 6, 6},    [COLUMNS_WAIT] = {"", "wait", "ns/op", 6, 6},
};

static double columns_figure(enum columns_kind kind, const struct summary *summary,
                             const struct columns_units *units)
{
    const double *median = summary->median;
    switch (kind) {
    case COLUMNS_RATE:
        return median[METRIC_RATE] / units->rate->factor;
    case COLUMNS_RELATIVE:
        return summary->relative;
    case COLUMNS_P50:
        return median[units->p50] / units->time->factor;
    case COLUMNS_P99:
        return median[units->p99] / units->time->factor;
    case COLUMNS_FREE:
        return median[units->free_p99] / units->time->factor;
    case COLUMNS_REMOTE:
        return median[units->remote_p99] / units->time->factor;
    case COLUMNS_HELD:
        return median[METRIC_HELD];
    case COLUMNS_INTERNAL:
        return median[METRIC_INTERNAL] * 100;
    case COLUMNS_EXTERNAL:
        return median[METRIC_EXTERNAL] * 100;
    case COLUMNS_RSS:
        return median[METRIC_RSS] / units->size->factor;
    case COLUMNS_CV:
        return median[METRIC_CV] * 100;
    case COLUMNS_WAITS:
        return median[METRIC_WAITS];
    case COLUMNS_WAIT:
        return median[METRIC_WAIT_NS];
    case COLUMNS_RESULT:
    case COLUMNS_COUNT:
        break;
    }
    return NAN;
}

static void columns_cell(FILE *out, int width, enum columns_kind kind,
                         const struct summary *summary, const struct columns_units *units)
{
    if (kind == COLUMNS_RESULT) {
        fprintf(out, "%c%-*s", summary->median[METRIC_REFUSED] > 0.01 ? '*' : ' ', width - 1,
                cell_verdict_name(summary->verdict));
    } else if (kind == COLUMNS_WAITS) {
        columns_waits(out, width, columns_figure(kind, summary, units));
    } else {
        columns_number(out, width, columns_figure(kind, summary, units));
    }
}

static struct columns_units columns_units(const struct summary *summaries, size_t count,
                                          bool open_loop)
{
    struct columns_units units = {
        .p50 = open_loop ? METRIC_RESPONSE_P50 : METRIC_ALLOC_P50,
        .p99 = open_loop ? METRIC_RESPONSE_P99 : METRIC_ALLOC_P99,
        .free_p99 = open_loop ? METRIC_FREE_RESPONSE_P99 : METRIC_FREE_P99,
        .remote_p99 = open_loop ? METRIC_REMOTE_RESPONSE_P99 : METRIC_REMOTE_P99,
        .response = open_loop,
    };
    double rate = NAN;
    double time = NAN;
    double size = NAN;
    for (size_t i = 0; i < count; i++) {
        const double *median = summaries[i].median;
        rate = columns_larger(rate, median[METRIC_RATE]);
        time = columns_larger(time, median[units.p50]);
        time = columns_larger(time, median[units.p99] / 10);
        time = columns_larger(time, median[units.free_p99] / 10);
        time = columns_larger(time, median[units.remote_p99] / 10);
        size = columns_larger(size, median[METRIC_RSS]);
    }
    units.rate = columns_unit(columns_rate_units, rate, 1);
    units.time = columns_unit(columns_time_units, time, 10);
    units.size = columns_unit(columns_size_units, size, 1);
    return units;
}

// ---- side by side --------------------------------------------------------------------------

static void columns_wide_header(FILE *out, const struct columns_units *units)
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
    int rate = columns_heads[COLUMNS_RATE].wide;
    fprintf(out, "%-*s%*s%5s%22s%5s%5s%5s%5s%4s%6s%6s\n", COLUMNS_NAME, "", rate, "rate", "rel.",
            latency, "held", "int.", "ext.", "RSS", "cv", "waits", "wait");
    fprintf(out, "%-*s%*s%5s%5s%6s%5s%6s%5s%5s%5s%5s%4s%6s%6s result\n", COLUMNS_NAME, "target",
            rate, units->rate->name, "x", "p50", "p99", "loc.", "rem.", "live", "%", "%",
            units->size->name, "%", "/op", "ns/op");
}

static void columns_wide_row(FILE *out, const struct summary *summary,
                             const struct columns_units *units)
{
    const char *name = summary->spec->name;
    int length = (int)strlen(name);
    if (length > COLUMNS_NAME + COLUMNS_LONGER) {
        fprintf(out, "%s\n", name);
        name = "";
        length = 0;
    }
    int over = length > COLUMNS_NAME ? length - COLUMNS_NAME : 0;
    fprintf(out, "%-*s", COLUMNS_NAME, name);
    for (enum columns_kind kind = COLUMNS_RATE; kind < COLUMNS_COUNT; kind++) {
        columns_cell(out, columns_heads[kind].wide - over, kind, summary, units);
        over = 0;
    }
    columns_cell(out, 0, COLUMNS_RESULT, summary, units);
    fputc('\n', out);
}

// ---- in bands ------------------------------------------------------------------------------

// The lines of a column's head, the last one first.
static const char *columns_head(enum columns_kind kind, int line, const struct columns_units *units,
                                char *made, size_t size)
{
    const struct columns_head *head = &columns_heads[kind];
    const char *fixed = line == 0 ? head->unit : line == 1 ? head->name : head->over;
    if (fixed != NULL) {
        return fixed;
    }
    if (line > 0) {
        return units->response ? "resp." : "alloc";
    }
    bool tail = kind == COLUMNS_FREE || kind == COLUMNS_REMOTE;
    snprintf(made, size, "%s%s", tail ? "p99 " : "",
             kind == COLUMNS_RATE  ? units->rate->name
             : kind == COLUMNS_RSS ? units->size->name
                                   : units->time->name);
    return made;
}

static void columns_band_header(FILE *out, int names, enum columns_kind from, enum columns_kind to,
                                const struct columns_units *units)
{
    for (int line = 2; line >= 0; line--) {
        char text[256] = "";
        char made[32];
        size_t length =
            (size_t)snprintf(text, sizeof text, "%-*s", names, line == 0 ? "target" : "");
        for (enum columns_kind kind = from; kind < to; kind++) {
            const char *head = columns_head(kind, line, units, made, sizeof made);
            int width = columns_heads[kind].band;
            length += (size_t)snprintf(text + length, sizeof text - length, "%*s",
                                       kind == COLUMNS_RESULT ? -width : width, head);
        }
        while (length > 0 && text[length - 1] == ' ') {
            length--;
        }
        if (length > 0) {
            fprintf(out, "%.*s\n", (int)length, text);
        }
    }
}

static void columns_band_row(FILE *out, int names, enum columns_kind from, enum columns_kind to,
                             const struct summary *summary, const struct columns_units *units)
{
    const char *name = summary->spec->name;
    bool own = (int)strlen(name) > names;
    if (own) {
        fprintf(out, "%s\n", name);
    }
    fprintf(out, "%-*s", names, own ? "" : name);
    for (enum columns_kind kind = from; kind < to; kind++) {
        columns_cell(out, columns_heads[kind].band, kind, summary, units);
    }
    fputc('\n', out);
}

static void columns_bands(FILE *out, int width, const struct summary *summaries, size_t count,
                          const struct columns_units *units)
{
    int names = (int)strlen("target");
    for (size_t i = 0; i < count; i++) {
        int length = (int)strlen(summaries[i].spec->name);
        names = length > names && length <= COLUMNS_BAND ? length : names;
    }
    enum columns_kind from = COLUMNS_RESULT;
    while (from < COLUMNS_COUNT) {
        enum columns_kind to = from;
        int taken = names;
        while (to < COLUMNS_COUNT && (to == from || taken + columns_heads[to].band <= width)) {
            taken += columns_heads[to++].band;
        }
        columns_band_header(out, names, from, to, units);
        for (size_t i = 0; i < count; i++) {
            columns_band_row(out, names, from, to, &summaries[i], units);
        }
        from = to;
    }
}

void columns_print(FILE *out, int width, const struct summary *summaries, size_t count,
                   bool open_loop)
{
    struct columns_units units = columns_units(summaries, count, open_loop);
    if (width < COLUMNS_WIDE) {
        columns_bands(out, width, summaries, count, &units);
        return;
    }
    columns_wide_header(out, &units);
    for (size_t i = 0; i < count; i++) {
        columns_wide_row(out, &summaries[i], &units);
    }
}
