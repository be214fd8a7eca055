// SPDX-License-Identifier: MIT
//
// alias.c - Vose's construction, in the table itself.
//
// While it is built, a column's `split` holds the bits of what is left of its weight, in columns,
// and `other` links it to the next one of its list: those that have less than a column's chance,
// and those that have more. So nothing but the table is needed, however many there are.

#include "workload/alias.h"

#include <string.h>

#include "run/run.h"

#define ALIAS_NONE UINT64_MAX

static double weight_of(const struct alias_column *column)
{
    double weight;
    memcpy(&weight, &column->split, sizeof weight);
    return weight;
}

static void weigh(struct alias_column *column, double weight)
{
    memcpy(&column->split, &weight, sizeof weight);
}

static void push(struct alias *alias, uint64_t *list, uint64_t index)
{
    alias->columns[index].other = *list;
    *list = index;
}

static uint64_t pop(const struct alias *alias, uint64_t *list)
{
    uint64_t index = *list;
    *list = alias->columns[index].other;
    return index;
}

static void settle(struct alias_column *column, double weight, uint64_t other)
{
    column->split = weight < 1 ? (uint64_t)(weight * 0x1p64) : UINT64_MAX;
    column->other = other;
}

void alias_build(struct alias *alias, const double *weights, uint64_t count)
{
    double total = 0;
    uint64_t small = ALIAS_NONE, large = ALIAS_NONE, last = 0;
    alias->count = count;
    alias->columns = run_map(count * sizeof *alias->columns);
    for (uint64_t i = 0; i < count; i++) {
        total += weights[i];
        last = weights[i] > weights[last] ? i : last;
    }
    for (uint64_t i = count; i-- > 0;) {
        double weight = weights[i] / total * (double)count;
        push(alias, weight < 1 ? &small : &large, i);
        weigh(&alias->columns[i], weight);
    }
    while (small != ALIAS_NONE && large != ALIAS_NONE) {
        uint64_t less = pop(alias, &small);
        double weight = weight_of(&alias->columns[less]);
        last = large;
        double rest = weight_of(&alias->columns[last]) - (1 - weight);
        settle(&alias->columns[less], weight, last);
        if (rest < 1) {
            pop(alias, &large);
            push(alias, &small, last);
        }
        weigh(&alias->columns[last], rest);
    }
    while (large != ALIAS_NONE) { // 1 but for rounding
        uint64_t index = pop(alias, &large);
        settle(&alias->columns[index], 1, index);
    }
    while (small != ALIAS_NONE) { // likewise; what has no weight at all must not get a column
        uint64_t index = pop(alias, &small);
        settle(&alias->columns[index], weight_of(&alias->columns[index]), last);
    }
}
