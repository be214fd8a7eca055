// SPDX-License-Identifier: MIT
//
// test_segments.c - sins around rights, sharing and compaction: each is refused and changes
// nothing.

#include "misuse/sinner.h"

enum { BOTH = MEMS_READ | MEMS_WRITE };

// Whether the engine's policy can do such a thing at all.
static bool has_rights(const struct sinner *sinner)
{
    return strcmp(sinner->kind->policy, "segmentation") == 0;
}

static bool moves(const struct sinner *sinner)
{
    return has_rights(sinner) || strstr(sinner->kind->options, "movable=yes") != NULL;
}

static void sin_unsupported(struct sinner *sinner)
{
    mems_addr shared;
    if (!has_rights(sinner)) {
        assert_int_equal(mems_protect(sinner->space, sinner->bystander, BOTH), ENOTSUP);
        if (sinner->other != NULL) {
            assert_int_equal(
                mems_share(sinner->space, sinner->bystander, sinner->other, BOTH, &shared),
                ENOTSUP);
        }
    }
    assert_int_equal(mems_compact(sinner->engine, NULL), moves(sinner) ? 0 : ENOTSUP);
}

static void sin_inside_section(struct sinner *sinner)
{
    mems_addr shared = 42;
    if (!moves(sinner)) {
        return;
    }
    mems_access_begin();
    assert_int_equal(mems_compact(sinner->engine, NULL), EBUSY);
    if (has_rights(sinner)) {
        assert_int_equal(mems_protect(sinner->space, sinner->bystander, MEMS_READ), EBUSY);
        assert_int_equal(mems_share(sinner->space, sinner->bystander, sinner->other, BOTH, &shared),
                         EBUSY);
    }
    mems_access_end();
    assert_int_equal(shared, 42);
    assert_int_equal(mems_compact(sinner->engine, NULL), 0);
}

static void sin_arguments(struct sinner *sinner)
{
    if (!has_rights(sinner)) {
        return;
    }
    mems_addr shared = 42;
    struct mems_space *space = sinner->space;
    assert_int_equal(mems_protect(space, sinner->bystander, 4), EINVAL);
    assert_int_equal(mems_protect(space, sinner->bystander, BOTH | 8), EINVAL);
    assert_int_equal(mems_share(space, sinner->bystander, sinner->other, 4, &shared), EINVAL);
    struct mems_engine *elsewhere = test_engine("segmentation", "");
    struct mems_space *foreign = test_space(elsewhere);
    assert_int_equal(mems_share(space, sinner->bystander, foreign, BOTH, &shared), EINVAL);
    mems_engine_close(elsewhere);
    assert_int_equal(shared, 42);
}

// Interior, foreign, stale and others' addresses, by rights and by sharing; each is counted.
static void sin_addresses(struct sinner *sinner)
{
    if (!has_rights(sinner)) {
        return;
    }
    struct mems_space *space = sinner->space, *other = sinner->other;
    mems_addr gone = test_alloc(space, 100), shared = 42;
    assert_int_equal(mems_release(space, gone), 0);
    const struct {
        struct mems_space *by;
        mems_addr addr;
        int error;
    } sins[] = {
        {space, sinner->bystander + 1, EINVAL},
        {space, 0, EFAULT},
        {space, gone, EALREADY},
        {other, sinner->bystander, EPERM},
    };
    uint64_t misuses = test_stats(sinner->engine).misuses;
    for (size_t i = 0; i < sizeof sins / sizeof sins[0]; i++) {
        assert_int_equal(mems_protect(sins[i].by, sins[i].addr, 0), sins[i].error);
        assert_int_equal(mems_share(sins[i].by, sins[i].addr, space, BOTH, &shared), sins[i].error);
    }
    assert_int_equal(test_stats(sinner->engine).misuses, misuses + 8);
    assert_int_equal(shared, 42);
}

// The descriptor behind a shared segment is nobody's: no address leads there.
static void sin_primary(struct sinner *sinner)
{
    if (!has_rights(sinner)) {
        return;
    }
    struct mems_space *space = sinner->space, *other = sinner->other;
    mems_addr mine = test_alloc(space, 100), shared = 0;
    assert_int_equal(mems_share(space, mine, other, BOTH, &shared), 0);
    uint64_t seen = 0;
    for (uint64_t index = 1; index < 64; index++) {
        for (uint64_t generation = 1; generation < 4; generation++) {
            mems_addr addr = generation << 43 | index << 12;
            void *host;
            mems_access_begin();
            int error = mems_translate(space, addr, MEMS_READ, &host, NULL);
            mems_access_end();
            seen += error == 0;
            if (error == EPERM) {
                assert_int_equal(mems_release(space, addr), EPERM);
            }
        }
    }
    assert_int_equal(seen, 2); // this one and the bystander
    assert_int_equal(mems_release(other, mine), EPERM);
    assert_int_equal(mems_release(space, mine), 0);
    assert_int_equal(mems_release(space, mine), EALREADY);
    assert_int_equal(mems_release(other, shared), 0);
}

static void test_unsupported(void **state)
{
    (void)state;
    sin_each(sin_unsupported);
}

static void test_inside_section(void **state)
{
    (void)state;
    sin_each(sin_inside_section);
}

static void test_arguments(void **state)
{
    (void)state;
    sin_each(sin_arguments);
}

static void test_addresses(void **state)
{
    (void)state;
    sin_each(sin_addresses);
}

static void test_primary(void **state)
{
    (void)state;
    sin_each(sin_primary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unsupported), cmocka_unit_test(test_inside_section),
        cmocka_unit_test(test_arguments),   cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_primary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
