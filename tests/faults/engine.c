// SPDX-License-Identifier: MIT
//
// engine.c - every policy, with the Nth call of each seam refused.
//
//   test-faults-engine list         a scenario a line: NUMBER TAB POLICY TAB OPTIONS TAB SEAMS it
//   calls test-faults-engine SCENARIO SEAM once|on FIRST STEP
//
// One scenario opens an engine and two spaces, allocates, writes, resizes, shares, protects, reads
// back, compacts, releases and closes, in a fresh thread. A call that is refused must say the error
// that the seam stands for, leave the account and every invariant as they were, and succeed when
// the fault is gone. Blocks hold their stamps to the end, all but one whose write was cut short,
// which is then written anew. Releasing and closing never fail, whatever is refused; of unmaps each
// that closing makes is a point of its own. In the end the process has as many pages mapped, files
// open and threads running as before.
//
// SEAM: map unmap thread swap-open swap-read swap-write. N goes FIRST, FIRST + STEP, .. until a run
// makes fewer calls than N. Prints the points.

#include "support/policies.h"

#include <dirent.h>
#include <mems/inject.h>
#include <pthread.h>
#include <stdlib.h>

enum { BLOCKS = 90, LOOKS = 3, ENDING_SECONDS = 10 };

static const char *const seam_names[MEMS_SEAM_COUNT] = {
    [MEMS_SEAM_MAP] = "map",
    [MEMS_SEAM_UNMAP] = "unmap",
    [MEMS_SEAM_THREAD] = "thread",
    [MEMS_SEAM_SWAP_OPEN] = "swap-open",
    [MEMS_SEAM_SWAP_READ] = "swap-read",
    [MEMS_SEAM_SWAP_WRITE] = "swap-write",
};

// Beside those of tests/support/policies.h, which are all bounded.
static const struct policy_case more_cases[] = {
    {"dynamic", "region=8Ki", 20000, 16, 0, NULL, NULL},
    {"dynamic", "region=4Ki,arenas=2,fit=best,coalesce=deferred", 20000, 16, 0, NULL, NULL},
    {"dynamic", "region=8Ki,fit=tlsf,min_block=64", 20000, 16, 0, NULL, NULL},
    {"dynamic", "addresses=flat,region=4Ki", 20000, 16, 0, NULL, NULL},
    {"dynamic", "addresses=flat,region=4Ki,fit=buddy", 20000, 16, 0, NULL, NULL},
    {"dynamic", "region=8Ki,movable=yes,compact_after=20", 20000, 16, CAN_COMPACT, NULL, NULL},
    {"dynamic", "capacity=2Mi,mover=yes", 20000, 16, CAN_COMPACT, NULL, NULL},
    {"segmentation", "region=8Ki", 20000, 16, CAN_PROTECT | CAN_SHARE | CAN_COMPACT, NULL, NULL},
    {"segmentation", "capacity=1Mi,mover=yes,compact_after=10", 20000, 16,
     CAN_PROTECT | CAN_SHARE | CAN_COMPACT, NULL, NULL},
    {"slab", "region=64Ki", 20000, 16, 0, NULL, NULL},
    {"vm-paging", "page=512,frames=40,swap=512Ki,replacement=arc", 20000, 16,
     CAN_PROTECT | CAN_COPY | CAN_SWAP, NULL, NULL},
    {"vm-paging", "page=512,frames=40,swap=512Ki,replacement=s3fifo,low=10,high=20", 20000, 16,
     CAN_PROTECT | CAN_COPY | CAN_SWAP, NULL, NULL},
    {"vm-segmentation", "capacity=64Ki,swap=1Mi,mover=yes", 20000, 16,
     CAN_PROTECT | CAN_SHARE | CAN_COMPACT | CAN_SWAP, NULL, NULL},
    {"vm-segmentation", "capacity=64Ki,swap=1Mi,paged=yes", 20000, 16, CAN_PROTECT | CAN_SWAP, NULL,
     NULL},
};

enum { MORE = sizeof more_cases / sizeof more_cases[0], CASES = POLICY_CASE_COUNT + MORE };

struct scenario {
    const struct policy_case *it;
    char options[200];
    bool cached;
};

struct run {
    const struct scenario *scenario;
    enum mems_seam seam;
    uint64_t nth;
    bool on;
    uint64_t calls, hits;
    unsigned reached; // a bit a seam that was called
    struct mems_engine *engine;
    struct mems_space *space, *other;
    mems_addr addrs[BLOCKS];
    size_t sizes[BLOCKS];
    uint64_t seeds[BLOCKS];
};

