// SPDX-License-Identifier: MIT
//
// policies.h - every policy, small and bounded: what the conformance tests run over.
//
// A policy that is in the engine's table and not here fails the tests: add its rows. A row here
// that the engine does not have (yet) is passed over, and so is one whose `option` does not list
// `value` among what it may be.

#ifndef SUPPORT_POLICIES_H
#define SUPPORT_POLICIES_H

#include "support/access.h"

enum policy_can {
    CAN_PROTECT = 1,
    CAN_SHARE = 2, // what one writes the other reads
    CAN_COPY = 4,  // shared until one side writes
    CAN_COMPACT = 8,
    CAN_SWAP = 16, // more can be allocated than memory holds
};

struct policy_case {
    const char *policy;
    const char *options; // thread_cache comes on top
    uint64_t largest;    // a request that an engine with little in it serves
    uint64_t align;      // the largest alignment that is always granted; beyond: ENOMEM or EINVAL
    unsigned can;        // enum policy_can
    const char *option, *value;
};

static const struct policy_case POLICY_CASES[] = {
    {"fixed", "partitions=64x600,512x200,4Kix60,16Kix60,128Kix8", 131072, 16, 0, NULL, NULL},
    {"fixed", "partitions=512x200,64x600,128Kix8,16Kix60,4Kix60,queue=size", 131072, 16, 0, NULL,
     NULL},
    {"fixed", "partition=8Ki,count=300", 8192, 16, 0, NULL, NULL},
    {"dynamic", "capacity=1Mi", 131072, 65536, 0, NULL, NULL},
    {"dynamic", "capacity=4Mi,arenas=4,fit=best", 131072, 65536, 0, NULL, NULL},
    {"dynamic", "capacity=2Mi,arenas=2,fit=next,granule=64", 131072, 65536, 0, NULL, NULL},
    {"dynamic", "capacity=1Mi,fit=worst", 131072, 65536, 0, NULL, NULL},
    {"dynamic", "capacity=2Mi,fit=buddy", 131072, 65536, 0, "fit", "buddy"},
    {"dynamic", "capacity=4Mi,arenas=4,fit=tlsf", 131072, 65536, 0, "fit", "tlsf"},
    {"dynamic", "capacity=1Mi,coalesce=deferred", 131072, 65536, 0, "coalesce", "deferred"},
    {"dynamic", "capacity=1Mi,movable=yes", 131072, 65536, CAN_COMPACT, "movable", "yes"},
    {"slab", "capacity=4Mi", 131072, 65536, 0, NULL, NULL},
    {"slab", "capacity=6000000", 131072, 65536, 0, NULL, NULL},
    {"paging", "page=4Ki,frames=512", 131072, 4096, CAN_PROTECT | CAN_COPY, NULL, NULL},
    {"paging", "page=256,frames=4096,arenas=4,frame_cache=0", 131072, 256, CAN_PROTECT | CAN_COPY,
     NULL, NULL},
    {"vm-paging", "page=4Ki,frames=64,swap=1Mi", 131072, 4096, CAN_PROTECT | CAN_COPY | CAN_SWAP,
     NULL, NULL},
    {"vm-paging", "page=512,frames=96,swap=256Ki,arenas=4,replacement=lru", 131072, 512,
     CAN_PROTECT | CAN_COPY | CAN_SWAP, NULL, NULL},
    {"segmentation", "capacity=1Mi", 131072, 65536, CAN_PROTECT | CAN_SHARE | CAN_COMPACT, NULL,
     NULL},
    {"segmentation", "capacity=4Mi,arenas=4,fit=best,compact_order=top", 131072, 65536,
     CAN_PROTECT | CAN_SHARE | CAN_COMPACT, NULL, NULL},
    {"segmentation", "capacity=1Mi,compact_after=30", 131072, 65536,
     CAN_PROTECT | CAN_SHARE | CAN_COMPACT, NULL, NULL},
    {"vm-segmentation", "capacity=512Ki,swap=2Mi", 131072, 65536,
     CAN_PROTECT | CAN_SHARE | CAN_COMPACT | CAN_SWAP, NULL, NULL},
    {"vm-segmentation", "capacity=256Ki,swap=1Mi,fit=best,replacement=fifo", 131072, 65536,
     CAN_PROTECT | CAN_SHARE | CAN_COMPACT | CAN_SWAP, NULL, NULL},
    {"vm-segmentation", "capacity=512Ki,swap=2Mi,paged=yes", 131072, 256, CAN_PROTECT | CAN_SWAP,
     "paged", "yes"},
};

