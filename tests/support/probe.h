// SPDX-License-Identifier: MIT
//
// probe.h - a program of small cases, each run in a process of its own by probe.py.
//
// `PROGRAM list` prints a line a case, "NAME SIZE"; `PROGRAM NAME SIZE` runs it. A case that must
// die says before it does what the line on stderr will be, on stdout: probe_expect. It may say so
// more than once where more than one line is right. A case that says nothing must exit with 0 and
// print nothing on stderr.
//
// Nothing here allocates: the allocator of the process is what is looked at.

#ifndef SUPPORT_PROBE_H
#define SUPPORT_PROBE_H

#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

enum probe_sizes {
    PROBE_ONE,     // 64 bytes
    PROBE_CLASSES, // each size class up to 64 KiB
    PROBE_SOME,    // every fifth of them
    PROBE_LARGE,   // blocks that are no class's
};

struct probe {
    const char *name;
    void (*run)(size_t size);
    enum probe_sizes sizes;
};

#define PROBE_SKIPPED 77

__attribute__((format(printf, 1, 2))) static inline void probe_expect(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    // Not dprintf: its buffer would come from the heap, out of what has just been freed.
    char line[512] = "expect ";
    int length = 7 + vsnprintf(line + 7, sizeof line - 8, format, list);
    line[length] = '\n';
    (void)!write(STDOUT_FILENO, line, (size_t)length + 1);
    va_end(list);
}

__attribute__((format(printf, 2, 3))) static inline void probe_require(bool holds,
                                                                       const char *format, ...)
{
    if (!holds) {
        va_list list;
        va_start(list, format);
        vdprintf(STDERR_FILENO, format, list);
        dprintf(STDERR_FILENO, "\n");
        _exit(1);
    }
}

static inline _Noreturn void probe_skip(const char *reason)
{
    dprintf(STDOUT_FILENO, "skip %s\n", reason);
    _exit(PROBE_SKIPPED);
}

// What each case does to a pointer goes through these: the compiler sees neither malloc nor free,
// and has no opinion on what may be done with the pointer afterwards.

static __attribute__((noinline)) void *probe_malloc(size_t size)
{
    void *block = malloc(size);
    __asm__ volatile("" : "+r"(block));
    probe_require(block != NULL, "malloc(%zu) failed", size);
    return block;
}

static __attribute__((noinline)) void probe_free(void *block)
{
    __asm__ volatile("" : "+r"(block));
    free(block);
}

static __attribute__((noinline, unused)) void *probe_realloc(void *block, size_t size)
{
    __asm__ volatile("" : "+r"(block));
    return realloc(block, size);
}

static __attribute__((noinline)) size_t probe_usable(void *block)
{
    __asm__ volatile("" : "+r"(block));
    return malloc_usable_size(block);
}

// Runs call(argument) in a thread of its own, to its end.
static inline void probe_in_thread(void *(*call)(void *), void *argument)
{
    pthread_t thread;
    probe_require(pthread_create(&thread, NULL, call, argument) == 0, "no thread");
    pthread_join(thread, NULL);
}

// Writes `length` bytes of `byte` where that memory is mapped, else nothing, and never faults.
static inline void probe_poke(void *to, unsigned char byte, size_t length)
{
    static unsigned char bytes[4096];
    for (size_t done = 0; done < length; done += sizeof bytes) {
        size_t part = length - done < sizeof bytes ? length - done : sizeof bytes;
        memset(bytes, byte, part);
        struct iovec from = {bytes, part}, into = {(unsigned char *)to + done, part};
        if (process_vm_writev(getpid(), &from, 1, &into, 1, 0) < 0) {
            return;
        }
    }
}

// An array outside of the heap that is looked at.
static inline void *probe_map(size_t bytes)
{
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    probe_require(base != MAP_FAILED, "no memory for the probe itself");
    return base;
}

// The next size to try behind one whose block holds `usable` bytes. An allocator with a class each
// 16 bytes gets a sixteenth of its size between two that are tried.
static inline size_t probe_next_class(size_t size, size_t usable)
{
    size_t next = size + size / 16;
    return usable + 1 > next ? usable + 1 : next;
}

static inline void probe_list(const struct probe *probes, size_t count)
{
    static const size_t LARGE[] = {200 << 10, 1 << 20, (3 << 20) + 1, 40 << 20};
    for (size_t i = 0; i < count; i++) {
        if (probes[i].sizes == PROBE_ONE) {
            dprintf(STDOUT_FILENO, "%s 64\n", probes[i].name);
        } else if (probes[i].sizes == PROBE_LARGE) {
            for (size_t j = 0; j < sizeof LARGE / sizeof LARGE[0]; j++) {
                dprintf(STDOUT_FILENO, "%s %zu\n", probes[i].name, LARGE[j]);
            }
        } else {
            size_t class = 0, step = probes[i].sizes == PROBE_SOME ? 5 : 1;
            for (size_t size = 1; size <= 65536; class ++) {
                if (class % step == 0) {
                    dprintf(STDOUT_FILENO, "%s %zu\n", probes[i].name, size);
                }
                void *block = probe_malloc(size);
                size = probe_next_class(size, probe_usable(block));
                probe_free(block);
            }
        }
    }
}

static inline int probe_main(const struct probe *probes, size_t count, int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "list") == 0) {
        probe_list(probes, count);
        return 0;
    }
    for (size_t i = 0; argc == 3 && i < count; i++) {
        if (strcmp(probes[i].name, argv[1]) == 0) {
            probes[i].run(strtoull(argv[2], NULL, 10));
            return 0;
        }
    }
    dprintf(STDERR_FILENO, "usage: %s list | %s NAME SIZE\n", argv[0], argv[0]);
    return 2;
}

#endif
