// SPDX-License-Identifier: MIT
//
// test_inject.c - the operating system says no, at every call in turn.
//
// One scenario (open, allocate until it has grown, resize, release, close) runs with its first map
// failing, then with its second, until a run meets no failure. Each time: the call that failed says
// ENOMEM and has changed nothing; the same call succeeds when the fault is gone; what is released
// is released even when no map succeeds any more; and in the end the process has mapped as much
// as before. The scenario runs in a fresh thread, so that a thread's first steps are swept too.

// ctest: threads in turn

#include "support/engine.h"

#include <fcntl.h>
#include <mems/inject.h>
#include <mems/mems.h>
#include <pthread.h>
#include <unistd.h>

// Where each run costs a multiple, every second call is refused once, and the others from then on.
#ifdef TEST_SANITIZED
enum { BLOCKS = 300, STEP = 2 };
#else
enum { BLOCKS = 300, STEP = 1 };
#endif

struct scenario {
    const char *policy;
    const char *options;
};

static const struct scenario SCENARIOS[] = {
    {"dynamic", "thread_cache=no,region=8Ki"},
    {"dynamic", "thread_cache=yes,arenas=2,region=4Ki,fit=best"},
    {"dynamic", "addresses=flat,region=4Ki"},
    {"dynamic", "thread_cache=no,capacity=1Mi,fit=next"},
    {"dynamic", "thread_cache=no,region=8Ki,fit=buddy"},
    {"dynamic", "thread_cache=no,capacity=300Ki,fit=buddy"},
    {"dynamic", "thread_cache=yes,arenas=2,region=4Ki,fit=buddy,coalesce=deferred"},
    {"dynamic", "thread_cache=no,region=8Ki,fit=tlsf,min_block=64"},
    {"dynamic", "thread_cache=yes,region=4Ki,fit=tlsf,coalesce=deferred"},
    {"dynamic", "thread_cache=no,region=4Ki,fit=best,coalesce=deferred"},
    {"dynamic", "addresses=flat,region=4Ki,fit=buddy"},
    {"fixed", "thread_cache=no,partitions=64x200,2Kix300"},
    {"fixed", "thread_cache=yes,partition=2Ki,count=400"},
    {"slab", "thread_cache=no"},
    {"slab", "thread_cache=yes,region=64Ki"},
    {"slab", "thread_cache=yes,capacity=2Mi"},
    {"segmentation", "thread_cache=no,region=8Ki"},
    {"segmentation", "thread_cache=yes,arenas=2,capacity=2Mi,compact_after=1"},
    {"dynamic", "thread_cache=no,region=8Ki,movable=yes"},
    {"paging", "thread_cache=no,page=2Ki,frames=500"},
    {"paging", "thread_cache=yes,page=4Ki,arenas=3"},
};

struct run {
    const struct scenario *scenario;
    uint64_t nth;
    bool for_ever; // every later call fails too
    uint64_t hits;
    struct mems_engine *engine;
    struct mems_space *space;
    mems_addr addrs[BLOCKS];
    uint64_t sizes[BLOCKS];
};

// What the fault hit is over; the counts of the seam go on from where they are.
static void note_hit(struct run *run)
{
    run->hits += mems_inject_hits(MEMS_SEAM_MAP);
    mems_inject(MEMS_SEAM_MAP, 0, 0);
}

// A step that said no: it must have been the fault; then the fault is taken away.
static void expect_fault(struct run *run, int error)
{
    test_require(error == ENOMEM, "%s(%s), map %" PRIu64 ": %s", run->scenario->policy,
                 run->scenario->options, run->nth, strerror(error));
    uint64_t trims = mems_inject_hits(MEMS_SEAM_UNMAP); // of an aligned map, which fails with them
    test_require(mems_inject_hits(MEMS_SEAM_MAP) + trims > 0, "%s(%s): ENOMEM without a fault: %s",
                 run->scenario->policy, run->scenario->options, mems_complaint());
    note_hit(run);
    if (trims > 0) {
        run->hits += trims;
        mems_inject(MEMS_SEAM_UNMAP, 0, 0);
    }
}

