// SPDX-License-Identifier: MIT
//
// references.h - drives one replacement algorithm as virtual memory would, without any memory.
//
// It keeps what the policy keeps: which page is in which frame, the free frames (lowest first), the
// touch and dirty bytes. references_to() is one reference, from the trace that a hit leaves to the
// fault with its victim and load; the pieces are there too, for tests that take them in another
// order. Each step requires what must hold of any algorithm: a victim is a frame with a page in it,
// and where the algorithm says what it looks at next, the one that follows from that.

#ifndef SUPPORT_REFERENCES_H
#define SUPPORT_REFERENCES_H

#include "policy/replacement/replacement.h"
#include "support/engine.h"

#define REFERENCES_NO_PAGE UINT64_MAX

struct references {
    const struct replacement *replacement;
    struct replacement_config config;
    void *state;
    uint64_t pages;     // page numbers are 0 .. pages - 1
    uint32_t *frame_of; // page -> frame or REPLACEMENT_NONE
    uint64_t *page_in;  // frame -> page or REFERENCES_NO_PAGE
    uint32_t *free;     // a stack, lowest frame on top at the start
    uint32_t free_count;
    uint8_t *dirty;
    uint64_t count, faults;
    uint64_t *evicted; // by the last references_to, in order
    size_t evicted_count;
    bool hit_meanwhile; // others leave traces all the time: no victim is foreseen by them
};

static inline void *references_array(size_t count, size_t size)
{
    void *array = calloc(count, size);
    test_require(array != NULL, "%zu times %zu bytes", count, size);
    return array;
}

// `config` needs frames and what the algorithm asks for; touch and dirty are made here.
static inline struct references *references_open(const struct replacement *replacement,
                                                 const struct replacement_config *config,
                                                 uint64_t pages)
{
    struct references *r = references_array(1, sizeof *r);
    uint32_t frames = config->frames;
    r->replacement = replacement;
    r->config = *config;
    r->pages = pages;
    r->config.touch = references_array(frames, 1);
    r->dirty = references_array(frames, 1);
    r->config.dirty = r->dirty;
    r->frame_of = references_array(pages, sizeof *r->frame_of);
    r->page_in = references_array(frames, sizeof *r->page_in);
    r->free = references_array(frames, sizeof *r->free);
    r->evicted = references_array((size_t)frames + 1, sizeof *r->evicted);
    for (uint64_t i = 0; i < pages; i++) {
        r->frame_of[i] = REPLACEMENT_NONE;
    }
    for (uint32_t i = 0; i < frames; i++) {
        r->page_in[i] = REFERENCES_NO_PAGE;
        r->free[r->free_count++] = frames - 1 - i;
    }
    size_t bytes = replacement->bytes(&r->config);
    test_require(posix_memalign(&r->state, 64, bytes) == 0, "%zu bytes of state", bytes);
    memset(r->state, 0, bytes);
    replacement->init(r->state, &r->config);
    return r;
}

static inline void references_close(struct references *r)
{
    free(r->state);
    free(r->evicted);
    free(r->free);
    free(r->page_in);
    free(r->frame_of);
    free(r->dirty);
    free(r->config.touch);
    free(r);
}

static inline bool references_resident(const struct references *r, uint64_t page)
{
    return r->frame_of[page] != REPLACEMENT_NONE;
}

// What must be true of any frame that the algorithm names: takes its page out of the map.
static inline uint64_t references_unmap(struct references *r, uint32_t frame)
{
    test_require(frame < r->config.frames, "%s: frame %u of %u", r->replacement->name, frame,
                 r->config.frames);
    uint64_t page = r->page_in[frame];
    test_require(page != REFERENCES_NO_PAGE, "%s: frame %u holds no page", r->replacement->name,
                 frame);
    r->page_in[frame] = REFERENCES_NO_PAGE;
    r->frame_of[page] = REPLACEMENT_NONE;
    return page;
}

// What goes next by the order of `next` and the marks: the first page of the lowest class, which is
// R alone but for nru. For algorithms that keep an order.
static inline uint32_t references_foreseen(const struct references *r)
{
    const struct replacement *replacement = r->replacement;
    bool classes = strcmp(replacement->name, "nru") == 0;
    bool marks = replacement->touch == REPLACEMENT_TOUCH_BIT ||
                 replacement->touch == REPLACEMENT_TOUCH_COUNT; // others do not look at the byte
    uint32_t found = REPLACEMENT_NONE, frame = REPLACEMENT_NONE;
    unsigned lowest = 4;
    while (lowest > 0 && (frame = replacement->next(r->state, frame)) != REPLACEMENT_NONE) {
        unsigned used = marks && replacement_touched(&r->config, frame) != 0;
        unsigned class = classes ? 2 * used + (r->dirty[frame] != 0) : used;
        if (class < lowest) {
            lowest = class;
            found = frame;
        }
    }
    return found;
}

