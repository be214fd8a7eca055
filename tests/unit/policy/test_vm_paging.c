// SPDX-License-Identifier: MIT
//
// test_vm_paging.c - virtual-memory paging by the textbooks' reference strings; demand, swap, what
// the models of TLB and working sets say, sharing, and what is refused.

#include "support/engine.h"

#include <mems/inject.h>
#include <pthread.h>

#include "policy/replacement/replacement.h"

enum { PAGE = 64 };

static struct mems_engine *open_with(const char *options, const uint64_t *references, size_t count)
{
    struct mems_config config = {.policy = "vm-paging",
                                 .options = options,
                                 .references = references,
                                 .reference_count = count};
    struct mems_engine *engine = NULL;
    int error = mems_engine_open(&config, &engine);
    test_require(error == 0, "%s: %s: %s", options, strerror(error), mems_complaint());
    return engine;
}

static void refer(struct mems_space *space, mems_addr addr, uint64_t page)
{
    char byte;
    int error = mems_read(space, addr + page * PAGE, &byte, 1);
    test_require(error == 0, "page %" PRIu64 ": %s", page, strerror(error));
}

static uint64_t faults_of(const char *digits, unsigned frames, const char *replacement)
{
    uint64_t references[64], count = 0;
    char options[200];
    for (const char *d = digits; *d != '\0'; d++) {
        references[count++] = (uint64_t)(*d - '0');
    }
    snprintf(options, sizeof options,
             "page=64,frames=%u,swap=8Ki,low=0,high=1,thread_cache=no,replacement=%s", frames,
             replacement);
    struct mems_engine *engine = open_with(options, references, count);
    struct mems_space *space = test_space(engine);
    mems_addr addr = test_alloc(space, 10 * PAGE);
    for (uint64_t i = 0; i < count; i++) {
        refer(space, addr, references[i]);
    }
    struct mems_stats stats = test_stats(engine);
    test_checked(engine, true);
    mems_engine_close(engine);
    return stats.faults;
}

// Acceptance cases 1 to 5.
static void test_textbook_strings(void **state)
{
    (void)state;
    static const char one[] = "70120304230321201701", two[] = "123412512345",
                      three[] = "232152453252";
    static const char four[] = "12342156212376321236", five[] = "72312534677105462301";
    static const char six[] = "0172327103", clock0[] = "clock,clock_load_ref=no";
    static const struct {
        const char *string;
        unsigned frames;
        const char *replacement;
        uint64_t faults;
    } cases[] = {
        {one, 3, "fifo", 15},  {one, 3, "lru", 12},    {one, 3, "opt", 9},
        {one, 3, "clock", 14}, {one, 3, clock0, 11},   {one, 4, "fifo", 10},
        {one, 4, "lru", 8},    {one, 4, "opt", 8},     {two, 3, "fifo", 9},
        {two, 4, "fifo", 10},  {two, 3, "lru", 10},    {two, 4, "lru", 8},
        {two, 3, "opt", 7},    {two, 4, "opt", 6},     {two, 3, "clock", 9},
        {two, 4, "clock", 10}, {three, 3, "opt", 6},   {three, 3, "lru", 7},
        {three, 3, "fifo", 9}, {three, 3, "clock", 8}, {three, 3, clock0, 6},
        {five, 3, "lru", 18},  {five, 3, "fifo", 17},  {five, 3, "opt", 13},
        {six, 4, "fifo", 6},   {six, 4, "lru", 7},     {one, 3, "second-chance", 14},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t faults = faults_of(cases[i].string, cases[i].frames, cases[i].replacement);
        test_require(faults == cases[i].faults,
                     "%s, %u frames, %s: %" PRIu64 " faults, not %" PRIu64, cases[i].string,
                     cases[i].frames, cases[i].replacement, faults, cases[i].faults);
    }
    static const uint64_t lru[] = {20, 18, 15, 10, 8, 7, 7}, fifo[] = {20, 18, 16, 14, 10, 10, 7},
                          opt[] = {20, 15, 11, 8, 7, 7, 7};
    for (unsigned frames = 1; frames <= 7; frames++) {
        assert_int_equal(faults_of(four, frames, "lru"), lru[frames - 1]);
        assert_int_equal(faults_of(four, frames, "fifo"), fifo[frames - 1]);
        assert_int_equal(faults_of(four, frames, "opt"), opt[frames - 1]);
    }
}

