// SPDX-License-Identifier: MIT
//
// law_compaction.h - segmentation against its model: first and next fit, compaction, each address.
//
// One stream of random requests, releases, resizes and compactions goes to the engine and to the
// model. The place of a block is compared when it is allocated, the whole map after each compaction
// and every so often, the bytes when a block ends. With compact_after a request that no hole fits
// compacts first. dynamic(movable=yes) runs the same streams.

#ifndef PROPERTY_LAW_COMPACTION_H
#define PROPERTY_LAW_COMPACTION_H

#include "property/model_compaction.h"
#include "support/source.h"

struct run {
    const char *policy;
    const char *options;
    uint64_t granule, capacity, region; // capacity 0: grows by `region`
    bool threshold;                     // compact_after=1
    bool aligned;                       // some requests ask for an alignment
    bool deferred;                      // coalesce=deferred; then nothing is resized
};

static const struct run RUNS[] = {
    {"segmentation", "capacity=4Ki", 16, 4096, 0, false, false, false},
    {"segmentation", "capacity=4Ki,compact_after=1", 16, 4096, 0, true, false, false},
    {"segmentation", "capacity=32Ki", 16, 32768, 0, false, true, false},
    {"segmentation", "capacity=32Ki,compact_after=1,granule=64", 64, 32768, 0, true, false, false},
    {"segmentation", "region=8Ki", 16, 0, 8192, false, true, false},
    {"segmentation", "region=4Ki", 16, 0, 4096, false, false, false},
    {"segmentation", "region=4Ki,compact_after=1", 16, 0, 4096, true, true, false},
    {"dynamic", "capacity=16Ki,movable=yes", 16, 16384, 0, false, false, false},
    {"dynamic", "capacity=16Ki,movable=yes,compact_after=1", 16, 16384, 0, true, true, false},
    {"dynamic", "capacity=16Ki,movable=yes,coalesce=deferred", 16, 16384, 0, false, true, true},
    {"dynamic", "region=4Ki,movable=yes", 16, 0, 4096, false, false, false},
    {"segmentation", "capacity=32Ki,fit=next", 16, 32768, 0, false, true, false},
    {"segmentation", "region=4Ki,fit=next,compact_after=1", 16, 0, 4096, true, false, false},
    {"dynamic", "capacity=16Ki,movable=yes,fit=next", 16, 16384, 0, false, true, false},
};

enum { PIECES_MOST = 300 };

struct trial {
    const struct run *run;
    struct mems_engine *engine;
    struct mems_space *space;
    struct model model;
    struct source source;
    uint64_t operation, compactions, moved;
    bool growing;
};

#define trial_require(trial, condition, ...)                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s(%s), operation %" PRIu64 ": ", (trial)->run->policy,               \
                    (trial)->run->options, (trial)->operation);                                    \
            test_require(condition, __VA_ARGS__);                                                  \
        }                                                                                          \
    } while (0)

// ---- comparing ----------------------------------------------------------------------------------

struct compare {
    struct trial *trial;
    size_t next;
};

static int compare_piece(const struct mems_extent *extent, void *arg)
{
    struct compare *compare = arg;
    struct trial *trial = compare->trial;
    trial_require(trial, compare->next < trial->model.count, "the map goes on after the model");
    const struct model_piece *piece = &trial->model.pieces[compare->next];
    enum mems_piece kind = piece->live ? MEMS_PIECE_BLOCK : MEMS_PIECE_HOLE;
    trial_require(trial,
                  extent->piece == kind && extent->region == piece->region &&
                      extent->offset == piece->offset && extent->size == piece->size,
                  "piece %zu: the map says kind %d at %u.%" PRIu64 " of %" PRIu64
                  ", the model %d at %u.%" PRIu64 " of %" PRIu64,
                  compare->next, extent->piece, extent->region, extent->offset, extent->size, kind,
                  piece->region, piece->offset, piece->size);
    trial_require(trial,
                  !piece->live || (extent->requested == piece->requested &&
                                   extent->addr == piece->addr && !extent->absent),
                  "piece %zu: %" PRIu64 " requested", compare->next, extent->requested);
    compare->next++;
    return 0;
}

static void compare_all(struct trial *trial)
{
    struct compare compare = {.trial = trial};
    mems_walk(trial->engine, compare_piece, &compare);
    trial_require(trial, compare.next == trial->model.count, "the map ends after %zu pieces",
                  compare.next);
}

// ---- growth -------------------------------------------------------------------------------------

struct region_seen {
    uint32_t region;
    uint64_t base, end;
};

static int see_region(const struct mems_extent *extent, void *arg)
{
    struct region_seen *seen = arg;
    if (extent->region == seen->region) {
        seen->base = (uintptr_t)extent->host - extent->offset;
        seen->end = extent->offset + extent->size;
    }
    return 0;
}

