// SPDX-License-Identifier: MIT
//
// album.h - when pictures of memory are taken: every so many operations, by the worker that does
// the operation.

#ifndef RUN_ALBUM_H
#define RUN_ALBUM_H

#include "run/decision.h"
#include "run/picture.h"

struct worker;

#define ALBUM_NEVER UINT64_MAX

struct album {
    struct picture_album *pictures; // [busy]
    struct mems_engine *engine;
    const struct worker *workers;
    unsigned threads;
    int process;
    bool timed;                 // a runtime: pictures take a twentieth of it at most
    uint64_t every;             // [busy] operations from one mark to the next
    uint64_t origin_operations; // [ro] after album_begin
    uint64_t origin_ns;         // [atomic]
    uint64_t next;              // [atomic] the operation that is to be pictured next
    uint64_t spent_ns;          // [busy]
    bool busy;                  // [atomic] somebody is at it
    struct decision decision;   // [busy]
};

// `operations`: that all workers will do in all; 0: so many as there is time for.
void album_init(struct album *album, struct picture_album *pictures, struct mems_engine *engine,
                const struct worker *workers, unsigned threads, uint64_t operations);
// Marks are counted from here: so many operations had been done. Before workers go on.
void album_begin(struct album *album, uint64_t operations, uint64_t now_ns);
// When the measured phase began, where that is known only later.
void album_origin(struct album *album, uint64_t now_ns);

// How many operations of one worker are left before the one to be pictured; 0: that is the one
// about to begin.
uint64_t album_left(const struct album *album);
// Whether the operation about to begin is to be pictured. Then the caller, and nobody else, ends it
// with album_take. `counts`: it will be among the workers' operations (a touch is not). `addr`: the
// block that is to be freed, else 0.
bool album_begin_try(struct album *album, bool counts, uint64_t addr);
// `addr`: the block that was allocated; 0: refused.
void album_take(struct album *album, enum decision_kind kind, uint64_t addr, uint64_t asked);
// After the last worker has ended: the last picture.
void album_end(struct album *album);

#endif