// The option's words are the table's, in its order; every one works.
static void test_every_algorithm(void **state)
{
    (void)state;
    const struct mems_option *option;
    const char *values = NULL;
    for (size_t i = 0; (option = mems_option_at("vm-paging", i)) != NULL; i++) {
        values = strcmp(option->name, "replacement") == 0 ? option->values : values;
    }
    const struct replacement *row;
    for (size_t i = 0; (row = replacement_at(i)) != NULL; i++) {
        test_require(strncmp(values, row->name, strlen(row->name)) == 0, "%s", values);
        values += strlen(row->name);
        values += *values == '|';
        uint64_t faults = faults_of("0123456789012345678901234567890123456789", 5, row->name);
        test_require(faults >= 10 && faults <= 40, "%s: %" PRIu64, row->name, faults);
    }
    assert_string_equal(values, "");
}

static void write_page(struct mems_space *space, mems_addr addr, uint64_t page, uint64_t seed)
{
    unsigned char bytes[PAGE];
    for (size_t i = 0; i < PAGE; i++) {
        bytes[i] = test_stamp_byte(seed, i);
    }
    int error = mems_write(space, addr + page * PAGE, bytes, PAGE);
    test_require(error == 0, "page %" PRIu64 ": %s", page, strerror(error));
}

static void read_page(struct mems_space *space, mems_addr addr, uint64_t page, uint64_t seed)
{
    unsigned char bytes[PAGE];
    int error = mems_read(space, addr + page * PAGE, bytes, PAGE);
    test_require(error == 0, "page %" PRIu64 ": %s", page, strerror(error));
    for (size_t i = 0; i < PAGE; i++) {
        unsigned char expected = seed == 0 ? 0 : test_stamp_byte(seed, i);
        test_require(bytes[i] == expected, "page %" PRIu64 ", byte %zu: %#x, not %#x", page, i,
                     bytes[i], expected);
    }
}

// Frames come at the first use, pages are zero, clean ones are not written, others come back.
static void test_demand(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine(
        "vm-paging", "page=64,frames=2,swap=640,low=0,high=1,replacement=fifo,thread_cache=no");
    struct mems_space *space = test_space(engine);
    mems_addr addr = test_alloc(space, 4 * PAGE);
    struct mems_stats s = test_stats(engine);
    assert_int_equal(s.free_bytes, 2 * PAGE);
    assert_int_equal(s.absent_bytes, 4 * PAGE);
    read_page(space, addr, 0, 0);
    write_page(space, addr, 1, 11);
    write_page(space, addr, 2, 12); // 0 goes, never written
    s = test_stats(engine);
    assert_int_equal(s.zero_faults, 3);
    assert_int_equal(s.evictions, 1);
    assert_int_equal(s.write_backs, 0);
    assert_int_equal(s.swap_bytes, 0);
    read_page(space, addr, 0, 0); // 1 goes to swap
    s = test_stats(engine);
    assert_int_equal(s.write_backs, 1);
    assert_int_equal(s.swap_bytes, PAGE);
    read_page(space, addr, 1, 11); // 2 goes
    assert_int_equal(test_stats(engine).swap_faults, 1);
    read_page(space, addr, 2, 12); // 0 goes
    read_page(space, addr, 3, 0);  // 1 goes: clean, in its slot
    s = test_stats(engine);
    assert_int_equal(s.write_backs, 2);
    read_page(space, addr, 1, 11);
    read_page(space, addr, 2, 12);
    s = test_stats(engine);
    assert_int_equal(s.faults, s.zero_faults + s.swap_faults);
    assert_int_equal(s.faults - s.evictions, 2);
    struct mems_space_stats own;
    assert_int_equal(mems_space_snapshot(space, &own), 0);
    assert_int_equal(own.faults, s.faults);
    test_checked(engine, true);
    assert_int_equal(mems_release(space, addr), 0);
    s = test_stats(engine);
    assert_int_equal(s.swap_bytes, 0);
    assert_int_equal(s.free_bytes, 2 * PAGE);
    test_checked(engine, true);
    mems_engine_close(engine);
}

