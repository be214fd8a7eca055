// SPDX-License-Identifier: MIT
//
// pace.c - when operations are intended to start: the open loop of one worker.
//
// 1. Theory. A closed loop asks only when the last answer has come: while the allocator stalls
//    nobody asks, and the stall is one long latency where a user's requests would all have waited
//    (Tene: coordinated omission). In an open loop each operation has an intended start that does
//    not depend on the operations before. Response = end - intended start, service = end - start.
// 2. Fixed distances: start k is at (k + phase)/rate, computed from k, so that nothing drifts.
//    Poisson: distances are exponential with mean 1/rate, from a random stream of its own, so that
//    the operations themselves are those of the closed loop.
// 3. Waiting. Far from the start the thread sleeps, the last PACE_SPIN_NS it spins: a wake-up comes
//    some ten microseconds late. It sleeps PACE_SLEEP_NS at most, then looks whether it is to stop,
//    and ticks, which tells the watchdog that it waits on purpose.
// 4. An operation that comes behind its time starts at once and is counted as late; the plan goes
//    on as if it had not been. Being late by the spin loop's last turn is not counted.
// 5. What a workload does before its plan begins (its open, its fill) is not paced and takes
//    nothing from the plan; neither does what is inside a step, which is one start.
// 6. What an overloaded worker never came to begin is missed: the starts before the end of what was
//    measured that are left in the plan. A plan whose distances are drawn is drawn on to that end,
//    but not for more than PACE_DRAWN starts: beyond, their mean number serves.

#include "workload/pace.h"

#include <math.h>
#include <time.h>

#include "measure/clock.h"

#define PACE_SPIN_NS  60000u
#define PACE_SLEEP_NS 20000000u
#define PACE_STREAM   0x70616365u // keeps the stream apart from the operations'
#define PACE_DRAWN    1e6

void pace_init(struct pace *pace, uint64_t rate, enum pace_arrival arrival, uint64_t seed,
               unsigned number, unsigned threads)
{
    *pace = (struct pace){.rate = rate, .arrival = arrival};
    pace->phase = (double)number / (double)threads;
    random_init(&pace->random, seed ^ random_mix(PACE_STREAM), number, 0);
}

// Exponential with mean 1.
static double pace_exponential(struct pace *pace)
{
    double uniform = ((double)(random_next(&pace->random) >> 11) + 0.5) * 0x1p-53;
    return -log(uniform);
}

uint64_t pace_next(struct pace *pace)
{
    uint64_t index = pace->index++;
    if (pace->arrival == PACE_POISSON) {
        pace->elapsed_ns += pace_exponential(pace) * 1e9 / (double)pace->rate;
        return (uint64_t)pace->elapsed_ns;
    }
    uint64_t whole = (uint64_t)((unsigned __int128)index * 1000000000u / pace->rate);
    return whole + (uint64_t)(pace->phase * 1e9 / (double)pace->rate);
}

static void pace_sleep(const struct pace *pace, uint64_t now, uint64_t until)
{
    uint64_t wake = until - PACE_SPIN_NS;
    wake = wake - now < PACE_SLEEP_NS ? wake : now + PACE_SLEEP_NS;
    struct timespec time = {.tv_sec = (time_t)(wake / 1000000000u),
                            .tv_nsec = (long)(wake % 1000000000u)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
    if (pace->tick != NULL) {
        pace->tick(pace->arg);
    }
}

void pace_wait(struct pace *pace)
{
    if (pace->inside) {
        return;
    }
    uint64_t origin = __atomic_load_n(pace->origin_ns, __ATOMIC_RELAXED);
    pace->lag_ns = 0;
    if (origin == 0 || __atomic_load_n(pace->stop, __ATOMIC_RELAXED)) {
        return;
    }
    uint64_t intended = origin + pace_next(pace);
    uint64_t now = clock_monotonic_ns();
    if (now > intended) {
        __atomic_store_n(&pace->late, pace->late + 1, __ATOMIC_RELAXED);
    }
    while (now < intended) {
        if (__atomic_load_n(pace->stop, __ATOMIC_RELAXED)) {
            return;
        }
        if (intended - now > 2 * PACE_SPIN_NS) {
            pace_sleep(pace, now, intended);
        } else {
            __builtin_ia32_pause();
        }
        now = clock_monotonic_ns();
    }
    pace->lag_ns = now - intended;
    __atomic_store_n(&pace->begun, pace->begun + 1, __ATOMIC_RELAXED);
}

uint64_t pace_missed(const struct pace *pace, uint64_t until_ns)
{
    struct pace plan = *pace;
    uint64_t missed = 0;
    double left = (double)until_ns - pace->elapsed_ns; // of Poisson's
    if (pace->arrival == PACE_FIXED) {
        uint64_t phase = (uint64_t)(pace->phase * 1e9 / (double)pace->rate);
        uint64_t whole = until_ns > phase ? until_ns - phase : 0;
        // The least that begins no earlier.
        unsigned __int128 starts =
            ((unsigned __int128)whole * pace->rate + 999999999u) / 1000000000u;
        return starts > pace->index ? (uint64_t)starts - pace->index : 0;
    }
    if (left * (double)pace->rate > PACE_DRAWN * 1e9) {
        return (uint64_t)(left * (double)pace->rate * 1e-9);
    }
    while (pace_next(&plan) < until_ns) {
        missed++;
    }
    return missed;
}
