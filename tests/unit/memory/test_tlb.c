// SPDX-License-Identifier: MIT
//
// test_tlb.c - the TLB model against lists kept by hand, and the textbooks' access times.

#include "support/test.h"

#include <math.h>
#include <string.h>

#include "memory/tlb.h"

// Each set as a list, the latest in front.
static void test_model(void **state)
{
    (void)state;
    enum { SETS = 4, WAYS = 3 };
    uint64_t list[SETS][WAYS] = {{0}}, hits = 0;
    struct tlb tlb;
    srand((unsigned)test_seed());
    assert_int_equal(tlb_open(&tlb, SETS * WAYS, WAYS), 0);
    for (unsigned i = 0; i < 300000 / MEMS_TEST_SCALE; i++) {
        uint64_t key = (uint64_t)rand() % 24;
        uint64_t *set = list[key % SETS];
        unsigned at = 0;
        while (at < WAYS && set[at] != key + 1) {
            at++;
        }
        if (rand() % 20 == 0) { // the page has moved
            tlb_drop(&tlb, key);
            if (at < WAYS) {
                memmove(set + at, set + at + 1, (WAYS - 1 - at) * sizeof *set);
                set[WAYS - 1] = 0;
            }
            continue;
        }
        hits += at < WAYS;
        assert_int_equal(tlb_refer(&tlb, key), at < WAYS);
        memmove(set + 1, set, (at < WAYS ? at : WAYS - 1) * sizeof *set);
        set[0] = key + 1;
    }
    assert_int_equal(tlb.hits, hits);
    tlb_close(&tlb);
}

static void test_effective(void **state)
{
    (void)state;
    struct tlb_costs tlb = {.tlb_ns = 20, .memory_ns = 100, .table_levels = 1};
    struct tlb_costs demand = {.memory_ns = 200, .fault_ns = 8000000};
    assert_true(fabs(tlb_effective_ns(&tlb, 0.80, 0) - 140) < 1e-9);
    assert_true(fabs(tlb_effective_ns(&tlb, 0.98, 0) - 122) < 1e-9);
    assert_true(fabs(tlb_effective_ns(&demand, 1, 0.001) - 8199.8) < 1e-6); // 8.2 us
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_effective),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
