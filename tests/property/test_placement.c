// SPDX-License-Identifier: MIT
//
// test_placement.c - laws of dynamic partitioning that no single step shows.
//
//   buddy     a block's address is a multiple of its size; sizes uniform within an octave waste a
//             quarter of what they take; sizes whose logarithm is uniform take 1/ln 2 = 1.4427
//             times what they ask for
//   holes     free and allocated bytes add up to the memory held; no two holes side by side
//             (two buddies that are both free, with buddies)
//   fifty     at equilibrium there are about p N / 2 holes to N blocks, where p is the share of
//             allocations that leave a remainder (Knuth's fifty-percent rule), for first fit and
//             exponential lifetimes

#include "support/chance.h"
#include "support/engine.h"

// ---- buddies waste ------------------------------------------------------------------------------

enum { BLOCKS = 4000 };

static double distance(double a, double b)
{
    return a > b ? a - b : b - a;
}

static double uniform(uint64_t *random)
{
    return (double)(test_random(random) >> 11) * 0x1p-53;
}

// Between 2^10 and 2^16, its logarithm uniform: in each octave x has the density 1/x.
static size_t log_uniform_size(uint64_t *random)
{
    size_t octave = (size_t)1024 << test_below(random, 6);
    for (;;) {
        double x = 1 + uniform(random);
        if (uniform(random) * x < 1) {
            return (size_t)((double)octave * x) + 1;
        }
    }
}

// Takes blocks of drawn sizes. The share of bytes asked for in bytes taken, or the mean of bytes
// taken to bytes asked for.
static double buddy_share(uint64_t seed, bool log_uniform)
{
    struct mems_engine *engine = test_engine("dynamic", "fit=buddy,region=16Mi,thread_cache=no");
    struct mems_space *space = test_space(engine);
    uint64_t random = seed;
    double ratios = 0;
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t size = log_uniform ? log_uniform_size(&random) : 8193 + test_below(&random, 8192);
        mems_addr addr = test_alloc(space, size);
        size_t taken = 0;
        assert_int_equal(mems_block_size(space, addr, NULL, &taken), 0);
        test_require((taken & (taken - 1)) == 0 && taken >= size && taken / 2 < size,
                     "%zu bytes take %zu", size, taken);
        test_require(test_host(space, addr) % taken == 0, "%zu bytes not aligned to it", taken);
        ratios += (double)taken / (double)size;
    }
    struct mems_stats stats = test_stats(engine);
    double share = (double)stats.requested_bytes / (double)stats.block_bytes;
    mems_engine_close(engine);
    return log_uniform ? ratios / BLOCKS : share;
}

// Of so many engines the means, within 4.38 spreads of what they should be: beyond that comes once
// in 84,000 looks. A share is uniform between a half and 1; ratios are 2^u, u uniform.
#define SPREADS 4.38

static bool within(double mean, double right, double variance)
{
    return (mean - right) * (mean - right) < SPREADS * SPREADS * variance;
}

static bool waste_look(const void *what, size_t tries, double beyond, unsigned look)
{
    uint64_t seed = *(const uint64_t *)what + look;
    double share = 0, ratio = 0, count = BLOCKS * (double)tries;
    (void)beyond;
    for (size_t i = 0; i < tries; i++) {
        share += buddy_share(test_random(&seed), false) / (double)tries;
        ratio += buddy_share(test_random(&seed), true) / (double)tries;
    }
    bool good = within(share, 0.75, 1 / 48.0 / count) && within(ratio, 1.4427, 0.08267 / count);
    if (!good) {
        print_message("%.0f blocks: uniform in an octave, %.4f of the bytes used; log-uniform, "
                      "%.4f bytes a byte\n",
                      count, share, ratio);
    }
    return good;
}

static void test_buddy_waste(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    assert_true(chance_holds(waste_look, &seed, 1));
}

// ---- equilibrium --------------------------------------------------------------------------------

