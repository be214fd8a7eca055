// SPDX-License-Identifier: MIT
//
// lfu.c - the least frequently used page goes.
//
// 1. Theory. Each page counts its references from load (1) to eviction; what it was before is
//    forgotten with it. The page with the lowest count goes; of several the one that came to that
//    count first.
// 2. O(1). Shah, Mitra, Matani, An O(1) Algorithm for Implementing the LFU Cache Eviction Scheme,
//    2010: a bucket for each count that some page has, in rising order; a bucket is a queue of the
//    pages in order of arrival. A hit moves a page to the next bucket, which is made when it is not
//    there. A page that is alone in its bucket takes the bucket along instead, so that there are
//    never more buckets than pages.

#include "policy/replacement/layout.h"
#include "policy/replacement/queue.h"
#include "policy/replacement/replacement.h"

// A bucket's number is 0 .. frames - 1; frame f's item in `links` is f, the anchor of bucket b's
// queue is frames + b.
//
// counts rise along `buckets`; each bucket there holds a page at least                       (LFU1)
// bucket[f] is the one whose queue frame f is in; sum of the queues' counts == loaded        (LFU2)
// buckets.count + length of the free chain == made                                          (LFU3)
struct lfu {
    const struct replacement_config *config;
    struct queue buckets; // in use, rising
    struct queue *queue;  // of a bucket
    uint64_t *references; // that the pages of a bucket have had
    uint32_t *bucket;     // of a loaded frame
    uint32_t *free_after; // of a free bucket: the next free one
    uint32_t free;        // the first free bucket that was in use before, or QUEUE_NONE
    uint32_t made;        // buckets from here on were never in use
    uint32_t loaded;
    struct queue_link *links;
    struct queue_link *bucket_links;
};

static size_t lfu_layout(struct lfu *lfu, uintptr_t base, size_t frames)
{
    struct layout layout = {base};
    layout_take(&layout, 1, sizeof *lfu);
    lfu->queue = layout_take(&layout, frames, sizeof *lfu->queue);
    lfu->references = layout_take(&layout, frames, sizeof *lfu->references);
    lfu->bucket = layout_take(&layout, frames, sizeof *lfu->bucket);
    lfu->free_after = layout_take(&layout, frames, sizeof *lfu->free_after);
    lfu->links = layout_take(&layout, 2 * frames, sizeof *lfu->links);
    lfu->bucket_links = layout_take(&layout, frames + 1, sizeof *lfu->bucket_links);
    return layout.at - base;
}

static size_t lfu_bytes(const struct replacement_config *config)
{
    struct lfu measured;
    return lfu_layout(&measured, 0, config->frames);
}

static void lfu_init(void *state, const struct replacement_config *config)
{
    struct lfu *lfu = state;
    lfu_layout(lfu, (uintptr_t)state, config->frames);
    lfu->config = config;
    queue_init(&lfu->buckets, lfu->bucket_links, config->frames);
    lfu->free = QUEUE_NONE;
}

// A new bucket, in order before `at`, which may be QUEUE_NONE: at the end.
static uint32_t lfu_open(struct lfu *lfu, uint32_t at, uint64_t references)
{
    uint32_t bucket = lfu->free;
    if (bucket != QUEUE_NONE) {
        lfu->free = lfu->free_after[bucket];
    } else {
        bucket = lfu->made++;
    }
    queue_init(&lfu->queue[bucket], lfu->links, lfu->config->frames + bucket);
    lfu->references[bucket] = references;
    queue_insert_before(&lfu->buckets, at == QUEUE_NONE ? lfu->buckets.anchor : at, bucket);
    return bucket;
}

static void lfu_put(struct lfu *lfu, uint32_t bucket, uint32_t frame)
{
    queue_push_back(&lfu->queue[bucket], frame);
    lfu->bucket[frame] = bucket;
}

// Takes the frame out of its bucket, and closes that when it was the last.
static void lfu_take(struct lfu *lfu, uint32_t frame)
{
    uint32_t bucket = lfu->bucket[frame];
    queue_remove(&lfu->queue[bucket], frame);
    if (lfu->queue[bucket].count == 0) {
        queue_remove(&lfu->buckets, bucket);
        lfu->free_after[bucket] = lfu->free;
        lfu->free = bucket;
    }
}

