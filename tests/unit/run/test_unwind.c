// SPDX-License-Identifier: MIT
//
// test_unwind.c - addresses of a thread, of whatever state, and their names.

#include "run/unwind.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/symbols.h"
#include "support/test.h"

// A function with a frame of its own, called as it is written; clang has no noipa.
#if defined(__clang__)
#define APART __attribute__((noinline, optnone))
#else
#define APART __attribute__((noipa))
#endif

static struct evidence *evidence; // shared with children

static void open_evidence(void)
{
    evidence =
        mmap(NULL, sizeof *evidence, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(evidence, MAP_FAILED);
    unwind_open();
}

static void close_evidence(void)
{
    munmap(evidence, sizeof *evidence);
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
    (void)info;
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigaction(signal, &standard, NULL);
    unwind_maps("/proc/self/maps", evidence->maps, sizeof evidence->maps);
    unwind_signal(&evidence->trace.unwind, context);
}

static char handler_stack[1 << 16];

static void install(int signal)
{
    stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaltstack(&stack, NULL);
    sigaction(signal, &action, NULL);
}

static volatile int zero; // keeps calls from being the last thing that a function does

static APART int static_inner(int signal)
{
    raise(signal);
    return zero;
}

static APART int static_outer(int signal)
{
    return static_inner(signal) + zero;
}

static void test_callers_have_names(void **state)
{
    (void)state;
    open_evidence();
    install(SIGUSR1);
    static_outer(SIGUSR1);
    assert_true(evidence->trace.unwind.count > 3);
    symbols_resolve(evidence);
    const char *text = evidence->trace.text;
    assert_non_null(strstr(text, "test-unit-run-unwind+0x"));
    if (symbols_possible()) {
        const char *inner = strstr(text, "\nstatic_inner+0x");
        assert_non_null(inner);
        assert_ptr_equal(strstr(inner + 1, "\n"), strstr(text, "\nstatic_outer+0x"));
        assert_non_null(strstr(text, "\nmain+0x"));
    }
    close_evidence();
}

static APART int here(void)
{
    unwind_here(&evidence->trace.unwind, 1);
    return zero;
}

static APART int static_caller(void)
{
    return here() + zero;
}

static void test_from_here(void **state)
{
    (void)state;
    open_evidence();
    unwind_maps("/proc/self/maps", evidence->maps, sizeof evidence->maps);
    static_caller();
    symbols_resolve(evidence);
    if (symbols_possible()) {
        assert_int_equal(strncmp(evidence->trace.text, "static_caller+0x", 16), 0);
    }
    close_evidence();
}

// In a child, which ends in some bad way. Returns the signal that ended it.
static int child_ends(void (*badly)(void))
{
    pid_t child = fork();
    int status;
    if (child == 0) {
        install(SIGSEGV);
        badly();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void jump_to_nowhere(void)
{
    void (*volatile nowhere)(void) = NULL;
    nowhere();
    zero = 1;
}

static APART void smash_stack(void)
{
    char *frame = __builtin_frame_address(0);
    memset(frame, 0x41, 256);
    *(volatile char *)(uintptr_t)(16 + zero) = 1;
}

static APART int deeper(int depth)
{
    volatile char large[4096];
    large[depth % 4096] = 1;
    return depth < 0 ? 0 : deeper(depth + 1) + large[depth % 4096];
}

static void overflow_stack(void)
{
    zero = deeper(0);
}

static void test_broken_stacks(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); // it would say itself what is wrong with such a stack
#endif
    open_evidence();
    assert_int_equal(child_ends(jump_to_nowhere), SIGSEGV);
    assert_true(evidence->trace.unwind.count >= 2);
    assert_int_equal(evidence->trace.unwind.frame[0], 0);
    Dl_info info;
    assert_true(dladdr((void *)(uintptr_t)evidence->trace.unwind.frame[1], &info) != 0);
    close_evidence();

    open_evidence();
    assert_int_equal(child_ends(smash_stack), SIGSEGV);
    assert_true(evidence->trace.unwind.count >= 1);
    close_evidence();

    open_evidence();
    assert_int_equal(child_ends(overflow_stack), SIGSEGV);
    assert_int_equal(evidence->trace.unwind.count, UNWIND_FRAMES);
    close_evidence();
}

static void test_maps_keep_whole_lines_of_files(void **state)
{
    (void)state;
    static const char text[] = "1000-2000 r-xp 00000000 08:01 11   /lib/one.so\n"
                               "3000-4000 rw-p 00000000 00:00 0 \n"
                               "5000-6000 rw-p 00000000 00:00 0    [heap]\n"
                               "7000-8000 r-xp 00000000 08:01 12   /lib/two.so\n";
    char path[] = "/tmp/mems-test-XXXXXX";
    char got[256];
    int file = mkstemp(path);
    assert_int_equal(write(file, text, sizeof text - 1), sizeof text - 1);
    close(file);
    unwind_maps(path, got, sizeof got);
    assert_string_equal(got, "1000-2000 r-xp 00000000 08:01 11   /lib/one.so\n"
                             "7000-8000 r-xp 00000000 08:01 12   /lib/two.so\n");
    for (size_t size = 1; size <= 96; size++) {
        memset(got, '#', sizeof got);
        unwind_maps(path, got, size);
        size_t length = strlen(got);
        assert_true(length < size);
        assert_true(length == 0 || got[length - 1] == '\n');
        assert_int_equal(got[size], '#');
    }
    unlink(path);
    unwind_maps(path, got, sizeof got);
    assert_string_equal(got, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_callers_have_names),
        cmocka_unit_test(test_from_here),
        cmocka_unit_test(test_broken_stacks),
        cmocka_unit_test(test_maps_keep_whole_lines_of_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
