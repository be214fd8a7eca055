// SPDX-License-Identifier: MIT
//
// arc.c - ARC: pages seen once against pages seen twice; what comes back after it went decides.
//
// 1. Theory. Megiddo, Modha, ARC: A Self-Tuning, Low Overhead Replacement Cache, FAST 2003. T1:
//    resident pages referenced once lately; T2: twice or more; B1, B2: keys of pages that left T1,
//    T2. All least recently used first. A hit moves a page to the back of T2. The target p, a real
//    number, is how many pages T1 should have: a fault on a key in B1 adds max(1, |B2|/|B1|), one
//    on a key in B2 takes max(1, |B1|/|B2|), within 0 .. c; the page comes back into T2.
// 2. REPLACE takes from T1 when |T1| > p, or when |T1| = p and the page that faults is in B2; else
//    from T2; from the other one when that is empty.
// 3. One fault in two calls. The paper adapts p, evicts, and makes room among the ghosts before the
//    page comes in. victim() adapts and marks the ghost, so that load() does not adapt again;
//    load() adapts where no victim was needed, and makes room: what it drops is what the paper
//    would have dropped before the eviction, for an eviction moves a page from T to B of one side
//    and changes neither |T1| + |B1| nor |T2| + |B2|. (The paper's page that leaves T1 without
//    becoming a ghost when B1 is empty is B1's only key by then, and dropped.)
// 4. Between the calls other faults may come: the ghost is made the newest of its list, which keeps
//    it from being dropped meanwhile and changes nothing else, as load() takes it out.

#include "policy/replacement/ghost.h"
#include "policy/replacement/layout.h"
#include "policy/replacement/queue.h"
#include "policy/replacement/replacement.h"

enum { ARC_ONCE, ARC_TWICE }; // the sides: T1 and B1, T2 and B2
enum { ARC_SIDE = 1, ARC_ADAPTED = 2 };

// Frame f's item is f; ghost g's is frames + g. side[item] & ARC_SIDE says on which side it is.
//
// resident[s] and ghosts[s] hold items of side s; each loaded frame and ghost is in one (ARC1) |T1|
// + |B1| <= frames, |T1| + |B1| + |T2| + |B2| <= 2 frames                                 (ARC2) 0
// <= p <= frames                                                                             (ARC3)
// no key of a loaded page is a ghost (ARC4)
struct arc {
    const struct replacement_config *config;
    double p;
    struct queue resident[2]; // T1, T2
    struct queue ghosts[2];   // B1, B2
    struct ghost_table table;
    struct queue_link *links;
    uint64_t *key;  // of a loaded frame
    uint8_t *flags; // of an item: ARC_SIDE, ARC_ADAPTED
};

static size_t arc_layout(struct arc *arc, uintptr_t base, uint32_t frames)
{
    struct layout layout = {base};
    size_t items = 3 * (size_t)frames;
    layout_take(&layout, 1, sizeof *arc);
    arc->links = layout_take(&layout, items + 4, sizeof *arc->links);
    arc->key = layout_take(&layout, frames, sizeof *arc->key);
    arc->flags = layout_take(&layout, items, sizeof *arc->flags);
    ghost_layout(&arc->table, &layout, 2 * frames);
    return layout.at - base;
}

static size_t arc_bytes(const struct replacement_config *config)
{
    struct arc measured;
    return arc_layout(&measured, 0, config->frames);
}

static void arc_init(void *state, const struct replacement_config *config)
{
    struct arc *arc = state;
    arc_layout(arc, (uintptr_t)state, config->frames);
    arc->config = config;
    for (uint32_t side = ARC_ONCE; side <= ARC_TWICE; side++) {
        queue_init(&arc->resident[side], arc->links, 3 * config->frames + side);
        queue_init(&arc->ghosts[side], arc->links, 3 * config->frames + 2 + side);
    }
}

static unsigned arc_side(const struct arc *arc, uint32_t item)
{
    return arc->flags[item] & ARC_SIDE;
}

static void arc_put(struct arc *arc, uint32_t frame, uint8_t side)
{
    arc->flags[frame] = side;
    queue_push_back(&arc->resident[side], frame);
}

static bool arc_hit(void *state, uint32_t frame)
{
    struct arc *arc = state;
    queue_remove(&arc->resident[arc_side(arc, frame)], frame);
    arc_put(arc, frame, ARC_TWICE);
    return true;
}

// The item of a key that is a ghost, or GHOST_NONE.
static uint32_t arc_ghost(const struct arc *arc, uint64_t key)
{
    uint32_t number = ghost_find(&arc->table, key);
    return number == GHOST_NONE ? GHOST_NONE : arc->config->frames + number;
}

static void arc_drop(struct arc *arc, uint32_t item)
{
    queue_remove(&arc->ghosts[arc_side(arc, item)], item);
    ghost_remove(&arc->table, item - arc->config->frames);
}

// A page that went comes back: p moves, once for each time.
static void arc_adapt(struct arc *arc, uint32_t item)
{
    if ((arc->flags[item] & ARC_ADAPTED) != 0) {
        return;
    }
    unsigned side = arc_side(arc, item);
    double ratio = (double)arc->ghosts[!side].count / (double)arc->ghosts[side].count;
    double delta = ratio > 1 ? ratio : 1;
    if (side == ARC_ONCE) {
        arc->p = arc->p + delta < arc->config->frames ? arc->p + delta : arc->config->frames;
    } else {
        arc->p = arc->p - delta > 0 ? arc->p - delta : 0;
    }
    arc->flags[item] |= ARC_ADAPTED;
}

