// SPDX-License-Identifier: MIT
//
// test_slab.c - slabs whose threads come and go: strangers' releases, orphans, and who takes them.
//
// Lines of threads, one after the other, as in a server that starts a thread for each request: a
// thread inherits the blocks of its predecessor, which has ended, replaces some of them at random,
// exchanges some with other lines, and ends with all that it then has. So slabs are released into
// by strangers while their owner works, while it ends and after that, and taken over by others.
// Somebody looks at the whole map all the time. Every block is stamped. In the end the main thread
// releases everything, and then all memory is one hole again: no slab is forgotten, whoever had its
// last block and whoever saw that.

#include "support/engine.h"

#include <pthread.h>

enum {
    LINES = 3,
    LIVES = 16 / MEMS_TEST_SCALE + 3, // threads in a line
    SLOTS = 600,
    BOXES = 64,
    STEPS = 1500,
};

struct parcel {
    mems_addr addr; // 0: none
    uint64_t size, seed;
};

struct party {
    struct mems_engine *engine;
    struct mems_space *space;
    pthread_mutex_t mutex;
    struct parcel boxes[BOXES]; // exchanged
    int over;                   // atomic
    size_t looks;
    size_t most; // sizes
};

struct life {
    struct party *party;
    uint64_t random;
    struct parcel slots[SLOTS];
};

static void empty(struct party *party, struct parcel *parcel)
{
    if (parcel->addr != 0) {
        test_stamped(party->space, parcel->addr, parcel->size, parcel->seed);
        int error = mems_release(party->space, parcel->addr);
        test_require(error == 0, "release: %s", strerror(error));
        parcel->addr = 0;
    }
}

static void fill(struct life *life, struct parcel *parcel)
{
    parcel->size = 1 + test_below(&life->random, life->party->most);
    if (test_below(&life->random, 200) == 0) {
        parcel->size += 20000; // no slab's
    }
    parcel->seed = test_random(&life->random);
    int error = mems_alloc(life->party->space, parcel->size, 0, &parcel->addr);
    test_require(error == 0, "alloc of %" PRIu64 ": %s", parcel->size, strerror(error));
    test_stamp(life->party->space, parcel->addr, parcel->size, parcel->seed);
}

static void exchange(struct life *life, struct parcel *parcel)
{
    struct party *party = life->party;
    struct parcel *box = &party->boxes[test_below(&life->random, BOXES)], before;
    pthread_mutex_lock(&party->mutex);
    before = *box;
    *box = *parcel;
    *parcel = before;
    pthread_mutex_unlock(&party->mutex);
}

static void *run_life(void *arg)
{
    struct life *life = arg;
    for (size_t i = 0; i < STEPS; i++) {
        struct parcel *parcel = &life->slots[test_below(&life->random, SLOTS)];
        switch (test_below(&life->random, 8)) {
        case 0:
            exchange(life, parcel);
            break;
        case 1:
            empty(life->party, parcel);
            break;
        default:
            empty(life->party, parcel);
            fill(life, parcel);
        }
    }
    if (test_below(&life->random, 4) == 0) { // most of it goes with the thread
        for (size_t i = 0; i < SLOTS - 3; i++) {
            empty(life->party, &life->slots[i]);
        }
    }
    return NULL;
}

static void *run_line(void *arg)
{
    struct life *life = arg;
    for (size_t i = 0; i < LIVES; i++) {
        pthread_t thread;
        test_require(pthread_create(&thread, NULL, run_life, life) == 0, "no thread");
        pthread_join(thread, NULL);
    }
    return NULL;
}

struct look {
    uint32_t region;
    uint64_t end;
};

static int see(const struct mems_extent *piece, void *arg)
{
    struct look *look = arg;
    test_require(piece->region > look->region || piece->offset >= look->end,
                 "%u+%" PRIu64 " after %u+%" PRIu64, piece->region, piece->offset, look->region,
                 look->end);
    look->region = piece->region;
    look->end = piece->offset + piece->size;
    return 0;
}

static void *run_looker(void *arg)
{
    struct party *party = arg;
    do { // once at least, however late it starts
        struct look look = {0, 0};
        struct mems_stats stats;
        mems_walk(party->engine, see, &look);
        test_checked(party->engine, false);
        mems_snapshot(party->engine, &stats);
        test_require(stats.held_bytes >= stats.free_bytes, "more free than held");
        party->looks++;
    } while (!__atomic_load_n(&party->over, __ATOMIC_ACQUIRE));
    return NULL;
}

static void run_party(const char *options, size_t most, uint64_t seed)
{
    static struct life lives[LINES];
    struct party party = {.mutex = PTHREAD_MUTEX_INITIALIZER, .most = most};
    pthread_t lines[LINES], looker;
    party.engine = test_engine("slab", options);
    party.space = test_space(party.engine);
    memset(lives, 0, sizeof lives);
    assert_int_equal(pthread_create(&looker, NULL, run_looker, &party), 0);
    for (size_t i = 0; i < LINES; i++) {
        lives[i].party = &party;
        lives[i].random = seed + i;
        assert_int_equal(pthread_create(&lines[i], NULL, run_line, &lives[i]), 0);
    }
    for (size_t i = 0; i < LINES; i++) {
        pthread_join(lines[i], NULL);
    }
    __atomic_store_n(&party.over, 1, __ATOMIC_RELEASE);
    pthread_join(looker, NULL);
    test_checked(party.engine, true);
    test_conserved(party.engine);
    assert_true(party.looks > 0 && test_stats(party.engine).remote_releases > 0);
    for (size_t i = 0; i < LINES * SLOTS; i++) {
        empty(&party, &lives[i / SLOTS].slots[i % SLOTS]);
    }
    for (size_t i = 0; i < BOXES; i++) {
        empty(&party, &party.boxes[i]);
    }
    mems_thread_flush();
    test_checked(party.engine, true);
    struct mems_stats stats = test_stats(party.engine);
    assert_int_equal(stats.live_blocks, 0);
    bool flushed = strstr(options, "thread_cache=no") == NULL; // the common front keeps its slabs
    test_require((stats.holes == stats.regions || !flushed) && stats.free_bytes == stats.held_bytes,
                 "%s: %" PRIu64 " holes in %" PRIu64 " regions, %" PRIu64 " bytes free of %" PRIu64,
                 options, stats.holes, stats.regions, stats.free_bytes, stats.held_bytes);
    mems_engine_close(party.engine);
}

static void test_generations(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    run_party("thread_cache=yes", 100, seed);
    run_party("thread_cache=yes", 4000, seed + 1);
    run_party("thread_cache=yes,region=64Ki", 16384, seed + 2);
    run_party("thread_cache=yes,capacity=64Mi", 500, seed + 3);
    run_party("thread_cache=no,region=64Ki", 500, seed + 4); // all share a front
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_generations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
