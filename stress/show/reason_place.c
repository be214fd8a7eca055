// SPDX-License-Identifier: MIT
//
// reason_place.c - why this hole, this partition; what a free block was joined with.

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "show/reason_inner.h"

#define PLACE_TOLD    8  // holes that a reason names, at most
#define PLACE_GRANULE 16 // of the engine, where no option says another

// ---- fits ---------------------------------------------------------------------------------------

enum place_fit { FIT_FIRST, FIT_NEXT, FIT_BEST, FIT_WORST, FIT_BUDDY, FIT_TLSF, FIT_COUNT };

static const char *const place_fits[FIT_COUNT] = {"first", "next",  "best",
                                                  "worst", "buddy", "tlsf"};

static enum place_fit place_fit(const struct reason *reason)
{
    char name[16] = "first";
    enum place_fit fit = FIT_FIRST;
    reason_option(reason, "fit", name, sizeof name);
    while (fit < FIT_COUNT - 1 && strcmp(place_fits[fit], name) != 0) {
        fit++;
    }
    return fit;
}

// A request, the holes that there were, and the one that the rule picks.
struct place {
    const struct reason *reason;
    enum place_fit fit;
    uint64_t asked, want; // bytes; want: after rounding up
    size_t fitting;       // holes that hold it
    const struct show_piece *picked;
};

static bool place_is_hole(const struct show_piece *piece)
{
    return piece->kind == MEMS_PIECE_HOLE && !piece->absent;
}

static uint64_t place_want(const struct reason *reason, enum place_fit fit, uint64_t size)
{
    char text[24];
    uint64_t granule = PLACE_GRANULE, power = PLACE_GRANULE;
    if (reason_option(reason, "granule", text, sizeof text)) {
        uint64_t told = strtoull(text, NULL, 10);
        granule = told > 0 ? told : granule;
    }
    while (power < size) {
        power *= 2;
    }
    return fit == FIT_BUDDY ? power : (size + granule - 1) / granule * granule;
}

// Whether the rule would rather have `piece` than what it has picked from those below it.
static bool place_better(const struct place *place, const struct show_piece *piece)
{
    const struct show_piece *picked = place->picked;
    uint64_t rover = place->reason->rover;
    if (picked == NULL) {
        return true;
    }
    switch (place->fit) {
    case FIT_NEXT:
        return picked->at < rover && piece->at >= rover;
    case FIT_BEST:
    case FIT_BUDDY:
        return piece->size < picked->size;
    case FIT_WORST:
        return piece->size > picked->size;
    default:
        return false; // the lowest
    }
}

static struct place place_pick(const struct reason *reason, uint64_t asked)
{
    struct place place = {.reason = reason, .fit = place_fit(reason), .asked = asked};
    place.want = place_want(reason, place.fit, asked);
    for (size_t i = 0; i < reason->count; i++) {
        const struct show_piece *piece = &reason->pieces[i];
        if (place_is_hole(piece) && piece->size >= place.want) {
            place.fitting++;
            place.picked = place_better(&place, piece) ? piece : place.picked;
        }
    }
    return place;
}

// Whether `piece` can be what the rule took: the one it picks, or with buddies one as large.
static bool place_agrees(const struct place *place, const struct show_piece *piece)
{
    if (place->picked == NULL || piece == NULL || !place_is_hole(piece)) {
        return false;
    }
    return place->fit == FIT_BUDDY  ? piece->size == place->picked->size
           : place->fit == FIT_TLSF ? piece->size >= place->want
                                    : piece == place->picked;
}

// The holes, in order from `first`, that are large enough (or those that are not), but for `but`.
static size_t place_list(struct reason_line *line, const struct place *place, bool fitting,
                         uint64_t first, const struct show_piece *but)
{
    const struct reason *reason = place->reason;
    size_t told = 0, count = 0;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < reason->count; i++) {
            const struct show_piece *piece = &reason->pieces[i];
            bool mine = place_is_hole(piece) && (piece->size >= place->want) == fitting &&
                        piece != but && (piece->at >= first) == (round == 0);
            count += mine;
            if (mine && told < PLACE_TOLD) {
                reason_say(line, "%s", told++ > 0 ? ", " : "");
                reason_place(line, piece);
            }
        }
    }
    if (count > told) {
        reason_say(line, " and %zu more", count - told);
    }
    return count;
}

