// SPDX-License-Identifier: MIT
//
// test_conformance.c - what every policy owes to its users: sizes, alignments, contents, resizing,
// refusal and recovery, spaces, rights, sharing, moving. One test a duty, over every policy of the
// table (tests/support/policies.h), with thread caches and without.
//
// The same in random order: test_conformance_random.c. Misuse and many threads: the files of this
// name in tests/misuse and tests/concurrency.

#include "support/policies.h"

static void test_table(void **state)
{
    (void)state;
    policies_require();
}

static const size_t SIZES[] = {1,    2,    15,   16,    17,    63,    64,    65,    100,    255,
                               256,  257,  1000, 1024,  1025,  4095,  4096,  4097,  5000,   8191,
                               8192, 8193, 9000, 12288, 16385, 20000, 40000, 65537, 100000, 131072};
enum { SIZE_COUNT = sizeof SIZES / sizeof SIZES[0] };

// ---- sizes and contents
// --------------------------------------------------------------------------

// Exactly the bytes asked for are there: no less, and not one more.
static void require_extent(const struct policy_stage *stage, mems_addr addr, size_t size)
{
    static unsigned char bytes[ACCESS_LARGEST + 1];
    size_t requested = 0, taken = 0;
    int error = mems_block_size(stage->space, addr, &requested, &taken);
    stage_require(stage, error == 0 && requested == size && taken >= size,
                  "%zu bytes: %s, %zu of %zu", size, strerror(error), requested, taken);
    access_stamp(stage->space, addr, size, size);
    access_stamped_spans(stage->space, addr, size, size);
    access_stamp_spans(stage->space, addr, size, size + 1);
    access_stamped(stage->space, addr, size, size + 1);
    stage_require(stage, mems_read(stage->space, addr, bytes, size + 1) == ERANGE,
                  "%zu bytes read of %zu", size + 1, size);
    stage_require(stage, mems_write(stage->space, addr, bytes, size + 1) == ERANGE,
                  "%zu bytes written of %zu", size + 1, size);
    stage_require(stage, mems_read(stage->space, addr + size - 1, bytes, 1) == 0, "the last byte");
    stage_require(stage, mems_read(stage->space, addr + size - 1, bytes, 2) == ERANGE,
                  "one more than the last byte");
    if (access_can_say(addr, size)) {
        error = access_error(stage->space, addr + size, MEMS_READ);
        stage_require(stage, error == ERANGE, "the byte behind %zu: %s", size, strerror(error));
    }
    access_stamped(stage->space, addr, size, size + 1);
}

static void run_sizes(struct policy_stage *stage)
{
    struct mems_stats before = test_stats(stage->engine);
    for (size_t i = 0; i < SIZE_COUNT && SIZES[i] <= stage->it->largest; i++) {
        mems_addr addr = stage_alloc(stage, stage->space, SIZES[i]);
        require_extent(stage, addr, SIZES[i]);
        mems_addr second = stage_alloc(stage, stage->space, SIZES[i] / 2 + 1);
        access_stamp(stage->space, second, SIZES[i] / 2 + 1, 99);
        access_stamped(stage->space, addr, SIZES[i], SIZES[i] + 1);
        stage_release(stage, stage->space, addr);
        access_stamped(stage->space, second, SIZES[i] / 2 + 1, 99);
        stage_release(stage, stage->space, second);
    }
    stage_empty(stage, &before);
}

static void test_sizes(void **state)
{
    (void)state;
    policies_each(run_sizes);
}

static void run_alignment(struct policy_stage *stage)
{
    struct mems_stats before = test_stats(stage->engine);
    static const size_t sizes[] = {1, 50, 3000, 8000};
    for (size_t align = 1; align <= 65536; align *= 2) {
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            mems_addr addr = 42;
            int error = mems_alloc(stage->space, sizes[i], align, &addr);
            if (error != 0) {
                stage_require(stage, align > stage->it->align, "%zu at %zu: %s", sizes[i], align,
                              strerror(error));
                stage_require(stage, error == ENOMEM || error == EINVAL, "%s", strerror(error));
                stage_require(stage, addr == 42, "the result changed");
                continue;
            }
            uintptr_t host = access_host(stage->space, addr);
            stage_require(stage, host % align == 0, "%#" PRIxPTR " is not at %zu", host, align);
            access_stamp(stage->space, addr, sizes[i], align);
            access_stamped_spans(stage->space, addr, sizes[i], align);
            stage_release(stage, stage->space, addr);
        }
    }
    stage_empty(stage, &before);
}

