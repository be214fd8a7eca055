// SPDX-License-Identifier: MIT
//
// law_vm_segmentation.h - vm-segmentation against its model: which segments are in memory, where,
// and what is in them.
//
// One stream of random requests goes to the engine and to model_segments.h, one thread, without
// caches. After each request: the answer and the place are the model's. Every so often: the whole
// map, absent segments included, counters, the engine's own check. Contents are compared with a
// copy beside: a piece at each access, everything at the end of a segment.

#ifndef PROPERTY_LAW_VM_SEGMENTATION_H
#define PROPERTY_LAW_VM_SEGMENTATION_H

#include "property/model_segments.h"
#include "support/source.h"

#include <stdlib.h>

struct run {
    const char *options; // fit, replacement, thread_cache come on top
    uint64_t granule, capacity, slot, swap;
    uint64_t largest; // request
    unsigned live;    // about so many segments
    unsigned share;   // of the operations, in 1/100
    unsigned every;   // operations between two compares of the whole map
};

static const struct run RUNS[] = {
    {"capacity=4Ki,swap=16Ki", 16, 4096, 64, 16384, 4096, 12, 40, 8},
    {"capacity=16Ki,swap=1Mi,slot=16", 16, 16384, 16, 1048576, 2000, 120, 25, 64},
    {"capacity=32Ki,swap=64Ki,granule=64,slot=64", 64, 32768, 64, 65536, 9000, 60, 25, 32},
    {"capacity=50000,swap=4Mi,slot=4Ki,granule=1Ki", 1024, 53248, 4096, 4194304, 60000, 40, 10, 16},
};

static const char *const FITS[] = {"first", "next", "best", "worst"}; // by enum model_fit
static const char *const REPLACEMENTS[] = {"fifo", "second-chance", "clock"};

struct trial {
    const struct run *run;
    struct mems_engine *engine;
    struct mems_space *space;
    struct model_segments model;
    struct source source;
    uint64_t operation, allocs, releases;
    char what[200];
};

#define trial_require(trial, condition, ...)                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s: operation %" PRIu64 ": ", (trial)->what, (trial)->operation);     \
            test_require(condition, __VA_ARGS__);                                                  \
        }                                                                                          \
    } while (0)

// ---- comparing ----------------------------------------------------------------------------------

struct compare {
    struct trial *trial;
    size_t next;        // piece in memory
    uint64_t born;      // of the last absent segment
    size_t absent;      // segments
    uint64_t in_memory; // bytes
};

static const struct model_segment *segment_of(const struct trial *trial, mems_addr addr)
{
    for (size_t s = 0; s < SEGMENTS_MOST; s++) {
        if (trial->model.segment[s].live && trial->model.segment[s].addr == addr) {
            return &trial->model.segment[s];
        }
    }
    return NULL;
}

static void compare_absent(struct compare *compare, const struct mems_extent *extent)
{
    const struct model_segment *segment = segment_of(compare->trial, extent->addr);
    trial_require(compare->trial,
                  segment != NULL && !segment->present && extent->piece == MEMS_PIECE_BLOCK &&
                      extent->size == segment->size && extent->requested == segment->requested &&
                      segment->born > compare->born,
                  "absent piece %#" PRIx64 " of %" PRIu64, extent->addr, extent->size);
    compare->born = segment->born;
    compare->absent++;
}

static int compare_piece(const struct mems_extent *extent, void *arg)
{
    struct compare *compare = arg;
    struct trial *trial = compare->trial;
    const struct model *memory = &trial->model.memory;
    if (extent->absent) {
        compare_absent(compare, extent);
        return 0;
    }
    trial_require(trial, compare->next < memory->count, "the map goes on after the model's end");
    const struct model_piece *piece = &memory->pieces[compare->next];
    trial_require(trial,
                  (extent->piece == MEMS_PIECE_BLOCK) == piece->live &&
                      extent->offset == piece->offset && extent->size == piece->size &&
                      (!piece->live ||
                       (extent->addr == piece->addr && extent->requested == piece->requested)),
                  "piece %zu: kind %d at %" PRIu64 " of %" PRIu64 ", the model %d at %" PRIu64
                  " of %" PRIu64,
                  compare->next, extent->piece, extent->offset, extent->size, piece->live,
                  piece->offset, piece->size);
    compare->next++;
    compare->in_memory += extent->size;
    return 0;
}

