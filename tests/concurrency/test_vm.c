// SPDX-License-Identifier: MIT
//
// test_vm.c - many threads on few frames: every byte of every page, with all that can happen to it.
//
// One space is everybody's: its pages are written and checked by all threads, each under the page's
// mutex, by mems_read and mems_write and through host pointers in sections. Beside that each thread
// has blocks of its own, which it allocates, grows, shares with a space of its own (and then both
// sides go on by themselves) and releases. An inspector checks the invariants meanwhile. What was
// written last is there, whatever was evicted, read back, copied or released around it; afterwards
// nothing is lost: frames, slots and counters are as before.

// ctest: timeout 240

#include "support/engine.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    THREADS_MOST = 16,
    PAGE = 256,
    PAGES = 96,    // of the common block
    OWN_PAGES = 6, // of a block of one's own, at most
    OWN = 3,
    OPS = 16000 / MEMS_TEST_SCALE, // all threads together
};

struct scenario {
    const char *policy;
    const char *options; // without the page size
    bool common;         // only the common block: there are hardly more frames than threads
};

static const struct scenario SCENARIOS[] = {
    {"vm-paging", "frames=64,swap=4Mi,replacement=sieve,low=4,high=12", false},
    {"vm-paging", "frames=48,swap=4Mi,replacement=lru,low=0,high=1,thread_cache=no", false},
    {"vm-paging", "frames=64,swap=4Mi,replacement=clock,low=2,high=8,arenas=4", false},
    {"vm-paging", "frames=64,swap=4Mi,replacement=s3fifo,low=4,high=20,arenas=2", false},
    {"vm-paging", "frames=64,swap=4Mi,replacement=arc,tlb_entries=16,tlb_ways=4", false},
    {"vm-paging", "frames=48,swap=4Mi,replacement=fifo", false},
    {"vm-paging", "frames=64,swap=4Mi,replacement=lirs,low=4,high=12", false},
    {"vm-paging", "frames=64,swap=4Mi,replacement=2q,low=4,high=12", false},
    {"vm-paging", "frames=64,swap=4Mi,replacement=lfu,low=4,high=12,arenas=3", false},
    {"vm-paging", "frames=64,swap=4Mi,replacement=nru,low=4,high=12", false},
    {"vm-paging", "frames=64,swap=4Mi,replacement=second-chance,low=1,high=2", false},
    {"vm-paging", "frames=64,swap=4Mi,replacement=random,low=4,high=40", false},
    {"vm-paging", "frames=2,swap=4Mi,replacement=clock,low=0,high=1", true},
    {"vm-paging", "frames=3,swap=4Mi,replacement=lru,low=0,high=1", true},
    {"vm-paging", "frames=5,swap=4Mi,replacement=sieve,low=1,high=4", true},
    {"vm-paging", "frames=64,swap=4Mi,replacement=ws,tau=200", false},
    {"vm-paging", "frames=64,swap=4Mi,replacement=pff,pff_interval=20", false},
    {"paging", "frames=800,arenas=2,thread_cache=no", false},
    {"paging", "frames=20000,frame_cache=4",
     false}, // magazines keep frames that copies cannot have
};

struct common {
    pthread_mutex_t mutex;
    uint64_t seed; // of what was written last; 0: nothing yet
};

struct own {
    mems_addr addr, twin; // twin: the same block in the thread's other space; 0: not shared
    size_t pages, twin_pages;
    uint64_t seed[OWN_PAGES], twin_seed[OWN_PAGES];
};

struct party {
    const struct scenario *scenario;
    struct mems_engine *engine;
    struct mems_space *space;
    mems_addr addr;
    struct common page[PAGES];
    atomic_bool over;
    unsigned threads;
};

struct worker {
    struct party *party;
    struct mems_space *other;
    uint64_t random;
    struct own own[OWN];
};

#define party_require(party, condition, ...)                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s(%s), %u threads: ", (party)->scenario->policy,                     \
                    (party)->scenario->options, (party)->threads);                                 \
            test_require(condition, __VA_ARGS__);                                                  \
        }                                                                                          \
    } while (0)

static void stamp(struct party *party, struct mems_space *space, mems_addr addr, uint64_t seed)
{
    unsigned char bytes[PAGE];
    for (size_t i = 0; i < PAGE; i++) {
        bytes[i] = test_stamp_byte(seed, i);
    }
    int error = mems_write(space, addr, bytes, PAGE);
    party_require(party, error == 0, "write of %#" PRIx64 ": %s", addr, strerror(error));
}

static void require_stamp(struct party *party, const unsigned char *bytes, mems_addr addr,
                          uint64_t seed)
{
    for (size_t i = 0; i < PAGE; i++) {
        party_require(party, bytes[i] == test_stamp_byte(seed, i),
                      "%#" PRIx64 ", byte %zu: %#x, written was %#x", addr, i, bytes[i],
                      test_stamp_byte(seed, i));
    }
}

