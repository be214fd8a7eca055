// SPDX-License-Identifier: MIT
//
// test_slope.c - the samples of a cell, against the work done by then, as bytes an hour.

#include "run/slope.h"

#include <math.h>

#include "support/chance.h"
#include "support/test.h"
#include "workload/random.h"

#define SECOND UINT64_C(1000000000)

static struct cell_report report;

// A minute of a thousand samples, at a million operations a second; `warmup` seconds before it.
static void draw(unsigned warmup, double settling, double lasting)
{
    report = (struct cell_report){.sample_count = 1000};
    report.warmup_operations = warmup * 1000000u;
    for (unsigned i = 0; i < 1000; i++) {
        struct report_sample *sample = &report.samples[i];
        sample->at_ns = (i + 1) * 60 * SECOND / 1000;
        sample->operations = sample->at_ns / 1000;
        double seconds = (double)sample->at_ns / 1e9 + warmup;
        sample->rss_bytes = (uint64_t)(1e8 + settling * log(seconds) + lasting * seconds);
    }
}

static void test_a_leak(void **state)
{
    (void)state;
    struct trend hourly;
    draw(4, 1e6, 1e5);
    assert_true(slope_of(&report, &hourly));
    assert_true(hourly.low > 0);
    assert_true(fabs(hourly.slope / 3600e5 - 1) < 0.1);
    assert_true(hourly.low <= hourly.slope && hourly.slope <= hourly.high);
}

static void test_what_settles(void **state)
{
    (void)state;
    struct trend hourly;
    draw(4, 1e6, 0);
    assert_true(slope_of(&report, &hourly));
    assert_true(hourly.low <= 0);
    draw(0, 1e6, 0); // it begins with the first operation
    assert_true(slope_of(&report, &hourly));
    assert_true(hourly.low <= 0);
    // The warm-up is work too: without it the same samples are those of a leak.
    draw(60, 1e7, 0);
    assert_true(slope_of(&report, &hourly));
    assert_true(hourly.low <= 0);
    report.warmup_operations = 0;
    assert_true(slope_of(&report, &hourly));
    assert_true(hourly.low > 0);
}

// A machine that is ten times as slow in the first half of the time bends nothing.
static void test_a_machine_slowed_down(void **state)
{
    (void)state;
    struct trend hourly;
    draw(1, 1e6, 0);
    for (unsigned i = 0; i < 1000; i++) {
        struct report_sample *sample = &report.samples[i];
        sample->at_ns = i < 100 ? 5 * sample->at_ns : 30 * SECOND + sample->at_ns / 2;
    }
    assert_true(slope_of(&report, &hourly));
    assert_true(hourly.low <= 0);
}

// What the check's own map has in memory is not the target's.
static void test_the_map(void **state)
{
    (void)state;
    struct trend hourly;
    draw(4, 0, 0);
    for (unsigned i = 0; i < 1000; i++) {
        report.samples[i].map_bytes = i * 10000u;
        report.samples[i].rss_bytes += report.samples[i].map_bytes;
    }
    assert_true(slope_of(&report, &hourly));
    assert_true(hourly.low == 0 && hourly.high == 0);
}

// Six minutes of a heap that breathes by some MB as those of the soak do, errors that last for some
// seconds: growth of `hourly_bytes` beside it.
static void draw_breathing(struct random *random, double hourly_bytes)
{
    double breath = 0;
    draw(15, 1e6, 0);
    for (unsigned i = 0; i < 1000; i++) {
        struct report_sample *sample = &report.samples[i];
        sample->at_ns *= 6;
        sample->operations *= 6;
        double normal = -6;
        for (unsigned n = 0; n < 12; n++) {
            normal += (double)(random_next(random) >> 11) * 0x1p-53;
        }
        breath = 0.97 * breath + 0.243 * 1.5e6 * normal;
        sample->rss_bytes +=
            (uint64_t)(2e7 + breath +
                       hourly_bytes * (double)sample->at_ns / (3600.0 * (double)SECOND));
    }
}

// The upper end is told with 99 % confidence (run/slope.c): what may be wrong of it.
#define WRONG 0.01
#define LIMIT 0x1p28

static bool limit_look(const void *what, size_t tries, double beyond, unsigned look)
{
    size_t missed = 0, passed = 0, most = chance_most(tries, WRONG, beyond);
    struct random random;
    random_init(&random, *(const uint64_t *)what, look, 0);
    for (size_t i = 0; i < tries; i++) {
        struct trend hourly;
        draw_breathing(&random, 0);
        assert_true(slope_of(&report, &hourly));
        missed += hourly.low > 0 || hourly.high > LIMIT;
        draw_breathing(&random, LIMIT);
        assert_true(slope_of(&report, &hourly));
        passed += hourly.low <= 0 && hourly.high <= LIMIT;
    }
    if (missed > most || passed > most) {
        print_message("of %zu: %zu that do not grow are not kept, %zu that do are; %zu may be\n",
                      tries, missed, passed, most);
    }
    return missed <= most && passed <= most;
}

// A limit of 256 MiB an hour is kept by what does not grow, and not by what grows by as much.
static void test_the_limit(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    assert_true(chance_holds(limit_look, &seed, 200 / MEMS_TEST_SCALE));
}

static void test_too_little(void **state)
{
    (void)state;
    struct trend hourly;
    draw(1, 0, 1e5);
    report.sample_count = 0;
    assert_false(slope_of(&report, &hourly));
    report.sample_count = 5;
    assert_false(slope_of(&report, &hourly));
    draw(1, 0, 1e5);
    for (unsigned i = 0; i < 1000; i++) { // nothing is done
        report.samples[i].operations = 0;
    }
    assert_false(slope_of(&report, &hourly));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_leak),
        cmocka_unit_test(test_what_settles),
        cmocka_unit_test(test_a_machine_slowed_down),
        cmocka_unit_test(test_the_map),
        cmocka_unit_test(test_the_limit),
        cmocka_unit_test(test_too_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
