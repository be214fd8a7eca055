// SPDX-License-Identifier: MIT
//
// test_check.c - heap_check says of each equation that is broken which one it is.
//
// Each plant breaks one, in a child of its own.

#include "support/family.h"

enum { SIZE = 2000, PER_SLAB = GRANULE_BYTES / 2048 };

static struct {
    unsigned class;
    struct granule *current, *full, *spare, *large, *orphan;
} heap;

// A current slab, one that is used up and a spare one of a class; a large block; an orphan; a hole.
static void build(void)
{
    void *blocks[3 * PER_SLAB];
    heap.class = slab_class(SIZE);
    depots[0].touched_peak = UINT64_MAX; // as if nothing grew: the spare one is not taken
    for (size_t i = 0; i < 3 * PER_SLAB; i++) {
        blocks[i] = family_malloc(SIZE);
    }
    heap.full = granule_at(blocks[0]);
    for (size_t i = PER_SLAB; i < 3 * PER_SLAB; i++) {
        family_free(blocks[i]);
    }
    heap.current = front_here->bin[heap.class].current;
    heap.spare = front_here->bin[heap.class].spare;
    heap.large = depot_large_open(100000, 1);
    heap.orphan = depot_slab_open(3, 0);
    store_relaxed(&heap.orphan->owner, 1);
    family_orphan(heap.orphan);
    assert_true(depot_large_close(depot_large_open(100000, 1)));
}

static struct front_bin *bin(void)
{
    return &front_here->bin[heap.class];
}

static void no_slot(void)
{
    heap.orphan->ledger->free[heap.orphan->count >> 6] ^= UINT64_C(1) << (heap.orphan->count & 63);
}

static void free_and_returned(void)
{
    ledger_returned(heap.spare)[0] = 1;
    heap.spare->owner |= GRANULE_MAIL;
}

static void returned_unsaid(void)
{
    ledger_returned(heap.full)[0] = 1;
}

static void other_size(void)
{
    heap.orphan->reciprocal++;
}

static void other_holder(void)
{
    heap.large->extent->holder = heap.full;
}

static void other_usable(void)
{
    heap.large->usable += GRANULE_BYTES;
}

static void other_kind(void)
{
    heap.large->kind = GRANULE_NONE;
}

static void slab_count(void)
{
    depots[0].slabs[heap.class]++;
}

static void large_count(void)
{
    depots[0].large_count++;
}

static void large_bytes(void)
{
    depots[0].large_bytes--;
}

static void half_closed(void)
{
    heap.large->kind = GRANULE_PAST_LARGE;
}

static void orphan_count(void)
{
    depots[0].orphan_count[3]++;
}

static void orphan_owned(void)
{
    heap.orphan->owner = 5;
}

static void nobodys(void)
{
    list_remove(&heap.orphan->ring);
    depots[0].orphan_count[3]--;
}

static void never_purged(void)
{
    depots[0].purge_ms = 0;
}

static void ring_length(void)
{
    bin()->slabs++;
}

static void ring_stranger(void)
{
    heap.full->owner = 5;
}

static void spare_used(void)
{
    list_insert_after(&heap.current->ring, &heap.spare->ring);
    heap.spare->ledger->left = 1;
    list_remove(&heap.full->ring);
    bin()->spare = heap.full;
}

static void spare_in_ring(void)
{
    list_insert_after(&heap.current->ring, &heap.spare->ring);
    heap.spare->ledger->left = 1;
    bin()->slabs++;
}

static void spare_unsaid(void)
{
    store_relaxed(&front_here->lent, 0);
}

static void left_too_far(void)
{
    bin()->lax = false;
}

static void kept_watched(void)
{
    front_here->kept[1] = bin();
    bin()->lax = false;
    heap.current->ledger->left = 1;
}

static void entry_apart(void)
{
    front_here->entry[bin()->first].base += 16;
}

static void entry_elsewhere(void)
{
    front_here->entry[bin()->first].word = &heap.full->ledger->free[0];
}

static void left_wrong(void)
{
    heap.full->ledger->left--;
}

static void fresh_wrong(void)
{
    heap.full->ledger->fresh = 3;
    heap.full->zeroed = true;
}

static void hole_count(void)
{
    depots[0].extents.hole_count++;
}

static const struct {
    void (*plant)(void);
    const char *label;
} PLANTS[] = {
    {no_slot, "G2"},       {free_and_returned, "G3"}, {returned_unsaid, "G3"},
    {other_size, "G4"},    {other_holder, "G4"},      {other_usable, "G4"},
    {other_kind, "G4"},    {slab_count, "D1"},        {large_count, "D2"},
    {large_bytes, "D2"},   {half_closed, "D2"},       {orphan_count, "D3"},
    {orphan_owned, "D3"},  {nobodys, "D3"},           {never_purged, "D4"},
    {ring_length, "F1"},   {ring_stranger, "F1"},     {spare_used, "F1"},
    {spare_in_ring, "F1"}, {spare_unsaid, "F1"},      {left_too_far, "F3"},
    {kept_watched, "F5"},  {entry_apart, "F2"},       {entry_elsewhere, "F2"},
    {left_wrong, "F3"},    {fresh_wrong, "F4"},       {hole_count, "H3"},
};

static int is_found(void *arg)
{
    size_t i = (size_t)(uintptr_t)arg;
    assert_true(depot_large_close(depot_large_open(100000, 1))); // a child buries first
    assert_null(heap_check(front_here));
    PLANTS[i].plant();
    const char *broken = heap_check(front_here);
    family_require(broken != NULL && strcmp(broken, PLANTS[i].label) == 0,
                   "plant %zu: %s is broken, said to be %s", i, PLANTS[i].label,
                   broken == NULL ? "none" : broken);
    return 0;
}

static void test_plants(void **state)
{
    (void)state;
    // Nothing is purged meanwhile, however slow the machine: said before the first look at the
    // clock.
    depot_settings.decay_ms = 3600 * 1000;
    assert_non_null(family_front());
    build();
    assert_ptr_not_equal(heap.current, heap.full);
    assert_non_null(heap.spare);
    family_checked();
    for (size_t i = 0; i < sizeof PLANTS / sizeof PLANTS[0]; i++) {
        assert_int_equal(family_in_child(is_found, (void *)(uintptr_t)i), 0);
    }
    family_checked();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_plants)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
