// SPDX-License-Identifier: MIT
//
// law_dynamic.h - the dynamic policy against its model: every address, every hole, every count.
//
// One stream of random requests goes to the engine and to model_dynamic.h. The place of each block
// is compared at once, through its host address; the whole map, the counters and the engine's own
// check every so often. Runs differ in fit, in size (tiny ones get full and empty all the time),
// in growth, granule, the kind of addresses, when holes are coalesced, and what is split off.
// thread_cache=no: with caches the map depends on what the magazines hold, see test_cached.c.

#ifndef PROPERTY_LAW_DYNAMIC_H
#define PROPERTY_LAW_DYNAMIC_H

#include "property/model_dynamic.h"
#include "support/source.h"

struct run {
    const char *options; // fit and thread_cache come on top
    bool flat;
    uint64_t granule;
    uint64_t capacity; // 0: grows
    uint64_t region;   // step of growth
    unsigned share;    // of the operations, in 1/100
    unsigned every;    // operations between two compares of the whole map
    bool deferred;
    uint64_t min_block;
};

static const struct run RUNS[] = {
    {"capacity=4Ki", false, 16, 4096, 0, 10, 1, false, 0},
    {"capacity=64Ki", false, 16, 65536, 0, 40, 32, false, 0},
    {"capacity=50000", false, 16, 53248, 0, 5, 16, false, 0},
    {"capacity=64Ki,granule=64", false, 64, 65536, 0, 10, 32, false, 0},
    {"region=8Ki", false, 16, 0, 8192, 20, 64, false, 0},
    {"region=4Ki,addresses=flat", true, 1, 0, 4096, 10, 64, false, 0},
    {"capacity=32Ki,addresses=flat", true, 1, 32768, 0, 5, 32, false, 0},
};

static const struct run RUNS_DEFERRED[] = {
    {"capacity=4Ki,coalesce=deferred", false, 16, 4096, 0, 3, 1, true, 0},
    {"capacity=64Ki,coalesce=deferred", false, 16, 65536, 0, 6, 32, true, 0},
    {"region=8Ki,coalesce=deferred", false, 16, 0, 8192, 6, 64, true, 0},
    {"region=4Ki,addresses=flat,coalesce=deferred", true, 1, 0, 4096, 2, 64, true, 0},
};

static const struct run RUNS_MIN_BLOCK[] = {
    {"capacity=64Ki,min_block=100", false, 16, 65536, 0, 6, 32, false, 100},
    {"region=8Ki,min_block=512", false, 16, 0, 8192, 5, 64, false, 512},
    {"capacity=32Ki,addresses=flat,min_block=7", true, 1, 32768, 0, 2, 32, false, 7},
    {"region=16Ki,min_block=200,coalesce=deferred", false, 16, 0, 16384, 4, 64, true, 200},
};

static const char *const FITS[] = {"first", "next", "best", "worst", "buddy", "tlsf"};

// The most holes and blocks that a growing run may have, so that a linear model stays quick.
enum { PIECES_MOST = 600 };

struct trial {
    const struct run *run;
    struct mems_engine *engine;
    struct mems_space *space;
    struct model model;
    struct source source;
    uint64_t operation;
    uint64_t allocs, releases, refusals, refusals_enough_free, oversized;
    bool growing; // the mood: more allocations than releases
    char what[160];
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
    size_t next;
};

static int compare_piece(const struct mems_extent *extent, void *arg)
{
    struct compare *compare = arg;
    struct trial *trial = compare->trial;
    const struct model *model = &trial->model;
    trial_require(trial, compare->next < model->count, "the map goes on after the model's end");
    const struct model_piece *piece = &model->pieces[compare->next];
    enum mems_piece kind = piece->live ? MEMS_PIECE_BLOCK : MEMS_PIECE_HOLE;
    trial_require(trial,
                  extent->arena == 0 && extent->piece == kind && extent->region == piece->region &&
                      extent->offset == piece->offset && extent->size == piece->size,
                  "piece %zu: the map says kind %d at %u.%u+%" PRIu64 " of %" PRIu64
                  ", the model %d at %u+%" PRIu64 " of %" PRIu64,
                  compare->next, extent->piece, extent->arena, extent->region, extent->offset,
                  extent->size, kind, piece->region, piece->offset, piece->size);
    trial_require(trial, (uintptr_t)extent->host == model->base[piece->region] + piece->offset,
                  "piece %zu is elsewhere", compare->next);
    if (piece->live) {
        trial_require(trial,
                      extent->requested == piece->requested && extent->addr == piece->addr &&
                          extent->space == mems_space_id(trial->space),
                      "piece %zu: %" PRIu64 " requested, address %#" PRIx64, compare->next,
                      extent->requested, extent->addr);
    }
    compare->next++;
    return 0;
}

