// SPDX-License-Identifier: MIT
//
// lirs.c - LIRS: pages with short distances between their last two references stay.
//
// 1. Theory. Jiang, Zhang, LIRS: An Efficient Low Inter-reference Recency Set Replacement Policy,
//    SIGMETRICS 2002. With c frames max(1, int(c/100)) are for HIR pages, the rest for LIR pages.
//    Stack S: pages by their last reference, LIR pages all, HIR pages as long as they are newer
//    than the bottom, which is LIR always; also HIR pages that have gone, as ghosts. Queue Q: the
//    HIR pages that are resident. A victim is the front of Q; when it is in S it stays there as a
//    ghost.
// 2. Reference. LIR: to the top of S. HIR in S, resident or ghost: its last two references are
//    closer than the bottom's: it becomes LIR, and the bottom of S becomes HIR, at the back of Q.
//    HIR not in S: to the top of S and the back of Q. Pruning: what is below the lowest LIR page
//    leaves S.
// 3. While there are fewer LIR pages than their share (at the start; after pages were released) a
//    page that is referenced becomes LIR whatever it was. When Q is empty (batches, released
//    pages) the victim is the bottom of S, and is forgotten.
// 4. Ghosts. The paper's S is unbounded; here it holds 2c ghosts at most, and the lowest is dropped
//    for another. Q is in order of last reference where it matters, so ghosts come into being from
//    the bottom up: the first made is the lowest. The page that faults does not count and is not
//    dropped: victim() already moves it to the top of S, where load() would put it.
// 5. With one frame there is no LIR page, S is always empty, and the algorithm is LRU.

#include "policy/replacement/ghost.h"
#include "policy/replacement/layout.h"
#include "policy/replacement/queue.h"
#include "policy/replacement/replacement.h"

enum { LIRS_LIR = 1, LIRS_STACKED = 2 };

// Frame f's item is f; ghost g's is frames + g.
//
// stack: items with LIRS_STACKED, and all ghosts; front is the bottom, and LIR (LIRS1) resident:
// the HIR frames; each loaded frame is LIR and stacked, or HIR and here             (LIRS2) ghosts:
// all ghosts; at most 2 frames; none is the key of a loaded page                      (LIRS3) lir
// == number of LIR frames <= lir_share                                                    (LIRS4)
struct lirs {
    const struct replacement_config *config;
    struct queue stack;    // S, bottom first
    struct queue resident; // Q
    struct queue ghosts;   // first made first
    struct ghost_table table;
    uint32_t lir, lir_share;
    struct queue_link *stack_links; // frames and ghosts
    struct queue_link *links;       // frames in Q, ghosts by age
    uint64_t *key;                  // of a loaded frame
    uint8_t *flags;                 // of a loaded frame
};

static size_t lirs_layout(struct lirs *lirs, uintptr_t base, uint32_t frames)
{
    struct layout layout = {base};
    // A page that is coming back does not count: one ghost more.
    size_t items = 3 * (size_t)frames + 1;
    layout_take(&layout, 1, sizeof *lirs);
    lirs->stack_links = layout_take(&layout, items + 1, sizeof *lirs->stack_links);
    lirs->links = layout_take(&layout, items + 2, sizeof *lirs->links);
    lirs->key = layout_take(&layout, frames, sizeof *lirs->key);
    lirs->flags = layout_take(&layout, frames, sizeof *lirs->flags);
    ghost_layout(&lirs->table, &layout, 2 * frames + 1);
    return layout.at - base;
}

static size_t lirs_bytes(const struct replacement_config *config)
{
    struct lirs measured;
    return lirs_layout(&measured, 0, config->frames);
}

static void lirs_init(void *state, const struct replacement_config *config)
{
    struct lirs *lirs = state;
    uint32_t items = 3 * config->frames + 1;
    uint32_t hir_share = config->frames / 100 > 0 ? config->frames / 100 : 1;
    lirs_layout(lirs, (uintptr_t)state, config->frames);
    lirs->config = config;
    lirs->lir_share = config->frames - hir_share;
    queue_init(&lirs->stack, lirs->stack_links, items);
    queue_init(&lirs->resident, lirs->links, items);
    queue_init(&lirs->ghosts, lirs->links, items + 1);
}

