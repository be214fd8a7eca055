// SPDX-License-Identifier: MIT
//
// test_stream.c - streams of references: what they may be called, and what they give.

#include "workload/stream.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "support/test.h"

static struct random numbers;

static void open_stream(struct stream *stream, struct stream_place *place, const char *text,
                        uint64_t count)
{
    struct stream_form form;
    struct complaint complaint = {""};
    if (stream_parse(text, &form, &complaint) != 0) {
        fail_msg("%s: %s", text, complaint.text);
    }
    stream_open(stream, &form, count, 5);
    stream_start(stream, place, 0, 1);
    random_init(&numbers, 17, 0, 0);
}

static void test_what_is_no_stream(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",         "zip",        "scan:3",     "loop",     "loop:",    "loop:0",
        "loop:x",   "zipf",       "zipf:",      "zipf:-1",  "zipf:nan", "zipf:11",
        "phases:5", "phases:0,1", "phases:5,0", "phases:,", "uniform ", "trace:x"};
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct stream_form form;
        struct complaint complaint = {""};
        assert_int_equal(stream_parse(bad[i], &form, &complaint), EINVAL);
        assert_non_null(strstr(complaint.text, "expected one of " STREAM_FORMS));
    }
}

static void test_scan_and_loop(void **state)
{
    (void)state;
    struct stream stream;
    struct stream_place place;
    open_stream(&stream, &place, "scan", 7);
    for (unsigned i = 0; i < 30; i++) {
        assert_int_equal(stream_next(&stream, &place, &numbers), i % 7);
    }
    open_stream(&stream, &place, "loop:3", 7);
    for (unsigned i = 0; i < 30; i++) {
        assert_int_equal(stream_next(&stream, &place, &numbers), i % 3);
    }
}

static void test_trace_from_evenly_spread_places(void **state)
{
    (void)state;
    static const uint64_t pages[] = {4, 2, 0, 1, 3, 2, 2, 0};
    struct stream stream;
    struct stream_place place;
    open_stream(&stream, &place, "trace", 5);
    stream.trace = pages;
    stream.trace_length = 8;
    for (unsigned reader = 0; reader < 3; reader++) {
        stream_start(&stream, &place, reader, 3);
        for (unsigned i = 0; i < 20; i++) {
            assert_int_equal(stream_next(&stream, &place, &numbers),
                             pages[(8 * reader / 3 + i) % 8]);
        }
    }
}

// Pearson's statistic of the counts by popularity against 1/k^S: 99 degrees of freedom, whose
// 99.999 % point is 170. The seed is fixed: always or never.
static void check_zipf(const char *text, double exponent)
{
    enum { THINGS = 100 };
    unsigned counts[THINGS] = {0}, draws = 2000000 / MEMS_TEST_SCALE;
    struct stream stream;
    struct stream_place place;
    double total = 0, statistic = 0;
    open_stream(&stream, &place, text, THINGS);
    for (unsigned i = 0; i < draws; i++) {
        counts[stream_next(&stream, &place, &numbers)]++;
    }
    bool seen[THINGS] = {false};
    for (unsigned k = 1; k <= THINGS; k++) {
        total += pow(k, -exponent);
        assert_true(stream.thing_of[k - 1] < THINGS && !seen[stream.thing_of[k - 1]]);
        seen[stream.thing_of[k - 1]] = true;
    }
    for (unsigned k = 1; k <= THINGS; k++) {
        double expected = draws * pow(k, -exponent) / total;
        double off = counts[stream.thing_of[k - 1]] - expected;
        statistic += off * off / expected;
    }
    if (statistic > 170) {
        fail_msg("%s: Pearson's statistic is %g", text, statistic);
    }
}

static void test_zipf(void **state)
{
    (void)state;
    check_zipf("zipf:0", 0);
    check_zipf("zipf:0.8", 0.8);
    check_zipf("zipf:1", 1);
    check_zipf("zipf:1.3", 1.3);
}

static void test_uniform(void **state)
{
    (void)state;
    unsigned counts[50] = {0}, draws = 1000000 / MEMS_TEST_SCALE;
    double statistic = 0;
    struct stream stream;
    struct stream_place place;
    open_stream(&stream, &place, "uniform", 50);
    for (unsigned i = 0; i < draws; i++) {
        counts[stream_next(&stream, &place, &numbers)]++;
    }
    for (unsigned i = 0; i < 50; i++) {
        double expected = draws / 50.0;
        statistic += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    assert_true(statistic < 103); // 49 degrees of freedom, 99.999 %
}

// Phases of 1,000 references on average: within one, N neighbours (around the end) are used alike.
static void test_phases(void **state)
{
    (void)state;
    struct stream stream;
    struct stream_place place;
    open_stream(&stream, &place, "phases:10,1000", 100);
    unsigned phases = 0, draws = 2000000 / MEMS_TEST_SCALE;
    double squares = 0, length = 0;
    for (unsigned i = 0; i < draws; i++) {
        phases += place.left == 0;
        if (place.left == 0 && i > 0) {
            squares += length * length;
            length = 0;
        }
        uint64_t thing = stream_next(&stream, &place, &numbers);
        assert_true((thing + 100 - place.at) % 100 < 10);
        length++;
    }
    // Mean 1000, and as wide as that (geometric): five standard errors, and the same for squares.
    double mean = (double)draws / phases, second = squares / phases;
    assert_true(fabs(mean - 1000) < 5 * 1000 / sqrt(phases));
    assert_true(fabs(second - 2e6) < 5 * sqrt(20) * 1e6 / sqrt(phases));
    // Of one reference each: a new place every time.
    open_stream(&stream, &place, "phases:1,1", 100);
    for (unsigned i = 0; i < 100; i++) {
        stream_next(&stream, &place, &numbers);
        assert_int_equal(place.left, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_no_stream),
        cmocka_unit_test(test_scan_and_loop),
        cmocka_unit_test(test_trace_from_evenly_spread_places),
        cmocka_unit_test(test_zipf),
        cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_phases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
