// SPDX-License-Identifier: MIT
//
// model_replacement.h - every replacement algorithm again, from its paper, with lists searched by
// eye.
//
// One function an algorithm: what one reference does to lists of page numbers. A list is an array,
// found in and removed from by looking at each of its pages; what counts or bits there are is kept
// by page number. There are no frames here, but where the definition has them (CLOCK's ring, NRU's
// order). Written from the papers and the definitions in replacement's essays, not from their code.

#ifndef PROPERTY_MODEL_REPLACEMENT_H
#define PROPERTY_MODEL_REPLACEMENT_H

#include "base/rng.h"
#include "support/engine.h"

enum { MODEL_PAGES = 1024, MODEL_LIST = 4096 };

struct model_list { // page[0] is where pages leave, as a rule
    size_t count;
    uint64_t page[MODEL_LIST];
};

struct model {
    size_t frames;
    bool load_ref;
    uint64_t tau, interval;
    struct rng rng;
    const uint64_t *next; // opt: at each position, the next one of the same page
    uint64_t now;         // references so far
    struct model_list a, b, c, d;
    double p;
    size_t hand;
    uint64_t fault; // pff: when the last one was
    uint64_t loads; // nru
    uint64_t count[MODEL_PAGES], when[MODEL_PAGES];
    bool bit[MODEL_PAGES], dirty[MODEL_PAGES], resident[MODEL_PAGES];
    uint64_t evicted[MODEL_LIST];
    size_t evicted_count;
};

// One reference: whether it was a fault; model->evicted says which pages went.
typedef bool (*model_reference)(struct model *model, uint64_t page, bool write);

static inline size_t list_find(const struct model_list *list, uint64_t page)
{
    size_t i = 0;
    while (i < list->count && list->page[i] != page) {
        i++;
    }
    return i;
}

static inline bool list_has(const struct model_list *list, uint64_t page)
{
    return list_find(list, page) < list->count;
}

static inline uint64_t list_take(struct model_list *list, size_t i)
{
    test_require(i < list->count, "entry %zu of %zu", i, list->count);
    uint64_t page = list->page[i];
    list->count--;
    memmove(&list->page[i], &list->page[i + 1], (list->count - i) * sizeof list->page[0]);
    return page;
}

static inline void list_remove(struct model_list *list, uint64_t page)
{
    list_take(list, list_find(list, page));
}

static inline void list_push(struct model_list *list, uint64_t page)
{
    test_require(list->count < MODEL_LIST, "a list of the model is full");
    list->page[list->count++] = page;
}

static inline void list_renew(struct model_list *list, uint64_t page)
{
    list_remove(list, page);
    list_push(list, page);
}

static inline void model_evict(struct model *m, uint64_t page)
{
    m->evicted[m->evicted_count++] = page;
}

static inline bool model_fifo(struct model *m, uint64_t page, bool write)
{
    (void)write;
    if (list_has(&m->a, page)) {
        return false;
    }
    if (m->a.count == m->frames) {
        model_evict(m, list_take(&m->a, 0));
    }
    list_push(&m->a, page);
    return true;
}

static inline bool model_lru(struct model *m, uint64_t page, bool write)
{
    if (list_has(&m->a, page)) {
        list_renew(&m->a, page);
        return false;
    }
    return model_fifo(m, page, write);
}

// a: the frames, filled from the first; the hand is the number of one.
static inline bool model_clock(struct model *m, uint64_t page, bool write)
{
    (void)write;
    if (list_has(&m->a, page)) {
        m->bit[page] = true;
        return false;
    }
    m->bit[page] = m->load_ref;
    if (m->a.count < m->frames) {
        list_push(&m->a, page);
        return true;
    }
    while (m->bit[m->a.page[m->hand]]) {
        m->bit[m->a.page[m->hand]] = false;
        m->hand = (m->hand + 1) % m->frames;
    }
    model_evict(m, m->a.page[m->hand]);
    m->a.page[m->hand] = page;
    m->hand = (m->hand + 1) % m->frames;
    return true;
}

