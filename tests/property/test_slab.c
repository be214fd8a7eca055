// SPDX-License-Identifier: MIT
//
// test_slab.c - the slab policy against its model: every address, every hole, every count.
//
// One stream of random requests of two spaces (allocate, release, resize, close) goes to the engine
// and to model_slab.h. The place of each block is compared at once, through its host address; the
// whole map and the counters every so often. One thread's front and the common one
// (thread_cache=no) place blocks alike.

#include "property/model_slab.h"

enum { BLOCKS = 6000, OPS = 600000 / MEMS_TEST_SCALE };

struct run {
    const char *options;
    uint64_t capacity, region;
    uint64_t most;  // largest size, now and then
    uint64_t step;  // most sizes are up to ten times this
    unsigned share; // of the operations, in 1/100
    unsigned every; // operations between two compares of the whole map
};

static const struct run RUNS[] = {
    {"region=1Mi", 0, 1 << 20, 40000, 16, 40, 8192},
    {"region=4Mi", 0, 4 << 20, 16384, 1024, 20, 8192}, // many slabs in a ring
    {"region=64Ki", 0, 65536, 20000, 16, 20, 1024},
    {"capacity=3Mi", 3 << 20, 0, 30000, 16, 20, 1024},
    {"capacity=600000", 602112, 0, 5000, 16, 10, 64},
    {"capacity=20Ki", 20480, 0, 3000, 16, 5, 16}, // no slab fits
    {"region=1", 0, 1, 100000, 16, 5, 4096},
};

struct block {
    bool live;
    unsigned space;
    uint64_t requested;
    mems_addr addr;
    struct slabs_place place;
    uint64_t since; // it has had this place
};

struct trial {
    const struct run *run;
    struct mems_engine *engine;
    struct mems_space *spaces[SLABS_SPACES];
    struct slabs model; // `grow` finds the trial by it
    struct block blocks[BLOCKS];
    uint64_t random, operation, live, clock;
    bool growing;
};

static struct trial trial;

#define trial_require(condition, ...)                                                              \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s, operation %" PRIu64 ": ", trial.run->options, trial.operation);   \
            test_require(condition, __VA_ARGS__);                                                  \
        }                                                                                          \
    } while (0)

// ---- regions ------------------------------------------------------------------------------------

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

static void learn_region(uint64_t size)
{
    struct model *memory = &trial.model.memory;
    struct region_seen seen = {.region = memory->regions};
    mems_walk(trial.engine, see_region, &seen);
    trial_require(seen.end == size, "region %u of %" PRIu64 " bytes should have %" PRIu64,
                  seen.region, seen.end, size);
    model_region(memory, seen.base, seen.end);
}

static bool grow(struct slabs *slabs, uint64_t size, uint64_t align)
{
    if (slabs->region == 0) {
        return false;
    }
    uint64_t least = size + (align > 65536 ? align - 4096 : 0);
    learn_region(model_round(least > slabs->region ? least : slabs->region, 4096));
    return true;
}

// ---- the whole map ------------------------------------------------------------------------------

struct compare {
    size_t piece;   // of the model
    uint32_t block; // of the slab it is
    uint64_t holes, free_bytes, largest;
};

static const struct slabs_slab *slab_in(const struct model_piece *piece)
{
    for (unsigned i = 0; i < SLABS_MOST; i++) {
        const struct slabs_slab *slab = &trial.model.slabs[i];
        if (slab->there && slab->region == piece->region && slab->offset == piece->offset) {
            return slab;
        }
    }
    return NULL;
}

// What the model has next.
static bool next_piece(struct compare *at, uint32_t *region, uint64_t *offset, uint64_t *size)
{
    const struct model_piece *piece = &trial.model.memory.pieces[at->piece];
    const struct slabs_slab *slab = piece->live ? slab_in(piece) : NULL;
    *region = piece->region;
    *offset = piece->offset;
    *size = piece->size;
    if (slab == NULL) {
        at->piece++;
        return piece->live;
    }
    uint64_t block = trial.model.size[slab->class];
    bool behind = at->block == slab->count;
    *offset += at->block * block;
    *size = behind ? piece->size - slab->count * block : block;
    bool used = !behind && slab->block[at->block] == 1;
    at->block++;
    if (at->block > slab->count ||
        (at->block == slab->count && slab->count * block == piece->size)) {
        at->piece++;
        at->block = 0;
    }
    return used;
}

