// SPDX-License-Identifier: MIT
//
// random.c - any page goes, each with the same chance.
//
// 1. Theory. The yardstick: no state, no anomaly that a pattern could provoke, and on a loop larger
//    than memory better than LRU.
// 2. Drawing. The loaded frames lie in an array without gaps; rng_below gives a place in it, and
// the
//    last takes the place of the one that went. The same seed and calls give the same victims.

#include "base/rng.h"
#include "policy/replacement/layout.h"
#include "policy/replacement/replacement.h"

// loaded[place[f]] == f for each loaded frame f; place[f] < count                         (RANDOM1)
struct random {
    const struct replacement_config *config;
    struct rng rng;
    uint32_t *loaded; // 0 .. count - 1
    uint32_t *place;  // of a loaded frame
    uint32_t count;
};

static size_t random_layout(struct random *random, uintptr_t base, uint32_t frames)
{
    struct layout layout = {base};
    layout_take(&layout, 1, sizeof *random);
    random->loaded = layout_take(&layout, frames, sizeof *random->loaded);
    random->place = layout_take(&layout, frames, sizeof *random->place);
    return layout.at - base;
}

static size_t random_bytes(const struct replacement_config *config)
{
    struct random measured;
    return random_layout(&measured, 0, config->frames);
}

static void random_init(void *state, const struct replacement_config *config)
{
    struct random *random = state;
    random_layout(random, (uintptr_t)state, config->frames);
    random->config = config;
    rng_init(&random->rng, config->seed);
}

static void random_forget(void *state, uint32_t frame)
{
    struct random *random = state;
    uint32_t last = random->loaded[--random->count];
    random->loaded[random->place[frame]] = last;
    random->place[last] = random->place[frame];
}

static uint32_t random_victim(void *state, uint64_t incoming)
{
    struct random *random = state;
    (void)incoming;
    if (random->count == 0) {
        return REPLACEMENT_NONE;
    }
    uint32_t frame = random->loaded[rng_below(&random->rng, random->count)];
    random_forget(random, frame);
    return frame;
}

static void random_load(void *state, uint32_t frame, uint64_t key)
{
    struct random *random = state;
    (void)key;
    store_relaxed(&random->config->touch[frame], 0);
    random->place[frame] = random->count;
    random->loaded[random->count++] = frame;
}

static const char *random_check(const void *state)
{
    const struct random *random = state;
    if (random->count > random->config->frames) {
        return "RANDOM1";
    }
    for (uint32_t i = 0; i < random->count; i++) {
        if (random->loaded[i] >= random->config->frames || random->place[random->loaded[i]] != i) {
            return "RANDOM1";
        }
    }
    return NULL;
}

const struct replacement replacement_random = {
    .name = "random",
    .help = "any page goes, each with the same chance",
    .touch = REPLACEMENT_TOUCH_NONE,
    .bytes = random_bytes,
    .init = random_init,
    .victim = random_victim,
    .load = random_load,
    .forget = random_forget,
    .check = random_check,
};
