// SPDX-License-Identifier: MIT
//
// test_compare.c - what is compared with what, what is refused, and what it all comes to.

#include "compare/compare.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "job/job.h"
#include "support/test.h"
#include "workload/random.h"

static const struct compare_options standard = {.judge = {0.05, 0.05, 1}};

// Two sections of one target each, so many repeats, and a rate about `rate`.
static void make(struct measured *measured, const char *name, unsigned repeats, double rate)
{
    static const char *const names[] = {"churn", "larson"};
    measured_init(measured, name, 2, 2 * (size_t)repeats);
    for (size_t s = 0; s < 2; s++) {
        struct measured_section *section = &measured->sections[s];
        section->name = measured_copy(names[s]);
        section->workload = measured_copy(names[s]);
        section->version = 2;
        section->threads = 4;
        section->values = measured_zeroed(3, sizeof *section->values);
        section->values[0] = (struct measured_value){measured_copy("size"), measured_copy("64")};
        section->values[1] = (struct measured_value){measured_copy("seed"), measured_copy(name)};
        section->values[2] = (struct measured_value){measured_copy("ops"), measured_copy("1k")};
        section->value_count = 3;
        for (unsigned r = 0; r < repeats; r++) {
            struct measured_cell *cell = &measured->cells[s * repeats + r];
            cell->section = s;
            cell->target = measured_copy("libc");
            cell->repeat = repeats - 1 - r;
            cell->verdict = CELL_PASS;
            cell->known = true;
            for (size_t m = 0; m < METRIC_ALL; m++) {
                cell->metric[m] = NAN;
            }
            cell->metric[METRIC_RATE] = rate + r % 3;
        }
    }
}

static void set(char **text, const char *to)
{
    free(*text);
    *text = measured_copy(to);
}

static enum verdict_outcome outcome(const struct measured *a, const struct measured *b,
                                    const char *reason, size_t rows, size_t refused)
{
    struct comparison comparison;
    struct complaint complaint = {{0}};
    if (compare_results(a, b, &standard, &comparison, &complaint) != 0) {
        fail_msg("%s", complaint.text);
    }
    enum verdict_outcome found = compare_outcome(&comparison);
    assert_int_equal(comparison.row_count, rows);
    assert_int_equal(comparison.refused, refused);
    bool said = reason == NULL;
    for (size_t i = 0; i < comparison.note_count; i++) {
        said |= reason != NULL && strstr(comparison.notes[i].reason, reason) != NULL;
    }
    for (size_t i = 0; i < comparison.row_count; i++) {
        said |= reason != NULL && strstr(comparison.rows[i].result.reason, reason) != NULL;
    }
    if (!said) {
        fail_msg("nobody says \"%s\", but: %s", reason,
                 comparison.note_count > 0 ? comparison.notes[0].reason : "nothing");
    }
    compare_fini(&comparison);
    return found;
}

static void test_outcomes(void **state)
{
    (void)state;
    struct measured a, same, slower, few;
    make(&a, "a", 8, 1000);
    make(&same, "b", 8, 1000.5);
    make(&slower, "c", 8, 800);
    make(&few, "d", 4, 1000);
    assert_int_equal(outcome(&a, &same, NULL, 2, 0), VERDICT_SAME);
    assert_int_equal(outcome(&a, &slower, NULL, 2, 0), VERDICT_REGRESSED);
    assert_int_equal(outcome(&slower, &a, NULL, 2, 0), VERDICT_SAME);
    assert_int_equal(outcome(&a, &few, "5 are the least", 2, 0), VERDICT_INCONCLUSIVE);
    measured_fini(&a);
    measured_fini(&same);
    measured_fini(&slower);
    measured_fini(&few);
}

