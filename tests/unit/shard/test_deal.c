// SPDX-License-Identifier: MIT
//
// test_deal.c - a plan dealt to shards: nothing lost, nothing twice, the same everywhere, balanced.

#include "shard/deal.h"

#include <string.h>

#include "support/source.h"
#include "support/test.h"

// ---- the rule -----------------------------------------------------------------------------------

#define WEIGHTS_MOST 9
#define SHARDS_MOST  4

// The best that any dealing can do, by trying them all.
static double best_of(const double *weights, size_t count, unsigned shards, double *load)
{
    double best = 0;
    if (count == 0) {
        for (unsigned i = 0; i < shards; i++) {
            best = load[i] > best ? load[i] : best;
        }
        return best;
    }
    best = -1;
    for (unsigned i = 0; i < shards; i++) {
        load[i] += weights[count - 1];
        double found = best_of(weights, count - 1, shards, load);
        best = best < 0 || found < best ? found : best;
        load[i] -= weights[count - 1];
    }
    return best;
}

// Graham: the longest shard takes at most 4/3 - 1/(3N) of the best; and the same again.
static void law_deal(struct source *source)
{
    double weights[WEIGHTS_MOST];
    double load[SHARDS_MOST] = {0};
    double none[SHARDS_MOST] = {0};
    unsigned shard[WEIGHTS_MOST], again[WEIGHTS_MOST];
    double longest = 0;
    size_t count = 1 + source_below(source, WEIGHTS_MOST);
    unsigned shards = 1 + (unsigned)source_below(source, SHARDS_MOST);
    for (size_t i = 0; i < count; i++) {
        weights[i] = (double)source_below(source, 40);
    }
    deal_weights(weights, count, shards, shard);
    deal_weights(weights, count, shards, again);
    for (size_t i = 0; i < count; i++) {
        assert_true(shard[i] < shards);
        assert_int_equal(shard[i], again[i]);
        load[shard[i]] += weights[i];
    }
    for (unsigned i = 0; i < shards; i++) {
        longest = load[i] > longest ? load[i] : longest;
    }
    double best = best_of(weights, count, shards, none);
    assert_true(longest <= (4.0 / 3 - 1.0 / (3 * shards)) * best + 1e-9);
}

static void test_balance(void **state)
{
    (void)state;
    struct source source = source_drawn(test_seed());
    for (unsigned round = 0; round < 300 / MEMS_TEST_SCALE; round++) {
        law_deal(&source);
    }
}

// Taking turns would give one shard both long ones.
static void test_longest_first(void **state)
{
    (void)state;
    const double weights[] = {10, 1, 10, 1};
    unsigned shard[4];
    deal_weights(weights, 4, 2, shard);
    assert_int_not_equal(shard[0], shard[2]);
    assert_int_not_equal(shard[1], shard[3]);
}

// ---- plans --------------------------------------------------------------------------------------

struct fixture {
    struct job *job;
    struct plan *plan;
};

static void open_fixture(struct fixture *fixture, const char *text)
{
    struct complaint complaint = {{0}};
    struct plan_options options = {0};
    if (job_parse(text, strlen(text), "test.ini", "/", &fixture->job, &complaint) != 0 ||
        plan_make(fixture->job, "mems-stress run test.ini", &options, &fixture->plan, &complaint) !=
            0) {
        fail_msg("%s", complaint.text);
    }
}

static void close_fixture(struct fixture *fixture)
{
    plan_free(fixture->plan);
    job_free(fixture->job);
}

static const char sweeping[] = "[global]\ntarget = null, libc, ?preload:no-such-allocator\n"
                               "repeats = 2\n"
                               "[a]\nworkload = churn\nthreads = 1,2,4\nruntime = 100ms\n"
                               "[b]\nworkload = larson\nsize = 16,64,256,1024\nops = 1k\n"
                               "[c]\nworkload = churn\nruntime = 2s\n";