static inline bool model_second_chance(struct model *m, uint64_t page, bool write)
{
    (void)write;
    if (list_has(&m->a, page)) {
        m->bit[page] = true;
        return false;
    }
    while (m->a.count == m->frames) {
        uint64_t oldest = list_take(&m->a, 0);
        if (m->bit[oldest]) {
            m->bit[oldest] = false;
            list_push(&m->a, oldest);
        } else {
            model_evict(m, oldest);
        }
    }
    list_push(&m->a, page);
    m->bit[page] = m->load_ref;
    return true;
}

// a: the frames, filled from the first; the hand is the number of one.
static inline bool model_nru(struct model *m, uint64_t page, bool write)
{
    bool fault = !list_has(&m->a, page);
    size_t at = m->a.count;
    if (fault && at == m->frames) {
        int lowest = 4;
        for (size_t i = 0; i < m->frames; i++) {
            size_t frame = (m->hand + i) % m->frames;
            uint64_t candidate = m->a.page[frame];
            int class = 2 * m->bit[candidate] + m->dirty[candidate];
            if (class < lowest) {
                lowest = class;
                at = frame;
            }
        }
        model_evict(m, m->a.page[at]);
        m->hand = (at + 1) % m->frames;
    }
    if (fault) {
        if (++m->loads % m->frames == 0) {
            memset(m->bit, 0, sizeof m->bit);
        }
        m->a.page[at] = page;
        m->a.count += at == m->a.count;
        m->dirty[page] = false;
    }
    m->bit[page] = true;
    m->dirty[page] |= write;
    return fault;
}

// when: the page came to its present count.
static inline bool model_lfu(struct model *m, uint64_t page, bool write)
{
    (void)write;
    m->now++;
    if (list_has(&m->a, page)) {
        m->count[page]++;
        m->when[page] = m->now;
        return false;
    }
    if (m->a.count == m->frames) {
        size_t least = 0;
        for (size_t i = 1; i < m->a.count; i++) {
            uint64_t one = m->a.page[i], best = m->a.page[least];
            if (m->count[one] < m->count[best] ||
                (m->count[one] == m->count[best] && m->when[one] < m->when[best])) {
                least = i;
            }
        }
        model_evict(m, list_take(&m->a, least));
    }
    list_push(&m->a, page);
    m->count[page] = 1;
    m->when[page] = m->now;
    return true;
}

// A place is drawn; the last page takes it.
static inline bool model_random(struct model *m, uint64_t page, bool write)
{
    (void)write;
    if (list_has(&m->a, page)) {
        return false;
    }
    if (m->a.count == m->frames) {
        size_t drawn = (size_t)rng_below(&m->rng, m->frames);
        model_evict(m, m->a.page[drawn]);
        m->a.page[drawn] = m->a.page[--m->a.count];
    }
    list_push(&m->a, page);
    return true;
}

// when: the next use; count: the last. Of pages that are never used again the one whose last use is
// longest ago.
static inline bool model_opt(struct model *m, uint64_t page, bool write)
{
    (void)write;
    bool fault = !list_has(&m->a, page);
    if (fault && m->a.count == m->frames) {
        size_t best = 0;
        for (size_t i = 1; i < m->a.count; i++) {
            uint64_t one = m->a.page[i], furthest = m->a.page[best];
            if (m->when[one] > m->when[furthest] ||
                (m->when[one] == m->when[furthest] && m->count[one] < m->count[furthest])) {
                best = i;
            }
        }
        model_evict(m, list_take(&m->a, best));
    }
    if (fault) {
        list_push(&m->a, page);
    }
    m->when[page] = m->next[m->now];
    m->count[page] = m->now++;
    return fault;
}

// REPLACE of the paper. a: T1, b: T2, c: B1, d: B2.
static inline void model_arc_replace(struct model *m, bool in_b2)
{
    double t1 = (double)m->a.count;
    if (m->a.count >= 1 && ((in_b2 && t1 == m->p) || t1 > m->p)) {
        model_evict(m, m->a.page[0]);
        list_push(&m->c, list_take(&m->a, 0));
    } else {
        model_evict(m, m->b.page[0]);
        list_push(&m->d, list_take(&m->b, 0));
    }
}