#define run_require(run, condition, ...)                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s(%s), %s number %" PRIu64 "%s: ", (run)->scenario->it->policy,      \
                    (run)->scenario->options, seam_names[(run)->seam], (run)->nth,                 \
                    (run)->on ? " and all after it" : "");                                         \
            test_require(condition, __VA_ARGS__);                                                  \
        }                                                                                          \
    } while (0)

// ---- refusals -----------------------------------------------------------------------------------

static void take_away(struct run *run)
{
    run->calls += mems_inject_calls(run->seam);
    run->hits += mems_inject_hits(run->seam);
    mems_inject(run->seam, 0, 0);
}

static bool is_error_of(const struct run *run, int error)
{
    switch (run->seam) {
    case MEMS_SEAM_SWAP_OPEN: // a configuration that cannot work: the complaint says why
        return error == EINVAL && strstr(mems_complaint(), "swap") != NULL;
    case MEMS_SEAM_SWAP_WRITE: // of mems_alloc: there is no place
        return error == ENOSPC || error == ENOMEM;
    case MEMS_SEAM_SWAP_READ:
        return error == EIO;
    default:
        return error == ENOMEM;
    }
}

// What was said of a call. True: it was refused, the fault is gone, and it is to be called again.
static bool refused(struct run *run, const char *call, int error)
{
    if (error == 0) {
        return false;
    }
    run_require(run, run->hits == 0 && mems_inject_hits(run->seam) > 0,
                "%s: %s, though nothing was refused: %s", call, strerror(error), mems_complaint());
    run_require(run, is_error_of(run, error), "%s says %s", call, strerror(error));
    take_away(run);
    if (run->engine != NULL && run->space != NULL) {
        struct mems_violation first = {.invariant = "none", .text = ""};
        int broken = mems_check(run->engine, true, &first);
        run_require(run, broken == 0, "after %s: %s: %s", call, first.invariant, first.text);
        test_conserved(run->engine);
    }
    return true;
}

static void unchanged(const struct run *run, const char *call, const struct mems_stats *before)
{
    static const char *const names[] = {"allocs",      "releases", "resizes", "live_blocks",
                                        "block_bytes", "refusals", "misuses", "requested_bytes"};
    struct mems_stats after = test_stats(run->engine);
    const struct mems_stat *stat;
    for (size_t i = 0; (stat = mems_stat_at(i)) != NULL; i++) {
        uint64_t was = *(const uint64_t *)(const void *)((const char *)before + stat->offset);
        uint64_t is = *(const uint64_t *)(const void *)((const char *)&after + stat->offset);
        for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
            // Without swap to write to, a bounded engine is full: that is a refusal, and counted.
            bool full = run->seam == MEMS_SEAM_SWAP_WRITE && strcmp(stat->name, "refusals") == 0;
            run_require(run, was == is || strcmp(stat->name, names[n]) != 0 || full,
                        "%s was refused, and %s is %" PRIu64 " in place of %" PRIu64, call,
                        stat->name, is, was);
        }
    }
}

// A call that leaves everything as it was when it is refused, and then is done.
#define DO(run, name, call)                                                                        \
    do {                                                                                           \
        struct mems_stats before_ = test_stats((run)->engine);                                     \
        int error_ = (call);                                                                       \
        if (error_ != 0) {                                                                         \
            unchanged(run, name, &before_);                                                        \
        }                                                                                          \
        if (refused(run, name, error_)) {                                                          \
            error_ = (call);                                                                       \
            run_require(run, error_ == 0, "%s again, without the fault: %s", name,                 \
                        strerror(error_));                                                         \
        }                                                                                          \
    } while (0)

// ---- steps --------------------------------------------------------------------------------------

static void run_open(struct run *run)
{
    struct mems_config config = {.policy = run->scenario->it->policy,
                                 .options = run->scenario->options};
    int error = mems_engine_open(&config, &run->engine);
    if (refused(run, "mems_engine_open", error)) {
        run_require(run, run->engine == NULL, "an engine all the same");
        run_require(run, mems_complaint()[0] != '\0', "not a word");
        error = mems_engine_open(&config, &run->engine);
        run_require(run, error == 0, "open again: %s: %s", strerror(error), mems_complaint());
    }
    bool needed = run->seam == MEMS_SEAM_THREAD || run->seam == MEMS_SEAM_SWAP_OPEN;
    run_require(run, !needed || mems_inject_hits(run->seam) == 0,
                "it was refused, and mems_engine_open says nothing");
    DO(run, "mems_space_open", mems_space_open(run->engine, &run->space));
    run->other = run->space;
    if (strstr(run->scenario->options, "flat") == NULL) { // which has one space only
        DO(run, "mems_space_open", mems_space_open(run->engine, &run->other));
    }
}

