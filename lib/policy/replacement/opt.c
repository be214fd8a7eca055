// SPDX-License-Identifier: MIT
//
// opt.c - the optimal algorithm: the page whose next use is furthest away goes. It needs the
// future.
//
// 1. Theory. Belady, A Study of Replacement Algorithms for a Virtual-Storage Computer, IBM Systems
//    Journal 1966 (MIN); Mattson et al. 1970 prove it optimal. No algorithm with as many frames has
//    fewer faults on the same string: the yardstick for the others.
// 2. The future is config.future, the reference string. init() notes for each position the next one
//    of the same key; each key's slot in a table has its next use from now on. Time is the count of
//    references, hits and loads: as it passes a position, the slot of the key announced there moves
//    on to its next use. Resident pages that will be used again stand in a heap by next use, the
//    furthest on top; those that will not in a queue, in the order in which that became so (at the
//    last announced use, or at load); these go first. O(log frames) a reference.
// 3. Straying. The references need not be those announced (other threads, another order). Each one
//    takes one position of the string all the same, and a page's next use is what is announced for
//    it after that; pages that are not in the future are never used again. Then the algorithm is as
//    good as its prophecy; its invariants hold in any case.
// 4. Limits. Positions are 32 bits; what is announced after 2^32 - 2 references is not known.

#include "policy/replacement/ghost.h"
#include "policy/replacement/layout.h"
#include "policy/replacement/queue.h"
#include "policy/replacement/replacement.h"

#define OPT_NEVER UINT32_MAX

// use[s]: the first position >= now where slot s's key is announced, or OPT_NEVER (OPT1)
// place[heap[i]] == i for i < heap_count; a parent's use is later than its children's (OPT2) a
// loaded frame is in the heap iff its key will be used, else in `finished`, place OPT_NEVER  (OPT3)
// frame[slot[f]] == f for each loaded frame f whose key is announced anywhere (OPT4)
struct opt {
    const struct replacement_config *config;
    struct ghost_table table; // a slot for each key that is announced; none ever leaves
    uint32_t now, end;        // positions
    uint32_t heap_count;
    struct queue finished;
    uint32_t *next_use; // of a position's key after that position
    uint32_t *use;      // of a slot's key from now on
    uint32_t *frame;    // of a slot's key, or REPLACEMENT_NONE
    uint32_t *slot;     // of a loaded frame's key, or GHOST_NONE
    uint32_t *heap;     // frames
    uint32_t *place;    // of a loaded frame in the heap
    struct queue_link *links;
};

static size_t opt_layout(struct opt *opt, uintptr_t base, const struct replacement_config *config)
{
    struct layout layout = {base};
    size_t frames = config->frames;
    bool fits = config->future_count < OPT_NEVER;
    opt->end = config->future == NULL ? 0 : fits ? (uint32_t)config->future_count : OPT_NEVER - 1;
    layout_take(&layout, 1, sizeof *opt);
    opt->next_use = layout_take(&layout, opt->end, sizeof *opt->next_use);
    opt->use = layout_take(&layout, opt->end, sizeof *opt->use);
    opt->frame = layout_take(&layout, opt->end, sizeof *opt->frame);
    opt->slot = layout_take(&layout, frames, sizeof *opt->slot);
    opt->heap = layout_take(&layout, frames, sizeof *opt->heap);
    opt->place = layout_take(&layout, frames, sizeof *opt->place);
    opt->links = layout_take(&layout, frames + 1, sizeof *opt->links);
    ghost_layout(&opt->table, &layout, opt->end);
    return layout.at - base;
}

static size_t opt_bytes(const struct replacement_config *config)
{
    struct opt measured;
    return opt_layout(&measured, 0, config);
}

static void opt_init(void *state, const struct replacement_config *config)
{
    struct opt *opt = state;
    opt_layout(opt, (uintptr_t)state, config);
    opt->config = config;
    queue_init(&opt->finished, opt->links, config->frames);
    for (uint32_t i = opt->end; i-- > 0;) {
        uint32_t slot = ghost_find(&opt->table, config->future[i]);
        if (slot == GHOST_NONE) {
            slot = ghost_insert(&opt->table, config->future[i]);
            opt->use[slot] = OPT_NEVER;
            opt->frame[slot] = REPLACEMENT_NONE;
        }
        opt->next_use[i] = opt->use[slot];
        opt->use[slot] = i;
    }
}

static uint32_t opt_use(const struct opt *opt, uint32_t frame)
{
    return opt->slot[frame] == GHOST_NONE ? OPT_NEVER : opt->use[opt->slot[frame]];
}

static void opt_settle(struct opt *opt, uint32_t i, uint32_t frame)
{
    opt->heap[i] = frame;
    opt->place[frame] = i;
}

