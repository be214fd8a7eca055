// SPDX-License-Identifier: MIT
//
// reason_access.c - why these frames; where an address leads, and what had to leave for it.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/complaint.h"
#include "show/reason_inner.h"

#define ACCESS_TOLD 12 // frames or pages that a reason names, at most

// ---- what is remembered of pages and segments ---------------------------------------------------

// NULL: not yet.
static struct reason_page *access_find(struct reason *reason, uint32_t block, uint64_t page)
{
    for (size_t i = 0; i < reason->page_count; i++) {
        if (reason->pages[i].block == block && reason->pages[i].page == page) {
            return &reason->pages[i];
        }
    }
    return NULL;
}

static void access_note(struct reason *reason, uint32_t block, uint64_t page, bool loaded)
{
    struct reason_page *known = access_find(reason, block, page);
    if (known == NULL) {
        if (reason->page_count == reason->page_room) {
            size_t room = reason->page_room * 2 + 16;
            struct reason_page *pages = reallocarray(reason->pages, room, sizeof *pages);
            if (pages == NULL) {
                complain_exhausted();
            }
            reason->pages = pages;
            reason->page_room = room;
        }
        known = &reason->pages[reason->page_count++];
        *known = (struct reason_page){.block = block, .page = page};
    }
    known->used = reason->step;
    known->loaded = loaded ? reason->step : known->loaded;
}

static bool access_is_there(const struct show_piece *pieces, size_t count,
                            const struct show_piece *piece)
{
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].kind == MEMS_PIECE_BLOCK && pieces[i].block == piece->block &&
            pieces[i].page == piece->page && !pieces[i].absent) {
            return true;
        }
    }
    return false;
}

// What was in memory before the operation and is not any more.
static void access_say_victims(struct reason_line *line, const struct show_map *map,
                               const char *standard)
{
    struct reason *reason = line->reason;
    char replacement[24];
    size_t told = 0;
    snprintf(replacement, sizeof replacement, "%s", standard);
    reason_option(reason, "replacement", replacement, sizeof replacement);
    for (size_t i = 0; i < reason->count && told < ACCESS_TOLD; i++) {
        const struct show_piece *piece = &reason->pieces[i];
        if (piece->kind != MEMS_PIECE_BLOCK || piece->absent || piece->block == SHOW_NOBODY ||
            access_is_there(map->pieces, map->count, piece)) {
            continue;
        }
        const struct reason_page *known = access_find(reason, piece->block, piece->page);
        reason_say(line, "%s", told++ > 0 ? ", " : line->length > 0 ? "; for it " : "for it ");
        if (piece->page != MEMS_PAGE_NONE) {
            reason_say(line, "page %" PRIu64 " of ", piece->page);
        }
        reason_name(line, piece->process, piece->block);
        if (known != NULL) {
            reason_say(line, " (brought in at step %zu, last used at %zu)", known->loaded,
                       known->used);
        }
    }
    if (told > 0) {
        reason_say(line, " had to leave, as %s chose", replacement);
    }
}

// ---- frames -------------------------------------------------------------------------------------

// "72766 is 35.5 pages of 2048: 36"
static uint64_t access_say_pages(struct reason_line *line)
{
    const struct reason *reason = line->reason;
    const struct trace_op *op = line->step->op;
    uint64_t size = (op->size > 0 ? op->size : 1) * reason->unit, frame = reason->frame;
    uint64_t pages = (size + frame - 1) / frame, rest = size % frame;
    reason_amount(line, size);
    if (rest == 0) {
        reason_say(line, " is %" PRIu64 " page%s of ", pages, pages == 1 ? "" : "s");
        reason_amount(line, frame);
        reason_say(line, " exactly");
        return pages;
    }
    reason_say(line, " = %" PRIu64 " x ", size / frame);
    reason_amount(line, frame);
    reason_say(line, " + ");
    reason_amount(line, rest);
    reason_say(line, ": %" PRIu64 " page%s, and ", pages, pages == 1 ? "" : "s");
    reason_amount(line, frame - rest);
    reason_say(line, " of the last are wasted (internal fragmentation)");
    return pages;
}

// Whether the frames of the block are the lowest that were free.
static bool access_lowest(const struct reason *reason, const struct show_map *map, uint32_t block)
{
    uint64_t highest = 0;
    for (size_t i = 0; i < map->count; i++) {
        const struct show_piece *piece = &map->pieces[i];
        highest =
            piece->block == block && !piece->absent && piece->at > highest ? piece->at : highest;
    }
    for (size_t i = 0; i < map->count; i++) {
        const struct show_piece *piece = &map->pieces[i];
        if (piece->kind == MEMS_PIECE_HOLE && piece->at < highest) {
            return false;
        }
    }
    return reason->frame > 0;
}

void reason_alloc_frames(struct reason_line *line, const struct show_map *map)
{
    size_t free = 0;
    if (line->reason->frame == 0) {
        return;
    }
    for (size_t i = 0; i < line->reason->count; i++) {
        free += line->reason->pieces[i].kind == MEMS_PIECE_HOLE;
    }
    uint64_t pages = access_say_pages(line);
    if (line->step->outcome == SHOW_REFUSED) {
        reason_unsay(line);
        reason_say(line, "it needs %" PRIu64 " frames, and only %zu are free: all or nothing",
                   pages, free);
        return;
    }
    if (access_lowest(line->reason, map, line->step->op->block)) {
        reason_say(line, "; any frames will do, and the lowest free ones are taken");
    }
}

