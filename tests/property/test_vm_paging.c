// SPDX-License-Identifier: MIT
//
// test_vm_paging.c - the laws of vm-paging (law_vm_paging.h) on random streams.

#include "property/law_vm_paging.h"
#include "support/chance.h"

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

struct contents {
    size_t algorithm;
    uint64_t seed;
};

static bool contents_look(const void *what, size_t tries, double beyond, unsigned look)
{
    const struct contents *it = what;
    const char *name = ALGORITHMS[it->algorithm];
    struct vm_seen seen = vm_contents_law(name, vm_contents_more(it->algorithm), tries,
                                          source_drawn(it->seed + 1000 * look));
    (void)beyond;
    bool good = seen.stats.evictions > tries / 10 && seen.stats.write_backs > tries / 40 &&
                seen.refused > 0 && seen.shared > tries / 1000;
    if (!good) {
        print_message("%s: %" PRIu64 " evictions, %" PRIu64 " write-backs, %" PRIu64
                      " refused, %" PRIu64 " shared\n",
                      name, seen.stats.evictions, seen.stats.write_backs, seen.refused,
                      seen.shared);
    }
    return good;
}

// Of 4,000 operations about 25 share and 30 are refused, with large spreads.
static void test_contents(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (size_t i = 0; i < sizeof ALGORITHMS / sizeof ALGORITHMS[0]; i++) {
        const struct contents contents = {i, seed + i};
        assert_true(chance_holds(contents_look, &contents, OPS));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_faults),
                                       cmocka_unit_test(test_contents)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
