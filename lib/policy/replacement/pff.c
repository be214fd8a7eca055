// SPDX-License-Identifier: MIT
//
// pff.c - page-fault frequency: faults far apart let memory go, faults close together get more.
//
// 1. Theory. Chu, Opderbeck, Program Behavior and the Page-Fault-Frequency Replacement Algorithm,
//    IEEE Computer 1976. At a fault, when more than F references have passed since the one before,
//    the pages not used since that one are dropped; else the page that comes in is one more. Time
//    is the count of references. The page that the fault before brought in was used by it.
// 2. Between faults nothing changes, so that a hit is always a hit.
// 3. Where more is wanted than there are frames the least recently used page goes.

#include "policy/replacement/recency.h"

// fault <= recency.now (PFF1)
struct pff {
    struct recency recency; // RE1, RE2
    uint64_t fault;         // when the last fault was; 0: never
};

static size_t pff_layout(struct pff *pff, uintptr_t base, uint32_t frames)
{
    struct layout layout = {base};
    layout_take(&layout, 1, sizeof *pff);
    recency_layout(&pff->recency, &layout, frames);
    return layout.at - base;
}

static size_t pff_bytes(const struct replacement_config *config)
{
    struct pff measured;
    return pff_layout(&measured, 0, config->frames);
}

static void pff_init(void *state, const struct replacement_config *config)
{
    struct pff *pff = state;
    pff_layout(pff, (uintptr_t)state, config->frames);
    recency_init(&pff->recency, config);
}

static bool pff_hit(void *state, uint32_t frame)
{
    struct pff *pff = state;
    recency_hit(&pff->recency, frame);
    return true;
}

static uint32_t pff_victim(void *state, uint64_t incoming)
{
    struct pff *pff = state;
    (void)incoming;
    return queue_pop_front(&pff->recency.order);
}

static void pff_load(void *state, uint32_t frame, uint64_t key)
{
    struct pff *pff = state;
    (void)key;
    recency_load(&pff->recency, frame);
    pff->fault = pff->recency.now;
}

static void pff_forget(void *state, uint32_t frame)
{
    struct pff *pff = state;
    queue_remove(&pff->recency.order, frame);
}

static uint32_t pff_surplus(void *state, uint64_t incoming)
{
    struct pff *pff = state;
    (void)incoming;
    uint32_t frame = queue_front(&pff->recency.order);
    uint64_t passed = pff->recency.now + 1 - pff->fault;
    if (frame == QUEUE_NONE || passed <= pff->recency.config->interval ||
        pff->recency.last[frame] >= pff->fault) {
        return REPLACEMENT_NONE;
    }
    queue_remove(&pff->recency.order, frame);
    return frame;
}

static uint32_t pff_next(const void *state, uint32_t frame)
{
    const struct pff *pff = state;
    return queue_next(&pff->recency.order, frame);
}

static const char *pff_check(const void *state)
{
    const struct pff *pff = state;
    if (pff->fault > pff->recency.now) {
        return "PFF1";
    }
    return recency_check(&pff->recency) ? NULL : "RE1";
}

const struct replacement replacement_pff = {
    .name = "pff",
    .help = "page-fault frequency: faults more than F references apart let unused pages go",
    .touch = REPLACEMENT_TOUCH_ORDER,
    .variable = true,
    .bytes = pff_bytes,
    .init = pff_init,
    .hit = pff_hit,
    .victim = pff_victim,
    .load = pff_load,
    .forget = pff_forget,
    .surplus = pff_surplus,
    .next = pff_next,
    .check = pff_check,
};