// A failing call may empty this thread's magazines on its way: what was cached is free then.
static void require_unchanged(const struct run *run, const struct mems_stats *before,
                              const struct mems_stats *after)
{
    static const char *const names[] = {"live_blocks", "held_bytes", "block_bytes",     "allocs",
                                        "resizes",     "refusals",   "requested_bytes", "releases"};
    const struct mems_stat *stat;
    test_require(before->free_bytes + before->cached_bytes ==
                     after->free_bytes + after->cached_bytes,
                 "%s(%s), map %" PRIu64 ": a call that failed turned %" PRIu64 "+%" PRIu64
                 " free bytes into %" PRIu64 "+%" PRIu64,
                 run->scenario->policy, run->scenario->options, run->nth, before->free_bytes,
                 before->cached_bytes, after->free_bytes, after->cached_bytes);
    for (size_t i = 0; (stat = mems_stat_at(i)) != NULL; i++) {
        uint64_t was = *(const uint64_t *)(const void *)((const char *)before + stat->offset);
        uint64_t is = *(const uint64_t *)(const void *)((const char *)after + stat->offset);
        for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
            test_require(strcmp(stat->name, names[n]) != 0 || was == is,
                         "%s(%s), map %" PRIu64 ": a call that failed changed %s from %" PRIu64
                         " to %" PRIu64,
                         run->scenario->policy, run->scenario->options, run->nth, stat->name, was,
                         is);
        }
    }
}

static void run_open(struct run *run)
{
    struct mems_config config = {.policy = run->scenario->policy,
                                 .options = run->scenario->options};
    int error = mems_engine_open(&config, &run->engine);
    if (error != 0) {
        assert_null(run->engine);
        expect_fault(run, error);
        run->engine = test_engine(config.policy, config.options);
    }
    error = mems_space_open(run->engine, &run->space);
    if (error != 0) {
        assert_null(run->space);
        expect_fault(run, error);
        run->space = test_space(run->engine);
    }
}

static void run_alloc(struct run *run, size_t i)
{
    run->sizes[i] = i % 10 == 0 ? 1500 : 1 + i % 60;
    struct mems_stats before = test_stats(run->engine);
    mems_addr addr = 42;
    int error = mems_alloc(run->space, run->sizes[i], 0, &addr);
    if (error != 0) {
        struct mems_stats after = test_stats(run->engine);
        test_require(addr == 42, "the result changed though it failed");
        require_unchanged(run, &before, &after);
        test_checked(run->engine, true);
        expect_fault(run, error);
        addr = test_alloc(run->space, run->sizes[i]);
    }
    run->addrs[i] = addr;
    test_stamp(run->space, addr, run->sizes[i], i);
}

static void run_resize(struct run *run, size_t i)
{
    uint64_t size = 1 + (run->sizes[i] * 7 + i) % 1900;
    struct mems_stats before = test_stats(run->engine);
    mems_addr old = run->addrs[i];
    int error = mems_resize(run->space, &run->addrs[i], size);
    if (error != 0) {
        struct mems_stats after = test_stats(run->engine);
        test_require(run->addrs[i] == old, "the address changed though the resize failed");
        require_unchanged(run, &before, &after);
        test_stamped(run->space, old, run->sizes[i], i);
        expect_fault(run, error);
        error = mems_resize(run->space, &run->addrs[i], size);
        test_require(error == 0, "the resize without the fault: %s", strerror(error));
    }
    uint64_t kept = size < run->sizes[i] ? size : run->sizes[i];
    test_stamped(run->space, run->addrs[i], kept, i);
    run->sizes[i] = size;
    test_stamp(run->space, run->addrs[i], size, i);
}

static void run_releases(struct run *run)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t at = i * 7 % BLOCKS;
        test_stamped(run->space, run->addrs[at], run->sizes[at], at);
        int error = mems_release(run->space, run->addrs[at]);
        test_require(error == 0, "release, map %" PRIu64 " failing: %s", run->nth, strerror(error));
    }
}

static void *run_scenario(void *arg)
{
    struct run *run = arg;
    mems_inject(MEMS_SEAM_MAP, run->nth, run->for_ever);
    run_open(run);
    for (size_t i = 0; i < BLOCKS; i++) {
        run_alloc(run, i);
    }
    for (size_t i = 0; i < BLOCKS; i += 3) {
        run_resize(run, i);
    }
    note_hit(run);
    // Releasing needs no memory, and closing neither.
    mems_inject(MEMS_SEAM_MAP, 1, 1);
    run_releases(run);
    mems_thread_flush();
    struct mems_stats stats = test_stats(run->engine);
    test_require(stats.live_blocks == 0 && stats.cached_blocks == 0, "%" PRIu64 " live",
                 stats.live_blocks);
    test_conserved(run->engine);
    test_checked(run->engine, true);
    mems_space_close(run->space);
    mems_engine_close(run->engine);
    mems_inject(MEMS_SEAM_MAP, 0, 0);
    return NULL;
}