static void stamped(struct party *party, struct mems_space *space, mems_addr addr, uint64_t seed)
{
    unsigned char bytes[PAGE];
    int error = mems_read(space, addr, bytes, PAGE);
    party_require(party, error == 0, "read of %#" PRIx64 ": %s", addr, strerror(error));
    require_stamp(party, bytes, addr, seed);
}

// Checks and writes a page through one host pointer, in one section.
static void through_pointer(struct party *party, mems_addr addr, uint64_t before, uint64_t after)
{
    void *host;
    size_t span;
    mems_access_begin();
    int error = mems_translate(party->space, addr, MEMS_READ | MEMS_WRITE, &host, &span);
    while (error == EAGAIN) {
        mems_access_end();
        error = mems_fault(party->space, addr, MEMS_READ | MEMS_WRITE);
        party_require(party, error == 0, "fault: %s", strerror(error));
        error = mems_translate(party->space, addr, MEMS_READ | MEMS_WRITE, &host, &span);
    }
    party_require(party, error == 0 && span >= PAGE, "translate: %s", strerror(error));
    if (before != 0) {
        require_stamp(party, host, addr, before);
    }
    for (size_t i = 0; i < PAGE; i++) {
        ((unsigned char *)host)[i] = test_stamp_byte(after, i);
    }
    mems_access_end();
}

static void step_common(struct worker *worker)
{
    struct party *party = worker->party;
    uint64_t draw = test_below(&worker->random, PAGES * PAGES);
    size_t page = (size_t)(draw / PAGES * (draw % PAGES) / PAGES); // low ones more often
    struct common *common = &party->page[page];
    mems_addr addr = party->addr + page * PAGE;
    pthread_mutex_lock(&common->mutex);
    uint64_t seed = test_random(&worker->random) | 1;
    switch (test_below(&worker->random, 4)) {
    case 0:
        through_pointer(party, addr, common->seed, seed);
        common->seed = seed;
        break;
    case 1:
        stamp(party, party->space, addr, seed);
        common->seed = seed;
        break;
    default:
        if (common->seed != 0) {
            stamped(party, party->space, addr, common->seed);
        }
    }
    pthread_mutex_unlock(&common->mutex);
}

static void check_own(struct worker *worker, const struct own *own)
{
    for (size_t i = 0; i < own->pages; i++) {
        stamped(worker->party, worker->party->space, own->addr + i * PAGE, own->seed[i]);
    }
    for (size_t i = 0; own->twin != 0 && i < own->twin_pages; i++) {
        stamped(worker->party, worker->other, own->twin + i * PAGE, own->twin_seed[i]);
    }
}

static void stamp_own(struct worker *worker, struct own *own, size_t from)
{
    for (size_t i = from; i < own->pages; i++) {
        own->seed[i] = test_random(&worker->random) | 1;
        stamp(worker->party, worker->party->space, own->addr + i * PAGE, own->seed[i]);
    }
}

static void release_own(struct worker *worker, struct own *own)
{
    check_own(worker, own);
    int error = mems_release(worker->party->space, own->addr);
    party_require(worker->party, error == 0, "release: %s", strerror(error));
    if (own->twin != 0) {
        for (size_t i = 0; i < own->twin_pages; i++) {
            stamped(worker->party, worker->other, own->twin + i * PAGE, own->twin_seed[i]);
        }
        error = mems_release(worker->other, own->twin);
        party_require(worker->party, error == 0, "release: %s", strerror(error));
    }
    *own = (struct own){0};
}

static void share_own(struct worker *worker, struct own *own)
{
    int error = mems_share(worker->party->space, own->addr, worker->other, MEMS_READ | MEMS_WRITE,
                           &own->twin);
    party_require(worker->party, error == 0, "share: %s", strerror(error));
    own->twin_pages = own->pages;
    memcpy(own->twin_seed, own->seed, sizeof own->seed);
    // Not all threads at once may pin frames for long: one side writes most pages soon.
    for (size_t i = 0; i < own->pages; i++) {
        if (i % 2 == 0) {
            own->seed[i] = test_random(&worker->random) | 1;
            stamp(worker->party, worker->party->space, own->addr + i * PAGE, own->seed[i]);
        } else {
            own->twin_seed[i] = test_random(&worker->random) | 1;
            stamp(worker->party, worker->other, own->twin + i * PAGE, own->twin_seed[i]);
        }
    }
}