static void learn_region(struct trial *trial)
{
    struct region_seen seen = {.region = trial->model.regions};
    mems_walk(trial->engine, see_region, &seen);
    trial_require(trial, seen.end != 0, "region %u should be there", seen.region);
    model_region(&trial->model, seen.base, seen.end);
}

static void give_up(struct trial *trial)
{
    if (trial->model.returns) {
        model_give_up(&trial->model);
    }
}

// ---- operations ---------------------------------------------------------------------------------

static void compact(struct trial *trial)
{
    struct mems_compaction done;
    int error = mems_compact(trial->engine, &done);
    struct model_moves moves = model_compact(&trial->model);
    give_up(trial);
    trial_require(trial, error == 0 && done.abandoned == 0 && done.tried == done.moved,
                  "compact: %d", error);
    trial_require(trial,
                  trial->run->aligned ||
                      (done.moved == moves.moved && done.moved_bytes == moves.bytes),
                  "moved %" PRIu64 " blocks, %" PRIu64 " bytes, the model %" PRIu64 ", %" PRIu64,
                  done.moved, done.moved_bytes, moves.moved, moves.bytes);
    compare_all(trial);
    trial->compactions++;
    trial->moved += done.moved;
}

static bool is_scattered(const struct model *model, uint64_t size)
{
    uint64_t free = 0, largest = 0;
    for (size_t i = 0; i < model->count; i++) {
        uint64_t hole = model->pieces[i].live ? 0 : model->pieces[i].size;
        free += hole;
        largest = hole > largest ? hole : largest;
    }
    return free >= size && free > largest && free - largest >= free / 100;
}

// Where the request goes, or model->count: after what the engine does about it.
static size_t expect_place(struct trial *trial, uint64_t size, uint64_t align)
{
    struct model *model = &trial->model;
    uint64_t rounded = model_round(size, model->granule);
    size_t at = model_pick(model, rounded, align);
    if (at == model->count && trial->run->threshold && is_scattered(model, rounded)) {
        model_compact(model);
        at = model_pick(model, rounded, align);
    }
    if (at == model->count && trial->run->capacity == 0) {
        learn_region(trial);
        at = model_pick(model, rounded, align);
    }
    return at;
}

static void place_block(struct trial *trial, size_t at, uint64_t size, uint64_t align,
                        mems_addr addr)
{
    at = model_cut(&trial->model, at, size, align);
    struct model_piece *block = &trial->model.pieces[at];
    block->addr = addr;
    block->align = align > trial->model.granule ? align : 1;
    uintptr_t host = test_host(trial->space, addr);
    trial_require(trial, host == trial->model.base[block->region] + block->offset,
                  "%" PRIu64 " bytes are at %#" PRIxPTR ", the model has %u.%" PRIu64, size, host,
                  block->region, block->offset);
}

static uint64_t draw_size(struct trial *trial)
{
    uint64_t whole = trial->run->capacity != 0 ? trial->run->capacity : trial->run->region;
    if (source_below(&trial->source, 12) == 0) {
        return 1 + source_below(&trial->source, whole / 3);
    }
    return 1 + source_below(&trial->source, (uint64_t)1 << (4 + source_below(&trial->source, 6)));
}

static void step_alloc(struct trial *trial)
{
    uint64_t size = draw_size(trial), align = 0;
    if (trial->run->aligned && source_below(&trial->source, 6) == 0) {
        align = (uint64_t)1 << source_below(&trial->source, 9);
    }
    mems_addr addr = 42;
    int error = mems_alloc(trial->space, size, align, &addr);
    size_t at = expect_place(trial, size, align);
    if (at == trial->model.count) {
        trial_require(trial, error == ENOMEM && addr == 42, "alloc of %" PRIu64 ": %d", size,
                      error);
        give_up(trial);
        return;
    }
    trial_require(trial, error == 0, "alloc of %" PRIu64 ": %s", size, strerror(error));
    place_block(trial, at, size, align, addr);
    give_up(trial);
    test_stamp(trial->space, addr, size, addr);
}

static size_t draw_block(struct trial *trial)
{
    const struct model *model = &trial->model;
    size_t at = model->count == 0 ? 0 : source_below(&trial->source, model->count);
    for (size_t i = 0; i < model->count; i++, at = (at + 1) % model->count) {
        if (model->pieces[at].live) {
            return at;
        }
    }
    return model->count;
}

static void step_release(struct trial *trial, size_t at)
{
    const struct model_piece *block = &trial->model.pieces[at];
    test_stamped(trial->space, block->addr, block->requested, block->addr);
    trial_require(trial, mems_release(trial->space, block->addr) == 0, "release");
    model_release(&trial->model, at);
}

