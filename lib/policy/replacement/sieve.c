// SPDX-License-Identifier: MIT
//
// sieve.c - SIEVE: a hand sweeps from the oldest page to the newest and takes the first unvisited.
//
// 1. Theory. Zhang, Yang, Yue, Vigfusson, Rashmi, SIEVE is Simpler than LRU, NSDI 2024. A queue in
//    order of loading; a hit sets `visited` and moves nothing. The hand clears `visited` as it
//    passes from the oldest page towards the newest, and takes the first page without; past the
//    newest it starts again at the oldest. Unlike CLOCK a page that survives keeps its place, so
//    that new pages are sifted out quickly while the hand stands among them.
// 2. `visited` is 0 on load: the reference that faulted does not count.
// 3. Cost and bound: as in clock.c.

#include "policy/replacement/layout.h"
#include "policy/replacement/queue.h"
#include "policy/replacement/replacement.h"

// queue: the loaded frames, least recently loaded first                                    (SIEVE1)
// the hand is at one of them, or QUEUE_NONE: the next sweep starts at the front            (SIEVE2)
struct sieve {
    const struct replacement_config *config;
    struct queue queue;
    uint32_t hand;
};

static size_t sieve_layout(uintptr_t base, uint32_t frames, struct queue_link **links)
{
    struct layout layout = {base};
    layout_take(&layout, 1, sizeof(struct sieve));
    *links = layout_take(&layout, (size_t)frames + 1, sizeof **links);
    return layout.at - base;
}

static size_t sieve_bytes(const struct replacement_config *config)
{
    struct queue_link *links;
    return sieve_layout(0, config->frames, &links);
}

static void sieve_init(void *state, const struct replacement_config *config)
{
    struct sieve *sieve = state;
    struct queue_link *links;
    sieve_layout((uintptr_t)state, config->frames, &links);
    sieve->config = config;
    queue_init(&sieve->queue, links, config->frames);
    sieve->hand = QUEUE_NONE;
}

static void sieve_remove(struct sieve *sieve, uint32_t frame)
{
    if (sieve->hand == frame) {
        sieve->hand = queue_after(&sieve->queue, frame);
    }
    queue_remove(&sieve->queue, frame);
}

static uint32_t sieve_victim(void *state, uint64_t incoming)
{
    struct sieve *sieve = state;
    (void)incoming;
    if (sieve->queue.count == 0) {
        return REPLACEMENT_NONE;
    }
    for (uint64_t steps = 2 * (uint64_t)sieve->queue.count;; steps--) {
        if (sieve->hand == QUEUE_NONE) {
            sieve->hand = queue_front(&sieve->queue);
        }
        uint32_t frame = sieve->hand;
        if (steps == 0 || replacement_touched(sieve->config, frame) == 0) {
            sieve_remove(sieve, frame);
            return frame;
        }
        replacement_retouch(sieve->config, frame, 0);
        sieve->hand = queue_after(&sieve->queue, frame);
    }
}

static void sieve_load(void *state, uint32_t frame, uint64_t key)
{
    struct sieve *sieve = state;
    (void)key;
    store_relaxed(&sieve->config->touch[frame], 0);
    queue_push_back(&sieve->queue, frame);
}

static void sieve_forget(void *state, uint32_t frame)
{
    sieve_remove(state, frame);
}

static uint32_t sieve_next(const void *state, uint32_t frame)
{
    const struct sieve *sieve = state;
    uint32_t first = sieve->hand == QUEUE_NONE ? queue_front(&sieve->queue) : sieve->hand;
    return queue_round(&sieve->queue, first, frame);
}

static const char *sieve_check(const void *state)
{
    const struct sieve *sieve = state;
    if (!queue_check(&sieve->queue)) {
        return "SIEVE1";
    }
    uint32_t i = queue_front(&sieve->queue);
    while (i != QUEUE_NONE && i != sieve->hand) {
        i = queue_after(&sieve->queue, i);
    }
    return i == sieve->hand ? NULL : "SIEVE2";
}

const struct replacement replacement_sieve = {
    .name = "sieve",
    .help = "a hand sweeps from old to new and takes the first page that was not visited",
    .touch = REPLACEMENT_TOUCH_BIT,
    .bytes = sieve_bytes,
    .init = sieve_init,
    .victim = sieve_victim,
    .load = sieve_load,
    .forget = sieve_forget,
    .next = sieve_next,
    .check = sieve_check,
};
