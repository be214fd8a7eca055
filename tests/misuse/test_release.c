// SPDX-License-Identifier: MIT
//
// test_release.c - addresses that are not, or no longer, or not here, the start of a block.

#include "misuse/sinner.h"

static void commit_double(struct sinner *sinner)
{
    mems_addr addr = test_alloc(sinner->space, 48);
    assert_int_equal(mems_release(sinner->space, addr), 0);
    sin_expect(sinner, sinner->space, addr, EALREADY, EALREADY, EALREADY);
    mems_thread_flush(); // a cached block has become a hole
    sin_expect(sinner, sinner->space, addr, EALREADY, EALREADY, EALREADY);
}

static void test_double(void **state)
{
    (void)state;
    sin_each(commit_double);
}

// Freed long ago, in between others: a short memory of the last release is not enough.
static void commit_double_later(struct sinner *sinner)
{
    enum { COUNT = 40 };
    mems_addr addrs[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        addrs[i] = test_alloc(sinner->space, 16 + i % 3);
    }
    for (size_t i = 0; i < COUNT; i += 2) {
        assert_int_equal(mems_release(sinner->space, addrs[i]), 0);
    }
    for (size_t i = 0; i < COUNT; i += 2) {
        sin_expect(sinner, sinner->space, addrs[i], EALREADY, EALREADY, EALREADY);
    }
    for (size_t i = 1; i < COUNT; i += 2) {
        assert_int_equal(mems_release(sinner->space, addrs[i]), 0);
    }
    sin_expect(sinner, sinner->space, addrs[1], EALREADY, EALREADY, EALREADY);
}

static void test_double_later(void **state)
{
    (void)state;
    sin_each(commit_double_later);
}

static void commit_double_large(struct sinner *sinner)
{
    mems_addr addr = test_alloc(sinner->space, 1000);
    assert_int_equal(mems_release(sinner->space, addr), 0);
    sin_expect(sinner, sinner->space, addr, EALREADY, EALREADY, EALREADY);
}

static void test_double_large(void **state)
{
    (void)state;
    sin_each(commit_double_large);
}

static void commit_foreign(struct sinner *sinner)
{
    int here = 0;
    const mems_addr strangers[] = {
        UINT64_MAX,
        UINT64_MAX / 2,
        (uint64_t)1 << 63,
        0x123456789abcdef0u,
        (uint64_t)(uintptr_t)&here,
        (uint64_t)test_host(sinner->space, sinner->bystander) | (uint64_t)1 << 62,
    };
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        sin_expect(sinner, sinner->space, strangers[i], EFAULT, EFAULT, EFAULT);
    }
    if (!sinner->kind->flat) {
        sin_expect(sinner, sinner->space, 0, EFAULT, EFAULT, EFAULT);
    }
}

static void test_foreign(void **state)
{
    (void)state;
    sin_each(commit_foreign);
}

static void commit_interior(struct sinner *sinner)
{
    for (mems_addr inside = 1; inside < 100; inside += 33) {
        sin_expect(sinner, sinner->space, sinner->bystander + inside, EINVAL, EINVAL, 0);
    }
}

static void test_interior(void **state)
{
    (void)state;
    sin_each(commit_interior);
}

// A flat address is known stale only until its place is allocated again.
static void commit_stale(struct sinner *sinner)
{
    if (sinner->kind->flat) {
        return;
    }
    mems_addr old = test_alloc(sinner->space, 48);
    uintptr_t place = test_host(sinner->space, old);
    assert_int_equal(mems_release(sinner->space, old), 0);
    mems_addr addrs[50];
    bool reused = false;
    for (size_t i = 0; i < 50; i++) {
        addrs[i] = test_alloc(sinner->space, 48);
        assert_true(addrs[i] != old);
        reused = reused || test_host(sinner->space, addrs[i]) == place;
    }
    assert_true(reused || strstr(sinner->kind->options, "next") != NULL);
    sin_expect(sinner, sinner->space, old, ESTALE, reused ? ESTALE : EALREADY, ESTALE);
    for (size_t i = 0; i < 50; i++) {
        assert_int_equal(mems_release(sinner->space, addrs[i]), 0);
    }
    sin_expect(sinner, sinner->space, old, ESTALE, EALREADY, ESTALE);
}

static void test_stale(void **state)
{
    (void)state;
    sin_each(commit_stale);
}