static void compare_counters(struct trial *trial)
{
    struct mems_stats stats = test_stats(trial->engine);
    uint64_t live = 0, requested = 0, block = 0, free = 0, holes = 0, largest = 0, held = 0;
    for (size_t i = 0; i < trial->model.count; i++) {
        const struct model_piece *piece = &trial->model.pieces[i];
        live += piece->live;
        requested += piece->requested;
        block += piece->live ? piece->size : 0;
        free += piece->live ? 0 : piece->size;
        holes += !piece->live;
        largest = !piece->live && piece->size > largest ? piece->size : largest;
        held += piece->size;
    }
    trial_require(trial, stats.live_blocks == live, "live %" PRIu64, stats.live_blocks);
    trial_require(trial, stats.requested_bytes == requested, "requested %" PRIu64,
                  stats.requested_bytes);
    trial_require(trial, stats.block_bytes == block, "block bytes %" PRIu64, stats.block_bytes);
    trial_require(trial, stats.free_bytes == free, "free %" PRIu64, stats.free_bytes);
    trial_require(trial, stats.holes == holes, "holes %" PRIu64, stats.holes);
    trial_require(trial, stats.largest_hole == largest, "largest %" PRIu64, stats.largest_hole);
    trial_require(trial, stats.held_bytes == held, "held %" PRIu64, stats.held_bytes);
    trial_require(trial, stats.held_peak_bytes == trial->model.held_peak,
                  "at most held %" PRIu64 ", the model %" PRIu64, stats.held_peak_bytes,
                  trial->model.held_peak);
    trial_require(trial, stats.regions == trial->model.regions - trial->model.gone,
                  "regions %" PRIu64, stats.regions);
    trial_require(trial, stats.allocs == trial->allocs, "allocs %" PRIu64, stats.allocs);
    trial_require(trial, stats.releases == trial->releases, "releases %" PRIu64, stats.releases);
    trial_require(trial,
                  stats.refusals >= trial->refusals &&
                      stats.refusals <= trial->refusals + trial->oversized,
                  "refusals %" PRIu64 ", the model had %" PRIu64, stats.refusals, trial->refusals);
    trial_require(trial, stats.refusals_enough_free == trial->refusals_enough_free,
                  "refused with enough free %" PRIu64 ", the model %" PRIu64,
                  stats.refusals_enough_free, trial->refusals_enough_free);
}

static int see_any(const struct mems_extent *extent, void *arg)
{
    (void)extent;
    (void)arg;
    return 1;
}

static void learn_region(struct trial *trial, uint64_t size, uint64_t align);

// A bounded engine may map its only region at once or when it is first needed.
static void learn_bounded(struct trial *trial)
{
    if (trial->run->capacity != 0 && trial->model.regions == 0 &&
        mems_walk(trial->engine, see_any, NULL) != 0) {
        learn_region(trial, trial->run->capacity, 0);
    }
}

static void compare_all(struct trial *trial)
{
    learn_bounded(trial);
    struct compare compare = {.trial = trial, .next = 0};
    int error = mems_walk(trial->engine, compare_piece, &compare);
    trial_require(trial, error == 0, "walk: %d", error);
    trial_require(trial, compare.next == trial->model.count, "the map ends after %zu of %zu pieces",
                  compare.next, trial->model.count);
    compare_counters(trial);
}

// ---- growth -------------------------------------------------------------------------------------

struct region_end {
    uint32_t region;
    uint64_t base;
    uint64_t end;
    bool found;
};

static int see_region(const struct mems_extent *extent, void *arg)
{
    struct region_end *seen = arg;
    if (extent->region == seen->region) {
        seen->base = (uintptr_t)extent->host - extent->offset;
        seen->end = extent->offset + extent->size;
        seen->found = true;
    }
    return 0;
}

