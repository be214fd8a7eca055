// SPDX-License-Identifier: MIT
//
// test_sharing.c - the laws on workloads about shared cache lines; what each is for.

#include "unit/workload/laws.h"

static const struct workload *const rows[] = {&workload_cache_scratch, &workload_cache_thrash};
#define ROWS (sizeof rows / sizeof rows[0])

static const char *const jobs[] = {
    "workload = cache-scratch\nthreads = 1\nops = 501\nwrites = 1\nsize = 1-9\n",
    "workload = cache-scratch\nthreads = 8\nops = 400\nwrites = 2\nsize = 1-64\n",
    "workload = cache-scratch\nthreads = 3\nops = 1\nwrites = 1\nsize = 1-1000\n",
    "workload = cache-thrash\nthreads = 1\nops = 501\nwrites = 1\nsize = 1-9\n",
    "workload = cache-thrash\nthreads = 4\nops = 1000\nwrites = 3\nsize = 1-99\n",
};
#define JOBS (sizeof jobs / sizeof jobs[0])

// ---- the passes over a block's bytes ------------------------------------------------------------

static uint8_t block_bytes[100];

// Puts down how many bytes were reached, and what they were.
static void *watching_access(void *space, uint64_t block, size_t offset, bool write, size_t *span)
{
    (void)space;
    (void)block;
    (void)write;
    fake_spoil.accesses++;
    *span = sizeof block_bytes - offset < 33 ? sizeof block_bytes - offset : 33;
    return block_bytes + offset;
}

static void test_rewriting_leaves_a_block_as_it_was(void **state)
{
    (void)state;
    struct target_ops ops = fake_ops;
    ops.access_begin = watching_access;
    fake_open(1, 0, 0, 0);
    fake_workers[0].ops = &ops;
    struct slot slot = {.size = sizeof block_bytes};
    for (unsigned i = 0; i < sizeof block_bytes; i++) {
        block_bytes[i] = (uint8_t)(3 * i);
    }
    op_rewrite(&fake_workers[0], &slot, 3);
    op_read(&fake_workers[0], &slot);
    for (unsigned i = 0; i < sizeof block_bytes; i++) {
        assert_int_equal(block_bytes[i], (uint8_t)(3 * i));
    }
    assert_int_equal(fake_spoil.accesses, 0); // each was ended
    assert_int_equal(fake_histories[0].count, 2);
}

// Somebody who writes to the block in the middle of it: the stamp tells.
static void *meddling_access(void *space, uint64_t block, size_t offset, bool write, size_t *span)
{
    uint8_t *bytes = fake_access_begin(space, block, offset, write, span);
    bytes[0] ^= write && fake_workers[0].count[OP_ALLOC] > 40;
    return bytes;
}

static void test_a_write_by_another_is_found(void **state)
{
    (void)state;
    static const char *const sharing[] = {"workload = cache-thrash\nops = 100\nwrites = 5\n",
                                          "workload = cache-scratch\nops = 100\nwrites = 5\n"};
    static struct target_ops ops;
    for (volatile unsigned i = 0; i < 2; i++) {
        struct job *volatile job = open_cell(sharing[i], 5, CHECK_EDGES);
        ops = fake_ops;
        ops.access_begin = meddling_access;
        fake_workers[0].ops = &ops;
        FAKE_FAILS("stamp", fake_run.workload->work(&fake_workers[0]));
        job_free(job);
    }
}

static void test_blocks_that_cannot_be_reached(void **state)
{
    (void)state;
    fake_open(1, 0, 0, 0);
    struct slot slot = {.size = 8, .block = 0};
    FAKE_FAILS("access", op_rewrite(&fake_workers[0], &slot, 1));
    FAKE_FAILS("access", op_read(&fake_workers[0], &slot));
}

// ---- each on its own ----------------------------------------------------------------------------

static void test_scratch_blocks_are_the_first_worker_s(void **state)
{
    (void)state;
    run_job("workload = cache-scratch\nthreads = 4\nops = 1001\nwrites = 1\n", 9, CHECK_OVERLAP);
    for (unsigned i = 0; i < 4; i++) {
        const struct worker *worker = &fake_workers[i];
        // The first block's free, and 500 pairs. Worker 0 allocated all four of the first blocks.
        assert_int_equal(worker->count[OP_ALLOC], i == 0 ? 504 : 500);
        assert_int_equal(worker->count[OP_FREE], i == 0 ? 501 : 500);
        assert_int_equal(worker->count[OP_FREE_REMOTE], i == 0 ? 0 : 1);
    }
}

static void test_thrash_shares_nothing(void **state)
{
    (void)state;
    run_job("workload = cache-thrash\nthreads = 4\nops = 1000\nwrites = 1\n", 9, CHECK_OVERLAP);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(fake_workers[i].count[OP_ALLOC], 500);
        assert_int_equal(fake_workers[i].count[OP_FREE], 500);
    }
    assert_int_equal(fake_peak.largest, 8); // their own default of a common key
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAWS,
        cmocka_unit_test(test_rewriting_leaves_a_block_as_it_was),
        cmocka_unit_test(test_a_write_by_another_is_found),
        cmocka_unit_test(test_blocks_that_cannot_be_reached),
        cmocka_unit_test(test_scratch_blocks_are_the_first_worker_s),
        cmocka_unit_test(test_thrash_shares_nothing),
    };
    clock_init();
    law_rows = rows;
    law_row_count = ROWS;
    law_jobs = jobs;
    law_job_count = JOBS;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