// ARC(c) of the paper, case by case. While frames are free there are no ghosts but those of a full
// memory, so REPLACE is called when it is full only.
static inline bool model_arc(struct model *m, uint64_t page, bool write)
{
    (void)write;
    size_t c = m->frames;
    bool full = m->a.count + m->b.count == c;
    if (list_has(&m->a, page) || list_has(&m->b, page)) { // case I
        list_remove(list_has(&m->a, page) ? &m->a : &m->b, page);
        list_push(&m->b, page);
        return false;
    }
    double b1 = (double)m->c.count, b2 = (double)m->d.count;
    if (list_has(&m->c, page)) { // case II
        double sum = m->p + (b1 >= b2 ? 1 : b2 / b1);
        m->p = sum < (double)c ? sum : (double)c;
        model_arc_replace(m, false);
        list_remove(&m->c, page);
        list_push(&m->b, page);
        return true;
    }
    if (list_has(&m->d, page)) { // case III
        double difference = m->p - (b2 >= b1 ? 1 : b1 / b2);
        m->p = difference > 0 ? difference : 0;
        model_arc_replace(m, true);
        list_remove(&m->d, page);
        list_push(&m->b, page);
        return true;
    }
    if (m->a.count + m->c.count == c) { // case IV A
        if (m->a.count < c) {
            list_take(&m->c, 0);
            model_arc_replace(m, false);
        } else {
            model_evict(m, list_take(&m->a, 0));
        }
    } else if (m->a.count + m->b.count + m->c.count + m->d.count >= c) { // case IV B
        if (m->a.count + m->b.count + m->c.count + m->d.count == 2 * c) {
            list_take(&m->d, 0);
        }
        test_require(full, "ghosts while frames are free");
        model_arc_replace(m, false);
    }
    list_push(&m->a, page);
    return true;
}

// a: A1in, b: Am, c: A1out.
static inline bool model_2q(struct model *m, uint64_t page, bool write)
{
    (void)write;
    size_t kin = m->frames / 4, kout = m->frames / 2;
    if (list_has(&m->b, page)) {
        list_renew(&m->b, page);
        return false;
    }
    if (list_has(&m->a, page)) {
        return false;
    }
    bool back = list_has(&m->c, page);
    if (back) {
        list_remove(&m->c, page);
    }
    if (m->a.count + m->b.count == m->frames) {
        if (m->a.count > kin) {
            model_evict(m, m->a.page[0]);
            list_push(&m->c, list_take(&m->a, 0));
            if (m->c.count > kout) {
                list_take(&m->c, 0);
            }
        } else {
            model_evict(m, list_take(&m->b, 0));
        }
    }
    list_push(back ? &m->b : &m->a, page);
    return true;
}

// a: stack S, bottom first, with pages that have gone; b: queue Q; bit: LIR.
static inline void model_lirs_prune(struct model *m)
{
    while (m->a.count > 0 && !m->bit[m->a.page[0]]) {
        list_take(&m->a, 0);
    }
}

static inline size_t model_lirs_count(const struct model *m, bool lir)
{
    size_t count = 0;
    for (size_t i = 0; i < m->a.count; i++) {
        uint64_t page = m->a.page[i];
        count += lir ? m->bit[page] : !m->resident[page];
    }
    return count;
}

static inline void model_lirs_evict(struct model *m)
{
    uint64_t gone = list_take(&m->b, 0);
    model_evict(m, gone);
    m->resident[gone] = false;
    if (model_lirs_count(m, false) > 2 * m->frames) {
        size_t lowest = 0;
        while (m->resident[m->a.page[lowest]]) {
            lowest++;
        }
        list_take(&m->a, lowest);
    }
}

static inline bool model_lirs(struct model *m, uint64_t page, bool write)
{
    (void)write;
    size_t hir_share = m->frames / 100 > 1 ? m->frames / 100 : 1;
    size_t lir_share = m->frames - hir_share;
    bool in_stack = list_has(&m->a, page), fault = !m->resident[page], was_lir = m->bit[page];
    if (in_stack) {
        list_remove(&m->a, page);
    }
    if (fault && model_lirs_count(m, true) + m->b.count == m->frames) {
        model_lirs_evict(m);
    }
    m->resident[page] = true;
    list_push(&m->a, page);
    if (!was_lir) {
        if (!fault) {
            list_remove(&m->b, page);
        }
        if (in_stack || model_lirs_count(m, true) < lir_share) {
            m->bit[page] = true;
        } else {
            list_push(&m->b, page);
        }
        if (model_lirs_count(m, true) > lir_share) {
            uint64_t bottom = list_take(&m->a, 0);
            m->bit[bottom] = false;
            list_push(&m->b, bottom);
        }
    }
    model_lirs_prune(m);
    return fault;
}

