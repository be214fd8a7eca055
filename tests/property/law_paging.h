// SPDX-License-Identifier: MIT
//
// law_paging.h - the paging policy against its model: an array of frames, searched from the front.
//
// A block takes ceil(size / page) frames, the lowest free ones in rising order, all or none.
// Growing in place takes more of the same way; what does not fit where it is moves: allocate, copy,
// release. The map must say which page of which block is in every frame, operation after operation.

#ifndef PROPERTY_LAW_PAGING_H
#define PROPERTY_LAW_PAGING_H

#include "support/source.h"

enum { FRAMES_MOST = 512, BLOCKS = 48, SPACES = 3 };

struct run {
    const char *options;
    uint64_t page;
    unsigned frames;
};

static const struct run RUNS[] = {
    {"page=64,frames=100", 64, 100},
    {"page=256,frames=512", 256, 512},
    {"page=4Ki,capacity=128Ki", 4096, 32},
};

struct block {
    bool live;
    unsigned space;
    mems_addr addr;
    uint64_t size, pages, first;
    uint64_t frame[FRAMES_MOST];
};

struct trial {
    const struct run *run;
    struct mems_engine *engine;
    struct mems_space *spaces[SPACES];
    struct block *owner[FRAMES_MOST]; // NULL: free
    uint64_t index[FRAMES_MOST];
    struct block blocks[BLOCKS];
    struct source source;
    uint64_t operation, refusals, live;
};

#define trial_require(trial, condition, ...)                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "paging(%s): operation %" PRIu64 ": ", (trial)->run->options,          \
                    (trial)->operation);                                                           \
            test_require(condition, __VA_ARGS__);                                                  \
        }                                                                                          \
    } while (0)

static uint64_t pages_of(const struct trial *trial, uint64_t size)
{
    return (size + trial->run->page - 1) / trial->run->page;
}

static uint64_t model_free(const struct trial *trial)
{
    uint64_t free = 0;
    for (unsigned i = 0; i < trial->run->frames; i++) {
        free += trial->owner[i] == NULL;
    }
    return free;
}

static void model_take(struct trial *trial, struct block *block, uint64_t pages)
{
    for (unsigned i = 0; block->pages < pages; i++) {
        if (trial->owner[i] == NULL) {
            trial->owner[i] = block;
            trial->index[i] = block->pages;
            block->frame[block->pages++] = i;
        }
    }
}

static void model_give(struct trial *trial, struct block *block, uint64_t pages)
{
    while (block->pages > pages) {
        trial->owner[block->frame[--block->pages]] = NULL;
    }
}

static int compare_piece(const struct mems_extent *piece, void *arg)
{
    struct trial *trial = arg;
    uint64_t frame = piece->offset / trial->run->page;
    const struct block *block = trial->owner[frame];
    trial_require(trial, !piece->absent && piece->size == trial->run->page, "size");
    if (block == NULL) {
        trial_require(trial, piece->piece == MEMS_PIECE_HOLE, "frame %" PRIu64 " is free", frame);
        return 0;
    }
    uint64_t index = trial->index[frame], begin = index * trial->run->page;
    uint64_t requested = block->size - begin < piece->size ? block->size - begin : piece->size;
    trial_require(trial,
                  piece->piece == MEMS_PIECE_BLOCK && piece->addr == block->addr &&
                      piece->more == (index != 0) && piece->requested == requested &&
                      piece->page == block->first + index &&
                      piece->space == mems_space_id(trial->spaces[block->space]),
                  "frame %" PRIu64 ": page %" PRIu64 " of %#" PRIx64 ", the map says page %" PRIu64
                  " of %#" PRIx64,
                  frame, block->first + index, block->addr, piece->page, piece->addr);
    return 0;
}

// Which page number a block begins with only the map tells; then the others follow.
static int note_first(const struct mems_extent *piece, void *arg)
{
    struct block *block = arg;
    if (piece->piece == MEMS_PIECE_BLOCK && piece->addr == block->addr && !piece->more) {
        block->first = piece->page;
        return 1;
    }
    return 0;
}

static void compare_all(struct trial *trial)
{
    assert_int_equal(mems_walk(trial->engine, compare_piece, trial), 0);
    struct mems_stats stats = test_stats(trial->engine);
    trial_require(trial, stats.live_blocks == trial->live, "live %" PRIu64, stats.live_blocks);
    trial_require(trial, stats.holes == model_free(trial), "free %" PRIu64, stats.holes);
    trial_require(trial, stats.refusals == trial->refusals, "refusals %" PRIu64 ", not %" PRIu64,
                  stats.refusals, trial->refusals);
    test_conserved(trial->engine);
}

// Where the bytes are, page by page, and that they are the block's.
static void require_bytes(struct trial *trial, const struct block *block, uint64_t base)
{
    for (uint64_t i = 0; i < block->pages; i++) {
        uint64_t at = i * trial->run->page, seen;
        uintptr_t host = test_host(trial->spaces[block->space], block->addr + at);
        trial_require(trial, host - base == block->frame[i] * trial->run->page,
                      "page %" PRIu64 " at %" PRIu64, i, host - base);
        if (block->size - at >= sizeof seen) {
            mems_read(trial->spaces[block->space], block->addr + at, &seen, sizeof seen);
            trial_require(trial, seen == block->first * 1000 + i, "page %" PRIu64, i);
        }
    }
}

