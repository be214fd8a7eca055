// SPDX-License-Identifier: MIT
//
// selftest.h - do comparisons hold what they promise on this machine? A target against itself, and
// against itself with a slow-down of known size.

#ifndef COMPARE_SELFTEST_H
#define COMPARE_SELFTEST_H

#include "compare/compare.h"

#define SELFTEST_COMPARISONS 200
#define SELFTEST_AA_REPEATS  20
#define SELFTEST_TRIES       10
#define SELFTEST_REPEATS     600
#define SELFTEST_THRESHOLD   0.01
#define SELFTEST_SLOWDOWN    0.05  // more time an operation
#define SELFTEST_NEAR        0.025 // an estimate further off has not found it

// One comparison: of a target with itself, or with its slower self.
struct selftest_try {
    uint64_t seed;
    double ratio, low, high, p_holm; // of cpu_ns_per_op
    enum judge_verdict verdict;      // its
    bool alarm;                      // some judged metric is said to have regressed or improved
    bool significant; // some judged metric has p <= alpha, however small the difference
    bool found;       // cpu_ns_per_op regressed, by about as much as it did
};

struct selftest {
    // the order
    const char *target;
    unsigned repeats;
    unsigned times; // comparisons
    double threshold;
    uint64_t seed;
    void (*told)(const struct selftest *selftest); // after the calibration and each comparison
    // the result
    uint64_t ops;               // of a cell
    uint64_t steps;             // of the delay
    double slowdown;            // that so many steps are thought to make
    struct selftest_try *tries; // `times` of them
    unsigned done;
    unsigned alarms, significant, found, inconclusive;
    double seconds;
};

// Both return VERDICT_EXIT_PASS; VERDICT_EXIT_FAILED where the comparisons do not keep their
// promise; or, with a complaint, what else went wrong. selftest_fini in any case.
enum verdict_exit selftest_aa(struct selftest *selftest, struct complaint *complaint);
enum verdict_exit selftest_sensitivity(struct selftest *selftest, struct complaint *complaint);
void selftest_fini(struct selftest *selftest);

// At most so many alarms of so many comparisons: 10 of 200.
unsigned selftest_alarms_allowed(unsigned times);
// At least so many found of so many tries, 9 of 10; and at most so many inconclusive, 1 of 10.
unsigned selftest_found_wanted(unsigned times);
unsigned selftest_inconclusive_allowed(unsigned times);

// With libjansson only, else NULL.
struct json_t *selftest_json(const struct selftest *selftest, const char *kind, int exit_status);

#endif
