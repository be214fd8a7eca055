// SPDX-License-Identifier: MIT
//
// decision.c - what one operation did with an engine's memory: which hole it took, what it was
// joined with, which page went.
//
// 1. Seen, not told. The engine publishes no events. One thread walks the map, does the operation
//    and walks again; where the block lies now, and what was there before, is what happened. Of
//    pages that may have to go the engine also says in which order it will look at them, and with
//    which marks (mems_candidates). What neither shows is not said.
// 2. Rules are for the reader to apply: of the hole that was taken this counts how many others
//    would have held the block, at lower places, smaller ones, larger ones. First fit is right
//    where none was lower, best fit where none was smaller, worst fit where none was larger. The
//    page says the rule only where the counts bear it out.
//    Of a victim this counts the pages that were looked at before it, and how many of these had
//    been used: FIFO and LRU are right where there was none, CLOCK where all had R set and the
//    victim had not, NRU where no class was lower.
//    A hole fits that holds what was asked for: holes are whole granules, as what is asked for
//    becomes.
// 3. Caches. A block that a magazine had at hand was no decision of the policy; one of a batch was
//    one of several at once. The engine's counters tell: one more hit, one more refill.

#include "run/decision.h"

#include <string.h>

// ---- before -------------------------------------------------------------------------------------

static struct decision_place decision_place(const struct mems_extent *extent)
{
    return (struct decision_place){extent->offset,         extent->size,   extent->page,
                                   extent->arena,          extent->region, extent->space,
                                   (uint32_t)extent->piece};
}

static int decision_note(const struct mems_extent *extent, void *arg)
{
    struct decision *decision = arg;
    if (extent->absent || extent->size == 0) {
        return 0;
    }
    if (decision->addr != 0 && extent->piece == MEMS_PIECE_BLOCK &&
        extent->addr == decision->addr) {
        decision->frames++;
        decision->block = decision_place(extent);
    }
    if (extent->piece != MEMS_PIECE_HOLE && extent->page == MEMS_PAGE_NONE) {
        return 0;
    }
    if (decision->count == DECISION_PLACES) {
        decision->whole = false;
        return 0;
    }
    decision->places[decision->count++] = decision_place(extent);
    return 0;
}

void decision_before(struct decision *decision, struct mems_engine *engine, mems_addr addr)
{
    decision->count = decision->frames = 0;
    decision->addr = addr;
    memset(&decision->block, 0, sizeof decision->block);
    decision->whole = true;
    (void)mems_snapshot(engine, &decision->stats);
    (void)mems_walk(engine, decision_note, decision); // the visitor never stops it
    decision->candidate_count =
        (uint32_t)mems_candidates(engine, decision->candidates, DECISION_CANDIDATES);
}

// ---- after --------------------------------------------------------------------------------------

// What is looked for in the second walk.
struct decision_look {
    const struct decision *decision;
    enum decision_kind kind;
    mems_addr addr;
    uint64_t at;     // bytes of the picture so far
    uint32_t index;  // frames and holes so far
    uint32_t frames; // of the block
    bool found;
    struct decision_place place; // the block, or what is now where it was
    uint64_t place_at;
    // the frame that another page is in
    uint32_t changed, frame;
    struct decision_place came, was;
};

static bool decision_covers(const struct decision_place *place, const struct decision_place *inner)
{
    return place->arena == inner->arena && place->region == inner->region &&
           place->offset <= inner->offset &&
           inner->offset + inner->size <= place->offset + place->size;
}

static void decision_find(struct decision_look *look, const struct mems_extent *extent)
{
    struct decision_place here = decision_place(extent);
    bool mine =
        look->kind == DECISION_ALLOC
            ? extent->piece == MEMS_PIECE_BLOCK && extent->addr == look->addr
            : look->decision->block.size > 0 && decision_covers(&here, &look->decision->block);
    if (mine) {
        look->frames++;
    }
    if (mine && !look->found) {
        look->found = true;
        look->place = here;
        look->place_at = look->at;
    }
}

// Frames come in the same order, and keep their places.
static void decision_compare(struct decision_look *look, const struct mems_extent *extent)
{
    const struct decision *decision = look->decision;
    struct decision_place here = decision_place(extent);
    if (look->index >= decision->count) {
        return;
    }
    const struct decision_place *before = &decision->places[look->index];
    bool same = before->offset == here.offset && before->arena == here.arena &&
                before->region == here.region;
    bool other = before->kind != here.kind || before->page != here.page ||
                 (here.kind == MEMS_PIECE_BLOCK && before->space != here.space);
    if (same && other && here.kind == MEMS_PIECE_BLOCK && look->changed++ == 0) {
        look->frame = look->index;
        look->came = here;
        look->was = *before;
    }
}

static int decision_see(const struct mems_extent *extent, void *arg)
{
    struct decision_look *look = arg;
    if (extent->absent || extent->size == 0) {
        return 0;
    }
    decision_find(look, extent);
    if (look->kind == DECISION_TOUCH) {
        decision_compare(look, extent);
    }
    look->index += extent->piece == MEMS_PIECE_HOLE || extent->page != MEMS_PAGE_NONE;
    look->at += extent->size;
    return 0;
}

