// SPDX-License-Identifier: MIT
//
// step.c - one operation of a trace after the other on one engine, and what came of each.

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "show/map.h"
#include "show/memory.h"
#include "show/reason.h"
#include "show/words.h"

#define BLOCK_NOWHERE UINT64_MAX

enum block_state { BLOCK_NONE, BLOCK_LIVE, BLOCK_REFUSED };

struct show_block {
    mems_addr addr;
    uint64_t size;  // requested, bytes of the engine
    uint64_t place; // where it was seen last, or BLOCK_NOWHERE
    uint16_t process;
    uint8_t state;
};

struct show {
    const struct trace *trace;
    struct show_memory memory;
    struct mems_engine *engine;
    struct mems_space **spaces; // by process; NULL: it holds nothing yet
    struct show_block *blocks;
    size_t live;
    struct map_owner *owners; // room for every block
    struct show_move *moves;  // likewise
    struct show_map map;
    struct reason *reason; // NULL: nobody asks why
    bool detailed;
    bool looked; // the map is of now
    size_t next; // operation
    struct show_summary summary;
    uint64_t most_live; // requested
};

// ---- looking ------------------------------------------------------------------------------------

const struct show_map *show_look(struct show *show)
{
    size_t count = 0;
    if (show->looked) {
        return &show->map;
    }
    for (uint32_t i = 0; i < show->trace->block_count; i++) {
        if (show->blocks[i].state == BLOCK_LIVE) {
            show->owners[count++] =
                (struct map_owner){show->blocks[i].addr, i, show->blocks[i].process};
        }
    }
    show->map.frame = show->memory.frame;
    map_capture(show->engine, show->owners, count, &show->map);
    show->looked = true;
    return &show->map;
}

// Notes where every block is; what has moved since it was seen last becomes a move.
static size_t show_settle(struct show *show)
{
    const struct show_map *map = show_look(show);
    size_t moves = 0;
    for (size_t i = 0; i < map->count; i++) {
        const struct show_piece *piece = &map->pieces[i];
        if (piece->block == SHOW_NOBODY || piece->more) {
            continue;
        }
        struct show_block *block = &show->blocks[piece->block];
        if (piece->absent) {
            block->place = BLOCK_NOWHERE;
            continue;
        }
        if (block->place != BLOCK_NOWHERE && block->place != piece->at) {
            show->moves[moves++] =
                (struct show_move){piece->block, piece->process, block->place, piece->at};
        }
        block->place = piece->at;
    }
    return moves;
}

// ---- what there is to say -----------------------------------------------------------------------

static void say_frames(struct show *show, uint32_t number, struct show_step *step)
{
    const struct show_map *map = show_look(show);
    const struct show_block *block = &show->blocks[number];
    char waste[32];
    size_t pages = 0, absent = 0, length = 0;
    char frames[120] = "";
    for (size_t i = 0; i < map->count; i++) {
        const struct show_piece *piece = &map->pieces[i];
        if (piece->block != number) {
            continue;
        }
        pages += map->frame > 0 ? piece->size / map->frame : 1;
        absent += piece->absent;
        if (!piece->absent && length < sizeof frames - 24) {
            length += (size_t)snprintf(frames + length, sizeof frames - length, " %" PRIu64,
                                       map->frame > 0 ? piece->at / map->frame : 0);
        } else if (!piece->absent) {
            snprintf(frames + length, sizeof frames - length, " ..");
        }
    }
    uint64_t taken = pages * map->frame;
    words_amount(taken > block->size ? taken - block->size : 0, show->memory.unit, waste,
                 sizeof waste);
    if (absent == pages) {
        words_say(step, "%zu page%s, none in memory yet; %s unused", pages, pages == 1 ? "" : "s",
                  waste);
    } else {
        words_say(step, "%zu page%s in frame%s%s; %s unused", pages, pages == 1 ? "" : "s",
                  pages - absent == 1 ? "" : "s", frames, waste);
    }
}

// Where a block is: frames, a partition with its number, or a position.
static void say_place(struct show *show, uint32_t number, struct show_step *step)
{
    if (!show->detailed) {
        return;
    }
    show_settle(show);
    if (show->map.frame != 0) {
        say_frames(show, number, step);
        return;
    }
    char at[32], size[32];
    for (size_t i = 0; i < show->map.count; i++) {
        const struct show_piece *piece = &show->map.pieces[i];
        if (piece->block != number || piece->more) {
            continue;
        }
        words_amount(piece->at, show->memory.unit, at, sizeof at);
        words_amount(piece->size, show->memory.unit, size, sizeof size);
        if (piece->absent) {
            words_say(step, "not in memory yet");
        } else if (show->memory.partitions) {
            words_say(step, "partition %zu, %s at %s", i, size, at);
        } else if (piece->size != show->blocks[number].size) {
            words_say(step, "at %s, takes %s", at, size);
        } else {
            words_say(step, "at %s", at);
        }
        return;
    }
}

