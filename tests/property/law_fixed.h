// SPDX-License-Identifier: MIT
//
// law_fixed.h - the fixed policy against its model: a list of partitions, searched from the front.
//
// A request takes the lowest-numbered free partition of the smallest size that serves it:
//
//   queue=one   the smallest size of which one is free
//   queue=size  the smallest size there is, and waits (is refused) when all of that size are taken

#ifndef PROPERTY_LAW_FIXED_H
#define PROPERTY_LAW_FIXED_H

#include "support/source.h"

enum { PARTITIONS_MOST = 256 };

struct kind {
    uint64_t size;
    unsigned count;
};

struct run {
    const char *options;
    bool queue_size;
    struct kind kinds[4]; // in the order of the list
};

static const struct run RUNS[] = {
    {"partition=256,count=64", false, {{256, 64}}},
    {"partition=4Ki,count=3,queue=size", true, {{4096, 3}}},
    {"partitions=64x20,1Kix10,256x30", false, {{64, 20}, {1024, 10}, {256, 30}}},
    {"partitions=64x20,1Kix10,256x30,queue=size", true, {{64, 20}, {1024, 10}, {256, 30}}},
    {"partitions=8Kix1,16x100,512x40,queue=one", false, {{8192, 1}, {16, 100}, {512, 40}}},
    {"partitions=32x8,128x8,32x8,64Kix2", false, {{32, 8}, {128, 8}, {32, 8}, {65536, 2}}},
};

struct partition {
    bool live;
    uint64_t offset;
    uint64_t size;
    uint64_t requested;
    uint64_t addr;
};

struct trial {
    const struct run *run;
    struct mems_engine *engine;
    struct mems_space *space;
    size_t count;
    struct partition partitions[PARTITIONS_MOST];
    uint64_t base; // host address of the first partition; 0: not known yet
    uint64_t largest;
    struct source source;
    uint64_t operation;
    uint64_t live;
    uint64_t refusals;
};

#define trial_require(trial, condition, ...)                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "fixed(%s): operation %" PRIu64 ": ", (trial)->run->options,           \
                    (trial)->operation);                                                           \
            test_require(condition, __VA_ARGS__);                                                  \
        }                                                                                          \
    } while (0)

// Whether it is free and stands where the request wants it.
static bool model_has(const struct trial *trial, size_t i, uint64_t align)
{
    uint64_t host = trial->base + trial->partitions[i].offset;
    return !trial->partitions[i].live && (align == 0 || host % align == 0);
}

// The partition that the queue gives, or count.
static size_t model_pick(const struct trial *trial, uint64_t size, uint64_t align)
{
    uint64_t smallest = UINT64_MAX;
    for (size_t i = 0; i < trial->count; i++) {
        const struct partition *partition = &trial->partitions[i];
        bool offered = trial->run->queue_size || model_has(trial, i, align);
        if (offered && partition->size >= size && partition->size < smallest) {
            smallest = partition->size;
        }
    }
    for (size_t i = 0; i < trial->count; i++) {
        if (model_has(trial, i, align) && trial->partitions[i].size == smallest) {
            return i;
        }
    }
    return trial->count;
}

struct compare {
    struct trial *trial;
    size_t next;
};

static int compare_piece(const struct mems_extent *extent, void *arg)
{
    struct compare *compare = arg;
    struct trial *trial = compare->trial;
    trial_require(trial, compare->next < trial->count, "more pieces than partitions");
    const struct partition *partition = &trial->partitions[compare->next];
    enum mems_piece kind = partition->live ? MEMS_PIECE_BLOCK : MEMS_PIECE_HOLE;
    trial_require(trial,
                  extent->piece == kind && extent->size == partition->size &&
                      extent->offset == partition->offset && extent->arena == 0,
                  "partition %zu: the map says kind %d at %" PRIu64 " of %" PRIu64
                  ", the model %d at %" PRIu64 " of %" PRIu64,
                  compare->next, extent->piece, extent->offset, extent->size, kind,
                  partition->offset, partition->size);
    trial_require(trial,
                  !partition->live || (extent->requested == partition->requested &&
                                       extent->addr == partition->addr &&
                                       extent->space == mems_space_id(trial->space)),
                  "partition %zu: %" PRIu64 " requested", compare->next, extent->requested);
    if (trial->base == 0) {
        trial->base = (uintptr_t)extent->host - extent->offset;
    }
    trial_require(trial, (uintptr_t)extent->host == trial->base + partition->offset,
                  "partition %zu is elsewhere", compare->next);
    compare->next++;
    return 0;
}