// The holes that were looked at before the one that was taken, all of them too small.
static void place_passed(struct reason_line *line, const struct place *place, uint64_t first)
{
    const struct reason *reason = place->reason;
    size_t told = 0, count = 0;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < reason->count; i++) {
            const struct show_piece *piece = &reason->pieces[i];
            if (!place_is_hole(piece) || (piece->at >= first) != (round == 0)) {
                continue;
            }
            if (piece == place->picked) {
                reason_say(line, "%s%s", told > 0 && count > told ? ", .." : "",
                           count == 0   ? ""
                           : count == 1 ? " is too small; "
                                        : " are too small; ");
                return;
            }
            count++;
            if (told < PLACE_TOLD) {
                reason_say(line, "%s", told++ > 0 ? ", " : "");
                reason_place(line, piece);
            }
        }
    }
}

static void place_rest(struct reason_line *line, const struct show_piece *hole,
                       const struct show_piece *block)
{
    uint64_t rest = hole->at + hole->size - (block->at + block->size);
    if (rest == 0) {
        reason_say(line, "; nothing is left of it");
    } else {
        reason_say(line, "; ");
        reason_amount(line, rest);
        reason_say(line, " of it stay free at ");
        reason_amount(line, block->at + block->size);
    }
}

static void place_say_walk(struct reason_line *line, const struct place *place,
                           const struct show_piece *block)
{
    const struct show_piece *hole = place->picked;
    if (place->fit == FIT_NEXT) {
        reason_say(line, "next fit goes on from ");
        reason_amount(line, place->reason->rover);
        reason_say(line, place->reason->rover == 0 ? ", where it begins: "
                                                   : ", where the last allocation ended: ");
    } else {
        reason_say(line, "first fit begins at the lowest address: ");
    }
    place_passed(line, place, place->fit == FIT_NEXT ? place->reason->rover : 0);
    reason_place(line, hole);
    if (place->fit == FIT_NEXT && hole->at < place->reason->rover) {
        reason_say(line, ", round again from the start,");
    }
    reason_say(line, " is the first that holds ");
    reason_amount(line, place->want);
    place_rest(line, hole, block);
}

static void place_say_choice(struct reason_line *line, const struct place *place,
                             const struct show_piece *block)
{
    const struct show_piece *hole = place->picked;
    bool best = place->fit == FIT_BEST;
    reason_say(line, "%s fit looks at every hole: ", place_fits[place->fit]);
    reason_place(line, hole);
    if (place->fitting == 1) {
        reason_say(line, " is the only one that holds ");
        reason_amount(line, place->want);
    } else {
        reason_say(line, " is the %s that holds ", best ? "smallest" : "largest");
        reason_amount(line, place->want);
        reason_say(line, " (the others that do: ");
        place_list(line, place, true, 0, hole);
        reason_say(line, ")");
    }
    place_rest(line, hole, block);
}

static void place_say_buddy(struct reason_line *line, const struct place *place,
                            const struct show_piece *hole)
{
    reason_amount(line, place->asked);
    if (place->want != place->asked) {
        reason_say(line, " rounds up to ");
        reason_amount(line, place->want);
    }
    reason_say(line, place->want != place->asked ? ", a power of two; " : " is a power of two; ");
    reason_say(line, "the smallest free block that holds it is ");
    reason_place(line, hole);
    if (hole->size == place->want) {
        reason_say(line, ", exactly as large");
        return;
    }
    reason_say(line, ": halved to ");
    for (uint64_t size = hole->size / 2; size >= place->want; size /= 2) {
        reason_amount(line, size);
        reason_say(line, "%s", size > place->want ? ", " : "");
    }
    reason_say(line, "; the lower half each time, the upper ones are free");
}

static void place_say_refused(struct reason_line *line, const struct place *place)
{
    const struct reason *reason = place->reason;
    uint64_t free_bytes = 0;
    size_t holes = 0;
    for (size_t i = 0; i < reason->count; i++) {
        bool hole = place_is_hole(&reason->pieces[i]);
        holes += hole;
        free_bytes += hole ? reason->pieces[i].size : 0;
    }
    if (place->fitting > 0) {
        return; // it is not for want of a hole
    }
    if (holes == 0) {
        reason_say(line, "there is no hole at all: it must wait");
        return;
    }
    reason_say(line, "no hole holds ");
    reason_amount(line, place->want);
    reason_say(line, ": ");
    place_list(line, place, false, 0, NULL);
    reason_say(line, "; ");
    reason_amount(line, free_bytes);
    if (free_bytes >= place->want) {
        reason_say(line, " are free in all, but not in one piece (external fragmentation): "
                         "it must wait");
    } else {
        reason_say(line, " are free in all: no fit could place it");
    }
}