static void stamp(struct run *run, struct mems_space *space, size_t i)
{
    static unsigned char bytes[ACCESS_LARGEST];
    for (size_t at = 0; at < run->sizes[i]; at++) {
        bytes[at] = test_stamp_byte(run->seeds[i], at);
    }
    DO(run, "mems_write", mems_write(space, run->addrs[i], bytes, run->sizes[i]));
}

static void stamped(struct run *run, struct mems_space *space, mems_addr addr, size_t size,
                    uint64_t seed)
{
    static unsigned char bytes[ACCESS_LARGEST];
    DO(run, "mems_read", mems_read(space, addr, bytes, size));
    for (size_t at = 0; at < size; at++) {
        run_require(run, bytes[at] == test_stamp_byte(seed, at), "byte %zu of %zu is %#x", at, size,
                    bytes[at]);
    }
}

static size_t size_of(const struct run *run, size_t i)
{
    uint64_t most = run->scenario->it->largest < 20000 ? run->scenario->it->largest : 20000;
    size_t size = i % 11 == 0 ? 3000 + i * 50 : i % 17 == 0 ? 12000 : 1 + i * 7 % 300;
    return size < most ? size : (size_t)most;
}

static void run_alloc(struct run *run, size_t i)
{
    mems_addr addr = 42;
    run->sizes[i] = size_of(run, i);
    run->seeds[i] = i + 1;
    DO(run, "mems_alloc", mems_alloc(run->space, run->sizes[i], i % 13 == 0 ? 16 : 0, &addr));
    run->addrs[i] = addr;
    stamp(run, run->space, i);
}

static void run_resize(struct run *run, size_t i)
{
    size_t size = 1 + (run->sizes[i] * 3 + i) % 2500, before = run->sizes[i];
    size = size < run->scenario->it->largest ? size : (size_t)run->scenario->it->largest;
    mems_addr old = run->addrs[i];
    struct mems_stats stats = test_stats(run->engine);
    int error = mems_resize(run->space, &run->addrs[i], size);
    if (error != 0) {
        unchanged(run, "mems_resize", &stats);
        run_require(run, run->addrs[i] == old, "the address has changed");
    }
    if (refused(run, "mems_resize", error)) {
        stamped(run, run->space, old, before, run->seeds[i]);
        error = mems_resize(run->space, &run->addrs[i], size);
        run_require(run, error == 0, "resize again: %s", strerror(error));
    }
    run->sizes[i] = size;
    stamped(run, run->space, run->addrs[i], before < size ? before : size, run->seeds[i]);
    stamp(run, run->space, i);
}

// Another space sees a block, and writes it: then both have it (share), or each its own (copy).
static void run_share(struct run *run, size_t i)
{
    unsigned can = run->scenario->it->can, both = MEMS_READ | MEMS_WRITE;
    mems_addr shared = 0;
    if ((can & (CAN_SHARE | CAN_COPY)) == 0) {
        return;
    }
    DO(run, "mems_share", mems_share(run->space, run->addrs[i], run->other, both, &shared));
    stamped(run, run->other, shared, run->sizes[i], run->seeds[i]);
    mems_addr mine = run->addrs[i];
    uint64_t seed = run->seeds[i];
    run->addrs[i] = shared;
    run->seeds[i] = seed + 1000;
    stamp(run, run->other, i);
    run->addrs[i] = mine;
    stamped(run, run->other, shared, run->sizes[i], seed + 1000);
    run->seeds[i] = (can & CAN_SHARE) != 0 ? seed + 1000 : seed;
    stamped(run, run->space, mine, run->sizes[i], run->seeds[i]);
    int error = mems_release(run->other, shared);
    run_require(run, error == 0, "release of a share: %s", strerror(error));
}

static int touch(struct run *run, size_t i)
{
    int error = mems_fault(run->space, run->addrs[i], MEMS_READ);
    if (error == 0) {
        mems_access_end();
    }
    return error;
}

static void run_looks(struct run *run)
{
    for (size_t round = 0; round < LOOKS; round++) {
        for (size_t i = 0; i < BLOCKS; i++) {
            size_t at = i * (round * 2 + 7) % BLOCKS;
            DO(run, "mems_fault", touch(run, at));
            stamped(run, run->space, run->addrs[at], run->sizes[at], run->seeds[at]);
        }
    }
}