// Blocks have as many pages as frames and swap together, and then every page can be used.
static void test_full(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine(
        "vm-paging", "page=64,frames=3,swap=320,low=0,high=1,replacement=lru,thread_cache=no");
    struct mems_space *space = test_space(engine);
    mems_addr addr = test_alloc(space, 8 * PAGE), other;
    assert_int_equal(mems_alloc(space, 1, 0, &other), ENOMEM);
    assert_int_equal(test_stats(engine).refusals, 1);
    for (unsigned round = 0; round < 5; round++) {
        for (uint64_t page = 0; page < 8; page++) {
            read_page(space, addr, page, round == 0 ? 0 : 10 * (round - 1) + page + 1);
            write_page(space, addr, page, 10 * round + page + 1);
        }
        for (uint64_t page = 0; page < 8; page += 1 + round) { // clean ones keep their slots
            read_page(space, addr, page, 10 * round + page + 1);
        }
        test_checked(engine, true);
    }
    assert_int_equal(mems_release(space, addr), 0);
    mems_engine_close(engine);
    engine = test_engine("vm-paging", "page=64,frames=3,swap=0,thread_cache=no");
    space = test_space(engine);
    assert_int_equal(mems_alloc(space, 4 * PAGE, 0, &addr), ENOMEM);
    addr = test_alloc(space, 3 * PAGE);
    write_page(space, addr, 2, 5);
    mems_engine_close(engine);
}

// Case 14 counted as pages that stay; ws and pff change how many frames they use.
static void test_variable(void **state)
{
    (void)state;
    static const char string[] = "26157777516234123444343444";
    static const unsigned resident_after[2] = {5, 2}; // {1,2,5,6,7} and {3,4}
    struct mems_engine *engine =
        test_engine("vm-paging", "page=64,frames=10,replacement=ws,tau=10,low=0,high=1");
    struct mems_space *space = test_space(engine);
    mems_addr addr = test_alloc(space, 8 * PAGE);
    for (unsigned i = 0; i < 26; i++) {
        refer(space, addr, (uint64_t)(string[i] - '0'));
        if (i == 9) {
            struct mems_stats s = test_stats(engine);
            assert_int_equal((s.held_bytes - s.free_bytes) / PAGE, resident_after[0]);
        }
    }
    refer(space, addr, 0); // a fault: what nobody used goes; {3,4} and 0 stay
    struct mems_stats s = test_stats(engine);
    assert_int_equal((s.held_bytes - s.free_bytes) / PAGE, resident_after[1] + 1);
    test_checked(engine, true);
    mems_engine_close(engine);
}

static void test_tlb(void **state)
{
    (void)state;
    struct mems_engine *engine =
        test_engine("vm-paging", "page=64,frames=8,tlb_entries=2,tlb_ns=20,memory_ns=100,"
                                 "table_levels=1,fault_ns=0,low=0,high=1,replacement=clock");
    struct mems_space *space = test_space(engine);
    mems_addr addr = test_alloc(space, 8 * PAGE);
    static const unsigned pages[] = {0, 1, 0, 2, 1, 0}; // m m h m m m: least recently used goes
    for (unsigned i = 0; i < 6; i++) {
        refer(space, addr, pages[i]);
    }
    struct mems_stats s = test_stats(engine);
    assert_int_equal(s.tlb_hits, 1);
    assert_int_equal(s.tlb_misses, 5);
    assert_int_equal(s.faults, 3);
    // half of the references fault: 0.5 * (1/6 * 120 + 5/6 * 220)
    assert_int_equal(s.eat_ns, 102);
    mems_engine_close(engine);
}

