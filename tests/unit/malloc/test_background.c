// SPDX-License-Identifier: MIT
//
// test_background.c - the helper of an idle program: it starts once, also in a child, and gives
// back what is free; and figures and trims that meet forks.

#include "support/leave.h"
#include "support/test.h"

#include <dirent.h>
#include <malloc.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "heap/depot.h"
#include "heap/look.h"
#include "malloc/malloc.h"
#include "sync/atomic.h"

enum { BYTES = 16 << 20, SIZE = 1000, FORKS = 200 / MEMS_TEST_SCALE };

static unsigned count_threads(void)
{
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        count += task->d_name[0] != '.';
    }
    closedir(tasks);
    return count;
}

// Fills the heap, and frees all of it.
static void fill(void)
{
    void **first = NULL;
    for (unsigned bytes = 0; bytes < BYTES; bytes += SIZE) {
        void **block = malloc(SIZE);
        assert_non_null(block);
        memset(block, 1, SIZE);
        *block = first;
        first = block;
    }
    while (first != NULL) {
        void **next = *first;
        free(first);
        first = next;
    }
}

// Dirty bytes that are free, when nobody but the helper has done anything for 20 s at most.
static uint64_t dirty_bytes_when_idle(void)
{
    const struct timespec moment = {.tv_nsec = 5000000};
    struct look look;
    look_take(&look);
    for (unsigned i = 0; i < 4000 && look.dirty_bytes != 0; i++) {
        nanosleep(&moment, NULL);
        look_take(&look);
    }
    return look.dirty_bytes;
}

static void has_helper(void)
{
    fill();
    assert_int_equal(count_threads(), 2);
    assert_int_equal(dirty_bytes_when_idle(), 0);
}

static void test_helper(void **state)
{
    (void)state;
    depot_settings.decay_ms = 20;
    fill();
    assert_int_equal(count_threads(), 1);
    malloc_background_want();
    assert_int_equal(load_relaxed(&malloc_background_due), 1);
    has_helper();
    has_helper();
    pid_t child = fork();
    if (child == 0) {
        // No assertion of cmocka's in here: it would go on with the other tests.
        bool none = load_relaxed(&malloc_background_due) == 1;
        fill();
        leave(none && count_threads() == 2 && dirty_bytes_when_idle() == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    has_helper();
}

// ---- and forks ----------------------------------------------------------------------------------

static uint32_t stop;

static void *look_and_trim(void *unused)
{
    while (load_relaxed(&stop) == 0) {
        fill();
        (void)mallinfo2();
        (void)malloc_trim(0);
    }
    return unused;
}

static void test_forks(void **state)
{
    (void)state;
    pthread_t threads[2];
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, look_and_trim, NULL), 0);
    }
    for (unsigned i = 0; i < FORKS; i++) {
        pid_t child = fork();
        if (child == 0) {
            struct look look;
            look_take(&look);
            void *block = malloc(SIZE);
            free(block);
            (void)malloc_trim(0);
            look_take(&look);
            bool sums = look.mapped_bytes ==
                        look.slab_bytes + look.large_bytes + look.dirty_bytes + look.clean_bytes;
            leave(block != NULL && sums && look.dirty_bytes == 0 ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    store_relaxed(&stop, 1);
    for (unsigned i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_helper),
        cmocka_unit_test(test_forks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
