// SPDX-License-Identifier: MIT
//
// histogram.h - a log-linear histogram: constant memory, at most 0.78 % error, merged by adding.
//
// Theory. Values below 64 have a bucket each. Above, each power of two [2^e, 2^(e+1)) is cut into
// 64 buckets of equal width, e = 6 .. 33: 64 + 28 * 64 = 1,856 buckets for values below 2^34 (17 s
// in nanoseconds). A bucket is at most 1/64 of its least value wide, so that its middle is within
// 1/128 = 0.78 % of anything in it; below 128 buckets are one wide and exact. Larger values are
// *capped*: counted in the last bucket and in `capped`; least, most and total stay exact for them.

#ifndef MEASURE_HISTOGRAM_H
#define MEASURE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BITS    6
#define HISTOGRAM_LIMIT   34 // values below 2^34 have a bucket of their own
#define HISTOGRAM_BUCKETS ((HISTOGRAM_LIMIT - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS)

_Static_assert(HISTOGRAM_BUCKETS == 1856, "29 rows of 64 buckets");

// sum(bucket) == count                                                                        (G1)
// capped <= bucket[HISTOGRAM_BUCKETS - 1]                                                     (G2)
struct histogram {
    uint64_t bucket[HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t capped;
    uint64_t total;       // sum of the values
    uint64_t least, most; // least is UINT64_MAX while empty
};

void histogram_init(struct histogram *histogram);
// The same for one that a writer may still add a last value to: the value is kept or lost.
void histogram_clear(struct histogram *histogram);
// A histogram has one writer. Another thread may read while it writes, and sees some recent state
// of each field.
static inline void histogram_add(struct histogram *histogram, uint64_t value);
void histogram_merge(struct histogram *into, const struct histogram *from);

// The value that at least `share` (0..1) of the values do not exceed: the middle of its bucket,
// within 0.78 % (UINT64_MAX where it lies among the capped). UINT64_MAX too when fewer than ten
// values lie above it: nothing honest can be said then. The extremes are in least and most.
uint64_t histogram_quantile(const struct histogram *histogram, double share);
double histogram_mean(const struct histogram *histogram); // 0 when empty

// The bucket of a value, and the least and greatest value of a bucket (the last: UINT64_MAX). For
// those who draw the whole curve.
static inline unsigned histogram_bucket(uint64_t value);
uint64_t histogram_bucket_least(unsigned bucket);
uint64_t histogram_bucket_most(unsigned bucket);

// ---- the inline halves -------------------------------------------------------------------------

// Row 0 holds 0..63; row r >= 1 holds [2^(r+5), 2^(r+6)), by the top HISTOGRAM_BITS + 1 bits. With
// bit 6 set whatever the value is, rows 0 and 1, which are one wide both, need no case of their
// own.
static inline unsigned histogram_bucket(uint64_t value)
{
    if (__builtin_expect(value >> HISTOGRAM_LIMIT != 0, 0)) {
        return HISTOGRAM_BUCKETS - 1;
    }
    unsigned shift = 63u - (unsigned)__builtin_clzll(value | 1u << HISTOGRAM_BITS) - HISTOGRAM_BITS;
    return (shift << HISTOGRAM_BITS) + (unsigned)(value >> shift);
}

static inline void histogram_increase(uint64_t *field, uint64_t by)
{
    __atomic_store_n(field, __atomic_load_n(field, __ATOMIC_RELAXED) + by, __ATOMIC_RELAXED);
}

static inline void histogram_add(struct histogram *histogram, uint64_t value)
{
    histogram_increase(&histogram->bucket[histogram_bucket(value)], 1);
    histogram_increase(&histogram->count, 1);
    histogram_increase(&histogram->total, value);
    if (__builtin_expect(value >> HISTOGRAM_LIMIT != 0, 0)) {
        histogram_increase(&histogram->capped, 1);
    }
    if (__builtin_expect(value < __atomic_load_n(&histogram->least, __ATOMIC_RELAXED), 0)) {
        __atomic_store_n(&histogram->least, value, __ATOMIC_RELAXED);
    }
    if (__builtin_expect(value > __atomic_load_n(&histogram->most, __ATOMIC_RELAXED), 0)) {
        __atomic_store_n(&histogram->most, value, __ATOMIC_RELAXED);
    }
}

#endif
