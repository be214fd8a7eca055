// SPDX-License-Identifier: MIT
//
// queue.h - lists of small numbers (frames, ghosts) whose links lie in one array beside them.
//
// An item is an index into `links`; so is each queue's anchor, which closes the ring of its items,
// so that no step has a case for an end. Several queues may share an array; an item is in one of
// them at most, and the caller knows in which. The front is where items leave, as a rule; the back
// is where they come in. Eight bytes an item. All steps are O(1) but the check.

#ifndef POLICY_REPLACEMENT_QUEUE_H
#define POLICY_REPLACEMENT_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#define QUEUE_NONE UINT32_MAX

struct queue_link {
    uint32_t before, after; // towards the front, towards the back
};

// after(before(i)) == i == before(after(i)) for each item and the anchor                       (Q1)
// items in the ring, without the anchor == count                                               (Q2)
struct queue {
    struct queue_link *links;
    uint32_t anchor;
    uint32_t count;
};

static inline void queue_init(struct queue *queue, struct queue_link *links, uint32_t anchor)
{
    links[anchor] = (struct queue_link){anchor, anchor};
    *queue = (struct queue){links, anchor, 0};
}

static inline uint32_t queue_item(const struct queue *queue, uint32_t i)
{
    return i == queue->anchor ? QUEUE_NONE : i;
}

// QUEUE_NONE when there is none.
static inline uint32_t queue_front(const struct queue *queue)
{
    return queue_item(queue, queue->links[queue->anchor].after);
}

static inline uint32_t queue_back(const struct queue *queue)
{
    return queue_item(queue, queue->links[queue->anchor].before);
}

// The neighbour of an item towards the back, towards the front.
static inline uint32_t queue_after(const struct queue *queue, uint32_t i)
{
    return queue_item(queue, queue->links[i].after);
}

static inline uint32_t queue_before(const struct queue *queue, uint32_t i)
{
    return queue_item(queue, queue->links[i].before);
}

// From the front to the back: the first item (`i` is QUEUE_NONE), or the one after `i`.
static inline uint32_t queue_next(const struct queue *queue, uint32_t i)
{
    return i == QUEUE_NONE ? queue_front(queue) : queue_after(queue, i);
}

// The same from item `hand` on, round the whole ring.
static inline uint32_t queue_round(const struct queue *queue, uint32_t hand, uint32_t i)
{
    if (i == QUEUE_NONE) {
        return hand;
    }
    uint32_t after = queue_after(queue, i);
    after = after == QUEUE_NONE ? queue_front(queue) : after;
    return after == hand ? QUEUE_NONE : after;
}

// `at` is an item or the anchor: before the anchor is the back.
static inline void queue_insert_before(struct queue *queue, uint32_t at, uint32_t i)
{
    struct queue_link *links = queue->links;
    uint32_t before = links[at].before;
    links[i] = (struct queue_link){before, at};
    links[before].after = i;
    links[at].before = i;
    queue->count++;
}

static inline void queue_push_back(struct queue *queue, uint32_t i)
{
    queue_insert_before(queue, queue->anchor, i);
}

static inline void queue_remove(struct queue *queue, uint32_t i)
{
    struct queue_link link = queue->links[i];
    queue->links[link.before].after = link.after;
    queue->links[link.after].before = link.before;
    queue->count--;
}

static inline void queue_move_back(struct queue *queue, uint32_t i)
{
    queue_remove(queue, i);
    queue_push_back(queue, i);
}

static inline uint32_t queue_pop_front(struct queue *queue)
{
    uint32_t i = queue_front(queue);
    if (i != QUEUE_NONE) {
        queue_remove(queue, i);
    }
    return i;
}

// `other` takes the place of `i`.
static inline void queue_replace(struct queue *queue, uint32_t i, uint32_t other)
{
    struct queue_link link = queue->links[i];
    queue->links[other] = link;
    queue->links[link.before].after = other;
    queue->links[link.after].before = other;
}

// Verifies Q1 and Q2. O(count).
static inline bool queue_check(const struct queue *queue)
{
    uint32_t i = queue->anchor, steps = 0;
    do {
        uint32_t after = queue->links[i].after;
        if (queue->links[after].before != i || steps > queue->count) {
            return false;
        }
        steps++;
        i = after;
    } while (i != queue->anchor);
    return steps == queue->count + 1;
}

#endif
