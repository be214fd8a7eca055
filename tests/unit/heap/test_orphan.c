// SPDX-License-Identifier: MIT
//
// test_orphan.c - slabs that nobody owns: who is taken over, and what strangers say meanwhile.

#include "support/family.h"
#include "support/test.h"

#include "heap/orphan.h"

enum { CLASS = 20, SLABS = 6, OWNER = 64 };

static struct granule *slabs[SLABS];
static struct list orphans;
static uint32_t count;

static int begin(void **state)
{
    (void)state;
    list_init(&orphans);
    count = 0;
    for (size_t i = 0; i < SLABS; i++) {
        slabs[i] = depot_slab_open(CLASS, OWNER);
        assert_non_null(slabs[i]);
    }
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (size_t i = 0; i < SLABS; i++) {
        uint32_t twice;
        (void)ledger_collect(slabs[i], &twice);
        depot_slab_close(slabs[i]);
    }
    return 0;
}

static void fill(struct granule *slab)
{
    for (uint32_t slot = 0; slot < slab->count; slot++) {
        slab->ledger->free[slot >> 6] &= ~(UINT64_C(1) << (slot & 63));
    }
}

static void orphan(struct granule *slab)
{
    (void)orphan_make(slab);
    orphan_push(&orphans, &count, slab);
}

// Those without a free block are passed over, and come up later than the others the next time.
static void test_adopt(void **state)
{
    (void)state;
    assert_null(orphan_adopt(&orphans, &count, 2 * OWNER));
    for (size_t i = 0; i < SLABS; i++) {
        if (i % 2 == 0) {
            fill(slabs[i]);
        }
        orphan(slabs[i]);
        assert_int_equal(granule_owner(slabs[i]), 0);
    }
    assert_int_equal(count, SLABS);
    static const size_t order[] = {1, 3, 5};
    for (size_t i = 0; i < 3; i++) {
        struct granule *slab = orphan_adopt(&orphans, &count, 2 * OWNER);
        assert_ptr_equal(slab, slabs[order[i]]);
        assert_int_equal(granule_owner(slab), 2 * OWNER);
        assert_int_equal(count, SLABS - 1 - i);
    }
    assert_null(orphan_adopt(&orphans, &count, 2 * OWNER));
    assert_int_equal(count, 3);
    for (size_t i = 0; i < SLABS; i += 2) {
        orphan_remove(&count, slabs[i]);
    }
    assert_int_equal(count, 0);
    assert_true(list_empty(&orphans));
}

// A full one in which a stranger has returned a block is worth taking over, and the mail is kept.
static void test_mail(void **state)
{
    (void)state;
    fill(slabs[0]);
    fill(slabs[1]);
    assert_false(orphan_make(slabs[0]));
    assert_true(ledger_return(slabs[1], 7));
    assert_true(orphan_make(slabs[1])); // it came before
    orphan_push(&orphans, &count, slabs[0]);
    orphan_push(&orphans, &count, slabs[1]);
    assert_ptr_equal(orphan_adopt(&orphans, &count, OWNER), slabs[1]);
    assert_int_equal(granule_owner(slabs[1]), OWNER);
    assert_true(granule_has_mail(slabs[1]));
    assert_true(ledger_return(slabs[0], 3)); // while it is nobody's
    assert_ptr_equal(orphan_adopt(&orphans, &count, OWNER), slabs[0]);
    uint32_t twice;
    assert_int_equal(ledger_collect(slabs[0], &twice), 1);
    assert_int_equal(granule_owner(slabs[0]), OWNER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_adopt, begin, end),
        cmocka_unit_test_setup_teardown(test_mail, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
