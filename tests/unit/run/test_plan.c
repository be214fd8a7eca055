// SPDX-License-Identifier: MIT
//
// test_plan.c - which cells a job comes to, and in which order.

#include "run/plan.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "support/test.h"
#include "workload/workload.h"

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

// Pictures are an engine's: who asks for them elsewhere is told what would be right. Of all
// sections at once ([global]) it is enough that one has some.
static void test_pictures_of_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool warned[2];
    } rows[] = {
        {"[a]\nworkload = churn\ntarget = libc\nmap = 4\n"
         "[b]\nworkload = churn\ntarget = mems:dynamic\nmap = 4\n",
         {true, false}},
        {"[global]\nmap = 4\n[a]\nworkload = churn\ntarget = libc\n"
         "[b]\nworkload = churn\ntarget = null, mems:dynamic\n",
         {false, false}},
        {"[global]\nmap = 4\n[a]\nworkload = churn\ntarget = libc\n"
         "[b]\nworkload = churn\ntarget = null\n",
         {true, true}},
        {"[a]\nworkload = churn\ntarget = libc\n[b]\nworkload = churn\ntarget = null\nmap = 0\n",
         {false, false}},
    };
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        struct job *job = read_job(rows[row].text);
        struct plan *plan = make(job, &(struct plan_options){0});
        for (size_t i = 0; i < 2; i++) {
            char text[400] = "";
            assert_int_equal(plan_map_warning(plan, i, text, sizeof text), rows[row].warned[i]);
            assert_int_equal(strstr(text, "map = 4") != NULL &&
                                 strstr(text, "mems:dynamic") != NULL,
                             rows[row].warned[i]);
        }
        plan_free(plan);
        job_free(job);
    }
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
        assert_true(cell->seed <= INT64_MAX); // a document has it whole
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

// The names of all cells, a bar after each.
static char *names_of(const struct plan *plan)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    for (size_t i = 0; i < plan->cell_count; i++) {
        fprintf(out, "%s|", plan->cells[i].id);
    }
    assert_int_equal(fclose(out), 0);
    return text;
}

// The sections of a sweep are shuffled together, target by target, between the sections around it.
static void test_sweeps_are_interleaved(void **state)
{
    (void)state;
    struct job *job = read_job("[global]\nworkload=churn\ntarget=null,libc\nrepeats=2\n"
                               "[first]\n[sweep]\nthreads=1..4\nsize=16,64\n[last]\n");
    struct plan *plan = make(job, &(struct plan_options){0});
    assert_int_equal(plan->section_count, 10);
    assert_int_equal(plan->cell_count, 2 * 10 * 2);
    bool mixed = false;
    for (size_t i = 0; i < plan->cell_count; i++) {
        size_t section = (size_t)(plan->cells[i].section - plan->sections), at = i % 20;
        assert_int_equal(plan->cells[i].repeat, i / 20);
        assert_int_equal(section == 0, at < 2);
        assert_int_equal(section == 9, at >= 18);
        for (size_t j = i - at; j < i; j++) { // no cell twice
            assert_false(plan->cells[j].section == plan->cells[i].section &&
                         plan->cells[j].target == plan->cells[i].target);
        }
        mixed |= at > 2 && at < 17 && plan->cells[i].section != plan->cells[i - 1].section &&
                 plan->cells[i].section < plan->cells[i - 1].section;
    }
    assert_true(mixed);
    plan_free(plan);
    // By the sweep's name, or by that of one of its sections.
    const char *sweep[] = {"sweep", NULL};
    const char *one[] = {"sweep threads=2 size=64", "last", NULL};
    plan = make(job, &(struct plan_options){.sections = sweep});
    assert_int_equal(plan->section_count, 8);
    plan_free(plan);
    plan = make(job, &(struct plan_options){.sections = one});
    assert_int_equal(plan->section_count, 2);
    plan_free(plan);
    job_free(job);
}

// Everything that is waited for ends before what waits begins, with all its repeats.
static void test_gates_order_the_cells(void **state)
{
    (void)state;
    struct job *job = read_job("[global]\nworkload=churn\ntarget=null\nrepeats=2\n"
                               "[a]\n[b]\n[c]\nwait_for=a\n[d]\n[e]\nwait_for=a\n[f]\n"
                               "wait_for=all\n[g]\n");
    struct plan *plan = make(job, &(struct plan_options){0});
    char *names = names_of(plan);
    assert_string_equal(names, "a/null/0|b/null/0|a/null/1|b/null/1|"
                               "c/null/0|d/null/0|e/null/0|c/null/1|d/null/1|e/null/1|"
                               "f/null/0|g/null/0|f/null/1|g/null/1|");
    assert_true(plan_waits(&plan->sections[2], &plan->sections[0]));
    assert_false(plan_waits(&plan->sections[2], &plan->sections[1]));
    assert_true(plan_waits(&plan->sections[5], &plan->sections[4]));
    assert_false(plan_waits(&plan->sections[5], &plan->sections[6]));
    assert_non_null(strstr(plan->sections[2].text, "wait_for = a\n"));
    free(names);
    plan_free(plan);
    job_free(job);
    // The sections of a sweep wait for what is before the sweep, not for each other.
    job = read_job("[global]\nworkload=churn\ntarget=null\nrepeats=2\n[a]\n[b]\nwait_for=all\n"
                   "threads=1,2\n");
    plan = make(job, &(struct plan_options){0});
    assert_int_equal(plan->cells[1].repeat, 1);
    for (size_t i = 2; i < 6; i++) {
        assert_int_equal(plan->cells[i].repeat, (i - 2) / 2);
    }
    plan_free(plan);
    job_free(job);
    // What is not in the plan is not waited for.
    job = read_job("[global]\nworkload=churn\ntarget=null\n[a]\n[b]\n[c]\nwait_for=a\n");
    const char *alone[] = {"c", NULL};
    plan = make(job, &(struct plan_options){.sections = alone});
    assert_null(strstr(plan->sections[0].text, "wait_for"));
    plan_free(plan);
    job_free(job);
}

