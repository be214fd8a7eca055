// SPDX-License-Identifier: MIT
//
// clock.c - CLOCK: a hand goes round the pages, clears R where it is set, takes the first without.
//
// 1. Theory. Corbato, A Paging Experiment with the Multics System, 1968. Pages stand in a ring; a
//    hit sets R. The page that comes in takes the place of the one that went: just behind the hand.
// 2. The ring is one of pages in order of arrival, not of frame numbers: which frame a page got
//    must not matter, and frames are freed and handed out again in any order. With frames in use
//    once each it is the textbooks' ring of frames.
// 3. R on load. Textbooks set it, since the reference that faulted is a reference; cache simulators
//    do not. config.clock_load_ref says which; both are `clock`.
// 4. Cost. A step clears a bit that a hit or a load has set: O(1) amortised over these. At most two
//    rounds, so that hits of other threads cannot keep the hand going.

#include "policy/replacement/layout.h"
#include "policy/replacement/queue.h"
#include "policy/replacement/replacement.h"

// ring: the loaded frames                                                                  (CLOCK1)
// the hand is at one of them, or at the ring's anchor: before the first, after the last    (CLOCK2)
struct clock {
    const struct replacement_config *config;
    struct queue ring;
    uint32_t hand;
};

static size_t clock_layout(uintptr_t base, uint32_t frames, struct queue_link **links)
{
    struct layout layout = {base};
    layout_take(&layout, 1, sizeof(struct clock));
    *links = layout_take(&layout, (size_t)frames + 1, sizeof **links);
    return layout.at - base;
}

static size_t clock_bytes(const struct replacement_config *config)
{
    struct queue_link *links;
    return clock_layout(0, config->frames, &links);
}

static void clock_init(void *state, const struct replacement_config *config)
{
    struct clock *clock = state;
    struct queue_link *links;
    clock_layout((uintptr_t)state, config->frames, &links);
    clock->config = config;
    queue_init(&clock->ring, links, config->frames);
    clock->hand = clock->ring.anchor;
}

static void clock_advance(struct clock *clock)
{
    clock->hand = clock->ring.links[clock->hand].after;
}

static void clock_remove(struct clock *clock, uint32_t frame)
{
    if (clock->hand == frame) {
        clock_advance(clock);
    }
    queue_remove(&clock->ring, frame);
}

static uint32_t clock_victim(void *state, uint64_t incoming)
{
    struct clock *clock = state;
    (void)incoming;
    if (clock->ring.count == 0) {
        return REPLACEMENT_NONE;
    }
    for (uint64_t steps = 2 * (uint64_t)clock->ring.count;; steps--) {
        if (clock->hand == clock->ring.anchor) {
            clock_advance(clock);
        }
        uint32_t frame = clock->hand;
        if (steps == 0 || replacement_touched(clock->config, frame) == 0) {
            clock_remove(clock, frame);
            return frame;
        }
        replacement_retouch(clock->config, frame, 0);
        clock_advance(clock);
    }
}

static void clock_load(void *state, uint32_t frame, uint64_t key)
{
    struct clock *clock = state;
    (void)key;
    store_relaxed(&clock->config->touch[frame], clock->config->clock_load_ref ? 1 : 0);
    queue_insert_before(&clock->ring, clock->hand, frame);
}

static void clock_forget(void *state, uint32_t frame)
{
    clock_remove(state, frame);
}

static uint32_t clock_next(const void *state, uint32_t frame)
{
    const struct clock *clock = state;
    uint32_t anchor = clock->ring.anchor;
    uint32_t first = clock->hand == anchor ? queue_front(&clock->ring) : clock->hand;
    return queue_round(&clock->ring, first, frame);
}

static const char *clock_check(const void *state)
{
    const struct clock *clock = state;
    if (!queue_check(&clock->ring)) {
        return "CLOCK1";
    }
    uint32_t i = clock->ring.anchor;
    do {
        if (i == clock->hand) {
            return NULL;
        }
        i = clock->ring.links[i].after;
    } while (i != clock->ring.anchor);
    return "CLOCK2";
}

const struct replacement replacement_clock = {
    .name = "clock",
    .help = "a hand goes round the pages, clears R, and takes the first page without",
    .touch = REPLACEMENT_TOUCH_BIT,
    .bytes = clock_bytes,
    .init = clock_init,
    .victim = clock_victim,
    .load = clock_load,
    .forget = clock_forget,
    .next = clock_next,
    .check = clock_check,
};