static void lirs_drop(struct lirs *lirs, uint32_t item)
{
    queue_remove(&lirs->stack, item);
    queue_remove(&lirs->ghosts, item);
    ghost_remove(&lirs->table, item - lirs->config->frames);
}

static void lirs_unstack(struct lirs *lirs, uint32_t frame)
{
    queue_remove(&lirs->stack, frame);
    lirs->flags[frame] &= (uint8_t)~LIRS_STACKED;
}

static void lirs_prune(struct lirs *lirs)
{
    for (;;) {
        uint32_t bottom = queue_front(&lirs->stack);
        if (bottom == QUEUE_NONE) {
            return;
        }
        if (bottom >= lirs->config->frames) {
            lirs_drop(lirs, bottom);
        } else if ((lirs->flags[bottom] & LIRS_LIR) == 0) {
            lirs_unstack(lirs, bottom);
        } else {
            return;
        }
    }
}

// On top of S, where it may be already.
static void lirs_stack(struct lirs *lirs, uint32_t frame)
{
    if ((lirs->flags[frame] & LIRS_STACKED) != 0) {
        queue_remove(&lirs->stack, frame);
    }
    queue_push_back(&lirs->stack, frame);
    lirs->flags[frame] |= LIRS_STACKED;
}

// The bottom of S, LIR, becomes HIR and leaves S.
static uint32_t lirs_demote(struct lirs *lirs)
{
    uint32_t bottom = queue_front(&lirs->stack);
    queue_remove(&lirs->stack, bottom);
    lirs->flags[bottom] = 0;
    lirs->lir--;
    lirs_prune(lirs);
    return bottom;
}

// The frame is on top of S and in no other queue.
static void lirs_promote(struct lirs *lirs, uint32_t frame)
{
    lirs->flags[frame] |= LIRS_LIR;
    if (++lirs->lir > lirs->lir_share) {
        queue_push_back(&lirs->resident, lirs_demote(lirs));
    }
}

static bool lirs_hit(void *state, uint32_t frame)
{
    struct lirs *lirs = state;
    uint8_t before = lirs->flags[frame];
    lirs_stack(lirs, frame);
    if ((before & LIRS_LIR) == 0) {
        queue_remove(&lirs->resident, frame);
        if ((before & LIRS_STACKED) != 0 || lirs->lir < lirs->lir_share) {
            lirs_promote(lirs, frame);
        } else {
            queue_push_back(&lirs->resident, frame);
        }
    }
    lirs_prune(lirs);
    return true;
}

// The page that goes is in S: its ghost takes its place there.
static void lirs_haunt(struct lirs *lirs, uint32_t frame, bool returning)
{
    uint32_t most = 2 * lirs->config->frames + (returning ? 1 : 0);
    while (lirs->ghosts.count >= most) {
        lirs_drop(lirs, queue_front(&lirs->ghosts));
    }
    uint32_t item = lirs->config->frames + ghost_insert(&lirs->table, lirs->key[frame]);
    queue_replace(&lirs->stack, frame, item);
    queue_push_back(&lirs->ghosts, item);
}

static uint32_t lirs_victim(void *state, uint64_t incoming)
{
    struct lirs *lirs = state;
    uint32_t number = ghost_find(&lirs->table, incoming);
    if (number != GHOST_NONE) {
        queue_move_back(&lirs->stack, lirs->config->frames + number);
        queue_move_back(&lirs->ghosts, lirs->config->frames + number);
    }
    uint32_t frame = queue_pop_front(&lirs->resident);
    if (frame == QUEUE_NONE) {
        return lirs->lir > 0 ? lirs_demote(lirs) : REPLACEMENT_NONE;
    }
    if ((lirs->flags[frame] & LIRS_STACKED) != 0) {
        lirs_haunt(lirs, frame, number != GHOST_NONE);
    }
    return frame;
}

