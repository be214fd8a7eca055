// SPDX-License-Identifier: MIT
//
// law_vm_segment_paged.h - segments of pages against a model: which are active, which pages are in
// memory, and what is in them.
//
// The model. Segments that are active stand in a queue; when there is no room for one more the
// front one goes, unless it was used since it was looked at: then it goes to the back (second
// chance). With it go its pages. Pages in memory stand in a queue of their own, in order of
// arrival; when there is no frame the front one goes (fifo). A page that was never written is
// zeroes again; one that was written since it came in is written to swap. There are never more
// pages than swap holds, since nearly all segments may be away. One thread, no caches.

#ifndef PROPERTY_LAW_VM_SEGMENT_PAGED_H
#define PROPERTY_LAW_VM_SEGMENT_PAGED_H

#include "support/source.h"

#include <stdlib.h>

enum { SEGMENTS = 48, PAGES_MOST = 12 };

struct run {
    const char *options;
    uint64_t page, frames, slots, active;
    unsigned share; // of the operations, in 1/100
};

static const struct run RUNS[] = {
    {"page=1Ki,capacity=12Ki,swap=256Ki,active=5", 1024, 12, 256, 5, 40},
    {"page=256,capacity=7936,swap=64Ki,active=1", 256, 31, 256, 1, 10},
    {"page=4Ki,capacity=16Ki,swap=4Mi,active=20", 4096, 4, 1024, 20, 20},
    {"page=64,capacity=1Ki,swap=10Ki,active=48", 64, 16, 160, 48, 30},
    {"page=128,capacity=4Ki,swap=5Ki,active=1", 128, 32, 40, 1, 20}, // always full
};

struct page {
    bool in, dirty, slot; // dirty: written since it came in; slot: it has one on swap
};

struct segment {
    bool live, active, used;
    mems_addr addr;
    uint64_t size, pages, room;
    struct page page[PAGES_MOST];
    unsigned char shadow[PAGES_MOST * 4096];
};

struct trial {
    const struct run *run;
    struct mems_engine *engine;
    struct mems_space *space;
    struct source source;
    uint64_t operation;
    struct segment segment[SEGMENTS];
    size_t queue[SEGMENTS], active; // of segments
    struct {
        size_t segment, page;
    } fifo[64];
    size_t in; // pages in memory
    uint64_t pages, allocs, releases;
    uint64_t zero_faults, swap_faults, segment_faults, evictions, write_backs;
};

#define trial_require(trial, condition, ...)                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s: operation %" PRIu64 ": ", (trial)->run->options,                  \
                    (trial)->operation);                                                           \
            test_require(condition, __VA_ARGS__);                                                  \
        }                                                                                          \
    } while (0)

// ---- the model ----------------------------------------------------------------------------------

static void fifo_remove(struct trial *trial, size_t s, size_t p)
{
    size_t i = 0;
    while (trial->fifo[i].segment != s || trial->fifo[i].page != p) {
        i++;
    }
    trial->in--;
    memmove(&trial->fifo[i], &trial->fifo[i + 1], (trial->in - i) * sizeof trial->fifo[0]);
}

static void page_leave(struct trial *trial, size_t s, size_t p)
{
    struct page *page = &trial->segment[s].page[p];
    fifo_remove(trial, s, p);
    trial->evictions++;
    trial->write_backs += page->dirty;
    page->slot = page->slot || page->dirty;
    page->in = page->dirty = false;
}

static void page_end(struct trial *trial, size_t s, size_t p)
{
    if (trial->segment[s].page[p].in) {
        fifo_remove(trial, s, p);
    }
    memset(&trial->segment[s].page[p], 0, sizeof(struct page));
    trial->pages--;
}

static size_t queue_pop(struct trial *trial, size_t i)
{
    size_t s = trial->queue[i];
    trial->active--;
    memmove(&trial->queue[i], &trial->queue[i + 1], (trial->active - i) * sizeof trial->queue[0]);
    return s;
}

