// SPDX-License-Identifier: MIT
//
// os.c - Linux.
//
// 1. errno. A program's errno belongs to the program: free must not change it, and a lock that
//    sleeps must not either. Every call here that may touch it puts it back.
// 2. Aligned maps. The kernel aligns to pages only. A first plain attempt is often aligned by luck
//    (the kernel stacks equal mappings on each other) and needs no more address space than asked,
//    which counts under RLIMIT_AS. Else size + align - page is mapped and both ends are trimmed.
//    A trim can be refused, because it splits a mapping (max_map_count): then the map is refused,
//    unless not even all of it can be given back.

#include "os/os.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "os/explore.h"
#include "os/inject.h"

size_t os_page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static char *map_plain(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

// Passes the seam. An empty range is a success and no call.
static bool unmap_part(char *memory, size_t size)
{
    return size == 0 || (!inject_fails(MEMS_SEAM_UNMAP) && munmap(memory, size) == 0);
}

// Maps `slack` bytes more and gives back what lies outside the aligned part.
static char *map_trimmed(size_t size, size_t align, size_t slack)
{
    size_t whole;
    if (__builtin_add_overflow(size, slack, &whole)) {
        return NULL;
    }
    char *memory = map_plain(whole);
    if (memory == NULL) {
        return NULL;
    }
    size_t head = (0 - (uintptr_t)memory) & (align - 1);
    char *tail = memory + head + size;
    // Refused, and the whole is not taken back either: what is too much is never touched.
    if (!unmap_part(memory, head)) {
        return munmap(memory, whole) != 0 ? memory + head : NULL;
    }
    if (!unmap_part(tail, slack - head)) {
        return munmap(memory + head, whole - head) != 0 ? memory + head : NULL;
    }
    return memory + head;
}

void *os_map(size_t size, size_t align)
{
    if (inject_fails(MEMS_SEAM_MAP)) {
        return NULL;
    }
    int saved = errno;
    size_t page = os_page_size();
    char *memory = map_plain(size);
    if (memory != NULL && align > page && ((uintptr_t)memory & (align - 1)) != 0) {
        (void)munmap(memory, size);
        memory = map_trimmed(size, align, align - page);
    }
    errno = saved;
    return memory;
}

void *os_map_huge(void)
{
    void *memory = os_map(OS_HUGE, OS_HUGE);
    if (memory != NULL) {
        os_want_huge(memory, OS_HUGE, true);
    }
    return memory;
}

void os_want_huge(void *memory, size_t size, bool wanted)
{
    int saved = errno;
    (void)madvise(memory, size, wanted ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    errno = saved;
}

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 // Linux 5.14
#endif

void os_populate(void *memory, size_t size)
{
    int saved = errno;
    (void)madvise(memory, size, MADV_POPULATE_WRITE);
    errno = saved;
}

bool os_purge(void *memory, size_t size)
{
    int saved = errno;
    bool done = !inject_fails(MEMS_SEAM_UNMAP) && madvise(memory, size, MADV_DONTNEED) == 0;
    errno = saved;
    return done;
}

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4 // Linux 5.7
#endif

// In two steps. Straight to `to` the kernel unmaps what is there first, and Linux before 6.17 then
// refuses a range of more than one mapping, as earlier moves leave behind. Either step can be
// refused where mappings are short; after the first one there is still the copy.
bool os_move(void *from, void *to, size_t size)
{
    int saved = errno;
    void *between = MAP_FAILED;
    if (!inject_fails(MEMS_SEAM_MAP)) {
        between = mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
    }
    if (between != MAP_FAILED &&
        mremap(between, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED) {
        memcpy(to, between, size);
        (void)munmap(between, size);
    }
    errno = saved;
    return between != MAP_FAILED;
}

bool os_unmap(void *memory, size_t size)
{
    int saved = errno;
    bool done = unmap_part(memory, size);
    errno = saved;
    return done;
}

uint64_t os_clock_ns(void)
{
    struct timespec now = {0};
    uint64_t explored_ns;
    if (OS_EXPLORED(clock(&explored_ns))) {
        return explored_ns;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint64_t os_clock_coarse_ms(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint32_t *os_map_for_parent(void)
{
    int saved = errno;
    size_t page = os_page_size();
    char *memory = map_plain(page);
    if (memory != NULL && madvise(memory, page, MADV_WIPEONFORK) != 0) {
        (void)munmap(memory, page);
        memory = NULL;
    }
    errno = saved;
    return (uint32_t *)(void *)memory;
}

uint32_t os_thread_id(void)
{
    return (uint32_t)syscall(SYS_gettid);
}

void os_wait(uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    if (!OS_EXPLORED(wait(word, expected, timeout_ns))) {
        os_futex_wait(word, expected, timeout_ns);
    }
}

void os_wake(uint32_t *word, uint32_t count)
{
    if (!OS_EXPLORED(wake(word, count))) {
        os_futex_wake(word, count);
    }
}

void os_futex_wait(uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    int saved = errno;
    struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / UINT64_C(1000000000)),
                               .tv_nsec = (long)(timeout_ns % UINT64_C(1000000000))};
    (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, timeout_ns == 0 ? NULL : &timeout,
                  NULL, 0);
    errno = saved;
}

void os_futex_wake(uint32_t *word, uint32_t count)
{
    int saved = errno;
    uint32_t most = count > INT32_MAX ? INT32_MAX : count;
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, most, NULL, NULL, 0);
    errno = saved;
}

uint64_t os_signals_block(void)
{
    int saved = errno;
    uint64_t all = UINT64_MAX, before = 0;
    (void)syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, &before, sizeof all);
    errno = saved;
    return before;
}

void os_signals_restore(uint64_t set)
{
    int saved = errno;
    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set, NULL, sizeof set);
    errno = saved;
}

void os_yield(void)
{
    if (!OS_EXPLORED(yield())) {
        (void)sched_yield();
    }
}

void os_pause(void)
{
    if (!OS_EXPLORED(yield())) {
        __builtin_ia32_pause();
    }
}

unsigned os_cpu_count(void)
{
    int saved = errno;
    cpu_set_t allowed;
    long count = 0;
    if (OS_EXPLORED(alone())) {
        return 1;
    }
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
        count = CPU_COUNT(&allowed);
    } else { // more CPUs than a cpu_set_t holds
        count = sysconf(_SC_NPROCESSORS_ONLN);
    }
    errno = saved;
    return count < 1 ? 1 : (unsigned)count;
}

bool os_environment_ready(void)
{
    return environ != NULL;
}

const char *os_environment(const char *name)
{
    return secure_getenv(name);
}

void os_complain(const char *text, size_t length)
{
    int saved = errno;
    while (length > 0) {
        ssize_t written = write(STDERR_FILENO, text, length);
        if (written >= 0) {
            text += written;
            length -= (size_t)written;
        } else if (errno == EAGAIN) {
            struct pollfd stderr_ready = {.fd = STDERR_FILENO, .events = POLLOUT};
            (void)poll(&stderr_ready, 1, -1);
        } else if (errno != EINTR) {
            break; // closed: nobody to tell
        }
    }
    errno = saved;
}

_Noreturn void os_die(const char *text, size_t length)
{
    os_complain(text, length);
    abort();
}
