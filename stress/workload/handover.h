// SPDX-License-Identifier: MIT
//
// handover.h - blocks that the next thread frees: a mailbox for each thread.
//
// A mailbox is a ring with one putter, the thread before, and one taker, its owner, who empties it
// now and then. Into a full one the putter waits, emptying its own meanwhile, so that a circle of
// full mailboxes drains. A thread ends after its predecessor's last block.

#ifndef WORKLOAD_HANDOVER_H
#define WORKLOAD_HANDOVER_H

#include "workload/op.h"
#include "workload/ring.h"

#define HANDOVER_ROOM 256u // blocks in a mailbox

struct handover {
    struct ring inbox;
    struct slot letters[HANDOVER_ROOM]; // what the inbox counts
};

static inline void handover_init(struct handover *own)
{
    ring_init(&own->inbox, HANDOVER_ROOM);
}

// Frees what others have handed over. False: there was nothing.
static inline bool handover_empty(struct worker *worker, struct handover *own)
{
    uint64_t place;
    bool any = false;
    while (ring_take_try(&own->inbox, &place)) {
        struct slot letter = own->letters[place];
        ring_take_end(&own->inbox);
        op_free(worker, &letter);
        any = true;
    }
    return any;
}

// The block of a full slot goes to `next`; the slot is empty then.
static inline void handover_give(struct worker *worker, struct handover *own, struct handover *next,
                                 struct slot *slot)
{
    uint64_t place;
    unsigned turns = 0;
    while (!ring_put_try(&next->inbox, &place)) {
        if (!handover_empty(worker, own)) {
            ring_pause(&turns);
        }
    }
    next->letters[place] = *slot;
    ring_put_end(&next->inbox);
    slot->size = 0;
}

// The thread gives no more; returns when it has freed the last that it is given.
static inline void handover_end(struct worker *worker, struct handover *own, struct handover *next)
{
    unsigned turns = 0;
    ring_end(&next->inbox);
    while (!ring_has_ended(&own->inbox)) {
        if (!handover_empty(worker, own)) {
            ring_pause(&turns);
        }
    }
    handover_empty(worker, own);
}

#endif
