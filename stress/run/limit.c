// SPDX-License-Identifier: MIT
//
// limit.c - the latency that a cell may not exceed: the key latency_limit, read and judged.
//
// 1. KIND:pN<TIME. The percentile is that of the report: of the operations of the kind that were
//    timed, the response where they had intended times, else the service.
// 2. A percentile with fewer than ten values above it is not told anywhere (measure/histogram.h).
//    Then the limit is kept when even the longest is below it; otherwise it is not known to be
//    kept, and that is a failure with words of its own: a check that cannot decide must not pass.

#include "run/limit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "job/number.h"

static const char *const limit_kinds[OP_KINDS + 1] = {
    [OP_ALLOC] = "alloc",   [OP_FREE] = "free", [OP_FREE_REMOTE] = "free_remote",
    [OP_RESIZE] = "resize", [OP_STEP] = "step",
};

const char *limit_kind_name(enum op_kind kind)
{
    return limit_kinds[kind];
}

static int limit_parse(const char *text, struct limit *limit)
{
    const char *colon = strchr(text, ':');
    const char *less = strchr(text, '<');
    if (colon == NULL || less == NULL || colon[1] != 'p' || less < colon) {
        return EINVAL;
    }
    unsigned kind = 0;
    while (kind < OP_KINDS && (strlen(limit_kinds[kind]) != (size_t)(colon - text) ||
                               strncmp(limit_kinds[kind], text, (size_t)(colon - text)) != 0)) {
        kind++;
    }
    double percent;
    size_t digits = (size_t)(less - colon) - 2;
    if (kind == OP_KINDS || digits >= sizeof limit->name - 1 ||
        number_parse_real(colon + 2, digits, &percent, NULL) != 0 || percent <= 0 ||
        percent >= 100) {
        return EINVAL;
    }
    if (number_parse(less + 1, strlen(less + 1), NUMBER_TIME, &limit->ns, NULL) != 0 ||
        limit->ns == 0 || strlen(text) >= sizeof limit->text) {
        return EINVAL;
    }
    limit->kind = (enum op_kind)kind;
    limit->share = percent / 100;
    snprintf(limit->name, sizeof limit->name, "%.*s", (int)digits + 1, colon + 1);
    snprintf(limit->text, sizeof limit->text, "%s", text);
    return 0;
}

int limit_read(const struct job_section *section, struct limit *limit, struct complaint *complaint)
{
    const char *text = job_text(section, "latency_limit");
    memset(limit, 0, sizeof *limit);
    if (*text == '\0') {
        return 0;
    }
    if (limit_parse(text, limit) != 0) {
        job_complain(section, "latency_limit", complaint,
                     "allowed is KIND:pN<TIME with KIND one of alloc, free, "
                     "free_remote, resize, step, N above 0 and below 100, and a TIME with its "
                     "unit, as in alloc:p99<10us");
        return EINVAL;
    }
    limit->given = true;
    limit->response = job_number(section, "rate") > 0;
    return 0;
}

static void limit_time(uint64_t ns, char *text, size_t size)
{
    static const struct {
        const char *name;
        double factor;
    } units[] = {{"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}};
    size_t i = 0;
    while (i < 3 && (double)ns < units[i].factor) {
        i++;
    }
    snprintf(text, size, "%.4g %s", (double)ns / units[i].factor, units[i].name);
}

bool limit_kept(const struct limit *limit, const struct cell_report *report,
                struct complaint *complaint)
{
    const struct histogram *histogram =
        limit->response ? &report->response[limit->kind] : &report->latency[limit->kind];
    const char *what = limit->response ? "response" : "service";
    const char *kind = limit_kind_name(limit->kind);
    uint64_t value = histogram_quantile(histogram, limit->share);
    char found[32];
    char most[32];
    if (!limit->given) {
        return true;
    }
    if (histogram->count == 0) {
        complain(complaint, "%s: no operation of kind %s was timed", limit->text, kind);
        return false;
    }
    if (histogram->most < limit->ns || value < limit->ns) {
        return true;
    }
    limit_time(histogram->most, most, sizeof most);
    if (value == UINT64_MAX) {
        complain(complaint,
                 "%s: %s of %s is not known from %llu timed operations, of which the longest %s "
                 "was %s; it takes ten above the percentile",
                 limit->text, limit->name, kind, (unsigned long long)histogram->count, what, most);
        return false;
    }
    limit_time(value, found, sizeof found);
    complain(
        complaint, "%s: %s of the %s of %s is %s, over %llu timed operations; the longest was %s",
        limit->text, limit->name, what, kind, found, (unsigned long long)histogram->count, most);
    return false;
}