// Why there was no place, as far as the holes say.
static void say_refused(struct show *show, struct show_step *step, uint64_t wanted)
{
    struct mems_stats stats;
    char want[32], free_bytes[32], largest[32];
    uint64_t unit = show->memory.unit;
    mems_snapshot(show->engine, &stats);
    step->outcome = SHOW_REFUSED;
    show->summary.refused++;
    words_amount(wanted, unit, want, sizeof want);
    words_amount(stats.free_bytes, unit, free_bytes, sizeof free_bytes);
    words_amount(stats.largest_hole, unit, largest, sizeof largest);
    if (show->memory.partitions && stats.holes == 0) {
        words_say(step, "refused: no partition is free");
    } else if (show->memory.partitions) {
        words_say(step, "refused: no free partition holds %s (%" PRIu64 " free, the largest %s)",
                  want, stats.holes, largest);
    } else if (show->memory.frame != 0) {
        words_say(step, "refused: %" PRIu64 " pages wanted, %" PRIu64 " frames free",
                  (wanted + show->memory.frame - 1) / show->memory.frame,
                  stats.free_bytes / show->memory.frame);
    } else {
        words_say(step, "refused: %s wanted, %" PRIu64 " hole%s, the largest %s, %s free in all",
                  want, stats.holes, stats.holes == 1 ? "" : "s", largest, free_bytes);
    }
}

// ---- one kind of operation each -----------------------------------------------------------------

// No place in memory, or none behind it.
static bool step_is_refusal(int error)
{
    return error == ENOMEM || error == ENOSPC;
}

static int step_space(struct show *show, uint32_t process)
{
    return show->spaces[process] != NULL ? 0
                                         : mems_space_open(show->engine, &show->spaces[process]);
}

// A process that gives no size takes a whole partition: it asked for all there is in it.
static uint64_t step_whole(struct mems_space *space, mems_addr *addr)
{
    size_t size = 1;
    mems_addr moved = *addr;
    if (mems_block_size(space, *addr, NULL, &size) == 0 && mems_resize(space, &moved, size) == 0) {
        *addr = moved;
        return size;
    }
    return 1;
}

static int step_alloc(struct show *show, const struct trace_op *op, struct show_step *step)
{
    struct show_block *block = &show->blocks[op->block];
    uint64_t size = (op->size > 0 ? op->size : 1) * show->memory.unit;
    bool whole = op->flag != 0 && show->memory.partitions;
    size_t align = op->align_log2 != 0 ? (size_t)1 << op->align_log2 : 0;
    struct mems_stats before, after;
    mems_snapshot(show->engine, &before);
    int error = step_space(show, op->process);
    if (error == 0) {
        error = mems_alloc(show->spaces[op->process], whole ? 1 : size, align, &block->addr);
    }
    mems_snapshot(show->engine, &after);
    if (error == ENOMEM && after.refusals == before.refusals && after.largest_hole >= size) {
        return error; // the policy has a place: it is the machine that has no memory
    }
    block->place = BLOCK_NOWHERE;
    block->process = op->process;
    block->state = error == 0 ? BLOCK_LIVE : BLOCK_REFUSED;
    if (step_is_refusal(error)) {
        say_refused(show, step, whole ? 1 : size);
        return 0;
    }
    if (error != 0) {
        return error;
    }
    block->size = whole ? step_whole(show->spaces[op->process], &block->addr) : size;
    show->summary.served++;
    show->live++;
    say_place(show, op->block, step);
    return 0;
}

static int step_free(struct show *show, const struct trace_op *op, struct show_step *step)
{
    struct show_block *block = &show->blocks[op->block];
    char at[32];
    int error = mems_release(show->spaces[block->process], block->addr);
    if (error == 0) {
        block->state = BLOCK_NONE;
        show->live--;
        if (block->place != BLOCK_NOWHERE && show->map.frame == 0) {
            words_amount(block->place, show->memory.unit, at, sizeof at);
            words_say(step, "was at %s", at);
        }
    }
    return error;
}

static int step_free_all(struct show *show, const struct trace_op *op, struct show_step *step)
{
    uint64_t bytes = 0, place = BLOCK_NOWHERE;
    size_t blocks = 0;
    char amount[32], at[32];
    for (uint32_t i = 0; i < show->trace->block_count; i++) {
        struct show_block *block = &show->blocks[i];
        if (block->process == op->process && block->state == BLOCK_LIVE) {
            bytes += block->size;
            place = block->place;
            blocks++;
        }
        if (block->process == op->process) {
            block->state = BLOCK_NONE;
        }
    }
    mems_space_close(show->spaces[op->process]);
    show->spaces[op->process] = NULL;
    show->live -= blocks;
    if (blocks == 0) {
        step->outcome = SHOW_NOTHING;
        words_say(step, "not found: it holds nothing");
        return 0;
    }
    words_amount(bytes, show->memory.unit, amount, sizeof amount);
    if (blocks == 1 && place != BLOCK_NOWHERE && show->map.frame == 0) {
        words_amount(place, show->memory.unit, at, sizeof at);
        words_say(step, "gave back %s at %s", amount, at);
        return 0;
    }
    words_say(step, "gave back %zu block%s, %s", blocks, blocks == 1 ? "" : "s", amount);
    return 0;
}