static void compare_counters(struct trial *trial, const struct compare *compare)
{
    struct mems_stats stats = test_stats(trial->engine);
    const struct model_segments *model = &trial->model;
    uint64_t live = 0, absent = 0, absent_bytes = 0, slots = 0;
    for (size_t s = 0; s < SEGMENTS_MOST; s++) {
        const struct model_segment *segment = &model->segment[s];
        bool away = segment->live && !segment->present;
        live += segment->live;
        absent += away;
        absent_bytes += away ? segment->size : 0;
        slots += away ? segments_slots(model, segment->size) : 0;
    }
    trial_require(trial, compare->absent == absent, "%zu absent on the map", compare->absent);
    trial_require(trial, stats.live_blocks == live, "live %" PRIu64, stats.live_blocks);
    trial_require(trial, stats.absent_bytes == absent_bytes, "absent %" PRIu64, stats.absent_bytes);
    trial_require(trial, stats.faults == model->faults, "%" PRIu64 " faults, the model %" PRIu64,
                  stats.faults, model->faults);
    trial_require(trial, stats.swap_faults == stats.faults, "swap faults %" PRIu64,
                  stats.swap_faults);
    trial_require(trial, stats.evictions == model->evictions,
                  "%" PRIu64 " evictions, the model %" PRIu64, stats.evictions, model->evictions);
    trial_require(trial, stats.write_backs == stats.evictions, "write backs %" PRIu64,
                  stats.write_backs);
    trial_require(trial, stats.swap_bytes == slots * model->slot, "swap %" PRIu64,
                  stats.swap_bytes);
    trial_require(trial, stats.held_bytes == compare->in_memory, "held %" PRIu64, stats.held_bytes);
    trial_require(trial, stats.moves_tried == stats.evictions && stats.moves_abandoned == 0,
                  "moves %" PRIu64, stats.moves_tried);
}

static void compare_all(struct trial *trial)
{
    struct compare compare = {.trial = trial};
    mems_walk(trial->engine, compare_piece, &compare);
    trial_require(trial, compare.next == trial->model.memory.count, "the map ends early");
    compare_counters(trial, &compare);
    test_checked(trial->engine, true);
    test_conserved(trial->engine);
}

static int see_base(const struct mems_extent *extent, void *arg)
{
    *(uint64_t *)arg = (uintptr_t)extent->host;
    return 1;
}

// ---- operations ---------------------------------------------------------------------------------

static uint64_t draw_size(struct trial *trial)
{
    struct source *source = &trial->source;
    uint64_t largest = trial->run->largest;
    switch (source_below(source, 8)) {
    case 0:
        return source_below(source, 2) == 0 ? largest : largest - largest % trial->run->granule;
    case 1:
        return 1 + source_below(source, largest);
    default:
        return 1 + source_below(source, 2 * trial->run->capacity / trial->run->live);
    }
}

static void fill(struct trial *trial, unsigned char *bytes, uint64_t size)
{
    for (uint64_t i = 0; i < size; i++) {
        bytes[i] = (unsigned char)source_noise(&trial->source);
    }
}

// The host pointer of a segment, brought in where the model says so; a section has begun.
static unsigned char *reach(struct trial *trial, size_t s, enum mems_access mode)
{
    const struct model_segment *segment = &trial->model.segment[s];
    void *host = NULL;
    size_t span = 0;
    mems_access_begin();
    int error = mems_translate(trial->space, segment->addr, mode, &host, &span);
    bool present = segments_use(&trial->model, s);
    trial_require(trial, error == (present ? 0 : EAGAIN), "translate: %s, the model: %d",
                  strerror(error), present);
    if (error == EAGAIN) {
        mems_access_end();
        error = mems_fault(trial->space, segment->addr, mode);
        trial_require(trial, error == 0, "fault: %s", strerror(error));
        error = mems_translate(trial->space, segment->addr, mode, &host, &span);
        trial_require(trial, error == 0, "translate after a fault: %s", strerror(error));
    }
    const struct model *memory = &trial->model.memory;
    uint64_t place = memory->base[0] + memory->pieces[segments_piece(&trial->model, s)].offset;
    trial_require(trial, (uintptr_t)host == place && span == segment->requested,
                  "at %#" PRIx64 " of %zu, the model at %#" PRIx64, (uint64_t)(uintptr_t)host, span,
                  place);
    return host;
}

