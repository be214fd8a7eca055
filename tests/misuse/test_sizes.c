// SPDX-License-Identifier: MIT
//
// test_sizes.c - sizes and alignments that cannot be, and accesses past the end of a block.

#include "misuse/sinner.h"

static void commit_zero(struct sinner *sinner)
{
    sin_about_to(sinner);
    mems_addr addr = 42;
    assert_int_equal(mems_alloc(sinner->space, 0, 0, &addr), EINVAL);
    assert_int_equal(mems_alloc(sinner->space, 0, 64, &addr), EINVAL);
    assert_true(addr == 42);
    addr = sinner->bystander;
    assert_int_equal(mems_resize(sinner->space, &addr, 0), EINVAL);
    assert_true(addr == sinner->bystander);
    sin_changed_nothing(sinner, 0);
}

static void test_zero(void **state)
{
    (void)state;
    sin_each(commit_zero);
}

static void commit_overflow(struct sinner *sinner)
{
    const size_t sizes[] = {
        SIZE_MAX,
        SIZE_MAX - 1,
        SIZE_MAX - 15,
        SIZE_MAX - 4095,
        SIZE_MAX - 4096,
        SIZE_MAX - 65536,
        (size_t)-524288,
        SIZE_MAX / 2,
        (size_t)PTRDIFF_MAX,
        (size_t)PTRDIFF_MAX + 1,
        (size_t)PTRDIFF_MAX - 4096,
        (size_t)1 << 62,
        (size_t)1 << 48,
        (size_t)1 << 47,
    };
    const size_t aligns[] = {0, 16, 4096};
    sin_about_to(sinner);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t j = 0; j < sizeof aligns / sizeof aligns[0]; j++) {
            mems_addr addr = 42;
            int error = mems_alloc(sinner->space, sizes[i], aligns[j], &addr);
            // A fixed partition may not have such an alignment at all.
            bool cannot = error == EINVAL && aligns[j] == 4096;
            test_require(error == ENOMEM || cannot, "%s(%s): alloc of %#zx at %zu: %d",
                         sinner->kind->policy, sinner->kind->options, sizes[i], aligns[j], error);
            assert_true(addr == 42);
        }
        mems_addr addr = sinner->bystander;
        assert_int_equal(mems_resize(sinner->space, &addr, sizes[i]), ENOMEM);
        assert_true(addr == sinner->bystander);
    }
    sin_changed_nothing(sinner, 0);
}

static void test_overflow(void **state)
{
    (void)state;
    sin_each(commit_overflow);
}

static void commit_odd_alignment(struct sinner *sinner)
{
    const size_t aligns[] = {3, 5, 12, 17, 24, 48, 100, 4095, 4097, SIZE_MAX, PTRDIFF_MAX};
    sin_about_to(sinner);
    for (size_t i = 0; i < sizeof aligns / sizeof aligns[0]; i++) {
        mems_addr addr = 42;
        int error = mems_alloc(sinner->space, 48, aligns[i], &addr);
        test_require(error == EINVAL, "alignment %zu: %d", aligns[i], error);
        assert_true(addr == 42);
    }
    sin_changed_nothing(sinner, 0);
}

static void test_odd_alignment(void **state)
{
    (void)state;
    sin_each(commit_odd_alignment);
}

static void commit_huge_alignment(struct sinner *sinner)
{
    const size_t aligns[] = {(size_t)1 << 63, (size_t)1 << 62, (size_t)1 << 48};
    sin_about_to(sinner);
    for (size_t i = 0; i < sizeof aligns / sizeof aligns[0]; i++) {
        mems_addr addr = 42;
        int error = mems_alloc(sinner->space, 48, aligns[i], &addr);
        test_require(error == EINVAL || error == ENOMEM, "alignment %#zx: %d", aligns[i], error);
        assert_int_not_equal(mems_alloc(sinner->space, SIZE_MAX - 100, aligns[i], &addr), 0);
        assert_true(addr == 42);
    }
    sin_changed_nothing(sinner, 0);
}

