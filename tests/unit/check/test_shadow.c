// SPDX-License-Identifier: MIT
//
// test_shadow.c - the map of live blocks against an array of owners, by one thread and by several.

#include "check/shadow.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "support/chance.h"
#include "support/test.h"
#include "workload/random.h"

// Two leaves meet in the middle.
#define BASE  (UINT64_C(0x7f0000000000) - RANGE / 2)
#define RANGE UINT64_C(65536)

static uint64_t seed;

// ---- one thread against a model -----------------------------------------------------------------

struct model_block {
    uint64_t address;
    size_t size;
};

#define MODEL_BLOCKS 300

static struct model_block blocks[MODEL_BLOCKS];
static int16_t owners[RANGE / 8]; // of each multiple of 8; -1: nobody

static void model_set(const struct model_block *block, int16_t owner)
{
    for (uint64_t at = (block->address - BASE + 7) / 8 * 8;
         at < block->address - BASE + block->size; at += 8) {
        owners[at / 8] = owner;
    }
}

// The first mark of the block that somebody has, or RANGE.
static uint64_t model_conflict(const struct model_block *block)
{
    for (uint64_t at = (block->address - BASE + 7) / 8 * 8;
         at < block->address - BASE + block->size; at += 8) {
        if (owners[at / 8] >= 0) {
            return at;
        }
    }
    return RANGE;
}

static struct model_block draw_block(struct random *random)
{
    size_t size = 1 + random_below(random, random_below(random, 8) == 0 ? 9000 : 200);
    uint64_t offset = random_below(random, RANGE - size);
    // Mostly aligned as allocators do, now and then anyhow.
    uint64_t align = random_below(random, 4) == 0 ? 1 : random_below(random, 2) == 0 ? 8 : 16;
    return (struct model_block){BASE + offset / align * align, size};
}

static void step(struct shadow *shadow, struct random *random, size_t *live)
{
    struct shadow_conflict conflict = {0};
    size_t i = random_below(random, MODEL_BLOCKS);
    if (blocks[i].size > 0) {
        assert_int_equal(shadow_remove(shadow, blocks[i].address, blocks[i].size, &conflict), 0);
        model_set(&blocks[i], -1);
        blocks[i].size = 0;
        --*live;
        return;
    }
    struct model_block block = draw_block(random);
    if (model_conflict(&block) == RANGE) {
        assert_int_equal(shadow_insert(shadow, block.address, block.size, (uint32_t)i, &conflict),
                         0);
        model_set(&block, (int16_t)i);
        blocks[i] = block;
        ++*live;
    }
}

static void test_random_blocks_agree_with_the_model(void **state)
{
    (void)state;
    struct shadow shadow = {0};
    struct random random;
    random_init(&random, seed, 0, 0);
    memset(owners, -1, sizeof owners);
    size_t live = 0, most = 0;
    for (unsigned i = 0; i < 200000 / MEMS_TEST_SCALE; i++) {
        step(&shadow, &random, &live);
        most = live > most ? live : most;
    }
    assert_true(most > 20);
    shadow_fini(&shadow);
}

// An overlap is found exactly where the model has one, and its owner is named. About a third of the
// rounds have one; where few had, which chance gives once in 500,000 tests of 60 rounds, there are
// more.
static void test_overlaps_are_found_and_named(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, seed, 1, 0);
    const unsigned rounds = 400 / MEMS_TEST_SCALE + 20;
    unsigned found = 0;
    for (unsigned round = 0; round < rounds || (found <= 5 && round < CHANCE_MORE * rounds);
         round++) {
        struct shadow shadow = {0};
        size_t live = 0;
        memset(owners, -1, sizeof owners);
        memset(blocks, 0, sizeof blocks);
        for (unsigned i = 0; i < 200; i++) {
            step(&shadow, &random, &live);
        }
        struct shadow_conflict conflict = {0};
        struct model_block block = draw_block(&random);
        uint64_t at = model_conflict(&block);
        int error = shadow_insert(&shadow, block.address, block.size, 12345, &conflict);
        assert_int_equal(error, at == RANGE ? 0 : EEXIST);
        if (error == EEXIST) {
            assert_int_equal(conflict.address, BASE + at);
            assert_true(conflict.known);
            assert_int_equal(conflict.owner, owners[at / 8]);
            found++;
        }
        shadow_fini(&shadow);
    }
    assert_true(found > 5);
}

// It grows by the page of bits and those of owners that a block is the first to need, and by no
// more when the same place is marked again.
static void test_what_is_in_memory(void **state)
{
    (void)state;
    struct shadow shadow = {0};
    struct shadow_conflict conflict = {0};
    assert_int_equal(shadow_resident(&shadow), 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(shadow_insert(&shadow, BASE + RANGE, 64, 1, &conflict), 0);
        assert_int_equal(shadow_remove(&shadow, BASE + RANGE, 64, &conflict), 0);
    }
    uint64_t one = shadow_resident(&shadow);
    assert_in_range(one, 2 * 4096, 3 * 4096); // and the list's, where the leaf ends
    assert_int_equal(shadow_insert(&shadow, BASE + RANGE, 1 << 20, 1, &conflict), 0);
    uint64_t more = shadow_resident(&shadow); // half of it for owners, a 64th for bits
    assert_in_range(more - one, (1 << 19) - 4 * 4096, (1 << 19) + 8 * 4096);
    shadow_fini(&shadow);
}