static void test_alignment(void **state)
{
    (void)state;
    policies_each(run_alignment);
}

static void run_nonsense(struct policy_stage *stage)
{
    static const size_t huge[] = {SIZE_MAX, SIZE_MAX - 15, (size_t)PTRDIFF_MAX + 1, PTRDIFF_MAX,
                                  (size_t)1 << 41};
    mems_addr kept = stage_alloc(stage, stage->space, 100), addr = 42;
    access_stamp(stage->space, kept, 100, 1);
    struct mems_stats before = test_stats(stage->engine);
    assert_int_equal(mems_alloc(stage->space, 0, 0, &addr), EINVAL);
    assert_int_equal(mems_alloc(stage->space, 10, 3, &addr), EINVAL);
    assert_int_equal(mems_alloc(stage->space, 10, SIZE_MAX, &addr), EINVAL);
    mems_addr same = kept;
    assert_int_equal(mems_resize(stage->space, &same, 0), EINVAL);
    for (size_t i = 0; i < sizeof huge / sizeof huge[0]; i++) {
        int error = mems_alloc(stage->space, huge[i], 0, &addr);
        stage_require(stage, error == ENOMEM, "%#zx bytes: %s", huge[i], strerror(error));
        error = mems_resize(stage->space, &same, huge[i]);
        stage_require(stage, error == ENOMEM, "to %#zx bytes: %s", huge[i], strerror(error));
    }
    assert_true(addr == 42 && same == kept);
    access_stamped(stage->space, kept, 100, 1);
    struct mems_stats after = test_stats(stage->engine);
    stage_require(stage,
                  after.live_blocks == 1 && after.allocs == before.allocs &&
                      after.resizes == before.resizes && after.block_bytes == before.block_bytes,
                  "what failed was counted");
}

static void test_nonsense(void **state)
{
    (void)state;
    policies_each(run_nonsense);
}

// ---- resizing
// ------------------------------------------------------------------------------------

static void run_resize(struct policy_stage *stage)
{
    struct mems_stats before = test_stats(stage->engine);
    mems_addr addr = stage_alloc(stage, stage->space, 1);
    size_t size = 1, most = stage->it->largest / 2;
    access_stamp(stage->space, addr, 1, 5);
    for (size_t step = 0; step < 2 * SIZE_COUNT; step++) { // up all sizes, and down again
        size_t next = SIZES[step < SIZE_COUNT ? step : 2 * SIZE_COUNT - 1 - step];
        if (next > most) {
            continue;
        }
        mems_addr old = addr;
        int error = mems_resize(stage->space, &addr, next);
        stage_require(stage, error == 0, "%zu to %zu: %s", size, next, strerror(error));
        stage_require(stage, addr == old || access_error(stage->space, old, MEMS_READ) != 0,
                      "the old address still works");
        access_stamped(stage->space, addr, size < next ? size : next, 5);
        access_stamp(stage->space, addr, next, 5);
        size_t requested = 0, taken = 0;
        assert_int_equal(mems_block_size(stage->space, addr, &requested, &taken), 0);
        stage_require(stage, requested == next && taken >= next, "%zu: %zu of %zu", next, requested,
                      taken);
        size = next;
    }
    stage_require(stage, test_stats(stage->engine).requested_bytes == size, "requested bytes");
    stage_release(stage, stage->space, addr);
    stage_empty(stage, &before);
}

static void test_resize(void **state)
{
    (void)state;
    policies_each(run_resize);
}

// ---- exhaustion
// ----------------------------------------------------------------------------------

enum { FULL_MOST = 1 << 17 };
static mems_addr filled[FULL_MOST];

static size_t fill(struct policy_stage *stage, size_t size)
{
    size_t count = 0;
    mems_addr addr = 42;
    int error = 0;
    while (count < FULL_MOST && (error = mems_alloc(stage->space, size, 0, &addr)) == 0) {
        filled[count++] = addr;
        addr = 42;
    }
    stage_require(stage, error == ENOMEM && addr == 42, "block %zu of %zu bytes: %s", count, size,
                  strerror(error));
    return count;
}

