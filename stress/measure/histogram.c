// SPDX-License-Identifier: MIT
//
// histogram.c - where a value falls, and which value a share of them does not exceed.

#include "measure/histogram.h"

#include <math.h>
#include <string.h>

void histogram_init(struct histogram *histogram)
{
    memset(histogram, 0, sizeof(*histogram));
    histogram->least = UINT64_MAX;
}

uint64_t histogram_bucket_least(unsigned bucket)
{
    unsigned row = bucket >> HISTOGRAM_BITS;
    if (row == 0) {
        return bucket;
    }
    uint64_t mantissa = (bucket & ((1u << HISTOGRAM_BITS) - 1)) | (1u << HISTOGRAM_BITS);
    return mantissa << (row - 1);
}

uint64_t histogram_bucket_most(unsigned bucket)
{
    return bucket + 1 >= HISTOGRAM_BUCKETS ? UINT64_MAX : histogram_bucket_least(bucket + 1) - 1;
}

static void histogram_put(uint64_t *field, uint64_t value)
{
    __atomic_store_n(field, value, __ATOMIC_RELAXED);
}

static uint64_t histogram_get(const uint64_t *field)
{
    return __atomic_load_n(field, __ATOMIC_RELAXED);
}

void histogram_clear(struct histogram *histogram)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        histogram_put(&histogram->bucket[i], 0);
    }
    histogram_put(&histogram->count, 0);
    histogram_put(&histogram->capped, 0);
    histogram_put(&histogram->total, 0);
    histogram_put(&histogram->least, UINT64_MAX);
    histogram_put(&histogram->most, 0);
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    // The count is summed from the buckets, so that (G1) holds even where `from` is being written.
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t n = histogram_get(&from->bucket[i]);
        into->bucket[i] += n;
        into->count += n;
    }
    into->capped += histogram_get(&from->capped);
    into->total += histogram_get(&from->total);
    uint64_t least = histogram_get(&from->least);
    uint64_t most = histogram_get(&from->most);
    into->least = least < into->least ? least : into->least;
    into->most = most > into->most ? most : into->most;
}

static uint64_t histogram_middle(const struct histogram *histogram, unsigned bucket)
{
    uint64_t least = histogram_bucket_least(bucket);
    uint64_t most = bucket + 1 == HISTOGRAM_BUCKETS ? (UINT64_C(1) << HISTOGRAM_LIMIT) - 1
                                                    : histogram_bucket_most(bucket);
    uint64_t middle = least + (most - least) / 2;
    // Never outside of what was seen.
    middle = middle < histogram->least ? histogram->least : middle;
    return middle > histogram->most ? histogram->most : middle;
}

uint64_t histogram_quantile(const struct histogram *histogram, double share)
{
    uint64_t rank = (uint64_t)ceil(share * (double)histogram->count);
    rank = rank == 0 ? 1 : rank;
    if (rank > histogram->count || histogram->count - rank < 10) {
        return UINT64_MAX;
    }
    if (rank > histogram->count - histogram->capped) {
        return UINT64_MAX;
    }
    uint64_t seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->bucket[i];
        if (seen >= rank) {
            return histogram_middle(histogram, i);
        }
    }
    return UINT64_MAX;
}

double histogram_mean(const struct histogram *histogram)
{
    return histogram->count == 0 ? 0 : (double)histogram->total / (double)histogram->count;
}
