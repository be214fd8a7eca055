// SPDX-License-Identifier: MIT
//
// fake_run.h - a run without a process of its own, for tests of operations, checks and workloads.
//
// It stands in for run/: include it in one source of a test. A failed check comes back to the test
// (FAKE_FAILS), threads are plain ones, pages come from mmap. The target is malloc with one spoiled
// call at a time; each worker has a space of its own, where what it was asked is noted.

#ifndef WORKLOAD_FAKE_RUN_H
#define WORKLOAD_FAKE_RUN_H

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "check/check.h"
#include "measure/clock.h"
#include "run/report.h"
#include "run/run.h"
#include "support/test.h"
#include "workload/rows.h"

#define FAKE_THREADS 8

// ---- the target ---------------------------------------------------------------------------------

struct fake_space {
    uint64_t asked; // a hash of the sizes asked for, in order
    uint64_t allocations, releases;
};

// How the target is spoiled; all 0: it is right.
struct fake_spoil {
    int alloc_error, release_error, resize_error;
    uint64_t block;    // the next allocation returns this
    size_t misalign;   // and this many bytes further on
    bool unreachable;  // access_begin returns NULL
    bool dirty;        // calloc's last byte is not 0
    bool short_copy;   // resize loses the last byte that it should keep
    size_t span;       // at most so many bytes a piece; 0: all
    size_t block_size; // what block_size says; 0: the truth
    size_t leak;       // bytes that each release loses for good, resident
    unsigned accesses; // begun and not ended
    unsigned block_size_calls;
};
static struct fake_spoil fake_spoil;

// Blocks that a failed check leaves behind stay in a list, so that they are not lost.
struct fake_node {
    struct fake_node *next, **link; // [fake_lock]
};
static pthread_mutex_t fake_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fake_node *fake_live; // [fake_lock]

// The most that was live at once, by the words of a demand.
static struct target_demand fake_now, fake_peak; // [fake_lock]

// Where its memory comes from and goes to; NULL: malloc and free. And what it holds; NULL: what is
// live.
static void *(*fake_take)(struct fake_space *space, size_t size);
static void (*fake_give)(struct fake_space *space, void *memory);
static uint64_t (*fake_held)(void);

static unsigned fake_class(size_t size)
{
    return size <= 1 ? 0 : 64 - (unsigned)__builtin_clzll(size - 1);
}

static void fake_note_peak(size_t size)
{
    uint64_t *now = &fake_now.peak_blocks[fake_class(size)];
    uint64_t *peak = &fake_peak.peak_blocks[fake_class(size)];
    ++*now;
    fake_now.peak_bytes += size;
    *peak = *now > *peak ? *now : *peak;
    fake_peak.peak_bytes =
        fake_now.peak_bytes > fake_peak.peak_bytes ? fake_now.peak_bytes : fake_peak.peak_bytes;
    fake_peak.largest = size > fake_peak.largest ? size : fake_peak.largest;
}

// In front of each block, at whatever alignment.
struct fake_header {
    size_t size;
    struct fake_node *node;
};
#define FAKE_HEADER sizeof(struct fake_header)

static void *fake_host(uint64_t block)
{
    return (void *)(uintptr_t)block;
}

static struct fake_header fake_header(uint64_t block)
{
    struct fake_header header;
    memcpy(&header, (char *)fake_host(block) - FAKE_HEADER, FAKE_HEADER);
    return header;
}

static size_t fake_size(uint64_t block)
{
    return fake_header(block).size;
}

// Whether what block_size says is the caller's to use (target_ops' usable), and is there.
static bool fake_usable;

static size_t fake_room(size_t size)
{
    return fake_usable ? (size + 63) / 64 * 64 : size;
}

static int fake_alloc(void *space, size_t size, size_t align, uint64_t *block)
{
    struct fake_space *own = space;
    (void)align;
    if (fake_spoil.alloc_error != 0) {
        return fake_spoil.alloc_error;
    }
    own->asked = random_mix(own->asked ^ size);
    own->allocations++;
    if (fake_spoil.block != 0) {
        *block = fake_spoil.block;
        return 0;
    }
    size_t bytes = sizeof(struct fake_node) + FAKE_HEADER + fake_room(size) + fake_spoil.misalign;
    struct fake_node *node = fake_take != NULL ? fake_take(own, bytes) : malloc(bytes);
    struct fake_header header = {size, node};
    char *memory = (char *)(node + 1) + fake_spoil.misalign;
    memcpy(memory, &header, FAKE_HEADER);
    *block = (uint64_t)(uintptr_t)(memory + FAKE_HEADER);
    pthread_mutex_lock(&fake_lock);
    *node = (struct fake_node){fake_live, &fake_live};
    if (fake_live != NULL) {
        fake_live->link = &node->next;
    }
    fake_live = node;
    fake_note_peak(size);
    pthread_mutex_unlock(&fake_lock);
    return 0;
}

