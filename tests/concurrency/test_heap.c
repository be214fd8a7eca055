// SPDX-License-Identifier: MIT
//
// test_heap.c - threads that exchange the heap's blocks, end, and come again.
//
// 1. Blocks lie in a few shared places. A thread swaps a new one in and gets another's out, which
//    it checks, and releases or resizes: most releases are a stranger's. A block says its size and
//    seed itself, at both ends.
// 2. A map beside has a bit for every 16 bytes that are with the program: a block that is handed
//    out while another has part of it, or released while nobody has it, is seen at once.
// 3. Threads live for a number of steps and end, with blocks in the places: their slabs become
//    orphans, which others adopt while strangers go on returning blocks to them. Some trim their
//    fronts all the time, so that slabs are closed as soon as their last block is back.
//    Some believe to be among many, so that their slabs are lent whenever they become empty.
// 4. Beside them one thread does what a helper does that gives memory back, asks for the figures,
//    and in some scenes freezes the depot as a fork does.
// 5. Now and then all stop, and each holds the heap and its own front against heap_check. In the
//    end everything is released, and no slab may be left.

#include "support/family.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include "base/rng.h"
#include "heap/idle.h"
#include "heap/look.h"
#include "sync/atomic.h"

enum { PLACES = 512, THREADS = 4, MAP_STEP = 16 };

struct scene {
    const char *name;
    unsigned steps;      // of a thread's life
    unsigned lives;      // of each thread, one after the other
    unsigned places;     // few: blocks are short-lived
    unsigned large_in;   // one of so many blocks is large
    unsigned classes;    // 0: all
    unsigned from;       // smallest size
    unsigned trim_every; // steps; 0: never
    bool freezes;
    bool many; // each thread believes to be one of many
};

static const struct scene SCENES[] = {
    {"everything", 20000, 3, PLACES, 50, 0, 16, 5000, false, false},
    {"few blocks a slab, closed at once", 20000, 2, 16, 1000000, 2, 16000, 3, false, false},
    {"one class", 20000, 2, PLACES, 1000000, 1, 64, 0, false, false},
    {"short lives", 600, 60, PLACES, 200, 4, 500, 0, false, false},
    {"freezes", 10000, 4, PLACES, 20, 8, 1000, 100, true, false},
    {"few blocks a class, among many", 20000, 2, 48, 1000000, 0, 16, 20000, false, true},
    {"short lives among many", 600, 60, PLACES, 200, 4, 500, 0, true, true},
    {"large ones", 4000, 2, 64, 1, 0, 16, 0, true, false},
};

struct head { // of each block
    uint64_t seed, size;
};

static struct head *places[PLACES]; // [atomic]
static const struct scene *scene;
static pthread_barrier_t barrier;
static uint32_t ending; // [atomic]

// ---- the map ------------------------------------------------------------------------------------

static uint64_t *map[WINDOW_COUNT]; // [atomic]

static uint64_t *map_of(uintptr_t at)
{
    uint64_t **window = &map[at >> WINDOW_BITS], *bits = load_acquire(window), *none = NULL;
    size_t bytes = WINDOW_BYTES / MAP_STEP / 8;
    if (bits == NULL) {
        bits = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        family_require(bits != MAP_FAILED, "no memory for the map");
        if (!cas_acq_rel(window, &none, bits)) {
            munmap(bits, bytes);
            bits = none;
        }
    }
    return bits;
}

// All of the block's bits turn; before, all were as `was`.
static void turn(const void *block, size_t size, bool was)
{
    uintptr_t at = (uintptr_t)block, end = at + size;
    while (at < end) {
        uint64_t *word = &map_of(at)[(at & (WINDOW_BYTES - 1)) / MAP_STEP / 64];
        unsigned first = at / MAP_STEP % 64;
        uint64_t count = (end - at + MAP_STEP - 1) / MAP_STEP;
        count = count > 64 - first ? 64 - first : count;
        uint64_t bits = (count == 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1) << first;
        uint64_t before = __atomic_fetch_xor(word, bits, __ATOMIC_RELAXED) & bits;
        family_require(before == (was ? bits : 0), "%p of %zu bytes overlaps (%s), at %#lx", block,
                       size, was ? "released" : "new", (unsigned long)at);
        at += count * MAP_STEP;
    }
}

// ---- blocks -------------------------------------------------------------------------------------

static void write_on(struct head *block, size_t size, uint64_t seed)
{
    turn(block, size, false);
    uint64_t *last = (uint64_t *)block + size / 8 - 1;
    *last = seed;
    *block = (struct head){.seed = seed, .size = size};
}

static void read_off(const struct head *block)
{
    size_t size = block->size;
    uint64_t last = ((const uint64_t *)block)[size / 8 - 1];
    family_require(size >= 16 && (last == block->seed || (size < 24 && last == size)),
                   "%p: another's bytes", (const void *)block);
    turn(block, size, true);
}

static size_t draw_size(struct rng *rng)
{
    size_t size;
    if (rng_below(rng, scene->large_in) == 0) {
        size = SLAB_LARGEST + 1 + rng_below(rng, 300000);
    } else if (scene->classes == 0) {
        size = 16 + rng_below(rng, UINT64_C(1) << (4 + rng_below(rng, 11)));
    } else {
        size = scene->from - scene->from * rng_below(rng, scene->classes) / 16;
    }
    return (size + 7) & ~(size_t)7;
}

