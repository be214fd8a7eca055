// SPDX-License-Identifier: MIT
//
// ws.c - the working set: a page stays for as long as it was used in the last tau references.
//
// 1. Theory. Denning, The Working Set Model for Program Behavior, CACM 1968. W(t, tau): the pages
//    among the last tau references at time t, counted in references. A reference is a fault iff its
//    page is not in W of the reference before. Faults never rise with tau.
// 2. Who looks when. A page leaves W without any event. A hit on one that has left (more than tau
//    references since its last) is refused and so a fault; other pages are taken out at the next
//    fault, by surplus(), least recently used first: all that will not be in W after the fault.
//    So after each fault what is resident is W, and in between W and pages that nobody would miss.
// 3. Where W is larger than memory the least recently used page goes: LRU with all frames.

#include "policy/replacement/recency.h"

struct ws {
    struct recency recency; // RE1, RE2
};

static size_t ws_layout(struct ws *ws, uintptr_t base, uint32_t frames)
{
    struct layout layout = {base};
    layout_take(&layout, 1, sizeof *ws);
    recency_layout(&ws->recency, &layout, frames);
    return layout.at - base;
}

static size_t ws_bytes(const struct replacement_config *config)
{
    struct ws measured;
    return ws_layout(&measured, 0, config->frames);
}

static void ws_init(void *state, const struct replacement_config *config)
{
    struct ws *ws = state;
    ws_layout(ws, (uintptr_t)state, config->frames);
    recency_init(&ws->recency, config);
}

// References from the frame's last one to the one under way.
static uint64_t ws_age(const struct recency *recency, uint32_t frame)
{
    return recency->now + 1 - recency->last[frame];
}

static bool ws_hit(void *state, uint32_t frame)
{
    struct ws *ws = state;
    if (ws_age(&ws->recency, frame) > ws->recency.config->tau) {
        return false;
    }
    recency_hit(&ws->recency, frame);
    return true;
}

static uint32_t ws_victim(void *state, uint64_t incoming)
{
    struct ws *ws = state;
    (void)incoming;
    return queue_pop_front(&ws->recency.order);
}

static void ws_load(void *state, uint32_t frame, uint64_t key)
{
    struct ws *ws = state;
    (void)key;
    recency_load(&ws->recency, frame);
}

static void ws_forget(void *state, uint32_t frame)
{
    struct ws *ws = state;
    queue_remove(&ws->recency.order, frame);
}

static uint32_t ws_surplus(void *state, uint64_t incoming)
{
    struct ws *ws = state;
    (void)incoming;
    uint32_t frame = queue_front(&ws->recency.order);
    if (frame == QUEUE_NONE || ws_age(&ws->recency, frame) < ws->recency.config->tau) {
        return REPLACEMENT_NONE;
    }
    queue_remove(&ws->recency.order, frame);
    return frame;
}

static uint32_t ws_next(const void *state, uint32_t frame)
{
    const struct ws *ws = state;
    return queue_next(&ws->recency.order, frame);
}

static const char *ws_check(const void *state)
{
    const struct ws *ws = state;
    return recency_check(&ws->recency) ? NULL : "RE1";
}

const struct replacement replacement_ws = {
    .name = "ws",
    .help = "the working set: pages stay that were used in the last tau references",
    .touch = REPLACEMENT_TOUCH_ORDER,
    .variable = true,
    .bytes = ws_bytes,
    .init = ws_init,
    .hit = ws_hit,
    .victim = ws_victim,
    .load = ws_load,
    .forget = ws_forget,
    .surplus = ws_surplus,
    .next = ws_next,
    .check = ws_check,
};
