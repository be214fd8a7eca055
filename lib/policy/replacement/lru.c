// SPDX-License-Identifier: MIT
//
// lru.c - the least recently used page goes.
//
// 1. Theory. A queue in order of the last reference. A stack algorithm (Mattson, Gecsei, Slutz,
//    Traiger, IBM Systems Journal 1970): what n frames hold, n + 1 hold too, so that faults never
//    rise with frames.
// 2. Locking. Each hit moves a page to the back, under the replacement lock: exact, and the reason
//    why systems approximate it (clock.c, sieve.c, s3fifo.c).

#include "policy/replacement/layout.h"
#include "policy/replacement/queue.h"
#include "policy/replacement/replacement.h"

// queue: the loaded frames, least recently used first                                        (LRU1)
struct lru {
    const struct replacement_config *config;
    struct queue queue;
};

static size_t lru_layout(uintptr_t base, uint32_t frames, struct queue_link **links)
{
    struct layout layout = {base};
    layout_take(&layout, 1, sizeof(struct lru));
    *links = layout_take(&layout, (size_t)frames + 1, sizeof **links);
    return layout.at - base;
}

static size_t lru_bytes(const struct replacement_config *config)
{
    struct queue_link *links;
    return lru_layout(0, config->frames, &links);
}

static void lru_init(void *state, const struct replacement_config *config)
{
    struct lru *lru = state;
    struct queue_link *links;
    lru_layout((uintptr_t)state, config->frames, &links);
    lru->config = config;
    queue_init(&lru->queue, links, config->frames);
}

static bool lru_hit(void *state, uint32_t frame)
{
    struct lru *lru = state;
    queue_move_back(&lru->queue, frame);
    return true;
}

static uint32_t lru_victim(void *state, uint64_t incoming)
{
    struct lru *lru = state;
    (void)incoming;
    return queue_pop_front(&lru->queue);
}

static void lru_load(void *state, uint32_t frame, uint64_t key)
{
    struct lru *lru = state;
    (void)key;
    store_relaxed(&lru->config->touch[frame], 0);
    queue_push_back(&lru->queue, frame);
}

static void lru_forget(void *state, uint32_t frame)
{
    struct lru *lru = state;
    queue_remove(&lru->queue, frame);
}

static uint32_t lru_next(const void *state, uint32_t frame)
{
    const struct lru *lru = state;
    return queue_next(&lru->queue, frame);
}

static const char *lru_check(const void *state)
{
    const struct lru *lru = state;
    return queue_check(&lru->queue) ? NULL : "LRU1";
}

const struct replacement replacement_lru = {
    .name = "lru",
    .help = "the least recently used page goes",
    .touch = REPLACEMENT_TOUCH_ORDER,
    .bytes = lru_bytes,
    .init = lru_init,
    .hit = lru_hit,
    .victim = lru_victim,
    .load = lru_load,
    .forget = lru_forget,
    .next = lru_next,
    .check = lru_check,
};
