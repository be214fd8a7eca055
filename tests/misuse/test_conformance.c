// SPDX-License-Identifier: MIT
//
// test_conformance.c - every sin on every policy: the exact error, counted once, nothing changed.
//
// The policies are those of tests/support/policies.h, with thread caches and without.

#include "support/policies.h"

// What each call must answer for one address; PASS: it is right, and the call is not made.
enum { PASS = -1 };

struct sin {
    mems_addr addr;
    int start;  // release, resize, block_size: they take the first byte only
    int access; // translate, fault, read and write of one byte
};

struct offence {
    struct policy_stage *stage;
    struct mems_space *space;
    mems_addr bystander; // 3000 stamped bytes
    uint64_t misuses;    // so far
};

static void offence_begin(struct offence *offence, struct policy_stage *stage)
{
    *offence = (struct offence){.stage = stage, .space = stage->space};
    offence->bystander = stage_alloc(stage, stage->space, 3000);
    access_stamp(stage->space, offence->bystander, 3000, 77);
}

static void offence_end(struct offence *offence)
{
    struct mems_stats stats = test_stats(offence->stage->engine);
    access_stamped(offence->stage->space, offence->bystander, 3000, 77);
    stage_require(offence->stage, stats.misuses == offence->misuses,
                  "%" PRIu64 " misuses were counted, %" PRIu64 " committed", stats.misuses,
                  offence->misuses);
    stage_checked(offence->stage);
}

static void expect(struct offence *offence, const char *call, const struct sin *sin, int expected,
                   int error)
{
    stage_require(offence->stage, error == expected, "%s of %#" PRIx64 ": %s, should be %s", call,
                  sin->addr, strerror(error), strerror(expected));
    offence->misuses++;
}

static int translated(struct mems_space *space, mems_addr addr, enum mems_access mode)
{
    void *host = NULL;
    size_t span = 0;
    mems_access_begin();
    int error = mems_translate(space, addr, mode, &host, &span);
    mems_access_end();
    return error;
}

static void commit(struct offence *offence, const struct sin *sin)
{
    struct mems_space *space = offence->space;
    struct mems_stats before = test_stats(offence->stage->engine);
    char byte = 0;
    if (sin->start != PASS) {
        mems_addr addr = sin->addr;
        size_t requested = 42, size = 42;
        expect(offence, "release", sin, sin->start, mems_release(space, addr));
        expect(offence, "resize", sin, sin->start, mems_resize(space, &addr, 10));
        expect(offence, "resize up", sin, sin->start, mems_resize(space, &addr, 9000));
        expect(offence, "size", sin, sin->start, mems_block_size(space, addr, &requested, &size));
        assert_true(addr == sin->addr && requested == 42 && size == 42);
    }
    if (sin->access != PASS) {
        expect(offence, "translate", sin, sin->access, translated(space, sin->addr, MEMS_READ));
        expect(offence, "translate", sin, sin->access, translated(space, sin->addr, MEMS_WRITE));
        expect(offence, "read", sin, sin->access, mems_read(space, sin->addr, &byte, 1));
        expect(offence, "write", sin, sin->access, mems_write(space, sin->addr, &byte, 1));
        expect(offence, "fault", sin, sin->access, mems_fault(space, sin->addr, MEMS_READ));
    }
    struct mems_stats after = test_stats(offence->stage->engine);
    stage_require(offence->stage,
                  before.allocs == after.allocs && before.releases == after.releases &&
                      before.resizes == after.resizes && before.live_blocks == after.live_blocks &&
                      before.free_bytes + before.cached_bytes ==
                          after.free_bytes + after.cached_bytes &&
                      before.requested_bytes == after.requested_bytes,
                  "a misuse of %#" PRIx64 " changed something", sin->addr);
}

// ---- the sins
// ------------------------------------------------------------------------------------

static const size_t SIZES[] = {1, 2, 24, 100, 1000, 4096, 5000, 8192};
enum { SIZE_COUNT = sizeof SIZES / sizeof SIZES[0] };

// What an address of a released block is: double, until its descriptor serves another block.
static int gone(mems_addr addr, mems_addr newer)
{
    const mems_addr generations = (((mems_addr)1 << 18) - 1) << 43;
    return (addr & ~generations) == (newer & ~generations) ? ESTALE : EALREADY;
}

static void run_double(struct policy_stage *stage)
{
    struct offence offence;
    offence_begin(&offence, stage);
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        mems_addr addr = stage_alloc(stage, stage->space, SIZES[i]);
        stage_release(stage, stage->space, addr);
        struct sin sin = {addr, EALREADY, EALREADY};
        commit(&offence, &sin);
        mems_thread_flush(); // no cache knows of it any more
        commit(&offence, &sin);
        mems_addr newer = stage_alloc(stage, stage->space, SIZES[i]);
        access_stamp(stage->space, newer, SIZES[i], i);
        sin.start = sin.access = gone(addr, newer);
        commit(&offence, &sin);
        access_stamped(stage->space, newer, SIZES[i], i);
        stage_release(stage, stage->space, newer);
        sin.start = sin.access = gone(addr, newer);
        commit(&offence, &sin);
    }
    offence_end(&offence);
}

static void test_double(void **state)
{
    (void)state;
    policies_each(run_double);
}

// A block that moved when it was resized leaves its old address behind.
static void run_resized(struct policy_stage *stage)
{
    struct offence offence;
    offence_begin(&offence, stage);
    mems_addr addr = stage_alloc(stage, stage->space, 20);
    for (size_t size = 50; size <= stage->it->largest / 4; size *= 2) {
        mems_addr old = addr;
        int error = mems_resize(stage->space, &addr, size);
        stage_require(stage, error == 0, "resize to %zu: %s", size, strerror(error));
        access_stamp(stage->space, addr, size, size);
        if (addr != old) {
            struct sin sin = {old, gone(old, addr), gone(old, addr)};
            commit(&offence, &sin);
        }
        access_stamped(stage->space, addr, size, size);
    }
    stage_release(stage, stage->space, addr);
    offence_end(&offence);
}

