// SPDX-License-Identifier: MIT
//
// extreme_sizes.c - the workload "extreme-sizes": sizes that cannot be, and what must be said.
//
// 1. Theory. Headers and rounding are added to a size; one near the end of the range wraps, and a
//    few bytes are handed out where 2^64 were asked for (isoalloc#7, snmalloc#752, glibc 15855 and
//    22343). POSIX: malloc and its kin return NULL and set errno to ENOMEM, posix_memalign returns
//    ENOMEM; free leaves errno as it is (from the 2024 issue on).
// 2. States. Each worker goes through the parts over and over:
//      refuse  each of 16 sizes by every call there is: no block, ENOMEM; resized by it, an old
//              block stays what and where it was
//      zero    no bytes at all, or one: what comes back can be freed, and no two are the same
//      errno   free does not touch it, whatever the size
//      align   every alignment from 8 to 2 Mi with sizes around it
// 3. Failure. A block where there can be none: size-wrap; another errno: errno; and as of any
//    block. A step is a call.

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "workload/edge.h"
#include "workload/rows.h"

// No machine maps 2^57 bytes, and PTRDIFF_MAX is the most that C can have in one object.
static const size_t extreme_sizes[] = {
    SIZE_MAX,
    SIZE_MAX - 1,
    SIZE_MAX - 7,
    SIZE_MAX - 15,
    SIZE_MAX - 31,
    SIZE_MAX - 4095,
    SIZE_MAX - 4096,
    SIZE_MAX - (64 << 10) + 1,
    SIZE_MAX - (512 << 10) + 1,
    SIZE_MAX - (4 << 20) + 1,
    SIZE_MAX - (1 << 30) + 1,
    (size_t)PTRDIFF_MAX + 2,
    (size_t)PTRDIFF_MAX + 1,
    (size_t)PTRDIFF_MAX,
    (size_t)PTRDIFF_MAX - 4095,
    (size_t)1 << 57,
};
#define EXTREME_SIZES (sizeof extreme_sizes / sizeof extreme_sizes[0])

enum extreme_part { EXTREME_ALL, EXTREME_REFUSE, EXTREME_ZERO, EXTREME_ERRNO, EXTREME_ALIGN };
static const char *const extreme_parts[] = {"all", "refuse", "zero", "errno", "align", NULL};

static const struct job_key extreme_sizes_keys[] = {
    {.name = "part",
     .kind = JOB_CHOICE,
     .choices = extreme_parts,
     .values = "all, refuse (sizes that cannot be), zero (no bytes), errno (free leaves it), align "
               "(every alignment)",
     .standard = "all",
     .help = "what is tried"},
    {.name = NULL},
};

static int extreme_sizes_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    uint32_t *calls = run_map(sizeof *calls);
    *calls = edge_calls();
    run->shared = calls;
    return 0;
}

static bool extreme_known(const struct worker *worker, enum edge_call call)
{
    return (*(uint32_t *)worker->run->shared >> call & 1) != 0;
}

// ---- refused ------------------------------------------------------------------------------------

// `block` is what a call with that size returned, errno what it left.
static void extreme_judge(struct worker *worker, const char *call, size_t size, void *block)
{
    int error = errno;
    if (block != NULL) {
        child_fail(worker, "size-wrap", block, size,
                   "%s gave a block where %zu bytes were asked for", call, size);
    }
    if (error != ENOMEM) {
        child_fail(worker, "errno", NULL, size,
                   "%s of %zu bytes returned NULL and left errno at %d (%s), not ENOMEM", call,
                   size, error, error == 0 ? "0" : strerrordesc_np(error));
    }
    op_step(worker, 1);
}

static void extreme_refuse_products(struct worker *worker, size_t size)
{
    errno = 0;
    extreme_judge(worker, "calloc (count x 1)", size, calloc(size, 1));
    errno = 0;
    extreme_judge(worker, "calloc (a product that wraps)", size, calloc(size / 8 + 2, 16));
    if (extreme_known(worker, EDGE_REALLOCARRAY)) {
        errno = 0;
        extreme_judge(worker, "reallocarray (a product that wraps)", size,
                      reallocarray(NULL, size / 8 + 2, 16));
    }
}

// A block that cannot grow stays.
static void extreme_refuse_resize(struct worker *worker, size_t size, size_t from)
{
    struct edge_block block;
    edge_alloc(worker, EDGE_MALLOC, from, 0, false, &block);
    errno = 0;
    extreme_judge(worker, "realloc of a block", size, realloc(block.at, size));
    edge_free(worker, &block);
}

