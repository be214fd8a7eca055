// SPDX-License-Identifier: MIT
//
// history.h - the last pages that were evicted, first in, first out: 2Q's A1out, S3-FIFO's ghosts.
//
// A page that faults and is remembered leaves the history before its fault evicts another page. The
// fault comes in two calls, victim and load, and others may come in between: so at the first the
// page is made the newest, which keeps it from being forgotten, and does not count any more; at the
// second it leaves.

#ifndef POLICY_REPLACEMENT_HISTORY_H
#define POLICY_REPLACEMENT_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/replacement/ghost.h"
#include "policy/replacement/queue.h"

// order: the numbers in use in `table`, oldest first; order.count == table.count              (HI1)
// order.count <= limit, or limit + 1 with a page that is coming back                          (HI2)
struct history {
    struct ghost_table table;
    struct queue order;
    struct queue_link *links;
    uint32_t limit;
};

static inline void history_layout(struct history *history, struct layout *layout, uint32_t limit)
{
    history->limit = limit;
    ghost_layout(&history->table, layout, limit + 1);
    history->links = layout_take(layout, (size_t)limit + 2, sizeof *history->links);
}

static inline void history_init(struct history *history)
{
    queue_init(&history->order, history->links, history->limit + 1);
}

// A fault on `key` begins. Whether it is remembered.
static inline bool history_returning(struct history *history, uint64_t key)
{
    uint32_t number = ghost_find(&history->table, key);
    if (number != GHOST_NONE) {
        queue_move_back(&history->order, number);
    }
    return number != GHOST_NONE;
}

// `key` has been evicted, for a page that is coming back (`returning`) or for another.
static inline void history_add(struct history *history, uint64_t key, bool returning)
{
    if (history->limit == 0) {
        return;
    }
    while (history->order.count >= history->limit + (returning ? 1 : 0)) {
        ghost_remove(&history->table, queue_pop_front(&history->order));
    }
    queue_push_back(&history->order, ghost_insert(&history->table, key));
}

// A fault on `key` ends: it is forgotten here. Whether it was remembered.
static inline bool history_take(struct history *history, uint64_t key)
{
    uint32_t number = ghost_find(&history->table, key);
    if (number != GHOST_NONE) {
        queue_remove(&history->order, number);
        ghost_remove(&history->table, number);
    }
    return number != GHOST_NONE;
}

// Verifies HI1 and HI2, G1 and G2. O(limit).
static inline bool history_check(const struct history *history)
{
    return queue_check(&history->order) && ghost_check(&history->table) &&
           history->order.count == history->table.count &&
           history->order.count <= history->limit + 1;
}

#endif
