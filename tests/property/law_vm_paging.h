// SPDX-License-Identifier: MIT
//
// law_vm_paging.h - virtual-memory paging against simple models, reference by reference.
//
// 1. Faults in exact mode (low=0,high=1): FIFO as a ring, LRU as time stamps, CLOCK as a ring of R
//    bits, each over an array of frames that is searched from the front. Random streams with
//    locality; blocks are released and allocated in between, so pages end while they are resident.
// 2. Contents with every algorithm, in batches: a shadow copy of every byte written, in blocks that
//    come, grow, shrink and go, with reads and writes across pages; some are shared with another
//    space, and each side goes on by itself.

#ifndef PROPERTY_LAW_VM_PAGING_H
#define PROPERTY_LAW_VM_PAGING_H

#include "support/source.h"

enum {
    PAGE = 64,
    FRAMES = 24,
    PAGES = 80, // of the block
    BLOCKS = 24,
    BLOCK_MOST = 1500,
};

// ---- faults ------------------------------------------------------------------------------------

enum kind { FIFO, LRU, CLOCK, CLOCK0 };

static const char *const KINDS[] = {"fifo", "lru", "clock", "clock,clock_load_ref=no"};

struct resident {
    uint64_t page;   // + 1; 0: none
    uint64_t loaded; // when
    uint64_t used;   // last
    bool r;
};

struct model {
    enum kind kind;
    uint64_t now, faults;
    struct resident frame[FRAMES]; // CLOCK: the ring, in order from `hand` on
    unsigned count, hand;
};

// The frame that goes: the least by what the algorithm looks at.
static unsigned model_victim(struct model *model)
{
    unsigned at = 0;
    if (model->kind == CLOCK || model->kind == CLOCK0) {
        while (model->frame[model->hand].r) {
            model->frame[model->hand].r = false;
            model->hand = (model->hand + 1) % FRAMES;
        }
        at = model->hand;
        model->hand = (model->hand + 1) % FRAMES;
        return at;
    }
    for (unsigned i = 1; i < FRAMES; i++) {
        const struct resident *a = &model->frame[i], *b = &model->frame[at];
        bool before = model->kind == FIFO ? a->loaded < b->loaded : a->used < b->used;
        at = before ? i : at;
    }
    return at;
}

static void model_refer(struct model *model, uint64_t page)
{
    model->now++;
    for (unsigned i = 0; i < model->count; i++) {
        if (model->frame[i].page == page + 1) {
            model->frame[i].used = model->now;
            model->frame[i].r = true;
            return;
        }
    }
    model->faults++;
    unsigned at = model->count < FRAMES ? model->count++ : model_victim(model);
    model->frame[at] = (struct resident){page + 1, model->now, model->now, model->kind == CLOCK};
}

// Returns how many faults there were.
static uint64_t vm_faults_law(enum kind kind, uint64_t references, struct source source)
{
    static struct model model;
    char options[160];
    model = (struct model){.kind = kind};
    snprintf(options, sizeof options,
             "page=%d,frames=%d,swap=64Ki,low=0,high=1,thread_cache=no,replacement=%s", PAGE,
             FRAMES, KINDS[kind]);
    struct mems_engine *engine = test_engine("vm-paging", options);
    struct mems_space *space = test_space(engine);
    mems_addr addr = test_alloc(space, PAGES * PAGE);
    uint64_t centre = 0;
    for (uint64_t i = 0; i < references && source_more(&source); i++) {
        if (source_below(&source, 400) == 0) {
            centre = source_below(&source, PAGES);
        }
        uint64_t page = source_below(&source, 25) == 0
                            ? source_below(&source, PAGES)
                            : (centre + source_below(&source, 20)) % PAGES;
        uint64_t value = 0;
        int error = source_below(&source, 3) == 0
                        ? mems_write(space, addr + page * PAGE, &page, sizeof page)
                        : mems_read(space, addr + page * PAGE, &value, sizeof value);
        test_require(error == 0 && (value == 0 || value == page), "%s: reference %" PRIu64 ": %s",
                     KINDS[kind], i, strerror(error));
        model_refer(&model, page);
        if (i % source_every(&source, 1024) == 0 || i + 1 == references) {
            struct mems_stats stats = test_stats(engine);
            test_require(stats.faults == model.faults,
                         "%s: %" PRIu64 " faults after reference %" PRIu64 ", the model %" PRIu64,
                         KINDS[kind], stats.faults, i, model.faults);
            test_conserved(engine);
        }
    }
    test_checked(engine, true);
    mems_engine_close(engine);
    return model.faults;
}

// ---- contents ----------------------------------------------------------------------------------

static const char *const ALGORITHMS[] = {
    "fifo",
    "lru,low=3,high=9",
    "clock,low=0,high=1",
    "second-chance,low=2,high=10",
    "nru,low=2,high=10",
    "lfu,low=2,high=10",
    "random,low=0,high=5",
    "arc,low=0,high=1",
    "arc,low=2,high=10",
    "2q,low=2,high=10",
    "lirs,low=0,high=1",
    "lirs,low=2,high=10",
    "s3fifo,low=2,high=10",
    "sieve,low=2,high=10",
    "sieve,low=0,high=1,tlb_entries=8,tlb_ways=2",
    "ws,tau=30",
    "pff,pff_interval=7",
};

struct block {
    mems_addr addr;
    struct mems_space *space;
    bool twin;   // came by sharing
    size_t size; // 0: none
    unsigned char shadow[BLOCK_MOST];
};

struct trial {
    struct mems_engine *engine;
    struct mems_space *spaces[2];
    struct source source;
    uint64_t refused, shared;
    unsigned twins; // live; the frames they pin must leave others
    struct block blocks[BLOCKS];
};