enum { POLICY_CASE_COUNT = sizeof POLICY_CASES / sizeof POLICY_CASES[0] };

static inline bool policy_there(const char *name)
{
    const struct mems_policy_row *row;
    for (size_t i = 0; (row = mems_policy_at(i)) != NULL; i++) {
        if (strcmp(row->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static inline bool case_there(const struct policy_case *it)
{
    const struct mems_option *option;
    if (!policy_there(it->policy) || it->option == NULL) {
        return policy_there(it->policy);
    }
    for (size_t i = 0; (option = mems_option_at(it->policy, i)) != NULL; i++) {
        if (strcmp(option->name, it->option) == 0) {
            return strstr(option->values, it->value) != NULL;
        }
    }
    return false;
}

// Every policy of the engine has a row here.
static inline void policies_require(void)
{
    const struct mems_policy_row *row;
    for (size_t i = 0; (row = mems_policy_at(i)) != NULL; i++) {
        bool found = false;
        for (size_t k = 0; k < POLICY_CASE_COUNT; k++) {
            found |= strcmp(POLICY_CASES[k].policy, row->name) == 0;
        }
        test_require(found, "policy '%s' has no row in tests/support/policies.h: add one",
                     row->name);
    }
}

// A case under way: one engine and two spaces of it.
struct policy_stage {
    const struct policy_case *it;
    char options[160];
    bool cached;
    struct mems_engine *engine;
    struct mems_space *space, *other;
};

static inline void stage_open(struct policy_stage *stage, const struct policy_case *it, bool cached)
{
    stage->it = it;
    stage->cached = cached;
    snprintf(stage->options, sizeof stage->options, "%s,thread_cache=%s", it->options,
             cached ? "yes" : "no");
    stage->engine = test_engine(it->policy, stage->options);
    stage->space = test_space(stage->engine);
    stage->other = test_space(stage->engine);
}

#define stage_require(stage, condition, ...)                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s(%s): ", (stage)->it->policy, (stage)->options);                    \
            test_require(condition, __VA_ARGS__);                                                  \
        }                                                                                          \
    } while (0)

static inline void stage_checked(const struct policy_stage *stage)
{
    struct mems_violation first = {.invariant = "none", .text = ""};
    int error = mems_check(stage->engine, true, &first);
    stage_require(stage, error == 0, "%s: %s", first.invariant, first.text);
    test_conserved(stage->engine);
}

// Every case, with caches and without, each in an engine of its own.
static inline void policies_each(void (*run)(struct policy_stage *stage))
{
    for (size_t i = 0; i < POLICY_CASE_COUNT; i++) {
        for (unsigned cached = 0; cached < 2 && case_there(&POLICY_CASES[i]); cached++) {
            struct policy_stage stage;
            stage_open(&stage, &POLICY_CASES[i], cached == 1);
            run(&stage);
            stage_checked(&stage);
            mems_engine_close(stage.engine);
        }
    }
}

static inline mems_addr stage_alloc(const struct policy_stage *stage, struct mems_space *space,
                                    size_t size)
{
    mems_addr addr = 0;
    int error = mems_alloc(space, size, 0, &addr);
    stage_require(stage, error == 0, "alloc of %zu: %s", size, strerror(error));
    return addr;
}

static inline void stage_release(const struct policy_stage *stage, struct mems_space *space,
                                 mems_addr addr)
{
    int error = mems_release(space, addr);
    stage_require(stage, error == 0, "release of %#" PRIx64 ": %s", addr, strerror(error));
}

// No block is left anywhere, and memory is what it was before any was.
static inline void stage_empty(const struct policy_stage *stage, const struct mems_stats *before)
{
    mems_thread_flush();
    struct mems_stats after = test_stats(stage->engine);
    stage_require(stage,
                  after.live_blocks == 0 && after.block_bytes == 0 && after.requested_bytes == 0 &&
                      after.cached_blocks == 0,
                  "%" PRIu64 " blocks, %" PRIu64 " bytes, %" PRIu64 " cached are left",
                  after.live_blocks, after.block_bytes, after.cached_blocks);
    stage_require(stage,
                  after.free_bytes - before->free_bytes == after.held_bytes - before->held_bytes,
                  "%" PRIu64 " of %" PRIu64 " bytes free, before %" PRIu64 " of %" PRIu64,
                  after.free_bytes, after.held_bytes, before->free_bytes, before->held_bytes);
    stage_checked(stage);
}

#endif