static void compare_all(struct trial *trial)
{
    struct compare compare = {.trial = trial, .next = 0};
    assert_int_equal(mems_walk(trial->engine, compare_piece, &compare), 0);
    trial_require(trial, compare.next == trial->count, "the map has %zu of %zu partitions",
                  compare.next, trial->count);
    struct mems_stats stats = test_stats(trial->engine);
    trial_require(trial, stats.live_blocks == trial->live, "live %" PRIu64, stats.live_blocks);
    trial_require(trial, stats.holes == trial->count - trial->live, "free %" PRIu64, stats.holes);
    trial_require(trial, stats.refusals == trial->refusals, "refusals %" PRIu64 ", not %" PRIu64,
                  stats.refusals, trial->refusals);
    test_conserved(trial->engine);
}

static uint64_t draw_size(struct trial *trial)
{
    if (source_below(&trial->source, 4) == 0) { // the edges
        uint64_t size = trial->partitions[source_below(&trial->source, trial->count)].size;
        return size - 1 + source_below(&trial->source, 3);
    }
    uint64_t most = (uint64_t)1 << (1 + source_below(&trial->source, 18));
    return 1 + source_below(&trial->source, most < trial->largest ? most : trial->largest + 9);
}

static void step_alloc(struct trial *trial)
{
    uint64_t size = draw_size(trial), align = 0;
    if (source_below(&trial->source, 8) == 0) {
        align = UINT64_C(1) << source_below(&trial->source, 14);
    }
    mems_addr addr = 42;
    int error = mems_alloc(trial->space, size, align, &addr);
    size_t at = model_pick(trial, size, align);
    if (at == trial->count) {
        trial_require(trial, error == ENOMEM && addr == 42, "%" PRIu64 " should be refused: %d",
                      size, error);
        trial->refusals++;
        return;
    }
    trial_require(trial, error == 0, "%" PRIu64 " should get partition %zu: %s", size, at,
                  strerror(error));
    struct partition *partition = &trial->partitions[at];
    partition->live = true;
    partition->requested = size;
    partition->addr = addr;
    trial->live++;
    uintptr_t host = test_host(trial->space, addr);
    trial_require(trial, trial->base == 0 || host == trial->base + partition->offset,
                  "%" PRIu64 " bytes: partition at %" PRIu64 ", the model says %zu at %" PRIu64,
                  size, host - trial->base, at, partition->offset);
    size_t requested = 0, takes = 0;
    assert_int_equal(mems_block_size(trial->space, addr, &requested, &takes), 0);
    trial_require(trial, requested == size && takes == partition->size, "block size %zu, %zu",
                  requested, takes);
}

static void step_release(struct trial *trial)
{
    struct partition *partition = &trial->partitions[source_below(&trial->source, trial->count)];
    if (!partition->live) {
        return;
    }
    int error = mems_release(trial->space, partition->addr);
    trial_require(trial, error == 0, "release: %s", strerror(error));
    partition->live = false;
    trial->live--;
}

static void lay_out(struct trial *trial)
{
    uint64_t offset = 0;
    for (size_t k = 0; k < sizeof trial->run->kinds / sizeof trial->run->kinds[0]; k++) {
        const struct kind *kind = &trial->run->kinds[k];
        for (unsigned i = 0; i < kind->count; i++) {
            trial->partitions[trial->count++] =
                (struct partition){.offset = offset, .size = kind->size};
            offset += kind->size;
        }
        trial->largest = kind->size > trial->largest ? kind->size : trial->largest;
    }
}

static void fixed_law(const struct run *run, uint64_t operations, struct source source)
{
    static struct trial trial;
    trial = (struct trial){.run = run, .source = source};
    lay_out(&trial);
    char options[120];
    snprintf(options, sizeof options, "thread_cache=no,%s", run->options);
    trial.engine = test_engine("fixed", options);
    trial.space = test_space(trial.engine);
    compare_all(&trial);
    for (; trial.operation < operations && source_more(&trial.source); trial.operation++) {
        bool growing = trial.operation / 500 % 2 == 0;
        if (source_below(&trial.source, 10) < (growing ? 6 : 2)) {
            step_alloc(&trial);
        } else {
            step_release(&trial);
        }
        if (trial.operation % source_every(&trial.source, 256) == 0) {
            compare_all(&trial);
        }
        if (trial.operation % 8192 == 0) {
            test_checked(trial.engine, true);
        }
    }
    compare_all(&trial);
    mems_space_close(trial.space); // gives back what is live
    for (size_t i = 0; i < trial.count; i++) {
        trial.partitions[i].live = false;
    }
    trial.live = 0;
    trial.space = test_space(trial.engine);
    compare_all(&trial);
    test_checked(trial.engine, true);
    mems_engine_close(trial.engine);
}

static inline void fixed_property(const uint8_t *bytes, size_t size)
{
    struct source source = source_bytes(bytes, size);
    const struct run *run = &RUNS[source_below(&source, sizeof RUNS / sizeof RUNS[0])];
    fixed_law(run, UINT64_MAX, source);
}

#endif