static void write_from(struct trial *trial, struct block *block, uint64_t page)
{
    for (; page < block->pages; page++) {
        uint64_t at = page * trial->run->page, stamp = block->first * 1000 + page;
        if (block->size - at >= sizeof stamp) {
            mems_write(trial->spaces[block->space], block->addr + at, &stamp, sizeof stamp);
        }
    }
}

static uint64_t draw_size(struct trial *trial)
{
    uint64_t most = trial->run->page << source_below(&trial->source, 8);
    return 1 + source_below(&trial->source, most);
}

static void step_alloc(struct trial *trial, struct block *block, uint64_t base)
{
    *block = (struct block){.space = (unsigned)source_below(&trial->source, SPACES),
                            .size = draw_size(trial)};
    uint64_t pages = pages_of(trial, block->size);
    int error = mems_alloc(trial->spaces[block->space], block->size, 0, &block->addr);
    bool fits = pages <= model_free(trial);
    trial_require(trial, error == (fits ? 0 : ENOMEM), "%" PRIu64 " pages: %s", pages,
                  strerror(error));
    if (!fits) {
        trial->refusals++;
        return;
    }
    block->live = true;
    trial->live++;
    model_take(trial, block, pages);
    assert_int_equal(mems_walk(trial->engine, note_first, block), 1);
    write_from(trial, block, 0);
    require_bytes(trial, block, base);
}

static void step_resize(struct trial *trial, struct block *block, uint64_t base)
{
    uint64_t size = draw_size(trial), pages = pages_of(trial, size), before = block->pages;
    mems_addr addr = block->addr;
    int error = mems_resize(trial->spaces[block->space], &block->addr, size);
    if (block->addr != addr) { // moved: both were there for a moment
        struct block moved = *block;
        trial_require(trial, error == 0 && pages > before && pages <= model_free(trial), "moved");
        moved.pages = 0;
        moved.size = size;
        model_take(trial, &moved, pages);
        model_give(trial, block, 0);
        *block = moved;
        for (uint64_t i = 0; i < pages; i++) {
            trial->owner[block->frame[i]] = block;
        }
        assert_int_equal(mems_walk(trial->engine, note_first, block), 1);
        write_from(trial, block, 0);
    } else if (error == 0) {
        trial_require(trial, pages <= before || pages - before <= model_free(trial), "grew");
        block->size = size;
        model_give(trial, block, pages < before ? pages : before);
        model_take(trial, block, pages);
        write_from(trial, block, 0);
    } else { // neither in place nor elsewhere
        trial_require(trial, error == ENOMEM && pages > before && pages > model_free(trial),
                      "%s, %" PRIu64 " pages from %" PRIu64, strerror(error), pages, before);
        trial->refusals++;
    }
    require_bytes(trial, block, base);
}

static void step(struct trial *trial, uint64_t base)
{
    struct block *block = &trial->blocks[source_below(&trial->source, BLOCKS)];
    bool growing = trial->operation / 500 % 2 == 0;
    if (!block->live) {
        if (growing || source_below(&trial->source, 4) == 0) {
            step_alloc(trial, block, base);
        }
    } else if (source_below(&trial->source, 3) == 0) {
        step_resize(trial, block, base);
    } else if (!growing || source_below(&trial->source, 3) == 0) {
        require_bytes(trial, block, base);
        assert_int_equal(mems_release(trial->spaces[block->space], block->addr), 0);
        model_give(trial, block, 0);
        block->live = false;
        trial->live--;
    }
}

static int note_base(const struct mems_extent *piece, void *arg)
{
    *(uint64_t *)arg = (uintptr_t)piece->host;
    return 1;
}

// Returns the counters before the spaces close.
static struct mems_stats paging_law(const struct run *run, uint64_t operations,
                                    struct source source)
{
    static struct trial trial;
    char options[120];
    uint64_t base = 0;
    trial = (struct trial){.run = run, .source = source};
    snprintf(options, sizeof options, "thread_cache=no,frame_cache=0,%s", run->options);
    trial.engine = test_engine("paging", options);
    for (unsigned i = 0; i < SPACES; i++) {
        trial.spaces[i] = test_space(trial.engine);
    }
    mems_walk(trial.engine, note_base, &base);
    for (; trial.operation < operations && source_more(&trial.source); trial.operation++) {
        step(&trial, base);
        if (trial.operation % source_every(&trial.source, 64) == 0) {
            compare_all(&trial);
        }
        if (trial.operation % 8192 == 0) {
            test_checked(trial.engine, true);
        }
    }
    compare_all(&trial);
    struct mems_stats stats = test_stats(trial.engine);
    for (unsigned s = 0; s < SPACES; s++) { // each gives back what is its own
        mems_space_close(trial.spaces[s]);
        for (size_t i = 0; i < BLOCKS; i++) {
            if (trial.blocks[i].live && trial.blocks[i].space == s) {
                model_give(&trial, &trial.blocks[i], 0);
                trial.live--;
            }
        }
        compare_all(&trial);
    }
    test_checked(trial.engine, true);
    mems_engine_close(trial.engine);
    return stats;
}

static inline void paging_property(const uint8_t *bytes, size_t size)
{
    struct source source = source_bytes(bytes, size);
    const struct run *run = &RUNS[source_below(&source, sizeof RUNS / sizeof RUNS[0])];
    (void)paging_law(run, UINT64_MAX, source);
}

#endif
