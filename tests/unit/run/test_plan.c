// SPDX-License-Identifier: MIT
//
// test_plan.c - which cells a job comes to, and in which order.

#include "run/plan.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "support/test.h"

static const char job_text_two[] = "[global]\n"
                                   "target = null, libc, mems:dynamic\n"
                                   "repeats = 4\n"
                                   "[one]\nworkload = churn\nthreads = 2\n"
                                   "[two]\nworkload = churn\nseed = 9\n";

static struct job *read_job(const char *text)
{
    struct job *job;
    struct complaint complaint = {{0}};
    if (job_parse(text, strlen(text), "test.ini", "/", &job, &complaint) != 0) {
        fail_msg("%s", complaint.text);
    }
    return job;
}

static struct plan *make(const struct job *job, const struct plan_options *options)
{
    struct plan *plan;
    struct complaint complaint = {{0}};
    if (plan_make(job, "mems-stress run test.ini", options, &plan, &complaint) != 0) {
        fail_msg("%s", complaint.text);
    }
    return plan;
}

static int fails(const struct job *job, const struct plan_options *options, const char *text)
{
    struct plan *plan;
    struct complaint complaint = {{0}};
    int error = plan_make(job, "mems-stress run test.ini", options, &plan, &complaint);
    if (strstr(complaint.text, text) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", complaint.text, text);
    }
    return error;
}

static void test_repeats_are_interleaved(void **state)
{
    (void)state;
    struct job *job = read_job(job_text_two);
    struct plan *plan = make(job, &(struct plan_options){0});
    assert_int_equal(plan->section_count, 2);
    assert_int_equal(plan->cell_count, 2 * 3 * 4);
    bool differs = false;
    for (size_t i = 0; i < plan->cell_count; i += 3) {
        unsigned seen = 0;
        for (size_t j = i; j < i + 3; j++) {
            const struct cell *cell = &plan->cells[j];
            assert_ptr_equal(cell->section, &plan->sections[i / 3 % 2]);
            assert_int_equal(cell->repeat, i / 6);
            seen |= 1u << cell->target;
            differs |= cell->target != j - i;
        }
        assert_int_equal(seen, 7); // each target once a repeat
    }
    assert_true(differs);
    plan_free(plan);
    job_free(job);
}

static void test_seeds(void **state)
{
    (void)state;
    struct job *job = read_job(job_text_two);
    struct plan *plan = make(job, &(struct plan_options){0});
    struct plan *again = make(job, &(struct plan_options){0});
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *cell = &plan->cells[i];
        assert_int_equal(cell->seed, again->cells[i].seed);
        assert_int_equal(cell->target, again->cells[i].target);
        // All targets of a repeat do the same; another repeat does something else.
        for (size_t j = 0; j < i; j++) {
            const struct cell *other = &plan->cells[j];
            if (other->section == cell->section) {
                assert_int_equal(other->seed == cell->seed, other->repeat == cell->repeat);
            }
        }
        // The command names the cell.
        char only[64];
        snprintf(only, sizeof only, "mems-stress run test.ini --only %s", cell->id);
        assert_string_equal(cell->rerun, only);
    }
    assert_int_equal(plan->sections[1].seed, 9);
    plan_free(plan);
    plan_free(again);
    plan = make(job, &(struct plan_options){.seeded = true, .seed = 77, .repeats = 1});
    assert_int_equal(plan->cell_count, 6);
    assert_int_equal(plan->cells[5].seed, 77);
    plan_free(plan);
    job_free(job);
}

static void test_choice(void **state)
{
    (void)state;
    struct job *job = read_job(job_text_two);
    const char *sections[] = {"two", NULL};
    const char *targets[] = {"mems:fixed", "?preload:nobody", NULL};
    struct plan *plan = make(job, &(struct plan_options){.sections = sections, .targets = targets});
    assert_int_equal(plan->section_count, 1);
    assert_int_equal(plan->cell_count, 8);
    for (size_t i = 0; i < plan->cell_count; i++) {
        bool missing = plan->cells[i].target == 1;
        assert_int_equal(plan->cells[i].verdict, missing ? CELL_SKIPPED : CELL_WAITING);
    }
    plan_free(plan);
    const char *unknown[] = {"tow", NULL};
    const char *nobody[] = {"preload:nobody", NULL};
    const char *twice[] = {"null", "libc", "null", NULL};
    assert_int_equal(
        fails(job, &(struct plan_options){.sections = unknown}, "did you mean \"two\""), EINVAL);
    assert_int_equal(fails(job, &(struct plan_options){.targets = nobody}, "libnobody"), ENOENT);
    assert_int_equal(fails(job, &(struct plan_options){.targets = twice}, "twice"), EINVAL);
    job_free(job);
    job = read_job("[a]\nworkload = churn\ntarget = null, lib\n");
    assert_int_equal(fails(job, &(struct plan_options){0}, "test.ini:3:"), EINVAL);
    job_free(job);
}

static void test_quotes(void **state)
{
    (void)state;
    char quoted[64];
    plan_quote("jobs/a.ini", quoted, sizeof quoted);
    assert_string_equal(quoted, "jobs/a.ini");
    plan_quote("mems:dynamic(fit=best)", quoted, sizeof quoted);
    assert_string_equal(quoted, "'mems:dynamic(fit=best)'");
    plan_quote("a b", quoted, sizeof quoted);
    assert_string_equal(quoted, "'a b'");
    plan_quote("it's", quoted, sizeof quoted);
    assert_string_equal(quoted, "'it'\\''s'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_repeats_are_interleaved),
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
