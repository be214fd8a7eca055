// SPDX-License-Identifier: MIT
//
// test_rollup.c - what smaps_rollup says, and how seldom it may be asked.

#include "run/rollup.h"

#include <string.h>
#include <sys/mman.h>

#include "measure/clock.h"
#include "measure/proc.h"
#include "support/test.h"

#define BYTES (32u << 20)

static void test_text(void **state)
{
    (void)state;
    static const char text[] = "55f7-7ffc ---p 00000000 00:00 0       [rollup]\n"
                               "Rss:                1676 kB\n"
                               "Pss:                 183 kB\n"
                               "Pss_Dirty:           116 kB\n"
                               "AnonHugePages:      2048 kB\n"
                               "ShmemPmdMapped:        7 kB\n";
    struct rollup_detail detail;
    assert_true(rollup_parse(text, &detail));
    assert_int_equal(detail.rss_bytes, 1676 * 1024);
    assert_int_equal(detail.pss_bytes, 183 * 1024);
    assert_int_equal(detail.huge_bytes, 2048 * 1024);
    assert_false(rollup_parse("", &detail));
    assert_false(rollup_parse("Rss: 1 kB\n", &detail));
    assert_false(rollup_parse("x\nRss: 1 kB\nPss: 1 kB\n", &detail));
}

static void test_memory_is_seen(void **state)
{
    (void)state;
    struct rollup rollup;
    struct rollup_detail before, after;
    rollup_open(&rollup);
    if (!rollup_look(&rollup, &before)) {
        skip(); // a kernel without smaps_rollup
    }
    char *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t statm = proc_resident();
    memset(memory, 1, BYTES);
    assert_true(rollup_look(&rollup, &after));
    assert_true(after.rss_bytes >= before.rss_bytes + BYTES);
    assert_true(after.pss_bytes >= before.pss_bytes + BYTES / 2);
    assert_true(proc_resident() >= statm + BYTES / 2);
    munmap(memory, BYTES);
    rollup_close(&rollup);
}

// After a look the next one is a hundred times its cost away.
static void test_budget(void **state)
{
    (void)state;
    struct rollup rollup;
    struct rollup_detail detail;
    rollup_open(&rollup);
    uint64_t now = clock_monotonic_ns();
    rollup_look_try(&rollup, now, &detail);
    uint64_t after = clock_monotonic_ns();
    assert_true(rollup.next_ns > now);
    assert_true(rollup.next_ns <= after + (after - now) * 100);
    assert_false(rollup_look_try(&rollup, rollup.next_ns - 1, &detail));
    uint64_t next = rollup.next_ns;
    rollup_look_try(&rollup, next, &detail);
    rollup_close(&rollup);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_memory_is_seen),
        cmocka_unit_test(test_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