static void run_rights(struct run *run)
{
    for (size_t i = 0; i < BLOCKS && (run->scenario->it->can & CAN_PROTECT) != 0; i += 19) {
        DO(run, "mems_protect", mems_protect(run->space, run->addrs[i], MEMS_READ));
        size_t size = run->sizes[i] * 2;
        DO(run, "mems_resize", mems_resize(run->space, &run->addrs[i], size));
        stamped(run, run->space, run->addrs[i], run->sizes[i], run->seeds[i]);
        int error = mems_write(run->space, run->addrs[i], "x", 1);
        run_require(run, error == EACCES, "a right came with the move: %s", strerror(error));
        DO(run, "mems_protect", mems_protect(run->space, run->addrs[i], MEMS_READ | MEMS_WRITE));
        run->sizes[i] = size;
        stamp(run, run->space, i);
    }
}

// A compaction that is refused a record has moved what it had moved by then.
static void run_compact(struct run *run)
{
    struct mems_compaction done;
    if ((run->scenario->it->can & CAN_COMPACT) != 0) {
        DO(run, "mems_compact", mems_compact(run->engine, &done));
    }
}

static void run_release(struct run *run, size_t i)
{
    int error = mems_release(run->space, run->addrs[i]);
    run_require(run, error == 0, "release: %s", strerror(error));
}

static void run_life(struct run *run)
{
    run_open(run);
    for (size_t i = 0; i < BLOCKS; i++) {
        run_alloc(run, i);
    }
    for (size_t i = 0; i < BLOCKS; i += 4) {
        run_resize(run, i);
    }
    for (size_t i = 1; i < BLOCKS; i += 12) {
        run_share(run, i);
    }
    for (size_t i = 0; i < BLOCKS; i += 3) {
        run_release(run, i);
    }
    run_compact(run);
    for (size_t i = 0; i < BLOCKS; i += 3) {
        run_alloc(run, i);
    }
    run_rights(run);
    run_looks(run);
    run_compact(run);
    for (unsigned seam = 0; seam < MEMS_SEAM_COUNT; seam++) {
        run->reached |= mems_inject_calls((enum mems_seam)seam) != 0 ? 1u << seam : 0;
    }
}

// What the system does not take back now, nobody can give back later: of unmaps one fails, or all
// from one on, where none has failed before.
static void run_close(struct run *run)
{
    bool unmap = run->seam == MEMS_SEAM_UNMAP;
    uint64_t nth = run->hits == 0 && run->nth > run->calls ? run->nth - run->calls : 0;
    mems_inject(run->seam, unmap ? nth : 1, unmap ? run->on : 1);
    mems_engine_close(run->engine);
    run->engine = NULL;
    if (unmap) {
        take_away(run);
    }
    mems_inject(run->seam, 0, 0);
}

// Giving back needs nothing: the seam refuses everything meanwhile.
static void run_end(struct run *run)
{
    take_away(run);
    mems_inject(run->seam, 1, 1);
    for (size_t i = 0; i < BLOCKS; i++) {
        run_release(run, i);
    }
    mems_thread_flush();
    struct mems_stats stats = test_stats(run->engine);
    run_require(run, stats.live_blocks == 0 && stats.cached_blocks == 0, "%" PRIu64 " are left",
                stats.live_blocks);
    test_conserved(run->engine);
    test_checked(run->engine, true);
    if (run->other != run->space) {
        mems_space_close(run->other);
    }
    mems_space_close(run->space);
    run_close(run);
}

static void *run_main(void *arg)
{
    struct run *run = arg;
    mems_inject(run->seam, run->nth, run->on);
    run_life(run);
    run_end(run);
    return NULL;
}

// ---- what the process holds ---------------------------------------------------------------------

struct holdings {
    uint64_t pages, files, threads;
};

static uint64_t entries(const char *folder)
{
    uint64_t count = 0;
    DIR *open = opendir(folder);
    while (open != NULL && readdir(open) != NULL) {
        count++;
    }
    if (open != NULL) {
        closedir(open);
    }
    return count;
}

static struct holdings holdings_now(void)
{
    struct holdings now = {.files = entries("/proc/self/fd"),
                           .threads = entries("/proc/self/task")};
    FILE *file = fopen("/proc/self/statm", "re");
    test_require(file != NULL && fscanf(file, "%" SCNu64, &now.pages) == 1, "no statm");
    fclose(file);
    return now;
}

// A joined thread is on the list of threads until the kernel is done with it, a moment later: where
// there are more than `threads`, they are waited for. One that does not end is there for good.
static struct holdings holdings_of(uint64_t threads)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    time_t until = now.tv_sec + ENDING_SECONDS;
    while (entries("/proc/self/task") > threads && now.tv_sec < until) {
        sched_yield();
        clock_gettime(CLOCK_MONOTONIC, &now);
    }
    return holdings_now();
}

