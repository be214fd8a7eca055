// SPDX-License-Identifier: MIT
//
// test_limit.c - the latency limit as it is read, and as it is judged.

#include "run/limit.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support/test.h"

static int read_keys(const char *keys, struct limit *limit, struct complaint *complaint)
{
    char text[512];
    struct job *job;
    *complaint = (struct complaint){{0}};
    snprintf(text, sizeof text, "[s]\nworkload = churn\ntarget = null\n%s", keys);
    if (job_parse(text, strlen(text), "j", "/", &job, complaint) != 0) {
        return EINVAL;
    }
    int error = limit_read(&job->sections[0], limit, complaint);
    job_free(job);
    return error;
}

static void test_read(void **state)
{
    (void)state;
    struct limit limit;
    struct complaint complaint;
    assert_int_equal(read_keys("", &limit, &complaint), 0);
    assert_false(limit.given);
    assert_int_equal(read_keys("latency_limit = free_remote:p99.9<10us\n", &limit, &complaint), 0);
    assert_true(limit.given && !limit.response);
    assert_int_equal(limit.kind, OP_FREE_REMOTE);
    assert_true(fabs(limit.share - 0.999) < 1e-12);
    assert_string_equal(limit.name, "p99.9");
    assert_int_equal(limit.ns, 10000);
    assert_int_equal(read_keys("rate = 5\nlatency_limit = free:p50<1ms\n", &limit, &complaint), 0);
    assert_true(limit.response);
    assert_int_equal(limit.kind, OP_FREE);
}

static void test_bad(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "alloc",       "alloc:p99",      "alloc:99<1us",   "malloc:p99<1us",   "alloc:p99>1us",
        "alloc:p99<1", "alloc:p100<1us", "alloc:p0<1us",   "alloc:p<1us",      "alloc:p99<0",
        "<alloc:p99",  "al:p99<1us",     "alloc:pp99<1us", "alloc:p99<1 us x", "alloc:p99<"};
    struct limit limit;
    struct complaint complaint;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char keys[64];
        snprintf(keys, sizeof keys, "latency_limit = %s\n", bad[i]);
        assert_int_not_equal(read_keys(keys, &limit, &complaint), 0);
        assert_memory_equal(complaint.text, "j:4:17: latency_limit = ", 24);
        assert_non_null(strstr(complaint.text, "as in alloc:p99<10us"));
    }
    assert_int_not_equal(
        read_keys("latency = none\nlatency_limit = alloc:p99<1us\n", &limit, &complaint), 0);
    assert_non_null(strstr(complaint.text, "(latency = none)"));
}

static void test_judged(void **state)
{
    (void)state;
    static struct cell_report report;
    struct limit limit;
    struct complaint complaint;
    histogram_init(&report.latency[OP_ALLOC]);
    histogram_init(&report.response[OP_ALLOC]);
    assert_int_equal(read_keys("latency_limit = alloc:p90<100ns\n", &limit, &complaint), 0);
    assert_false(limit_kept(&limit, &report, &complaint));
    assert_string_equal(complaint.text, "alloc:p90<100ns: no operation of kind alloc was timed");
    for (unsigned i = 0; i < 100; i++) {
        histogram_add(&report.latency[OP_ALLOC], 50);
    }
    assert_true(limit_kept(&limit, &report, &complaint));
    histogram_add(&report.latency[OP_ALLOC], 5000); // a long one, but not the percentile
    assert_true(limit_kept(&limit, &report, &complaint));
    for (unsigned i = 0; i < 20; i++) {
        histogram_add(&report.latency[OP_ALLOC], 120);
    }
    complaint.text[0] = '\0';
    assert_false(limit_kept(&limit, &report, &complaint));
    assert_string_equal(complaint.text, "alloc:p90<100ns: p90 of the service of alloc is 120 ns, "
                                        "over 121 timed operations; the longest was 5 us");
    limit.response = true;
    histogram_add(&report.response[OP_ALLOC], 99);
    assert_true(limit_kept(&limit, &report, &complaint));
    histogram_add(&report.response[OP_ALLOC], 100); // below, not at
    complaint.text[0] = '\0';
    assert_false(limit_kept(&limit, &report, &complaint));
    assert_non_null(strstr(complaint.text, "is not known from 2 timed operations"));
    limit.given = false;
    assert_true(limit_kept(&limit, &report, &complaint));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