static void drain(struct policy_stage *stage, size_t count)
{
    for (size_t i = 0; i < count; i++) { // first the odd ones, then the even ones
        size_t at = 2 * i + 1 < count ? 2 * i + 1 : (count - 1 - i) * 2;
        stage_release(stage, stage->space, filled[at]);
    }
}

static void run_exhaustion(struct policy_stage *stage)
{
    struct mems_stats before = test_stats(stage->engine);
    const size_t small = 64 * MEMS_TEST_SCALE; // fewer blocks where each costs more
    const size_t sizes[] = {small, 1500, stage->it->largest / 3, small};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        uint64_t refusals = test_stats(stage->engine).refusals;
        size_t count = fill(stage, sizes[s]);
        struct mems_stats full = test_stats(stage->engine);
        stage_require(stage, full.refusals == refusals + 1, "%" PRIu64 " refusals",
                      full.refusals - refusals);
        stage_require(stage, count != 0 && full.live_blocks == count, "%zu blocks", count);
        stage_checked(stage);
        for (size_t i = 0; i < count; i++) {
            access_stamp(stage->space, filled[i], 8, i);
        }
        for (size_t i = 0; i < count; i++) {
            access_stamped(stage->space, filled[i], 8, i);
        }
        drain(stage, count);
        for (size_t i = 0; i < count; i++) {
            filled[i] = stage_alloc(stage, stage->space, sizes[s]);
        }
        drain(stage, count);
        stage_checked(stage);
    }
    mems_thread_flush(); // a space's blocks in magazines are not another space's to take
    mems_addr addr = stage_alloc(stage, stage->other, stage->it->largest);
    stage_release(stage, stage->other, addr);
    stage_empty(stage, &before);
}

static void test_exhaustion(void **state)
{
    (void)state;
    policies_each(run_exhaustion);
}

// ---- spaces
// --------------------------------------------------------------------------------------

enum { SPACES = 5, HELD = 12 };

struct holding {
    struct mems_space *space;
    mems_addr addrs[HELD];
    size_t sizes[HELD];
    uint64_t requested;
};

// Some blocks; every third is released again, or stays in a magazine.
static void hold(struct policy_stage *stage, struct holding *holding, size_t number)
{
    holding->space = test_space(stage->engine);
    holding->requested = 0;
    for (size_t i = 0; i < HELD; i++) {
        size_t size = 1 + (i * 977 + number * 131) % (stage->it->largest < 9000 ? 4000 : 9000);
        holding->sizes[i] = size;
        holding->addrs[i] = stage_alloc(stage, holding->space, size);
        access_stamp(holding->space, holding->addrs[i], size, number * 100 + i);
        holding->requested += size;
    }
    for (size_t i = 0; i < HELD; i += 3) {
        stage_release(stage, holding->space, holding->addrs[i]);
        holding->requested -= holding->sizes[i];
    }
}

static void require_holding(struct policy_stage *stage, const struct holding *holding,
                            size_t number)
{
    struct mems_space_stats stats;
    assert_int_equal(mems_space_snapshot(holding->space, &stats), 0);
    stage_require(stage,
                  stats.allocs == HELD && stats.releases == HELD / 3 &&
                      stats.live_blocks == HELD - HELD / 3 && stats.misuses == 0 &&
                      stats.refusals == 0 && stats.requested_bytes == holding->requested &&
                      (stage->cached || stats.cached_blocks == 0),
                  "space %zu: %" PRIu64 " blocks of %" PRIu64 " bytes", number, stats.live_blocks,
                  stats.requested_bytes);
    for (size_t i = 0; i < HELD; i++) {
        if (i % 3 != 0) {
            access_stamped(holding->space, holding->addrs[i], holding->sizes[i], number * 100 + i);
        }
    }
}