// Tells the model of the region that the engine has or should have added.
static void learn_region(struct trial *trial, uint64_t size, uint64_t align)
{
    const struct model *model = &trial->model;
    struct region_end seen = {.region = model->regions};
    mems_walk(trial->engine, see_region, &seen);
    trial_require(trial, seen.found, "region %u should have been mapped", seen.region);
    const struct run *run = trial->run;
    uint64_t least = run->capacity;
    if (run->capacity == 0) {
        if (model->fit == MODEL_TLSF) {
            size = model_class_up(model, size, align) * model->granule;
        }
        least = size <= run->region ? run->region : model_round(size, 4096);
        least = model->fit == MODEL_BUDDY ? model_power(least) : least;
    }
    trial_require(trial, seen.end == least || (align > 4096 && seen.end > least),
                  "region %u of %" PRIu64 " should be of %" PRIu64, seen.region, seen.end, least);
    model_region(&trial->model, seen.base, seen.end);
}

// ---- operations ---------------------------------------------------------------------------------

static uint64_t draw_size(struct trial *trial)
{
    const struct run *run = trial->run;
    uint64_t whole = run->capacity != 0 ? run->capacity : run->region;
    struct source *source = &trial->source;
    switch (source_below(source, 16)) {
    case 0: { // the edges
        const uint64_t edges[] = {1,         15,        16,    17,        63,
                                  64,        65,        4095,  4096,      4097,
                                  whole / 2, whole - 1, whole, whole + 1, 2 * whole + 1};
        return edges[source_below(source, sizeof edges / sizeof edges[0])];
    }
    case 1: // what no memory could hold
        if (source_below(source, 16) == 0) {
            const uint64_t edges[] = {SIZE_MAX, SIZE_MAX - 15, PTRDIFF_MAX,
                                      (size_t)PTRDIFF_MAX + 1};
            return edges[source_below(source, sizeof edges / sizeof edges[0])];
        }
        return 1 + source_below(source, whole / 4);
    case 2:
    case 3:
    case 4: // few sizes, so that holes are often equal
        return 16 * (1 + source_below(source, 4)) * (whole >= 16384 ? 8 : 1);
    case 5:
    case 6:
        return 1 + source_below(source, whole / 8);
    default:
        return 1 + source_below(source, (uint64_t)1 << (3 + source_below(source, 7)));
    }
}

static uint64_t draw_align(struct trial *trial)
{
    if (source_below(&trial->source, 8) != 0) {
        return 0;
    }
    return (uint64_t)1 << source_below(&trial->source, 12);
}

static void expect_refused(struct trial *trial, uint64_t size, int error)
{
    trial_require(trial, error == ENOMEM, "alloc of %" PRIu64 " should be refused, was %d", size,
                  error);
    if (size >= PTRDIFF_MAX - 4096) {
        trial->oversized++;
        return;
    }
    uint64_t free = model_free(&trial->model);
    trial->refusals++;
    trial->refusals_enough_free += free >= model_round(size, trial->model.granule);
}

static void step_alloc(struct trial *trial)
{
    struct model *model = &trial->model;
    uint64_t size = draw_size(trial);
    uint64_t align = draw_align(trial);
    mems_addr addr = 42;
    int error = mems_alloc(trial->space, size, align, &addr);
    learn_bounded(trial);
    size_t at = model->count;
    if (size < PTRDIFF_MAX - 4096) {
        uint64_t rounded = model_need(model, size, align);
        at = model_pick(model, rounded, align);
        if (at == model->count && trial->run->capacity == 0) {
            learn_region(trial, rounded, align);
            at = model_pick_now(model, rounded, align);
        }
    }
    if (at == model->count) {
        expect_refused(trial, size, error);
        trial_require(trial, addr == 42, "the result changed though refused");
        return;
    }
    trial_require(trial, error == 0, "alloc of %" PRIu64 " at %" PRIu64 ": %s", size, align,
                  strerror(error));
    at = model_cut(model, at, size, align);
    struct model_piece *block = &model->pieces[at];
    block->addr = addr;
    trial->allocs++;
    uintptr_t host = test_host(trial->space, addr);
    trial_require(trial, host == model->base[block->region] + block->offset,
                  "%" PRIu64 " bytes at %" PRIu64 ": at %#" PRIxPTR ", the model has %u+%" PRIu64
                  " = %#" PRIx64,
                  size, align, host, block->region, block->offset,
                  model->base[block->region] + block->offset);
    if (trial->run->flat) { // flat addresses run on across regions
        uint64_t from_start = block->offset;
        for (uint32_t r = 0; r < block->region; r++) {
            from_start += model->size[r];
        }
        const struct model_piece *lowest = &model->pieces[0];
        trial_require(trial, !lowest->live || addr - lowest->addr == from_start,
                      "flat address %#" PRIx64, addr);
    }
}