static void lirs_load(void *state, uint32_t frame, uint64_t key)
{
    struct lirs *lirs = state;
    uint32_t number = ghost_find(&lirs->table, key);
    store_relaxed(&lirs->config->touch[frame], 0);
    lirs->key[frame] = key;
    lirs->flags[frame] = 0;
    if (number != GHOST_NONE) {
        lirs_drop(lirs, lirs->config->frames + number);
    }
    lirs_stack(lirs, frame);
    if (number != GHOST_NONE || lirs->lir < lirs->lir_share) {
        lirs_promote(lirs, frame);
    } else {
        queue_push_back(&lirs->resident, frame);
    }
    lirs_prune(lirs);
}

static void lirs_forget(void *state, uint32_t frame)
{
    struct lirs *lirs = state;
    uint8_t flags = lirs->flags[frame];
    if ((flags & LIRS_STACKED) != 0) {
        lirs_unstack(lirs, frame);
    }
    if ((flags & LIRS_LIR) != 0) {
        lirs->lir--;
        lirs_prune(lirs);
    } else {
        queue_remove(&lirs->resident, frame);
    }
}

// LIRS1 and LIRS4; counts the HIR frames that are stacked.
static const char *lirs_stack_check(const struct lirs *lirs, uint32_t *hir)
{
    uint32_t lir = 0, ghosts = 0, frames = lirs->config->frames;
    uint32_t bottom = queue_front(&lirs->stack);
    if (!queue_check(&lirs->stack) ||
        (bottom != QUEUE_NONE && (bottom >= frames || (lirs->flags[bottom] & LIRS_LIR) == 0))) {
        return "LIRS1";
    }
    for (uint32_t i = bottom; i != QUEUE_NONE; i = queue_after(&lirs->stack, i)) {
        if (i >= frames) {
            ghosts++;
        } else if ((lirs->flags[i] & LIRS_STACKED) == 0) {
            return "LIRS1";
        } else if ((lirs->flags[i] & LIRS_LIR) != 0) {
            lir++;
        } else {
            ++*hir;
        }
    }
    if (ghosts != lirs->ghosts.count) {
        return "LIRS1";
    }
    return lir == lirs->lir && lir <= lirs->lir_share ? NULL : "LIRS4";
}

static const char *lirs_check(const void *state)
{
    const struct lirs *lirs = state;
    uint32_t hir = 0;
    const char *broken = lirs_stack_check(lirs, &hir);
    if (broken != NULL) {
        return broken;
    }
    if (!queue_check(&lirs->resident)) {
        return "LIRS2";
    }
    for (uint32_t i = queue_front(&lirs->resident); i != QUEUE_NONE;
         i = queue_after(&lirs->resident, i)) {
        if ((lirs->flags[i] & LIRS_LIR) != 0) {
            return "LIRS2";
        }
        hir -= (lirs->flags[i] & LIRS_STACKED) != 0;
        if (ghost_find(&lirs->table, lirs->key[i]) != GHOST_NONE) {
            return "LIRS3";
        }
    }
    if (hir != 0) {
        return "LIRS2";
    }
    return queue_check(&lirs->ghosts) && ghost_check(&lirs->table) &&
                   lirs->ghosts.count == lirs->table.count &&
                   lirs->ghosts.count <= 2 * lirs->config->frames + 1
               ? NULL
               : "LIRS3";
}

const struct replacement replacement_lirs = {
    .name = "lirs",
    .help = "LIRS: pages whose last two references lie close together stay",
    .touch = REPLACEMENT_TOUCH_ORDER,
    .bytes = lirs_bytes,
    .init = lirs_init,
    .hit = lirs_hit,
    .victim = lirs_victim,
    .load = lirs_load,
    .forget = lirs_forget,
    .check = lirs_check,
};