static struct head *new_block(struct rng *rng)
{
    size_t size = draw_size(rng);
    struct head *block;
    switch (rng_below(rng, 8)) {
    case 0: {
        block = family_calloc(size / 8, 8);
        const uint64_t *words = (const uint64_t *)block;
        for (size_t i = 0; i < size / 8; i += i < 64 ? 1 : 61) {
            family_require(words[i] == 0, "calloc: word %zu of %zu bytes", i, size);
        }
        break;
    }
    case 1:
        block = family_aligned_alloc((size_t)16 << rng_below(rng, 9), size);
        break;
    default:
        block = family_malloc(size);
    }
    family_require(block != NULL && (uintptr_t)block % 16 == 0, "%zu bytes", size);
    write_on(block, size, rng_next(rng));
    return block;
}

// Resizing may release: the map must know before, and the new size after.
static struct head *resized(struct head *block, struct rng *rng)
{
    struct head before = *block;
    read_off(block);
    size_t size = draw_size(rng);
    struct head *moved = family_realloc(block, size);
    family_require(moved != NULL && moved->seed == before.seed && moved->size == before.size,
                   "realloc from %zu to %zu: another's bytes", (size_t)before.size, size);
    write_on(moved, size, before.seed);
    return moved;
}

static void release(struct head *block)
{
    if (block != NULL) {
        read_off(block);
        family_free(block);
    }
}

// ---- threads ------------------------------------------------------------------------------------

static void step(struct rng *rng)
{
    struct head **place = &places[rng_below(rng, scene->places)];
    switch (rng_below(rng, 8)) {
    case 0:
        release(swap_acq_rel(place, NULL));
        break;
    case 1: {
        struct head *block = swap_acq_rel(place, NULL);
        block = block != NULL ? resized(block, rng) : NULL;
        release(swap_acq_rel(place, block));
        break;
    }
    default:
        release(swap_acq_rel(place, new_block(rng)));
    }
}

static void *live(void *arg)
{
    struct rng rng;
    rng_init(&rng, *(uint64_t *)arg);
    unsigned steps = scene->steps / MEMS_TEST_SCALE, half = steps / 2;
    for (unsigned i = 0; i < steps; i++) {
        step(&rng);
        if (scene->trim_every != 0 && rng_below(&rng, scene->trim_every) == 0) {
            front_trim(front_here);
        }
    }
    pthread_barrier_wait(&barrier);
    if (!scene->freezes) {
        family_checked();
    }
    pthread_barrier_wait(&barrier);
    for (unsigned i = 0; i < half; i++) {
        step(&rng);
    }
    return NULL; // some end while others go on
}

// What a helper does that gives memory back, who asks for figures, and who forks.
static void *look_and_purge(void *arg)
{
    static struct look look;
    (void)arg;
    while (load_acquire(&ending) == 0) {
        if (scene->freezes) {
            depot_freeze();
            sched_yield();
        }
        look_take(&look);
        family_require(look.used_blocks + look.free_blocks >= look.used_blocks &&
                           look.mapped_bytes <= look.peak_bytes,
                       "figures that cannot be");
        (void)idle_purge(true);
        (void)depot_purge(true);
        if (scene->freezes) {
            depot_thaw();
        }
        sched_yield();
    }
    return NULL;
}

static void live_all(uint64_t seed)
{
    pthread_t threads[THREADS], other;
    uint64_t seeds[THREADS];
    pthread_barrier_init(&barrier, NULL, THREADS);
    store_release(&ending, 0);
    assert_int_equal(pthread_create(&other, NULL, look_and_purge, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        seeds[i] = seed * THREADS + i;
        assert_int_equal(pthread_create(&threads[i], NULL, live, &seeds[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    store_release(&ending, 1);
    pthread_join(other, NULL);
    pthread_barrier_destroy(&barrier);
}

// ---- the end ------------------------------------------------------------------------------------

static void bury_orphans(void)
{
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        for (struct granule *slab; (slab = depot_orphan_get(class, 0)) != NULL;) {
            uint32_t twice;
            (void)ledger_collect(slab, &twice);
            assert_int_equal(twice, SLOT_NONE);
            assert_int_equal(ledger_count(slab, UINT32_MAX), slab->count);
            depot_slab_close(slab);
        }
    }
}

static void nothing_left(void)
{
    family_checked();
    for (unsigned i = 0; i < PLACES; i++) {
        release(swap_acq_rel(&places[i], NULL));
    }
    family_checked();
    bury_orphans();
    front_trim(front_here);
    (void)depot_purge(true); // what has come back to a frozen depot
    family_checked();
    assert_int_equal(family_slabs(), 0);
    assert_int_equal(depots[0].large_count + depots[1].large_count, 0);
    for (uint64_t window = 0; window < WINDOW_COUNT; window++) {
        for (size_t i = 0; map[window] != NULL && i < WINDOW_BYTES / MAP_STEP / 64; i++) {
            assert_int_equal(map[window][i], 0);
        }
    }
}

static void test_scenes(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    assert_non_null(family_front());
    for (size_t i = 0; i < sizeof SCENES / sizeof SCENES[0]; i++) {
        scene = &SCENES[i];
        fprintf(stderr, "%s\n", scene->name);
        uint32_t fronts = load_relaxed(&front_count), more = scene->many ? 1000 : 0;
        store_relaxed(&front_count, fronts + more);
        unsigned lives = scene->lives > 2 * MEMS_TEST_SCALE ? scene->lives / MEMS_TEST_SCALE : 2;
        for (unsigned life = 0; life < lives; life++) {
            live_all(seed + 1000 * i + life);
            family_checked();
        }
        nothing_left();
        store_relaxed(&front_count, load_relaxed(&front_count) - more);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scenes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
