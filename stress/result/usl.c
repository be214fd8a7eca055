// SPDX-License-Identifier: MIT
//
// usl.c - the universal scalability law, fitted to rates over thread counts.
//
// 1. Theory (Gunther, "Guerrilla Capacity Planning", 2007). X(T) = lambda T / (1 + sigma (T - 1) +
//    kappa T (T - 1)): sigma is Amdahl's serial share, kappa what every pair of threads costs,
//    which in the end lets the rate fall. Its maximum is at sqrt((1 - sigma)/kappa).
// 2. Fit. T/X is linear in T - 1 and T (T - 1): its coefficients are those of linear least squares,
//    the residuals taken relative to T/X, so that each point weighs the same. Neither sigma nor
//    kappa is negative (superlinear points are noise or caches, which the law does not know): where
//    the free solution has a negative one, the best of those with one or both at 0 is taken.
// 3. Only thread counts that fit the CPUs: beyond them the scheduler is measured. Three parameters
//    and at least four different counts, so that the law can be wrong.

#include "result/usl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define USL_TERMS 3

// Which of the terms 1, T - 1, T (T - 1) are free.
struct usl_system {
    double matrix[USL_TERMS][USL_TERMS + 1];
};

static void usl_terms(const struct usl_point *point, double terms[USL_TERMS], double *y)
{
    double threads = point->threads;
    *y = threads / point->rate;
    terms[0] = 1;
    terms[1] = threads - 1;
    terms[2] = threads * (threads - 1);
}

static bool usl_fits(const struct usl_point *point, unsigned cpus)
{
    return point->threads > 0 && point->threads <= cpus && point->rate > 0;
}

// The normal equations; a term that is not free has the equation "coefficient = 0".
static void usl_equations(const struct usl_point *points, size_t count, unsigned cpus,
                          unsigned free, struct usl_system *system)
{
    memset(system, 0, sizeof *system);
    for (size_t n = 0; n < count; n++) {
        double terms[USL_TERMS];
        double y;
        if (!usl_fits(&points[n], cpus)) {
            continue;
        }
        usl_terms(&points[n], terms, &y);
        for (unsigned i = 0; i < USL_TERMS; i++) {
            for (unsigned j = 0; j < USL_TERMS; j++) {
                bool both = (free >> i & 1) != 0 && (free >> j & 1) != 0;
                system->matrix[i][j] += both ? terms[i] * terms[j] / (y * y) : 0;
            }
            system->matrix[i][USL_TERMS] += (free >> i & 1) != 0 ? terms[i] / y : 0;
        }
    }
    for (unsigned i = 0; i < USL_TERMS; i++) {
        system->matrix[i][i] = (free >> i & 1) != 0 ? system->matrix[i][i] : 1;
    }
}

// Gauss and Jordan with the largest pivot of the column. False: singular.
static bool usl_solve(struct usl_system *system, double solution[USL_TERMS])
{
    for (unsigned column = 0; column < USL_TERMS; column++) {
        unsigned pivot = column;
        for (unsigned row = column + 1; row < USL_TERMS; row++) {
            bool larger = fabs(system->matrix[row][column]) > fabs(system->matrix[pivot][column]);
            pivot = larger ? row : pivot;
        }
        if (!(fabs(system->matrix[pivot][column]) > 0)) {
            return false;
        }
        for (unsigned j = 0; j <= USL_TERMS; j++) {
            double swap = system->matrix[column][j];
            system->matrix[column][j] = system->matrix[pivot][j];
            system->matrix[pivot][j] = swap;
        }
        for (unsigned row = 0; row < USL_TERMS; row++) {
            double factor = system->matrix[row][column] / system->matrix[column][column];
            for (unsigned j = 0; j <= USL_TERMS && row != column; j++) {
                system->matrix[row][j] -= factor * system->matrix[column][j];
            }
        }
    }
    for (unsigned i = 0; i < USL_TERMS; i++) {
        solution[i] = system->matrix[i][USL_TERMS] / system->matrix[i][i];
    }
    return true;
}

static double usl_residual(const struct usl_point *points, size_t count, unsigned cpus,
                           const double solution[USL_TERMS])
{
    double sum = 0;
    for (size_t n = 0; n < count; n++) {
        double terms[USL_TERMS];
        double y;
        if (usl_fits(&points[n], cpus)) {
            usl_terms(&points[n], terms, &y);
            double fit = solution[0] + solution[1] * terms[1] + solution[2] * terms[2];
            sum += (1 - fit / y) * (1 - fit / y);
        }
    }
    return sum;
}

double usl_rate(const struct usl *usl, double threads)
{
    return usl->lambda * threads /
           (1 + usl->sigma * (threads - 1) + usl->kappa * threads * (threads - 1));
}

static double usl_r2(const struct usl_point *points, size_t count, unsigned cpus,
                     const struct usl *usl)
{
    double mean = 0;
    double spread = 0;
    double residual = 0;
    size_t used = 0;
    for (size_t n = 0; n < count; n++) {
        mean += usl_fits(&points[n], cpus) ? points[n].rate : 0;
        used += usl_fits(&points[n], cpus);
    }
    mean /= (double)used;
    for (size_t n = 0; n < count; n++) {
        if (usl_fits(&points[n], cpus)) {
            double error = points[n].rate - usl_rate(usl, points[n].threads);
            spread += (points[n].rate - mean) * (points[n].rate - mean);
            residual += error * error;
        }
    }
    return spread > 0 ? 1 - residual / spread : NAN;
}

static size_t usl_counts(const struct usl_point *points, size_t count, unsigned cpus)
{
    size_t counts = 0;
    for (size_t i = 0; i < count; i++) {
        bool first = usl_fits(&points[i], cpus);
        for (size_t j = 0; j < i && first; j++) {
            first = !usl_fits(&points[j], cpus) || points[j].threads != points[i].threads;
        }
        counts += first;
    }
    return counts;
}

bool usl_fit(const struct usl_point *points, size_t count, unsigned cpus, struct usl *usl,
             char *why, size_t why_size)
{
    double best[USL_TERMS] = {0};
    double least = INFINITY;
    usl->counts = usl_counts(points, count, cpus);
    if (usl->counts < USL_LEAST_COUNTS) {
        snprintf(why, why_size,
                 "%zu thread count%s with a rate fit%s the %u CPU%s; a fit needs at least %d",
                 usl->counts, usl->counts == 1 ? "" : "s", usl->counts == 1 ? "s" : "", cpus,
                 cpus == 1 ? "" : "s", USL_LEAST_COUNTS);
        return false;
    }
    // Bit 0 is the constant, always free.
    for (unsigned free = 1; free < 1u << USL_TERMS; free += 2) {
        struct usl_system system;
        double solution[USL_TERMS];
        usl_equations(points, count, cpus, free, &system);
        bool feasible =
            usl_solve(&system, solution) && solution[0] > 0 && solution[1] >= 0 && solution[2] >= 0;
        double residual = feasible ? usl_residual(points, count, cpus, solution) : INFINITY;
        if (residual < least) {
            least = residual;
            memcpy(best, solution, sizeof best);
        }
    }
    if (isinf(least)) {
        snprintf(why, why_size, "the least squares have no solution");
        return false;
    }
    usl->lambda = 1 / best[0];
    usl->sigma = best[1] / best[0];
    usl->kappa = best[2] / best[0];
    usl->peak = usl->kappa > 0 ? sqrt(fmax(1 - usl->sigma, 0) / usl->kappa) : NAN;
    usl->r2 = usl_r2(points, count, cpus, usl);
    return true;
}
