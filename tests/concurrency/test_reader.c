// SPDX-License-Identifier: MIT
//
// test_reader.c - a reader translates addresses that another thread is releasing.
//
// Each block is filled with its own number. The writer publishes (address, number), replaces the
// block, publishes again. A reader that takes a pair may be late: then translate says that the
// block is gone. Where it says yes before *and* after the words were read, the block was there all
// the time, and the words are its own: the place of a block that is gone serves others, but its
// address never again. Blocks are of two sizes, so that one block's end cannot pass for another's.

#include "support/engine.h"

#include <pthread.h>
#include <stdatomic.h>

enum { PAIRS = 8, WORDS = 8, MORE_WORDS = 12, READERS = 2, WRITES = 150000 / MEMS_TEST_SCALE };

struct pair {
    pthread_mutex_t mutex;
    mems_addr addr;
    uint64_t number;
};

struct stage {
    const char *options;
    struct mems_space *space;
    struct pair pairs[PAIRS];
    atomic_bool over;
    atomic_ulong seen;
    atomic_ulong gone;
};

// In one class of the caches, so that a place and a descriptor serve both.
static size_t size_of(uint64_t number)
{
    return number % 3 == 0 ? MORE_WORDS * 8 : WORDS * 8;
}

static void write_block(struct stage *stage, mems_addr addr, uint64_t number)
{
    void *host = NULL;
    mems_access_begin();
    int error = mems_translate(stage->space, addr, MEMS_WRITE, &host, NULL);
    test_require(error == 0, "translate of a new block: %s", strerror(error));
    for (size_t i = 0; i < WORDS; i++) {
        __atomic_store_n((uint64_t *)host + i, number, __ATOMIC_RELEASE);
    }
    mems_access_end();
}

static void replace(struct stage *stage, struct pair *pair, uint64_t number)
{
    mems_addr old = pair->addr, addr = 0;
    if (old != 0 && number % 2 == 0) { // gone before it is replaced, or after
        test_require(mems_release(stage->space, old) == 0, "release");
        old = 0;
    }
    test_require(mems_alloc(stage->space, size_of(number), 0, &addr) == 0, "alloc");
    write_block(stage, addr, number);
    pthread_mutex_lock(&pair->mutex);
    pair->addr = addr;
    pair->number = number;
    pthread_mutex_unlock(&pair->mutex);
    if (old != 0) {
        test_require(mems_release(stage->space, old) == 0, "release");
    }
}

static bool is_gone(int error)
{
    return error == EALREADY || error == ESTALE;
}

static void read_pair(struct stage *stage, mems_addr addr, uint64_t number)
{
    uint64_t words[WORDS];
    void *host = NULL;
    size_t span = 0;
    mems_access_begin();
    int error = mems_translate(stage->space, addr, MEMS_READ, &host, &span);
    if (error == 0) {
        test_require(span == size_of(number), "%s: block %" PRIu64 " of %zu bytes runs on for %zu",
                     stage->options, number, size_of(number), span);
        for (size_t i = 0; i < WORDS; i++) {
            words[i] = __atomic_load_n((uint64_t *)host + i, __ATOMIC_ACQUIRE);
        }
        error = mems_translate(stage->space, addr, MEMS_READ, &host, NULL);
    }
    mems_access_end();
    if (error != 0) {
        test_require(is_gone(error), "%s: translate of %#" PRIx64 ": %s", stage->options, addr,
                     strerror(error));
        atomic_fetch_add(&stage->gone, 1);
        return;
    }
    for (size_t i = 0; i < WORDS; i++) {
        test_require(words[i] == number, "%s: block %" PRIu64 " has the words of %" PRIu64,
                     stage->options, number, words[i]);
    }
    atomic_fetch_add(&stage->seen, 1);
}

static void *reader(void *arg)
{
    struct stage *stage = arg;
    uint64_t random = (uintptr_t)&random;
    while (!atomic_load(&stage->over)) {
        struct pair *pair = &stage->pairs[test_below(&random, PAIRS)];
        pthread_mutex_lock(&pair->mutex);
        mems_addr addr = pair->addr;
        uint64_t number = pair->number;
        pthread_mutex_unlock(&pair->mutex);
        for (unsigned again = 0; again < 8; again++) {
            read_pair(stage, addr, number);
        }
        int error = mems_block_size(stage->space, addr, NULL, NULL);
        test_require(error == 0 || is_gone(error), "block size: %s", strerror(error));
    }
    return NULL;
}

static void run_stage(const char *policy, const char *options, uint64_t writes)
{
    static struct stage stage;
    memset(&stage, 0, sizeof stage);
    stage.options = options;
    struct mems_engine *engine = test_engine(policy, options);
    stage.space = test_space(engine);
    for (size_t i = 0; i < PAIRS; i++) {
        pthread_mutex_init(&stage.pairs[i].mutex, NULL);
        replace(&stage, &stage.pairs[i], i);
    }
    pthread_t readers[READERS];
    for (size_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&readers[i], NULL, reader, &stage), 0);
    }
    for (uint64_t number = PAIRS; number < writes; number++) {
        replace(&stage, &stage.pairs[number * 7 % PAIRS], number);
    }
    while (atomic_load(&stage.seen) == 0) { // a slow start: let them read at rest
    }
    atomic_store(&stage.over, true);
    for (size_t i = 0; i < READERS; i++) {
        pthread_join(readers[i], NULL);
    }
    assert_true(atomic_load(&stage.seen) > 0);
    mems_thread_flush();
    test_checked(engine, true);
    test_conserved(engine);
    mems_space_close(stage.space);
    mems_engine_close(engine);
}

static void test_reader(void **state)
{
    (void)state;
    run_stage("dynamic", "fit=first,thread_cache=no", WRITES);
    run_stage("dynamic", "fit=first,thread_cache=yes", WRITES);
    run_stage("dynamic", "fit=best,arenas=4,thread_cache=yes", WRITES);
    // Each block is a region, and these go back to the system while they may still be read.
    run_stage("dynamic", "granule=4Ki,region=4Ki,thread_cache=no", WRITES / 15);
    run_stage("dynamic", "fit=buddy,granule=4Ki,region=4Ki,thread_cache=no", WRITES / 15);
    run_stage("fixed", "partition=128,count=32,thread_cache=no", WRITES);
    run_stage("fixed", "partition=128,count=200,thread_cache=yes", WRITES);
    run_stage("segmentation", "mover=yes,mover_budget=0,thread_cache=no", WRITES);
    run_stage("segmentation", "thread_cache=yes", WRITES);
    run_stage("segmentation",
              "granule=4Ki,region=4Ki,mover=yes,mover_budget=0,compact_order=top,thread_cache=no",
              WRITES / 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reader)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
