// SPDX-License-Identifier: MIT
//
// model.h - a textbook allocator behind the fake target: first or best fit, nothing rounded.
//
// Each worker's space has an arena of its own, aligned to its size, so that places are the same in
// every run. What it holds is how far the arena was ever filled: the memory that a machine would
// need.

#ifndef TESTS_UNIT_WORKLOAD_MODEL_H
#define TESTS_UNIT_WORKLOAD_MODEL_H

#include "unit/workload/fake_run.h"

#define MODEL_ARENA  (UINT64_C(64) << 20)
#define MODEL_BLOCKS 20000u

struct model_block {
    uint64_t begin, end; // offsets in the arena; in order, none overlapping another
};

struct model_arena {
    char *base;
    struct model_block *blocks;
    unsigned count;
    uint64_t filled; // the largest end ever
};

static struct model_arena model_arenas[FAKE_THREADS];
static bool model_best_fit;
// Says where the next block goes, into free memory; false or NULL: the fit says it.
static bool (*model_place)(uint64_t *place);

static uint64_t model_hole_end(const struct model_arena *arena, unsigned i)
{
    return i < arena->count ? arena->blocks[i].begin : MODEL_ARENA;
}

// The block goes in front of block *at. The arena's rest is the last hole; best fit takes it only
// when no other serves.
static uint64_t model_find(const struct model_arena *arena, uint64_t size, unsigned *at)
{
    uint64_t least = UINT64_MAX;
    uint64_t place = UINT64_MAX;
    for (unsigned i = 0; i <= arena->count; i++) {
        uint64_t begin = i > 0 ? arena->blocks[i - 1].end : 0;
        uint64_t hole = model_hole_end(arena, i) - begin;
        if (hole < size || hole >= least) {
            continue;
        }
        least = hole;
        place = begin;
        *at = i;
        if (!model_best_fit) {
            break;
        }
    }
    return place;
}

// The first block that does not begin before the place.
static unsigned model_order(const struct model_arena *arena, uint64_t place)
{
    unsigned low = 0;
    unsigned high = arena->count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (arena->blocks[middle].begin < place) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void *model_take(struct fake_space *space, size_t size)
{
    struct model_arena *arena = &model_arenas[space - fake_spaces];
    size = (size + 15) / 16 * 16;
    unsigned at = 0;
    uint64_t place;
    if (model_place != NULL && model_place(&place)) {
        at = model_order(arena, place);
    } else {
        place = model_find(arena, size, &at);
    }
    if (place == UINT64_MAX || arena->count == MODEL_BLOCKS) {
        fail_msg("the model's arena is full: a test asks for too much");
    }
    memmove(&arena->blocks[at + 1], &arena->blocks[at],
            (arena->count - at) * sizeof arena->blocks[0]);
    arena->blocks[at] = (struct model_block){place, place + size};
    arena->count++;
    arena->filled = place + size > arena->filled ? place + size : arena->filled;
    return arena->base + place;
}

static void model_give(struct fake_space *space, void *memory)
{
    struct model_arena *arena = &model_arenas[space - fake_spaces];
    uint64_t place = (uint64_t)((char *)memory - arena->base);
    unsigned at = model_order(arena, place);
    assert_true(at < arena->count && arena->blocks[at].begin == place);
    arena->count--;
    memmove(&arena->blocks[at], &arena->blocks[at + 1],
            (arena->count - at) * sizeof arena->blocks[0]);
}

static uint64_t model_held(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < FAKE_THREADS; i++) {
        sum += model_arenas[i].filled;
    }
    return sum;
}

// Empty arenas of which nothing was ever filled.
static void model_reset(bool best_fit)
{
    model_best_fit = best_fit;
    model_place = NULL;
    for (unsigned i = 0; i < FAKE_THREADS; i++) {
        assert_int_equal(model_arenas[i].count, 0);
        model_arenas[i].filled = 0;
    }
}

static void model_open(void)
{
    for (unsigned i = 0; i < FAKE_THREADS; i++) {
        char *memory = run_map(2 * MODEL_ARENA);
        uint64_t over = (uint64_t)(uintptr_t)memory % MODEL_ARENA;
        model_arenas[i].base = memory + (MODEL_ARENA - over);
        model_arenas[i].blocks = run_map((MODEL_BLOCKS + 1) * sizeof(struct model_block));
    }
    fake_take = model_take;
    fake_give = model_give;
    fake_held = model_held;
}

#endif