// a: small, b: main, c: ghost.
static inline void model_s3fifo_evict(struct model *m)
{
    size_t share = m->frames - m->frames / 10, ghosts = m->frames * 9 / 10;
    if (m->b.count > share || m->a.count == 0) {
        uint64_t oldest = list_take(&m->b, 0);
        if (m->count[oldest] == 0) {
            model_evict(m, oldest);
        } else {
            m->count[oldest] = (m->count[oldest] < 3 ? m->count[oldest] : 3) - 1;
            list_push(&m->b, oldest);
            model_s3fifo_evict(m);
        }
        return;
    }
    while (m->a.count > 0) {
        uint64_t oldest = list_take(&m->a, 0);
        if (m->count[oldest] < 2) {
            model_evict(m, oldest);
            list_push(&m->c, oldest);
            if (m->c.count > ghosts) {
                list_take(&m->c, 0);
            }
            return;
        }
        m->count[oldest] = 0;
        list_push(&m->b, oldest);
    }
    model_s3fifo_evict(m);
}

static inline bool model_s3fifo(struct model *m, uint64_t page, bool write)
{
    (void)write;
    if (list_has(&m->a, page) || list_has(&m->b, page)) {
        m->count[page]++;
        return false;
    }
    bool back = list_has(&m->c, page);
    if (back) {
        list_remove(&m->c, page);
    }
    if (m->a.count + m->b.count == m->frames) {
        model_s3fifo_evict(m);
    }
    m->count[page] = 0;
    list_push(back ? &m->b : &m->a, page);
    return true;
}

// hand: a place in the list; past its end: the next sweep starts at the tail, page[0].
static inline bool model_sieve(struct model *m, uint64_t page, bool write)
{
    (void)write;
    if (list_has(&m->a, page)) {
        m->bit[page] = true;
        return false;
    }
    if (m->a.count == m->frames) {
        while (m->bit[m->a.page[m->hand % m->frames]]) {
            m->hand %= m->frames;
            m->bit[m->a.page[m->hand++]] = false;
        }
        m->hand %= m->frames;
        model_evict(m, list_take(&m->a, m->hand));
        // The page that comes in stands at the head: a hand past the end must not point at it.
        m->hand = m->hand == m->a.count ? m->frames : m->hand;
    }
    list_push(&m->a, page);
    m->bit[page] = false;
    return true;
}

// a: the resident pages, least recently used first; when: their last use.
static inline bool model_ws(struct model *m, uint64_t page, bool write)
{
    (void)write;
    uint64_t t = ++m->now;
    bool fault = !list_has(&m->a, page) || t - m->when[page] > m->tau;
    if (!fault) {
        list_remove(&m->a, page);
    } else {
        for (size_t i = 0; i < m->a.count;) {
            if (t - m->when[m->a.page[i]] >= m->tau) {
                model_evict(m, list_take(&m->a, i));
            } else {
                i++;
            }
        }
        if (m->a.count == m->frames) {
            model_evict(m, list_take(&m->a, 0));
        }
    }
    list_push(&m->a, page);
    m->when[page] = t;
    return fault;
}

static inline bool model_pff(struct model *m, uint64_t page, bool write)
{
    (void)write;
    uint64_t t = ++m->now;
    bool fault = !list_has(&m->a, page);
    if (!fault) {
        list_remove(&m->a, page);
    } else {
        for (size_t i = 0; i < m->a.count && t - m->fault > m->interval;) {
            if (m->when[m->a.page[i]] < m->fault) {
                model_evict(m, list_take(&m->a, i));
            } else {
                i++;
            }
        }
        if (m->a.count == m->frames) {
            model_evict(m, list_take(&m->a, 0));
        }
        m->fault = t;
    }
    list_push(&m->a, page);
    m->when[page] = t;
    return fault;
}

#endif
