// SPDX-License-Identifier: MIT
//
// moving.c - what an access costs while blocks are being moved, and how fast they are moved.
//
// Threads translate blocks that lie between others of 1 to 32 KiB. With value 2 one thread more
// releases every other of these, compacts, and allocates them again, as fast as it can; with value
// 1 it is not there. Each access (begin, translate, end) is timed by the cycle counter, the
// counter's own cost included: figures p50_ns, p999_ns, max_ns. moved_mbps is bytes moved in a
// second of mems_compact, memcpy_mbps what memcpy does with blocks of the same sizes in that
// thread.

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "kernel.h"

#define MOVING_BLOCKS  64   // translated, a thread
#define MOVING_FILLERS 1024 // moved
#define MOVING_BUCKETS 2048
#define MOVING_LARGEST 32768

static const uint64_t moving_values[] = {1, 2, 0};

struct moving_histogram {
    uint64_t count[MOVING_BUCKETS]; // 32 an octave of cycles
    uint64_t most;
};

struct mover {
    pthread_t id;
    atomic_bool stop; // set by thread 0, read by the mover
    struct kernel_run *run;
    uint64_t random;
    uint64_t filler[MOVING_FILLERS];
    size_t size[MOVING_FILLERS];
    uint64_t moved_bytes, moved_ns, moves, abandoned;
    int error;
};

struct moving {
    struct mover mover;
    bool moving;
    double ns_a_cycle;
    struct moving_histogram histogram[KERNEL_THREADS];
};

static struct kernel_demand moving_demand(uint64_t value)
{
    (void)value;
    return (struct kernel_demand){.blocks = MOVING_BLOCKS + 2 * MOVING_FILLERS,
                                  .largest = MOVING_LARGEST};
}

static size_t mover_size(struct mover *mover)
{
    mover->random = mover->random * 6364136223846793005u + 1442695040888963407u;
    return 1024 + (size_t)(mover->random >> 33) % (MOVING_LARGEST - 1024);
}

static int mover_fill(struct mover *mover, unsigned from, unsigned step)
{
    int error = 0;
    for (unsigned i = from; i < MOVING_FILLERS && error == 0; i += step) {
        mover->size[i] = mover_size(mover);
        error = mems_alloc(mover->run->space, mover->size[i], 0, &mover->filler[i]);
    }
    return error;
}

static void *mover_work(void *argument)
{
    struct mover *mover = argument;
    for (unsigned odd = 0;
         !atomic_load_explicit(&mover->stop, memory_order_relaxed) && mover->error == 0; odd ^= 1) {
        struct mems_compaction done;
        for (unsigned i = odd; i < MOVING_FILLERS; i += 2) {
            mems_release(mover->run->space, mover->filler[i]);
        }
        mems_thread_flush(); // what lies in magazines does not move
        uint64_t begin = kernel_clock();
        mover->error = mems_compact(mover->run->engine, &done);
        mover->moved_ns += kernel_clock() - begin;
        mover->moved_bytes += done.moved_bytes;
        mover->moves += done.moved;
        mover->abandoned += done.abandoned;
        mover->error = mover->error != 0 ? mover->error : mover_fill(mover, odd, 2);
    }
    return NULL;
}

// Bytes a second of memcpy between places as far apart as the blocks were.
static double memcpy_speed(struct mover *mover)
{
    size_t room = MOVING_FILLERS * (size_t)MOVING_LARGEST;
    char *memory = calloc(2, room);
    uint64_t bytes = 0, begin = kernel_clock(), ns = 0;
    while (memory != NULL && ns < 200000000) {
        for (unsigned i = 0; i < MOVING_FILLERS; i++) {
            size_t at = i * (size_t)MOVING_LARGEST;
            memcpy(memory + at, memory + room + at, mover->size[i]);
            __asm__ volatile("" : : "r"(memory) : "memory");
            bytes += mover->size[i];
        }
        ns = kernel_clock() - begin;
    }
    free(memory);
    return ns == 0 ? 0 : (double)bytes * 1e3 / (double)ns;
}