static void test_a_mark_that_is_gone(void **state)
{
    (void)state;
    struct shadow shadow = {0};
    struct shadow_conflict conflict = {0};
    assert_int_equal(shadow_insert(&shadow, BASE, 4096, 1, &conflict), 0);
    assert_int_equal(shadow_remove(&shadow, BASE + 1024, 8, &conflict), 0);
    assert_int_equal(shadow_remove(&shadow, BASE, 4096, &conflict), ENOENT);
    assert_int_equal(conflict.address, BASE + 1024);
    assert_int_equal(shadow_remove(&shadow, BASE + RANGE, 8, &conflict), ENOENT);
    shadow_fini(&shadow);
}

static void test_addresses_that_are_none(void **state)
{
    (void)state;
    struct shadow shadow = {0};
    struct shadow_conflict conflict = {0};
    assert_int_equal(shadow_insert(&shadow, UINT64_C(1) << 47, 8, 1, &conflict), EFAULT);
    assert_int_equal(shadow_insert(&shadow, UINT64_MAX - 8, 64, 1, &conflict), EFAULT);
    assert_int_equal(shadow_insert(&shadow, (UINT64_C(1) << 47) - 8, 8, 1, &conflict), 0);
    // Blocks of 8 in one line of 16, as some allocators have them.
    assert_int_equal(shadow_insert(&shadow, BASE, 8, 1, &conflict), 0);
    assert_int_equal(shadow_insert(&shadow, BASE + 8, 8, 2, &conflict), 0);
    shadow_fini(&shadow);
}

// ---- several threads ----------------------------------------------------------------------------

#define THREADS 4
#define PLACES  256
#define PLACE   40 // bytes: places share words of the map, but no mark

static struct shadow shared;
static uint8_t taken[PLACES]; // [atomic] a lock each: 1 while a thread holds the place

static void *thread_churn(void *argument)
{
    uint64_t errors = 0;
    struct random random;
    struct shadow_conflict conflict;
    random_init(&random, seed, 100 + (uintptr_t)argument, 0);
    for (unsigned i = 0; i < 100000 / MEMS_TEST_SCALE; i++) {
        uint64_t place = random_below(&random, PLACES);
        if (__atomic_exchange_n(&taken[place], 1, __ATOMIC_ACQUIRE) != 0) {
            continue;
        }
        size_t size = PLACE - random_below(&random, 8);
        uint64_t address = BASE + RANGE / 2 - PLACES * PLACE / 2 + place * PLACE;
        errors += shadow_insert(&shared, address, size, (uint32_t)place, &conflict) != 0;
        errors += shadow_remove(&shared, address, size, &conflict) != 0;
        __atomic_store_n(&taken[place], 0, __ATOMIC_RELEASE);
    }
    return (void *)(uintptr_t)errors;
}

static void test_threads_do_not_disturb_each_other(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, thread_churn, (void *)i);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        void *errors;
        pthread_join(threads[i], &errors);
        assert_null(errors);
    }
    shadow_fini(&shared);
}

static pthread_barrier_t barrier;

static void *thread_insert(void *argument)
{
    struct shadow_conflict conflict;
    pthread_barrier_wait(&barrier);
    return (void *)(intptr_t)shadow_insert(&shared, (uint64_t)(uintptr_t)argument, 64, 1,
                                           &conflict);
}

// One block handed to two threads: exactly one of them is told, whoever comes first.
static void test_a_double_hand_out_is_found(void **state)
{
    (void)state;
    pthread_barrier_init(&barrier, NULL, 2);
    for (unsigned round = 0; round < 300 / MEMS_TEST_SCALE; round++) {
        pthread_t threads[2];
        uint64_t address = BASE + round * 64;
        for (unsigned i = 0; i < 2; i++) {
            pthread_create(&threads[i], NULL, thread_insert, (void *)(uintptr_t)address);
        }
        intptr_t told = 0;
        for (unsigned i = 0; i < 2; i++) {
            void *error;
            pthread_join(threads[i], &error);
            told += (intptr_t)error;
        }
        assert_int_equal(told, EEXIST);
    }
    pthread_barrier_destroy(&barrier);
    shadow_fini(&shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_blocks_agree_with_the_model),
        cmocka_unit_test(test_overlaps_are_found_and_named),
        cmocka_unit_test(test_what_is_in_memory),
        cmocka_unit_test(test_a_mark_that_is_gone),
        cmocka_unit_test(test_addresses_that_are_none),
        cmocka_unit_test(test_threads_do_not_disturb_each_other),
        cmocka_unit_test(test_a_double_hand_out_is_found),
    };
    seed = test_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
