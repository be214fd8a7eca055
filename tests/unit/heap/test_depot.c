// SPDX-License-Identifier: MIT
//
// test_depot.c - large blocks against a model, what goes back to the OS and when, and every no that
// the OS can say.

#include "support/family.h"

#include <errno.h>
#include <sched.h>

#include "base/rng.h"
#include "mems/inject.h"
#include "os/os.h"

enum { BLOCKS = 200, OPS = 40000 / MEMS_TEST_SCALE };

struct block {
    struct granule *large;
    uint64_t size, stamp;
};

static struct block blocks[BLOCKS];
static struct rng rng;

static char *host_of(const struct block *block)
{
    return extent_host(block->large->extent);
}

static bool all_zero(const char *bytes, size_t size)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

// ---- the model ----------------------------------------------------------------------------------

// Granules [first, last] of a block; no other block has one of them.
static void no_overlap(const struct block *block)
{
    uintptr_t first = (uintptr_t)host_of(block), end = first + block->large->extent->size;
    for (size_t i = 0; i < BLOCKS; i++) {
        const struct block *other = &blocks[i];
        if (other != block && other->large != NULL) {
            uintptr_t start = (uintptr_t)host_of(other);
            assert_true(end <= start || start + other->large->extent->size <= first);
        }
    }
}

static uint64_t round_to(uint64_t size, uint64_t unit)
{
    return (size + unit - 1) / unit * unit;
}

static void has_size(struct block *block, uint64_t size)
{
    block->size = size;
    assert_int_equal(block->large->usable, round_to(size, os_page_size()));
    assert_int_equal(block->large->extent->size, round_to(size, GRANULE_BYTES));
    no_overlap(block);
    block->stamp = rng_next(&rng);
    family_stamp(host_of(block), block->large->usable, block->stamp);
}

static bool open_block(struct block *block, uint64_t size, uint64_t align)
{
    block->large = depot_large_open(size, align);
    if (block->large == NULL) {
        return false;
    }
    char *host = host_of(block);
    assert_ptr_equal(granule_at(host), block->large);
    assert_ptr_equal(granule_at(host + 1), block->large);
    assert_int_equal((uintptr_t)host % GRANULE_BYTES, 0);
    assert_int_equal((uintptr_t)host % align, 0);
    if (!depot_large_dirty(block->large)) {
        assert_true(all_zero(host, block->large->extent->size));
    }
    has_size(block, size);
    return true;
}

static void stamped(const struct block *block)
{
    assert_true(family_stamped(host_of(block), block->large->usable, block->stamp));
}

static void close_block(struct block *block)
{
    stamped(block);
    assert_true(depot_large_close(block->large));
    block->large = NULL;
}

// In place or not at all; either way the bytes that stay are the same.
static void resize_block(struct block *block, uint64_t size)
{
    char *host = host_of(block);
    uint64_t usable = block->large->usable, before = block->size;
    uint64_t seed = rng_next(&rng), edge = usable < size ? usable : size;
    family_stamp(host, edge, seed);
    bool done = depot_large_resize(block->large, size);
    assert_ptr_equal(host_of(block), host);
    assert_true(family_stamped(host, edge, seed));
    assert_true(done || round_to(size, GRANULE_BYTES) > block->large->extent->size);
    assert_true(done || block->large->usable == usable);
    has_size(block, done ? size : before);
}

// Counts and bytes are the model's.
static void conserved(void)
{
    uint64_t count = 0, bytes = 0;
    for (size_t i = 0; i < BLOCKS; i++) {
        if (blocks[i].large != NULL) {
            count++;
            bytes += blocks[i].large->extent->size;
        }
    }
    family_checked();
    assert_int_equal(depots[0].large_count, count);
    assert_int_equal(depots[0].large_bytes, bytes);
}

static void drain(void)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        if (blocks[i].large != NULL) {
            close_block(&blocks[i]);
        }
    }
    conserved();
}

static uint64_t draw_size(void)
{
    uint64_t most = UINT64_C(1) << (14 + rng_below(&rng, 10));
    return SLAB_LARGEST + 1 + rng_below(&rng, most);
}