static int fake_alloc_zeroed(void *space, size_t size, uint64_t *block)
{
    int error = fake_alloc(space, size, 0, block);
    if (error == 0) {
        memset(fake_host(*block), 0, size);
        ((char *)fake_host(*block))[size - 1] = fake_spoil.dirty ? 1 : 0;
    }
    return error;
}

static int fake_release(void *space, uint64_t block)
{
    struct fake_space *own = space;
    if (fake_spoil.release_error != 0) {
        return fake_spoil.release_error;
    }
    own->releases++;
    if (fake_spoil.leak != 0) {
        memset(run_map(fake_spoil.leak), 1, fake_spoil.leak);
    }
    struct fake_node *node = fake_header(block).node;
    pthread_mutex_lock(&fake_lock);
    fake_now.peak_blocks[fake_class(fake_size(block))]--;
    fake_now.peak_bytes -= fake_size(block);
    *node->link = node->next;
    if (node->next != NULL) {
        node->next->link = node->link;
    }
    pthread_mutex_unlock(&fake_lock);
    if (fake_give != NULL) {
        fake_give(own, node);
    } else {
        free(node);
    }
    return 0;
}

static int fake_resize(void *space, uint64_t *block, size_t size)
{
    uint64_t old = *block;
    if (fake_spoil.resize_error != 0) {
        return fake_spoil.resize_error;
    }
    fake_alloc(space, size, 0, block);
    size_t kept = fake_size(old) < size ? fake_size(old) : size;
    memcpy(fake_host(*block), fake_host(old), kept);
    if (fake_spoil.short_copy) {
        ((char *)fake_host(*block))[kept - 1] ^= 1;
    }
    return fake_release(space, old);
}

static void *fake_access_begin(void *space, uint64_t block, size_t offset, bool write, size_t *span)
{
    (void)space;
    (void)write;
    if (fake_spoil.unreachable || block == 0) {
        return NULL;
    }
    __atomic_fetch_add(&fake_spoil.accesses, 1, __ATOMIC_RELAXED);
    *span = fake_room(fake_size(block)) - offset;
    if (fake_spoil.span != 0 && *span > fake_spoil.span) {
        *span = fake_spoil.span;
    }
    return (char *)fake_host(block) + offset;
}

static void fake_access_end(void *space)
{
    (void)space;
    __atomic_fetch_sub(&fake_spoil.accesses, 1, __ATOMIC_RELAXED);
}

static size_t fake_block_size(void *space, uint64_t block)
{
    (void)space;
    __atomic_fetch_add(&fake_spoil.block_size_calls, 1, __ATOMIC_RELAXED);
    return fake_spoil.block_size != 0 ? fake_spoil.block_size : (fake_size(block) + 63) / 64 * 64;
}

static struct target_ops fake_ops = {
    .alloc = fake_alloc,
    .alloc_zeroed = fake_alloc_zeroed,
    .release = fake_release,
    .resize = fake_resize,
    .access_begin = fake_access_begin,
    .access_end = fake_access_end,
    .block_size = fake_block_size,
};

// ---- the run ------------------------------------------------------------------------------------

static struct run fake_run;
static struct worker fake_workers[FAKE_THREADS];
static struct fake_space fake_spaces[FAKE_THREADS];
static struct history fake_histories[FAKE_THREADS];
static struct histogram fake_latencies[FAKE_THREADS][OP_KINDS];

static jmp_buf fake_failing;
static bool fake_may_fail;
static struct run_failure fake_failure;
static char fake_failure_text[1024];

_Noreturn void run_fail(struct worker *worker, const struct run_failure *failure)
{
    (void)worker;
    fake_failure = *failure;
    snprintf(fake_failure_text, sizeof fake_failure_text, "%s: %s", failure->check, failure->text);
    if (!fake_may_fail) {
        fprintf(stderr, "unexpected failure: %s\n", fake_failure_text);
        abort();
    }
    fake_may_fail = false;
    longjmp(fake_failing, 1);
}