static int see_piece(const struct mems_extent *extent, void *arg)
{
    struct compare *at = arg;
    uint32_t region = 0;
    uint64_t offset = 0, size = 0;
    trial_require(at->piece < trial.model.memory.count, "the map has more than the model");
    bool used = next_piece(at, &region, &offset, &size);
    trial_require(extent->region == region && extent->offset == offset && extent->size == size,
                  "the map has %u+%" PRIu64 ", %" PRIu64 " bytes, the model %u+%" PRIu64
                  ", %" PRIu64,
                  extent->region, extent->offset, extent->size, region, offset, size);
    trial_require((extent->piece == MEMS_PIECE_BLOCK) == used, "used or not: %u+%" PRIu64, region,
                  offset);
    at->holes += !used;
    at->free_bytes += used ? 0 : size;
    at->largest = !used && size > at->largest ? size : at->largest;
    return 0;
}

static void compare_all(void)
{
    struct compare at = {.piece = 0};
    mems_walk(trial.engine, see_piece, &at);
    trial_require(at.piece == trial.model.memory.count, "the map ends before the model");
    struct mems_stats stats = test_stats(trial.engine);
    trial_require(stats.holes == at.holes && stats.free_bytes == at.free_bytes &&
                      stats.largest_hole == at.largest,
                  "%" PRIu64 " holes of %" PRIu64 ", %" PRIu64 " free of %" PRIu64
                  ", largest %" PRIu64 " of %" PRIu64,
                  stats.holes, at.holes, stats.free_bytes, at.free_bytes, stats.largest_hole,
                  at.largest);
    const struct model *memory = &trial.model.memory;
    trial_require(stats.held_bytes == memory->held && stats.held_peak_bytes == memory->held_peak &&
                      stats.regions == memory->regions - memory->gone,
                  "%" PRIu64 " of %" PRIu64 " bytes held, at most %" PRIu64 " of %" PRIu64,
                  stats.held_bytes, memory->held, stats.held_peak_bytes, memory->held_peak);
    trial_require(stats.live_blocks == trial.live, "%" PRIu64 " live of %" PRIu64,
                  stats.live_blocks, trial.live);
    test_checked(trial.engine, true);
}

// ---- operations ---------------------------------------------------------------------------------

static uint64_t draw_size(void)
{
    switch (test_below(&trial.random, 16)) {
    case 0:
        return 1 + test_below(&trial.random, trial.run->most);
    case 1: { // the edges
        uint64_t edge = (uint64_t)1 << test_below(&trial.random, 15);
        return edge + test_below(&trial.random, 3) - (edge > 1);
    }
    case 2:
    case 3:
        return 1 + test_below(&trial.random, 2000);
    default: // few classes, so that slabs fill
        return trial.run->step * (1 + test_below(&trial.random, 10));
    }
}

static void require_place(const struct block *block)
{
    uintptr_t host = test_host(trial.spaces[block->space], block->addr);
    uint64_t expected = trial.model.memory.base[block->place.region] + block->place.offset;
    size_t requested = 0, size = 0;
    trial_require(host == expected,
                  "%" PRIu64 " bytes at %#" PRIxPTR ", the model has %u+%" PRIu64 " = %#" PRIx64,
                  block->requested, host, block->place.region, block->place.offset, expected);
    mems_block_size(trial.spaces[block->space], block->addr, &requested, &size);
    trial_require(requested == block->requested && size == block->place.size,
                  "%zu of %zu bytes, the model has %" PRIu64 " of %" PRIu64, requested, size,
                  block->requested, block->place.size);
}

static void step_alloc(struct block *block)
{
    uint64_t size = draw_size(), align = 0;
    if (test_below(&trial.random, 10) == 0) {
        align = (uint64_t)1 << test_below(&trial.random, 15);
    }
    block->space = (unsigned)test_below(&trial.random, SLABS_SPACES);
    int error = mems_alloc(trial.spaces[block->space], size, align, &block->addr);
    bool served = slabs_take(&trial.model, block->space, size, align, &block->place);
    trial_require((error == 0) == served && (served || error == ENOMEM),
                  "alloc of %" PRIu64 " at %" PRIu64 ": %s", size, align, strerror(error));
    if (served) {
        block->live = true;
        block->since = ++trial.clock;
        block->requested = size;
        trial.live++;
        require_place(block);
    }
}

static void step_release(struct block *block)
{
    int error = mems_release(trial.spaces[block->space], block->addr);
    trial_require(error == 0, "release: %s", strerror(error));
    slabs_give(&trial.model, &block->place);
    block->live = false;
    trial.live--;
}

// Whether the block changes its size where it stands.
static bool stays(struct block *block, mems_addr addr, uint64_t size)
{
    struct slabs *model = &trial.model;
    if (!block->place.large) {
        unsigned class = slabs_class(model, size, 0);
        return size <= block->place.size &&
               (size > block->place.size / 2 || model->size[class] == block->place.size);
    }
    uint64_t rounded = model_round(size, 1024);
    uint64_t room = (uint64_t)1 << (12 + 4 * (addr >> 61)); // offsets its address can say
    if (rounded > room || (rounded < block->place.size && size <= SLABS_LARGEST)) {
        return false;
    }
    return slabs_stretch(model, &block->place, rounded);
}

