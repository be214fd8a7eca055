// SPDX-License-Identifier: MIT
//
// test_os.c - maps and their alignment, sleeping and waking, and errno left alone throughout.

#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bits.h"
#include "mems/inject.h"
#include "os/os.h"

#define MARK 4711 // an errno that nobody sets

// Pages of address space in use, without stdio or malloc.
static unsigned long address_space_pages(void)
{
    char text[64] = "";
    int file = open("/proc/self/statm", O_RDONLY);
    assert_true(file >= 0);
    assert_true(read(file, text, sizeof text - 1) > 0);
    close(file);
    return strtoul(text, NULL, 10);
}

static void check_map(size_t size, size_t align)
{
    errno = MARK;
    char *memory = os_map(size, align);
    assert_int_equal(errno, MARK);
    assert_non_null(memory);
    size_t least = align > os_page_size() ? align : os_page_size();
    assert_int_equal((uintptr_t)memory % least, 0);
    for (size_t at = 0; at < size; at += os_page_size()) {
        assert_int_equal(memory[at], 0);
    }
    memory[0] = 1;
    memory[size - 1] = 1;
    assert_true(os_unmap(memory, size));
    assert_int_equal(errno, MARK);
}

static void test_map(void **state)
{
    (void)state;
    size_t page = os_page_size();
    assert_true(bits_is_power_of_two(page));
    static const size_t aligns[] = {0, 1, 4096, 8192, 1 << 16, 1 << 21, 1 << 26};
    for (size_t i = 0; i < sizeof aligns / sizeof aligns[0]; i++) {
        check_map(page, aligns[i]);
        check_map(7 * page, aligns[i]);
        check_map(1 << 21, aligns[i]);
    }
}

// Odd sizes in between make sure that most aligned maps are not so by luck.
static void test_aligned_maps_keep_nothing_else(void **state)
{
    (void)state;
    enum { COUNT = 64 };
    size_t page = os_page_size();
    char *memory[COUNT];
    unsigned long before = address_space_pages();
    unsigned long sum = 0;
    for (size_t i = 0; i < COUNT; i++) {
        memory[i] = os_map((i + 1) * page, 1 << 20);
        assert_non_null(memory[i]);
        assert_int_equal((uintptr_t)memory[i] % (1 << 20), 0);
        sum += i + 1;
    }
    assert_int_equal(address_space_pages(), before + sum);
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(os_unmap(memory[i], (i + 1) * page));
    }
    assert_int_equal(address_space_pages(), before);
}

static void test_refusals(void **state)
{
    (void)state;
    size_t page = os_page_size();
    errno = MARK;
    assert_null(os_map(SIZE_MAX - page + 1, 0));
    assert_null(os_map(SIZE_MAX - page + 1, 1 << 21));
    assert_null(os_map((size_t)1 << 60, 0));
    assert_null(os_map(page, (size_t)1 << 62));
    char *memory = os_map(page, 0);
    assert_non_null(memory);
    assert_false(os_unmap(memory + 1, page)); // not aligned: the kernel says no
    assert_int_equal(errno, MARK);
    assert_true(os_unmap(memory, page));
}

// When a trim is refused, the whole map is given back.
static void test_refused_trim(void **state)
{
    (void)state;
    size_t page = os_page_size();
    for (uint64_t nth = 1; nth <= 2; nth++) {
        char *shift = NULL;
        bool refused = false;
        while (!refused) { // until a map is not aligned by luck
            unsigned long before = address_space_pages();
            mems_inject(MEMS_SEAM_UNMAP, nth, 0);
            errno = MARK;
            char *memory = os_map(3 * page, 1 << 21);
            assert_int_equal(errno, MARK);
            refused = memory == NULL;
            assert_int_equal(mems_inject_hits(MEMS_SEAM_UNMAP), refused);
            mems_inject(MEMS_SEAM_UNMAP, 0, 0);
            if (refused) {
                assert_int_equal(address_space_pages(), before);
            } else {
                assert_true(os_unmap(memory, 3 * page));
                shift = os_map(page, 0); // stays, and moves the next one
                assert_non_null(shift);
            }
        }
    }
}

static void test_clock(void **state)
{
    (void)state;
    uint64_t last = os_clock_ns();
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t now = os_clock_ns();
        assert_true(now >= last);
        last = now;
    }
}

