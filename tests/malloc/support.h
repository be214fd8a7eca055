// SPDX-License-Identifier: MIT
//
// support.h - what the programs of this folder share: expectations, patterns, sizes, processes,
// refusals.
//
// These are programs, not cmocka tests: each is linked in several ways (pie, no pie, static,
// static-pie), runs on whatever malloc it is given, and must be able to say what is wrong when
// malloc gives nothing. So nothing here allocates. A program is a table of cases; it runs the one
// its first argument names, and the last thing it says is "ok": one that ends early with status 0
// has not passed.

#ifndef MALLOC_SUPPORT_H
#define MALLOC_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>

// Says file, line, condition and the text, and ends the process with status 1.
#define expect(condition, ...)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            support_fail(__FILE__, __LINE__, #condition, __VA_ARGS__);                             \
        }                                                                                          \
    } while (0)

_Noreturn void support_fail(const char *file, int line, const char *condition, const char *format,
                            ...) __attribute__((format(printf, 4, 5)));

// The exit status of a test that this machine cannot run.
#define SUPPORT_SKIPPED 77

struct support_case {
    const char *name;
    void (*run)(int argc,
                char **argv); // its own arguments: argv[0] is the first after the case's name
};

// Runs the case that argv[1] names and says "ok"; the table ends with a NULL.
int support_main(const struct support_case *cases, int argc, char **argv);
void support_ok(void);

// An argument that is a number, or a default.
long support_argument(int argc, char **argv, int index, long otherwise);

// ---- blocks
// -----------------------------------------------------------------------------------------------------------

// Bytes that depend on their position and on a seed, and where the first wrong one is (`size` when
// none is).
void support_fill(void *block, size_t size, unsigned seed);
size_t support_wrong(const void *block, size_t size, unsigned seed);

// Sizes a class apart or less: the next one is at most an eighth larger.
static inline size_t support_next(size_t size)
{
    return size + size / 8 + 1;
}

// Allocates a block of each class up to `limit`, all at once, writes and verifies their ends, frees
// them.
void support_classes(size_t limit, unsigned seed);

// Blocks that change hands: a slot holds NULL or a live block that belongs to whoever takes it out.
#define SUPPORT_SLOTS 64
struct support_exchange {
    _Atomic(void *) slots[SUPPORT_SLOTS];
};

// One round of a busy thread: a block into each slot, what was there is freed. `state` is its
// random numbers' (not 0).
void support_churn(struct support_exchange *exchange, uint64_t *state);
// Frees what is there.
void support_drain(struct support_exchange *exchange);
uint64_t support_random(uint64_t *state);

// ---- the process
// ------------------------------------------------------------------------------------------------------

size_t support_resident_bytes(void);
size_t support_mapped_bytes(void);
// The most that has been resident since the program's start.
size_t support_peak_bytes(void);

// In a child: a hang becomes a death by SIGALRM after `seconds`, whatever handler the parent had.
void support_deadline(unsigned seconds);
// Waits for a child and expects that it has ended with status 0.
void support_reap(pid_t child, const char *what);

// A timer whose signal is for the calling thread; not set. A child has none of them.
timer_t support_timer(int signal);
void support_set(timer_t timer, long after_ns, long period_ns); // period 0: once
// A signal every `period_ns` to the calling thread, by its own timer.
timer_t support_tick(int signal, long period_ns);

// ---- refusals
// ---------------------------------------------------------------------------------------------------------

// From now on the kernel refuses these to the calling thread and to what it starts. There is no way
// back.
enum {
    SUPPORT_NO_MEMORY = 1,  // mmap, mremap and brk: ENOMEM
    SUPPORT_NO_RELEASE = 2, // munmap and madvise: EINVAL
    SUPPORT_NO_LARGE = 4, // brk, mremap, and mmap of 64 KiB and more that no file is behind: ENOMEM
};
void support_refuse(int what);

#endif
