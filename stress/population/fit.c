// SPDX-License-Identifier: MIT
//
// fit.c - populations that are computed: from recorded programs, and from a curve.
//
// 1. The clock. Time is counted in operations: each allocation and each free is one, a resize is
//    two (a death and a birth), and freeing all that a process holds is as many as it holds. What
//    an operation leaves behind is there until the next one, the last one of a trace included, so
//    that a block that is born lives for one operation at least.
// 2. The average. For each class the sum of its live count over all operations is kept, brought up
//    to date when the count changes. Divided by the operations it is the live count; births divided
//    by operations are the birth rate. Whole numbers until then: the same traces give the same
//    bytes.
// 3. Several traces are one long one: each ends with all its blocks gone.

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "population/population.h"
#include "trace/account.h"

#define POPULATION_MILLION 1e6
#define CLASS_EXACT        128 // sizes up to it have a class each
#define CLASS_EXACT_LOG2   7

unsigned population_class(uint64_t size)
{
    if (size <= CLASS_EXACT) {
        return size > 0 ? (unsigned)size : 1;
    }
    // In (2^k, 2^(k+1)] there are eight, each 2^(k-3) wide.
    uint64_t last = size - 1;
    unsigned k = 63 - (unsigned)__builtin_clzll(last);
    return CLASS_EXACT + 1 + (k - CLASS_EXACT_LOG2) * 8 + (unsigned)((last >> (k - 3)) & 7);
}

void population_class_sizes(unsigned class, uint64_t *low, uint64_t *high)
{
    *low = *high = class;
    if (class > CLASS_EXACT) {
        unsigned k = CLASS_EXACT_LOG2 + (class - CLASS_EXACT - 1) / 8;
        uint64_t eighth = 8 + (class - CLASS_EXACT - 1) % 8;
        *low = (eighth << (k - 3)) + 1;
        *high = (eighth + 1) << (k - 3);
    }
}

struct census_class {
    uint64_t births, live;
    uint64_t since;  // when `live` changed last
    uint64_t summed; // live counts of the operations before that
};

struct census {
    uint64_t now; // operations so far
    uint64_t frees, remote_frees;
    struct census_class classes[POPULATION_CLASSES];
};

// One operation goes by, which changes a class by one.
static void census_add(struct census *census, uint64_t size, bool birth)
{
    struct census_class *class = &census->classes[population_class(size)];
    class->summed += class->live * (census->now - class->since);
    class->since = census->now;
    class->live += birth ? 1 : UINT64_MAX;
    class->births += birth;
    census->now++;
}

static void census_op(struct census *census, const struct trace_account *account,
                      const struct trace_op *op)
{
    if (op->kind == TRACE_FREE_ALL) {
        uint32_t block = op->process < account->first_room ? account->first[op->process] : 0;
        for (; block != 0; block = account->blocks[block - 1].next) {
            census_add(census, account->blocks[block - 1].size, false);
        }
    }
    if (op->kind == TRACE_FREE || op->kind == TRACE_RESIZE) {
        census_add(census, account->blocks[op->block].size, false);
    }
    if (trace_kind_allocates(op->kind) || op->kind == TRACE_RESIZE) {
        census_add(census, op->size, true);
    }
}

static void census_end(struct census *census)
{
    for (unsigned i = 0; i < POPULATION_CLASSES; i++) {
        struct census_class *class = &census->classes[i];
        class->summed += class->live * (census->now - class->since);
        class->since = census->now;
        class->live = 0;
    }
}

static int census_trace(struct census *census, const char *path, struct complaint *complaint)
{
    struct trace *trace;
    struct trace_account account;
    int error = trace_read(path, &trace, complaint);
    if (error != 0) {
        return error;
    }
    trace_account_init(&account);
    for (size_t i = 0; i < trace->op_count && error == 0; i++) {
        census_op(census, &account, &trace->ops[i]);
        const char *why = trace_account_add(&account, &trace->ops[i]);
        if (why != NULL) {
            complain(complaint, "%s: operation %zu: %s", path, i + 1, why);
            error = EINVAL;
        }
    }
    if (error == 0 && account.largest > POPULATION_MOST) {
        complain(complaint, "%s: a block of %llu bytes; a distribution's sizes go up to 1Ti", path,
                 (unsigned long long)account.largest);
        error = EINVAL;
    }
    census->frees += account.frees;
    census->remote_frees += account.remote_frees;
    census_end(census);
    trace_account_fini(&account);
    trace_free(trace);
    return error;
}

static int census_population(const struct census *census, struct population *population)
{
    double operations = (double)census->now;
    population->rows = calloc(POPULATION_CLASSES, sizeof *population->rows);
    if (population->rows == NULL) {
        return ENOMEM;
    }
    for (unsigned i = 0; i < POPULATION_CLASSES; i++) {
        const struct census_class *class = &census->classes[i];
        struct population_row *row = &population->rows[population->count];
        if (class->births > 0) {
            population_class_sizes(i, &row->low, &row->high);
            row->births = POPULATION_MILLION * (double)class->births / operations;
            row->live = (double)class->summed / operations;
            population->births += row->births;
            population->live += row->live;
            population->count++;
        }
    }
    return 0;
}

int population_fit(const char *const *paths, size_t count, struct population *population,
                   double *remote_share, struct complaint *complaint)
{
    *population = (struct population){0};
    struct census *census = calloc(1, sizeof *census);
    int error = census != NULL ? 0 : ENOMEM;
    for (size_t i = 0; i < count && error == 0; i++) {
        error = census_trace(census, paths[i], complaint);
    }
    if (error == 0 && census->now == 0) {
        complain(complaint, "%s%s allocates nothing", paths[0], count > 1 ? " and the others" : "");
        error = EINVAL;
    }
    if (error == 0) {
        *remote_share =
            census->frees > 0 ? (double)census->remote_frees / (double)census->frees : 0;
        error = census_population(census, population);
    }
    if (error == ENOMEM) {
        complain(complaint, "%s", strerror(ENOMEM));
    }
    free(census);
    return error;
}

// ---- a curve ------------------------------------------------------------------------------------

// The chance that a standard normal variable lies in (low, high]: from the nearer tail, so that
// small chances are exact.
static double normal_between(double low, double high)
{
    double root = sqrt(0.5);
    return low > 0 ? (erfc(low * root) - erfc(high * root)) / 2
                   : (erfc(-high * root) - erfc(-low * root)) / 2;
}

int population_log_normal(double median, double sigma, double live, struct population *population)
{
    *population = (struct population){0};
    population->rows = calloc(POPULATION_CLASSES, sizeof *population->rows);
    if (population->rows == NULL) {
        return ENOMEM;
    }
    double below = -INFINITY;
    for (unsigned class = 1; class < POPULATION_CLASSES; class ++) {
        struct population_row *row = &population->rows[population->count];
        population_class_sizes(class, &row->low, &row->high);
        if (row->high > POPULATION_MOST) {
            break;
        }
        double upto = (log((double)row->high) - log(median)) / sigma;
        double share = normal_between(below, upto);
        below = upto;
        if (share >= 1e-9) {
            row->births = POPULATION_MILLION / 2 * share;
            row->live = live * share;
            population->births += row->births;
            population->live += row->live;
            population->count++;
        }
    }
    return 0;
}
