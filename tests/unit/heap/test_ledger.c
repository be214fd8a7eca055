// SPDX-License-Identifier: MIT
//
// test_ledger.c - places in a slab, exactly; and what owner and strangers say of its slots.

#include "support/family.h"

#include "base/rng.h"

// A slab by itself: a record and a ledger, and addresses of no memory.
struct fixture {
    struct granule slab;
    char *host;
    uint64_t ledger[2 * 8 * LEDGER_LINES] __attribute__((aligned(64)));
    struct extent extent; // last, for it ends in an array without a size
};

static struct fixture fixture;

static struct granule *cut(unsigned class)
{
    uint32_t size = slab_class_size(class);
    memset(&fixture, 0xa5, sizeof fixture);
    fixture.host = (char *)(uintptr_t)(UINT64_C(12345) * GRANULE_BYTES);
    fixture.slab = (struct granule){.size = size,
                                    .count = (uint16_t)(GRANULE_BYTES / size),
                                    .reciprocal = PLACE_RECIPROCAL(size),
                                    .class = (uint8_t) class,
                                    .ledger = (struct ledger *)(fixture.ledger + 8 * LEDGER_LINES)};
    ledger_init(&fixture.slab);
    return &fixture.slab;
}

// Every class, every address of a slab, against the division.
static void test_place(void **state)
{
    (void)state;
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        struct granule *slab = cut(class);
        for (uint32_t offset = 0; offset < GRANULE_BYTES; offset++) {
            uint32_t slot = granule_slot(slab, fixture.host + offset);
            uint32_t expected = offset % slab->size == 0 ? offset / slab->size : SLOT_NONE;
            if (slot != expected ||
                granule_slot_around(slab, fixture.host + offset) != offset / slab->size) {
                fail_msg("class %u, offset %u: slot %u, not %u", class, offset, slot, expected);
            }
            struct place place = place_of(slab, fixture.host + offset);
            if ((place.bit <= PLACE_EXACT) != (offset % slab->size == 0) ||
                place.word != offset / slab->size / 64) {
                fail_msg("class %u, offset %u: word %u", class, offset, (unsigned)place.word);
            }
        }
    }
}

// Every slot is free, the one that is none too, and its bit is the highest of its word. Both halves
// fit, on lines of their own.
static void test_init(void **state)
{
    (void)state;
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        struct granule *slab = cut(class);
        unsigned words = ledger_words(slab), lines = ledger_lines(slab);
        assert_true(lines <= LEDGER_LINES);
        assert_true(8 * (words + 1) <= 64 * lines);
        const char *returned = (const char *)ledger_returned(slab);
        assert_int_equal((const char *)slab->ledger - returned, 64 * lines);
        assert_true((const char *)ledger_inbox(slab) >= returned + 8 * words);
        uint32_t slots = (uint32_t)((GRANULE_BYTES + slab->size - 1) / slab->size);
        for (uint32_t slot = 0; slot < 64 * words; slot++) {
            bool free = slab->ledger->free[slot >> 6] >> (slot & 63) & 1;
            assert_int_equal(free, slot < slots);
        }
        assert_int_equal(ledger_count(slab, UINT32_MAX), slab->count);
        assert_int_equal(slots - slab->count, GRANULE_BYTES % slab->size != 0);
        uint32_t twice = 0;
        assert_int_equal(ledger_collect(slab, &twice), 0);
        assert_int_equal(twice, SLOT_NONE);
    }
}

// The slot that is none is refused from strangers, as any that is free.
static void test_no_slot(void **state)
{
    (void)state;
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        struct granule *slab = cut(class);
        if (GRANULE_BYTES % slab->size != 0) {
            assert_int_equal(granule_slot(slab, fixture.host + slab->count * slab->size),
                             slab->count);
            assert_false(ledger_return(slab, slab->count));
            assert_false(granule_has_mail(slab));
            for (unsigned word = 0; word < ledger_words(slab); word++) {
                slab->ledger->free[word] &= ~ledger_real(slab, word); // all with the program
            }
            assert_int_equal(ledger_count(slab, UINT32_MAX), 0);
            assert_false(ledger_return(slab, slab->count));
        }
    }
}

static bool is_free(const struct granule *slab, uint32_t slot)
{
    return slab->ledger->free[slot >> 6] >> (slot & 63) & 1;
}

static void set_free(struct granule *slab, uint32_t slot, bool free)
{
    uint64_t bit = UINT64_C(1) << (slot & 63), *word = &slab->ledger->free[slot >> 6];
    *word = free ? *word | bit : *word & ~bit;
}

// Random returns and collections against an array of states.
static void test_returns(void **state)
{
    (void)state;
    enum { USED, FREE, RETURNED };
    struct rng rng;
    rng_init(&rng, test_seed());
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        struct granule *slab = cut(class);
        uint8_t model[4096];
        uint32_t free = slab->count, returned = 0, twice;
        memset(model, FREE, sizeof model);
        for (unsigned i = 0; i < 20000 / MEMS_TEST_SCALE; i++) {
            uint32_t slot = (uint32_t)rng_below(&rng, slab->count);
            if (rng_below(&rng, 200) == 0) {
                assert_int_equal(ledger_collect(slab, &twice), returned);
                assert_int_equal(twice, SLOT_NONE);
                free += returned;
                returned = 0;
                for (uint32_t j = 0; j < slab->count; j++) {
                    model[j] = model[j] == RETURNED ? FREE : model[j];
                    assert_int_equal(is_free(slab, j), model[j] == FREE);
                }
            } else if (rng_below(&rng, 2) == 0) { // a stranger's, right or wrong
                assert_int_equal(ledger_return(slab, slot), model[slot] == USED);
                returned += model[slot] == USED;
                model[slot] = model[slot] == USED ? RETURNED : model[slot];
            } else if (model[slot] == FREE) {
                set_free(slab, slot, false);
                model[slot] = USED;
                free--;
            }
            assert_true(granule_has_mail(slab) == (returned != 0));
            if (i % 64 == 0) {
                uint32_t enough = (uint32_t)rng_below(&rng, slab->count + 2);
                unsigned count = ledger_count(slab, enough);
                assert_true(count <= free && (count == free || count >= enough));
            }
        }
    }
}

static void test_bits(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 64; i++) {
        assert_int_equal(ledger_bits(UINT64_MAX >> i), 64 - i);
        assert_int_equal(ledger_lowest(UINT64_MAX << i), i);
    }
}

// Returned by a stranger and released by the owner: the collection says which.
static void test_twice(void **state)
{
    (void)state;
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        struct granule *slab = cut(class);
        uint32_t slot = slab->count - 1u, other = 0, twice;
        set_free(slab, slot, false);
        set_free(slab, other, false);
        assert_true(ledger_return(slab, slot));
        assert_false(ledger_return(slab, slot)); // by strangers only: at once
        set_free(slab, slot, true);
        assert_false(ledger_return(slab, slot));
        (void)ledger_collect(slab, &twice);
        assert_int_equal(twice, slot);
        assert_int_equal(ledger_collect(slab, &twice), 0);
        assert_int_equal(twice, SLOT_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_place),   cmocka_unit_test(test_init), cmocka_unit_test(test_no_slot),
        cmocka_unit_test(test_returns), cmocka_unit_test(test_bits), cmocka_unit_test(test_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
