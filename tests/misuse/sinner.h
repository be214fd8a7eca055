// SPDX-License-Identifier: MIT
//
// sinner.h - one sin on every kind of engine: it must be answered with its error, be counted, and
// change nothing.

#ifndef MISUSE_SINNER_H
#define MISUSE_SINNER_H

#include "support/engine.h"

struct kind {
    const char *policy;
    const char *options;
    bool flat;
};

static const struct kind KINDS[] = {
    {"dynamic", "thread_cache=no", false},
    {"dynamic", "thread_cache=yes", false},
    {"dynamic", "thread_cache=yes,arenas=4,fit=best", false},
    {"dynamic", "thread_cache=no,capacity=1Mi,fit=next", false},
    {"dynamic", "thread_cache=no,addresses=flat", true},
    {"dynamic", "capacity=256Ki,addresses=flat,start=0,fit=best", true},
    {"fixed", "thread_cache=no,partitions=64x100,1Kix100,8Kix20", false},
    {"fixed", "thread_cache=yes,partition=1Ki,count=200", false},
    {"slab", "thread_cache=no", false},
    {"slab", "thread_cache=yes,capacity=2Mi", false},
    {"segmentation", "thread_cache=no", false},
    {"segmentation", "thread_cache=yes,arenas=2,mover=yes", false},
    {"dynamic", "thread_cache=yes,movable=yes,capacity=1Mi", false},
};

struct sinner {
    const struct kind *kind;
    struct mems_engine *engine;
    struct mems_space *space;
    struct mems_space *other; // NULL: flat engines have one space only
    mems_addr bystander;      // 100 stamped bytes that nothing may touch
    struct mems_stats before;
    bool corrupted; // the corruption hook was called: a block was counted as released twice
};

typedef void (*sin_commit)(struct sinner *sinner);

static inline void sin_each(sin_commit commit)
{
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        struct sinner sinner = {.kind = &KINDS[i]};
        sinner.engine = test_engine(KINDS[i].policy, KINDS[i].options);
        sinner.space = test_space(sinner.engine);
        sinner.other = KINDS[i].flat ? NULL : test_space(sinner.engine);
        sinner.bystander = test_alloc(sinner.space, 100);
        test_stamp(sinner.space, sinner.bystander, 100, 7);
        commit(&sinner);
        test_stamped(sinner.space, sinner.bystander, 100, 7);
        test_checked(sinner.engine, !sinner.corrupted);
        if (!sinner.corrupted) {
            test_conserved(sinner.engine);
        }
        assert_int_equal(mems_release(sinner.space, sinner.bystander), 0);
        mems_space_close(sinner.space);
        mems_space_close(sinner.other);
        test_checked(sinner.engine, !sinner.corrupted);
        mems_engine_close(sinner.engine);
    }
}

static inline void sin_about_to(struct sinner *sinner)
{
    sinner->before = test_stats(sinner->engine);
}

// The accounts are as they were before, but for `counted` more misuses. Where a mover is at work it
// may close holes in between, and what it moves has two places for a while.
static inline void sin_changed_nothing(struct sinner *sinner, uint64_t counted)
{
    struct mems_stats now = test_stats(sinner->engine);
    const struct mems_stats *before = &sinner->before;
    const bool moved = strstr(sinner->kind->options, "mover=yes") != NULL;
    test_require(
        now.live_blocks == before->live_blocks && now.allocs == before->allocs &&
            now.releases == before->releases && now.resizes == before->resizes &&
            now.requested_bytes == before->requested_bytes &&
            now.block_bytes == before->block_bytes && now.cached_blocks == before->cached_blocks &&
            (moved || (now.free_bytes == before->free_bytes && now.holes == before->holes &&
                       now.held_bytes == before->held_bytes)),
        "%s(%s): a misuse changed the accounts", sinner->kind->policy, sinner->kind->options);
    test_require(now.misuses == before->misuses + counted,
                 "%s(%s): %" PRIu64 " misuses counted, should be %" PRIu64, sinner->kind->policy,
                 sinner->kind->options, now.misuses - before->misuses, counted);
}

// What release, resize, block_size, translate, fault, read and write say of an address. 0 in
// `access` when an access is no misuse (interior).
static inline void sin_expect(struct sinner *sinner, struct mems_space *space, mems_addr addr,
                              int error, int other_error, int access)
{
    const struct kind *kind = sinner->kind;
    sin_about_to(sinner);
    mems_addr moved = addr;
    size_t size = 0;
    void *host = NULL;
    unsigned char byte = 0;
    int answers[] = {
        mems_release(space, addr),
        mems_resize(space, &moved, 200),
        mems_block_size(space, addr, &size, NULL),
    };
    uint64_t counted = 0;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        test_require(answers[i] == error || answers[i] == other_error,
                     "%s(%s): call %zu on %#" PRIx64 ": %d (%s), should be %d", kind->policy,
                     kind->options, i, addr, answers[i], mems_error_text(answers[i]), error);
        counted++;
    }
    assert_true(moved == addr);
    if (access != 0) {
        mems_access_begin();
        int translated = mems_translate(space, addr, MEMS_READ, &host, NULL);
        mems_access_end();
        int accesses[] = {translated, mems_fault(space, addr, MEMS_READ),
                          mems_read(space, addr, &byte, 1), mems_write(space, addr, &byte, 1)};
        for (size_t i = 0; i < sizeof accesses / sizeof accesses[0]; i++) {
            test_require(accesses[i] == error || accesses[i] == other_error,
                         "%s(%s): access %zu to %#" PRIx64 ": %d (%s), should be %d", kind->policy,
                         kind->options, i, addr, accesses[i], mems_error_text(accesses[i]), error);
        }
    }
    struct mems_stats now = test_stats(sinner->engine);
    sinner->before.misuses = now.misuses; // accesses may be counted too
    test_require(now.misuses >= counted, "misuses are not counted");
    sin_changed_nothing(sinner, 0);
}

#endif