// A random live block, or count when there is none.
static size_t draw_block(struct trial *trial)
{
    const struct model *model = &trial->model;
    if (model->count == 0) {
        return model->count;
    }
    size_t at = source_below(&trial->source, model->count);
    for (size_t i = 0; i < model->count; i++, at = (at + 1) % model->count) {
        if (model->pieces[at].live) {
            return at;
        }
    }
    return model->count;
}

static void step_release(struct trial *trial)
{
    size_t at = draw_block(trial);
    if (at == trial->model.count) {
        return;
    }
    uint64_t addr = trial->model.pieces[at].addr;
    int error = mems_release(trial->space, addr);
    trial_require(trial, error == 0, "release of %#" PRIx64 ": %s", addr, strerror(error));
    model_release(&trial->model, at);
    trial->releases++;
}

static void step(struct trial *trial)
{
    if (source_below(&trial->source, 200) == 0) {
        trial->growing = !trial->growing;
    }
    if (trial->model.count > PIECES_MOST) {
        trial->growing = false;
    }
    if (source_below(&trial->source, 10) < (trial->growing ? 7 : 3)) {
        step_alloc(trial);
    } else {
        step_release(trial);
    }
}

// ---- runs ---------------------------------------------------------------------------------------

static void release_all(struct trial *trial)
{
    for (size_t at = 0; at < trial->model.count;) {
        if (trial->model.pieces[at].live) {
            assert_int_equal(mems_release(trial->space, trial->model.pieces[at].addr), 0);
            model_release(&trial->model, at);
            trial->releases++;
            at = 0;
        } else {
            at++;
        }
    }
    if (!trial->run->deferred && (trial->model.fit != MODEL_BUDDY || trial->run->capacity == 0)) {
        trial_require(trial, trial->model.count == trial->model.regions - trial->model.gone,
                      "one hole a region is left");
    }
}

// So many operations, or as many as the source decides. Returns how many regions went back.
static uint64_t dynamic_law(const struct run *run, enum model_fit fit, uint64_t operations,
                            struct source source)
{
    static struct trial trial;
    trial.run = run;
    trial.source = source;
    trial.allocs = trial.releases = trial.refusals = 0;
    trial.refusals_enough_free = trial.oversized = 0;
    trial.growing = true;
    char options[100];
    snprintf(options, sizeof options, "fit=%s,arenas=1,thread_cache=no,%s", FITS[fit],
             run->options);
    snprintf(trial.what, sizeof trial.what, "%s", options);
    model_init(&trial.model, fit, run->granule);
    trial.model.deferred = run->deferred;
    trial.model.min_block = run->min_block;
    trial.model.returns = run->capacity == 0 && !run->flat;
    trial.engine = test_engine("dynamic", options);
    trial.space = test_space(trial.engine);
    for (trial.operation = 0; trial.operation < operations && source_more(&trial.source);
         trial.operation++) {
        step(&trial);
        if (trial.operation % source_every(&trial.source, run->every) == 0) {
            compare_all(&trial);
        }
        if (trial.operation % 4096 == 0) {
            test_checked(trial.engine, true);
        }
    }
    compare_all(&trial);
    release_all(&trial);
    compare_all(&trial);
    test_checked(trial.engine, true);
    mems_space_close(trial.space);
    mems_engine_close(trial.engine);
    return trial.model.gone;
}

static inline void dynamic_property(const uint8_t *bytes, size_t size)
{
    static const struct {
        const struct run *rows;
        size_t count;
    } all[] = {{RUNS, sizeof RUNS / sizeof RUNS[0]},
               {RUNS_DEFERRED, sizeof RUNS_DEFERRED / sizeof RUNS_DEFERRED[0]},
               {RUNS_MIN_BLOCK, sizeof RUNS_MIN_BLOCK / sizeof RUNS_MIN_BLOCK[0]}};
    struct source source = source_bytes(bytes, size);
    enum model_fit fit = (enum model_fit)source_below(&source, MODEL_TLSF + 1);
    uint64_t table = source_below(&source, sizeof all / sizeof all[0]);
    const struct run *run = &all[table].rows[source_below(&source, all[table].count)];
    (void)dynamic_law(run, fit, UINT64_MAX, source);
}

#endif
