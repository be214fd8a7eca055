// SPDX-License-Identifier: MIT
//
// double.c - blocks freed twice, by one thread and by several.

#include "misuse/malloc/sin.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static size_t usable_bytes; // of the block that is freed twice: asked while it lives
static pid_t main_thread;   // may be the one that finds out, when it takes the block back

static void at_once(size_t size)
{
    void *block = sin_block(size);
    sin_double(block, probe_usable(block), gettid());
    probe_free(block);
    probe_free(block);
}

static void after_others(size_t size)
{
    void *block = sin_block(size);
    void *others[3] = {sin_block(size), sin_block(size), sin_block(size + 200)};
    sin_double(block, probe_usable(block), gettid());
    probe_free(block);
    for (int i = 0; i < 3; i++) {
        probe_free(others[i]);
    }
    probe_free(block);
    sin_aftermath(size);
}

// Others come and go in between. Where one of them got the block's own memory, the block is theirs.
static void after_allocations(size_t size)
{
    char *block = sin_block(size);
    size_t usable = probe_usable(block);
    probe_free(block);
    for (size_t i = 0; i < 1000; i++) {
        char *other = probe_malloc(2 * size + 100 + i);
        if (other < block + usable && block < other + probe_usable(other)) {
            probe_skip("the block's memory served another");
        }
        probe_free(other);
    }
    sin_double(block, usable, gettid());
    probe_free(block);
    sin_aftermath(size);
}

static void free_again(void *block)
{
    sin_double(block, usable_bytes, gettid());
    sin_double(block, usable_bytes, main_thread);
    probe_free(block);
}

static void other_thread_first(size_t size)
{
    struct sin_stranger stranger;
    sin_stranger_start(&stranger);
    void *block = sin_block(size);
    usable_bytes = probe_usable(block);
    sin_stranger_does(&stranger, probe_free, block);
    sin_double(block, usable_bytes, gettid());
    probe_free(block);
    sin_aftermath(size);
}

static void other_thread_second(size_t size)
{
    struct sin_stranger stranger;
    sin_stranger_start(&stranger);
    void *block = sin_block(size);
    usable_bytes = probe_usable(block);
    main_thread = gettid();
    probe_free(block);
    sin_stranger_does(&stranger, free_again, block);
    sin_aftermath(size);
}

static void two_other_threads(size_t size)
{
    struct sin_stranger strangers[2];
    sin_stranger_start(&strangers[0]);
    sin_stranger_start(&strangers[1]);
    void *block = sin_block(size);
    usable_bytes = probe_usable(block);
    main_thread = gettid();
    sin_stranger_does(&strangers[0], probe_free, block);
    sin_stranger_does(&strangers[1], free_again, block);
    sin_aftermath(size);
}

static void *allocate_it(void *block)
{
    *(void **)block = sin_block(64);
    return NULL;
}

// The thread that owned the block's slab is gone when the block is freed, twice.
static void after_the_owner(size_t size)
{
    (void)size;
    void *block = NULL;
    probe_in_thread(allocate_it, &block);
    sin_double(block, probe_usable(block), gettid());
    probe_free(block);
    probe_free(block);
    sin_aftermath(64);
}

// Every block of many slabs is freed, and the memory given back: the block is known no more, or
// still known to be free.
static void given_back(size_t size)
{
    enum { COUNT = 200000 };
    void **blocks = probe_map(COUNT * sizeof *blocks);
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = probe_malloc(size);
    }
    void *block = blocks[COUNT / 2];
    size_t usable = probe_usable(block);
    for (size_t i = 0; i < COUNT; i++) {
        probe_free(blocks[i]);
    }
    malloc_trim(0);
    sin_double(block, usable, gettid());
    sin_foreign("free", block);
    probe_free(block);
}

static void large_given_back(size_t size)
{
    void *block = probe_malloc(size);
    size_t usable = probe_usable(block);
    probe_free(block);
    malloc_trim(0);
    sin_double(block, usable, gettid());
    sin_foreign("free", block);
    probe_free(block);
}

// An aligned block is a block.
static void aligned(size_t size)
{
    void *block = aligned_alloc(4096, 64 * size);
    probe_require(block != NULL, "no aligned block");
    sin_double(block, probe_usable(block), gettid());
    probe_free(block);
    probe_free(block);
}

// realloc freed the old place when it moved the block.
static void moved_by_realloc(size_t size)
{
    void *block = sin_block(size);
    size_t usable = probe_usable(block);
    void *moved = probe_realloc(block, 100 * usable);
    probe_require(moved != NULL && moved != block, "realloc did not move the block");
    sin_double(block, usable, gettid());
    probe_free(block);
}

static void realloc_to_zero(size_t size)
{
    void *block = sin_block(size);
    sin_double(block, probe_usable(block), gettid());
    probe_require(probe_realloc(block, 0) == NULL, "realloc(p, 0) is not NULL");
    probe_free(block);
}

// Nobody may read the line: the process dies all the same.
static void stderr_is_full(size_t size)
{
    void *block = sin_block(size);
    int full = open("/dev/full", O_WRONLY);
    probe_require(full >= 0, "no /dev/full");
    sin_double(block, probe_usable(block), gettid());
    int heard = dup(STDERR_FILENO);
    dup2(full, STDERR_FILENO);
    pid_t child = fork();
    if (child == 0) {
        probe_free(block);
        probe_free(block);
        _exit(0);
    }
    int status = 0;
    probe_require(child > 0 && waitpid(child, &status, 0) == child, "no child");
    dup2(heard, STDERR_FILENO);
    probe_require(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "status %#x", status);
    probe_free(block);
    probe_free(block);
}

static void handler(int number)
{
    (void)number;
    for (size_t size = 1; size < 100000; size *= 2) {
        probe_free(probe_malloc(size));
    }
}

// A crash reporter that allocates comes to its end: no lock is held at the abort.
static void handler_allocates(size_t size)
{
    signal(SIGABRT, handler);
    at_once(size);
}

int main(int argc, char **argv)
{
    static const struct probe SINS[] = {
        {"at_once", at_once, PROBE_CLASSES},
        {"large", at_once, PROBE_LARGE},
        {"after_others", after_others, PROBE_CLASSES},
        {"after_allocations", after_allocations, PROBE_CLASSES},
        {"other_thread_first", other_thread_first, PROBE_CLASSES},
        {"other_thread_second", other_thread_second, PROBE_CLASSES},
        {"two_other_threads", two_other_threads, PROBE_CLASSES},
        {"large_other_thread_second", other_thread_second, PROBE_LARGE},
        {"large_other_thread_first", other_thread_first, PROBE_LARGE},
        {"large_two_other_threads", two_other_threads, PROBE_LARGE},
        {"after_the_owner", after_the_owner, PROBE_ONE},
        {"given_back", given_back, PROBE_ONE},
        {"large_given_back", large_given_back, PROBE_LARGE},
        {"aligned", aligned, PROBE_ONE},
        {"moved_by_realloc", moved_by_realloc, PROBE_CLASSES},
        {"realloc_to_zero", realloc_to_zero, PROBE_CLASSES},
        {"stderr_is_full", stderr_is_full, PROBE_ONE},
        {"handler_allocates", handler_allocates, PROBE_ONE},
        {"large_handler_allocates", handler_allocates, PROBE_LARGE},
    };
    return probe_main(SINS, sizeof SINS / sizeof SINS[0], argc, argv);
}
