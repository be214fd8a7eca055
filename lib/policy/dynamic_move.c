// SPDX-License-Identifier: MIT
//
// dynamic_move.c - dynamic partitioning with blocks that move (movable=yes).
//
// The textbooks' answer to external fragmentation; `mover` and `compact_after` imply it. When
// blocks move is told in policy/compaction.c, how in memory/extent_move.c. Without movable=yes a
// block stays where it was put, and a release is a plain store (engine/block.c); flat addresses are
// places, so what they name cannot move. A block of a buddy stands at a multiple of its size, next
// to the one it merges with; sliding it would gain nothing.

#include <errno.h>

#include "policy/dynamic.h"

int dynamic_move_validate(struct dynamic_settings *settings, struct printer *complaint)
{
    if (settings->compaction.mover || settings->compaction.after != 0) {
        settings->movable = true;
    }
    if (settings->movable && settings->addresses == 1) {
        print_text(complaint, "movable=yes, mover and compact_after: blocks with addresses=flat "
                              "cannot move");
        return EINVAL;
    }
    if (settings->movable && settings->fit == EXTENT_BUDDY) {
        print_text(complaint,
                   "movable=yes, mover and compact_after: buddies (fit=buddy) stand where "
                   "their sizes say and cannot move together");
        return EINVAL;
    }
    return 0;
}

static void arena_at(void *state, size_t index, struct compaction_arena *arena)
{
    struct dynamic *dynamic = state;
    arena->lock = &dynamic->arenas[index].lock;
    arena->extents = &dynamic->arenas[index].extents;
}

// The arenas are ready, and nobody but the mover sees them yet.
int dynamic_move_open(struct dynamic *dynamic, struct policy_site *site, struct printer *complaint)
{
    compaction_init(&dynamic->compaction, &dynamic->settings.compaction, arena_at, dynamic,
                    dynamic->settings.arenas, &dynamic->regions);
    site->moves = dynamic->settings.movable;
    return compaction_start(&dynamic->compaction, complaint);
}

int dynamic_compact(void *state, struct mems_compaction *done)
{
    struct dynamic *dynamic = state;
    return dynamic->settings.movable ? compaction_run(&dynamic->compaction, done) : ENOTSUP;
}