static void extreme_refuse(struct worker *worker)
{
    for (size_t i = 0; i < EXTREME_SIZES; i++) {
        size_t size = extreme_sizes[i];
        for (unsigned call = 0; call < EDGE_USABLE_SIZE; call++) {
            if (extreme_known(worker, (enum edge_call)call)) {
                errno = 0;
                void *block = edge_call((enum edge_call)call, size, 64);
                extreme_judge(worker, edge_call_name((enum edge_call)call), size, block);
            }
        }
        // Counts and products are in bytes here; a size of 2^57 / 8 * 16 is 2^58.
        extreme_refuse_products(worker, size);
        extreme_refuse_resize(worker, size, 40);
        extreme_refuse_resize(worker, size, 1 << 20);
    }
}

// ---- the rest -----------------------------------------------------------------------------------

static void extreme_zero(struct worker *worker)
{
    for (unsigned call = 0; call < EDGE_USABLE_SIZE; call++) {
        if (extreme_known(worker, (enum edge_call)call)) {
            void *first = edge_call((enum edge_call)call, 0, 64);
            void *second = edge_call((enum edge_call)call, 0, 64);
            if (first != NULL && first == second) {
                child_fail(worker, "overlap", first, 0, "%s(0) gave the same block twice",
                           edge_call_name((enum edge_call)call));
            }
            free(first);
            free(second);
            struct edge_block block;
            edge_alloc(worker, (enum edge_call)call, call == EDGE_ALIGNED_ALLOC ? 64 : 1, 64, false,
                       &block);
            edge_free(worker, &block);
            op_step(worker, 1);
        }
    }
}

static void extreme_errno(struct worker *worker)
{
    for (unsigned i = 0; i < EDGE_SIZES + 3; i++) {
        struct edge_block block;
        size_t size = i < EDGE_SIZES ? edge_size(i) : (size_t)16 << 20 << (i - EDGE_SIZES);
        edge_alloc(worker, EDGE_MALLOC, size, 0, false, &block);
        errno = EDOM;
        edge_free(worker, &block);
        if (errno != EDOM) {
            child_fail(worker, "errno", NULL, size, "free of %zu bytes changed errno to %d", size,
                       errno);
        }
        op_step(worker, 1);
    }
}

static void extreme_align(struct worker *worker)
{
    static const enum edge_call calls[] = {EDGE_POSIX_MEMALIGN, EDGE_MEMALIGN, EDGE_ALIGNED_ALLOC};
    for (size_t align = 8; align <= 2 << 20; align *= 2) {
        size_t sizes[] = {1, align - 1, align, align + 1, 2 * align, 100};
        struct edge_block blocks[6 * 3] = {{0}};
        for (unsigned i = 0; i < 6 * 3; i++) {
            enum edge_call call = calls[i % 3];
            size_t size = sizes[i / 3];
            size = call == EDGE_ALIGNED_ALLOC ? (size + align - 1) & ~(align - 1) : size;
            if (extreme_known(worker, call)) {
                edge_alloc(worker, call, size, align, false, &blocks[i]);
                op_step(worker, 1);
            }
        }
        for (unsigned i = 0; i < 6 * 3; i++) {
            if (blocks[i].at != NULL && i % 2 == 0) {
                edge_resize(worker, &blocks[i], blocks[i].size + align);
            }
            edge_free(worker, &blocks[i]);
        }
    }
}

static void extreme_sizes_work(struct worker *worker)
{
    enum extreme_part part = (enum extreme_part)job_number(worker->run->section, "part");
    uint64_t before = 0;
    uint64_t done;
    do {
        if (part == EXTREME_ALL || part == EXTREME_REFUSE) {
            extreme_refuse(worker);
        }
        if (part == EXTREME_ALL || part == EXTREME_ZERO) {
            extreme_zero(worker);
        }
        if (part == EXTREME_ALL || part == EXTREME_ERRNO) {
            extreme_errno(worker);
        }
        if (part == EXTREME_ALL || part == EXTREME_ALIGN) {
            extreme_align(worker);
        }
        done = worker->count[OP_STEP] - before;
        before = worker->count[OP_STEP];
    } while (!worker_stop(worker, done));
}

static void extreme_sizes_close(struct run *run)
{
    (void)run;
}

// A step is hundreds of calls, some of which allocate nothing: none is timed or waits for its time.
static const char *const extreme_sizes_unused[] = {
    "size", "verify", "checks", "touch", "rate", "arrival", "latency", "latency_limit", NULL};

const struct workload workload_extreme_sizes = {
    .name = "extreme-sizes",
    .help = "sizes near the end of the range, no bytes, every alignment: blocks, refusals, errno",
    .class = WORKLOAD_PROCESS,
    .needs_malloc = true,
    .version = 1,
    .keys = extreme_sizes_keys,
    .unused = extreme_sizes_unused,
    .demand = edge_demand,
    .open = extreme_sizes_open,
    .work = extreme_sizes_work,
    .close = extreme_sizes_close,
};
