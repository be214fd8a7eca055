// SPDX-License-Identifier: MIT
//
// test_compare.c - what is compared with what, what is refused, and what it all comes to.

#include "compare/compare.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "support/test.h"

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
            for (size_t m = 0; m < METRIC_COUNT; m++) {
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
    assert_int_equal(outcome(&a, &b, "only in B", 1, 0), VERDICT_SAME);
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
    b.cells[9].metric[METRIC_RATE] = NAN;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcomes),         cmocka_unit_test(test_what_does_not_fit),
        cmocka_unit_test(test_what_is_left_out), cmocka_unit_test(test_unsteady_and_unknown),
        cmocka_unit_test(test_two_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
