// SPDX-License-Identifier: MIT
//
// test_topology.c - the orders of a made machine's CPUs, and what this machine says of itself.

#include "measure/topology.h"

#include <sched.h>

#include "support/test.h"

// Two packages of two cores of two threads, numbered as many servers do: first threads 0-3, second
// threads 4-7.
static const struct topology made = {
    .known = true,
    .packages = 2,
    .cores = 4,
    .cpu_count = 8,
    .cpus = {{0, 0, 0, 0},
             {4, 1, 0, 0},
             {1, 0, 1, 0},
             {5, 1, 1, 0},
             {2, 0, 2, 1},
             {6, 1, 2, 1},
             {3, 0, 3, 1},
             {7, 1, 3, 1}},
};

static void expect_order(enum topology_order order, const unsigned *expected)
{
    unsigned numbers[TOPOLOGY_CPUS];
    assert_int_equal(topology_cpus(&made, order, numbers), 8);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(numbers[i], expected[i]);
    }
}

static void test_orders(void **state)
{
    (void)state;
    expect_order(TOPOLOGY_COMPACT, (const unsigned[]){0, 4, 1, 5, 2, 6, 3, 7});
    expect_order(TOPOLOGY_SPREAD, (const unsigned[]){0, 2, 1, 3, 4, 6, 5, 7});
}

// Whatever it is, each CPU that may be used is there once.
static void test_this_machine(void **state)
{
    (void)state;
    static struct topology topology;
    cpu_set_t allowed;
    topology_look(&topology);
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    assert_int_equal(topology.cpu_count, CPU_COUNT(&allowed));
    for (enum topology_order order = TOPOLOGY_COMPACT; order <= TOPOLOGY_SPREAD; order++) {
        unsigned numbers[TOPOLOGY_CPUS];
        size_t count = topology_cpus(&topology, order, numbers);
        cpu_set_t seen = allowed;
        for (size_t i = 0; i < count; i++) {
            assert_true(CPU_ISSET(numbers[i], &seen));
            CPU_CLR(numbers[i], &seen);
        }
        assert_int_equal(CPU_COUNT(&seen), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
