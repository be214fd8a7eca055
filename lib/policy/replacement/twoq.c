// SPDX-License-Identifier: MIT
//
// twoq.c - 2Q: a page must come back after it went before it is treated as one that is in use.
//
// 1. Theory. Johnson, Shasha, 2Q: A Low Overhead High Performance Buffer Management Replacement
//    Algorithm, VLDB 1994 (the full version). A1in, first in, first out: pages seen for the first
//    time; a hit there changes nothing, for references that come close together say little. A1out:
//    keys of pages that left A1in. Am, least recently used first: pages that faulted while in
//    A1out. With c frames Kin = int(c/4), Kout = int(c/2).
// 2. A victim is the oldest of A1in when |A1in| > Kin, and goes to A1out; else the least recently
//    used of Am, and is forgotten. Where pages are released by their owners, or evicted in batches,
//    Am may be empty with |A1in| <= Kin: then A1in gives all the same.
// 3. A page that comes back leaves A1out before its fault evicts another (history.h).

#include "policy/replacement/history.h"
#include "policy/replacement/layout.h"
#include "policy/replacement/queue.h"
#include "policy/replacement/replacement.h"

// a1in, am: each loaded frame in one of them; in_am[f] says in which                        (2Q1)
// out holds at most Kout keys, none of them of a loaded page                                (2Q2)
struct twoq {
    const struct replacement_config *config;
    struct queue a1in; // least recently loaded first
    struct queue am;   // least recently used first
    struct history out;
    uint32_t kin;
    struct queue_link *links;
    uint64_t *key; // of a loaded frame
    bool *in_am;
};

static size_t twoq_layout(struct twoq *twoq, uintptr_t base, uint32_t frames)
{
    struct layout layout = {base};
    layout_take(&layout, 1, sizeof *twoq);
    twoq->links = layout_take(&layout, (size_t)frames + 2, sizeof *twoq->links);
    twoq->key = layout_take(&layout, frames, sizeof *twoq->key);
    twoq->in_am = layout_take(&layout, frames, sizeof *twoq->in_am);
    history_layout(&twoq->out, &layout, frames / 2);
    return layout.at - base;
}

static size_t twoq_bytes(const struct replacement_config *config)
{
    struct twoq measured;
    return twoq_layout(&measured, 0, config->frames);
}

static void twoq_init(void *state, const struct replacement_config *config)
{
    struct twoq *twoq = state;
    twoq_layout(twoq, (uintptr_t)state, config->frames);
    twoq->config = config;
    twoq->kin = config->frames / 4;
    queue_init(&twoq->a1in, twoq->links, config->frames);
    queue_init(&twoq->am, twoq->links, config->frames + 1);
    history_init(&twoq->out);
}

static bool twoq_hit(void *state, uint32_t frame)
{
    struct twoq *twoq = state;
    if (twoq->in_am[frame]) {
        queue_move_back(&twoq->am, frame);
    }
    return true;
}

static uint32_t twoq_victim(void *state, uint64_t incoming)
{
    struct twoq *twoq = state;
    bool returning = history_returning(&twoq->out, incoming);
    if (twoq->am.count > 0 && twoq->a1in.count <= twoq->kin) {
        return queue_pop_front(&twoq->am);
    }
    uint32_t frame = queue_pop_front(&twoq->a1in);
    if (frame != QUEUE_NONE) {
        history_add(&twoq->out, twoq->key[frame], returning);
    }
    return frame;
}

static void twoq_load(void *state, uint32_t frame, uint64_t key)
{
    struct twoq *twoq = state;
    store_relaxed(&twoq->config->touch[frame], 0);
    twoq->key[frame] = key;
    twoq->in_am[frame] = history_take(&twoq->out, key);
    queue_push_back(twoq->in_am[frame] ? &twoq->am : &twoq->a1in, frame);
}

static void twoq_forget(void *state, uint32_t frame)
{
    struct twoq *twoq = state;
    queue_remove(twoq->in_am[frame] ? &twoq->am : &twoq->a1in, frame);
}

static bool twoq_queue_check(const struct twoq *twoq, const struct queue *queue, bool in_am)
{
    if (!queue_check(queue)) {
        return false;
    }
    uint32_t i = queue_front(queue);
    while (i != QUEUE_NONE && twoq->in_am[i] == in_am) {
        i = queue_after(queue, i);
    }
    return i == QUEUE_NONE;
}

static const char *twoq_check(const void *state)
{
    const struct twoq *twoq = state;
    if (!twoq_queue_check(twoq, &twoq->a1in, false) || !twoq_queue_check(twoq, &twoq->am, true)) {
        return "2Q1";
    }
    if (!history_check(&twoq->out)) {
        return "2Q2";
    }
    for (uint32_t i = queue_front(&twoq->a1in); i != QUEUE_NONE; i = queue_after(&twoq->a1in, i)) {
        if (ghost_find(&twoq->out.table, twoq->key[i]) != GHOST_NONE) {
            return "2Q2";
        }
    }
    return NULL;
}

const struct replacement replacement_2q = {
    .name = "2q",
    .help = "new pages in a first-in-first-out queue; those that come back in one by last use",
    .touch = REPLACEMENT_TOUCH_ORDER,
    .bytes = twoq_bytes,
    .init = twoq_init,
    .hit = twoq_hit,
    .victim = twoq_victim,
    .load = twoq_load,
    .forget = twoq_forget,
    .check = twoq_check,
};
