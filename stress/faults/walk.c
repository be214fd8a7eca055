// SPDX-License-Identifier: MIT
//
// walk.c - a reference string step by step on the engine, with a rule beside it.
//
// What a step did is seen by the engine's memory map before and after it: a page that was there and
// is not any more has left, whoever chose it. The rule is asked what it would have done; as long as
// both agree, its reason is the step's.

#include "faults/walk.h"

#include <errno.h>
#include <inttypes.h>
#include <mems/engine.h>
#include <stdlib.h>
#include <string.h>

struct walk {
    const struct references *references;
    struct faults_machine machine;
    struct rule *rule;
    size_t next;
    uint64_t frame_count; // shown
    bool variable;        // frames come as they are needed
    bool lost;            // rule and engine have parted
    uint64_t *frames;     // page by frame, or RULE_NONE
    uint64_t *before;     // the same before the step
    bool *used;           // frames that ever had a page
    uint64_t *victims;
    struct walk_frame *shown;
};

// ---- looking ------------------------------------------------------------------------------------

static int walk_visit(const struct mems_extent *extent, void *arg)
{
    struct walk *walk = arg;
    if (extent->piece == MEMS_PIECE_BLOCK && !extent->absent) {
        uint64_t frame = extent->offset / FAULTS_PAGE;
        if (frame < walk->references->page_count) {
            walk->frames[frame] = extent->page;
        }
    }
    return 0;
}

static void walk_look(struct walk *walk)
{
    for (size_t i = 0; i < walk->references->page_count; i++) {
        walk->frames[i] = RULE_NONE;
    }
    (void)mems_walk(walk->machine.engine, walk_visit, walk); // the visitor never stops it
}

static uint64_t walk_find(const struct walk *walk, const uint64_t *frames, uint64_t page)
{
    for (size_t i = 0; i < walk->references->page_count; i++) {
        if (frames[i] == page) {
            return i;
        }
    }
    return RULE_NONE;
}

// ---- opening ------------------------------------------------------------------------------------

static bool walk_reserve(struct walk *walk, const struct faults_choice *choice, uint64_t frames)
{
    size_t pages = walk->references->page_count;
    walk->rule = rule_open(choice->algorithm->name, choice->parameter, frames, walk->references);
    walk->frames = calloc(pages, sizeof *walk->frames);
    walk->before = calloc(pages, sizeof *walk->before);
    walk->used = calloc(pages, sizeof *walk->used);
    walk->victims = calloc(pages, sizeof *walk->victims);
    walk->shown = calloc(pages, sizeof *walk->shown);
    return walk->rule != NULL && walk->frames != NULL && walk->before != NULL &&
           walk->used != NULL && walk->victims != NULL && walk->shown != NULL;
}

int walk_open(const struct references *references, const struct faults_choice *choice,
              uint64_t frames, uint64_t seed, struct walk **opened, struct complaint *complaint)
{
    struct walk *walk;
    uint64_t pages = references->page_count;
    if (references->count > WALK_MOST) {
        complain(complaint,
                 "%zu references are more than the %u that can be looked at one by one; "
                 "mems-stress faults counts them",
                 references->count, WALK_MOST);
        return EINVAL;
    }
    walk = calloc(1, sizeof *walk);
    if (walk == NULL) {
        complain(complaint, "out of memory");
        return ENOMEM;
    }
    walk->references = references;
    walk->variable = frames == 0;
    walk->frame_count = walk->variable ? 0 : frames < pages ? frames : pages;
    int error = 0;
    if (!walk_reserve(walk, choice, walk->variable ? pages : walk->frame_count)) {
        complain(complaint, "out of memory");
        error = ENOMEM;
    }
    if (error == 0) {
        error = faults_machine_open(references, choice, frames, seed, &walk->machine, complaint);
    }
    if (error != 0) {
        walk->machine.engine = NULL;
        walk_close(walk);
        return error;
    }
    walk_look(walk);
    *opened = walk;
    return 0;
}

void walk_close(struct walk *walk)
{
    mems_engine_close(walk->machine.engine);
    rule_close(walk->rule);
    free(walk->frames);
    free(walk->before);
    free(walk->used);
    free(walk->victims);
    free(walk->shown);
    free(walk);
}

// ---- stepping -----------------------------------------------------------------------------------

// Pages that were in a frame before and are in none now.
static size_t walk_left(struct walk *walk)
{
    size_t count = 0;
    for (size_t i = 0; i < walk->references->page_count; i++) {
        uint64_t page = walk->before[i];
        if (page != RULE_NONE && page != walk->frames[i] &&
            walk_find(walk, walk->frames, page) == RULE_NONE) {
            walk->victims[count++] = page;
        }
    }
    return count;
}

static bool walk_agrees(const struct walk *walk, const struct walk_step *step,
                        const struct rule_verdict *verdict)
{
    bool agrees = verdict->fault == step->fault && verdict->victim_count == step->victim_count;
    for (size_t i = 0; i < step->victim_count && agrees; i++) {
        bool found = false;
        for (size_t n = 0; n < verdict->victim_count; n++) {
            found |= verdict->victims[n] == walk->victims[i];
        }
        agrees = found;
    }
    return agrees;
}

int walk_next(struct walk *walk, struct walk_step *step, struct complaint *complaint)
{
    struct mems_stats before, after;
    struct rule_verdict verdict;
    size_t index = walk->next;
    if (index == walk->references->count) {
        return ENOENT;
    }
    uint64_t page = walk->references->pages[index];
    memcpy(walk->before, walk->frames, walk->references->page_count * sizeof *walk->frames);
    mems_snapshot(walk->machine.engine, &before);
    int error = faults_machine_use(&walk->machine, page);
    mems_snapshot(walk->machine.engine, &after);
    if (error != 0) {
        complain(complaint, "reference %zu: %s", index + 1, mems_error_text(error));
        return error == ENOENT ? EIO : error;
    }
    walk_look(walk);
    *step = (struct walk_step){.number = ++walk->next, .page = page};
    step->fault = after.faults > before.faults;
    step->frame = walk_find(walk, walk->frames, page);
    step->victims = walk->victims;
    step->victim_count = walk_left(walk);
    if (step->frame != RULE_NONE) {
        step->initial = step->fault && !walk->used[step->frame];
        walk->used[step->frame] = true;
    }
    rule_use(walk->rule, index, walk->victims, step->victim_count, step->frame, step->fault,
             step->why, sizeof step->why, &verdict);
    walk->lost |= !walk_agrees(walk, step, &verdict);
    step->told = !walk->lost;
    if (walk->lost) {
        step->why[0] = '\0';
    }
    return 0;
}

const struct walk_frame *walk_frames(const struct walk *walk, size_t *count)
{
    uint64_t frames = walk->frame_count;
    for (size_t i = 0; i < walk->references->page_count; i++) {
        uint64_t page = walk->frames[i];
        bool in = page != RULE_NONE && (!walk->variable || rule_keeps(walk->rule, page));
        walk->shown[i].page = in ? page : RULE_NONE;
        walk->shown[i].r = in && rule_page(walk->rule, page)->r;
        frames = walk->variable && walk->used[i] ? i + 1 : frames;
    }
    *count = frames;
    return walk->shown;
}

const struct rule *walk_rule(const struct walk *walk)
{
    return walk->rule;
}
