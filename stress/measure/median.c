// SPDX-License-Identifier: MIT
//
// median.c - the order and the middle of some figures.

#include "measure/median.h"

#include <math.h>
#include <stdlib.h>

static int median_compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

void median_sort(double *values, size_t count)
{
    if (count > 1) {
        qsort(values, count, sizeof *values, median_compare);
    }
}

double median_between(double low, double high)
{
    return low == high ? low : (low + high) / 2;
}

double median_of_sorted(const double *values, size_t count)
{
    return count > 0 ? median_between(values[(count - 1) / 2], values[count / 2]) : NAN;
}

double median_of(double *values, size_t count)
{
    median_sort(values, count);
    return median_of_sorted(values, count);
}