// The address from before a resize that moved the block.
static void commit_stale_resized(struct sinner *sinner)
{
    if (sinner->kind->flat) {
        return;
    }
    mems_addr addr = test_alloc(sinner->space, 20);
    mems_addr old = addr;
    assert_int_equal(mems_resize(sinner->space, &addr, 900), 0);
    if (addr != old) {
        sin_expect(sinner, sinner->space, old, ESTALE, EALREADY, ESTALE);
    }
    assert_int_equal(mems_release(sinner->space, addr), 0);
    sin_expect(sinner, sinner->space, addr, EALREADY, ESTALE, EALREADY);
}

static void test_stale_resized(void **state)
{
    (void)state;
    sin_each(commit_stale_resized);
}

// One block, allocated and released until the generation of its address has come round and beyond:
// no address comes back, and none of the early ones is taken for the last one.
static void commit_worn(struct sinner *sinner)
{
    enum { GENERATIONS = 1 << 18, EARLY = 8 };
    if (sinner->kind->flat) {
        return;
    }
    mems_addr early[EARLY];
    for (uint32_t i = 0; i < GENERATIONS + 1000; i++) {
        mems_addr addr = test_alloc(sinner->space, 48);
        if (i < EARLY) {
            early[i] = addr;
        }
        for (size_t e = 0; e < EARLY && i >= EARLY; e++) {
            test_require(addr != early[e], "%s(%s): address %#" PRIx64 " is back after %u releases",
                         sinner->kind->policy, sinner->kind->options, addr, i);
        }
        if (i % 1024 >= 1020 || i % 1024 <= 4) {
            test_stamp(sinner->space, addr, 48, i);
            test_stamped(sinner->space, addr, 48, i);
        }
        int error = mems_release(sinner->space, addr);
        test_require(error == 0, "%s(%s): release %u of %#" PRIx64 ": %s", sinner->kind->policy,
                     sinner->kind->options, i, addr, strerror(error));
    }
    for (size_t e = 0; e < EARLY; e++) {
        sin_expect(sinner, sinner->space, early[e], ESTALE, EALREADY, ESTALE);
    }
}

static void test_worn(void **state)
{
    (void)state;
    sin_each(commit_worn);
}

static void commit_other_space(struct sinner *sinner)
{
    if (sinner->other == NULL) {
        struct mems_space *second = NULL;
        assert_int_equal(mems_space_open(sinner->engine, &second), ENOTSUP);
        assert_null(second);
        assert_non_null(strstr(mems_complaint(), "flat"));
        return;
    }
    // A thread that has just served the other space, and has room in its magazine, tells as well.
    assert_int_equal(mems_release(sinner->other, test_alloc(sinner->other, 100)), 0);
    sin_expect(sinner, sinner->other, sinner->bystander, EPERM, EPERM, EPERM);
    assert_int_equal(mems_release(sinner->other, test_alloc(sinner->other, 100)), 0);
    assert_int_equal(mems_release(sinner->other, sinner->bystander), EPERM);
    mems_addr large; // its address is read another way
    if (mems_alloc(sinner->space, 8000, 0, &large) == 0) {
        sin_expect(sinner, sinner->other, large, EPERM, EPERM, EPERM);
        assert_int_equal(mems_release(sinner->space, large), 0);
    }
}

static void test_other_space(void **state)
{
    (void)state;
    sin_each(commit_other_space);
}

static void commit_closed_space(struct sinner *sinner)
{
    if (sinner->kind->flat) {
        return;
    }
    struct mems_space *gone = test_space(sinner->engine);
    mems_addr addr = test_alloc(gone, 64);
    mems_addr cached = test_alloc(gone, 64);
    assert_int_equal(mems_release(gone, cached), 0);
    mems_space_close(gone);
    sin_expect(sinner, sinner->space, addr, EALREADY, ESTALE, EALREADY);
    sin_expect(sinner, sinner->space, cached, EALREADY, ESTALE, EALREADY);
}

static void test_closed_space(void **state)
{
    (void)state;
    sin_each(commit_closed_space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_double),        cmocka_unit_test(test_double_later),
        cmocka_unit_test(test_double_large),  cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_interior),      cmocka_unit_test(test_stale),
        cmocka_unit_test(test_stale_resized), cmocka_unit_test(test_other_space),
        cmocka_unit_test(test_closed_space),  cmocka_unit_test(test_worn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