static int moving_prepare(struct kernel_run *run)
{
    int error = 0;
    if (run->thread == 0) {
        struct moving *moving = calloc(1, sizeof *moving);
        if (moving == NULL) {
            return ENOMEM;
        }
        *run->shared = moving;
        moving->mover.run = run;
        moving->mover.random = 1;
        moving->moving = run->value == 2;
        error = mover_fill(&moving->mover, 0, 1);
        uint64_t clock = kernel_clock(), cycles = kernel_cycles();
        while (kernel_clock() - clock < 20000000) {
        }
        moving->ns_a_cycle = (double)(kernel_clock() - clock) / (double)(kernel_cycles() - cycles);
        if (error == 0 && moving->moving) {
            error = mems_compact(run->engine, NULL);
        }
        if (error == 0 && moving->moving) {
            error = pthread_create(&moving->mover.id, NULL, mover_work, &moving->mover);
        }
    }
    return error != 0 ? error : kernel_fill(run, MOVING_BLOCKS, 2048);
}

static unsigned moving_bucket(uint64_t cycles)
{
    if (cycles < 64) {
        return (unsigned)cycles;
    }
    unsigned log = 63u - (unsigned)__builtin_clzll(cycles);
    unsigned bucket = 64 + (log - 6) * 32 + (unsigned)((cycles >> (log - 5)) & 31);
    return bucket < MOVING_BUCKETS ? bucket : MOVING_BUCKETS - 1;
}

static uint64_t moving_value(unsigned bucket)
{
    return bucket < 64 ? bucket : (UINT64_C(32) + bucket % 32) << ((bucket - 64) / 32 + 1);
}

static int moving_mems(struct kernel_run *run)
{
    struct moving *moving = *run->shared;
    struct moving_histogram *histogram = &moving->histogram[run->thread];
    int error = 0;
    memset(histogram, 0, sizeof *histogram);
    for (uint64_t i = 0; i < run->iterations; i++) {
        void *host = NULL;
        uint64_t begin = kernel_cycles();
        mems_access_begin();
        error |= mems_translate(run->space, run->block[i % MOVING_BLOCKS], MEMS_READ, &host, NULL);
        __asm__ volatile("" : : "r"(host));
        mems_access_end();
        uint64_t cycles = kernel_cycles() - begin;
        histogram->count[moving_bucket(cycles)]++;
        histogram->most = cycles > histogram->most ? cycles : histogram->most;
    }
    return error;
}

static void moving_figure(struct kernel_run *run, unsigned number, const char *name, double value)
{
    snprintf(run->figures[number].name, sizeof run->figures[number].name, "%s", name);
    run->figures[number].value = value;
}

static double moving_percentile(const struct moving_histogram *histogram, double share)
{
    uint64_t all = 0, seen = 0;
    unsigned bucket = 0;
    for (unsigned i = 0; i < MOVING_BUCKETS; i++) {
        all += histogram->count[i];
    }
    for (; bucket < MOVING_BUCKETS - 1; bucket++) {
        seen += histogram->count[bucket];
        if ((double)seen >= share * (double)all) {
            break;
        }
    }
    return (double)moving_value(bucket);
}

static void moving_finish(struct kernel_run *run)
{
    struct moving *moving = *run->shared;
    kernel_empty(run);
    if (run->thread != 0) {
        return;
    }
    struct mover *mover = &moving->mover;
    struct moving_histogram *sum = &moving->histogram[0];
    for (unsigned t = 1; t < run->threads; t++) {
        for (unsigned i = 0; i < MOVING_BUCKETS; i++) {
            sum->count[i] += moving->histogram[t].count[i];
        }
        sum->most = moving->histogram[t].most > sum->most ? moving->histogram[t].most : sum->most;
    }
    moving_figure(run, 0, "p50_ns", moving_percentile(sum, 0.5) * moving->ns_a_cycle);
    moving_figure(run, 1, "p999_ns", moving_percentile(sum, 0.999) * moving->ns_a_cycle);
    moving_figure(run, 2, "max_ns", (double)sum->most * moving->ns_a_cycle);
    if (moving->moving) {
        atomic_store_explicit(&mover->stop, true, memory_order_relaxed);
        pthread_join(mover->id, NULL);
        moving_figure(
            run, 3, "moved_mbps",
            mover->moved_ns == 0 ? 0 : (double)mover->moved_bytes * 1e3 / (double)mover->moved_ns);
        moving_figure(run, 4, "memcpy_mbps", memcpy_speed(mover));
        moving_figure(run, 5, "moves", (double)mover->moves);
    }
    free(moving);
}

const struct kernel kernel_moving = {
    .name = "moving",
    .help = "one access, timed singly, with the mover off (1) or at full speed (2)",
    .parameter = "mover",
    .values = moving_values,
    .threads_least = 1,
    .compacts = true,
    .demand = moving_demand,
    .prepare = moving_prepare,
    .finish = moving_finish,
    .measure = {[FAMILY_MEMS] = moving_mems},
};
