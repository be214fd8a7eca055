// SPDX-License-Identifier: MIT
//
// decision.h - what one operation did with an engine's memory, seen from outside: the map before
// it, the map after it.

#ifndef RUN_DECISION_H
#define RUN_DECISION_H

#include "run/picture.h"

#define DECISION_PLACES     8192
#define DECISION_CANDIDATES 4096

// A hole or a frame.
struct decision_place {
    uint64_t offset, size, page;
    uint32_t arena, region, space, kind;
};

struct decision {
    // before the operation
    struct mems_stats stats;
    bool whole; // places[] has every hole and frame
    uint32_t count;
    struct decision_place places[DECISION_PLACES];
    uint32_t candidate_count; // DECISION_CANDIDATES: there may be more
    struct mems_candidate candidates[DECISION_CANDIDATES];
    // the block that is about to be freed; size 0: not found, or in several pieces
    mems_addr addr;
    struct decision_place block;
    uint32_t frames; // pieces of it in memory
};

enum decision_kind { DECISION_ALLOC, DECISION_FREE, DECISION_RESIZE, DECISION_TOUCH };

// Looks at the memory as it is. `addr`: of the block that is to be freed; else 0.
void decision_before(struct decision *decision, struct mems_engine *engine, mems_addr addr);
// Looks again, and says what the operation between the two came to. `addr`: the block that was
// allocated, 0: refused. Only where nobody else has used the engine in between.
void decision_after(const struct decision *decision, struct mems_engine *engine,
                    enum decision_kind kind, mems_addr addr, uint64_t asked,
                    struct picture_decision *made);

#endif
