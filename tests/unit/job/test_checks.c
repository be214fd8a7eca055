// SPDX-License-Identifier: MIT
//
// test_checks.c - the key checks: what it means, what it refuses, and that it comes back.

#include <errno.h>
#include <string.h>

#include "job/checks.h"
#include "support/test.h"

#define JOB "[a]\nworkload=churn\ntarget=null\n"

static struct complaint complaint;

static int read_job(const char *keys, struct job **job)
{
    char text[400];
    snprintf(text, sizeof text, JOB "%s", keys);
    complaint = (struct complaint){{0}};
    return job_parse(text, strlen(text), "job", "/folder", job, &complaint);
}

// The checks that such a section makes.
static uint64_t made(const char *keys)
{
    struct job *job = NULL, *back = NULL;
    if (read_job(keys, &job) != 0) {
        fail_msg("%s is refused: %s", keys, complaint.text);
    }
    uint64_t checks = job_checks_of(&job->sections[0]);
    char *written = job_section_text(&job->sections[0]);
    assert_int_equal(job_parse(written, strlen(written), "job", "/folder", &back, NULL), 0);
    assert_true(job_checks_of(&back->sections[0]) == checks);
    free(written);
    job_free(back);
    job_free(job);
    return checks;
}

static uint64_t all_but(uint64_t level, uint64_t off)
{
    return (job_checks_of_level(level) | job_check_bit(JOB_CHECK_INVARIANTS) |
            job_check_bit(JOB_CHECK_CONSERVATION)) &
           ~off;
}

static void test_levels(void **state)
{
    (void)state;
    assert_true(job_checks_of_level(0) == 0);
    for (unsigned level = 1; level <= 4; level++) {
        assert_true((job_checks_of_level(level) & job_checks_of_level(level - 1)) ==
                    job_checks_of_level(level - 1));
        assert_true(job_checks_of_level(level) != job_checks_of_level(level - 1));
    }
    assert_true(job_checks_have(job_checks_of_level(4), JOB_CHECK_OVERLAP));
    assert_false(job_checks_have(job_checks_of_level(3), JOB_CHECK_OVERLAP));
    assert_false(job_checks_have(job_checks_of_level(4), JOB_CHECK_INVARIANTS));
}

static void test_what_is_made(void **state)
{
    (void)state;
    uint64_t calloc = job_check_bit(JOB_CHECK_CALLOC), size = job_check_bit(JOB_CHECK_SIZE);
    uint64_t ends = job_check_bit(JOB_CHECK_INVARIANTS) | job_check_bit(JOB_CHECK_CONSERVATION);
    assert_true(made("") == all_but(1, 0));
    assert_true(made("verify=4\n") == all_but(4, 0));
    assert_true(made("verify=4\nremains=ignore\n") == job_checks_of_level(4));
    assert_true(made("verify=4\nchecks=all\n") == all_but(4, 0));
    assert_true(made("verify=4\nchecks=all,-calloc\n") == all_but(4, calloc));
    assert_true(made("verify=4\nchecks= -calloc , -size\n") == all_but(4, calloc | size));
    assert_true(made("verify=2\nchecks=all,-overlap\n") == all_but(2, 0)); // off anyway
    assert_true(made("verify=4\nchecks=calloc,size\n") == (calloc | size));
    assert_true(made("verify=4\nchecks=calloc,size,-calloc\n") == size);
    assert_true(made("verify=4\nchecks=none,calloc\n") == calloc);
    assert_true(made("verify=4\nchecks=none\n") == 0);
    assert_true(made("verify=0\nchecks=none\n") == 0);
    assert_true(made("verify=0\nchecks=all,-invariants\n") ==
                job_check_bit(JOB_CHECK_CONSERVATION));
    assert_true(made("verify=0\nchecks=invariants,conservation\n") == ends);
    assert_true(made("verify=4\nremains=ignore\nchecks=all,-size\n") ==
                (job_checks_of_level(4) & ~size));
}

static void test_what_is_off(void **state)
{
    (void)state;
    static const struct {
        const char *keys, *off;
    } rows[] = {
        {"verify=4\n", ""},
        {"verify=4\nchecks=all,-size,-null\n", "null, size"},
        {"verify=1\nchecks=all,-overlap\n", ""}, // nothing that verify would have made
        {"verify=0\nchecks=none\n", "invariants, conservation"},
        {"verify=0\nchecks=none\nremains=ignore\n", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct job *job = NULL;
        char off[80];
        assert_int_equal(read_job(rows[i].keys, &job), 0);
        job_checks_off(&job->sections[0], off, sizeof off);
        assert_string_equal(off, rows[i].off);
        job_checks_off(&job->sections[0], off, 7); // cut
        assert_true(strlen(off) < 7 && strncmp(off, rows[i].off, strlen(off)) == 0);
        job_free(job);
    }
}

static void test_what_is_refused(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"checks=all,-caloc\n",
         "job:4:8: checks = all,-caloc: there is no 'caloc', allowed is all, none, or of "
         "these, as in all,-null: null, alignment, size, calloc, "},
        {"checks=all,-caloc\n", "did you mean 'calloc'?"},
        {"checks=-all\n", "there is no 'all'"},
        {"checks=all,,size\n", "an empty piece"},
        {"checks=\n", "checks"},
        {"verify=0\nchecks=all,-calloc\n",
         "job:5:8: checks = all,-calloc: verify = 0 makes none of these checks"},
        {"verify=0\nchecks=calloc\n", "leave checks out, or verify = 1"},
        {"verify=3\nchecks=overlap\n",
         "verify = 3 makes none of these checks of blocks: leave checks out, or "
         "verify = 4"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct job *job = NULL;
        assert_int_equal(read_job(rows[i][0], &job), EINVAL);
        if (strstr(complaint.text, rows[i][1]) == NULL) {
            fail_msg("%s: %s, not %s", rows[i][0], complaint.text, rows[i][1]);
        }
    }
}

static void test_no_sweep(void **state)
{
    (void)state;
    struct job *job = NULL;
    assert_int_equal(read_job("verify=1,4\nchecks=all,-size,-null\n", &job), 0);
    assert_int_equal(job->section_count, 2);
    job_free(job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),      cmocka_unit_test(test_what_is_made),
        cmocka_unit_test(test_what_is_off), cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_no_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
