// SPDX-License-Identifier: MIT
//
// test_torture.c - readers hold what they translated while everything moves, and how old it gets.
//
// 1. After rcutorture (McKenney; Linux, kernel/rcu/rcutorture.c): there, a reader notes how many
//    grace periods an element has been out of reach when it lets go of it, and a histogram of those
//    ages says whether grace periods wait. Here the elements are copies of blocks. A reader
//    translates up to HELD blocks in one section, yields, adds to their counters, and looks at each
//    again: is this still the copy that translate has named? Its age is then 0. A copy that has
//    been given up counts as 1 plus the grace periods since. The protocol (memory/relocation.c)
//    promises that what is in use is not moved, so only the first bucket may have anything in it.
// 2. The linker puts wrap functions around the four steps of a move (--wrap), so that the library
//    is the one that is shipped. They write into each private copy that it is a new one and after
//    how many grace periods it was made, and POISON over each old place at the moment its move is
//    published: it is free then, and the owner's lock is still held. For pages the old place is
//    known only where it was copied, so frames of clean pages are not poisoned.
// 3. Counters: additions are made at the end of a hold, when a move that had not waited would have
//    been published long ago. In the end each counter is the sum of what was added.
// 4. It can fail: the same wrappers take one rule away at a time (enum rule), and then an age or a
//    counter has to be wrong: where descriptors name places (segmentation), where segments leave
//    (vm-segmentation), and where pages do (vm-paging); the last two where MEMS_TEST_BROKEN is set.
// 5. MEMS_TEST_READS says how many reads there are in all. A read is a translate, a look at the
//    bytes, and another one at the end of the hold. With MEMS_TEST_SCENARIO all are made in that
//    scenario, by its number, and no rule is broken: tests/concurrency/torture does so until there
//    are 10^9, and makes a table of the accounts that are printed.
//
// ctest: timeout 240

#include "support/engine.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "memory/descriptor.h"
#include "memory/page_table.h"
#include "memory/relocation.h"

enum {
    BLOCKS = 192, // that readers use; nobody releases them
    CHURNED = 96, // that come and go between them
    WINDOW = 32,  // of the blocks, which a reader uses for a while
    HELD = 16,    // pointers at once
    READERS = 3,
    AGES = 10,
    HEADER = 4, // words
    WORDS_MOST = 64,
    YIELDS = 32,          // sections for one that yields; until there are enough moves each does
    CHURN = 16,           // blocks replaced between two compactions
    HOLDS_A_WINDOW = 256, // sections
    MOVES_LEAST = 2000 / MEMS_TEST_SCALE
};

#define READS        (UINT64_C(6000000) / MEMS_TEST_SCALE)
#define READS_BROKEN UINT64_C(400000000)
#define MARK         UINT64_C(0x6d6f766564000000) // above a block's number
#define POISON       UINT64_C(0xdeadbeefdeadbeef)

// The words of a block's header.
enum { WHOSE, COPY, COUNT, LENGTH };

enum rule { EVERY_RULE, NO_GRACE, STORED_PUBLISH, NO_CANCEL };

struct scenario {
    const char *policy, *options;
    unsigned share;  // percent of all reads
    unsigned movers; // threads that move: who compacts, the engine's own, or all that fault
    bool calls;      // mems_compact in a loop
    bool pages;      // words are a page table's
};

static const struct scenario SCENARIOS[] = {
    {"segmentation", "capacity=128Ki,thread_cache=no", 50, 1, true, false},
    {"dynamic", "capacity=128Ki,movable=yes,mover=yes,mover_budget=0,thread_cache=no", 40, 2, true,
     false},
    {"vm-segmentation", "capacity=64Ki,swap=1Mi,thread_cache=no", 5, READERS + 1, true, false},
    {"vm-paging", "page=512,frames=128,swap=1Mi,replacement=sieve", 5, READERS + 1, false, true},
};
#define SCENARIO_COUNT (sizeof SCENARIOS / sizeof SCENARIOS[0])