static void compare_bytes(struct trial *trial, size_t s, const unsigned char *host)
{
    const struct model_segment *segment = &trial->model.segment[s];
    trial_require(trial, memcmp(host, segment->shadow, segment->requested) == 0,
                  "segment %#" PRIx64 " of %" PRIu64 " has lost bytes", segment->addr,
                  segment->requested);
}

static void operate_alloc(struct trial *trial, size_t s)
{
    mems_addr addr = 0;
    uint64_t size = draw_size(trial);
    uint64_t align =
        source_below(&trial->source, 10) == 0 ? UINT64_C(1) << source_below(&trial->source, 13) : 0;
    bool begun = segments_begin(&trial->model, s, size, align);
    int error = mems_alloc(trial->space, size, align, &addr);
    trial_require(trial, error == (begun ? 0 : ENOMEM), "alloc of %" PRIu64 ": %s, the model: %d",
                  size, strerror(error), begun);
    if (!begun) {
        return;
    }
    trial->allocs++;
    segments_named(&trial->model, s, addr);
    struct model_segment *segment = &trial->model.segment[s];
    segment->shadow = malloc(size);
    unsigned char *host = reach(trial, s, MEMS_WRITE);
    fill(trial, host, size < 64 ? size : 64);
    memcpy(segment->shadow, host, size);
    mems_access_end();
}

static void operate_access(struct trial *trial, size_t s)
{
    struct model_segment *segment = &trial->model.segment[s];
    bool write = source_below(&trial->source, 2) == 0;
    unsigned char *host = reach(trial, s, write ? MEMS_WRITE : MEMS_READ);
    uint64_t at = source_below(&trial->source, segment->requested), rest = segment->requested - at;
    uint64_t length = rest < 24 ? rest : 24;
    trial_require(trial, memcmp(host + at, segment->shadow + at, length) == 0,
                  "segment %#" PRIx64 " has lost bytes at %" PRIu64, segment->addr, at);
    if (write) {
        fill(trial, host + at, length);
        memcpy(segment->shadow + at, host + at, length);
    }
    mems_access_end();
}

static void operate_release(struct trial *trial, size_t s)
{
    struct model_segment *segment = &trial->model.segment[s];
    if (source_below(&trial->source, 4) == 0) { // else an absent one is released where it is
        compare_bytes(trial, s, reach(trial, s, MEMS_READ));
        mems_access_end();
    }
    int error = mems_release(trial->space, segment->addr);
    trial_require(trial, error == 0, "release: %s", strerror(error));
    segments_end(&trial->model, s);
    free(segment->shadow);
    trial->releases++;
}

// As the engine does it: a new segment, bytes across a page at a time, the old one released.
static bool model_resize_by_move(struct trial *trial, size_t s, size_t spare, uint64_t size)
{
    struct model_segments *model = &trial->model;
    if (!segments_begin(model, spare, size, 0)) {
        return false;
    }
    uint64_t least = size < model->segment[s].requested ? size : model->segment[s].requested;
    for (uint64_t done = 0; done < least; done += 4096) {
        segments_use(model, s);
        segments_use(model, spare);
    }
    return true;
}