// A loop over half as many pages again as there are frames.
static void test_thrashing(void **state)
{
    (void)state;
    struct mems_engine *engine =
        test_engine("vm-paging", "page=64,frames=32,low=0,high=1,replacement=lru");
    struct mems_space *space = test_space(engine);
    mems_addr addr = test_alloc(space, 48 * PAGE);
    for (unsigned i = 0; i < 30 * 100; i++) {
        refer(space, addr, i % 30); // fits
    }
    struct mems_stats s = test_stats(engine);
    assert_int_equal(s.thrashing, 0);
    assert_int_equal(s.working_set_pages, 30);
    for (unsigned i = 0; i < 48 * 100; i++) {
        refer(space, addr, i % 48);
    }
    s = test_stats(engine);
    test_require(s.thrashing > 100, "%" PRIu64, s.thrashing);
    test_require(s.working_set_pages >= 47 && s.working_set_pages <= 49, "%" PRIu64,
                 s.working_set_pages);
    mems_engine_close(engine);
}

// Sharing pages in every state; both sides go on by themselves.
static void test_share(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine(
        "vm-paging", "page=64,frames=4,swap=2Ki,low=0,high=1,replacement=fifo,thread_cache=no");
    struct mems_space *a = test_space(engine), *b = test_space(engine);
    mems_addr x = test_alloc(a, 6 * PAGE), y;
    for (uint64_t page = 0; page < 5; page++) { // page 0 goes to swap, 5 is never touched
        write_page(a, x, page, page + 1);
    }
    assert_int_equal(mems_share(a, x, b, MEMS_READ | MEMS_WRITE, &y), 0);
    test_checked(engine, true);
    char byte;
    assert_int_equal(mems_read(b, y, &byte, 1), ENOMEM); // four frames are pinned
    test_checked(engine, true);
    for (uint64_t page = 1; page < 5; page++) {
        read_page(b, y, page, page + 1);
    }
    assert_int_equal(mems_resize(b, &y, 3 * PAGE), 0); // 3 and 4 are a's alone
    test_checked(engine, true);
    write_page(b, y, 1, 21);
    write_page(b, y, 0, 20);
    read_page(a, x, 0, 1);
    for (uint64_t page = 0; page < 5; page++) {
        read_page(a, x, page, page + 1);
    }
    read_page(b, y, 0, 20);
    read_page(b, y, 1, 21);
    read_page(b, y, 2, 3);
    test_checked(engine, true);
    assert_int_equal(test_stats(engine).copy_faults, 1);
    mems_space_close(a);
    test_checked(engine, true);
    read_page(b, y, 0, 20);
    read_page(b, y, 1, 21);
    write_page(b, y, 2, 22);
    read_page(b, y, 2, 22);
    test_checked(engine, true);
    mems_space_close(b);
    struct mems_stats s = test_stats(engine);
    assert_int_equal(s.swap_bytes, 0);
    assert_int_equal(s.free_bytes, 4 * PAGE);
    test_checked(engine, true);
    mems_engine_close(engine);
}

// Swap that cannot be written or read: the caller is told, nothing is lost, and it can be repeated.
static void test_swap_fails(void **state)
{
    (void)state;
    static const char *const options[] = {
        "page=64,frames=4,swap=4Ki,low=0,high=1,replacement=lru,thread_cache=no",
        "page=64,frames=16,swap=4Ki,low=2,high=8,replacement=sieve,thread_cache=no",
    };
    for (size_t o = 0; o < 2; o++) {
        struct mems_engine *engine = test_engine("vm-paging", options[o]);
        struct mems_space *space = test_space(engine);
        mems_addr addr = test_alloc(space, 40 * PAGE);
        uint64_t told = 0;
        for (unsigned round = 0; round < 60; round++) {
            enum mems_seam seam = round % 2 == 0 ? MEMS_SEAM_SWAP_WRITE : MEMS_SEAM_SWAP_READ;
            for (uint64_t page = 0; page < 40; page++) {
                char byte = (char)(round + page), before = 0;
                mems_inject(seam, 1 + (round * 7 + page) % 3, round % 3 == 0);
                int error = mems_read(space, addr + page * PAGE, &before, 1);
                mems_inject(seam, 0, 0);
                if (error != 0) {
                    told++;
                    assert_int_equal(error, round % 2 == 0 ? ENOSPC : EIO);
                    assert_int_equal(mems_read(space, addr + page * PAGE, &before, 1), 0);
                }
                assert_int_equal(before, round == 0 ? 0 : (char)(round - 1 + page));
                assert_int_equal(mems_write(space, addr + page * PAGE, &byte, 1), 0);
            }
            test_checked(engine, true);
        }
        test_require(told > 20, "%" PRIu64, told);
        mems_engine_close(engine);
    }
}