// The statement must end in a failed check of that kind. (Loops around it: volatile counters.)
#define FAKE_FAILS(kind, statement)                                                                \
    do {                                                                                           \
        fake_may_fail = true;                                                                      \
        if (setjmp(fake_failing) == 0) {                                                           \
            statement;                                                                             \
            fail_msg("no check failed: %s", #statement);                                           \
        }                                                                                          \
        assert_string_equal(fake_failure.check, kind);                                             \
    } while (0)

void *run_map(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void *run_map_lazily(size_t bytes)
{
    return run_map(bytes);
}

uint64_t run_held(const struct run *run)
{
    (void)run;
    return fake_held != NULL ? fake_held() : fake_now.peak_bytes;
}

uint64_t run_resident(const struct run *run)
{
    return run_held(run);
}

uint64_t run_now_ns(void)
{
    return clock_monotonic_ns();
}

// The figures of the workload at work.
static struct report_figure fake_figures[REPORT_FIGURES];
static unsigned fake_figure_count;

void run_figure(struct run *run, const char *name, const char *unit, double value, double bound)
{
    (void)run;
    unsigned i = 0;
    while (i < fake_figure_count && strcmp(fake_figures[i].name, name) != 0) {
        i++;
    }
    assert_true(i < REPORT_FIGURES);
    snprintf(fake_figures[i].name, sizeof fake_figures[i].name, "%s", name);
    snprintf(fake_figures[i].unit, sizeof fake_figures[i].unit, "%s", unit);
    fake_figures[i].value = value;
    fake_figures[i].bound = bound;
    fake_figure_count = i == fake_figure_count ? i + 1 : fake_figure_count;
}

// NAN: the workload gave no such figure.
static inline double fake_figure(const char *name)
{
    for (unsigned i = 0; i < fake_figure_count; i++) {
        if (strcmp(fake_figures[i].name, name) == 0) {
            return fake_figures[i].value;
        }
    }
    return NAN;
}

// Spaces of processes, of the run's target. Each belongs to one worker.
#define FAKE_PLACES 4096
static struct run_place fake_places[FAKE_PLACES];
static unsigned fake_spaces_opened, fake_spaces_closed; // [atomic]

int run_space(struct run *run, unsigned process, void **space)
{
    int error = process < FAKE_PLACES ? 0 : E2BIG;
    if (error == 0 && !fake_places[process].open) {
        error = run->target->space_open(run->instance, &fake_places[process].space);
        fake_places[process].open = error == 0;
        __atomic_fetch_add(&fake_spaces_opened, error == 0, __ATOMIC_RELAXED);
    }
    *space = error == 0 ? fake_places[process].space : NULL;
    return error;
}

void run_space_close(struct run *run, unsigned process)
{
    if (fake_places[process].open) {
        fake_places[process].open = false;
        run->target->space_close(run->instance, fake_places[process].space);
        __atomic_fetch_add(&fake_spaces_closed, 1, __ATOMIC_RELAXED);
    }
}

static inline double fake_bound(const char *name)
{
    for (unsigned i = 0; i < fake_figure_count; i++) {
        if (strcmp(fake_figures[i].name, name) == 0) {
            return fake_figures[i].bound;
        }
    }
    return NAN;
}

static unsigned fake_ready; // [atomic] calls

void worker_ready(struct worker *worker)
{
    __atomic_fetch_add(&fake_ready, 1, __ATOMIC_RELAXED);
    (void)worker;
}

bool worker_stop(struct worker *worker, uint64_t done)
{
    worker->budget -= done < worker->budget ? done : worker->budget;
    return worker->budget == 0;
}

// A worker's next body, when its thread has handed over.
static void (*fake_next[FAKE_THREADS])(struct worker *worker);
static unsigned fake_generations[FAKE_THREADS];

int worker_hand_over(struct worker *worker, void (*body)(struct worker *worker))
{
    fake_next[worker->number] = body;
    fake_generations[worker->number]++;
    return 0;
}

// Fresh workers, each with a space, a history and histograms of its own.
static void fake_open(unsigned threads, unsigned check, unsigned touch, uint32_t latency_every)
{
    fake_spoil = (struct fake_spoil){0};
    fake_figure_count = 0;
    fake_spaces_opened = fake_spaces_closed = 0;
    memset(fake_workers, 0, sizeof fake_workers);
    memset(fake_spaces, 0, sizeof fake_spaces);
    memset(fake_histories, 0, sizeof fake_histories);
    fake_now = fake_peak = (struct target_demand){0};
    memset(fake_generations, 0, sizeof fake_generations);
    fake_run = (struct run){.seed = 1, .threads = threads, .ops = &fake_ops};
    fake_run.workers = fake_workers;
    for (unsigned i = 0; i < threads; i++) {
        for (unsigned kind = 0; kind < OP_KINDS; kind++) {
            histogram_init(&fake_latencies[i][kind]);
        }
        struct worker *worker = &fake_workers[i];
        worker->ops = &fake_ops;
        worker->space = &fake_spaces[i];
        worker->history = &fake_histories[i];
        worker->latency = fake_latencies[i];
        worker->latency_every = latency_every;
        worker->check = (unsigned)job_checks_of_level(check);
        worker->touch = touch;
        worker->number = i;
        worker->run = &fake_run;
        random_init(&worker->random, fake_run.seed, i, 0);
    }
}

#endif