static void run_spaces(struct policy_stage *stage)
{
    static struct holding holdings[SPACES];
    struct mems_stats before = test_stats(stage->engine);
    for (size_t i = 0; i < SPACES; i++) {
        hold(stage, &holdings[i], i);
    }
    for (size_t gone = 0; gone < SPACES; gone++) {
        struct mems_stats then = test_stats(stage->engine);
        for (size_t i = 0; i < SPACES; i++) {
            size_t number = (i * 2) % SPACES; // the order in which they close
            if (i >= gone) {
                require_holding(stage, &holdings[number], number);
            }
        }
        const struct holding *going = &holdings[gone * 2 % SPACES];
        uint64_t requested = going->requested;
        mems_addr dead = going->addrs[1];
        mems_space_close(going->space);
        struct mems_stats now = test_stats(stage->engine);
        stage_require(stage,
                      then.live_blocks - now.live_blocks == HELD - HELD / 3 &&
                          then.requested_bytes - now.requested_bytes == requested,
                      "a closed space gave back %" PRIu64 " blocks",
                      then.live_blocks - now.live_blocks);
        int error = access_error(stage->space, dead, MEMS_READ);
        stage_require(stage, error == EALREADY || error == ESTALE, "a closed space's address: %s",
                      strerror(error));
        stage_checked(stage);
    }
    stage_empty(stage, &before);
}

static void test_spaces(void **state)
{
    (void)state;
    policies_each(run_spaces);
}

// ---- what only some can
// --------------------------------------------------------------------------

static void run_rights(struct policy_stage *stage)
{
    struct mems_space *space = stage->space;
    mems_addr addr = stage_alloc(stage, space, 5000);
    access_stamp(space, addr, 5000, 3);
    if ((stage->it->can & CAN_PROTECT) == 0) {
        assert_int_equal(mems_protect(space, addr, MEMS_READ), ENOTSUP);
        return;
    }
    assert_int_equal(mems_protect(space, addr, 4), EINVAL);
    for (unsigned rights = 0; rights < 4; rights++) {
        char byte = 0;
        assert_int_equal(mems_protect(space, addr, rights), 0);
        bool reads = (rights & MEMS_READ) != 0, writes = (rights & MEMS_WRITE) != 0;
        assert_int_equal(mems_read(space, addr + 4999, &byte, 1), reads ? 0 : EACCES);
        assert_int_equal(access_error(space, addr, MEMS_READ), reads ? 0 : EACCES);
        assert_int_equal(mems_write(space, addr + 4999, &byte, 1), writes ? 0 : EACCES);
        assert_int_equal(access_error(space, addr, MEMS_WRITE), writes ? 0 : EACCES);
        assert_int_equal(access_error(space, addr + 5000, MEMS_READ), ERANGE);
    }
    access_stamp(space, addr, 5000, 4);
    assert_int_equal(mems_protect(space, addr, MEMS_READ), 0);
    mems_access_begin();
    assert_int_equal(mems_protect(space, addr, MEMS_READ), EBUSY);
    mems_access_end();
    access_stamped(space, addr, 5000, 4);
    stage_release(stage, space, addr);
    assert_int_equal(mems_protect(space, addr, MEMS_READ), EALREADY);
    addr = stage_alloc(stage, space, 5000); // the next one has every right
    access_stamp(space, addr, 5000, 5);
    stage_release(stage, space, addr);
}

static void test_rights(void **state)
{
    (void)state;
    policies_each(run_rights);
}

static void run_share(struct policy_stage *stage)
{
    struct mems_space *a = stage->space, *b = stage->other;
    struct mems_stats before = test_stats(stage->engine);
    mems_addr mine = stage_alloc(stage, a, 8000), theirs = 42;
    access_stamp(a, mine, 8000, 3);
    if ((stage->it->can & (CAN_SHARE | CAN_COPY)) == 0) {
        assert_int_equal(mems_share(a, mine, b, MEMS_READ, &theirs), ENOTSUP);
        stage_release(stage, a, mine);
        return;
    }
    mems_access_begin();
    assert_int_equal(mems_share(a, mine, b, MEMS_READ, &theirs), EBUSY);
    mems_access_end();
    assert_int_equal(mems_share(a, mine, b, 8, &theirs), EINVAL);
    assert_true(theirs == 42);
    assert_int_equal(mems_share(a, mine, b, MEMS_READ | MEMS_WRITE, &theirs), 0);
    assert_int_equal(mems_release(a, theirs), EPERM);
    assert_int_equal(access_error(b, mine, MEMS_READ), EPERM);
    access_stamped(b, theirs, 8000, 3);
    access_stamped_spans(a, mine, 8000, 3);
    stage_checked(stage);
    access_stamp(b, theirs, 8000, 4);
    access_stamped(b, theirs, 8000, 4);
    access_stamped(a, mine, 8000, (stage->it->can & CAN_SHARE) != 0 ? 4 : 3);
    mems_addr third = 0;
    assert_int_equal(mems_share(b, theirs, a, MEMS_READ, &third), 0);
    access_stamped(a, third, 8000, 4);
    assert_int_equal(access_error(a, third, MEMS_WRITE), EACCES);
    stage_checked(stage);
    stage_release(stage, a, mine);
    access_stamped(b, theirs, 8000, 4);
    stage_release(stage, b, theirs);
    access_stamped(a, third, 8000, 4);
    stage_checked(stage);
    stage_release(stage, a, third);
    stage_empty(stage, &before);
}

