// SPDX-License-Identifier: MIT
//
// median.h - the order and the middle of some figures.

#ifndef MEASURE_MEDIAN_H
#define MEASURE_MEDIAN_H

#include <stddef.h>

// None of the values is NAN.
void median_sort(double *values, size_t count);
// Half way; exactly the value where both are the same.
double median_between(double low, double high);
// Of values in order: the middle one, or half way between the two. NAN of nothing.
double median_of_sorted(const double *values, size_t count);
// Sorts them first.
double median_of(double *values, size_t count);

#endif