static void deactivate(struct trial *trial)
{
    size_t s = queue_pop(trial, 0);
    while (trial->segment[s].used) {
        trial->segment[s].used = false;
        trial->queue[trial->active++] = s;
        s = queue_pop(trial, 0);
    }
    trial->segment[s].active = false;
    for (size_t p = 0; p < trial->segment[s].pages; p++) {
        if (trial->segment[s].page[p].in) {
            page_leave(trial, s, p);
        }
    }
}

// An access to a page. Whether it was there.
static bool use(struct trial *trial, size_t s, size_t p, bool write)
{
    struct segment *segment = &trial->segment[s];
    bool there = segment->active && segment->page[p].in;
    if (!segment->active) {
        if (trial->active == trial->run->active) {
            deactivate(trial);
        }
        trial->queue[trial->active++] = s;
        segment->active = true;
        trial->segment_faults++;
    }
    segment->used = true;
    if (!segment->page[p].in) {
        if (trial->in == trial->run->frames) {
            page_leave(trial, trial->fifo[0].segment, trial->fifo[0].page);
        }
        *(segment->page[p].slot ? &trial->swap_faults : &trial->zero_faults) += 1;
        segment->page[p].in = true;
        trial->fifo[trial->in].segment = s;
        trial->fifo[trial->in++].page = p;
    }
    segment->page[p].dirty = segment->page[p].dirty || write;
    return there;
}

static void end(struct trial *trial, size_t s)
{
    struct segment *segment = &trial->segment[s];
    for (size_t p = 0; p < segment->pages; p++) {
        page_end(trial, s, p);
    }
    for (size_t i = 0; i < trial->active && segment->active; i++) {
        if (trial->queue[i] == s) {
            queue_pop(trial, i);
            break;
        }
    }
    segment->live = segment->active = segment->used = false;
}

static bool begin(struct trial *trial, size_t s, uint64_t size)
{
    struct segment *segment = &trial->segment[s];
    uint64_t pages = (size + trial->run->page - 1) / trial->run->page;
    if (trial->pages + pages > trial->run->slots) {
        return false;
    }
    trial->pages += pages;
    segment->live = true;
    segment->size = size;
    segment->pages = pages;
    segment->room = pages; // runs of up to 16 pages are exact
    return true;
}

// ---- comparing ----------------------------------------------------------------------------------

struct compare {
    struct trial *trial;
    size_t in[SEGMENTS], all[SEGMENTS];
};

static int see_piece(const struct mems_extent *extent, void *arg)
{
    struct compare *compare = arg;
    struct trial *trial = compare->trial;
    if (extent->piece != MEMS_PIECE_BLOCK) {
        return 0;
    }
    size_t s = 0;
    while (s < SEGMENTS && (!trial->segment[s].live || trial->segment[s].addr != extent->addr)) {
        s++;
    }
    trial_require(trial, s < SEGMENTS && extent->size == trial->run->page, "piece of %#" PRIx64,
                  extent->addr);
    compare->in[s] += !extent->absent;
    compare->all[s]++;
    return 0;
}