static void test_model(void **state)
{
    (void)state;
    rng_init(&rng, test_seed());
    for (unsigned i = 0; i < OPS; i++) {
        struct block *block = &blocks[rng_below(&rng, i / 4000 % 2 == 0 ? BLOCKS : BLOCKS / 8)];
        unsigned what = (unsigned)rng_below(&rng, 4);
        if (block->large == NULL) {
            bool aligned = rng_below(&rng, 8) == 0;
            assert_true(
                open_block(block, draw_size(), aligned ? UINT64_C(1) << rng_below(&rng, 23) : 1));
        } else if (what == 0) {
            resize_block(block, draw_size());
        } else if (what == 1) {
            close_block(block);
        } else {
            stamped(block);
        }
        if (i % 1000 == 0) {
            conserved();
        }
        if (rng_below(&rng, 4000) == 0) {
            drain();
        }
    }
    drain();
}

// What no memory could hold.
static void test_too_large(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {PTRDIFF_MAX, (uint64_t)PTRDIFF_MAX + 1, UINT64_MAX,
                                     UINT64_MAX - GRANULE_BYTES, PTRDIFF_MAX - GRANULE_BYTES};
    assert_true(open_block(&blocks[0], 100000, 1));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        errno = 4711;
        assert_null(depot_large_open(sizes[i], 1));
        assert_false(depot_large_resize(blocks[0].large, sizes[i]));
        assert_int_equal(errno, 4711);
    }
    for (unsigned bits = 47; bits < 63; bits++) {
        assert_null(depot_large_open(100000, UINT64_C(1) << bits));
    }
    conserved();
    drain();
}

static void test_closed_twice(void **state)
{
    (void)state;
    struct granule *large = depot_large_open(100000, 1);
    assert_true(depot_large_close(large));
    assert_false(depot_large_close(large));
    conserved();
}

// ---- going back to the OS -----------------------------------------------------------------------

static uint64_t dated_granules(bool zero)
{
    uint64_t dated = 0;
    const struct extents *extents = &depots[0].extents;
    for (struct list *i = extents->regions.next; i != &extents->regions; i = i->next) {
        const struct region *region = container_of(i, struct region, link);
        for (const struct extent *hole = region->first; hole != NULL; hole = hole->next) {
            for (uint64_t at = 0; hole->tag == EXTENT_HOLE && at < hole->size;
                 at += GRANULE_BYTES) {
                bool is_dated = *granule_age(extent_host(hole) + at) != 0;
                dated += is_dated;
                assert_true(is_dated || !zero || all_zero(extent_host(hole) + at, GRANULE_BYTES));
            }
        }
    }
    return dated;
}

// All that is free is zero and not dated after a purge of now; and what was dated is what went.
static void test_purge_now(void **state)
{
    (void)state;
    for (size_t i = 0; i < 40; i++) {
        assert_true(open_block(&blocks[i], 20000 + 30000 * i, 1));
        memset(host_of(&blocks[i]), 0xff, blocks[i].large->extent->size);
        family_stamp(host_of(&blocks[i]), blocks[i].large->usable, blocks[i].stamp);
    }
    for (size_t i = 0; i < 40; i += 2) {
        close_block(&blocks[i]);
    }
    uint64_t dated = dated_granules(false), before = depots[0].purged_bytes;
    assert_true(dated > 0);
    assert_int_equal(depot_purge(true), dated * GRANULE_BYTES);
    assert_int_equal(depots[0].purged_bytes - before, dated * GRANULE_BYTES);
    assert_int_equal(dated_granules(true), 0);
    assert_int_equal(depot_purge(true), 0);
    conserved();
    for (size_t i = 0; i < 40; i += 2) {
        assert_true(open_block(&blocks[i], 20000, 1));
        assert_false(depot_large_dirty(blocks[i].large));
    }
    drain();
}

// The OS takes nothing: it is as dirty as before, and said to be.
static void test_purge_refused(void **state)
{
    (void)state;
    assert_true(open_block(&blocks[0], 200000, 1));
    close_block(&blocks[0]);
    uint64_t dated = dated_granules(false), held = depots[0].extents.held_bytes;
    mems_inject(MEMS_SEAM_UNMAP, 1, 1);
    assert_int_equal(depot_purge(true), 0);
    assert_true(mems_inject_hits(MEMS_SEAM_UNMAP) > 0);
    mems_inject(MEMS_SEAM_UNMAP, 0, 0);
    assert_int_equal(dated_granules(true), dated);
    assert_int_equal(depots[0].extents.held_bytes, held);
    conserved();
    assert_int_equal(depot_purge(true), dated * GRANULE_BYTES);
    assert_int_equal(dated_granules(true), 0);
}

