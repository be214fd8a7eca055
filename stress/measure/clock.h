// SPDX-License-Identifier: MIT
//
// clock.h - a stopwatch fine enough for one allocation.
//
// 1. Theory. The time-stamp counter is read in about 10 ns where clock_gettime takes 25. It may be
//    used as a clock where CPUID says it is invariant (Intel SDM vol. 3, 18.17.1: same rate in all
//    power states, so that it counts time and not cycles); its rate is measured once, against
//    CLOCK_MONOTONIC_RAW. Elsewhere clock_gettime stands in, and clock_name says so.
// 2. Ordering. clock_begin does not let earlier instructions leak into the interval (lfence), and
//    clock_end waits for those inside it (rdtscp).
// 3. Overhead. An empty interval is not 0: clock_overhead_ns is its median. It is reported beside
//    the latencies, never taken off: what was measured is what is shown.

#ifndef MEASURE_CLOCK_H
#define MEASURE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

// [ro] after clock_init
struct clock_rate {
    bool tsc;            // false: a tick is a nanosecond of CLOCK_MONOTONIC
    uint64_t multiplier; // nanoseconds = ticks * multiplier >> 32
    double overhead_ns;
};
extern struct clock_rate clock_rate;

// Calibrates, once a process (about 10 ms); later calls return at once. Call it before the first
// thread: the rest of the interface takes it for granted.
void clock_init(void);
const char *clock_name(void); // "tsc" or "clock_gettime"
double clock_overhead_ns(void);
double clock_ticks_per_ns(void);

// Nanoseconds of CLOCK_MONOTONIC.
static inline uint64_t clock_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t clock_begin(void)
{
    if (__builtin_expect(!clock_rate.tsc, 0)) {
        return clock_monotonic_ns();
    }
    __builtin_ia32_lfence();
    return __builtin_ia32_rdtsc();
}

static inline uint64_t clock_end(void)
{
    if (__builtin_expect(!clock_rate.tsc, 0)) {
        return clock_monotonic_ns();
    }
    unsigned cpu;
    return __builtin_ia32_rdtscp(&cpu);
}

// An interval's length. Two CPUs' counters may differ by a few ticks: a negative one is 0.
static inline uint64_t clock_elapsed_ns(uint64_t begin, uint64_t end)
{
    uint64_t ticks = (int64_t)(end - begin) < 0 ? 0 : end - begin;
    return (uint64_t)(((unsigned __int128)ticks * clock_rate.multiplier) >> 32);
}

#endif