static int step_resize(struct show *show, const struct trace_op *op, struct show_step *step)
{
    struct show_block *block = &show->blocks[op->block];
    uint64_t size = (op->size > 0 ? op->size : 1) * show->memory.unit;
    uint64_t before = block->place;
    char from[32];
    int error = mems_resize(show->spaces[block->process], &block->addr, size);
    if (step_is_refusal(error)) {
        say_refused(show, step, size);
        return 0;
    }
    if (error != 0) {
        return error;
    }
    block->size = size;
    show->summary.served++;
    say_place(show, op->block, step);
    if (before != BLOCK_NOWHERE && block->place != before && show->map.frame == 0) {
        words_amount(before, show->memory.unit, from, sizeof from);
        words_say(step, "%s, moved from %s", step->text, from);
    }
    return 0;
}

// One byte read or written, as a program would: brought in where it is not resident.
static int step_access(struct mems_space *space, mems_addr addr, enum mems_access mode)
{
    void *host;
    mems_access_begin();
    int error = mems_translate(space, addr, mode, &host, NULL);
    if (error == EAGAIN) {
        mems_access_end();
        error = mems_fault(space, addr, mode);
        if (error != 0) {
            return error;
        }
        error = mems_translate(space, addr, mode, &host, NULL);
    }
    if (error == 0) {
        volatile unsigned char *byte = host;
        if (mode == MEMS_WRITE) {
            *byte = 1;
        } else {
            (void)*byte;
        }
    }
    mems_access_end();
    return error;
}

static int step_touch(struct show *show, const struct trace_op *op, struct show_step *step)
{
    const struct show_block *block = &show->blocks[op->block];
    struct mems_stats before, after;
    uint64_t offset = op->size * show->memory.unit;
    mems_snapshot(show->engine, &before);
    int error = step_access(show->spaces[block->process], block->addr + offset,
                            op->flag != 0 ? MEMS_WRITE : MEMS_READ);
    mems_snapshot(show->engine, &after);
    if (error == ERANGE || offset >= block->size) {
        step->outcome = SHOW_NOTHING;
        words_say(step, "past the end of the block");
        return 0;
    }
    if (step_is_refusal(error)) {
        step->outcome = SHOW_REFUSED;
        words_say(step, "refused: %s", mems_error_text(error));
        return 0;
    }
    uint64_t evicted = after.evictions - before.evictions;
    if (after.faults == before.faults) {
        words_say(step, "in memory");
    } else {
        words_say(step, "a fault: %s%s",
                  after.swap_faults > before.swap_faults ? "read back from swap" : "its first use",
                  evicted > 0 ? ", something else had to leave" : "");
    }
    return error;
}

static int step_compact(struct show *show, struct show_step *step)
{
    struct mems_compaction done;
    char moved[32], left[32];
    int error = mems_compact(show->engine, &done);
    if (error == ENOTSUP) {
        step->outcome = SHOW_NOTHING;
        words_say(step, "this policy moves no blocks");
        return 0;
    }
    if (error != 0) {
        return error;
    }
    show->summary.moved_bytes += done.moved_bytes;
    words_amount(done.moved_bytes, show->memory.unit, moved, sizeof moved);
    words_amount(done.free_bytes, show->memory.unit, left, sizeof left);
    words_say(step, "%" PRIu64 " block%s moved, %s in all; %" PRIu64 " hole%s left, %s free",
              done.moved, done.moved == 1 ? "" : "s", moved, done.holes, done.holes == 1 ? "" : "s",
              left);
    if (show->detailed) {
        show->looked = false;
        step->move_count = show_settle(show);
        step->moves = show->moves;
    }
    return 0;
}

static int step_do(struct show *show, const struct trace_op *op, struct show_step *step)
{
    bool needs = trace_kind_has_block(op->kind) && !trace_kind_allocates(op->kind);
    if (needs && show->blocks[op->block].state != BLOCK_LIVE) {
        step->outcome = SHOW_SKIPPED;
        words_say(step, "skipped: it was refused");
        return 0;
    }
    switch (op->kind) {
    case TRACE_ALLOC:
    case TRACE_ALLOC_ZEROED:
        return step_alloc(show, op, step);
    case TRACE_FREE:
        return step_free(show, op, step);
    case TRACE_FREE_ALL:
        return step_free_all(show, op, step);
    case TRACE_RESIZE:
        return step_resize(show, op, step);
    case TRACE_TOUCH:
        return step_touch(show, op, step);
    case TRACE_COMPACT:
        return step_compact(show, step);
    case TRACE_SHOW:
        step->outcome = SHOW_MAP;
        return 0;
    default:
        step->outcome = SHOW_SILENT;
        return 0;
    }
}

