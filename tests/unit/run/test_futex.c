// SPDX-License-Identifier: MIT
//
// test_futex.c - waits on futexes are counted, or it is said why they are not.

#include "run/futex.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/test.h"

#define WAITS 100

static int word;

// Waits that return at once, because the word is another.
static void *wait_in_vain(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < WAITS; i++) {
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
        syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
    return NULL;
}

static void test_counted_or_why(void **state)
{
    (void)state;
    struct futex_counter counter;
    uint64_t before = 0, after = 0;
    futex_open(&counter);
    if (counter.file < 0) {
        assert_true(strlen(counter.why) > 10);
        assert_false(futex_read(&counter, &before));
        print_message("not counted here: %s\n", counter.why);
        skip();
    }
    assert_string_equal(counter.why, "");
    pthread_t thread;
    assert_true(futex_read(&counter, &before));
    wait_in_vain(NULL); // this thread's own do not count
    assert_true(futex_read(&counter, &after));
    assert_int_equal(after, before);
    pthread_create(&thread, NULL, wait_in_vain, NULL);
    pthread_join(thread, NULL);
    assert_true(futex_read(&counter, &after));
    assert_in_range(after - before, WAITS, WAITS + 10); // the runtime's own beside them; no wakes
    futex_close(&counter);
}

static void test_no_tracing(void **state)
{
    (void)state;
    struct futex_counter counter;
    uint64_t waits;
    futex_open_at(&counter, "/nowhere");
    assert_int_equal(counter.file, -1);
    assert_string_equal(counter.why,
                        "no tracepoint syscalls:sys_enter_futex under /nowhere: ENOENT");
    assert_false(futex_read(&counter, &waits));
    futex_close(&counter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counted_or_why),
        cmocka_unit_test(test_no_tracing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