struct torture {
    const struct scenario *scenario;
    struct mems_engine *engine;
    struct mems_space *space;
    mems_addr blocks[BLOCKS], churned[CHURNED];
    atomic_ulong reads, wrong;
    uint64_t reads_most;
    atomic_bool enough, over;
};

struct reader {
    struct torture *torture;
    uint64_t random, reads, yields;
    uint64_t ages[AGES + 1];
    uint64_t added[BLOCKS];
};

struct hold {
    size_t number;
    uint64_t *words;
    uint64_t copy, grace; // when it was translated
};

// ---- around the steps of a move -----------------------------------------------------------------

static enum rule without;                    // the rule that is broken
static atomic_ulong grace;                   // grace periods so far
static atomic_ulong copies;                  // ever made
static bool pages;                           // the scenario's
static _Thread_local const uint64_t *copied; // the last place that was

void __real_relocation_wait(void);
void __real_relocation_copy(void *to, const void *from, size_t length);
bool __real_relocation_publish(uint64_t *word, uint64_t moving, uint64_t published);
uint64_t __real_relocation_cancel(uint64_t *word, uint64_t moving, uint64_t resident);
void __wrap_relocation_wait(void);
void __wrap_relocation_copy(void *to, const void *from, size_t length);
bool __wrap_relocation_publish(uint64_t *word, uint64_t moving, uint64_t published);
uint64_t __wrap_relocation_cancel(uint64_t *word, uint64_t moving, uint64_t resident);

static bool is_block(const uint64_t *words)
{
    uint64_t whose = __atomic_load_n(&words[WHOSE], __ATOMIC_RELAXED);
    return (whose & ~UINT64_C(0xffffff)) == MARK;
}

void __wrap_relocation_wait(void)
{
    if (without != NO_GRACE) {
        __real_relocation_wait();
    }
    atomic_fetch_add(&grace, 1);
}

void __wrap_relocation_copy(void *to, const void *from, size_t length)
{
    uint64_t *words = to;
    __real_relocation_copy(to, from, length);
    copied = from;
    if (length >= HEADER * 8 && is_block(words)) {
        words[COPY] = atomic_fetch_add(&copies, 1) << 24 | (atomic_load(&grace) & 0xffffff);
    }
}

// The place that a published move has left, or NULL.
static uint64_t *place_left(uint64_t moving)
{
    uint64_t *left = NULL;
    if (!pages && descriptor_state(moving) == DESCRIPTOR_MOVING) {
        left = (uint64_t *)(void *)descriptor_host(moving);
    } else if (pages && page_state(moving) == PAGE_MOVING) {
        left = (uint64_t *)(uintptr_t)copied;
    }
    copied = NULL;
    return left;
}

bool __wrap_relocation_publish(uint64_t *word, uint64_t moving, uint64_t published)
{
    uint64_t cancelled =
        pages ? page_turned(moving, PAGE_RESIDENT) : descriptor_turned(moving, DESCRIPTOR_RESIDENT);
    bool done = __real_relocation_publish(word, moving, published);
    if (!done && without == STORED_PUBLISH &&
        __atomic_load_n(word, __ATOMIC_RELAXED) == cancelled) {
        __atomic_store_n(word, published, __ATOMIC_RELEASE);
        done = true;
    }
    uint64_t *left = place_left(moving);
    if (done && left != NULL && is_block(left)) {
        uint64_t length = __atomic_load_n(&left[LENGTH], __ATOMIC_RELAXED);
        for (uint64_t i = 0; i < length; i++) {
            __atomic_store_n(&left[i], POISON, __ATOMIC_RELAXED);
        }
    }
    return done;
}

uint64_t __wrap_relocation_cancel(uint64_t *word, uint64_t moving, uint64_t resident)
{
    return without == NO_CANCEL ? resident : __real_relocation_cancel(word, moving, resident);
}

// ---- blocks -------------------------------------------------------------------------------------

