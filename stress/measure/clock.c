// SPDX-License-Identifier: MIT
//
// clock.c - whether the time-stamp counter is a clock here, how fast it ticks, what reading it
// costs.

#include "measure/clock.h"

#include <cpuid.h>
#include <pthread.h>

#define CLOCK_CALIBRATION_NS 10000000u
#define CLOCK_EMPTY_TRIES    1001

struct clock_rate clock_rate = {.multiplier = UINT64_C(1) << 32};

static bool clock_tsc_is_invariant(void)
{
    unsigned a, b, c, d;
    if (__get_cpuid(0x80000001u, &a, &b, &c, &d) == 0 || (d & (1u << 27)) == 0) {
        return false; // no rdtscp
    }
    return __get_cpuid(0x80000007u, &a, &b, &c, &d) != 0 && (d & (1u << 8)) != 0;
}

struct clock_pair {
    uint64_t ticks, ns;
};

// Both clocks at one instant: the best of several tries, as an interrupt may come in between.
static struct clock_pair clock_read_pair(void)
{
    struct clock_pair best = {0, 0};
    uint64_t narrowest = UINT64_MAX;
    for (unsigned i = 0; i < 16; i++) {
        struct timespec now;
        uint64_t before = __builtin_ia32_rdtsc();
        clock_gettime(CLOCK_MONOTONIC_RAW, &now);
        uint64_t after = __builtin_ia32_rdtsc();
        if (after - before < narrowest) {
            narrowest = after - before;
            best.ticks = before + narrowest / 2;
            best.ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
        }
    }
    return best;
}

static bool clock_calibrate(void)
{
    struct clock_pair first = clock_read_pair();
    struct clock_pair last;
    do {
        last = clock_read_pair();
    } while (last.ns - first.ns < CLOCK_CALIBRATION_NS);
    uint64_t ticks = last.ticks - first.ticks;
    // A counter below 0.1 or above 100 ticks a nanosecond is no clock of this decade.
    if (ticks < (last.ns - first.ns) / 10 || ticks > (last.ns - first.ns) * 100) {
        return false;
    }
    clock_rate.multiplier = (uint64_t)(((unsigned __int128)(last.ns - first.ns) << 32) / ticks);
    return true;
}

// By insertion: qsort may call malloc, which is not ours to call in a cell.
static void clock_sort(uint64_t *values, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        uint64_t value = values[i];
        unsigned j = i;
        for (; j > 0 && values[j - 1] > value; j--) {
            values[j] = values[j - 1];
        }
        values[j] = value;
    }
}

static double clock_measure_overhead(void)
{
    static uint64_t empty[CLOCK_EMPTY_TRIES];
    for (unsigned i = 0; i < CLOCK_EMPTY_TRIES; i++) {
        uint64_t begin = clock_begin();
        empty[i] = clock_end() - begin;
    }
    clock_sort(empty, CLOCK_EMPTY_TRIES);
    return (double)empty[CLOCK_EMPTY_TRIES / 2] * (double)clock_rate.multiplier / 4294967296.0;
}

static void clock_init_once(void)
{
    clock_rate.tsc = clock_tsc_is_invariant() && clock_calibrate();
    if (!clock_rate.tsc) {
        clock_rate.multiplier = UINT64_C(1) << 32;
    }
    clock_rate.overhead_ns = clock_measure_overhead();
}

void clock_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, clock_init_once);
}

const char *clock_name(void)
{
    return clock_rate.tsc ? "tsc" : "clock_gettime";
}

double clock_overhead_ns(void)
{
    return clock_rate.overhead_ns;
}

double clock_ticks_per_ns(void)
{
    return 4294967296.0 / (double)clock_rate.multiplier;
}