// ---- the whole ----------------------------------------------------------------------------------

// The account when most is live: the last of equal moments.
static void show_account(struct show *show)
{
    struct mems_stats stats;
    struct show_summary *summary = &show->summary;
    if (mems_snapshot(show->engine, &stats) != 0) {
        return;
    }
    summary->faults = stats.faults;
    summary->refused_enough = stats.refusals_enough_free;
    if (stats.requested_bytes < show->most_live) {
        return;
    }
    show->most_live = stats.requested_bytes;
    summary->internal =
        stats.block_bytes > 0 ? 1 - (double)stats.requested_bytes / (double)stats.block_bytes : -1;
    summary->external =
        stats.free_bytes > 0 ? 1 - (double)stats.largest_hole / (double)stats.free_bytes : -1;
    summary->holes = stats.holes;
    summary->largest_hole = stats.largest_hole;
    summary->free_bytes = stats.free_bytes;
}

int show_next(struct show *show, struct show_step *step, struct complaint *complaint)
{
    if (show->next == show->trace->op_count) {
        return ENOENT;
    }
    const struct trace_op *op = &show->trace->ops[show->next++];
    *step = (struct show_step){.number = show->next, .op = op};
    words_operation(show->trace, op, step->operation, sizeof step->operation);
    if (show->detailed) {
        show_settle(show); // what an operation before this one has moved is no move of this one
    }
    if (show->reason != NULL) {
        reason_before(show->reason, show_look(show));
    }
    show->looked &= op->kind == TRACE_SHOW;
    int error = step_do(show, op, step);
    if (error != 0) {
        complain(complaint, "operation %zu, %s: %s", step->number, step->operation,
                 mems_error_text(error));
        return error == ENOENT ? EIO : error;
    }
    if (op->kind != TRACE_SHOW) {
        show_account(show);
    }
    if (show->reason != NULL) {
        reason_after(show->reason, show_look(show), step);
    }
    return 0;
}

void show_sum_up(struct show *show, struct show_summary *summary)
{
    *summary = show->summary;
}

static bool show_reserve(struct show *show)
{
    size_t blocks = (size_t)show->trace->block_count + 1;
    show->spaces = calloc(show->trace->process_count + 1, sizeof *show->spaces);
    show->blocks = calloc(blocks, sizeof *show->blocks);
    show->owners = calloc(blocks, sizeof *show->owners);
    show->moves = calloc(blocks, sizeof *show->moves);
    return show->spaces != NULL && show->blocks != NULL && show->owners != NULL &&
           show->moves != NULL;
}

int show_open(const struct trace *trace, const struct target_spec *spec,
              const struct show_settings *settings, bool detailed, struct show **opened,
              struct complaint *complaint)
{
    struct show *show = calloc(1, sizeof *show);
    if (show == NULL) {
        complain(complaint, "out of memory");
        return ENOMEM;
    }
    show->trace = trace;
    show->detailed = detailed;
    show->summary.internal = show->summary.external = -1;
    int error = memory_choose(trace, spec, settings, &show->memory, complaint);
    if (error == 0 && !show_reserve(show)) {
        complain(complaint, "out of memory");
        error = ENOMEM;
    }
    if (error == 0) {
        struct mems_config config = {.policy = spec->argument, .options = show->memory.options};
        error = mems_engine_open(&config, &show->engine);
        if (error != 0) {
            complain(complaint, "target %s: with \"%s\": %s", spec->name, show->memory.options,
                     mems_complaint());
        }
    }
    if (error == 0 && settings->reasons) {
        show->reason = reason_open(trace, spec->argument, show->memory.options, show->memory.unit);
    }
    if (error != 0) {
        show_close(show);
        return error;
    }
    *opened = show;
    return 0;
}

void show_close(struct show *show)
{
    mems_engine_close(show->engine);
    reason_close(show->reason);
    map_fini(&show->map);
    free(show->spaces);
    free(show->blocks);
    free(show->owners);
    free(show->moves);
    free(show->memory.options);
    free(show);
}

const struct trace *show_trace(const struct show *show)
{
    return show->trace;
}

struct mems_engine *show_engine(const struct show *show)
{
    return show->engine;
}

uint64_t show_unit(const struct show *show)
{
    return show->memory.unit;
}

const char *show_options(const struct show *show)
{
    return show->memory.options;
}