struct handshake {
    uint32_t word;
    uint32_t woken;
};

static void *sleeper(void *argument)
{
    struct handshake *hands = argument;
    while (__atomic_load_n(&hands->word, __ATOMIC_ACQUIRE) == 0) {
        os_wait(&hands->word, 0, 0);
    }
    __atomic_fetch_add(&hands->woken, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void test_wait_and_wake(void **state)
{
    (void)state;
    struct handshake hands = {0};
    errno = MARK;
    os_wait(&hands.word, 1, 0);    // it is not 1: returns at once
    os_wait(&hands.word, 0, 1000); // nobody wakes: the time runs out
    os_wake(&hands.word, 1);       // nobody sleeps
    assert_int_equal(errno, MARK);
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, sleeper, &hands), 0);
    }
    __atomic_store_n(&hands.word, 1, __ATOMIC_RELEASE);
    os_wake(&hands.word, UINT32_MAX);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(hands.woken, 4);
}

static void *count_on_one_cpu(void *argument)
{
    cpu_set_t allowed;
    cpu_set_t one;
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    size_t cpu = 0;
    while (!CPU_ISSET(cpu, &allowed)) {
        cpu++;
    }
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    *(unsigned *)argument = os_cpu_count();
    return NULL;
}

static void test_cpu_count(void **state)
{
    (void)state;
    assert_true(os_cpu_count() >= 1);
    assert_true(os_cpu_count() <= (unsigned)sysconf(_SC_NPROCESSORS_CONF));
    unsigned count = 0;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, count_on_one_cpu, &count), 0);
    pthread_join(thread, NULL);
    assert_int_equal(count, 1);
}

static void test_environment(void **state)
{
    (void)state;
    assert_int_equal(setenv("MEMS_TEST_OS", "here", 1), 0);
    assert_string_equal(os_environment("MEMS_TEST_OS"), "here");
    assert_int_equal(unsetenv("MEMS_TEST_OS"), 0);
    assert_null(os_environment("MEMS_TEST_OS"));
}

#define LONG_TEXT (1 << 20)

static char long_text[LONG_TEXT];

static void *read_all(void *argument)
{
    int file = *(const int *)argument;
    char buffer[1000];
    size_t at = 0;
    for (ssize_t got; (got = read(file, buffer, sizeof buffer)) > 0; at += (size_t)got) {
        if (at + (size_t)got > LONG_TEXT || memcmp(buffer, long_text + at, (size_t)got) != 0) {
            break;
        }
    }
    return (void *)(uintptr_t)at;
}

// Far more than a pipe holds, into a stderr that does not block: nothing is lost.
static void test_complain(void **state)
{
    (void)state;
    for (size_t i = 0; i < LONG_TEXT; i++) {
        long_text[i] = (char)('a' + i % 23);
    }
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    int saved = dup(STDERR_FILENO);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, read_all, &ends[0]), 0);
    errno = MARK;
    os_complain(long_text, LONG_TEXT);
    assert_int_equal(errno, MARK);
    dup2(saved, STDERR_FILENO); // the last write end closes
    close(saved);
    void *length;
    pthread_join(reader, &length);
    close(ends[0]);
    assert_int_equal((uintptr_t)length, LONG_TEXT);
}

static void test_complain_to_nobody(void **state)
{
    (void)state;
    int saved = dup(STDERR_FILENO);
    close(STDERR_FILENO);
    errno = MARK;
    os_complain("lost", 4);
    int kept = errno;
    dup2(saved, STDERR_FILENO);
    close(saved);
    assert_int_equal(kept, MARK);
}

static void test_die(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        os_die("last words\n", 11);
    }
    close(ends[1]);
    char text[100] = "";
    ssize_t got = read(ends[0], text, sizeof text - 1);
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_int_equal(got, 11);
    assert_string_equal(text, "last words\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map),       cmocka_unit_test(test_aligned_maps_keep_nothing_else),
        cmocka_unit_test(test_refusals),  cmocka_unit_test(test_refused_trim),
        cmocka_unit_test(test_clock),     cmocka_unit_test(test_wait_and_wake),
        cmocka_unit_test(test_cpu_count), cmocka_unit_test(test_environment),
        cmocka_unit_test(test_complain),  cmocka_unit_test(test_complain_to_nobody),
        cmocka_unit_test(test_die),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
