// SPDX-License-Identifier: MIT
//
// alias.h - one of many, each with its own chance, at the price of one look into a table.
//
// Walker's alias method as Vose builds it ("A linear algorithm for generating random numbers with a
// given distribution", 1991): `count` columns of equal chance, each shared by at most two. The
// whole part of random * count is the column, the fraction decides between the two. Chances are
// right to the rounding of doubles.

#ifndef WORKLOAD_ALIAS_H
#define WORKLOAD_ALIAS_H

#include <stddef.h>
#include <stdint.h>

struct alias_column {
    uint64_t split; // fractions below it are the column's own
    uint64_t other;
};

struct alias {
    struct alias_column *columns;
    uint64_t count;
};

// Weights are at least 0, and one is above. Memory comes from run_map.
void alias_build(struct alias *alias, const double *weights, uint64_t count);

// 0 .. count - 1; `random` is uniform below 2^64.
static inline uint64_t alias_draw(const struct alias *alias, uint64_t random)
{
    unsigned __int128 product = (unsigned __int128)random * alias->count;
    uint64_t own = (uint64_t)(product >> 64);
    const struct alias_column *column = &alias->columns[own];
    return (uint64_t)product < column->split ? own : column->other;
}

#endif