// In place when it shrinks, or when the hole behind is large enough; else a new block. Sizes stay
// below 4 KiB, so an address has room for every one.
static void step_resize(struct trial *trial, size_t at)
{
    struct model *model = &trial->model;
    struct model_piece block = model->pieces[at];
    uint64_t size = 1 + source_below(&trial->source, 1500);
    uint64_t rounded = model_round(size, model->granule), least = size;
    mems_addr addr = block.addr;
    int error = mems_resize(trial->space, &addr, size);
    uint64_t room = block.size;
    if (model_hole_of(model, at + 1, block.region)) {
        room += model->pieces[at + 1].size;
    }
    if (rounded <= room) {
        trial_require(trial, error == 0 && addr == block.addr, "resize to %" PRIu64 ": %d", size,
                      error);
        uint32_t rover_region = model->rover_region;
        uint64_t rover_offset = model->rover_offset;
        bool returns = model->returns;
        model->returns = false; // the region is not left
        model_release(model, at);
        model->returns = returns;
        size_t hole = model_first(model, (struct model_place){block.region, block.offset}, false);
        if (model->pieces[hole].offset < block.offset) { // keeps its place: no joining in front
            struct model_piece front = model->pieces[hole];
            front.size = block.offset - front.offset;
            model->pieces[hole].offset = block.offset;
            model->pieces[hole].size -= front.size;
            model_insert(model, hole, front);
            hole++;
        }
        at = model_cut(model, hole, size, 0);
        model->pieces[at].addr = addr;
        model->pieces[at].align = block.align;
        model->rover_region = rover_region;
        model->rover_offset = rover_offset;
    } else {
        size_t place = expect_place(trial, size, 0);
        trial_require(trial, (error == 0) == (place < model->count), "resize to %" PRIu64 ": %d",
                      size, error);
        if (error != 0) {
            return;
        }
        place_block(trial, place, size, 0, addr);
        give_up(trial);
        for (at = 0; model->pieces[at].addr != block.addr || !model->pieces[at].live; at++) {
        }
        model_release(model, at);
    }
    least = size < block.requested ? size : block.requested;
    test_stamped(trial->space, addr, least, block.addr);
    test_stamp(trial->space, addr, size, addr);
}

static void step(struct trial *trial)
{
    if (source_below(&trial->source, 100) == 0) {
        trial->growing = !trial->growing;
    }
    if (trial->model.count > PIECES_MOST) {
        trial->growing = false;
    }
    size_t at = draw_block(trial);
    if (source_below(&trial->source, 300) == 0) {
        compact(trial);
    } else if (source_below(&trial->source, 10) < (trial->growing ? 7 : 3)) {
        step_alloc(trial);
    } else if (at < trial->model.count && trial->model.pieces[at].size <= 4096 &&
               !trial->run->deferred && source_below(&trial->source, 5) == 0) {
        step_resize(trial, at);
    } else if (at < trial->model.count) {
        step_release(trial, at);
    }
}

static void compaction_law(const struct run *run, uint64_t operations, struct source source)
{
    static struct trial trial;
    char options[120];
    trial.run = run;
    trial.operation = trial.compactions = trial.moved = 0;
    trial.growing = false;
    trial.source = source;
    bool next = strstr(run->options, "fit=next") != NULL;
    model_init(&trial.model, next ? MODEL_NEXT : MODEL_FIRST, run->granule);
    trial.model.deferred = run->deferred;
    trial.model.returns = run->capacity == 0;
    snprintf(options, sizeof options, "%s,thread_cache=no", run->options);
    trial.engine = test_engine(run->policy, options);
    trial.space = test_space(trial.engine);
    if (run->capacity != 0) {
        learn_region(&trial);
    }
    for (; trial.operation < operations && source_more(&trial.source); trial.operation++) {
        step(&trial);
        if (trial.operation % source_every(&trial.source, 512) == 0) {
            compare_all(&trial);
            test_checked(trial.engine, true);
            test_conserved(trial.engine);
        }
    }
    struct mems_stats stats = test_stats(trial.engine);
    trial_require(&trial, (trial.moved > 0 || !source.drawn) && stats.moves_done >= trial.moved,
                  "nothing moved");
    trial_require(&trial, stats.compactions >= trial.compactions, "compactions");
    trial_require(&trial, stats.held_peak_bytes == trial.model.held_peak, "at most held");
    trial_require(&trial, !trial.model.returns || trial.model.gone > 0 || !source.drawn,
                  "no region went");
    mems_engine_close(trial.engine);
}

static inline void compaction_property(const uint8_t *bytes, size_t size)
{
    struct source source = source_bytes(bytes, size);
    const struct run *run = &RUNS[source_below(&source, sizeof RUNS / sizeof RUNS[0])];
    compaction_law(run, UINT64_MAX, source);
}

#endif