// Pages that this process has mapped.
static uint64_t mapped_pages(void)
{
    char text[100] = "";
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    assert_true(file >= 0);
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    assert_true(length > 0);
    return strtoull(text, NULL, 10);
}

static uint64_t run_once(const struct scenario *scenario, uint64_t nth, bool for_ever)
{
    static struct run run;
    memset(&run, 0, sizeof run);
    run.scenario = scenario;
    run.nth = nth;
    run.for_ever = for_ever;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run_scenario, &run), 0);
    pthread_join(thread, NULL);
    return run.hits;
}

static void sweep(const struct scenario *scenario, bool for_ever)
{
    run_once(scenario, 0, false); // whatever is set up once
    uint64_t before = mapped_pages();
    uint64_t nth = for_ever ? STEP : 1;
    while (run_once(scenario, nth, for_ever) > 0) {
        nth += STEP;
    }
    assert_true(nth > STEP);
#ifndef TEST_SANITIZED // whose shadow grows with what is touched
    uint64_t after = mapped_pages();
    test_require(after <= before,
                 "%s(%s): %" PRIu64 " pages mapped before %" PRIu64 " runs with faults, %" PRIu64
                 " after",
                 scenario->policy, scenario->options, before, nth, after);
#endif
    (void)before;
}

static void test_nth_map(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof SCENARIOS / sizeof SCENARIOS[0]; i++) {
        sweep(&SCENARIOS[i], false);
    }
}

static void test_every_map_from_nth(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof SCENARIOS / sizeof SCENARIOS[0]; i++) {
        sweep(&SCENARIOS[i], true);
    }
}

// The course's calls: NULL and ENOMEM, then as if nothing had been.
static uint64_t run_course(uint64_t nth)
{
    enum { COUNT = 400 };
    uint64_t hits = 0;
    mems_inject(MEMS_SEAM_MAP, nth, 0);
    mems_init_at(1000);
    for (size_t i = 0; i < COUNT; i++) {
        size_t size = i % 20 == 0 ? 9000 : 70;
        errno = 0;
        void *addr = mems_malloc(size);
        if (addr == NULL) {
            test_require(errno == ENOMEM, "mems_malloc: %s", strerror(errno));
            hits += mems_inject_hits(MEMS_SEAM_MAP);
            test_require(hits > 0, "mems_malloc failed without a fault");
            mems_inject(MEMS_SEAM_MAP, 0, 0);
            addr = mems_malloc(size);
            test_require(addr != NULL, "mems_malloc, once the fault is gone");
        }
        test_require(i > 0 || addr == (void *)1000, "the first block is at %p", addr);
        memset(mems_get(addr), 1, size);
        if (i % 3 == 1) {
            mems_free(addr);
            test_require(mems_get(addr) == NULL, "%p is freed and still there", addr);
        }
    }
    hits += mems_inject_hits(MEMS_SEAM_MAP);
    mems_inject(MEMS_SEAM_MAP, 0, 0);
    mems_finish();
    return hits;
}

static void test_course_nth_map(void **state)
{
    (void)state;
    run_course(0);
    uint64_t before = mapped_pages();
    uint64_t nth = 1;
    while (run_course(nth) > 0) {
        nth++;
    }
    assert_true(nth > 20);
#ifndef TEST_SANITIZED
    assert_true(mapped_pages() <= before);
#endif
    (void)before;
}

// Memory that the system does not take back is no reason to fail.
static void test_unmap(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof SCENARIOS / sizeof SCENARIOS[0]; i++) {
        for (uint64_t nth = 1; nth < 100; nth++) {
            mems_inject(MEMS_SEAM_UNMAP, nth, nth % 5 == 0);
            uint64_t hits = run_once(&SCENARIOS[i], 0, false);
            if (hits + mems_inject_hits(MEMS_SEAM_UNMAP) == 0) {
                assert_true(nth > 1);
                break;
            }
        }
        mems_inject(MEMS_SEAM_UNMAP, 0, 0);
        run_once(&SCENARIOS[i], 0, false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nth_map),
        cmocka_unit_test(test_every_map_from_nth),
        cmocka_unit_test(test_course_nth_map),
        cmocka_unit_test(test_unmap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
