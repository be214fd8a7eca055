// SPDX-License-Identifier: MIT
//
// test_held.c - what a target holds: its own word, else how far the resident set has grown.

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "run/run.h"
#include "run/stage.h"
#include "support/test.h"

#define GROWN (UINT64_C(32) << 20)
// How much becomes resident with a byte that is touched, at most: a sanitizer's shadow of it does
// too.
#ifdef TEST_SANITIZED
#define TIMES 8
#else
#define TIMES 2
#endif

static bool knows;

static void usage(struct target_instance *instance, struct target_usage *usage)
{
    (void)instance;
    usage->held_bytes = 4096;
    usage->known = knows;
}

static struct target_ops ops;
static const struct target target = {.name = "test", .ops = &ops, .usage = usage};

static void test_held(void **state)
{
    (void)state;
    struct run run = {.ops = &ops, .target = &target};
    int file;
    assert_int_equal(stage_create(1, "", &run.stage, &file), 0);
    close(file);
    uint64_t resident = run_resident(&run);
    assert_true(resident > 0);
    run.stage->report.baseline_rss_bytes = resident;
    char *memory = run_map(GROWN);
    memset(memory, 1, GROWN);
    assert_true(run_resident(&run) >= GROWN);
    assert_true(run_resident(&run) < TIMES * GROWN);
    knows = false;
    assert_true(run_held(&run) >= GROWN);
    knows = true;
    assert_int_equal(run_held(&run), 4096);
    ops.no_memory = true;
    assert_int_equal(run_held(&run), 0);
    // Less than there was is not less than nothing.
    munmap(memory, GROWN);
    run.stage->report.baseline_rss_bytes = UINT64_MAX;
    assert_int_equal(run_resident(&run), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_held)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
