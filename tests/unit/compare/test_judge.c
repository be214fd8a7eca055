// SPDX-License-Identifier: MIT
//
// test_judge.c - verdicts of made samples, and how often they are wrong and right on random ones.

#include "compare/judge.h"

#include <math.h>
#include <string.h>

#include "support/test.h"
#include "workload/random.h"

static const struct judge_options standard = {
    .threshold = JUDGE_THRESHOLD, .alpha = JUDGE_ALPHA, .seed = 1};

// p is not corrected: one comparison.
static struct judge_result judge(double *a, size_t count_a, double *b, size_t count_b, bool paired,
                                 enum metric_better better)
{
    struct judge_result result;
    struct judge_sides sides = {a, b, count_a, count_b, paired, better, 0};
    judge_measure(&sides, &standard, &result);
    result.p_holm = result.p;
    judge_decide(&sides, &standard, 1, &result);
    return result;
}

static void fill(double *values, size_t count, double center, double step)
{
    for (size_t i = 0; i < count; i++) {
        values[i] = center + step * ((double)i - (double)(count - 1) / 2);
    }
}

static void expect(double center_a, double center_b, double step, size_t count,
                   enum metric_better better, enum judge_verdict verdict)
{
    double a[100], b[100];
    fill(a, count, center_a, step);
    fill(b, count, center_b, step);
    struct judge_result result = judge(a, count, b, count, false, better);
    if (result.verdict != verdict) {
        fail_msg("%g to %g: %s instead of %s (%g .. %g, p %g): %s", center_a, center_b,
                 judge_verdict_name(result.verdict), judge_verdict_name(verdict), result.low,
                 result.high, result.p, result.reason);
    }
    assert_int_equal(result.reason[0] != '\0', verdict == JUDGE_INCONCLUSIVE);
}

static void test_verdicts(void **state)
{
    (void)state;
    expect(100, 100, 0.1, 10, METRIC_HIGHER, JUDGE_PASS);
    expect(100, 97, 0.1, 10, METRIC_HIGHER, JUDGE_PASS); // significant, but 3 % are allowed
    expect(100, 90, 0.1, 10, METRIC_HIGHER, JUDGE_REGRESSED);
    expect(100, 90, 0.1, 10, METRIC_LOWER, JUDGE_IMPROVED);
    expect(100, 110, 0.1, 10, METRIC_LOWER, JUDGE_REGRESSED);
    expect(100, 110, 0.1, 10, METRIC_HIGHER, JUDGE_IMPROVED);
    expect(100, 110, 0.1, 10, METRIC_NEITHER, JUDGE_PASS);
    expect(100, 94, 2, 10, METRIC_HIGHER, JUDGE_INCONCLUSIVE); // holds the threshold
    expect(100, 100, 5, 10, METRIC_LOWER, JUDGE_INCONCLUSIVE); // nothing found, much possible
    // Figures that do not vary at all.
    expect(100, 100, 0, 5, METRIC_LOWER, JUDGE_PASS);
    expect(100, 110, 0, 5, METRIC_LOWER, JUDGE_REGRESSED);
    expect(0, 0, 0, 5, METRIC_LOWER, JUDGE_PASS);
    expect(0, 1, 0, 5, METRIC_LOWER, JUDGE_REGRESSED); // a ratio without end
    expect(1, 0, 0, 5, METRIC_LOWER, JUDGE_IMPROVED);
}

static void test_too_few(void **state)
{
    (void)state;
    expect(100, 50, 0.1, 4, METRIC_HIGHER, JUDGE_INCONCLUSIVE);
    expect(100, 100, 0.1, 1, METRIC_HIGHER, JUDGE_INCONCLUSIVE);
    expect(100, 50, 0.1, 5, METRIC_HIGHER, JUDGE_REGRESSED);
    // Five pairs cannot prove anything: the least p is 1/16. The reason says how many could.
    double a[6] = {10, 11, 12, 13, 14, 15}, b[6] = {20, 22.5, 24.8, 26.1, 28.2, 31};
    struct judge_result five = judge(a, 5, b, 5, true, METRIC_LOWER);
    assert_int_equal(five.verdict, JUDGE_INCONCLUSIVE);
    assert_non_null(strstr(five.reason, "6 could"));
    assert_int_equal(judge(a, 6, b, 6, true, METRIC_LOWER).verdict, JUDGE_REGRESSED);
}

static void test_together(void **state)
{
    (void)state;
    double a[5], b[5];
    struct judge_result result;
    fill(a, 5, 100, 0.1);
    fill(b, 5, 200, 0.1);
    struct judge_sides sides = {a, b, 5, 5, false, METRIC_LOWER, 0};
    judge_measure(&sides, &standard, &result);
    result.p_holm = fmin(1, 50 * result.p);
    judge_decide(&sides, &standard, 50, &result);
    assert_int_equal(result.verdict, JUDGE_INCONCLUSIVE);
    assert_non_null(strstr(result.reason, "among 50 comparisons: 7 could"));
}

static struct judge_result judge_floor(double a, double b, double step, double floor, bool paired,
                                       enum metric_better better)
{
    struct judge_result result;
    double values_a[10], values_b[10];
    fill(values_a, 10, a, 0);
    fill(values_b, 10, b, step);
    struct judge_sides sides = {values_a, values_b, 10, 10, paired, better, floor};
    judge_measure(&sides, &standard, &result);
    result.p_holm = result.p;
    judge_decide(&sides, &standard, 1, &result);
    return result;
}