static bool lfu_hit(void *state, uint32_t frame)
{
    struct lfu *lfu = state;
    uint32_t bucket = lfu->bucket[frame];
    uint64_t references = lfu->references[bucket] + 1;
    uint32_t next = queue_after(&lfu->buckets, bucket);
    bool there = next != QUEUE_NONE && lfu->references[next] == references;
    if (!there && lfu->queue[bucket].count == 1) {
        lfu->references[bucket] = references;
        return true;
    }
    if (!there) {
        next = lfu_open(lfu, next, references);
    }
    lfu_take(lfu, frame);
    lfu_put(lfu, next, frame);
    return true;
}

static void lfu_forget(void *state, uint32_t frame)
{
    struct lfu *lfu = state;
    lfu_take(lfu, frame);
    lfu->loaded--;
}

static uint32_t lfu_victim(void *state, uint64_t incoming)
{
    struct lfu *lfu = state;
    (void)incoming;
    uint32_t lowest = queue_front(&lfu->buckets);
    if (lowest == QUEUE_NONE) {
        return REPLACEMENT_NONE;
    }
    uint32_t frame = queue_front(&lfu->queue[lowest]);
    lfu_forget(lfu, frame);
    return frame;
}

static void lfu_load(void *state, uint32_t frame, uint64_t key)
{
    struct lfu *lfu = state;
    (void)key;
    store_relaxed(&lfu->config->touch[frame], 0);
    uint32_t lowest = queue_front(&lfu->buckets);
    if (lowest == QUEUE_NONE || lfu->references[lowest] != 1) {
        lowest = lfu_open(lfu, lowest, 1);
    }
    lfu_put(lfu, lowest, frame);
    lfu->loaded++;
}

static uint32_t lfu_next(const void *state, uint32_t frame)
{
    const struct lfu *lfu = state;
    uint32_t bucket;
    if (frame != REPLACEMENT_NONE) {
        bucket = lfu->bucket[frame];
        frame = queue_after(&lfu->queue[bucket], frame);
        if (frame != QUEUE_NONE) {
            return frame;
        }
        bucket = queue_after(&lfu->buckets, bucket);
    } else {
        bucket = queue_front(&lfu->buckets);
    }
    return bucket == QUEUE_NONE ? REPLACEMENT_NONE : queue_front(&lfu->queue[bucket]);
}

static const char *lfu_check(const void *state)
{
    const struct lfu *lfu = state;
    uint64_t references = 0;
    uint32_t pages = 0, free = 0;
    if (!queue_check(&lfu->buckets)) {
        return "LFU1";
    }
    for (uint32_t b = queue_front(&lfu->buckets); b != QUEUE_NONE;
         b = queue_after(&lfu->buckets, b)) {
        const struct queue *queue = &lfu->queue[b];
        if (lfu->references[b] <= references || queue->count == 0 || !queue_check(queue)) {
            return "LFU1";
        }
        references = lfu->references[b];
        for (uint32_t f = queue_front(queue); f != QUEUE_NONE; f = queue_after(queue, f)) {
            if (lfu->bucket[f] != b) {
                return "LFU2";
            }
        }
        pages += queue->count;
    }
    if (pages != lfu->loaded) {
        return "LFU2";
    }
    for (uint32_t b = lfu->free; b != QUEUE_NONE && free <= lfu->made; b = lfu->free_after[b]) {
        free++;
    }
    return lfu->buckets.count + free == lfu->made ? NULL : "LFU3";
}

const struct replacement replacement_lfu = {
    .name = "lfu",
    .help = "the least frequently used page goes, counted while it is resident",
    .touch = REPLACEMENT_TOUCH_ORDER,
    .bytes = lfu_bytes,
    .init = lfu_init,
    .hit = lfu_hit,
    .victim = lfu_victim,
    .load = lfu_load,
    .forget = lfu_forget,
    .next = lfu_next,
    .check = lfu_check,
};