static void place_say_taken(struct reason_line *line, const struct place *place,
                            const struct show_piece *hole, const struct show_piece *block)
{
    line->step->choice = (struct show_choice){true, hole->at, hole->size};
    switch (place->fit) {
    case FIT_FIRST:
    case FIT_NEXT:
        place_say_walk(line, place, block);
        return;
    case FIT_BUDDY:
        place_say_buddy(line, place, hole);
        return;
    case FIT_TLSF:
        reason_say(line, "TLSF takes a hole from the lowest size class all of whose holes hold ");
        reason_amount(line, place->want);
        reason_say(line, ", without a search: ");
        reason_place(line, hole);
        place_rest(line, hole, block);
        return;
    default:
        place_say_choice(line, place, block);
    }
}

void reason_alloc_fit(struct reason_line *line, const struct show_map *map)
{
    struct reason *reason = line->reason;
    const struct trace_op *op = line->step->op;
    uint64_t size = (op->size > 0 ? op->size : 1) * reason->unit;
    struct place place = place_pick(reason, size);
    if (line->step->outcome == SHOW_REFUSED) {
        place_say_refused(line, &place);
        return;
    }
    const struct show_piece *block = reason_block(map->pieces, map->count, op->block);
    if (block == NULL) {
        return;
    }
    const struct show_piece *hole = reason_at(reason->pieces, reason->count, block->at);
    if (place_agrees(&place, hole) && !(reason->rover_lost && place.fit == FIT_NEXT)) {
        place_say_taken(line, &place, hole, block);
    }
    reason->rover = block->at + block->size;
    reason->rover_lost = false;
}

void reason_resize_fit(struct reason_line *line, const struct show_map *map)
{
    const struct reason *reason = line->reason;
    const struct trace_op *op = line->step->op;
    const struct show_piece *was = reason_block(reason->pieces, reason->count, op->block);
    const struct show_piece *is = reason_block(map->pieces, map->count, op->block);
    struct place place = place_pick(reason, (op->size > 0 ? op->size : 1) * reason->unit);
    if (line->step->outcome == SHOW_REFUSED) {
        place_say_refused(line, &place);
        return;
    }
    if (was == NULL || is == NULL) {
        return;
    }
    if (was->at != is->at) {
        reason_say(line, "not enough is free behind it: it moves, and ");
        reason_place(line, was);
        reason_say(line, " is free again");
    } else if (was->size < is->size) {
        reason_say(line, "it grows in place, into what was free behind it");
    } else if (was->size > is->size) {
        reason_say(line, "it shrinks in place: ");
        reason_amount(line, was->size - is->size);
        reason_say(line, " behind it are free now");
    } else {
        reason_say(line, "it fits where it is");
    }
}

// ---- release ------------------------------------------------------------------------------------

// 128 and 128 XOR 128, level by level, up to what is free now.
static void place_say_buddies(struct reason_line *line, const struct show_piece *gone,
                              const struct show_piece *hole, const struct show_map *map)
{
    uint64_t at = gone->at, size = gone->size;
    while (size < hole->size) {
        uint64_t buddy = at ^ size;
        reason_say(line, "the buddy of ");
        reason_amount(line, size);
        reason_say(line, " at ");
        reason_amount(line, at);
        reason_say(line, " is at ");
        reason_amount(line, buddy);
        reason_say(line, " (XOR), free and whole: together ");
        at = at < buddy ? at : buddy;
        size *= 2;
        reason_amount(line, size);
        reason_say(line, " at ");
        reason_amount(line, at);
        reason_say(line, "; ");
    }
    const struct show_piece *other = reason_at(map->pieces, map->count, at ^ size);
    if (size == map->memory) {
        reason_say(line, "that is all of memory");
        return;
    }
    reason_say(line, "the buddy of ");
    reason_amount(line, size);
    reason_say(line, " at ");
    reason_amount(line, at);
    reason_say(line, " is at ");
    reason_amount(line, at ^ size);
    reason_say(line, other == NULL ? ", which is not there"
                     : other->kind == MEMS_PIECE_HOLE
                         ? ", of which only a part is free: they stay apart"
                         : ", in use: they stay apart");
}

// One hole of the release: what lay around the block.
static void place_say_merged(struct reason_line *line, const struct show_piece *gone,
                             const struct show_piece *hole)
{
    uint64_t before = gone->at - hole->at;
    uint64_t behind = hole->at + hole->size - (gone->at + gone->size);
    if (before == 0 && behind == 0) {
        reason_say(line, "no hole beside it: a hole of its own, ");
        reason_place(line, hole);
        return;
    }
    reason_say(line, "joined with the free ");
    if (before > 0) {
        reason_amount(line, before);
        reason_say(line, " before it%s", behind > 0 ? " and the " : "");
    }
    if (behind > 0) {
        reason_amount(line, behind);
        reason_say(line, " behind it");
    }
    reason_say(line, ": one hole, ");
    reason_place(line, hole);
}

