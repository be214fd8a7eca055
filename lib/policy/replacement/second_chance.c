// SPDX-License-Identifier: MIT
//
// second_chance.c - FIFO, but a page at the front that has been used goes to the back once more.
//
// 1. Theory. Tanenbaum's second chance: look at the page that was loaded first; R = 0: it goes;
//    R = 1: R is cleared and the page re-inserted at the back as if it had just come. The victims
//    are CLOCK's, page by page (the front is where the hand is); the work is not: a queue is
//    relinked where a hand moves on.
// 2. R on load: as in clock.c. Cost and bound too.

#include "policy/replacement/layout.h"
#include "policy/replacement/queue.h"
#include "policy/replacement/replacement.h"

// queue: the loaded frames                                                                (CHANCE1)
struct second_chance {
    const struct replacement_config *config;
    struct queue queue;
};

static size_t second_chance_layout(uintptr_t base, uint32_t frames, struct queue_link **links)
{
    struct layout layout = {base};
    layout_take(&layout, 1, sizeof(struct second_chance));
    *links = layout_take(&layout, (size_t)frames + 1, sizeof **links);
    return layout.at - base;
}

static size_t second_chance_bytes(const struct replacement_config *config)
{
    struct queue_link *links;
    return second_chance_layout(0, config->frames, &links);
}

static void second_chance_init(void *state, const struct replacement_config *config)
{
    struct second_chance *chance = state;
    struct queue_link *links;
    second_chance_layout((uintptr_t)state, config->frames, &links);
    chance->config = config;
    queue_init(&chance->queue, links, config->frames);
}

static uint32_t second_chance_victim(void *state, uint64_t incoming)
{
    struct second_chance *chance = state;
    (void)incoming;
    uint32_t frame = queue_pop_front(&chance->queue);
    for (uint64_t steps = 2 * ((uint64_t)chance->queue.count + 1);
         steps > 0 && frame != QUEUE_NONE && replacement_touched(chance->config, frame) != 0;
         steps--) {
        replacement_retouch(chance->config, frame, 0);
        queue_push_back(&chance->queue, frame);
        frame = queue_pop_front(&chance->queue);
    }
    return frame;
}

static void second_chance_load(void *state, uint32_t frame, uint64_t key)
{
    struct second_chance *chance = state;
    (void)key;
    store_relaxed(&chance->config->touch[frame], chance->config->clock_load_ref ? 1 : 0);
    queue_push_back(&chance->queue, frame);
}

static void second_chance_forget(void *state, uint32_t frame)
{
    struct second_chance *chance = state;
    queue_remove(&chance->queue, frame);
}

static uint32_t second_chance_next(const void *state, uint32_t frame)
{
    const struct second_chance *chance = state;
    return queue_next(&chance->queue, frame);
}

static const char *second_chance_check(const void *state)
{
    const struct second_chance *chance = state;
    return queue_check(&chance->queue) ? NULL : "CHANCE1";
}

const struct replacement replacement_second_chance = {
    .name = "second-chance",
    .help = "first in, first out, but a page that was used goes to the back of the queue once more",
    .touch = REPLACEMENT_TOUCH_BIT,
    .bytes = second_chance_bytes,
    .init = second_chance_init,
    .victim = second_chance_victim,
    .load = second_chance_load,
    .forget = second_chance_forget,
    .next = second_chance_next,
    .check = second_chance_check,
};
