// SPDX-License-Identifier: MIT
//
// test_front.c - one thread's blocks against a model: where they are, whose bytes are zero, and
// that all slabs but the kept ones go back.
//
// The model is a map of every 16 bytes that a block of the stream covers, and the blocks' stamps.

#include "support/family.h"

#include "base/rng.h"

enum { BLOCKS = 6000, OPS = 400000 / MEMS_TEST_SCALE, STEPS = GRANULE_BYTES / 16 };

struct block {
    char *host;
    uint32_t size; // of its class
    uint64_t stamp;
};

static struct block blocks[BLOCKS];
static struct rng rng;
static bool among_many; // threads, as the front sees it

// ---- the map of what is covered -----------------------------------------------------------------

struct covered {
    uintptr_t granule; // 0: free
    uint64_t bits[STEPS / 64];
};

enum { MAPS = 1 << 14 };
static struct covered covered[MAPS];

static struct covered *covered_at(const char *host)
{
    uintptr_t granule = (uintptr_t)host >> GRANULE_BITS;
    size_t i = granule * UINT64_C(0x9e3779b97f4a7c15) >> 50;
    while (covered[i].granule != granule && covered[i].granule != 0) {
        i = (i + 1) % MAPS;
    }
    covered[i].granule = granule;
    return &covered[i];
}

// Every step of the block was not covered, or was, and is the other now.
static void cover(const struct block *block, bool was)
{
    struct covered *map = covered_at(block->host);
    size_t first = ((uintptr_t)block->host & (GRANULE_BYTES - 1)) / 16;
    assert_true(first + block->size / 16 <= STEPS);
    for (size_t i = first; i < first + block->size / 16; i++) {
        uint64_t bit = UINT64_C(1) << (i & 63);
        if (((map->bits[i / 64] & bit) != 0) != was) {
            fail_msg("%p of %u bytes: step %zu is %scovered", (void *)block->host, block->size, i,
                     was ? "not " : "");
        }
        map->bits[i / 64] ^= bit;
    }
}

// ---- the stream ---------------------------------------------------------------------------------

static bool all_zero(const char *bytes, size_t size)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

static void take(struct block *block, unsigned class)
{
    bool zeroed;
    block->host = front_take(front_here, class, &zeroed);
    assert_non_null(block->host);
    block->size = slab_class_size(class);
    assert_int_equal((uintptr_t)block->host % 16, 0);
    assert_int_equal(((uintptr_t)block->host & (GRANULE_BYTES - 1)) % block->size, 0);
    if (zeroed) {
        assert_true(all_zero(block->host, block->size));
    }
    cover(block, false);
    block->stamp = rng_next(&rng);
    family_stamp(block->host, block->size, block->stamp);
}

static void give(struct block *block)
{
    assert_true(family_stamped(block->host, block->size, block->stamp));
    cover(block, true);
    family_free(block->host);
    block->host = NULL;
}

static uint64_t in_use_of(unsigned class)
{
    uint64_t count = 0;
    for (size_t i = 0; i < BLOCKS; i++) {
        count += blocks[i].host != NULL && blocks[i].size == slab_class_size(class);
    }
    return count;
}

// The front's slabs have as many used slots as the model has blocks.
static void conserved(void)
{
    family_checked();
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        const struct front_bin *bin = &front_here->bin[class];
        const struct granule *slab = bin->current;
        uint64_t used = 0;
        for (uint32_t i = 0; i < bin->slabs; i++) {
            used += slab->count - ledger_count(slab, UINT32_MAX);
            slab = container_of(slab->ring.next, struct granule, ring);
        }
        assert_int_equal(used, in_use_of(class));
    }
}

// In the ring, and the spare one.
static uint64_t slabs_of(unsigned class)
{
    const struct front_bin *bin = &front_here->bin[class];
    return bin->slabs + (uint64_t)(bin->spare != NULL);
}

// With nothing in use: what the front keeps of each class is the current slab and the spare one;
// among many threads there are few that are current.
static void drained(void)
{
    uint64_t kept = 0, current = 0;
    if (among_many) { // somebody comes by after a tick: nothing is lax but for those kept
        bool zeroed;
        void *extra[5];
        store_relaxed(&front_clock, load_relaxed(&front_clock) + FRONT_TICK);
        front_trim(front_here);
        for (unsigned i = 0; i < 5; i++) { // more than a slab has, so that one is looked for
            extra[i] = front_take(front_here, SLAB_CLASSES - 1, &zeroed);
            assert_non_null(extra[i]);
        }
        for (unsigned i = 0; i < 5; i++) {
            family_free(extra[i]);
        }
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        if (blocks[i].host != NULL) {
            give(&blocks[i]);
        }
    }
    conserved();
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        assert_true(front_here->bin[class].slabs <= 1);
        kept += slabs_of(class);
        current += front_here->bin[class].slabs;
    }
    assert_true(!among_many || current <= FRONT_KEPT);
    assert_int_equal(family_slabs(), kept);
    front_trim(front_here);
    conserved();
    assert_int_equal(family_slabs(), 0);
}

// A phase uses `classes` classes from `from` on, and grows or shrinks.
static void run_phase(unsigned from, unsigned classes, bool growing, unsigned operations)
{
    for (unsigned i = 0; i < operations; i++) {
        struct block *block = &blocks[rng_below(&rng, BLOCKS)];
        if (block->host == NULL) {
            if (growing || rng_below(&rng, 4) == 0) {
                take(block, (unsigned)(from + rng_below(&rng, classes)));
            }
        } else if (!growing || rng_below(&rng, 4) == 0) {
            give(block);
        }
        if (rng_below(&rng, 20000) == 0) {
            front_trim(front_here);
        }
    }
}