static bool place_is_gone(const struct trace_op *op, const struct show_piece *piece)
{
    return piece->kind == MEMS_PIECE_BLOCK && !piece->absent && !piece->more &&
           (op->kind == TRACE_FREE ? piece->block == op->block
                                   : piece->block != SHOW_NOBODY && piece->process == op->process);
}

void reason_free_merge(struct reason_line *line, const struct show_map *map)
{
    const struct reason *reason = line->reason;
    uint64_t told = UINT64_MAX; // the hole that was told last
    size_t holes = 0;
    bool buddies = strcmp(reason->policy, "dynamic") == 0 && place_fit(reason) == FIT_BUDDY;
    for (size_t i = 0; i < reason->count; i++) {
        const struct show_piece *gone = &reason->pieces[i];
        if (!place_is_gone(line->step->op, gone)) {
            continue;
        }
        const struct show_piece *hole = reason_at(map->pieces, map->count, gone->at);
        if (hole == NULL || hole->kind != MEMS_PIECE_HOLE || hole->at == told ||
            holes == PLACE_TOLD) {
            continue;
        }
        reason_say(line, "%s", holes++ > 0 ? "; " : "");
        told = hole->at;
        if (buddies) {
            place_say_buddies(line, gone, hole, map);
        } else {
            place_say_merged(line, gone, hole);
        }
    }
}

// ---- partitions ---------------------------------------------------------------------------------

static void place_partition_refused(struct reason_line *line, uint64_t asked, size_t free,
                                    bool queues)
{
    if (free == 0) {
        reason_say(line, "every partition is taken: it must wait for one");
        return;
    }
    reason_say(line, "of the %zu free partition%s none %sholds ", free, free == 1 ? "" : "s",
               queues ? "of the smallest size that fits " : "");
    reason_amount(line, asked);
}

void reason_alloc_partition(struct reason_line *line, const struct show_map *map)
{
    const struct reason *reason = line->reason;
    const struct trace_op *op = line->step->op;
    uint64_t asked = op->flag != 0 ? 1 : op->size * reason->unit;
    char queue[16] = "one";
    size_t free = 0, equal = 0, number = 0;
    const struct show_piece *block = reason_block(map->pieces, map->count, op->block);
    const struct show_piece *picked = NULL;
    reason_option(reason, "queue", queue, sizeof queue);
    for (size_t i = 0; i < reason->count; i++) {
        const struct show_piece *piece = &reason->pieces[i];
        bool hole = place_is_hole(piece), fits = hole && piece->size >= asked;
        free += hole;
        picked = fits && (picked == NULL || piece->size < picked->size) ? piece : picked;
    }
    for (size_t i = 0; i < reason->count && picked != NULL; i++) {
        equal += place_is_hole(&reason->pieces[i]) && reason->pieces[i].size == picked->size;
    }
    if (line->step->outcome == SHOW_REFUSED) {
        place_partition_refused(line, asked, free, strcmp(queue, "size") == 0);
        return;
    }
    while (block != NULL && number < map->count && &map->pieces[number] != block) {
        number++;
    }
    if (block == NULL || picked == NULL || picked->size != block->size) {
        return;
    }
    line->step->choice = (struct show_choice){true, block->at, block->size};
    if (op->flag != 0) {
        reason_say(line, "it asks for a partition, whatever the size: ");
    } else {
        reason_say(line, "partitions never split: ");
    }
    reason_say(line, "number %zu (", number);
    reason_place(line, block);
    if (free == 1) {
        reason_say(line, ") is the only free one");
    } else if (equal == free) {
        reason_say(line, ") is %s of the %zu that are free and alike",
                   picked->at == block->at ? "the first" : "one", free);
    } else {
        reason_say(line, ") is the smallest of %zu free ones that holds it", free);
    }
    if (op->flag == 0) {
        reason_say(line, "; ");
        reason_amount(line, block->size - asked);
        reason_say(line, " of it are wasted (internal fragmentation)");
    }
}

void reason_free_partition(struct reason_line *line, const struct show_map *map)
{
    (void)map;
    reason_say(line, "its partition is free again, as it was: partitions are not joined");
}

void reason_alloc_slab(struct reason_line *line, const struct show_map *map)
{
    const struct show_piece *block = reason_block(map->pieces, map->count, line->step->op->block);
    if (block != NULL && line->step->outcome == SHOW_DONE) {
        reason_say(line, "blocks of ");
        reason_amount(line, block->size);
        reason_say(line, " are the smallest class that holds it; a slab has blocks of one class");
    }
}