static void compare_all(struct trial *trial)
{
    struct compare compare = {.trial = trial};
    struct mems_stats stats = test_stats(trial->engine);
    uint64_t slots = 0, live = 0;
    mems_walk(trial->engine, see_piece, &compare);
    for (size_t s = 0; s < SEGMENTS; s++) {
        const struct segment *segment = &trial->segment[s];
        size_t in = 0;
        for (size_t p = 0; p < segment->pages && segment->live; p++) {
            in += segment->page[p].in;
            slots += segment->page[p].slot;
        }
        live += segment->live;
        trial_require(trial,
                      compare.in[s] == in && (!segment->live || compare.all[s] == segment->pages),
                      "segment %zu: %zu pages of %zu, the model %zu of %" PRIu64, s, compare.in[s],
                      compare.all[s], in, segment->pages);
    }
    trial_require(trial,
                  stats.live_blocks == live && stats.allocs == trial->allocs &&
                      stats.releases == trial->releases,
                  "live %" PRIu64, stats.live_blocks);
    trial_require(trial, stats.segment_faults == trial->segment_faults,
                  "%" PRIu64 " segment faults, the model %" PRIu64, stats.segment_faults,
                  trial->segment_faults);
    trial_require(trial, stats.zero_faults == trial->zero_faults, "zero faults %" PRIu64,
                  stats.zero_faults);
    trial_require(trial, stats.swap_faults == trial->swap_faults,
                  "%" PRIu64 " swap faults, the model %" PRIu64, stats.swap_faults,
                  trial->swap_faults);
    trial_require(trial,
                  stats.faults == trial->zero_faults + trial->swap_faults + trial->segment_faults,
                  "faults %" PRIu64, stats.faults);
    trial_require(trial,
                  stats.evictions == trial->evictions && stats.write_backs == trial->write_backs,
                  "%" PRIu64 " evictions, %" PRIu64 " written; the model %" PRIu64 ", %" PRIu64,
                  stats.evictions, stats.write_backs, trial->evictions, trial->write_backs);
    trial_require(trial, stats.swap_bytes == slots * trial->run->page,
                  "swap %" PRIu64 ", the model %" PRIu64, stats.swap_bytes, slots);
    trial_require(trial, stats.absent_bytes == (trial->pages - trial->in) * trial->run->page,
                  "absent %" PRIu64, stats.absent_bytes);
    test_checked(trial->engine, true);
    test_conserved(trial->engine);
}

// ---- operations ---------------------------------------------------------------------------------

static uint64_t draw_size(struct trial *trial)
{
    uint64_t most = PAGES_MOST * trial->run->page;
    return 1 + source_below(&trial->source, source_below(&trial->source, 4) == 0 ? most : most / 4);
}

// The host pointer of a byte, brought in where the model says so; a section has begun.
static unsigned char *reach(struct trial *trial, size_t s, uint64_t offset, bool write,
                            size_t *span)
{
    enum mems_access mode = write ? MEMS_WRITE : MEMS_READ;
    mems_addr addr = trial->segment[s].addr + offset;
    void *host = NULL;
    mems_access_begin();
    int error = mems_translate(trial->space, addr, mode, &host, span);
    bool there = use(trial, s, offset / trial->run->page, write);
    trial_require(trial, error == (there ? 0 : EAGAIN), "translate: %s, the model: %d",
                  strerror(error), there);
    if (error == EAGAIN) {
        mems_access_end();
        error = mems_fault(trial->space, addr, mode);
        trial_require(trial, error == 0, "fault: %s", strerror(error));
        error = mems_translate(trial->space, addr, mode, &host, span);
        trial_require(trial, error == 0, "translate after a fault: %s", strerror(error));
    }
    return host;
}

static void operate_access(struct trial *trial, size_t s)
{
    struct segment *segment = &trial->segment[s];
    uint64_t offset = source_below(&trial->source, segment->size);
    bool write = source_below(&trial->source, 3) == 0;
    size_t span;
    unsigned char *host = reach(trial, s, offset, write, &span);
    size_t length = span < 16 ? span : 16;
    trial_require(trial, memcmp(host, segment->shadow + offset, length) == 0,
                  "segment %zu has lost bytes at %" PRIu64, s, offset);
    for (size_t i = 0; i < length && write; i++) {
        host[i] = segment->shadow[offset + i] = (unsigned char)source_noise(&trial->source);
    }
    mems_access_end();
}

static void compare_bytes(struct trial *trial, size_t s, uint64_t size)
{
    size_t span;
    for (uint64_t done = 0; done < size; done += span) {
        const unsigned char *host = reach(trial, s, done, false, &span);
        size_t length = span < size - done ? span : size - done;
        trial_require(trial, memcmp(host, trial->segment[s].shadow + done, length) == 0,
                      "segment %zu has lost bytes after %" PRIu64, s, done);
        mems_access_end();
    }
}

