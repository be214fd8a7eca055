// SPDX-License-Identifier: MIT
//
// test_change.c - changes of a series: where they were planted, and hardly ever where none was.

#include "compare/change.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "support/chance.h"
#include "support/test.h"
#include "workload/random.h"

static const struct change_options standard = {CHANGE_ALPHA, CHANGE_LEAST, CHANGE_PERMUTATIONS, 1};

// About 100, by shares of a hundredth; once in a while far off, as machines are.
static double noisy(struct random *random, double level)
{
    double sum = 0;
    for (int i = 0; i < 12; i++) {
        sum += (double)(random_next(random) >> 11) * 0x1p-53;
    }
    double outlier = random_below(random, 20) == 0 ? 1.1 : 1;
    return level * (1 + (sum - 6) / 100) * outlier;
}

// A level for each so many values; 0 ends.
struct step {
    size_t values;
    double level;
};

static size_t series(struct random *random, const struct step *steps, double *values)
{
    size_t count = 0;
    for (; steps->values > 0; steps++) {
        for (size_t i = 0; i < steps->values; i++) {
            values[count++] = noisy(random, steps->level);
        }
    }
    return count;
}

static void test_nothing_to_find(void **state)
{
    (void)state;
    double same[40];
    struct change changes[40];
    for (size_t i = 0; i < 40; i++) {
        same[i] = 7;
    }
    assert_int_equal(change_points(same, 0, &standard, changes), 0);
    assert_int_equal(change_points(same, 5, &standard, changes), 0);
    assert_int_equal(change_points(same, 40, &standard, changes), 0);
    // All orders of so few are as likely: no p is at most alpha.
    const double few[] = {1, 1.1, 1.2, 9, 9.1, 9.2};
    assert_int_equal(change_points(few, 6, &standard, changes), 0);
}

struct alarms {
    double alpha;
    uint64_t seed;
};

static bool few_alarms(const void *what, size_t tries, double beyond, unsigned look)
{
    const struct alarms *alarms = what;
    const struct step none[] = {{30, 100}, {0, 0}};
    struct change_options options = standard;
    size_t found = 0;
    options.alpha = alarms->alpha;
    options.permutations = 199;
    for (size_t i = 0; i < tries; i++) {
        struct random random;
        double values[30];
        struct change changes[30];
        random_init(&random, alarms->seed, i, look);
        options.seed = i;
        size_t count = series(&random, none, values);
        found += change_points(values, count, &options, changes) > 0;
    }
    size_t most = chance_most(tries, alarms->alpha, beyond);
    if (found > most) {
        print_message("%zu alarms in %zu series at %g; chance gives at most %zu\n", found, tries,
                      alarms->alpha, most);
    }
    // A test that never says yes is none; where chance alone gives none once in 10^8, it does not.
    assert_true(found > 0 || (double)tries * log1p(-alarms->alpha) > log(1e-8));
    return found <= most;
}

// Without a change the chance of one is alpha.
static void test_false_alarms(void **state)
{
    (void)state;
    static const double alphas[] = {0.05, 0.01};
    for (size_t i = 0; i < 2; i++) {
        const struct alarms alarms = {alphas[i], test_seed()};
        assert_true(chance_holds(few_alarms, &alarms, 600 / MEMS_TEST_SCALE));
    }
}

// By sums of fractions.
static void test_bounds(void **state)
{
    (void)state;
    assert_int_equal(chance_most(600, 0.05, 1e-3), 48);
    assert_int_equal(chance_most(600, 0.01, 1e-3), 15);
    assert_int_equal(chance_most(6000, 0.05, 1e-5), 375);
    assert_int_equal(chance_most(6000, 0.01, 1e-5), 96);
    assert_int_equal(chance_most(10, 0.5, 0.01), 9);
    assert_int_equal(chance_most(1, 0.5, 0.01), 1);
}

struct planted {
    const struct step *steps;
    size_t wanted;
    const char *what;
    uint64_t seed;
};

// Six series of ten at the least.
static bool steps_found(const void *what, size_t tries, double beyond, unsigned look)
{
    const struct planted *planted = what;
    const struct step *steps = planted->steps;
    size_t good = 0;
    (void)beyond;
    for (size_t i = 0; i < tries; i++) {
        struct random random;
        double values[CHANGE_MOST];
        struct change changes[CHANGE_MOST];
        random_init(&random, planted->seed, i, look);
        size_t count = series(&random, steps, values);
        size_t found = change_points(values, count, &standard, changes);
        bool right = found == planted->wanted;
        size_t at = 0;
        for (size_t c = 0; right && c < planted->wanted; c++) {
            at += steps[c].values;
            right = llabs((long long)changes[c].at - (long long)at) <= 1;
            right = right && fabs(changes[c].before / steps[c].level - 1) < 0.02;
            right = right && fabs(changes[c].after / steps[c + 1].level - 1) < 0.02;
            assert_true(changes[c].p > 0 && changes[c].p <= standard.alpha);
        }
        good += right ? 1 : 0;
    }
    if (good * 10 < tries * 6) {
        print_message("%s: %zu of %zu series\n", planted->what, good, tries);
    }
    return good * 10 >= tries * 6;
}

// Every step is found near its place, and nothing else, but for a few series by chance.
static void expect_steps(const struct step *steps, size_t wanted, const char *what)
{
    const struct planted planted = {steps, wanted, what, test_seed()};
    assert_true(chance_holds(steps_found, &planted, MEMS_TEST_SCALE > 2 ? 15 : 40));
}

static void test_planted_steps(void **state)
{
    (void)state;
    const struct step one[] = {{20, 100}, {20, 94}, {0, 0}};
    const struct step late[] = {{30, 100}, {4, 85}, {0, 0}};
    const struct step two[] = {{15, 100}, {15, 90}, {15, 97}, {0, 0}};
    const struct step bump[] = {{20, 100}, {8, 90}, {20, 100}, {0, 0}};
    expect_steps(one, 1, "one step");
    expect_steps(late, 1, "a step near the end");
    expect_steps(two, 2, "two steps");
    expect_steps(bump, 2, "a bump");
}

static void test_same_again(void **state)
{
    (void)state;
    const struct step steps[] = {{20, 100}, {20, 94}, {0, 0}};
    struct random random;
    double values[40];
    struct change first[40], second[40];
    random_init(&random, 3, 0, 0);
    size_t count = series(&random, steps, values);
    size_t found = change_points(values, count, &standard, first);
    assert_int_equal(found, 1);
    assert_int_equal(change_points(values, count, &standard, second), found);
    assert_memory_equal(first, second, found * sizeof *first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_to_find), cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_false_alarms),    cmocka_unit_test(test_planted_steps),
        cmocka_unit_test(test_same_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