// Translates inside a section, bringing in what is not there. *again: another section has begun.
static uint64_t *words_at(struct torture *torture, mems_addr addr, bool *again)
{
    void *host = NULL;
    int error;
    while ((error = mems_translate(torture->space, addr, MEMS_WRITE, &host, NULL)) == EAGAIN) {
        *again = true;
        mems_access_end();
        error = mems_fault(torture->space, addr, MEMS_WRITE);
        test_require(error == 0, "%s: fault: %s", torture->scenario->policy, strerror(error));
    }
    test_require(error == 0, "%s: translate of %#" PRIx64 ": %s", torture->scenario->policy, addr,
                 strerror(error));
    return host;
}

static void block_make(struct torture *torture, uint64_t number, uint64_t words, mems_addr *addr)
{
    bool again = false;
    int error = mems_alloc(torture->space, words * 8, 0, addr);
    test_require(error == 0, "%s: alloc: %s", torture->scenario->policy, strerror(error));
    mems_access_begin();
    uint64_t *at = words_at(torture, *addr, &again);
    for (uint64_t i = HEADER; i < words; i++) {
        __atomic_store_n(&at[i], number, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&at[LENGTH], words, __ATOMIC_RELAXED);
    __atomic_store_n(&at[COUNT], 0, __ATOMIC_RELAXED);
    __atomic_store_n(&at[COPY], atomic_fetch_add(&copies, 1) << 24, __ATOMIC_RELAXED);
    __atomic_store_n(&at[WHOSE], MARK | number, __ATOMIC_RELAXED);
    mems_access_end();
}

static void block_end(struct torture *torture, mems_addr addr)
{
    bool again = false;
    mems_access_begin();
    __atomic_store_n(&words_at(torture, addr, &again)[WHOSE], 0, __ATOMIC_RELAXED);
    mems_access_end();
    int error = mems_release(torture->space, addr);
    test_require(error == 0, "%s: release: %s", torture->scenario->policy, strerror(error));
}

static uint64_t draw_words(uint64_t *random)
{
    return HEADER + test_below(random, WORDS_MOST - HEADER);
}

// ---- readers ------------------------------------------------------------------------------------

static uint64_t word_of(const uint64_t *words, unsigned which)
{
    return __atomic_load_n(&words[which], __ATOMIC_RELAXED);
}

// Looks at what was held for the last time, and adds to it.
static void let_go(struct reader *reader, const struct hold *holds, size_t count, bool add)
{
    for (size_t i = 0; i < count; i++) {
        const struct hold *hold = &holds[i];
        if (add) {
            __atomic_fetch_add(&hold->words[COUNT], 1, __ATOMIC_RELAXED);
            reader->added[hold->number]++;
        }
        bool same = word_of(hold->words, COPY) == hold->copy &&
                    word_of(hold->words, WHOSE) == (MARK | hold->number);
        uint64_t age = same ? 0 : 1 + atomic_load(&grace) - hold->grace;
        reader->ages[age < AGES ? age : AGES]++;
        if (!same) {
            atomic_fetch_add(&reader->torture->wrong, 1);
        }
    }
    reader->reads += count;
}

static void read_some(struct reader *reader, size_t window)
{
    struct torture *torture = reader->torture;
    struct hold holds[HELD];
    uint64_t choice = test_random(&reader->random);
    size_t count = 0, wanted = 1 + choice % HELD;
    bool add = choice >> 8 & 1;
    mems_access_begin();
    while (count < wanted) {
        size_t number = (window + test_below(&reader->random, WINDOW)) % BLOCKS;
        struct hold *hold = &holds[count];
        void *host = NULL;
        int error =
            mems_translate(torture->space, torture->blocks[number], MEMS_WRITE, &host, NULL);
        if (error != 0) { // the section ends, and what is held with it
            bool again = false;
            let_go(reader, holds, count, add);
            hold = &holds[count = 0];
            host = words_at(torture, torture->blocks[number], &again);
            wanted = wanted > 4 ? 4 : wanted;
        }
        *hold = (struct hold){.number = number, .words = host, .grace = atomic_load(&grace)};
        hold->copy = word_of(hold->words, COPY);
        count++;
    }
    if ((choice >> 16) % YIELDS == 0 || !atomic_load(&torture->enough)) {
        reader->yields++;
        sched_yield();
    }
    let_go(reader, holds, count, add);
    mems_access_end();
}

static void *read_main(void *arg)
{
    struct reader *reader = arg;
    struct torture *torture = reader->torture;
    uint64_t told = 0;
    size_t window = 0;
    for (uint64_t i = 0; !atomic_load(&torture->over); i++) {
        if (i % HOLDS_A_WINDOW == 0) {
            window = test_below(&reader->random, BLOCKS);
            uint64_t all = atomic_fetch_add(&torture->reads, reader->reads - told);
            bool many = all + reader->reads - told >= torture->reads_most;
            told = reader->reads;
            bool found = without != EVERY_RULE && atomic_load(&torture->wrong) != 0;
            if (found || (many && (without != EVERY_RULE || atomic_load(&torture->enough)))) {
                atomic_store(&torture->over, true);
            }
        }
        read_some(reader, window);
    }
    mems_thread_flush();
    return NULL;
}

// ---- the mover's thread -------------------------------------------------------------------------

static void *churn_main(void *arg)
{
    struct torture *torture = arg;
    uint64_t random = 1;
    while (!atomic_load(&torture->over)) {
        for (unsigned i = 0; i < CHURN; i++) {
            size_t which = test_below(&random, CHURNED);
            block_end(torture, torture->churned[which]);
            block_make(torture, BLOCKS + which, draw_words(&random), &torture->churned[which]);
        }
        if (torture->scenario->calls) {
            int error = mems_compact(torture->engine, NULL);
            test_require(error == 0, "compact: %s", strerror(error));
        }
        struct mems_stats stats = test_stats(torture->engine);
        if (stats.moves_done >= MOVES_LEAST && stats.moves_abandoned > 0 && without == EVERY_RULE) {
            atomic_store(&torture->enough, true);
        }
    }
    mems_thread_flush();
    return NULL;
}

// ---- all of it ----------------------------------------------------------------------------------

static uint64_t reads_wanted(void)
{
    const char *text = getenv("MEMS_TEST_READS");
    return text != NULL ? strtoull(text, NULL, 10) : READS;
}

// Additions that no counter has, and those that a counter has too many.
static uint64_t count_lost(struct torture *torture, const struct reader *readers, uint64_t *all)
{
    uint64_t lost = 0;
    for (size_t n = 0; n < BLOCKS; n++) {
        bool again = false;
        uint64_t added = 0;
        for (size_t i = 0; i < READERS; i++) {
            added += readers[i].added[n];
        }
        mems_access_begin();
        uint64_t counted = word_of(words_at(torture, torture->blocks[n], &again), COUNT);
        mems_access_end();
        lost += counted > added ? counted - added : added - counted;
        *all += added;
    }
    return lost;
}

// Prints the account, and returns how many reads were of a copy given up and additions lost.
static uint64_t account(struct torture *torture, const struct reader *readers)
{
    uint64_t reads = 0, yields = 0, late = 0, added = 0, ages[AGES + 1] = {0};
    uint64_t lost = count_lost(torture, readers, &added);
    struct mems_stats stats = test_stats(torture->engine);
    for (size_t i = 0; i < READERS; i++) {
        reads += readers[i].reads;
        yields += readers[i].yields;
        for (size_t age = 0; age <= AGES; age++) {
            ages[age] += readers[i].ages[age];
            late += age > 0 ? readers[i].ages[age] : 0;
        }
    }
    fprintf(stderr,
            "%s(%s): %d readers, %u movers; %" PRIu64 " reads, %" PRIu64 " yields, moves %" PRIu64
            " done and %" PRIu64 " abandoned, %lu grace periods; ages",
            torture->scenario->policy, torture->scenario->options, READERS,
            torture->scenario->movers, reads, yields, stats.moves_done, stats.moves_abandoned,
            atomic_load(&grace));
    for (size_t age = 0; age <= AGES; age++) {
        fprintf(stderr, " %" PRIu64, ages[age]);
    }
    fprintf(stderr, "; additions %" PRIu64 ", lost %" PRIu64 "\n", added, lost);
    return late + (lost != 0);
}

static uint64_t run_torture(const struct scenario *scenario, enum rule rule, uint64_t reads)
{
    static struct torture torture;
    static struct reader readers[READERS];
    pthread_t ids[READERS], churner;
    uint64_t random = test_seed();
    memset(&torture, 0, sizeof torture);
    memset(readers, 0, sizeof readers);
    torture.scenario = scenario;
    torture.reads_most = reads;
    torture.engine = test_engine(scenario->policy, scenario->options);
    torture.space = test_space(torture.engine);
    pages = scenario->pages;
    without = rule;
    atomic_store(&grace, 0);
    for (size_t i = 0; i < BLOCKS; i++) {
        block_make(&torture, i, draw_words(&random), &torture.blocks[i]);
        if (i < CHURNED) {
            block_make(&torture, BLOCKS + i, draw_words(&random), &torture.churned[i]);
        }
    }
    assert_int_equal(pthread_create(&churner, NULL, churn_main, &torture), 0);
    for (size_t i = 0; i < READERS; i++) {
        readers[i].torture = &torture;
        readers[i].random = random + i;
        assert_int_equal(pthread_create(&ids[i], NULL, read_main, &readers[i]), 0);
    }
    for (size_t i = 0; i < READERS; i++) {
        pthread_join(ids[i], NULL);
    }
    pthread_join(churner, NULL);
    uint64_t wrong = account(&torture, readers);
    if (rule == EVERY_RULE) {
        test_checked(torture.engine, true);
        test_conserved(torture.engine);
    }
    without = EVERY_RULE;
    mems_space_close(torture.space);
    mems_engine_close(torture.engine);
    return wrong;
}

// The one that the environment names; SCENARIO_COUNT where it names none.
static size_t scenario_wanted(void)
{
    const char *text = getenv("MEMS_TEST_SCENARIO");
    size_t wanted = text != NULL ? strtoul(text, NULL, 10) : SCENARIO_COUNT;
    test_require(text == NULL || wanted < SCENARIO_COUNT, "MEMS_TEST_SCENARIO is 0 .. %zu",
                 SCENARIO_COUNT - 1);
    return wanted;
}

static void test_torture(void **state)
{
    (void)state;
    size_t wanted = scenario_wanted();
    for (size_t i = 0; i < SCENARIO_COUNT; i++) {
        const struct scenario *scenario = &SCENARIOS[i];
        uint64_t reads = wanted == i ? reads_wanted() : reads_wanted() / 100 * scenario->share;
        if (wanted == i || wanted == SCENARIO_COUNT) {
            assert_int_equal(run_torture(scenario, EVERY_RULE, reads), 0);
        }
    }
}

#ifndef TEST_SANITIZED // whose complaint would end the test
static void broken(const struct scenario *scenario)
{
    static const enum rule rules[] = {NO_GRACE, STORED_PUBLISH, NO_CANCEL};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        uint64_t wrong = run_torture(scenario, rules[i], READS_BROKEN);
        test_require(wrong > 0, "%s: nobody noticed that a rule was broken: %d", scenario->policy,
                     (int)rules[i]);
    }
}

static void test_broken(void **state)
{
    (void)state;
    broken(&SCENARIOS[0]);
}

// Where segments and pages leave; in the long run (MEMS_TEST_BROKEN).
static void test_broken_swap(void **state)
{
    (void)state;
    if (getenv("MEMS_TEST_BROKEN") == NULL) {
        skip();
    }
    broken(&SCENARIOS[2]);
    broken(&SCENARIOS[3]);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_torture),
#ifndef TEST_SANITIZED
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_broken_swap),
#endif
    };
    size_t count = scenario_wanted() < SCENARIO_COUNT ? 1 : sizeof tests / sizeof tests[0];
    return _cmocka_run_group_tests("torture", tests, count, NULL, NULL);
}
