// SPDX-License-Identifier: MIT
//
// test_lesson.c - exercises as rows, runs with both totals, access times as the engine's model has
// them.

#include <errno.h>
#include <mems/engine.h>
#include <string.h>

#include "job/complaint.h"
#include "lesson/exercise.h"
#include "lesson/run.h"
#include "support/test.h"
#include "trace/trace.h"

// ---- rows ---------------------------------------------------------------------------------------

static void test_rows(void **state)
{
    (void)state;
    const struct exercise *exercise;
    size_t i = 0;
    for (; (exercise = exercise_at(i)) != NULL; i++) {
        assert_ptr_equal(exercise_find(exercise->name), exercise); // no name twice
        assert_true(exercise->title[0] != '\0' && exercise->question[0] != '\0');
        assert_true(exercise_runs(exercise) > 0 && exercise_runs(exercise) < EXERCISE_RUNS);
        if (exercise->kind == EXERCISE_TRACE) {
            struct complaint complaint = {""};
            struct trace *trace;
            if (exercise_trace(exercise, &trace, &complaint) != 0) {
                fail_msg("%s", complaint.text);
            }
            trace_free(trace);
        }
    }
    assert_true(i >= 20);
    assert_null(exercise_find("nothing"));
    assert_string_equal(exercise_near("beladi"), "belady");
    assert_null(exercise_near("something else"));
}

// An access to a block that the trace does not have is no exercise.
static void test_accesses(void **state)
{
    (void)state;
    struct exercise exercise = {.name = "t", .input = "alloc P/a 10\n", .accesses = "P/a 3; P/b 3"};
    struct complaint complaint = {""};
    struct trace *trace;
    assert_int_equal(exercise_trace(&exercise, &trace, &complaint), EINVAL);
    assert_non_null(strstr(complaint.text, "P/b 3"));
    exercise.accesses = "P/a 3; P/a 30"; // past its end: that is what accesses are for
    assert_int_equal(exercise_trace(&exercise, &trace, &complaint), 0);
    assert_int_equal(trace->op_count, 3);
    assert_int_equal(trace->ops[2].size, 30);
    trace_free(trace);
}

// ---- runs ---------------------------------------------------------------------------------------

static void test_totals(void **state)
{
    (void)state;
    struct references references;
    struct faults_choice *choices;
    struct complaint complaint = {""};
    struct lesson_run run;
    size_t count;
    const char *text = "7 0 1 2 0 3 0 4";
    assert_int_equal(references_parse(text, strlen(text), "t", &references, &complaint), 0);
    assert_int_equal(faults_choose("clock", &choices, &count, &complaint), 0);
    assert_int_equal(lesson_run_references(&run, &references, &choices[0], 3, 1, &complaint), 0);
    assert_int_equal(run.count, 8);
    assert_int_equal(run.faults, 6);
    assert_int_equal(run.initial, 3);
    assert_string_equal(run.name, "clock, 3 frames");
    assert_string_equal(run.answer, "6 faults, 3 without the first loads");
    const struct lesson_step *step = &run.steps[3];
    assert_string_equal(step->operation, "page 2");
    assert_string_equal(step->text, "fault, in place of 7, into frame 0");
    assert_true(step->fault && !step->initial && step->cells[0].r && !step->cells[1].r);
    assert_int_equal(step->hand, 1);
    lesson_run_fini(&run);
    free(choices);
    references_fini(&references);
}

// ---- access times -------------------------------------------------------------------------------

// One page after the other of `pages`, each as often as `each`: the engine's own figure.
static uint64_t engine_ns(const char *options, unsigned pages, unsigned each)
{
    const struct mems_config config = {.policy = "vm-paging", .options = options};
    struct mems_engine *engine;
    struct mems_space *space;
    struct mems_stats stats;
    mems_addr block;
    assert_int_equal(mems_engine_open(&config, &engine), 0);
    assert_int_equal(mems_space_open(engine, &space), 0);
    assert_int_equal(mems_alloc(space, (size_t)pages * 64, 0, &block), 0);
    for (unsigned i = 0; i < pages * each; i++) {
        unsigned char byte;
        assert_int_equal(mems_read(space, block + (uint64_t)(i / each) * 64, &byte, 1), 0);
    }
    assert_int_equal(mems_snapshot(engine, &stats), 0);
    mems_engine_close(engine);
    return stats.eat_ns;
}

static void test_access_times(void **state)
{
    (void)state;
    struct complaint complaint = {""};
    struct lesson_run run;
    // A TLB of one entry misses at the first reference to each page: one of five, one of fifty.
    // That reference is a fault as well, which the engine's figure has in it, by the other formula.
    static const unsigned each[] = {5, 50};
    for (size_t i = 0; i < 2; i++) {
        double tlb, service = 1000, p = 1.0 / each[i];
        uint64_t ns = engine_ns("thread_cache=no,page=64,frames=16,tlb_entries=1,tlb_ns=20,"
                                "memory_ns=100,table_levels=1,fault_ns=1000",
                                8, each[i]);
        assert_int_equal(lesson_run_time(&run, "t", exercise_time_at(i), &complaint), 0);
        assert_int_equal(sscanf(run.answer, "%lf ns", &tlb), 1);
        assert_float_equal((float)ns, (float)((1 - p) * tlb + p * service), 1);
        lesson_run_fini(&run);
    }
    assert_null(exercise_time_at(3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_accesses),
        cmocka_unit_test(test_totals),
        cmocka_unit_test(test_access_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