static void test_resized(void **state)
{
    (void)state;
    policies_each(run_resized);
}

static void run_foreign(struct policy_stage *stage)
{
    struct offence offence;
    offence_begin(&offence, stage);
    mems_addr later = offence.bystander + ((mems_addr)1 << 43);                // not handed out yet
    mems_addr never = offence.bystander & ~((((mems_addr)1 << 18) - 1) << 43); // no generation
    const mems_addr foreign[] = {0,
                                 1,
                                 42,
                                 0x1000,
                                 (uintptr_t)&offence,
                                 (uintptr_t)stage->engine,
                                 access_host(stage->space, offence.bystander),
                                 UINT64_MAX,
                                 UINT64_MAX - 4095,
                                 (mems_addr)7 << 61,
                                 (mems_addr)1 << 42,
                                 later,
                                 never};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        struct sin sin = {foreign[i], EFAULT, EFAULT};
        commit(&offence, &sin);
    }
    offence_end(&offence);
}

static void test_foreign(void **state)
{
    (void)state;
    policies_each(run_foreign);
}

static void run_interior(struct policy_stage *stage)
{
    struct offence offence;
    offence_begin(&offence, stage);
    for (size_t i = 1; i < SIZE_COUNT; i++) {
        mems_addr addr = stage_alloc(stage, stage->space, SIZES[i]);
        access_stamp(stage->space, addr, SIZES[i], i);
        const size_t at[] = {1, SIZES[i] / 2, SIZES[i] - 1};
        for (size_t k = 0; k < sizeof at / sizeof at[0]; k++) {
            struct sin sin = {addr + at[k], EINVAL, PASS};
            commit(&offence, &sin);
        }
        access_stamped(stage->space, addr, SIZES[i], i);
        stage_release(stage, stage->space, addr);
        struct sin sin = {addr + SIZES[i] / 2, EALREADY, EALREADY};
        commit(&offence, &sin);
    }
    offence_end(&offence);
}

static void test_interior(void **state)
{
    (void)state;
    policies_each(run_interior);
}

// Past the end begins exactly behind what was asked for, whatever the block takes.
static void run_past_end(struct policy_stage *stage)
{
    struct offence offence;
    offence_begin(&offence, stage);
    char bytes[100] = {0};
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        size_t size = SIZES[i];
        mems_addr addr = stage_alloc(stage, stage->space, size);
        access_stamp(stage->space, addr, size, i);
        const size_t beyond[] = {0, 1, 7, 64, 5000};
        for (size_t k = 0; k < sizeof beyond / sizeof beyond[0]; k++) {
            struct sin sin = {addr + size + beyond[k], EINVAL, ERANGE};
            if (access_can_say(addr, size + beyond[k])) {
                commit(&offence, &sin);
            }
        }
        struct sin last = {addr + size - 1, PASS, PASS};
        expect(&offence, "long read", &last, ERANGE, mems_read(stage->space, last.addr, bytes, 2));
        expect(&offence, "long write", &last, ERANGE,
               mems_write(stage->space, last.addr, bytes, sizeof bytes));
        expect(&offence, "huge read", &last, ERANGE,
               mems_read(stage->space, last.addr, bytes, SIZE_MAX));
        access_stamped(stage->space, addr, size, i);
        stage_release(stage, stage->space, addr);
    }
    offence_end(&offence);
}

static void test_past_end(void **state)
{
    (void)state;
    policies_each(run_past_end);
}

static void run_other_space(struct policy_stage *stage)
{
    struct offence offence;
    offence_begin(&offence, stage);
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        mems_addr addr = stage_alloc(stage, stage->space, SIZES[i]);
        access_stamp(stage->space, addr, SIZES[i], i);
        struct sin sin = {addr, EPERM, EPERM};
        offence.space = stage->other;
        commit(&offence, &sin);
        access_stamped(stage->space, addr, SIZES[i], i);
        stage_release(stage, stage->space, addr);
        offence.space = stage->other; // gone is gone, whoever asks
        sin.start = sin.access = EALREADY;
        commit(&offence, &sin);
    }
    struct mems_space_stats stats;
    assert_int_equal(mems_space_snapshot(stage->other, &stats), 0);
    stage_require(stage, stats.misuses == offence.misuses, "the sinner's account");
    offence_end(&offence);
}

static void test_other_space(void **state)
{
    (void)state;
    policies_each(run_other_space);
}

static void run_closed_space(struct policy_stage *stage)
{
    struct offence offence;
    offence_begin(&offence, stage);
    mems_addr addrs[SIZE_COUNT];
    struct mems_space *closed = test_space(stage->engine);
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        addrs[i] = stage_alloc(stage, closed, SIZES[i]);
    }
    stage_release(stage, closed, addrs[2]); // in a magazine, perhaps
    mems_space_close(closed);
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        struct sin sin = {addrs[i], EALREADY, EALREADY};
        commit(&offence, &sin);
    }
    offence_end(&offence);
}

static void test_closed_space(void **state)
{
    (void)state;
    policies_each(run_closed_space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_double),       cmocka_unit_test(test_resized),
        cmocka_unit_test(test_foreign),      cmocka_unit_test(test_interior),
        cmocka_unit_test(test_past_end),     cmocka_unit_test(test_other_space),
        cmocka_unit_test(test_closed_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