// REPLACE: the side that gives a page.
static unsigned arc_giver(const struct arc *arc, bool twice)
{
    uint32_t once = arc->resident[ARC_ONCE].count;
    if (once == 0 || arc->resident[ARC_TWICE].count == 0) {
        return once == 0 ? ARC_TWICE : ARC_ONCE;
    }
    return once > arc->p || (twice && once == arc->p) ? ARC_ONCE : ARC_TWICE;
}

static uint32_t arc_victim(void *state, uint64_t incoming)
{
    struct arc *arc = state;
    uint32_t ghost = arc_ghost(arc, incoming);
    bool twice = false;
    if (ghost != GHOST_NONE) {
        arc_adapt(arc, ghost);
        twice = arc_side(arc, ghost) == ARC_TWICE;
        queue_move_back(&arc->ghosts[arc_side(arc, ghost)], ghost);
    }
    unsigned side = arc_giver(arc, twice);
    uint32_t frame = queue_pop_front(&arc->resident[side]);
    if (frame != QUEUE_NONE) {
        uint32_t item = arc->config->frames + ghost_insert(&arc->table, arc->key[frame]);
        arc->flags[item] = (uint8_t)side;
        queue_push_back(&arc->ghosts[side], item);
    }
    return frame;
}

// A page that nobody remembers comes in: room for it among pages and ghosts.
static void arc_make_room(struct arc *arc)
{
    uint32_t once = arc->resident[ARC_ONCE].count + arc->ghosts[ARC_ONCE].count;
    uint64_t all = (uint64_t)once + arc->resident[ARC_TWICE].count + arc->ghosts[ARC_TWICE].count;
    if (once >= arc->config->frames) {
        arc_drop(arc, queue_front(&arc->ghosts[ARC_ONCE]));
    } else if (all >= 2 * (uint64_t)arc->config->frames) {
        arc_drop(arc, queue_front(&arc->ghosts[ARC_TWICE]));
    }
}

static void arc_load(void *state, uint32_t frame, uint64_t key)
{
    struct arc *arc = state;
    store_relaxed(&arc->config->touch[frame], 0);
    arc->key[frame] = key;
    uint32_t ghost = arc_ghost(arc, key);
    if (ghost != GHOST_NONE) {
        arc_adapt(arc, ghost);
        arc_drop(arc, ghost);
        arc_put(arc, frame, ARC_TWICE);
    } else {
        arc_make_room(arc);
        arc_put(arc, frame, ARC_ONCE);
    }
}

static void arc_forget(void *state, uint32_t frame)
{
    struct arc *arc = state;
    queue_remove(&arc->resident[arc_side(arc, frame)], frame);
}

static const char *arc_side_check(const struct arc *arc, unsigned side)
{
    const struct queue *resident = &arc->resident[side], *ghosts = &arc->ghosts[side];
    if (!queue_check(resident) || !queue_check(ghosts)) {
        return "ARC1";
    }
    for (uint32_t i = queue_front(resident); i != QUEUE_NONE; i = queue_after(resident, i)) {
        if (arc_side(arc, i) != side || i >= arc->config->frames) {
            return "ARC1";
        }
        if (arc_ghost(arc, arc->key[i]) != GHOST_NONE) {
            return "ARC4";
        }
    }
    for (uint32_t i = queue_front(ghosts); i != QUEUE_NONE; i = queue_after(ghosts, i)) {
        if (arc_side(arc, i) != side || i < arc->config->frames) {
            return "ARC1";
        }
    }
    return NULL;
}

static const char *arc_check(const void *state)
{
    const struct arc *arc = state;
    uint64_t frames = arc->config->frames;
    for (unsigned side = ARC_ONCE; side <= ARC_TWICE; side++) {
        const char *broken = arc_side_check(arc, side);
        if (broken != NULL) {
            return broken;
        }
    }
    uint64_t once = (uint64_t)arc->resident[ARC_ONCE].count + arc->ghosts[ARC_ONCE].count;
    uint64_t twice = (uint64_t)arc->resident[ARC_TWICE].count + arc->ghosts[ARC_TWICE].count;
    if (!ghost_check(&arc->table) ||
        arc->ghosts[ARC_ONCE].count + arc->ghosts[ARC_TWICE].count != arc->table.count) {
        return "ARC1";
    }
    if (once > frames || once + twice > 2 * frames) {
        return "ARC2";
    }
    return arc->p >= 0 && arc->p <= arc->config->frames ? NULL : "ARC3";
}

const struct replacement replacement_arc = {
    .name = "arc",
    .help = "ARC: pages seen once and pages seen twice share memory as their ghosts' returns tell",
    .touch = REPLACEMENT_TOUCH_ORDER,
    .bytes = arc_bytes,
    .init = arc_init,
    .hit = arc_hit,
    .victim = arc_victim,
    .load = arc_load,
    .forget = arc_forget,
    .check = arc_check,
};
