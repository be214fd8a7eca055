// SPDX-License-Identifier: MIT
//
// maps.c - the workload "maps": as many mappings as the kernel allows, but for a few.
//
// 1. Theory. A process may have so many mappings (vm.max_map_count, 65,530 by default) and not one
//    more: then mmap, mprotect, madvise and even munmap, where it would split one, fail with
//    ENOMEM although there is memory. Allocators that give each large block guards of its own come
//    there; some take the failure for impossible.
// 2. States. Each worker starts fresh processes, one after the other. One takes all mappings but
//    `spare` (pages of a reservation, protected in turn), then allocates blocks of 64 KiB to 4 MiB
//    and small ones among them, and makes a page in the middle of each large one inaccessible: a
//    hole, two mappings more. When half of the blocks are there it takes what mappings are left, to
//    the last, so that the system gives nothing more. At the end it makes the pages accessible
//    again, frees every other block and grows others while there are no mappings, gives the
//    mappings back, frees the rest; all must be as ever.
// 3. Failure. NULL with another errno than ENOMEM, or free that changes errno: errno; no block when
//    mappings are back: refused; child-crash, child-hang; and as of any block. A step is a process.

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "measure/proc.h"
#include "workload/edge.h"
#include "workload/rows.h"

#define MAPS_BLOCKS 512
#define MAPS_PAIR   8192u
#define MAPS_MOST   262144 // a kernel that allows more is not taken to its limit

enum { MAPS_SPARE, MAPS_CALLS, MAPS_REFUSED, MAPS_LIMIT };

static const struct job_key maps_keys[] = {
    {.name = "spare",
     .kind = JOB_NUMBER,
     .least = 0,
     .most = 10000,
     .standard = "100",
     .help = "mappings that are left"},
    EDGE_CHILD_TIMEOUT,
    {.name = NULL},
};

// ---- the child ----------------------------------------------------------------------------------

struct maps_block {
    struct edge_block block;
    unsigned char *hole; // NULL: none
};

static struct maps_block maps_blocks[MAPS_BLOCKS];

// The mappings of this process: lines of a file.
static uint64_t maps_count(void)
{
    static char text[16384];
    uint64_t lines = 0;
    int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    ssize_t got;
    while (file >= 0 && (got = read(file, text, sizeof text)) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            lines += text[i] == '\n';
        }
    }
    if (file >= 0) {
        close(file);
    }
    return lines;
}

// Pairs of pages in a reservation, one readable and one not.
struct maps_region {
    char *at;
    uint64_t pairs; // that fit
    uint64_t taken;
};

static struct maps_region maps_reserve(uint64_t limit)
{
    struct maps_region region = {.pairs = limit};
    region.at = mmap(NULL, region.pairs * MAPS_PAIR, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region.at == MAP_FAILED) {
        child_fail(NULL, RUN_HARNESS, NULL, 0, "no address space to take mappings in");
    }
    return region;
}

// Takes mappings, two a pair, until so many pairs are taken or there are no more.
static void maps_take(struct maps_region *region, uint64_t pairs)
{
    for (; region->taken < pairs && region->taken < region->pairs; region->taken++) {
        if (mprotect(region->at + region->taken * MAPS_PAIR, MAPS_PAIR / 2, PROT_READ) != 0) {
            break;
        }
        if (region->taken % 1024 == 0) {
            child_step();
        }
    }
}