// What is next to nothing may rise without end: it is judged by how much it rises.
static void test_floors(void **state)
{
    (void)state;
    for (int paired = 0; paired < 2; paired++) {
        struct judge_result result = judge_floor(0, 2e-4, 1e-6, 1e-3, paired, METRIC_LOWER);
        assert_int_equal(result.verdict, JUDGE_PASS);
        assert_true(isinf(result.ratio));
        result = judge_floor(0, 2e-3, 1e-6, 1e-3, paired, METRIC_LOWER);
        assert_int_equal(result.verdict, JUDGE_REGRESSED);
        assert_true(isinf(result.ratio));
        assert_true(result.gap_low > 1e-3 && result.gap_high < 3e-3);
        // Both sides of the floor are possible.
        result = judge_floor(0, 1e-3, 1e-4, 1e-3, paired, METRIC_LOWER);
        assert_int_equal(result.verdict, JUDGE_INCONCLUSIVE);
        assert_non_null(strstr(result.reason, "the interval of the difference holds 0.001"));
        assert_int_equal(judge_floor(10, 8, 0.01, 1, paired, METRIC_LOWER).verdict, JUDGE_IMPROVED);
        assert_int_equal(judge_floor(10, 8, 0.01, 3, paired, METRIC_LOWER).verdict, JUDGE_PASS);
        assert_int_equal(judge_floor(10, 8, 0.01, 1, paired, METRIC_HIGHER).verdict,
                         JUDGE_REGRESSED);
        assert_int_equal(judge_floor(10, 8, 0.01, 3, paired, METRIC_HIGHER).verdict, JUDGE_PASS);
        // Zero is a figure.
        result = judge_floor(1000, 0, 0, 0, paired, METRIC_HIGHER);
        assert_int_equal(result.verdict, JUDGE_REGRESSED);
        assert_true(result.ratio == 0);
    }
}

static void test_needed(void **state)
{
    (void)state;
    assert_int_equal(judge_needed(false, 0, 6, 0.05), 5);
    assert_int_equal(judge_needed(false, 0, 24, 0.05), 7);
    assert_int_equal(judge_needed(false, 5, 24, 0.05), 8); // against the 5 of a baseline
    assert_int_equal(judge_needed(false, 4, 1, 0.05), 0);  // whatever the other side has
    assert_int_equal(judge_needed(true, 0, 1, 0.05), 6);
}

// A machine that gets four times slower on the way hides a difference from what is not paired.
static void test_pairs_see_through_drift(void **state)
{
    (void)state;
    double a[20], b[20];
    for (int i = 0; i < 20; i++) {
        double drift = 1 + 3.0 * i / 19;
        a[i] = 100 * drift;
        b[i] = (110 + i % 3) * drift;
    }
    assert_int_equal(judge(a, 20, b, 20, false, METRIC_LOWER).verdict, JUDGE_INCONCLUSIVE);
    struct judge_result paired = judge(a, 20, b, 20, true, METRIC_LOWER);
    assert_int_equal(paired.verdict, JUDGE_REGRESSED);
    assert_true(paired.ratio > 1.09 && paired.ratio < 1.13);
    assert_true(paired.effect == 1);
}

static double normal(struct random *random)
{
    double sum = 0;
    for (int i = 0; i < 12; i++) {
        sum += (double)random_next(random) * 0x1p-64;
    }
    return sum - 6;
}

// Log-normal rates with outliers, as a busy machine gives them.
static double noisy(struct random *random, double center, double spread)
{
    double value = center * exp(spread * normal(random));
    return random_below(random, 10) == 0 ? value / 2 : value;
}

struct counts {
    unsigned significant, verdict[JUDGE_VERDICTS];
};

static struct counts simulate(double slow, size_t count, unsigned rounds, bool paired)
{
    struct random random;
    struct counts counts = {0};
    random_init(&random, 4711, paired, count);
    for (unsigned round = 0; round < rounds; round++) {
        double a[60], b[60];
        for (size_t i = 0; i < count; i++) {
            a[i] = noisy(&random, 100, 0.04);
            b[i] = noisy(&random, 100 * (1 - slow), 0.04);
        }
        struct judge_result result = judge(a, count, b, count, paired, METRIC_HIGHER);
        counts.significant += result.p <= JUDGE_ALPHA;
        counts.verdict[result.verdict]++;
    }
    return counts;
}

// Without a difference: p keeps its level, and verdicts are far below it.
static void test_alarms(void **state)
{
    (void)state;
    for (int paired = 0; paired < 2; paired++) {
        unsigned rounds = 400 / MEMS_TEST_SCALE;
        struct counts counts = simulate(0, 20, rounds, paired);
        // 5 % and three standard deviations more.
        assert_true(counts.significant <= rounds * 0.05 + 3 * sqrt(rounds * 0.05 * 0.95));
        assert_true(counts.verdict[JUDGE_REGRESSED] + counts.verdict[JUDGE_IMPROVED] <=
                    rounds / 50);
    }
}

// With one: found nearly always where there are repeats enough, and never the other way round.
static void test_power(void **state)
{
    (void)state;
    for (int paired = 0; paired < 2; paired++) {
        unsigned rounds = 100 / MEMS_TEST_SCALE;
        struct counts counts = simulate(0.12, 60, rounds, paired);
        assert_true(counts.verdict[JUDGE_REGRESSED] >= rounds * 9 / 10);
        assert_int_equal(counts.verdict[JUDGE_IMPROVED], 0);
        assert_int_equal(counts.verdict[JUDGE_PASS], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts), cmocka_unit_test(test_too_few),
        cmocka_unit_test(test_together), cmocka_unit_test(test_pairs_see_through_drift),
        cmocka_unit_test(test_alarms),   cmocka_unit_test(test_power),
        cmocka_unit_test(test_floors),   cmocka_unit_test(test_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