static void step_own(struct worker *worker)
{
    struct own *own = &worker->own[test_below(&worker->random, OWN)];
    struct party *party = worker->party;
    if (own->addr == 0) {
        own->pages = 1 + test_below(&worker->random, OWN_PAGES);
        int error = mems_alloc(party->space, own->pages * PAGE, 0, &own->addr);
        party_require(party, error == 0, "alloc: %s", strerror(error));
        stamp_own(worker, own, 0);
        return;
    }
    check_own(worker, own);
    uint64_t choice = test_below(&worker->random, 8);
    if (choice == 0 && own->twin == 0) {
        share_own(worker, own);
    } else if (choice < 3) {
        size_t pages = 1 + test_below(&worker->random, OWN_PAGES), before = own->pages;
        int error = mems_resize(party->space, &own->addr, pages * PAGE);
        party_require(party, error == 0, "resize: %s", strerror(error));
        own->pages = pages;
        stamp_own(worker, own, before < pages ? before : pages);
    } else if (choice < 5) {
        stamp_own(worker, own, test_below(&worker->random, own->pages));
    } else if (choice == 7) {
        release_own(worker, own);
    }
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    worker->other = test_space(worker->party->engine);
    for (unsigned i = 0; i < OPS / worker->party->threads; i++) {
        if (!worker->party->scenario->common && test_below(&worker->random, 4) == 0) {
            step_own(worker);
        } else {
            step_common(worker);
        }
    }
    for (size_t i = 0; i < OWN; i++) {
        if (worker->own[i].addr != 0 && i != 0) {
            release_own(worker, &worker->own[i]); // the first one's twin goes with its space
        }
    }
    mems_space_close(worker->other);
    return NULL;
}

static int look(const struct mems_extent *piece, void *arg)
{
    (void)arg;
    test_require(piece->size == PAGE, "%" PRIu64, piece->size);
    return 0;
}

static void *inspect(void *arg)
{
    struct party *party = arg;
    while (!party->over) {
        test_checked(party->engine, false);
        mems_walk(party->engine, look, NULL);
        test_stats(party->engine);
    }
    return NULL;
}

static void settle(struct party *party)
{
    for (size_t page = 0; page < PAGES; page++) {
        if (party->page[page].seed != 0) {
            stamped(party, party->space, party->addr + page * PAGE, party->page[page].seed);
        }
    }
    test_checked(party->engine, true);
    test_conserved(party->engine);
    struct mems_stats s = test_stats(party->engine);
    party_require(party, s.faults == s.zero_faults + s.swap_faults || s.moves_done < s.evictions,
                  "%" PRIu64 " faults, %" PRIu64 " zero, %" PRIu64 " swap", s.faults, s.zero_faults,
                  s.swap_faults);
    party_require(party, s.moves_tried == s.moves_done + s.moves_abandoned,
                  "%" PRIu64 " marked, %" PRIu64 " evicted, %" PRIu64 " abandoned", s.moves_tried,
                  s.moves_done, s.moves_abandoned);
    party_require(party, s.evictions >= s.write_backs, "write-backs");
    mems_space_close(party->space);
    s = test_stats(party->engine);
    party_require(party, s.free_bytes == s.held_bytes && s.swap_bytes == 0 && s.live_blocks == 0,
                  "left: %" PRIu64 " of frames, %" PRIu64 " of swap", s.held_bytes - s.free_bytes,
                  s.swap_bytes);
    test_checked(party->engine, true);
    mems_engine_close(party->engine);
}

static void hold(const struct scenario *scenario, unsigned threads, uint64_t seed)
{
    static struct party party;
    static struct worker workers[THREADS_MOST];
    pthread_t ids[THREADS_MOST], inspector;
    char options[200];
    snprintf(options, sizeof options, "page=%d,%s", PAGE, scenario->options);
    memset(workers, 0, sizeof workers);
    party.scenario = scenario;
    party.threads = threads;
    party.engine = test_engine(scenario->policy, options);
    party.space = test_space(party.engine);
    party.addr = test_alloc(party.space, PAGES * PAGE);
    party.over = false;
    for (size_t i = 0; i < PAGES; i++) {
        party.page[i] = (struct common){.mutex = PTHREAD_MUTEX_INITIALIZER};
    }
    for (unsigned i = 0; i < threads; i++) {
        workers[i].party = &party;
        workers[i].random = seed + i;
        test_require(pthread_create(&ids[i], NULL, work, &workers[i]) == 0, "thread");
    }
    test_require(pthread_create(&inspector, NULL, inspect, &party) == 0, "thread");
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
    }
    party.over = true;
    pthread_join(inspector, NULL);
    settle(&party);
}

static void test_party(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    static const unsigned threads[] = {2, 16};
    for (size_t t = 0; t < 2; t++) {
        for (size_t i = 0; i < sizeof SCENARIOS / sizeof SCENARIOS[0]; i++) {
            hold(&SCENARIOS[i], threads[t], seed + 100 * i + t);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_party)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
