// SPDX-License-Identifier: MIT
//
// test_vm_paging.c - the laws of vm-paging (law_vm_paging.h) on random streams.

#include "property/law_vm_paging.h"

enum { REFERENCES = 1000000 / MEMS_TEST_SCALE, OPS = 40000 / MEMS_TEST_SCALE };

static void test_faults(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (enum kind kind = FIFO; kind <= CLOCK0; kind++) {
        uint64_t faults = vm_faults_law(kind, REFERENCES, source_drawn(seed + kind));
        test_require(faults > REFERENCES / 50 && faults < REFERENCES / 2, "%" PRIu64, faults);
    }
}

static void test_contents(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (size_t i = 0; i < sizeof ALGORITHMS / sizeof ALGORITHMS[0]; i++) {
        struct vm_seen seen =
            vm_contents_law(ALGORITHMS[i], vm_contents_more(i), OPS, source_drawn(seed + i));
        test_require(seen.stats.evictions > OPS / 10 && seen.stats.write_backs > OPS / 40 &&
                         seen.refused > 0 && seen.shared > OPS / 1000,
                     "%s: %" PRIu64 " evictions, %" PRIu64 " write-backs, %" PRIu64
                     " refused, %" PRIu64 " shared",
                     ALGORITHMS[i], seen.stats.evictions, seen.stats.write_backs, seen.refused,
                     seen.shared);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_faults),
                                       cmocka_unit_test(test_contents)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