static void wait_until(uint64_t ms)
{
    while (os_clock_coarse_ms() < ms) {
        sched_yield();
    }
}

// Nobody comes by for longer than a decay; then a block is freed. What had been free for a decay
// goes, and the block, which is young, stays. With `never` nothing goes.
static void test_decay(void **state)
{
    (void)state;
    struct depot_settings saved = depot_settings;
    (void)depot_purge(true);
    depot_settings.decay_ms = 300;
    depots[0].purge_ms = 0;
    for (size_t i = 0; i < 3; i++) {
        assert_true(open_block(&blocks[i], 200000 + 100000 * i, 1));
    }
    close_block(&blocks[0]);
    assert_int_equal(dated_granules(false), 4);
    wait_until(os_clock_coarse_ms() + 400);
    close_block(&blocks[1]);
    assert_int_equal(dated_granules(true), 5);
    wait_until(os_clock_coarse_ms() + 400);
    assert_true(open_block(&blocks[0], 500000, 1));
    assert_int_equal(dated_granules(true), 0);

    depot_settings.decay_ms = DEPOT_DECAY_NEVER;
    uint64_t before = depots[0].purged_bytes;
    for (unsigned i = 0; i < 100; i++) {
        assert_true(open_block(&blocks[1], 100000 + 50000 * i, 1));
        resize_block(&blocks[1], 20000);
        close_block(&blocks[1]);
    }
    wait_until(os_clock_coarse_ms() + 50);
    assert_true(open_block(&blocks[1], 5000000, 1));
    assert_int_equal(depots[0].purged_bytes, before);
    depot_settings = saved;
    drain();
}

// ---- slabs, orphans -----------------------------------------------------------------------------

static void test_orphans(void **state)
{
    (void)state;
    enum { ORPHANS = 9 };
    unsigned class = slab_class(1000);
    struct granule *slabs[ORPHANS];
    assert_null(depot_orphan_get(class, 0));
    for (size_t i = 0; i < ORPHANS; i++) {
        slabs[i] = depot_slab_open(class, 0);
        assert_non_null(slabs[i]);
        slabs[i]->ledger->free[0] &= ~ledger_real(slabs[i], 0); // no block is free ..
        slabs[i]->ledger->free[1] &= ~ledger_real(slabs[i], 1);
        store_relaxed(&slabs[i]->owner, 2);
        family_orphan(slabs[i]);
        family_checked();
    }
    assert_null(depot_orphan_get(class, 0));
    assert_true(ledger_return(slabs[2], 7)); // .. but those that come now
    slabs[7]->ledger->free[0] |= 8;
    struct granule *found[2] = {NULL, NULL};
    for (unsigned tries = 0; tries < 3 * ORPHANS && found[1] == NULL; tries++) {
        struct granule *slab = depot_orphan_get(class, 0);
        *(found[0] == NULL ? &found[0] : &found[1]) = slab;
    }
    assert_true((found[0] == slabs[2] && found[1] == slabs[7]) ||
                (found[0] == slabs[7] && found[1] == slabs[2]));
    assert_int_equal(depots[0].orphan_count[class], ORPHANS - 2);
    family_orphan(found[0]);
    family_orphan(found[1]);
    family_checked();
    for (size_t i = 0; i < ORPHANS; i++) {
        slabs[i]->ledger->free[0] |= 1;
    }
    for (size_t i = 0; i < ORPHANS; i++) {
        struct granule *slab = depot_orphan_get(class, 0);
        assert_non_null(slab);
        uint32_t twice;
        (void)ledger_collect(slab, &twice);
        slab->ledger->free[0] |= UINT64_MAX;
        slab->ledger->free[1] |= 1;
        depot_slab_close(slab);
    }
    family_checked();
    assert_int_equal(family_slabs(), 0);
}

// ---- the OS says no -----------------------------------------------------------------------------

// One of everything that needs memory. Whatever was refused, the heap holds and nothing is lost;
// the second time all of it is there.
static bool open_all(unsigned round)
{
    bool all = true;
    for (size_t i = 0; i < 4; i++) {
        if (blocks[i].large == NULL) {
            bool done = open_block(&blocks[i], 100000 + (UINT64_C(1) << (18 + 2 * i)) + round,
                                   UINT64_C(1) << (8 * i));
            all = done && all;
        }
    }
    return all;
}