static void run_once(struct run *run)
{
    pthread_t thread;
    test_require(pthread_create(&thread, NULL, run_main, run) == 0, "no thread");
    pthread_join(thread, NULL);
}

// Unmaps that are refused leave mappings behind, but for those that are used again.
static void sweep(const struct scenario *scenario, enum mems_seam seam, bool on, uint64_t first,
                  uint64_t step)
{
    static struct run run;
    uint64_t points = 0, alone = entries("/proc/self/task");
    for (unsigned warm = 0; warm < 2; warm++) {
        run = (struct run){.scenario = scenario, .seam = seam};
        run_once(&run);
    }
    struct holdings before = holdings_of(alone);
    for (uint64_t nth = first;; nth += step) {
        run = (struct run){.scenario = scenario, .seam = seam, .nth = nth, .on = on};
        run_once(&run);
        struct holdings after = holdings_of(before.threads);
        bool kept = seam == MEMS_SEAM_UNMAP;
#ifdef TEST_SANITIZED // whose shadow grows with what is touched
        kept = true;
#endif
        run_require(&run, after.files == before.files, "%" PRIu64 " files open, then %" PRIu64,
                    before.files, after.files);
        run_require(&run, after.threads == before.threads, "%" PRIu64 " threads, then %" PRIu64,
                    before.threads, after.threads);
        run_require(&run, kept || after.pages <= before.pages,
                    "%" PRIu64 " pages mapped, then %" PRIu64, before.pages, after.pages);
        if (run.hits == 0) {
            break;
        }
        points++;
    }
    printf("%" PRIu64 "\n", points);
}

// ---- the command line ---------------------------------------------------------------------------

static void scenario_at(struct scenario *scenario, size_t index)
{
    size_t number = index / 2;
    scenario->it = number < POLICY_CASE_COUNT ? &POLICY_CASES[number]
                                              : &more_cases[number - POLICY_CASE_COUNT];
    scenario->cached = index % 2 == 1;
    snprintf(scenario->options, sizeof scenario->options, "%s,thread_cache=%s",
             scenario->it->options, scenario->cached ? "yes" : "no");
}

// The seams that the scenario calls, without a fault.
static void print_seams(const struct scenario *scenario)
{
    static struct run run;
    run = (struct run){.scenario = scenario, .seam = MEMS_SEAM_MAP};
    for (unsigned seam = 0; seam < MEMS_SEAM_COUNT; seam++) {
        mems_inject((enum mems_seam)seam, 0, 0);
    }
    run_once(&run);
    run.reached |= 1u << MEMS_SEAM_UNMAP; // closing always does
    for (unsigned seam = 0; seam < MEMS_SEAM_COUNT; seam++) {
        printf("%s%s", (run.reached >> seam & 1) != 0 ? seam_names[seam] : "",
               (run.reached >> seam) > 1 && (run.reached >> seam & 1) != 0 ? "," : "");
    }
    printf("\n");
}

static void list(void)
{
    struct scenario scenario;
    for (size_t i = 0; i < (size_t)CASES * 2; i++) {
        scenario_at(&scenario, i);
        bool flat = strstr(scenario.options, "flat") != NULL; // which has no caches
        if (case_there(scenario.it) && !(flat && scenario.cached)) {
            printf("%zu\t%s\t%s\t", i, scenario.it->policy, scenario.options);
            print_seams(&scenario);
        }
    }
}

static _Noreturn void usage(void)
{
    fprintf(stderr, "usage: test-faults-engine list | SCENARIO SEAM once|on FIRST STEP\n"
                    "SEAM: map unmap thread swap-open swap-read swap-write\n");
    exit(2);
}

int main(int argc, char **argv)
{
    struct scenario scenario;
    unsigned seam = 0;
    policies_require();
    if (argc == 2 && strcmp(argv[1], "list") == 0) {
        list();
        return 0;
    }
    while (argc == 6 && seam < MEMS_SEAM_COUNT && strcmp(argv[2], seam_names[seam]) != 0) {
        seam++;
    }
    if (argc != 6 || seam == MEMS_SEAM_COUNT || strtoull(argv[1], NULL, 10) >= (size_t)CASES * 2) {
        usage();
    }
    scenario_at(&scenario, strtoull(argv[1], NULL, 10));
    sweep(&scenario, (enum mems_seam)seam, strcmp(argv[3], "on") == 0, strtoull(argv[4], NULL, 10),
          strtoull(argv[5], NULL, 10));
    return 0;
}