static void test_bad_gates(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"none", "test.ini:6:10: wait_for = none: no earlier section or group has that name"},
        {"frist", "wait_for = frist: no earlier section or group has that name; did you mean "
                  "'first'?"},
        {"b", "test.ini:6:10: wait_for = b: the section would wait for itself"},
        {"c", "wait_for = c: that section comes later: only an earlier one can be waited for"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "[global]\nworkload=churn\ntarget=null\n[first]\n[b]\nwait_for=%s\n[c]\n",
                 rows[i][0]);
        struct job *job = read_job(text);
        assert_int_equal(fails(job, &(struct plan_options){0}, rows[i][1]), EINVAL);
        job_free(job);
    }
}

static void test_cells_are_picked_by_name(void **state)
{
    (void)state;
    struct job *job = read_job(job_text_two);
    struct plan *all = make(job, &(struct plan_options){0});
    struct plan *plan = make(job, &(struct plan_options){.filter = "^(one/n|two/libc/[12])"});
    char *names = names_of(plan);
    size_t found = 0;
    assert_int_equal(plan->cell_count, 4 + 2);
    assert_int_equal(plan->sections[0].spec_count, 1);
    assert_string_equal(plan->sections[0].specs[0].name, "null");
    for (size_t i = 0; i < all->cell_count; i++) { // in the order of the whole
        char name[64];
        snprintf(name, sizeof name, "%s|", all->cells[i].id);
        if (strncmp(names + found, name, strlen(name)) == 0) {
            found += strlen(name);
        }
    }
    assert_int_equal(found, strlen(names));
    free(names);
    plan_free(plan);
    for (size_t i = 0; i < all->cell_count; i++) {
        plan = make(job, &(struct plan_options){.only = all->cells[i].id});
        assert_int_equal(plan->section_count, 1);
        assert_int_equal(plan->cell_count, 1);
        assert_string_equal(plan->cells[0].id, all->cells[i].id);
        assert_int_equal(plan->cells[0].seed, all->cells[i].seed);
        assert_string_equal(plan->cells[0].spec->name, all->cells[i].spec->name);
        plan_free(plan);
    }
    assert_int_equal(
        fails(job, &(struct plan_options){.only = "one/lbic/0"}, "did you mean \"one/libc/0\"?"),
        EINVAL);
    assert_int_equal(fails(job, &(struct plan_options){.only = "x"}, "no such cell; --list"),
                     EINVAL);
    assert_int_equal(fails(job, &(struct plan_options){.filter = "("}, "regular expression"),
                     EINVAL);
    assert_int_equal(fails(job, &(struct plan_options){.filter = "three"}, "none of 24 cells"),
                     ENOENT);
    plan_free(all);
    job_free(job);
}

static void test_too_many_cells(void **state)
{
    (void)state;
    struct job *job = read_job("[a]\nworkload=churn\ntarget=null\n[b]\nworkload=churn\n"
                               "target=null,libc\nrepeats=1000\nsize=1..5\n");
    assert_int_equal(fails(job, &(struct plan_options){0},
                           "test.ini:4:1: with section [b size=5] there are more than 10000 cells"),
                     EINVAL);
    job_free(job);
}

// A workload that calls malloc itself, on targets that are not that.
static void test_malloc_of_the_process(void **state)
{
    (void)state;
    struct job *job = read_job("[a]\nworkload=churn\ntarget=libc, ?preload:/nothing.so, null\n");
    struct workload forks = *job->sections[0].workload;
    forks.name = "forks";
    forks.needs_malloc = true;
    job->sections[0].workload = &forks;
    assert_int_equal(fails(job, &(struct plan_options){0},
                           "test.ini:3:8: target = libc, ?preload:/nothing.so, null: workload "
                           "forks calls the malloc of its own process, which null is not: allowed "
                           "are libc and preload:NAME-OR-PATH"),
                     EINVAL);
    const char *engine[] = {"?mems:dynamic", NULL};
    assert_int_equal(fails(job, &(struct plan_options){.targets = engine}, "mems:dynamic is not"),
                     EINVAL);
    const char *good[] = {"libc", "?preload:/nothing.so", NULL};
    plan_free(make(job, &(struct plan_options){.targets = good}));
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
        cmocka_unit_test(test_pictures_of_nothing),
        cmocka_unit_test(test_repeats_are_interleaved),
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_sweeps_are_interleaved),
        cmocka_unit_test(test_gates_order_the_cells),
        cmocka_unit_test(test_bad_gates),
        cmocka_unit_test(test_cells_are_picked_by_name),
        cmocka_unit_test(test_too_many_cells),
        cmocka_unit_test(test_malloc_of_the_process),
        cmocka_unit_test(test_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