void reason_alloc_demand(struct reason_line *line, const struct show_map *map)
{
    if (line->step->outcome != SHOW_DONE) {
        return;
    }
    if (reason_block(map->pieces, map->count, line->step->op->block) != NULL && map->frame == 0) {
        reason_alloc_fit(line, map);
        access_say_victims(line, map, "second-chance");
        access_note(line->reason, line->step->op->block, MEMS_PAGE_NONE, true);
        return;
    }
    if (line->reason->frame != 0) {
        access_say_pages(line);
        reason_say(line, "; ");
    }
    reason_say(line, "on demand: nothing comes into memory before it is used");
}

void reason_free_frames(struct reason_line *line, const struct show_map *map)
{
    size_t before = 0, after = 0;
    for (size_t i = 0; i < line->reason->count; i++) {
        before += line->reason->pieces[i].kind == MEMS_PIECE_HOLE;
    }
    for (size_t i = 0; i < map->count; i++) {
        after += map->pieces[i].kind == MEMS_PIECE_HOLE;
    }
    reason_say(line,
               "%zu frame%s free again: %zu now; nothing to join, any free frame is as good "
               "as another",
               after - before, after - before == 1 ? " is" : "s are", after);
}

// ---- addresses ----------------------------------------------------------------------------------

// base + offset, or the trap.
static bool access_say_segment(struct reason_line *line, const struct show_map *map)
{
    const struct trace_op *op = line->step->op;
    uint64_t offset = op->size * line->reason->unit;
    const struct show_piece *block = reason_block(map->pieces, map->count, op->block);
    if (block == NULL) {
        return false;
    }
    reason_amount(line, offset);
    if (offset >= block->requested) {
        reason_say(line, " is not below the limit ");
        reason_amount(line, block->requested);
        reason_say(line, ": trap");
        return true;
    }
    reason_say(line, " is below the limit ");
    reason_amount(line, block->requested);
    reason_say(line, ": base ");
    reason_amount(line, block->at);
    reason_say(line, " + ");
    reason_amount(line, offset);
    reason_say(line, " = ");
    reason_amount(line, block->at + offset);
    line->step->choice = (struct show_choice){true, block->at + offset, line->reason->unit};
    return true;
}

void reason_touch_segment(struct reason_line *line, const struct show_map *map)
{
    (void)access_say_segment(line, map);
}

void reason_touch_demand(struct reason_line *line, const struct show_map *map)
{
    const struct trace_op *op = line->step->op;
    const struct show_piece *now = reason_block(map->pieces, map->count, op->block);
    const struct show_piece *then =
        reason_block(line->reason->pieces, line->reason->count, op->block);
    if (now == NULL || map->frame != 0) {
        return;
    }
    access_say_segment(line, map);
    if (then == NULL) {
        reason_say(line, "; the segment was not in memory: it is placed at ");
        reason_amount(line, now->at);
        access_say_victims(line, map, "second-chance");
    }
    access_note(line->reason, op->block, now->page, then == NULL);
}

// The piece of the block with this page of its process, or NULL.
static const struct show_piece *access_page(const struct show_piece *pieces, size_t count,
                                            uint32_t block, uint64_t page)
{
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].block == block && pieces[i].page == page && !pieces[i].absent) {
            return &pieces[i];
        }
    }
    return NULL;
}

void reason_touch_page(struct reason_line *line, const struct show_map *map)
{
    const struct trace_op *op = line->step->op;
    struct reason *reason = line->reason;
    uint64_t frame = map->frame, offset = op->size * reason->unit, first = UINT64_MAX;
    if (frame == 0 || line->step->outcome != SHOW_DONE) {
        reason_say(line, line->step->outcome == SHOW_NOTHING ? "past the last page: trap" : "");
        return;
    }
    for (size_t i = 0; i < map->count; i++) {
        const struct show_piece *piece = &map->pieces[i];
        first = piece->block == op->block && piece->page < first ? piece->page : first;
    }
    uint64_t page = first + offset / frame;
    const struct show_piece *now = access_page(map->pieces, map->count, op->block, page);
    if (first == UINT64_MAX || now == NULL) {
        return;
    }
    bool was = access_page(reason->pieces, reason->count, op->block, page) != NULL;
    reason_amount(line, offset);
    reason_say(line, " is page %" PRIu64 ", offset ", offset / frame);
    reason_amount(line, offset % frame);
    if (page != offset / frame) {
        reason_say(line, " (page %" PRIu64 " of its process)", page);
    }
    reason_say(line, "%s in frame %" PRIu64 ": %" PRIu64 " x ",
               was ? "; the table has it" : "; not in memory, a fault; now", now->at / frame,
               now->at / frame);
    reason_amount(line, frame);
    reason_say(line, " + ");
    reason_amount(line, offset % frame);
    reason_say(line, " = ");
    reason_amount(line, now->at + offset % frame);
    line->step->choice = (struct show_choice){true, now->at + offset % frame, reason->unit};
    access_say_victims(line, map, "sieve");
    access_note(reason, op->block, page, !was);
}