static void operate_resize(struct trial *trial, size_t s, size_t spare)
{
    struct model_segments *model = &trial->model;
    struct model_segment *segment = &model->segment[s], *other = &model->segment[spare];
    mems_addr before = segment->addr, addr = before;
    uint64_t size = draw_size(trial), old = segment->requested;
    unsigned char *shadow = segment->shadow;
    bool stays = segments_resize(model, s, size);
    bool moves = !stays && model_resize_by_move(trial, s, spare, size);
    int error = mems_resize(trial->space, &addr, size);
    trial_require(trial, error == (stays || moves || size <= old ? 0 : ENOMEM),
                  "resize from %" PRIu64 " to %" PRIu64 ": %s", old, size, strerror(error));
    if (error != 0) {
        return;
    }
    trial_require(trial, (addr == before) == !moves, "it %s", moves ? "stayed" : "moved");
    segment->shadow = shadow = realloc(shadow, size);
    if (moves) {
        segments_named(model, spare, addr);
        other->shadow = shadow;
        segments_end(model, s);
        trial->allocs++;
        trial->releases++;
        s = spare;
    } else if (!stays) { // neither cut nor moved: it ends earlier
        segment->requested = size;
        if (segment->present) {
            model->memory.pieces[segments_piece(model, s)].requested = size;
        }
    }
    unsigned char *host = reach(trial, s, MEMS_WRITE);
    if (size > old) {
        memcpy(shadow + old, host + old, size - old);
    }
    compare_bytes(trial, s, host);
    mems_access_end();
}

static void operate(struct trial *trial)
{
    size_t s = source_below(&trial->source, 2 * trial->run->live), spare = SEGMENTS_MOST - 1;
    uint64_t dice = source_below(&trial->source, 100);
    if (!trial->model.segment[s].live) {
        operate_alloc(trial, s);
    } else if (dice < 80) {
        operate_access(trial, s);
    } else if (dice < 96) {
        operate_release(trial, s);
    } else {
        operate_resize(trial, s, spare);
        if (trial->model.segment[spare].live) { // the number s is free now
            struct model_segments *model = &trial->model;
            model->segment[s] = model->segment[spare];
            model->segment[spare].live = false;
            for (size_t i = 0; i < model->queued; i++) {
                model->queue[i] = model->queue[i] == spare ? s : model->queue[i];
            }
        }
    }
}

static void vm_segmentation_law(const struct run *run, enum model_fit fit, const char *replacement,
                                uint64_t operations, struct source source)
{
    static struct trial whole;
    struct trial *trial = &whole;
    char options[160];
    trial->run = run;
    trial->operation = trial->allocs = trial->releases = 0;
    trial->source = source;
    snprintf(options, sizeof options, "%s,fit=%s,replacement=%s,thread_cache=no", run->options,
             FITS[fit], replacement);
    snprintf(trial->what, sizeof trial->what, "%s", options);
    trial->engine = test_engine("vm-segmentation", options);
    trial->space = test_space(trial->engine);
    segments_init(&trial->model, fit, run->granule);
    uint64_t base = 0;
    mems_walk(trial->engine, see_base, &base);
    model_region(&trial->model.memory, base, run->capacity);
    trial->model.second_chance = strcmp(replacement, "fifo") != 0;
    trial->model.slot = run->slot;
    trial->model.slots = run->swap / run->slot;
    for (; trial->operation < operations && source_more(&trial->source); trial->operation++) {
        operate(trial);
        if (trial->operation % source_every(&trial->source, run->every) == 0) {
            compare_all(trial);
        }
    }
    compare_all(trial);
    for (size_t s = 0; s < SEGMENTS_MOST; s++) {
        if (trial->model.segment[s].live) {
            operate_release(trial, s);
        }
    }
    compare_all(trial);
    struct mems_stats stats = test_stats(trial->engine);
    trial_require(trial, stats.allocs == trial->allocs && stats.releases == trial->releases,
                  "allocs %" PRIu64, stats.allocs);
    trial_require(trial, stats.holes == 1 && stats.swap_bytes == 0 && stats.absent_bytes == 0,
                  "something is left");
    mems_engine_close(trial->engine);
}

static inline void vm_segmentation_property(const uint8_t *bytes, size_t size)
{
    struct source source = source_bytes(bytes, size);
    const struct run *run = &RUNS[source_below(&source, sizeof RUNS / sizeof RUNS[0])];
    enum model_fit fit = (enum model_fit)source_below(&source, sizeof FITS / sizeof FITS[0]);
    const char *replacement =
        REPLACEMENTS[source_below(&source, sizeof REPLACEMENTS / sizeof REPLACEMENTS[0])];
    vm_segmentation_law(run, fit, replacement, UINT64_MAX, source);
}

#endif