enum {
    LIVE = 3000,
    STEPS = 400000 / MEMS_TEST_SCALE,
    SAMPLES = 200,
};

struct view {
    bool buddy;
    struct mems_extent last;
    uint64_t held, free, blocks, holes;
};

static int see_piece(const struct mems_extent *piece, void *arg)
{
    struct view *view = arg;
    const struct mems_extent *last = &view->last;
    bool hole = piece->piece == MEMS_PIECE_HOLE;
    bool beside =
        last->size != 0 && last->region == piece->region && hole && last->piece == MEMS_PIECE_HOLE;
    bool buddies = last->size == piece->size && (last->offset ^ piece->offset) == piece->size;
    test_require(!beside || (view->buddy && !buddies), "two holes side by side at %" PRIu64,
                 piece->offset);
    view->held += piece->size;
    view->free += hole ? piece->size : 0;
    view->blocks += !hole;
    view->holes += hole;
    view->last = *piece;
    return 0;
}

static struct view look(struct mems_engine *engine, bool buddy)
{
    struct view view = {.buddy = buddy};
    assert_int_equal(mems_walk(engine, see_piece, &view), 0);
    struct mems_stats stats = test_stats(engine);
    assert_int_equal(stats.free_bytes, view.free);
    assert_int_equal(stats.block_bytes + stats.free_bytes, view.held);
    assert_int_equal(stats.held_bytes, view.held);
    assert_int_equal(stats.holes, view.holes);
    return view;
}

struct equilibrium {
    double holes, blocks; // means over the samples
    double remainders;    // share of allocations that left one
};

// A block that dies is drawn from all: lifetimes are exponential. An allocation left a remainder
// when there are not fewer holes afterwards.
static struct equilibrium equilibrium(const char *fit, uint64_t seed)
{
    char options[100];
    snprintf(options, sizeof options, "fit=%s,region=64Mi,thread_cache=no", fit);
    struct mems_engine *engine = test_engine("dynamic", options);
    struct mems_space *space = test_space(engine);
    struct equilibrium mean = {0};
    static mems_addr blocks[LIVE];
    uint64_t random = seed, remainders = 0, counted = 0;
    bool buddy = strcmp(fit, "buddy") == 0;
    for (size_t i = 0; i < LIVE; i++) {
        blocks[i] = test_alloc(space, 1 + test_below(&random, 4000));
    }
    for (uint64_t step = 0; step < STEPS; step++) {
        size_t i = test_below(&random, LIVE);
        assert_int_equal(mems_release(space, blocks[i]), 0);
        bool late = step >= STEPS / 2;
        uint64_t holes = late && step % 16 == 0 ? test_stats(engine).holes : 0;
        blocks[i] = test_alloc(space, 1 + test_below(&random, 4000));
        if (late && step % 16 == 0) {
            remainders += test_stats(engine).holes >= holes;
            counted++;
        }
        if (late && step % (STEPS / 2 / SAMPLES) == 0) {
            struct view view = look(engine, buddy);
            mean.holes += (double)view.holes / SAMPLES;
            mean.blocks += (double)view.blocks / SAMPLES;
        }
    }
    mean.remainders = (double)remainders / (double)counted;
    test_checked(engine, true);
    mems_engine_close(engine);
    return mean;
}

static void test_fifty_percent(void **state)
{
    (void)state;
    struct equilibrium mean = equilibrium("first", test_seed());
    double told = mean.remainders * mean.blocks / 2;
    test_require(distance(mean.holes / told, 1) < 0.2,
                 "%.1f holes to %.1f blocks, p = %.3f: should be about %.1f", mean.holes,
                 mean.blocks, mean.remainders, told);
}

static void test_holes_apart(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    static const char *const fits[] = {"next", "best", "worst", "buddy", "tlsf"};
    for (size_t i = 0; i < sizeof fits / sizeof fits[0]; i++) {
        equilibrium(fits[i], seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buddy_waste),
        cmocka_unit_test(test_fifty_percent),
        cmocka_unit_test(test_holes_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