// The hole that a block was cut from, and the others that could have been.
static bool decision_weigh(const struct decision *decision, const struct decision_look *look,
                           struct picture_decision *made)
{
    const struct decision_place *taken = NULL;
    for (uint32_t i = 0; i < decision->count && taken == NULL; i++) {
        const struct decision_place *hole = &decision->places[i];
        taken = hole->kind == MEMS_PIECE_HOLE && decision_covers(hole, &look->place) ? hole : NULL;
    }
    if (taken == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < decision->count; i++) {
        const struct decision_place *hole = &decision->places[i];
        bool counts = hole->kind == MEMS_PIECE_HOLE && hole->arena == taken->arena;
        bool fits = counts && hole->size >= made->asked;
        made->holes += counts;
        made->fitting += fits;
        made->lower += fits && hole < taken;
        made->smaller += fits && hole->size < taken->size;
        made->larger += fits && hole->size > taken->size;
    }
    made->hole_at = look->place_at - (look->place.offset - taken->offset);
    made->hole_size = taken->size;
    return true;
}

static enum picture_deed decision_alloc(const struct decision *decision,
                                        const struct decision_look *look,
                                        const struct mems_stats *stats,
                                        struct picture_decision *made)
{
    made->at = look->place_at;
    made->size = look->place.size;
    made->frames = look->place.page != MEMS_PAGE_NONE ? look->frames : 0;
    if (stats->refills != decision->stats.refills) {
        made->frames = 0;
        return DEED_ALLOC_REFILL;
    }
    if (stats->cache_hits != decision->stats.cache_hits) {
        made->frames = 0;
        return DEED_ALLOC_MAGAZINE;
    }
    if (!look->found) {
        return DEED_UNKNOWN;
    }
    if (made->frames > 0) {
        return DEED_ALLOC_FRAMES;
    }
    if (!decision->whole) {
        return DEED_UNKNOWN;
    }
    if (decision_weigh(decision, look, made)) {
        return DEED_ALLOC_HOLE;
    }
    return stats->held_bytes > decision->stats.held_bytes ? DEED_ALLOC_GREW : DEED_UNKNOWN;
}

static enum picture_deed decision_free(const struct decision *decision,
                                       const struct decision_look *look,
                                       struct picture_decision *made)
{
    const struct decision_place *block = &decision->block;
    made->size = block->size;
    if (block->size == 0 || !look->found) {
        return DEED_UNKNOWN;
    }
    if (look->place.kind == MEMS_PIECE_CACHED) {
        made->at = look->place_at;
        return DEED_FREE_MAGAZINE;
    }
    if (look->place.kind != MEMS_PIECE_HOLE) {
        return DEED_UNKNOWN;
    }
    if (block->page != MEMS_PAGE_NONE) {
        made->frames = decision->frames;
        return DEED_FREE_FRAMES;
    }
    made->hole_at = look->place_at;
    made->hole_size = look->place.size;
    made->at = look->place_at + (block->offset - look->place.offset);
    made->below = block->offset - look->place.offset;
    made->above = look->place.size - made->below - block->size;
    return DEED_FREE_HOLE;
}

static unsigned decision_class(const struct mems_candidate *candidate)
{
    return (candidate->referenced ? 2U : 0) + (candidate->modified ? 1U : 0);
}

// The victim among the pages that replacement had to choose from. One that is not there (it came
// in and went within the operation, or there are more than were kept) leaves all figures 0.
static void decision_judge(const struct decision *decision, struct picture_decision *made)
{
    const struct mems_candidate *candidates = decision->candidates;
    uint32_t at = 0;
    while (at < decision->candidate_count && (candidates[at].page != made->victim_page ||
                                              candidates[at].space != made->victim_space)) {
        at++;
    }
    if (at == decision->candidate_count || decision->candidate_count == DECISION_CANDIDATES) {
        return;
    }
    for (uint32_t i = 0; i < decision->candidate_count; i++) {
        made->used += candidates[i].referenced;
        made->passed_used += i < at && candidates[i].referenced;
        made->lower_class += decision_class(&candidates[i]) < decision_class(&candidates[at]);
    }
    made->candidates = decision->candidate_count;
    made->passed = at;
    made->victim_used = candidates[at].referenced;
    made->victim_dirty = candidates[at].modified;
}

static enum picture_deed decision_touch(const struct decision *decision,
                                        const struct decision_look *look,
                                        const struct mems_stats *stats,
                                        struct picture_decision *made)
{
    if (stats->faults == decision->stats.faults) {
        return DEED_TOUCH_HIT;
    }
    if (look->changed != 1) {
        return DEED_UNKNOWN;
    }
    made->frame = look->frame;
    made->page = look->came.page;
    made->space = look->came.space;
    if (look->was.kind == MEMS_PIECE_BLOCK) {
        made->victim_page = look->was.page;
        made->victim_space = look->was.space;
        decision_judge(decision, made);
    }
    return DEED_TOUCH_FAULT;
}

void decision_after(const struct decision *decision, struct mems_engine *engine,
                    enum decision_kind kind, mems_addr addr, uint64_t asked,
                    struct picture_decision *made)
{
    struct decision_look look = {.decision = decision, .kind = kind, .addr = addr};
    struct mems_stats stats;
    memset(made, 0, sizeof *made);
    made->asked = asked;
    if (kind == DECISION_ALLOC && addr == 0) {
        made->deed = DEED_REFUSED;
        return;
    }
    if (kind == DECISION_RESIZE || (kind == DECISION_TOUCH && !decision->whole) ||
        mems_snapshot(engine, &stats) != 0 || mems_walk(engine, decision_see, &look) != 0) {
        return;
    }
    made->deed = kind == DECISION_ALLOC  ? decision_alloc(decision, &look, &stats, made)
                 : kind == DECISION_FREE ? decision_free(decision, &look, made)
                                         : decision_touch(decision, &look, &stats, made);
}