static void step_resize(struct block *block)
{
    uint64_t size = draw_size();
    struct slabs_place place;
    mems_addr before = block->addr;
    int error = mems_resize(trial.spaces[block->space], &block->addr, size);
    bool done = true;
    if (!stays(block, before, size)) {
        if (slabs_take(&trial.model, block->space, size, 0, &place)) {
            slabs_give(&trial.model, &block->place);
            block->place = place;
            block->since = ++trial.clock;
        } else {
            done = size <= block->requested;
        }
    }
    trial_require(done == (error == 0), "resize from %" PRIu64 " to %" PRIu64 ": %s",
                  block->requested, size, strerror(error));
    block->requested = done ? size : block->requested;
    require_place(block);
}

// The space's large block that came last, or NULL.
static struct block *latest_large(unsigned space)
{
    struct block *latest = NULL;
    for (size_t i = 0; i < BLOCKS; i++) {
        struct block *block = &trial.blocks[i];
        if (block->live && block->space == space && block->place.large &&
            (latest == NULL || block->since > latest->since)) {
            latest = block;
        }
    }
    return latest;
}

static unsigned oldest_slab(unsigned space)
{
    unsigned oldest = SLABS_NONE;
    for (unsigned i = 0; i < SLABS_MOST; i++) {
        const struct slabs_slab *slab = &trial.model.slabs[i];
        if (slab->there && slab->space == space &&
            (oldest == SLABS_NONE || slab->serial < trial.model.slabs[oldest].serial)) {
            oldest = i;
        }
    }
    return oldest;
}

// One space goes with all it has, and another takes its place: slabs, the oldest first, then large
// blocks, the latest first. The order decides which empty region has been so longest.
static void step_close(void)
{
    unsigned space = (unsigned)test_below(&trial.random, SLABS_SPACES);
    struct model *memory = &trial.model.memory;
    mems_space_close(trial.spaces[space]);
    trial.spaces[space] = test_space(trial.engine);
    for (unsigned oldest; (oldest = oldest_slab(space)) != SLABS_NONE;) {
        slabs_end(&trial.model, oldest);
    }
    slabs_space_init(&trial.model, space);
    for (struct block *block; (block = latest_large(space)) != NULL; trial.live--) {
        model_release(memory, piece_at(memory, block->place.region, block->place.offset));
        block->live = false;
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        if (trial.blocks[i].live && trial.blocks[i].space == space) {
            trial.blocks[i].live = false;
            trial.live--;
        }
    }
    slabs_give_up(&trial.model);
}

static void step(void)
{
    struct block *block = &trial.blocks[test_below(&trial.random, BLOCKS)];
    if (test_below(&trial.random, 2000) == 0) {
        trial.growing = !trial.growing;
    }
    if (test_below(&trial.random, 20000) == 0) {
        step_close();
    } else if (!block->live) {
        if (trial.growing || test_below(&trial.random, 4) == 0) {
            step_alloc(block);
        }
    } else if (test_below(&trial.random, 8) == 0) {
        step_resize(block);
    } else if (!trial.growing || test_below(&trial.random, 4) == 0) {
        step_release(block);
    }
}

static void run_trial(const struct run *run, bool fronts, uint64_t operations, uint64_t seed)
{
    char options[100];
    memset(trial.blocks, 0, sizeof trial.blocks);
    trial.run = run;
    trial.random = seed;
    trial.live = 0;
    trial.growing = true;
    snprintf(options, sizeof options, "thread_cache=%s,%s", fronts ? "yes" : "no", run->options);
    trial.engine = test_engine("slab", options);
    for (size_t i = 0; i < SLABS_SPACES; i++) {
        trial.spaces[i] = test_space(trial.engine);
    }
    slabs_init(&trial.model, run->region);
    trial.model.grow = grow;
    trial.operation = 0;
    if (run->capacity != 0) {
        learn_region(run->capacity);
    }
    for (; trial.operation < operations; trial.operation++) {
        step();
        if (trial.operation % run->every == 0) {
            compare_all();
        }
    }
    compare_all();
    for (size_t i = 0; i < BLOCKS; i++) {
        if (trial.blocks[i].live) {
            step_release(&trial.blocks[i]);
        }
    }
    compare_all();
    mems_engine_close(trial.engine);
}

static void test_model(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (size_t i = 0; i < sizeof RUNS / sizeof RUNS[0]; i++) {
        uint64_t operations = (uint64_t)OPS * RUNS[i].share / 200;
        run_trial(&RUNS[i], false, operations, seed + i);
        run_trial(&RUNS[i], true, operations, seed + i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