static void stream(bool is_many)
{
    among_many = is_many;
    store_relaxed(&front_count, among_many ? 1000 : 1);
    rng_init(&rng, test_seed());
    assert_non_null(family_front());
    for (unsigned phase = 0; phase < 40; phase++) {
        unsigned classes = (unsigned)(1 + rng_below(&rng, phase % 2 == 0 ? 4 : SLAB_CLASSES));
        unsigned from = (unsigned)rng_below(&rng, SLAB_CLASSES - classes + 1);
        run_phase(from, classes, phase % 3 != 2, OPS / 40);
        conserved();
        if (phase % 8 == 7) {
            drained();
        }
    }
    drained();
    store_relaxed(&front_count, 1);
}

static void test_stream(void **state)
{
    (void)state;
    stream(false);
}

static void test_stream_among_many(void **state)
{
    (void)state;
    stream(true);
}

// ---- every class by itself ----------------------------------------------------------------------

// Fills three slabs of a class to the last block, which is no block's neighbour but its own; gives
// all of it back, in an order of luck; twice, so that the second time nothing is new.
static void test_each_class(void **state)
{
    (void)state;
    rng_init(&rng, test_seed());
    assert_non_null(family_front());
    static struct block many[3 * 4096];
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        size_t count = 3 * (GRANULE_BYTES / slab_class_size(class));
        for (unsigned round = 0; round < 2; round++) {
            for (size_t i = 0; i < count; i++) {
                take(&many[i], class);
            }
            assert_int_equal(front_here->bin[class].slabs, 3);
            family_checked();
            for (size_t i = count; i > 0; i--) {
                size_t other = rng_below(&rng, i);
                struct block last = many[i - 1];
                many[i - 1] = many[other];
                many[other] = last;
                give(&many[i - 1]);
            }
            assert_true(slabs_of(class) <= 2);
            family_checked();
        }
        front_trim(front_here);
        assert_int_equal(family_slabs(), 0);
    }
}

// A block above FRONT_DIRECT that is said to be zero is: taken, spoilt and given back it is not
// said to be again, unless its memory went back to the OS between.
static void test_zeroed(void **state)
{
    (void)state;
    assert_non_null(family_front());
    front_trim(front_here);
    (void)depot_purge(true);
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        bool above = slab_class_size(class) > FRONT_DIRECT, zeroed;
        size_t size = slab_class_size(class), count = GRANULE_BYTES / size;
        static char *all[4096];
        for (unsigned round = 0; round < 3; round++) {
            for (size_t i = 0; i < count; i++) {
                all[i] = front_take(front_here, class, &zeroed);
                assert_int_equal(zeroed, above && round != 1);
                assert_true(!zeroed || all_zero(all[i], size));
                memset(all[i], 0xee, size);
            }
            for (size_t i = 0; i < count; i++) {
                family_free(all[i]);
            }
            if (round == 1) {
                front_trim(front_here);
                (void)depot_purge(true);
            }
        }
        front_trim(front_here);
        (void)depot_purge(true);
    }
}

// ---- other threads' returns ---------------------------------------------------------------------

// What a stranger returns to the current slab, the others and the spare one is seen at the next
// walk; and a slab that only strangers have emptied is used again before a new one is cut.
static void test_collected(void **state)
{
    (void)state;
    assert_non_null(family_front());
    unsigned class = slab_class(64);
    enum { SLABS = 5, COUNT = SLABS * 1024 };
    static void *all[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        all[i] = family_malloc(64);
    }
    assert_int_equal(front_here->bin[class].slabs, SLABS);
    for (size_t i = 0; i < COUNT; i++) {
        struct granule *slab = granule_at(all[i]);
        assert_true(ledger_return(slab, granule_slot(slab, all[i])));
    }
    family_checked();
    for (size_t i = 0; i < COUNT; i++) {
        all[i] = family_malloc(64);
        assert_non_null(all[i]);
    }
    assert_int_equal(front_here->bin[class].slabs, SLABS);
    for (size_t i = 0; i < COUNT; i++) {
        struct granule *slab = granule_at(all[i]);
        if (i % 3 != 0) {
            assert_true(ledger_return(slab, granule_slot(slab, all[i])));
        } else {
            family_free(all[i]);
        }
    }
    front_trim(front_here);
    family_checked();
    assert_int_equal(family_slabs(), 0);
}

// The current slab is empty and goes; the one that is left is used up: the next block is a new
// slab's.
static void test_trimmed(void **state)
{
    (void)state;
    assert_non_null(family_front());
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        size_t size = slab_class_size(class), count = GRANULE_BYTES / size;
        static void *all[4096];
        for (size_t i = 0; i < count; i++) {
            all[i] = family_malloc(size);
        }
        family_free(family_malloc(size)); // of a second slab
        assert_int_equal(front_here->bin[class].slabs, 2);
        front_trim(front_here);
        family_checked();
        assert_int_equal(front_here->bin[class].slabs, 1);
        void *next = family_malloc(size);
        assert_ptr_not_equal(granule_at(next), granule_at(all[0]));
        family_checked();
        family_free(next);
        for (size_t i = 0; i < count; i++) {
            family_free(all[i]);
        }
        front_trim(front_here);
        assert_int_equal(family_slabs(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream),     cmocka_unit_test(test_stream_among_many),
        cmocka_unit_test(test_each_class), cmocka_unit_test(test_zeroed),
        cmocka_unit_test(test_collected),  cmocka_unit_test(test_trimmed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
