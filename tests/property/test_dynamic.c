// SPDX-License-Identifier: MIT
//
// test_dynamic.c - the law of the dynamic policy (law_dynamic.h) on random streams.

#include "property/law_dynamic.h"

enum { OPS = 1200000 / MEMS_TEST_SCALE };

// Three engines a run: a fault that only a fresh engine has is met more often.
static void run_rows(const struct run *rows, size_t count, enum model_fit fit, uint64_t seed)
{
    uint64_t gone = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t operations = (uint64_t)OPS * rows[i].share / 100;
        for (uint64_t part = 0; part < 3; part++) {
            gone += dynamic_law(&rows[i], fit, operations / 3, source_drawn(seed + part));
        }
    }
    // Deferred holes are seen to be regions only in a sweep: a short run may have had none.
    for (uint64_t part = 3; gone == 0 && part < 100; part++) {
        const struct run *row = &rows[part % count];
        gone += dynamic_law(row, fit, (uint64_t)OPS * row->share / 300, source_drawn(seed + part));
    }
    assert_true(gone > 0);
}

#define ROWS(rows) rows, sizeof(rows) / sizeof(rows)[0]

static void run_fit(enum model_fit fit)
{
    run_rows(ROWS(RUNS), fit, test_seed());
}

static void test_first(void **state)
{
    (void)state;
    run_fit(MODEL_FIRST);
}

static void test_next(void **state)
{
    (void)state;
    run_fit(MODEL_NEXT);
}

static void test_best(void **state)
{
    (void)state;
    run_fit(MODEL_BEST);
}

static void test_worst(void **state)
{
    (void)state;
    run_fit(MODEL_WORST);
}

static void test_buddy(void **state)
{
    (void)state;
    run_fit(MODEL_BUDDY);
}

static void test_tlsf(void **state)
{
    (void)state;
    run_fit(MODEL_TLSF);
}

static void test_deferred(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (enum model_fit fit = MODEL_FIRST; fit <= MODEL_TLSF; fit++) {
        run_rows(ROWS(RUNS_DEFERRED), fit, seed);
    }
}

static void test_min_block(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (enum model_fit fit = MODEL_FIRST; fit <= MODEL_TLSF; fit++) {
        run_rows(ROWS(RUNS_MIN_BLOCK), fit, seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first),    cmocka_unit_test(test_next),
        cmocka_unit_test(test_best),     cmocka_unit_test(test_worst),
        cmocka_unit_test(test_buddy),    cmocka_unit_test(test_tlsf),
        cmocka_unit_test(test_deferred), cmocka_unit_test(test_min_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
