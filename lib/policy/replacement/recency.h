// SPDX-License-Identifier: MIT
//
// recency.h - pages by the time of their last reference; time is the count of references.
//
// What the variable allotments, ws and pff, have in common. A reference is a hit or a load.

#ifndef POLICY_REPLACEMENT_RECENCY_H
#define POLICY_REPLACEMENT_RECENCY_H

#include "policy/replacement/layout.h"
#include "policy/replacement/queue.h"
#include "policy/replacement/replacement.h"

// order: the loaded frames, `last` rising from the front                                      (RE1)
// last[f] <= now                                                                              (RE2)
struct recency {
    const struct replacement_config *config;
    uint64_t now; // references so far
    struct queue order;
    struct queue_link *links;
    uint64_t *last; // reference of a loaded frame
};

static inline void recency_layout(struct recency *recency, struct layout *layout, uint32_t frames)
{
    recency->links = layout_take(layout, (size_t)frames + 1, sizeof *recency->links);
    recency->last = layout_take(layout, frames, sizeof *recency->last);
}

static inline void recency_init(struct recency *recency, const struct replacement_config *config)
{
    recency->config = config;
    queue_init(&recency->order, recency->links, config->frames);
}

static inline void recency_hit(struct recency *recency, uint32_t frame)
{
    recency->last[frame] = ++recency->now;
    queue_move_back(&recency->order, frame);
}

static inline void recency_load(struct recency *recency, uint32_t frame)
{
    store_relaxed(&recency->config->touch[frame], 0);
    recency->last[frame] = ++recency->now;
    queue_push_back(&recency->order, frame);
}

// Verifies RE1 and RE2. O(frames).
static inline bool recency_check(const struct recency *recency)
{
    if (!queue_check(&recency->order)) {
        return false;
    }
    uint64_t last = 0;
    for (uint32_t i = queue_front(&recency->order); i != QUEUE_NONE;
         i = queue_after(&recency->order, i)) {
        if (recency->last[i] <= last || recency->last[i] > recency->now) {
            return false;
        }
        last = recency->last[i];
    }
    return true;
}

#endif
