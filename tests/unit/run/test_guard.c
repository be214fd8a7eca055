// SPDX-License-Identifier: MIT
//
// test_guard.c - what a cell leaves is found and ended, and nothing else; memory is counted once.

#include "run/guard.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/footprint.h"
#include "run/watch.h"
#include "support/test.h"

extern char **environ;

static unsigned interruptions; // of the next calls of waitpid

// In the C library's place: a wait may be interrupted, whatever its options.
pid_t waitpid(pid_t pid, int *status, int options)
{
    if (interruptions > 0) {
        interruptions--;
        errno = EINTR;
        return -1;
    }
    return wait4(pid, status, options, NULL);
}

// A process with the mark or without, which tells its number through a pipe and sleeps. With
// `away`: in a session of its own, its parent gone.
static pid_t start_sleeper(bool marked, bool away, pid_t *parent)
{
    int ends[2];
    pid_t sleeper;
    assert_int_equal(pipe(ends), 0);
    *parent = fork();
    if (*parent == 0) {
        setpgid(0, 0);
        if (away) {
            setsid();
            if (fork() != 0) {
                _exit(0);
            }
        }
        char script[] = "echo $$; exec sleep 20 >/dev/null 2>&1";
        char shell[] = "sh", option[] = "-c", mark[64];
        char *arguments[] = {shell, option, script, NULL};
        char *environment[] = {mark, NULL};
        snprintf(mark, sizeof mark, "%s", guard_mark());
        dup2(ends[1], 1);
        execve("/bin/sh", arguments, marked ? environment : environ);
        _exit(127);
    }
    close(ends[1]);
    char text[32] = "";
    assert_true(read(ends[0], text, sizeof text - 1) > 0);
    close(ends[0]);
    sleeper = (pid_t)atoi(text);
    assert_true(sleeper > 0);
    return sleeper;
}

static bool is_alive(pid_t pid)
{
    char path[64], text[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *in = fopen(path, "re");
    if (in == NULL) {
        return false;
    }
    assert_true(fread(text, 1, sizeof text - 1, in) > 0);
    fclose(in);
    const char *state = strrchr(text, ')');
    return state != NULL && state[2] != 'Z' && state[2] != 'X';
}

static void test_sweep(void **state)
{
    (void)state;
    pid_t parent, stranger_parent;
    pid_t stranger = start_sleeper(false, false, &stranger_parent);
    pid_t member = start_sleeper(true, false, &parent);
    guard_sweep(parent); // by its group
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    assert_false(is_alive(member));
    pid_t daemon = start_sleeper(true, true, &parent);
    assert_true(is_alive(daemon));
    guard_sweep(parent); // by its mark: it is in no group of the cell's
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    assert_false(is_alive(daemon));
    assert_true(is_alive(stranger));
    kill(stranger, SIGKILL);
    waitpid(stranger_parent, NULL, 0);
}

static void test_guard_comes_and_goes(void **state)
{
    (void)state;
    pid_t parent;
    assert_int_equal(guard_open(), 0);
    assert_int_equal(guard_open(), 0); // the same one
    pid_t daemon = start_sleeper(true, true, &parent);
    waitpid(parent, NULL, 0);
    guard_close(); // sweeps, as after the driver's death
    assert_false(is_alive(daemon));
    guard_close();
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

// The guard is there though the look at it was interrupted: it is not told that the driver has
// died.
static void test_guard_is_not_missed(void **state)
{
    (void)state;
    pid_t parent;
    assert_int_equal(guard_open(), 0);
    pid_t cell = start_sleeper(true, false, &parent);
    interruptions = 1;
    assert_int_equal(guard_open(), 0);
    assert_int_equal(interruptions, 0);
    bool spared = is_alive(cell);
    guard_close();
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    assert_int_equal(waitpid(-1, NULL, 0), -1); // there was no second one
    assert_int_equal(errno, ECHILD);
    assert_true(spared);
}

#define SHARED (64u << 20)

// Two processes that share 64 MiB take 64 MiB, not 128.
static void test_shared_pages_count_once(void **state)
{
    (void)state;
    int ends[2];
    static struct footprint footprint;
    assert_int_equal(pipe(ends), 0);
    pid_t cell = fork();
    if (cell == 0) {
        char *memory = mmap(NULL, SHARED, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        pid_t child = fork();
        bool well = memory != MAP_FAILED && child >= 0 && write(ends[1], "x", 1) == 1;
        pause();
        _exit(!well);
    }
    char bytes[2];
    for (size_t got = 0; got < 2;) {
        ssize_t more = read(ends[0], bytes, 2 - got);
        assert_true(more > 0);
        got += (size_t)more;
    }
    footprint_open(&footprint, cell);
    uint64_t sum = footprint_read(&footprint, UINT64_MAX);
    assert_int_equal(footprint.count, 2);
    uint64_t proportional = footprint_read(&footprint, SHARED / 2);
    kill(footprint.pid[1], SIGKILL);
    kill(cell, SIGKILL);
    waitpid(cell, NULL, 0);
    assert_true(sum >= SHARED); // the child's pages may or may not be in its tables
    assert_true(proportional >= SHARED);
    assert_true(proportional < SHARED + SHARED / 2);
    close(ends[0]);
    close(ends[1]);
}

static void test_tick(void **state)
{
    (void)state;
    assert_int_equal(watch_tick_ms(0), 100);
    for (uint64_t limit = 64u << 20; limit < UINT64_C(1) << 40; limit *= 2) {
        // 1 GiB a second adds less than the limit within a tick.
        assert_true((uint64_t)watch_tick_ms(limit) * (1u << 30) / 1000 < limit);
        assert_true(watch_tick_ms(limit) >= 5 && watch_tick_ms(limit) <= 100);
    }
}

static void test_allowed_is_below_twice_the_limit(void **state)
{
    (void)state;
    struct watch watch = {.memory_bytes = 64u << 20};
    assert_int_equal(watch_allowed(&watch, 8u << 20), (64u + 8 + 16) << 20);
    assert_true(watch_allowed(&watch, 0) < 128u << 20);
    watch.mapped = true;
    assert_int_equal(watch_allowed(&watch, 8u << 20), (64u + 8 + 16 + 32) << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sweep),
        cmocka_unit_test(test_guard_comes_and_goes),
        cmocka_unit_test(test_guard_is_not_missed),
        cmocka_unit_test(test_shared_pages_count_once),
        cmocka_unit_test(test_tick),
        cmocka_unit_test(test_allowed_is_below_twice_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