static bool open_slabs(struct granule **slabs, size_t count)
{
    bool all = true;
    for (size_t i = 0; i < count; i++) {
        if (slabs[i] == NULL) {
            slabs[i] = depot_slab_open((unsigned)(i * 7 % SLAB_CLASSES), 0);
            all = slabs[i] != NULL && all;
            if (slabs[i] != NULL) {
                store_relaxed(&slabs[i]->owner, 2);
            }
        }
    }
    return all;
}

static void close_slabs(struct granule **slabs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slabs[i] != NULL) {
            depot_slab_close(slabs[i]);
            slabs[i] = NULL;
        }
    }
}

struct refusal {
    enum mems_seam seam;
    uint64_t nth;
    bool from_then_on;
};

// 1: the refusal came, 0: there are not so many calls.
static int refused(void *arg)
{
    const struct refusal *refusal = arg;
    struct granule *slabs[200] = {NULL};
    size_t count = sizeof slabs / sizeof slabs[0];
    mems_inject(refusal->seam, refusal->nth, refusal->from_then_on);
    errno = 4711;
    bool all = open_slabs(slabs, count);
    all = open_all(1) && all;
    for (size_t i = 0; i < 4; i++) {
        if (blocks[i].large != NULL) {
            resize_block(&blocks[i], blocks[i].size / 2 + 30000);
            resize_block(&blocks[i], blocks[i].size * 2);
        }
    }
    close_slabs(slabs, count / 2);
    (void)depot_purge(true);
    assert_int_equal(errno, 4711);
    bool hit = mems_inject_hits(refusal->seam) != 0;
    mems_inject(refusal->seam, 0, 0);
    conserved();
    assert_true(all || hit);
    assert_true(open_slabs(slabs, count));
    assert_true(open_all(2));
    conserved();
    close_slabs(slabs, count);
    drain();
    (void)depot_purge(true);
    assert_int_equal(family_slabs(), 0);
    assert_int_equal(dated_granules(true), 0);
    return hit;
}

// In a process of its own each time the heap is new: the first windows and pools are refused, too.
// Then once more in this one, where much of it is there.
static void sweep(enum mems_seam seam, bool from_then_on)
{
    struct refusal refusal = {.seam = seam, .from_then_on = from_then_on};
    do {
        refusal.nth++;
        assert_true(refusal.nth < 1000);
    } while (family_in_child(refused, &refusal) != 0);
    assert_true(refusal.nth > 2);
}

static void test_refused(void **state)
{
    (void)state;
    rng_init(&rng, 5);
    sweep(MEMS_SEAM_MAP, false);
    sweep(MEMS_SEAM_MAP, true);
    sweep(MEMS_SEAM_UNMAP, false);
    sweep(MEMS_SEAM_UNMAP, true);
    for (struct refusal again = {.seam = MEMS_SEAM_MAP, .nth = 1}; refused(&again) != 0;) {
        again.nth++;
    }
}

// Empty regions of which one page or other cannot be taken back: they stay until they are clean,
// and what they hold is what their granules say.
static void test_trim_refused(void **state)
{
    (void)state;
    uint64_t hits;
    for (uint64_t nth = 1;; nth++) {
        for (size_t i = 0; i < 24; i++) {
            assert_true(open_block(&blocks[i], 8 << 20, 1));
        }
        mems_inject(MEMS_SEAM_UNMAP, nth, 0);
        for (size_t i = 0; i < 24; i++) {
            close_block(&blocks[i]);
        }
        (void)depot_purge(false); // they are young: it is for the trim that they go back
        hits = mems_inject_hits(MEMS_SEAM_UNMAP);
        mems_inject(MEMS_SEAM_UNMAP, 0, 0);
        conserved();
        (void)depot_purge(true);
        assert_int_equal(dated_granules(true), 0);
        conserved();
        if (hits == 0) {
            assert_true(nth > 2);
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused), // the heap is new
        cmocka_unit_test(test_model),         cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_closed_twice),  cmocka_unit_test(test_purge_now),
        cmocka_unit_test(test_purge_refused), cmocka_unit_test(test_decay),
        cmocka_unit_test(test_orphans),       cmocka_unit_test(test_trim_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
