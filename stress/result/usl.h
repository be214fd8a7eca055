// SPDX-License-Identifier: MIT
//
// usl.h - the universal scalability law, fitted to rates over thread counts.

#ifndef RESULT_USL_H
#define RESULT_USL_H

#include <stdbool.h>
#include <stddef.h>

#define USL_LEAST_COUNTS 4 // different numbers of threads that a fit needs

struct usl_point {
    unsigned threads;
    double rate;
};

struct usl {
    double lambda; // operations a second of one thread alone
    double sigma;  // contention: the share that is done one after the other
    double kappa;  // coherence: what pairs of threads cost each other
    double peak;   // threads at which the rate is highest; NAN: it only rises
    double r2;     // of the variance of the rates, explained
    size_t counts; // different numbers of threads that were used
};

// Fits the points with up to `cpus` threads. False, with the reason in `why`: they are too few.
bool usl_fit(const struct usl_point *points, size_t count, unsigned cpus, struct usl *usl,
             char *why, size_t why_size);

// The rate that the law gives.
double usl_rate(const struct usl *usl, double threads);

#endif