// The frame belongs at i or above.
static void opt_rise(struct opt *opt, uint32_t i, uint32_t frame)
{
    uint32_t use = opt_use(opt, frame);
    while (i > 0 && opt_use(opt, opt->heap[(i - 1) / 2]) < use) {
        opt_settle(opt, i, opt->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    opt_settle(opt, i, frame);
}

// The frame belongs at i or below.
static void opt_sink(struct opt *opt, uint32_t i, uint32_t frame)
{
    uint32_t use = opt_use(opt, frame);
    for (;;) {
        uint64_t child = 2 * (uint64_t)i + 1;
        if (child >= opt->heap_count) {
            break;
        }
        if (child + 1 < opt->heap_count &&
            opt_use(opt, opt->heap[child + 1]) > opt_use(opt, opt->heap[child])) {
            child++;
        }
        if (opt_use(opt, opt->heap[child]) < use) {
            break;
        }
        opt_settle(opt, i, opt->heap[child]);
        i = (uint32_t)child;
    }
    opt_settle(opt, i, frame);
}

static void opt_heap_remove(struct opt *opt, uint32_t frame)
{
    uint32_t i = opt->place[frame];
    uint32_t last = opt->heap[--opt->heap_count];
    if (last != frame) {
        opt_sink(opt, i, last);
        opt_rise(opt, opt->place[last], last);
    }
}

static void opt_finish(struct opt *opt, uint32_t frame)
{
    opt->place[frame] = OPT_NEVER;
    queue_push_back(&opt->finished, frame);
}

// A reference is under way, whichever: the position it takes is over.
static void opt_pass(struct opt *opt)
{
    if (opt->now == opt->end) {
        return;
    }
    uint32_t slot = ghost_find(&opt->table, opt->config->future[opt->now]);
    uint32_t frame = opt->frame[slot];
    opt->use[slot] = opt->next_use[opt->now];
    opt->now++;
    if (frame == REPLACEMENT_NONE) {
        return;
    }
    if (opt->use[slot] != OPT_NEVER) {
        opt_rise(opt, opt->place[frame], frame);
    } else {
        opt_heap_remove(opt, frame);
        opt_finish(opt, frame);
    }
}

static bool opt_hit(void *state, uint32_t frame)
{
    (void)frame;
    opt_pass(state);
    return true;
}

static void opt_forget(void *state, uint32_t frame)
{
    struct opt *opt = state;
    if (opt->place[frame] == OPT_NEVER) {
        queue_remove(&opt->finished, frame);
    } else {
        opt_heap_remove(opt, frame);
    }
    if (opt->slot[frame] != GHOST_NONE) {
        opt->frame[opt->slot[frame]] = REPLACEMENT_NONE;
    }
}

static uint32_t opt_victim(void *state, uint64_t incoming)
{
    struct opt *opt = state;
    (void)incoming;
    uint32_t frame = queue_front(&opt->finished);
    if (frame == QUEUE_NONE) {
        frame = opt->heap_count > 0 ? opt->heap[0] : REPLACEMENT_NONE;
    }
    if (frame != REPLACEMENT_NONE) {
        opt_forget(opt, frame);
    }
    return frame;
}

static void opt_load(void *state, uint32_t frame, uint64_t key)
{
    struct opt *opt = state;
    opt_pass(opt);
    store_relaxed(&opt->config->touch[frame], 0);
    opt->slot[frame] = ghost_find(&opt->table, key);
    if (opt->slot[frame] != GHOST_NONE) {
        opt->frame[opt->slot[frame]] = frame;
    }
    if (opt_use(opt, frame) == OPT_NEVER) {
        opt_finish(opt, frame);
    } else {
        opt_rise(opt, opt->heap_count++, frame);
    }
}

static const char *opt_check(const void *state)
{
    const struct opt *opt = state;
    for (uint32_t i = 0; i < opt->heap_count; i++) {
        uint32_t frame = opt->heap[i];
        if (opt->place[frame] != i ||
            (i > 0 && opt_use(opt, opt->heap[(i - 1) / 2]) <= opt_use(opt, frame))) {
            return "OPT2";
        }
        if (opt_use(opt, frame) == OPT_NEVER) {
            return "OPT3";
        }
        if (opt_use(opt, frame) < opt->now) {
            return "OPT1";
        }
        if (opt->frame[opt->slot[frame]] != frame) {
            return "OPT4";
        }
    }
    if (!queue_check(&opt->finished)) {
        return "OPT3";
    }
    for (uint32_t i = queue_front(&opt->finished); i != QUEUE_NONE;
         i = queue_after(&opt->finished, i)) {
        if (opt_use(opt, i) != OPT_NEVER || opt->place[i] != OPT_NEVER) {
            return "OPT3";
        }
        if (opt->slot[i] != GHOST_NONE && opt->frame[opt->slot[i]] != i) {
            return "OPT4";
        }
    }
    return NULL;
}

const struct replacement replacement_opt = {
    .name = "opt",
    .help = "the page whose next use is furthest away goes; needs the reference string",
    .touch = REPLACEMENT_TOUCH_ORDER,
    .bytes = opt_bytes,
    .init = opt_init,
    .hit = opt_hit,
    .victim = opt_victim,
    .load = opt_load,
    .forget = opt_forget,
    .check = opt_check,
};
