// SPDX-License-Identifier: MIT
//
// doubling.c - every other block goes, then blocks of twice the size come, and no hole fits them.
//
// 1. Theory (the worst case of first fit in textbook form; Robson, Worst case fragmentation of
//    first fit and best fit storage allocation strategies, Computer Journal 20, 1977). n blocks of
//    1, side by side; then in step k every other survivor is freed, of each size, and n/2^k blocks
//    of 2^k come. Survivors of size 2^j now lie 2^k apart, with holes of 2^k - 2^j between: none
//    serves 2^k. So each of the log2 n + 1 batches takes n units of fresh memory, while what is
//    live halves and grows by n: below 2 n always, n (2 - 1/n) in the end.
// 2. Any allocator that puts consecutive requests side by side is caught, whichever hole it would
//    prefer: first, best and worst fit, buddies. One that keeps sizes apart takes fresh memory for
//    each size anyhow. Moving blocks helps, and so does giving the pages of holes back.
// 3. Headers. A block of 2^k units with a header of h takes less than 2^k blocks of one unit with
//    theirs: late in a round the headers of the freed would add up to a hole that serves. So a
//    request is `header` bytes short of its power of two; what the allocator adds, if it is no
//    more, then makes holes no larger than the argument has them.
// 4. Figure. `blow-up`: the most held over the most live; its bound is what the argument gives:
//    n (log2 n + 1) units over n (2 - 1/n) at the most, about half of log2 n.
// 5. Nothing here is left to chance.

#include <errno.h>

#include "check/check.h"
#include "run/run.h"
#include "workload/demand.h"
#include "workload/rounds.h"
#include "workload/rows.h"

struct doubling {
    struct rounds rounds;
    uint64_t unit, header;
    uint64_t count; // n
    unsigned steps; // log2 n
    uint64_t held;  // the most so far
};

static const struct job_key doubling_keys[] = {
    {CHECK_TOUCH_KEY, .standard = "full"},
    {.name = "unit",
     .kind = JOB_SIZE,
     .least = 16,
     .most = 0x1p30,
     .values = "16 .. 1Gi",
     .standard = "1Ki",
     .help = "size of the smallest blocks: the theory's 1; well above an allocator's headers"},
    {.name = "blocks",
     .kind = JOB_NUMBER,
     .least = 2,
     .most = 0x1p30,
     .values = "a power of two, 2 .. 2^30",
     .standard = "1024",
     .help = "n: how many of them, in each thread; the last block has n times their size"},
    {.name = "header",
     .kind = JOB_SIZE,
     .least = 0,
     .most = 0x1p30,
     .values = "0 .. 1Gi, below unit",
     .standard = "32",
     .help = "each request is so much smaller: room for what the allocator adds to a block"},
    {.name = NULL},
};

static const char *const doubling_unused[] = {"size", NULL};

static int doubling_validate(const struct job_section *section, struct complaint *complaint)
{
    uint64_t count = job_number(section, "blocks");
    if ((count & (count - 1)) != 0) {
        job_complain(section, "blocks", complaint, "it should be a power of two");
        return EINVAL;
    }
    if (job_number(section, "header") >= job_number(section, "unit")) {
        job_complain(section, "header", complaint, "it should be below unit");
        return EINVAL;
    }
    return 0;
}

static int doubling_demand(const struct job_section *section, struct target_demand *demand,
                           struct complaint *complaint)
{
    (void)complaint;
    uint64_t threads = job_number(section, "threads");
    uint64_t unit = job_number(section, "unit");
    uint64_t count = job_number(section, "blocks");
    demand->peak_bytes += threads * unit * (2 * count - 1);
    for (uint64_t step = 1; step <= count; step *= 2) {
        demand_add_blocks(demand, step * unit - job_number(section, "header"),
                          threads * count / step);
    }
    return 0;
}

static int doubling_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct doubling *doubling = run_map(sizeof(*doubling));
    doubling->unit = job_number(run->section, "unit");
    doubling->header = job_number(run->section, "header");
    doubling->count = job_number(run->section, "blocks");
    doubling->steps = (unsigned)__builtin_ctzll(doubling->count);
    rounds_init(&doubling->rounds, run, doubling->count);
    run->shared = doubling;
    return 0;
}

// The most bytes that are live in a thread: at the end of step i, n/2^i blocks of each batch so
// far.
static double doubling_live(const struct doubling *doubling)
{
    double most = 0;
    double batches = 0; // a block of each
    for (unsigned i = 0; i <= doubling->steps; i++) {
        batches += (double)((doubling->unit << i) - doubling->header);
        double live = batches * (double)(doubling->count >> i);
        most = live > most ? live : most;
    }
    return most;
}

static void doubling_measure(struct run *run)
{
    struct doubling *doubling = run->shared;
    uint64_t held = run_held(run);
    doubling->held = held > doubling->held ? held : doubling->held;
    double live = doubling_live(doubling);
    double fresh = (double)(doubling->count * doubling->unit) * (doubling->steps + 1);
    run_figure(run, "blow-up", "x", (double)doubling->held / (live * run->threads), fresh / live);
}

// Frees every other of the first *blocks slots, the first one first: the last block of a batch
// stays, so that no hole runs on into memory that was never used. And moves the rest together in
// their order.
static bool doubling_halve(struct worker *worker, struct slot *slots, uint64_t *blocks)
{
    uint64_t kept = 0;
    for (uint64_t i = 0; i < *blocks; i++) {
        if (i % 2 != 0) {
            rounds_swap(&slots[kept++], &slots[i]);
        } else if (!rounds_free(worker, &slots[i])) {
            return false;
        }
    }
    *blocks = kept;
    return true;
}

// A refused block leaves an empty slot, which counts as a survivor: the order of the others holds.
static bool doubling_round(struct worker *worker)
{
    struct doubling *doubling = worker->run->shared;
    struct slot *slots = rounds_slots(&doubling->rounds, worker);
    uint64_t blocks = 0;
    for (unsigned i = 0; i <= doubling->steps; i++) {
        if (!doubling_halve(worker, slots, &blocks)) {
            return false;
        }
        uint64_t size = (doubling->unit << i) - doubling->header;
        for (uint64_t left = doubling->count >> i; left > 0; left--) {
            if (!rounds_alloc(worker, &slots[blocks++], size)) {
                return false;
            }
        }
        rounds_meet(&doubling->rounds, doubling_measure);
    }
    return rounds_free_all(&doubling->rounds, worker);
}

static void doubling_work(struct worker *worker)
{
    struct doubling *doubling = worker->run->shared;
    rounds_work(&doubling->rounds, worker, doubling_round);
}

static void doubling_close(struct run *run)
{
    struct doubling *doubling = run->shared;
    rounds_fini(&doubling->rounds);
}

const struct workload workload_doubling = {
    .name = "doubling",
    .help = "frees every other survivor, then asks for twice the size: no hole ever fits",
    .class = WORKLOAD_ADVERSARY,
    .version = 2,
    .keys = doubling_keys,
    .unused = doubling_unused,
    .ends = true,
    .validate = doubling_validate,
    .demand = doubling_demand,
    .open = doubling_open,
    .work = doubling_work,
    .close = doubling_close,
};
