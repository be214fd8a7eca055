// SPDX-License-Identifier: MIT
//
// s3fifo.c - S3-FIFO: three queues, first in, first out; most pages leave by a small one.
//
// 1. Theory. Yang, Zhang, Qiu, Yue, Vigfusson, FIFO Queues are All You Need for Cache Eviction,
//    SOSP 2023, as its authors' simulator runs it. With c frames: small holds int(c/10) pages, main
//    the rest, ghost the keys of the last int(0.9 c) pages that left small. A hit counts, to 3, and
//    moves nothing. A page that comes in goes to main when ghost remembers it, else to small; its
//    count is 0.
// 2. Victim. From main when it holds more than its share or small is empty, else from small.
//    Small: the oldest page; counted twice or more it goes on to main, its count cleared, and the
//    next is looked at; else it goes, and its key to ghost. When all of small has gone on, main
//    gives. Main: the oldest page; counted it is re-inserted with min(count, 3) - 1, else it goes
//    and is forgotten.
// 3. The shares are not limits: while frames are free small takes all that comes. A page that comes
//    back leaves ghost before its fault evicts another (history.h).
// 4. Cost. O(1) amortised over hits. A page in main is looked at four times at most, so that hits
//    of other threads cannot keep a victim from being found.

#include "policy/replacement/history.h"
#include "policy/replacement/layout.h"
#include "policy/replacement/queue.h"
#include "policy/replacement/replacement.h"

enum { S3FIFO_PROMOTE = 2, S3FIFO_MOST = 3 };

// small, main: each loaded frame in one of them; in_main[f] says in which                  (S3F1)
// ghost holds at most int(0.9 c) keys, none of them of a loaded page                       (S3F2)
struct s3fifo {
    const struct replacement_config *config;
    struct queue small, main; // least recently inserted first
    struct history ghost;
    uint32_t main_share;
    struct queue_link *links;
    uint64_t *key; // of a loaded frame
    bool *in_main;
};

static size_t s3fifo_layout(struct s3fifo *s3, uintptr_t base, uint32_t frames)
{
    struct layout layout = {base};
    layout_take(&layout, 1, sizeof *s3);
    s3->links = layout_take(&layout, (size_t)frames + 2, sizeof *s3->links);
    s3->key = layout_take(&layout, frames, sizeof *s3->key);
    s3->in_main = layout_take(&layout, frames, sizeof *s3->in_main);
    history_layout(&s3->ghost, &layout, (uint32_t)((uint64_t)frames * 9 / 10));
    return layout.at - base;
}

static size_t s3fifo_bytes(const struct replacement_config *config)
{
    struct s3fifo measured;
    return s3fifo_layout(&measured, 0, config->frames);
}

static void s3fifo_init(void *state, const struct replacement_config *config)
{
    struct s3fifo *s3 = state;
    s3fifo_layout(s3, (uintptr_t)state, config->frames);
    s3->config = config;
    s3->main_share = config->frames - config->frames / 10;
    queue_init(&s3->small, s3->links, config->frames);
    queue_init(&s3->main, s3->links, config->frames + 1);
    history_init(&s3->ghost);
}

// QUEUE_NONE when all pages of small have gone on to main.
static uint32_t s3fifo_evict_small(struct s3fifo *s3, bool returning)
{
    uint32_t frame = queue_pop_front(&s3->small);
    while (frame != QUEUE_NONE && replacement_touched(s3->config, frame) >= S3FIFO_PROMOTE) {
        replacement_retouch(s3->config, frame, 0);
        s3->in_main[frame] = true;
        queue_push_back(&s3->main, frame);
        frame = queue_pop_front(&s3->small);
    }
    if (frame != QUEUE_NONE) {
        history_add(&s3->ghost, s3->key[frame], returning);
    }
    return frame;
}

static uint32_t s3fifo_evict_main(struct s3fifo *s3)
{
    uint32_t frame = queue_pop_front(&s3->main);
    for (uint64_t steps = ((uint64_t)s3->main.count + 1) * 4; steps > 0 && frame != QUEUE_NONE;
         steps--) {
        uint8_t count = replacement_touched(s3->config, frame);
        if (count == 0) {
            break;
        }
        count = count < S3FIFO_MOST ? count : S3FIFO_MOST;
        replacement_retouch(s3->config, frame, (uint8_t)(count - 1));
        queue_push_back(&s3->main, frame);
        frame = queue_pop_front(&s3->main);
    }
    return frame;
}

static uint32_t s3fifo_victim(void *state, uint64_t incoming)
{
    struct s3fifo *s3 = state;
    bool returning = history_returning(&s3->ghost, incoming);
    uint32_t frame = QUEUE_NONE;
    if (s3->main.count <= s3->main_share) {
        frame = s3fifo_evict_small(s3, returning);
    }
    return frame != QUEUE_NONE ? frame : s3fifo_evict_main(s3);
}

static void s3fifo_load(void *state, uint32_t frame, uint64_t key)
{
    struct s3fifo *s3 = state;
    store_relaxed(&s3->config->touch[frame], 0);
    s3->key[frame] = key;
    s3->in_main[frame] = history_take(&s3->ghost, key);
    queue_push_back(s3->in_main[frame] ? &s3->main : &s3->small, frame);
}

static void s3fifo_forget(void *state, uint32_t frame)
{
    struct s3fifo *s3 = state;
    queue_remove(s3->in_main[frame] ? &s3->main : &s3->small, frame);
}

static const char *s3fifo_queue_check(const struct s3fifo *s3, const struct queue *queue,
                                      bool in_main)
{
    if (!queue_check(queue)) {
        return "S3F1";
    }
    for (uint32_t i = queue_front(queue); i != QUEUE_NONE; i = queue_after(queue, i)) {
        if (s3->in_main[i] != in_main) {
            return "S3F1";
        }
        if (ghost_find(&s3->ghost.table, s3->key[i]) != GHOST_NONE) {
            return "S3F2";
        }
    }
    return NULL;
}

static const char *s3fifo_check(const void *state)
{
    const struct s3fifo *s3 = state;
    const char *broken = s3fifo_queue_check(s3, &s3->small, false);
    if (broken == NULL) {
        broken = s3fifo_queue_check(s3, &s3->main, true);
    }
    if (broken == NULL && !history_check(&s3->ghost)) {
        broken = "S3F2";
    }
    return broken;
}

const struct replacement replacement_s3fifo = {
    .name = "s3fifo",
    .help = "S3-FIFO: a small queue for new pages, a main one for pages used twice or come back",
    .touch = REPLACEMENT_TOUCH_COUNT,
    .bytes = s3fifo_bytes,
    .init = s3fifo_init,
    .victim = s3fifo_victim,
    .load = s3fifo_load,
    .forget = s3fifo_forget,
    .check = s3fifo_check,
};