// Every cell is one shard's, in the plan's order, and a section is never cut.
static void check_partition(const char *text, unsigned shards)
{
    struct fixture whole;
    struct dealt dealt;
    size_t cells = 0;
    open_fixture(&whole, text);
    deal_plan(whole.plan, shards, &dealt);
    for (unsigned index = 1; index <= shards; index++) {
        struct fixture part;
        struct dealt same;
        size_t at = 0;
        open_fixture(&part, text);
        deal_plan(part.plan, shards, &same);
        deal_take(part.plan, &same, index);
        for (size_t i = 0; i < whole.plan->cell_count; i++) {
            const struct cell *cell = &whole.plan->cells[i];
            if (dealt.shard[cell->section - whole.plan->sections] != index) {
                continue;
            }
            assert_true(at < part.plan->cell_count);
            const struct cell *mine = &part.plan->cells[at++];
            assert_string_equal(mine->id, cell->id);
            assert_string_equal(mine->spec->name, cell->spec->name);
            assert_int_equal(mine->seed, cell->seed);
            assert_int_equal(mine->verdict, cell->verdict);
            assert_true(mine->section >= part.plan->sections &&
                        mine->section < part.plan->sections + part.plan->section_count);
        }
        assert_int_equal(at, part.plan->cell_count);
        cells += at;
        deal_fini(&same);
        close_fixture(&part);
    }
    assert_int_equal(cells, whole.plan->cell_count);
    deal_fini(&dealt);
    close_fixture(&whole);
}

static void test_partition(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 12; shards++) {
        check_partition(sweeping, shards);
    }
}

// Eight sections: a sweep of three, one of four, and one alone.
static void test_units(void **state)
{
    (void)state;
    struct fixture fixture;
    struct dealt dealt;
    open_fixture(&fixture, sweeping);
    assert_int_equal(deal_units(fixture.plan), 8);
    deal_plan(fixture.plan, 12, &dealt);
    for (size_t i = 0; i < 8; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(dealt.shard[i], dealt.shard[j]);
        }
    }
    deal_fini(&dealt);
    close_fixture(&fixture);
}

// A gate opens by what has passed: those that wait go along.
static void test_gates(void **state)
{
    (void)state;
    struct fixture fixture;
    struct dealt dealt;
    open_fixture(&fixture, "[global]\nworkload = churn\ntarget = null\nops = 100\n"
                           "[a]\n[b]\n[c]\nwait_for = a\n[d]\n[e]\nwait_for = c\n[f]\n");
    assert_int_equal(deal_units(fixture.plan), 4);
    deal_plan(fixture.plan, 4, &dealt);
    assert_int_equal(dealt.shard[0], dealt.shard[2]);
    assert_int_equal(dealt.shard[0], dealt.shard[4]);
    assert_int_not_equal(dealt.shard[0], dealt.shard[1]);
    assert_int_not_equal(dealt.shard[1], dealt.shard[3]);
    deal_fini(&dealt);
    close_fixture(&fixture);
    open_fixture(&fixture, "[global]\nworkload = churn\ntarget = null\nops = 100\n"
                           "[a]\n[b]\n[c]\nwait_for = all\n");
    assert_int_equal(deal_units(fixture.plan), 1);
    close_fixture(&fixture);
}

// A machine that lacks an optional target deals as one that has it.
static void test_missing_targets(void **state)
{
    (void)state;
    struct fixture here, there;
    struct dealt one, other;
    open_fixture(&here, sweeping);
    open_fixture(&there, sweeping);
    for (size_t i = 0; i < there.plan->cell_count; i++) {
        there.plan->cells[i].verdict = i % 3 == 0 ? CELL_SKIPPED : CELL_WAITING;
    }
    deal_plan(here.plan, 3, &one);
    deal_plan(there.plan, 3, &other);
    assert_memory_equal(one.shard, other.shard, here.plan->section_count * sizeof *one.shard);
    deal_fini(&one);
    deal_fini(&other);
    close_fixture(&here);
    close_fixture(&there);
}

static void test_words(void **state)
{
    (void)state;
    static const char *const bad[] = {"",     "1",      "/",    "1/",   "/2",
                                      "0/2",  "3/2",    "1/0",  "a/b",  "1/2/3",
                                      "-1/2", "1/1001", "1 /2", "+1/2", "1/2 "};
    struct deal deal;
    assert_int_equal(deal_parse("3/12", &deal, NULL), 0);
    assert_int_equal(deal.index, 3);
    assert_int_equal(deal.count, 12);
    assert_int_equal(deal_parse("1000/1000", &deal, NULL), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct complaint complaint = {{0}};
        assert_int_not_equal(deal_parse(bad[i], &deal, &complaint), 0);
        assert_non_null(strstr(complaint.text, "1/4 .. 4/4"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_balance),   cmocka_unit_test(test_longest_first),
        cmocka_unit_test(test_partition), cmocka_unit_test(test_units),
        cmocka_unit_test(test_gates),     cmocka_unit_test(test_missing_targets),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
