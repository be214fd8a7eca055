// SPDX-License-Identifier: MIT
//
// test_suggest.c - what is near, and what is not.

#include <string.h>

#include "job/job.h"
#include "support/test.h"

static const char *const words[] = {"threads", "ops",     "runtime",           "size",
                                    "verify",  "repeats", "producer-consumer", NULL};

static void test_near_words(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"thread", "threads"},                       // one missing
        {"threadss", "threads"},                     // one too many
        {"htreads", "threads"},                      // swapped neighbours
        {"Threads", "threads"},                      // case
        {"runtiem", "runtime"},                      // swapped
        {"run_time", "runtime"},                     // a mark
        {"op", "ops"},                               // short
        {"producer_consumers", "producer-consumer"}, // long, two
        {"veryfi", "verify"},                        // two of six
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        const char *near = job_suggest(pairs[i][0], words);
        assert_non_null(near);
        assert_string_equal(near, pairs[i][1]);
    }
}

static void test_far_words(void **state)
{
    (void)state;
    char huge[500];
    memset(huge, 'a', sizeof huge - 1);
    huge[sizeof huge - 1] = 0;
    assert_null(job_suggest("colour", words));
    assert_null(job_suggest("x", words));
    assert_null(job_suggest("", words));
    assert_null(job_suggest(huge, words));
    assert_null(job_suggest("sz", words));
}

static void test_the_nearest_wins(void **state)
{
    (void)state;
    static const char *const alike[] = {"slots", "slot", "spots", NULL};
    assert_string_equal(job_suggest("slto", alike), "slot");
    assert_string_equal(job_suggest("spotz", alike), "spots");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_near_words),
        cmocka_unit_test(test_far_words),
        cmocka_unit_test(test_the_nearest_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