static void operate_alloc(struct trial *trial, size_t s)
{
    struct segment *segment = &trial->segment[s];
    uint64_t size = draw_size(trial);
    memset(segment, 0, sizeof *segment); // fresh pages are zeroes
    bool begun = begin(trial, s, size);
    int error = mems_alloc(trial->space, size, 0, &segment->addr);
    trial_require(trial, error == (begun ? 0 : ENOMEM), "alloc: %s, the model: %d", strerror(error),
                  begun);
    trial->allocs += begun;
}

static void operate_release(struct trial *trial, size_t s)
{
    if (source_below(&trial->source, 2) == 0) { // else where it is
        compare_bytes(trial, s, trial->segment[s].size);
    }
    int error = mems_release(trial->space, trial->segment[s].addr);
    trial_require(trial, error == 0, "release: %s", strerror(error));
    end(trial, s);
    trial->releases++;
}

// In place: pages that it loses are gone, pages that it wins are zeroes.
static bool model_resize(struct trial *trial, size_t s, uint64_t size)
{
    struct segment *segment = &trial->segment[s];
    uint64_t pages = (size + trial->run->page - 1) / trial->run->page;
    if (pages > segment->room ||
        (pages > segment->pages && trial->pages + pages - segment->pages > trial->run->slots)) {
        return false;
    }
    while (segment->pages > pages) {
        page_end(trial, s, --segment->pages);
    }
    trial->pages += pages - segment->pages;
    memset(segment->shadow + segment->pages * trial->run->page, 0,
           (PAGES_MOST - segment->pages) * trial->run->page);
    segment->pages = pages;
    return true;
}

static void operate_resize(struct trial *trial, size_t s)
{
    struct segment *segment = &trial->segment[s];
    uint64_t size = draw_size(trial), old = segment->size;
    mems_addr before = segment->addr;
    if (!model_resize(trial, s, size)) { // by a move: left to the other policies' tests
        return;
    }
    int error = mems_resize(trial->space, &segment->addr, size);
    trial_require(trial, error == 0 && segment->addr == before,
                  "resize from %" PRIu64 " to %" PRIu64 ": %s", old, size, strerror(error));
    segment->size = size;
}

static void vm_segment_paged_law(const struct run *run, uint64_t operations, struct source source)
{
    static struct trial whole;
    struct trial *trial = &whole;
    char options[160];
    memset(trial, 0, sizeof *trial);
    trial->run = run;
    trial->source = source;
    snprintf(options, sizeof options, "%s,paged=yes,replacement=fifo,thread_cache=no",
             run->options);
    trial->engine = test_engine("vm-segmentation", options);
    trial->space = test_space(trial->engine);
    for (; trial->operation < operations && source_more(&trial->source); trial->operation++) {
        size_t s = source_below(&trial->source, SEGMENTS);
        uint64_t dice = source_below(&trial->source, 100);
        if (!trial->segment[s].live) {
            operate_alloc(trial, s);
        } else if (dice < 94) {
            operate_access(trial, s);
        } else if (dice < 97) {
            operate_release(trial, s);
        } else {
            operate_resize(trial, s);
        }
        if (trial->operation % source_every(&trial->source, 64) == 0) {
            compare_all(trial);
        }
    }
    for (size_t s = 0; s < SEGMENTS; s++) {
        if (trial->segment[s].live) {
            operate_release(trial, s);
        }
    }
    compare_all(trial);
    mems_engine_close(trial->engine);
}

static inline void vm_segment_paged_property(const uint8_t *bytes, size_t size)
{
    struct source source = source_bytes(bytes, size);
    const struct run *run = &RUNS[source_below(&source, sizeof RUNS / sizeof RUNS[0])];
    vm_segment_paged_law(run, UINT64_MAX, source);
}

#endif
