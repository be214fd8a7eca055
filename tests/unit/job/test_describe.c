// SPDX-License-Identifier: MIT
//
// test_describe.c - keys for people.

#include <string.h>

#include "job/job.h"
#include "support/test.h"
#include "workload/workload.h"

static char *described(const char *name, size_t *count)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    *count = job_describe(name, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void test_a_key_says_what_it_allows(void **state)
{
    (void)state;
    size_t count;
    char *text = described("runtime", &count);
    assert_int_equal(count, 1);
    assert_string_equal(text, "runtime: how long a cell runs; excludes ops\n"
                              "  kind     a time with its unit: ns us ms s m h; + - * / ( ) as in "
                              "1s/4\n"
                              "  allowed  1ms .. 24h\n"
                              "  default  1s\n"
                              "  sweep    1s,5s or 10ms..50ms+10ms: a section of each\n");
    free(text);
    text = described("order", &count);
    assert_int_equal(count, 1);
    assert_string_equal(text, "workload churn\norder: which block goes\n"
                              "  kind     one word\n"
                              "  allowed  fifo, lifo, random\n"
                              "  default  random\n"
                              "  sweep    words separated by commas: a section of each\n");
    free(text);
    text = described("target", &count);
    assert_non_null(strstr(text, "  sweep    never: a comma is part of the value\n"));
    free(text);
    text = described("note", &count);
    assert_non_null(strstr(text, "; quote one that has a comma\n"));
    free(text);
    text = described("trace", &count);
    assert_non_null(strstr(text, "  default  must be given\n"));
    free(text);
    text = described("nothing", &count);
    assert_int_equal(count, 0);
    assert_string_equal(text, "");
    free(text);
}

// Every key of every table says all five things.
static void test_every_key_is_described(void **state)
{
    (void)state;
    static const char *const lines[] = {"\n  kind     ", "\n  allowed  ", "\n  default  ",
                                        "\n  sweep    "};
    for (const struct job_key *key = job_common_keys; key->name; key++) {
        size_t count;
        char *text = described(key->name, &count);
        assert_true(count >= 1); // a workload may have a row of its own
        for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
            const char *line = strstr(text, lines[i]);
            if (!line || line[strlen(lines[i])] == '\n') {
                fail_msg("help %s lacks%s", key->name, lines[i]);
            }
        }
        free(text);
    }
}

static void test_keys_are_found_by_name(void **state)
{
    (void)state;
    const struct workload *workload;
    assert_string_equal(job_key_find("seed", &workload)->name, "seed");
    assert_null(workload);
    assert_string_equal(job_key_find("rounds", &workload)->name, "rounds");
    assert_string_equal(workload->name, "larson");
    assert_null(job_key_find("nothing", &workload));
    assert_null(workload);
    assert_string_equal(job_key_suggest("round"), "rounds");
    assert_null(job_key_suggest("nothing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_key_says_what_it_allows),
        cmocka_unit_test(test_every_key_is_described),
        cmocka_unit_test(test_keys_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