// To the last one, and the one past it: the kernel refuses a new mapping only then. Each is of
// another kind than its neighbour, so that the two do not become one; nothing gives these back.
static void maps_take_all(struct maps_region *region)
{
    maps_take(region, region->pairs);
    for (unsigned i = 0; i < 8; i++) {
        int kind = i % 2 == 0 ? PROT_READ : PROT_NONE;
        if (mmap(NULL, 4096, kind, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED) {
            return;
        }
    }
}

// In pieces, each of which is progress: the kernel takes its time.
static void maps_give_back(const struct maps_region *region)
{
    uint64_t piece = 1024 * MAPS_PAIR;
    for (uint64_t at = 0; at < region->pairs * MAPS_PAIR; at += piece) {
        uint64_t left = region->pairs * MAPS_PAIR - at;
        munmap(region->at + at, left < piece ? left : piece);
        child_step();
    }
}

static void maps_pierce(struct maps_block *block)
{
    uintptr_t middle = (uintptr_t)block->block.at + block->block.size / 2;
    unsigned char *page = (unsigned char *)(middle & ~(uintptr_t)4095);
    if (block->block.size >= 32 << 10 && mprotect(page, 4096, PROT_NONE) == 0) {
        block->hole = page;
    }
}

// True: the block is whole again. A hole that cannot be closed stays, and its block with it.
static bool maps_heal(struct maps_block *block)
{
    if (block->hole != NULL && mprotect(block->hole, 4096, PROT_READ | PROT_WRITE) != 0) {
        return false;
    }
    block->hole = NULL;
    return true;
}

static uint64_t maps_allocate(struct random *random, uint32_t calls, unsigned from, unsigned end)
{
    uint64_t refused = 0;
    for (unsigned i = from; i < end; i++) {
        enum edge_call call = i % 3 == 0 ? EDGE_POSIX_MEMALIGN : EDGE_MALLOC;
        size_t size = i % 4 == 3 ? edge_draw(random) : (size_t)65536 << random_below(random, 7);
        call = (calls >> call & 1) != 0 ? call : EDGE_MALLOC;
        if (edge_alloc(NULL, call, size, 4096, true, &maps_blocks[i].block)) {
            maps_pierce(&maps_blocks[i]);
        } else {
            refused++;
        }
    }
    return refused;
}

static void maps_free(unsigned from, unsigned step)
{
    for (unsigned i = from; i < MAPS_BLOCKS; i += step) {
        size_t size = maps_blocks[i].block.size;
        if (maps_blocks[i].block.at != NULL && maps_heal(&maps_blocks[i])) {
            errno = EDOM;
            edge_free(NULL, &maps_blocks[i].block);
            if (errno != EDOM) {
                child_fail(NULL, "errno", NULL, size, "free of %zu bytes changed errno to %d", size,
                           errno);
            }
        }
    }
}

// What moves its pages instead of copying them may find no mapping for that.
static void maps_grow(unsigned from, unsigned step)
{
    for (unsigned i = from; i < MAPS_BLOCKS; i += step) {
        struct edge_block *block = &maps_blocks[i].block;
        if (block->at != NULL && maps_heal(&maps_blocks[i])) {
            (void)edge_resize_try(NULL, block, block->size + block->size / 2 + 1);
        }
    }
}

static void maps_child(struct child_post *post)
{
    struct random random;
    uint32_t calls = (uint32_t)post->argument[MAPS_CALLS];
    uint64_t limit = post->argument[MAPS_LIMIT];
    uint64_t left = maps_count() + post->argument[MAPS_SPARE];
    random_init(&random, post->seed, 0, 0);
    child_doing("taking the mappings");
    struct maps_region region = maps_reserve(limit);
    maps_take(&region, limit > left ? (limit - left) / 2 : 0);
    child_doing("allocating large blocks with few mappings left");
    post->argument[MAPS_REFUSED] = maps_allocate(&random, calls, 0, MAPS_BLOCKS / 2);
    child_doing("taking the last mappings");
    maps_take_all(&region);
    child_doing("allocating large blocks with no mappings left");
    post->argument[MAPS_REFUSED] += maps_allocate(&random, calls, MAPS_BLOCKS / 2, MAPS_BLOCKS);
    child_doing("freeing large blocks with no mappings left");
    maps_free(0, 2);
    child_doing("resizing large blocks with no mappings left");
    maps_grow(1, 4);
    child_doing("giving the mappings back");
    maps_give_back(&region);
    child_doing("freeing when mappings were back");
    maps_free(0, 1);
    child_doing("allocating when mappings were back");
    for (unsigned i = 0; i < EDGE_SIZES; i++) {
        edge_alloc_any(NULL, &random, calls, edge_size(i), &maps_blocks[i].block);
    }
    maps_free(0, 1);
    child_end();
}

// ---- the cell -----------------------------------------------------------------------------------

struct maps {
    uint32_t calls;
    uint64_t limit;
    uint64_t refused; // [atomic] by the children's target, all together
};

static int maps_open(struct run *run, struct complaint *complaint)
{
    struct maps *shared = run_map(sizeof *shared);
    shared->calls = edge_calls();
    shared->limit = proc_number("/proc/sys/vm/max_map_count");
    if (shared->limit == 0 || shared->limit > MAPS_MOST) {
        complain(complaint,
                 "maps: vm.max_map_count is %llu: more than %d cannot be taken in reasonable time; "
                 "lower it with: sysctl vm.max_map_count=65530",
                 (unsigned long long)shared->limit, MAPS_MOST);
        return ENOTSUP;
    }
    run->shared = shared;
    return 0;
}

static void maps_work(struct worker *worker)
{
    struct maps *shared = worker->run->shared;
    struct child_rule rule = edge_rule(worker->run, "child-hang");
    do {
        struct child_post *post = child_post(worker->run, worker->number);
        post->seed = random_next(&worker->random);
        post->argument[MAPS_SPARE] = job_number(worker->run->section, "spare");
        post->argument[MAPS_CALLS] = shared->calls;
        post->argument[MAPS_LIMIT] = shared->limit;
        uint64_t began = op_step_begin(worker);
        child_run(worker, post, &rule);
        op_step_end(worker, began);
        __atomic_fetch_add(&shared->refused, post->argument[MAPS_REFUSED], __ATOMIC_RELAXED);
    } while (!worker_stop(worker, 1));
}

static void maps_close(struct run *run)
{
    struct maps *shared = run->shared;
    run_figure(run, "refused in children", "", (double)shared->refused, NAN);
}

const struct workload workload_maps = {
    .name = "maps",
    .help = "processes with hardly any mappings left: large blocks with holes must be refused",
    .class = WORKLOAD_PROCESS,
    .needs_malloc = true,
    .version = 2,
    .keys = maps_keys,
    .unused = edge_unused_sizes,
    .validate = edge_validate,
    .demand = edge_demand,
    .open = maps_open,
    .work = maps_work,
    .close = maps_close,
    .child = maps_child,
};
