// SPDX-License-Identifier: MIT
//
// fifo.c - first in, first out: the page that was loaded first goes first, used or not.
//
// 1. Theory. A queue in order of loading; a hit leaves no trace. Not a stack algorithm: more frames
//    may mean more faults (Belady, Nelson, Shedler, CACM 1969).

#include "policy/replacement/layout.h"
#include "policy/replacement/queue.h"
#include "policy/replacement/replacement.h"

// queue: the loaded frames, least recently loaded first                                     (FIFO1)
struct fifo {
    const struct replacement_config *config;
    struct queue queue;
};

static size_t fifo_layout(uintptr_t base, uint32_t frames, struct queue_link **links)
{
    struct layout layout = {base};
    layout_take(&layout, 1, sizeof(struct fifo));
    *links = layout_take(&layout, (size_t)frames + 1, sizeof **links);
    return layout.at - base;
}

static size_t fifo_bytes(const struct replacement_config *config)
{
    struct queue_link *links;
    return fifo_layout(0, config->frames, &links);
}

static void fifo_init(void *state, const struct replacement_config *config)
{
    struct fifo *fifo = state;
    struct queue_link *links;
    fifo_layout((uintptr_t)state, config->frames, &links);
    fifo->config = config;
    queue_init(&fifo->queue, links, config->frames);
}

static uint32_t fifo_victim(void *state, uint64_t incoming)
{
    struct fifo *fifo = state;
    (void)incoming;
    return queue_pop_front(&fifo->queue);
}

static void fifo_load(void *state, uint32_t frame, uint64_t key)
{
    struct fifo *fifo = state;
    (void)key;
    store_relaxed(&fifo->config->touch[frame], 0);
    queue_push_back(&fifo->queue, frame);
}

static void fifo_forget(void *state, uint32_t frame)
{
    struct fifo *fifo = state;
    queue_remove(&fifo->queue, frame);
}

static uint32_t fifo_next(const void *state, uint32_t frame)
{
    const struct fifo *fifo = state;
    return queue_next(&fifo->queue, frame);
}

static const char *fifo_check(const void *state)
{
    const struct fifo *fifo = state;
    return queue_check(&fifo->queue) ? NULL : "FIFO1";
}

const struct replacement replacement_fifo = {
    .name = "fifo",
    .help = "the page that was loaded first goes first",
    .touch = REPLACEMENT_TOUCH_NONE,
    .bytes = fifo_bytes,
    .init = fifo_init,
    .victim = fifo_victim,
    .load = fifo_load,
    .forget = fifo_forget,
    .next = fifo_next,
    .check = fifo_check,
};