static void test_share(void **state)
{
    (void)state;
    policies_each(run_share);
}

static void run_compact(struct policy_stage *stage)
{
    enum { COUNT = 200 };
    mems_addr addrs[COUNT];
    struct mems_compaction done;
    if ((stage->it->can & CAN_COMPACT) == 0) {
        assert_int_equal(mems_compact(stage->engine, &done), ENOTSUP);
        return;
    }
    for (size_t i = 0; i < COUNT; i++) {
        addrs[i] = stage_alloc(stage, stage->space, 100 + 7 * i);
        access_stamp(stage->space, addrs[i], 100 + 7 * i, i);
    }
    for (size_t i = 0; i < COUNT; i += 2) {
        stage_release(stage, stage->space, addrs[i]);
    }
    mems_thread_flush();
    struct mems_stats before = test_stats(stage->engine);
    assert_int_equal(mems_compact(stage->engine, &done), 0);
    struct mems_stats after = test_stats(stage->engine);
    stage_require(stage, done.moved + done.abandoned == done.tried && done.moved > 0,
                  "%" PRIu64 " tried, %" PRIu64 " moved", done.tried, done.moved);
    stage_require(stage,
                  after.holes < before.holes && after.largest_hole >= before.largest_hole &&
                      after.free_bytes == before.free_bytes,
                  "%" PRIu64 " holes, before %" PRIu64, after.holes, before.holes);
    for (size_t i = 1; i < COUNT; i += 2) {
        access_stamped(stage->space, addrs[i], 100 + 7 * i, i);
        stage_release(stage, stage->space, addrs[i]);
    }
    mems_access_begin();
    assert_int_equal(mems_compact(stage->engine, &done), EBUSY);
    mems_access_end();
}

static void test_compact(void **state)
{
    (void)state;
    policies_each(run_compact);
}

// A check wants locks that movers hold while they wait for sections: inside one it is refused.
static void run_check_inside(struct policy_stage *stage)
{
    struct mems_violation violation;
    mems_access_begin();
    assert_int_equal(mems_check(stage->engine, false, &violation), EBUSY);
    assert_int_equal(mems_check(stage->engine, true, &violation), EBUSY);
    mems_access_end();
    assert_int_equal(mems_check(stage->engine, true, &violation), 0);
}

static void test_check_inside(void **state)
{
    (void)state;
    policies_each(run_check_inside);
}

// A fault begins a section where it succeeds, and only there.
static void run_fault(struct policy_stage *stage)
{
    struct mems_space *space = stage->space;
    void *host = NULL;
    size_t span = 0;
    mems_addr addr = stage_alloc(stage, space, 6000);
    for (size_t at = 0; at < 6000; at += 500) {
        assert_int_equal(mems_fault(space, addr + at, MEMS_WRITE), 0);
        assert_int_equal(mems_fault(space, addr + at, MEMS_WRITE), EBUSY);
        assert_int_equal(mems_translate(space, addr + at, MEMS_WRITE, &host, &span), 0);
        mems_access_end();
    }
    assert_int_equal(mems_fault(space, addr + 6000, MEMS_READ), ERANGE);
    assert_int_equal(mems_fault(stage->other, addr, MEMS_READ), EPERM);
    stage_release(stage, space, addr);
    assert_int_equal(mems_fault(space, addr, MEMS_READ), EALREADY);
    assert_int_equal(mems_fault(space, 0, MEMS_READ), EFAULT);
}

static void test_fault(void **state)
{
    (void)state;
    policies_each(run_fault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_alignment),    cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_resize),       cmocka_unit_test(test_exhaustion),
        cmocka_unit_test(test_spaces),       cmocka_unit_test(test_rights),
        cmocka_unit_test(test_share),        cmocka_unit_test(test_compact),
        cmocka_unit_test(test_check_inside), cmocka_unit_test(test_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