static void test_what_does_not_fit(void **state)
{
    (void)state;
    static const struct {
        const char *reason;
    } cases[] = {{"version 2 in A, 3 in B"},
                 {"threads are 4 in A, 8 in B"},
                 {"workload is churn in A, other in B"},
                 {"size is \"64\" in A, \"128\" in B"},
                 {"touch is \"first\" in A, \"full\" in B"},
                 {"only in A"},
                 {"repeat 7 of B: crashed"},
                 {"repeat 6 of B: incomplete"},
                 {"there twice"},
                 {"no figures"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct measured a, b;
        make(&a, "a", 8, 1000);
        make(&b, "b", 8, 1000);
        struct measured_section *section = &b.sections[0];
        struct measured_cell *cells = b.cells;
        switch (i) {
        case 0:
            section->version = 3;
            break;
        case 1:
            section->threads = 8;
            break;
        case 2:
            set(&section->workload, "other");
            break;
        case 3:
            set(&section->values[0].text, "128");
            break;
        case 4: // a key that A's version did not have
            set(&section->values[1].key, "touch");
            set(&section->values[1].text, "full");
            break;
        case 5:
            for (size_t c = 0; c < 8; c++) {
                set(&cells[c].target, "null");
            }
            break;
        case 6:
            cells[0].verdict = CELL_CRASHED;
            break;
        case 7:
            cells[1].verdict = CELL_INCOMPLETE;
            break;
        case 8:
            cells[2].repeat = cells[3].repeat;
            break;
        default:
            cells[4].known = false;
        }
        assert_int_equal(outcome(&a, &b, cases[i].reason, 1, 1), VERDICT_REFUSED);
        // What does not depend on how cells end is known before they run.
        struct complaint complaint = {{0}};
        const struct compare_options options = {.judge = {.alpha = 0.05}};
        for (size_t c = 0; c < 8; c++) {
            cells[c].verdict = CELL_WAITING;
            cells[c].known = false;
            cells[c].repeat = (unsigned)c;
        }
        assert_int_equal(compare_check(&a, &b, &options, &complaint), i < 6 ? EINVAL : 0);
        assert_true(i >= 6 ? complaint.text[0] == '\0'
                           : strstr(complaint.text, cases[i].reason) != NULL);
        measured_fini(&a);
        measured_fini(&b);
    }
}

static void test_what_is_left_out(void **state)
{
    (void)state;
    struct measured a, b;
    make(&a, "a", 8, 1000);
    make(&b, "b", 8, 1000);
    // A key that A's version did not have, with its default; a section of other name; a skipped
    // one.
    set(&b.sections[0].values[1].key, "touch");
    set(&b.sections[0].values[1].text, "first");
    assert_int_equal(outcome(&a, &b, NULL, 2, 0), VERDICT_SAME);
    set(&b.sections[1].name, "another");
    assert_int_equal(outcome(&a, &b, "only in B", 1, 1), VERDICT_REFUSED);
    assert_int_equal(outcome(&a, &b, "only in A", 1, 1), VERDICT_REFUSED);
    // ... but where it is known to have been left out.
    static const char text[] = "[larson]\nworkload = larson\ntarget = null\n";
    struct compare_options chosen = standard;
    struct comparison part;
    struct complaint why = {{0}};
    struct job *job;
    assert_int_equal(job_parse(text, strlen(text), "job", "/", &job, &why), 0);
    chosen.whole = job;
    assert_int_equal(compare_results(&a, &b, &chosen, &part, &why), 0);
    assert_int_equal(compare_outcome(&part), VERDICT_SAME);
    assert_int_equal(part.notes[0].kind, COMPARE_LEFT_OUT);
    compare_fini(&part);
    job_free(job);
    set(&b.sections[1].name, "larson");
    for (size_t i = 8; i < 16; i++) {
        b.cells[i].verdict = CELL_SKIPPED;
        b.cells[i].known = false;
    }
    assert_int_equal(outcome(&a, &b, "skipped in B", 1, 0), VERDICT_SAME);
    set(&b.sections[0].name, "this");
    set(&b.sections[1].name, "that");
    struct comparison comparison;
    struct complaint complaint = {{0}};
    assert_int_equal(compare_results(&a, &b, &standard, &comparison, &complaint), EINVAL);
    assert_string_equal(complaint.text, "a and b have nothing in common that could be compared");
    measured_fini(&a);
    measured_fini(&b);
}

static void test_unsteady_and_unknown(void **state)
{
    (void)state;
    struct measured a, b;
    make(&a, "a", 8, 1000);
    make(&b, "b", 8, 500);
    b.cells[0].verdict = CELL_UNSTEADY;
    a.cells[9].metric[METRIC_RATE] = NAN;
    assert_int_equal(outcome(&a, &b, "did not become steady in 1 of 16", 2, 0),
                     VERDICT_INCONCLUSIVE);
    assert_int_equal(outcome(&a, &b, "not known in 1 of 16", 2, 0), VERDICT_INCONCLUSIVE);
    measured_fini(&a);
    measured_fini(&b);
}

static void test_two_targets(void **state)
{
    (void)state;
    struct measured measured;
    struct comparison comparison;
    struct complaint complaint = {{0}};
    make(&measured, "a", 16, 1000);
    // The odd repeats of the first section become another target, 10 % slower, with the same
    // repeats as the even ones.
    for (size_t i = 0; i < 16; i++) {
        struct measured_cell *cell = &measured.cells[i];
        if (i % 2 == 1) {
            set(&cell->target, "mems:dynamic(fit=best,arenas=2)");
            cell->metric[METRIC_RATE] *= 0.9;
        }
        cell->repeat /= 2;
    }
    assert_int_equal(compare_targets(&measured, "libc", "mems:dynamic(fit=best,arenas=2)",
                                     &standard, &comparison, &complaint),
                     0);
    assert_int_equal(comparison.row_count, 1);
    assert_true(comparison.rows[0].sides.paired);
    assert_int_equal(comparison.rows[0].result.verdict, JUDGE_REGRESSED);
    assert_int_equal(comparison.note_count, 1); // larson has only one of them
    assert_int_equal(compare_outcome(&comparison), VERDICT_REGRESSED);
    compare_fini(&comparison);
    measured.cells[1].repeat = 99;
    assert_int_equal(compare_targets(&measured, "libc", "mems:dynamic(fit=best,arenas=2)",
                                     &standard, &comparison, &complaint),
                     0);
    assert_int_equal(compare_outcome(&comparison), VERDICT_REFUSED);
    compare_fini(&comparison);
    assert_int_equal(
        compare_targets(&measured, "libc", "nobody", &standard, &comparison, &complaint), EINVAL);
    assert_non_null(strstr(complaint.text, "nobody"));
    measured_fini(&measured);
}

// ---- files ---------------------------------------------------------------------------------

static void name_file(struct measured *measured, const char *path, const char *sha256)
{
    struct measured_section *section = &measured->sections[0];
    set(&section->values[2].key, "distribution");
    set(&section->values[2].text, path);
    section->files = measured_zeroed(1, sizeof *section->files);
    section->files[0] = (struct measured_file){measured_copy("distribution"), measured_copy(path),
                                               measured_copy(sha256)};
    section->file_count = 1;
}

static void test_files(void **state)
{
    (void)state;
    static const struct {
        const char *path_a, *hash_a, *path_b, *hash_b, *reason;
        size_t refused;
    } cases[] = {
        {"d.txt", "0123456789abcdef", "/elsewhere/d.txt", "0123456789abcdef", NULL, 0},
        {"d.txt", "0123456789abcdef", "d.txt", "fedcba9876543210", "the file of distribution is",
         1},
        {"d.txt", "", "d.txt", "0123456789abcdef", "is unknown: no SHA-256 of it in A", 0},
        {"d.txt", "0123456789abcdef", "d.txt", "", "is unknown: no SHA-256 of it in B", 0},
        {"d.txt", "", "d.txt", "", "is unknown: no SHA-256 of it in either", 0},
        {"d.txt", "", "e.txt", "0123456789abcdef", "hold the same is unknown", 1},
        {"d.txt", "0123456789abcdef", "", "", "distribution is \"d.txt\" in A, \"\" in B", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct measured a, b;
        make(&a, "a", 8, 1000);
        make(&b, "b", 8, 1000);
        name_file(&a, cases[i].path_a, cases[i].hash_a);
        name_file(&b, cases[i].path_b, cases[i].hash_b);
        outcome(&a, &b, cases[i].reason, 2 - cases[i].refused, cases[i].refused);
        measured_fini(&a);
        measured_fini(&b);
    }
}

// ---- figures that are missing --------------------------------------------------------------

static void fill_metric(struct measured *measured, enum metric_index metric, double value,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        measured->cells[i].metric[metric] = value + (double)(i % 3);
    }
}

static void test_lost(void **state)
{
    (void)state;
    static const struct {
        enum metric_index metric;
        size_t known_a, known_b, rows, refused;
        const char *reason;
    } cases[] = {
        {METRIC_CPU, 8, 0, 2, 1, "cpu_ns_per_op is known in all of A, and in 0 of 8 cells of B"},
        {METRIC_CPU, 8, 5, 2, 1, "in 5 of 8 cells of B"},
        {METRIC_CPU, 5, 8, 3, 0, "not known in 3 of 16 cells"},
        {METRIC_CPU, 0, 8, 2, 0, "cpu_ns_per_op is not known in A"},
        {METRIC_ALLOC_P99, 8, 0, 2, 1, "it was lost"},
        {METRIC_ALLOC_P99, 8, 8, 3, 0, NULL},
        // By chance no thread freed what another had allocated.
        {METRIC_REMOTE_P99, 8, 6, 3, 0, "not known in 2 of 16 cells"},
        {METRIC_REMOTE_P99, 3, 0, 2, 0, "free_remote_p99_ns is not known in B"},
        {METRIC_REMOTE_P99, 0, 0, 2, 0, NULL},
        {METRIC_RESPONSE_P99, 8, 8, 3, 0, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct measured a, b;
        make(&a, "a", 8, 1000);
        make(&b, "b", 8, 1000);
        fill_metric(&a, cases[i].metric, 500, cases[i].known_a);
        fill_metric(&b, cases[i].metric, 500, cases[i].known_b);
        outcome(&a, &b, cases[i].reason, cases[i].rows, cases[i].refused);
        measured_fini(&a);
        measured_fini(&b);
    }
}

static void test_latency_is_judged(void **state)
{
    (void)state;
    struct measured a, b;
    make(&a, "a", 8, 1000);
    make(&b, "b", 8, 1000);
    fill_metric(&a, METRIC_FREE_P99, 200, 8);
    fill_metric(&b, METRIC_FREE_P99, 2000, 8);
    assert_int_equal(outcome(&a, &b, NULL, 3, 0), VERDICT_REGRESSED);
    measured_fini(&a);
    measured_fini(&b);
}

// ---- together ------------------------------------------------------------------------------

// Six rows of each of four metrics, 5 repeats a side: a slow-down is found in its metric, whatever
// else is measured.
static void test_families(void **state)
{
    (void)state;
    struct measured a, b;
    struct comparison comparison;
    struct complaint complaint = {{0}};
    struct measured *const both[] = {&a, &b};
    for (size_t side = 0; side < 2; side++) {
        struct measured *measured = both[side];
        measured_init(measured, side == 0 ? "a" : "b", 6, 30);
        for (size_t s = 0; s < 6; s++) {
            char name[8];
            snprintf(name, sizeof name, "s%zu", s);
            measured->sections[s].name = measured_copy(name);
            measured->sections[s].workload = measured_copy("churn");
            for (unsigned r = 0; r < 5; r++) {
                struct measured_cell *cell = &measured->cells[s * 5 + r];
                *cell = (struct measured_cell){.section = s,
                                               .target = measured_copy("libc"),
                                               .repeat = r,
                                               .verdict = CELL_PASS,
                                               .known = true};
                for (size_t m = 0; m < METRIC_ALL; m++) {
                    cell->metric[m] = NAN;
                }
                double wobble = 1 + (r + 0.5 * (double)side) / 1000;
                cell->metric[METRIC_RATE] = (side == 0 ? 1e6 : 1e5) * wobble;
                cell->metric[METRIC_CPU] = 50 * wobble;
                cell->metric[METRIC_HELD] = 2 * wobble;
                cell->metric[METRIC_RSS] = 1e8 * wobble;
            }
        }
    }
    char text[320];
    assert_false(compare_foresee(&a, &b, 0.05, text, sizeof text));
    assert_int_equal(compare_results(&a, &b, &standard, &comparison, &complaint), 0);
    assert_int_equal(comparison.row_count, 24);
    assert_int_equal(comparison.judged, 24);
    assert_int_equal(comparison.rows[0].family, 6);
    assert_int_equal(comparison.count[JUDGE_REGRESSED], 6);
    assert_int_equal(comparison.count[JUDGE_PASS], 18);
    compare_fini(&comparison);
    // Five against five cannot prove anything at a stricter level.
    assert_true(compare_foresee(&a, &b, 0.01, text, sizeof text));
    assert_string_equal(text,
                        "5 repeats in the baseline and 5 here cannot prove a difference among 6 "
                        "comparisons of a metric, however large: 7 a side would do, or 8 here");
    for (size_t i = 0; i < 2; i++) { // a target that will not run is in no comparison
        a.cells[i].verdict = CELL_SKIPPED;
    }
    assert_true(compare_foresee(&a, &b, 0.05, text, sizeof text));
    assert_non_null(strstr(text, "3 repeats in the baseline and 5 here"));
    assert_null(strstr(text, " here,"));
    measured_fini(&a);
    measured_fini(&b);
}

// ---- the machine's speed -------------------------------------------------------------------

static double uniform(struct random *random)
{
    return (double)random_next(random) * 0x1p-64;
}

// Cells of an allocator that takes `work` ns, on a machine that takes `machine` times as long, with
// 3 % of noise; the speed is known to 2 %.
static void run(struct measured *measured, struct random *random, double work, double machine)
{
    for (size_t i = 0; i < measured->cell_count; i++) {
        struct measured_cell *cell = &measured->cells[i];
        double slow = machine * (1 + 0.1 * uniform(random));
        double time = work * slow * (1 + 0.03 * uniform(random));
        cell->speed_ns = 5e5 * slow * (1 + 0.02 * uniform(random));
        cell->metric[METRIC_RATE] = 1e9 / time;
        cell->metric[METRIC_CPU] = time;
        cell->metric[METRIC_HELD] = 1.5;
    }
}

static size_t verdicts(const struct measured *a, const struct measured *b,
                       enum judge_verdict verdict, const char *reason)
{
    struct comparison comparison;
    struct complaint complaint = {{0}};
    assert_int_equal(compare_results(a, b, &standard, &comparison, &complaint), 0);
    size_t count = comparison.count[verdict];
    for (size_t i = 0; i < comparison.row_count; i++) {
        const struct judge_result *result = &comparison.rows[i].result;
        if (reason != NULL && result->verdict == verdict && !strstr(result->reason, reason)) {
            fail_msg("%s: not \"%s\"", result->reason, reason);
        }
    }
    compare_fini(&comparison);
    return count;
}

static void test_machine_speed(void **state)
{
    (void)state;
    struct random random;
    struct measured a, b;
    unsigned rounds = MEMS_TEST_SCALE > 1 ? 2 : 10;
    unsigned kept = 0;
    random_init(&random, 4711, 0, 0);
    make(&a, "a", 12, 0);
    make(&b, "b", 12, 0);
    for (unsigned round = 0; round < rounds; round++) {
        // The same allocator, on a machine that is half as slow again: the four rows of time say
        // regressed as measured, and the comparison does not.
        run(&a, &random, 100, 1);
        run(&b, &random, 100, 1.42);
        assert_int_equal(verdicts(&a, &b, JUDGE_REGRESSED, NULL), 0);
        assert_int_equal(verdicts(&a, &b, JUDGE_INCONCLUSIVE, "slower while B ran"), 4);
        assert_int_equal(verdicts(&a, &b, JUDGE_PASS, NULL), 2);
        assert_int_equal(verdicts(&b, &a, JUDGE_IMPROVED, NULL), 0);
        assert_int_equal(verdicts(&b, &a, JUDGE_INCONCLUSIVE, "faster while B ran"), 4);
        // A slower allocator is found on the same machine, and on one that is slower too.
        run(&b, &random, 125, 1);
        kept += verdicts(&a, &b, JUDGE_REGRESSED, NULL) == 4;
        run(&b, &random, 150, 1.42);
        kept += verdicts(&a, &b, JUDGE_REGRESSED, NULL) == 4;
        // Nothing is taken away where the speed is not known.
        run(&b, &random, 100, 1.42);
        b.cells[0].speed_ns = 0;
        b.cells[12].speed_ns = 0;
        assert_int_equal(verdicts(&a, &b, JUDGE_REGRESSED, NULL), 4);
    }
    assert_int_equal(kept, 2 * rounds);
    measured_fini(&a);
    measured_fini(&b);
}

// ---- what is around them -------------------------------------------------------------------

static void test_circumstances(void **state)
{
    (void)state;
    struct measured a, b;
    make(&a, "a", 8, 1000);
    make(&b, "b", 8, 1000);
    measured_add(&a.facts, &a.fact_count, "libc", "glibc 2.36");
    measured_add(&b.facts, &b.fact_count, "libc", "glibc 2.41");
    measured_add(&a.facts, &a.fact_count, "cpu", "the same");
    measured_add(&b.facts, &b.fact_count, "cpu", "the same");
    a.settings_known = b.settings_known = true;
    measured_add(&b.settings, &b.setting_count, "GLIBC_TUNABLES", "glibc.malloc.arena_max=1");
    for (size_t i = 0; i < 16; i++) {
        struct measured *const both[] = {&a, &b};
        for (size_t side = 0; side < 2; side++) {
            both[side]->cells[i].supplier =
                (struct measured_supplier){measured_copy("/lib/libc.so.6"), measured_copy(""),
                                           measured_copy(side == 0 ? "aaaa" : "bbbb")};
        }
    }
    assert_int_equal(
        outcome(&a, &b, "libc differs: \"glibc 2.36\" in A, \"glibc 2.41\" in B", 2, 0),
        VERDICT_SAME);
    outcome(&a, &b, "GLIBC_TUNABLES differs: \"glibc.malloc.arena_max=1\" in B, not set in A", 2,
            0);
    outcome(&a, &b, "build id of its malloc differs: \"aaaa\" in A, \"bbbb\" in B", 2, 0);
    struct comparison comparison;
    struct complaint complaint = {{0}};
    assert_int_equal(compare_results(&a, &b, &standard, &comparison, &complaint), 0);
    assert_int_equal(comparison.note_count, 3); // each once
    compare_fini(&comparison);
    b.settings_known = false; // an older document: it may have been set
    measured_add(&a.settings, &a.setting_count, "MALLOC_CONF", "x");
    assert_int_equal(compare_results(&a, &b, &standard, &comparison, &complaint), 0);
    assert_int_equal(comparison.note_count, 2);
    compare_fini(&comparison);
    measured_fini(&a);
    measured_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_what_does_not_fit),
        cmocka_unit_test(test_what_is_left_out),
        cmocka_unit_test(test_unsteady_and_unknown),
        cmocka_unit_test(test_two_targets),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_latency_is_judged),
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_machine_speed),
        cmocka_unit_test(test_circumstances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
