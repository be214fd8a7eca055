// SPDX-License-Identifier: MIT
//
// chance.h - what a right program fails by chance: bounds of counts, and a second look.
//
// 1. A test that draws from a new seed each run, and fails by chance once in a thousand runs, fails
// a
//    check of a thousand such tests nearly every day; whoever sees that learns to run it again.
// 2. So there are two looks. The first is short. Where its count is beyond what chance gives once
// in
//    CHANCE_FIRST, CHANCE_MORE times as many are drawn, none of them those of the first look, and
//    they alone decide, at CHANCE_SECOND: a right program is called wrong once in 10^8. Ten times
//    as many also see a smaller fault than the first did: the second look forgives nothing but
//    chance.
// 3. If you change this: tests/unit/compare/test_change.c has some bounds as exact sums give them.

#ifndef SUPPORT_CHANCE_H
#define SUPPORT_CHANCE_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#define CHANCE_FIRST  1e-3
#define CHANCE_SECOND 1e-5
#define CHANCE_MORE   10

// The least count that of `tries`, each a hit with the chance `p`, is exceeded with at most
// `beyond`.
static inline size_t chance_most(size_t tries, double p, double beyond)
{
    double sum = 0;
    size_t count = tries;
    // From above: the tail is small, and sums of small terms lose nothing.
    for (; count > 0; count--) {
        double n = (double)tries, k = (double)count;
        double log_choose = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
        sum += exp(log_choose + k * log(p) + (n - k) * log1p(-p));
        if (sum > beyond) {
            break;
        }
    }
    return count;
}

// One look of `tries` trials whose seeds no other look has (`look`); false: beyond what it may be.
typedef bool (*chance_look)(const void *what, size_t tries, double beyond, unsigned look);

static inline bool chance_holds(chance_look look, const void *what, size_t tries)
{
    return look(what, tries, CHANCE_FIRST, 0) || look(what, tries * CHANCE_MORE, CHANCE_SECOND, 1);
}

#endif