static void write_range(struct trial *trial, struct block *block, size_t from, size_t length)
{
    for (size_t i = from; i < from + length; i++) {
        block->shadow[i] = (unsigned char)source_noise(&trial->source);
    }
    int error = mems_write(block->space, block->addr + from, block->shadow + from, length);
    test_require(error == 0, "write: %s", strerror(error));
}

static void read_range(const struct block *block, size_t from, size_t length)
{
    unsigned char bytes[BLOCK_MOST];
    int error = mems_read(block->space, block->addr + from, bytes, length);
    test_require(error == 0, "read: %s", strerror(error));
    for (size_t i = 0; i < length; i++) {
        test_require(bytes[i] == block->shadow[from + i],
                     "block %#" PRIx64 ", byte %zu: %#x, not %#x", block->addr, from + i, bytes[i],
                     block->shadow[from + i]);
    }
}

// A small block in the other space shows the same bytes.
static void step_share(struct trial *trial, const struct block *block)
{
    struct block *twin = trial->blocks;
    while (twin < trial->blocks + BLOCKS && twin->size != 0) {
        twin++;
    }
    if (twin == trial->blocks + BLOCKS || trial->twins == 3 || block->size > 5 * PAGE) {
        return;
    }
    *twin = *block;
    twin->twin = true;
    twin->space = trial->spaces[block->space == trial->spaces[0]];
    int error =
        mems_share(block->space, block->addr, twin->space, MEMS_READ | MEMS_WRITE, &twin->addr);
    test_require(error == 0 || error == ENOMEM, "share: %s", strerror(error));
    twin->size = error == 0 ? block->size : 0;
    trial->twins += error == 0;
    trial->shared += error == 0;
}

static void step(struct trial *trial)
{
    struct block *block = &trial->blocks[source_below(&trial->source, BLOCKS)];
    size_t size =
        1 + source_below(&trial->source, source_below(&trial->source, 2) == 0 ? 250 : BLOCK_MOST);
    uint64_t choice = source_below(&trial->source, 20);
    if (block->size == 0) {
        block->twin = false;
        block->space = trial->spaces[size % 2];
        int error = mems_alloc(block->space, size, 0, &block->addr);
        test_require(error == 0 || error == ENOMEM, "alloc: %s", strerror(error));
        trial->refused += error != 0;
        block->size = error == 0 ? size : 0;
        if (error == 0) {
            write_range(trial, block, 0, size);
        }
    } else if (choice == 0) {
        read_range(block, 0, block->size);
        int error = mems_release(block->space, block->addr);
        test_require(error == 0, "release: %s", strerror(error));
        block->size = 0;
        trial->twins -= block->twin;
    } else if (choice == 2) {
        step_share(trial, block);
    } else if (choice == 1) {
        size_t before = block->size;
        int error = mems_resize(block->space, &block->addr, size);
        test_require(error == 0 || (error == ENOMEM && size > before), "resize: %s",
                     strerror(error));
        block->size = error == 0 ? size : before;
        read_range(block, 0, before < block->size ? before : block->size);
        if (block->size > before) {
            write_range(trial, block, before, block->size - before);
        }
    } else {
        size_t from = source_below(&trial->source, block->size);
        size_t length = 1 + source_below(&trial->source, block->size - from);
        length = length < 150 ? length : 150;
        if (choice < 9) {
            write_range(trial, block, from, length);
        } else {
            read_range(block, from, length);
        }
    }
}

struct vm_seen {
    struct mems_stats stats; // before the spaces close
    uint64_t refused, shared;
};

static struct vm_seen vm_contents_law(const char *algorithm, const char *more, uint64_t operations,
                                      struct source source)
{
    static struct trial trial;
    char options[200];
    trial = (struct trial){.source = source};
    snprintf(options, sizeof options, "page=%d,frames=%d,swap=8Ki,%s,replacement=%s", PAGE, FRAMES,
             more, algorithm);
    trial.engine = test_engine("vm-paging", options);
    trial.spaces[0] = test_space(trial.engine);
    trial.spaces[1] = test_space(trial.engine);
    for (uint64_t i = 0; i < operations && source_more(&trial.source); i++) {
        step(&trial);
        if (i % source_every(&trial.source, 1024) == 0) {
            test_checked(trial.engine, true);
            test_conserved(trial.engine);
        }
    }
    struct vm_seen seen = {test_stats(trial.engine), trial.refused, trial.shared};
    for (size_t i = 0; i < BLOCKS; i++) {
        if (trial.blocks[i].size != 0) {
            read_range(&trial.blocks[i], 0, trial.blocks[i].size);
        }
    }
    mems_space_close(trial.spaces[1]);
    mems_space_close(trial.spaces[0]);
    struct mems_stats s = test_stats(trial.engine);
    test_require(s.swap_bytes == 0 && s.free_bytes == s.held_bytes, "something is left");
    test_checked(trial.engine, true);
    mems_engine_close(trial.engine);
    return seen;
}

static const char *vm_contents_more(uint64_t row)
{
    return row % 2 == 0 ? "thread_cache=no" : "arenas=2";
}

static inline void vm_paging_property(const uint8_t *bytes, size_t size)
{
    struct source source = source_bytes(bytes, size);
    uint64_t kinds = sizeof KINDS / sizeof KINDS[0];
    uint64_t row = source_below(&source, kinds + sizeof ALGORITHMS / sizeof ALGORITHMS[0]);
    if (row < kinds) {
        (void)vm_faults_law((enum kind)row, UINT64_MAX, source);
    } else {
        (void)vm_contents_law(ALGORITHMS[row - kinds], vm_contents_more(row), UINT64_MAX, source);
    }
}

#endif
