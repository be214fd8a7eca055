// SPDX-License-Identifier: MIT
//
// test_share.c - copy on write under readers: who reads a shared page never sees the other side's
// bytes.
//
// A page is shared by two spaces. Readers of the first look at it all the time, each look in one
// access section. Then the first space asks to write, so its page moves to a copy (it writes
// nothing), and at once the second one, alone with the frame now, writes there. Whoever of the
// readers still held a pointer to that frame must have finished before.

#include "support/engine.h"

#include <pthread.h>
#include <stdatomic.h>

enum { PAGE = 4096, READERS = 2, ROUNDS = 120 / (MEMS_TEST_SCALE < 3 ? MEMS_TEST_SCALE : 3) };

struct stage {
    struct mems_space *space;
    mems_addr addr;
    atomic_bool over;
    atomic_uint looking;
};

static void look(const struct stage *stage)
{
    void *host;
    size_t span;
    mems_access_begin();
    int error = mems_translate(stage->space, stage->addr, MEMS_READ, &host, &span);
    if (error == EAGAIN) { // on its way to a copy
        mems_access_end();
        error = mems_fault(stage->space, stage->addr, MEMS_READ);
        test_require(error == 0, "fault: %s", strerror(error));
        error = mems_translate(stage->space, stage->addr, MEMS_READ, &host, &span);
    }
    test_require(error == 0 && span == PAGE, "translate: %s", strerror(error));
    const volatile unsigned char *bytes = host;
    for (size_t i = 0; i < PAGE; i++) {
        test_require(bytes[i] == 'a', "byte %zu: %c", i, bytes[i]);
    }
    mems_access_end();
}

static void *read_on(void *arg)
{
    struct stage *stage = arg;
    look(stage);
    stage->looking++;
    while (!stage->over) {
        look(stage);
    }
    return NULL;
}

static void play(const char *policy, const char *options)
{
    static char a[PAGE], b[PAGE];
    struct mems_engine *engine = test_engine(policy, options);
    struct mems_space *first = test_space(engine), *second = test_space(engine);
    memset(a, 'a', PAGE);
    memset(b, 'b', PAGE);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct stage stage = {.space = first, .addr = test_alloc(first, PAGE)};
        pthread_t readers[READERS];
        mems_addr other;
        test_require(mems_write(first, stage.addr, a, PAGE) == 0, "write");
        test_require(mems_share(first, stage.addr, second, MEMS_READ | MEMS_WRITE, &other) == 0,
                     "share");
        for (unsigned i = 0; i < READERS; i++) {
            test_require(pthread_create(&readers[i], NULL, read_on, &stage) == 0, "thread");
        }
        while (stage.looking < READERS) {
            sched_yield();
        }
        int error = mems_fault(first, stage.addr, MEMS_WRITE);
        test_require(error == 0, "fault: %s", strerror(error));
        mems_access_end();
        test_require(mems_write(second, other, b, PAGE) == 0, "write");
        stage.over = true;
        for (unsigned i = 0; i < READERS; i++) {
            pthread_join(readers[i], NULL);
        }
        test_require(mems_release(first, stage.addr) == 0, "release");
        test_require(mems_release(second, other) == 0, "release");
    }
    struct mems_stats stats = test_stats(engine);
    test_require(stats.copy_faults == ROUNDS, "%" PRIu64 " copies", stats.copy_faults);
    test_checked(engine, true);
    mems_engine_close(engine);
}

static void test_paging(void **state)
{
    (void)state;
    play("paging", "frames=16,thread_cache=no");
}

static void test_vm_paging(void **state)
{
    (void)state;
    play("vm-paging", "frames=16,swap=64Ki,thread_cache=no");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_paging),
                                       cmocka_unit_test(test_vm_paging)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
