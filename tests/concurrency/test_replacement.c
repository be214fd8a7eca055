// SPDX-License-Identifier: MIT
//
// test_replacement.c - hits leave their traces without a lock while victims are chosen.
//
// One thread has the replacement lock, so to speak: it evicts, loads, releases, and verifies the
// invariants. The others do what translate does on a hit, to any frame, as fast as they can: a
// sweep may find every page touched for ever, and must end all the same.

#include "support/references.h"

#include <pthread.h>

enum { HITTERS = 2, FRAMES = 37, PAGES = 90, FAULTS = 400000 / MEMS_TEST_SCALE };

struct stage {
    struct references *r;
    uint64_t seed;
    bool over;
};

static void hit(const struct replacement *replacement, uint8_t *touch)
{
    uint8_t before = load_relaxed(touch);
    if ((before & REPLACEMENT_FRESH) != 0) {
        store_relaxed(touch, (uint8_t)(before & ~REPLACEMENT_FRESH));
    } else if (replacement->touch == REPLACEMENT_TOUCH_BIT) {
        store_relaxed(touch, (uint8_t)1);
    } else {
        store_relaxed(touch, (uint8_t)(before < 3 ? before + 1 : 3));
    }
}

static void *hitter(void *arg)
{
    struct stage *stage = arg;
    uint64_t seed = add_relaxed(&stage->seed, 1);
    while (!load_relaxed(&stage->over)) {
        uint64_t frame = test_below(&seed, FRAMES);
        hit(stage->r->replacement, &stage->r->config.touch[frame]);
        store_relaxed(&stage->r->dirty[frame], (uint8_t)1);
    }
    return NULL;
}

static void fault(struct references *r, uint64_t page)
{
    uint32_t frame;
    uint64_t gone;
    if (r->free_count > 0) {
        frame = r->free[--r->free_count];
    } else {
        frame = references_victim(r, page, &gone);
    }
    r->replacement->load(r->state, frame, page);
    r->page_in[frame] = page;
    r->frame_of[page] = frame;
    uint8_t touch = load_relaxed(&r->config.touch[frame]);
    store_relaxed(&r->config.touch[frame], (uint8_t)(touch | REPLACEMENT_FRESH));
    store_relaxed(&r->dirty[frame], (uint8_t)0);
}

static void run(const struct replacement *replacement, uint64_t seed)
{
    struct replacement_config config = {.frames = FRAMES, .clock_load_ref = true};
    struct stage stage = {references_open(replacement, &config, PAGES), seed, false};
    struct references *r = stage.r;
    r->hit_meanwhile = true;
    pthread_t threads[HITTERS];
    for (size_t i = 0; i < HITTERS; i++) {
        test_require(pthread_create(&threads[i], NULL, hitter, &stage) == 0, "thread");
    }
    for (size_t i = 0; i < FAULTS; i++) {
        uint64_t page = test_below(&seed, PAGES);
        if (!references_resident(r, page)) {
            fault(r, page);
        } else if (test_below(&seed, 8) == 0) {
            references_release(r, page);
        }
        if (i % 101 == 0) {
            references_checked(r);
        }
    }
    store_relaxed(&stage.over, true);
    for (size_t i = 0; i < HITTERS; i++) {
        pthread_join(threads[i], NULL);
    }
    references_checked(r);
    references_close(r);
}

static void test_traces(void **unused)
{
    (void)unused;
    uint64_t seed = test_seed();
    for (size_t i = 0; replacement_at(i) != NULL; i++) {
        enum replacement_touch touch = replacement_at(i)->touch;
        if (touch == REPLACEMENT_TOUCH_BIT || touch == REPLACEMENT_TOUCH_COUNT) {
            run(replacement_at(i), test_random(&seed));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_traces)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