// An eviction for `incoming` or REPLACEMENT_ANY: the frame, which is not put among the free ones.
static inline uint32_t references_victim(struct references *r, uint64_t incoming, uint64_t *page)
{
    bool foresees = r->replacement->next != NULL && !r->hit_meanwhile;
    uint32_t foreseen = foresees ? references_foreseen(r) : REPLACEMENT_NONE;
    uint32_t frame = r->replacement->victim(r->state, incoming);
    test_require(!foresees || frame == foreseen, "%s evicts frame %u, by its order it is %u",
                 r->replacement->name, frame, foreseen);
    *page = references_unmap(r, frame);
    return frame;
}

static inline void references_load(struct references *r, uint32_t frame, uint64_t page)
{
    test_require(r->page_in[frame] == REFERENCES_NO_PAGE && !references_resident(r, page),
                 "page %" PRIu64 " into frame %u", page, frame);
    r->replacement->load(r->state, frame, page);
    r->page_in[frame] = page;
    r->frame_of[page] = frame;
    r->dirty[frame] = 0;
    r->config.touch[frame] |= REPLACEMENT_FRESH;
}

// The trace of an access that found its page. false: the algorithm says that it is a fault.
static inline bool references_translate(struct references *r, uint32_t frame, bool write)
{
    uint8_t *touch = &r->config.touch[frame];
    bool hit = true;
    if ((*touch & REPLACEMENT_FRESH) != 0) {
        *touch &= (uint8_t)~REPLACEMENT_FRESH;
    } else if (r->replacement->touch == REPLACEMENT_TOUCH_BIT) {
        *touch = 1;
    } else if (r->replacement->touch == REPLACEMENT_TOUCH_COUNT) {
        *touch = *touch < 3 ? *touch + 1 : 3;
    } else if (r->replacement->touch == REPLACEMENT_TOUCH_ORDER) {
        hit = r->replacement->hit(r->state, frame);
    }
    if (hit && write) {
        r->dirty[frame] = 1;
    }
    return hit;
}

// One reference; whether it was a fault.
static inline bool references_to(struct references *r, uint64_t page, bool write)
{
    r->count++;
    r->evicted_count = 0;
    if (references_resident(r, page) && references_translate(r, r->frame_of[page], write)) {
        return false;
    }
    r->faults++;
    if (r->replacement->surplus != NULL) {
        uint32_t frame;
        while ((frame = r->replacement->surplus(r->state, page)) != REPLACEMENT_NONE) {
            r->evicted[r->evicted_count++] = references_unmap(r, frame);
            r->free[r->free_count++] = frame;
        }
    }
    test_require(!references_resident(r, page), "%s: page %" PRIu64 " is refused and stays",
                 r->replacement->name, page);
    uint32_t frame;
    if (r->free_count > 0) {
        frame = r->free[--r->free_count];
    } else {
        frame = references_victim(r, page, &r->evicted[r->evicted_count++]);
    }
    references_load(r, frame, page);
    test_require(references_translate(r, frame, write), "the reference that faulted is no fault");
    return true;
}

// The page's owner releases it.
static inline void references_release(struct references *r, uint64_t page)
{
    uint32_t frame = r->frame_of[page];
    r->replacement->forget(r->state, frame);
    references_unmap(r, frame);
    r->free[r->free_count++] = frame;
}

// The order holds each page once, and no frame without one.
static inline void references_ordered(const struct references *r)
{
    uint32_t frame = REPLACEMENT_NONE, seen = 0, loaded = 0;
    if (r->replacement->next == NULL) {
        return;
    }
    uint8_t *met = references_array(r->config.frames, 1);
    while ((frame = r->replacement->next(r->state, frame)) != REPLACEMENT_NONE) {
        test_require(r->page_in[frame] != REFERENCES_NO_PAGE && met[frame]++ == 0,
                     "%s: frame %u is in the order and holds no page, or is there twice",
                     r->replacement->name, frame);
        seen++;
    }
    for (uint32_t i = 0; i < r->config.frames; i++) {
        loaded += r->page_in[i] != REFERENCES_NO_PAGE;
    }
    test_require(seen == loaded, "%s: %u of %u pages in the order", r->replacement->name, seen,
                 loaded);
    free(met);
}

static inline void references_checked(const struct references *r)
{
    references_ordered(r);
    const char *broken = r->replacement->check == NULL ? NULL : r->replacement->check(r->state);
    test_require(broken == NULL, "%s with %u frames, after %" PRIu64 " references: %s",
                 r->replacement->name, r->config.frames, r->count, broken);
}

// Faults of a whole string.
static inline uint64_t references_faults(const char *name, const struct replacement_config *config,
                                         const uint64_t *string, size_t count, uint64_t pages)
{
    const struct replacement *replacement = replacement_find(name);
    test_require(replacement != NULL, "no algorithm %s", name);
    struct replacement_config own = *config;
    own.future = string;
    own.future_count = count;
    struct references *r = references_open(replacement, &own, pages);
    for (size_t i = 0; i < count; i++) {
        references_to(r, string[i], false);
    }
    references_checked(r);
    uint64_t faults = r->faults;
    references_close(r);
    return faults;
}

#endif