// One run with the nth map failing: opening, allocating, faulting, sharing. Whoever is told ENOMEM
// says it again without the fault and succeeds. Returns how many failed.
static uint64_t run_with_map(uint64_t nth)
{
    struct mems_config config = {.policy = "vm-paging",
                                 .options = "page=64,frames=8,swap=64Ki,tlb_entries=4"};
    struct mems_engine *engine;
    struct mems_space *space, *other;
    mems_addr addr[40], twin;
    uint64_t hits = 0;
    mems_inject(MEMS_SEAM_MAP, nth, 0);
    while (mems_engine_open(&config, &engine) != 0) {
        hits++;
    }
    while (mems_space_open(engine, &space) != 0 || mems_space_open(engine, &other) != 0) {
        hits++;
    }
    for (size_t i = 0; i < 40; i++) {
        while (mems_alloc(space, PAGE * (1 + i % 12), 0, &addr[i]) != 0) {
            hits++;
        }
        write_page(space, addr[i], 0, i + 1);
    }
    while (mems_share(space, addr[3], other, MEMS_READ | MEMS_WRITE, &twin) != 0) {
        hits++;
    }
    write_page(other, twin, 0, 99);
    for (size_t i = 0; i < 40; i++) {
        read_page(space, addr[i], 0, i + 1);
    }
    hits += mems_inject_hits(MEMS_SEAM_MAP); // where a cache can do without, nobody was told
    mems_inject(MEMS_SEAM_MAP, 0, 0);
    test_checked(engine, true);
    mems_engine_close(engine);
    return hits;
}

static void test_map_fails(void **state)
{
    (void)state;
    uint64_t nth = 1;
    while (run_with_map(nth) != 0) {
        nth++;
    }
    test_require(nth > 8, "%" PRIu64, nth);
}

// A thread that nobody knows: its first call is a fault, another one's closes a space.
struct stranger {
    struct mems_space *space;
    mems_addr addr;
};

static void *fault_first(void *arg)
{
    const struct stranger *stranger = arg;
    int error = mems_fault(stranger->space, stranger->addr, MEMS_WRITE);
    test_require(error == 0, "fault: %s", strerror(error));
    mems_access_end();
    return NULL;
}

static void *close_first(void *arg)
{
    mems_space_close(((const struct stranger *)arg)->space);
    return NULL;
}