static void test_huge_alignment(void **state)
{
    (void)state;
    sin_each(commit_huge_alignment);
}

// Every alignment that is granted is kept, and every byte of the block is there.
static void commit_alignment(struct sinner *sinner)
{
    for (size_t align = 1; align <= 65536; align *= 2) {
        mems_addr addr = 0;
        int error = mems_alloc(sinner->space, 50, align, &addr);
        bool may_refuse = strcmp(sinner->kind->policy, "fixed") == 0 && align > 16;
        if (may_refuse && error != 0) {
            assert_true(error == EINVAL || error == ENOMEM);
            continue;
        }
        test_require(error == 0, "%s(%s): alignment %zu: %s", sinner->kind->policy,
                     sinner->kind->options, align, strerror(error));
        uintptr_t host = test_host(sinner->space, addr);
        test_require(host % align == 0, "%#" PRIxPTR " is not aligned to %zu", host, align);
        test_stamp(sinner->space, addr, 50, align);
        test_stamped(sinner->space, addr, 50, align);
        assert_int_equal(mems_release(sinner->space, addr), 0);
    }
}

static void test_alignment(void **state)
{
    (void)state;
    sin_each(commit_alignment);
}

static void commit_past_end(struct sinner *sinner)
{
    unsigned char bytes[300];
    memset(bytes, 0x5a, sizeof bytes);
    struct mems_space *space = sinner->space;
    mems_addr addr = sinner->bystander;
    const struct {
        size_t offset, length;
    } pasts[] = {{0, 101}, {0, 300},       {99, 2},          {50, 51},
                 {1, 100}, {10, SIZE_MAX}, {1, SIZE_MAX / 2}};
    for (size_t i = 0; i < sizeof pasts / sizeof pasts[0]; i++) {
        assert_int_equal(mems_read(space, addr + pasts[i].offset, bytes, pasts[i].length), ERANGE);
        assert_int_equal(bytes[0], 0x5a);
        assert_int_equal(mems_write(space, addr + pasts[i].offset, bytes, pasts[i].length), ERANGE);
    }
    if (!sinner->kind->flat) { // a flat address past the end is another block's, or nobody's
        void *host = NULL;
        mems_access_begin();
        assert_int_equal(mems_translate(space, addr + 100, MEMS_READ, &host, NULL), ERANGE);
        assert_int_equal(mems_translate(space, addr + 4000, MEMS_WRITE, &host, NULL), ERANGE);
        mems_access_end();
    }
}

static void test_past_end(void **state)
{
    (void)state;
    sin_each(commit_past_end);
}

static void commit_to_the_end(struct sinner *sinner)
{
    unsigned char bytes[100], back[100];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(i * 7);
    }
    mems_addr addr = test_alloc(sinner->space, 100);
    assert_int_equal(mems_write(sinner->space, addr, bytes, 100), 0);
    assert_int_equal(mems_read(sinner->space, addr + 40, back, 60), 0);
    assert_memory_equal(back, bytes + 40, 60);
    void *host = NULL;
    size_t span = 0;
    mems_access_begin();
    assert_int_equal(mems_translate(sinner->space, addr + 99, MEMS_READ, &host, &span), 0);
    assert_int_equal(*(unsigned char *)host, bytes[99]);
    assert_int_equal(span, 1);
    mems_access_end();
    assert_int_equal(mems_fault(sinner->space, addr + 30, MEMS_WRITE), 0); // a section has begun
    assert_int_equal(mems_translate(sinner->space, addr + 30, MEMS_WRITE, &host, &span), 0);
    assert_int_equal(span, 70);
    assert_int_equal(*(unsigned char *)host, bytes[30]);
    mems_access_end();
    assert_int_equal(mems_release(sinner->space, addr), 0);
}

static void test_to_the_end(void **state)
{
    (void)state;
    sin_each(commit_to_the_end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zero),          cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_odd_alignment), cmocka_unit_test(test_huge_alignment),
        cmocka_unit_test(test_alignment),     cmocka_unit_test(test_past_end),
        cmocka_unit_test(test_to_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
