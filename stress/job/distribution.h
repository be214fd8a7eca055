// SPDX-License-Identifier: MIT
//
// distribution.h - sizes drawn at random, described in one word.
//
//   64               always 64
//   16-1000          uniform, both ends included
//   64/50:4k/40:1M/10  each size (or range) with its weight; weights need not add up to 100
//   log:16-65536     log-uniform: as many between 16 and 32 as between 32 and 64
//   invsq:4-32768    density 1/s^2
//   exp:256@16-8000  exponential with that mean, cut off at both ends
//   zipf:1.2@16-8000 density s^-1.2 on the whole numbers s; any exponent above 0, 1 and 2 too
//
// Sizes may be computed: 2*64-4Ki, and in parentheses where - and / would mean something else:
// (4Ki-64)-(4Ki/2*3).
//
// Drawing costs one random number and a table look-up at most: no logarithm on the hot path.

#ifndef JOB_DISTRIBUTION_H
#define JOB_DISTRIBUTION_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "job/complaint.h"

struct distribution_bucket;
struct distribution_column;

// sum(bucket.share) == 1; columns == NULL: one bucket, low .. low + width - 1                 (D1)
struct distribution {
    struct distribution_column *columns;
    uint64_t low, width; // of the first bucket
    size_t count;
    struct distribution_bucket *buckets;
    uint64_t least, most;
    double mean;
};

int distribution_parse(const char *text, struct distribution **distribution,
                       struct complaint *complaint);
// Writes a text that distribution_parse takes with every size in bytes, so that it is read back.
void distribution_write(const char *text, FILE *out);
void distribution_free(struct distribution *distribution);
uint64_t distribution_draw_mixed(const struct distribution *distribution, uint64_t random);
uint64_t distribution_least(const struct distribution *distribution);
uint64_t distribution_most(const struct distribution *distribution);
double distribution_mean(const struct distribution *distribution);
// The chance that a draw is at most `size`.
double distribution_share_up_to(const struct distribution *distribution, uint64_t size);

// `random` is uniform below 2^64.
static inline uint64_t distribution_draw(const struct distribution *distribution, uint64_t random)
{
    if (distribution->columns != NULL) {
        return distribution_draw_mixed(distribution, random);
    }
    return distribution->low + (uint64_t)(((unsigned __int128)random * distribution->width) >> 64);
}

#endif