static void test_strangers(void **state)
{
    (void)state;
    static const char *const policies[] = {"vm-paging", "paging"};
    for (size_t i = 0; i < 2; i++) {
        struct mems_engine *engine = test_engine(policies[i], "page=64,frames=20");
        struct stranger stranger = {.space = test_space(engine)};
        pthread_t thread;
        stranger.addr = test_alloc(stranger.space, 100);
        assert_int_equal(pthread_create(&thread, NULL, fault_first, &stranger), 0);
        pthread_join(thread, NULL);
        assert_int_equal(pthread_create(&thread, NULL, close_first, &stranger), 0);
        pthread_join(thread, NULL);
        test_checked(engine, true);
        mems_engine_close(engine);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *options, *said;
    } cases[] = {
        {"frames=0", "frames"},
        {"capacity=4095", "capacity=4095: too small, at least 4096 bytes"},
        {"page=5000", "power of two"},
        {"frames=2,capacity=1Mi", "capacity"},
        {"tlb_ways=4", "tlb_entries"},
        {"tlb_entries=4,tlb_ways=8", "tlb_entries"},
        {"tlb_entries=6,tlb_ways=4", "divide"},
        {"replacement=opt", "references"},
        {"replacement=lur", "lru"},
        {"swap=64Ti", "swap"},
        {"swap=63Ti,page=2Mi", "room"},
        {"swap_file=nowhere/at/all", "swap_file=nowhere/at/all: there is no such folder"},
        {"low=4,high=4", "below high"},
        {"low=5,high=4", "below high"},
        {"frames=8,high=9", "frames"},
        {"tau=0", "tau"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mems_config config = {.policy = "vm-paging", .options = cases[i].options};
        struct mems_engine *engine;
        assert_int_equal(mems_engine_open(&config, &engine), EINVAL);
        test_require(strstr(mems_complaint(), cases[i].said) != NULL, "%s: %s", cases[i].options,
                     mems_complaint());
    }
    struct mems_config config = {.policy = "vm-paging", .options = "frames=100"};
    struct mems_engine *engine;
    mems_inject(MEMS_SEAM_SWAP_OPEN, 1, 0);
    assert_int_equal(mems_engine_open(&config, &engine), EINVAL);
    mems_inject(MEMS_SEAM_SWAP_OPEN, 0, 0);
    test_require(strstr(mems_complaint(), "room") != NULL, "%s", mems_complaint());
}

// Four frames, all read, the first written: what goes next, and with which marks.
static void test_candidates(void **state)
{
    (void)state;
    static const struct {
        const char *replacement;
        size_t count;
        uint64_t first;
        bool referenced;
    } rows[] = {
        {"fifo", 4, 0, false},  {"lru", 4, 1, false},   {"lfu", 4, 1, false},
        {"clock", 4, 0, true},  {"sieve", 4, 0, true},  {"second-chance", 4, 0, true},
        {"ws", 4, 1, false},    {"pff", 4, 1, false},   {"nru", 4, 0, true},
        {"random", 0, 0, true}, {"arc", 0, 0, true},    {"2q", 0, 0, true},
        {"lirs", 0, 0, true},   {"s3fifo", 0, 0, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char options[200];
        snprintf(options, sizeof options,
                 "page=64,frames=4,swap=8Ki,low=0,high=1,thread_cache=no,replacement=%s",
                 rows[i].replacement);
        struct mems_engine *engine = open_with(options, NULL, 0);
        struct mems_space *space = test_space(engine);
        struct mems_candidate list[8];
        assert_int_equal(mems_candidates(engine, list, 8), 0);
        mems_addr addr = test_alloc(space, 10 * PAGE);
        for (uint64_t page = 0; page < 4; page++) {
            refer(space, addr, page);
        }
        write_page(space, addr, 0, 1);
        size_t count = mems_candidates(engine, list, 8);
        test_require(count == rows[i].count, "%s: %zu", rows[i].replacement, count);
        if (count > 0) {
            test_require(list[0].page == rows[i].first && list[0].referenced == rows[i].referenced,
                         "%s: page %" PRIu64 ", R %d", rows[i].replacement, list[0].page,
                         list[0].referenced);
            assert_int_equal(mems_candidates(engine, list, 2), 2);
            assert_int_equal(mems_candidates(engine, list, 8), 4);
        }
        for (size_t c = 0; c < count; c++) {
            assert_int_equal(list[c].space, mems_space_id(space));
            assert_int_equal(list[c].modified, list[c].page == 0);
        }
        mems_engine_close(engine);
    }
    const struct mems_config flat = {.policy = "dynamic"};
    struct mems_candidate none;
    struct mems_engine *engine;
    assert_int_equal(mems_engine_open(&flat, &engine), 0);
    assert_int_equal(mems_candidates(engine, &none, 1), 0);
    mems_engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_textbook_strings), cmocka_unit_test(test_every_algorithm),
        cmocka_unit_test(test_demand),           cmocka_unit_test(test_full),
        cmocka_unit_test(test_variable),         cmocka_unit_test(test_tlb),
        cmocka_unit_test(test_thrashing),        cmocka_unit_test(test_share),
        cmocka_unit_test(test_swap_fails),       cmocka_unit_test(test_map_fails),
        cmocka_unit_test(test_strangers),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_candidates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
