// SPDX-License-Identifier: MIT
//
// test_adversary.c - the laws on the adversaries of placement; that they force what theory says.
//
// The target is a textbook allocator (model.h): what it must hold is known.

#include <math.h>

#include "unit/workload/laws.h"
#include "unit/workload/model.h"

static const struct workload *const rows[] = {
    &workload_comb,           &workload_doubling,     &workload_large,
    &workload_peak_pinned,    &workload_pin_per_slab, &workload_robson,
    &workload_realloc_growth, &workload_sawtooth,     &workload_size_shift};
#define ROWS (sizeof rows / sizeof rows[0])

static const char *const jobs[] = {
    "workload = robson\nthreads = 2\nunit = 64\nlive = 16Ki\nlargest = 1Ki\nops = 2000\n",
    "workload = robson\nthreads = 1\nunit = 48\nlive = 1536\nlargest = 768\nops = 501\n",
    "workload = robson\nthreads = 1\nunit = 64\nlive = 64\nlargest = 64\nops = 99\n",
    "workload = doubling\nthreads = 3\nunit = 64\nblocks = 64\nheader = 8\nops = 1001\n",
    "workload = comb\nthreads = 2\nunit = 100\nblocks = 200\nops = 2001\n",
    "workload = sawtooth\nthreads = 2\nblocks = 300\ncycles = 3\nops = 5000\n",
    "workload = sawtooth\nthreads = 1\nblocks = 300\norder = fifo\ncycles = 3\nops = 5000\n",
    "workload = sawtooth\nthreads = 1\nblocks = 300\norder = lifo\ntrough = 0\nops = 5000\n",
    "workload = sawtooth\nthreads = 1\nblocks = 1\ntrough = 1\nops = 50\n",
    "workload = pin-per-slab\nthreads = 2\nlargest = 512\nfill = 4Ki\nslab = 1Ki\nops = 3000\n",
    "workload = peak-pinned\nthreads = 2\nblocks = 300\npinned = 0.1\nops = 3001\n",
    "workload = peak-pinned\nthreads = 1\nblocks = 50\npinned = 1\nops = 1001\n",
    "workload = size-shift\nthreads = 2\ncap = 20k\nops = 2001\n",
    "workload = size-shift\ncap = 20k\nfreed = 1\nbefore = 492\nafter = 7\nops = 9999\n",
    "workload = realloc-growth\nthreads = 2\narrays = 5\nmost = 10k\nops = 1001\n",
    "workload = realloc-growth\nthreads = 1\nstart = 1\nmost = 1k\ngrowth = half\nops = 1001\n",
    "workload = realloc-growth\nthreads = 1\nmost = 1k\ngrowth = chunk\nchunk = 100\nops = 777\n",
    "workload = large\nthreads = 2\nblock = 10k-50k\nplaces = 5\nreplacements = 20\nops = 300\n",
};
#define JOBS (sizeof jobs / sizeof jobs[0])

// These leave nothing to chance, or only which blocks go.
static bool is_fixed(const char *job)
{
    static const char *const fixed[] = {"robson",     "doubling",     "comb", "pin-per-slab",
                                        "size-shift", "blocks = 1\n", NULL};
    for (unsigned i = 0; fixed[i] != NULL; i++) {
        if (strstr(job, fixed[i]) != NULL) {
            return true;
        }
    }
    return false;
}

// One round of the job, or as many as fit into its ops, on an empty model.
static void attack(const char *keys, bool best_fit)
{
    model_reset(best_fit);
    run_job(keys, test_seed(), 0);
}

static void assert_within(double found, double least, double most)
{
    if (!(found >= least && found <= most)) {
        fail_msg("%g is not in [%g, %g]", found, least, most);
    }
}

// ---- each on its own ----------------------------------------------------------------------------

// What theory says of every allocator that does not move blocks. The figure exceeds it by what the
// model's headers take, and by at most a window at either end of each thread's arena.
static void test_robson_forces_its_bound(void **state)
{
    (void)state;
    for (unsigned best = 0; best < 2; best++) {
        attack("workload = robson\nunit = 4Ki\nlive = 2Mi\nlargest = 256Ki\n", best != 0);
        double bound = 6 / 2.0 + 1 - (64 - 1) / 512.0; // M = 512, n = 64
        assert_true(fabs(fake_bound("span") - bound) < 1e-12);
        assert_true(fabs(fake_bound("blow-up") - bound) < 1e-12);
        assert_true(fake_figure("span") >= bound);
        assert_true(fake_figure("blow-up") >= bound);
        // First fit needs at most M (log2 n + 1); best fit does not use what this program leaves.
        assert_true(fake_figure("blow-up") <= 1.05 * (6 + 1));
    }
}

// 384 blocks of a unit at places of one residue, then 128 at places of the other.
static unsigned biased;

static bool place_biased(uint64_t *place)
{
    *place = UINT64_C(8192) * biased + (biased < 384 ? 0 : 4096);
    return biased++ < 512;
}

// It keeps those of the residue that pins more, and frees the others.
static void test_robson_keeps_what_pins_more(void **state)
{
    (void)state;
    model_reset(false);
    model_place = place_biased;
    biased = 0;
    struct job *job = open_cell("workload = robson\nunit = 4Ki\nlive = 2Mi\nlargest = 8Ki\n"
                                "ops = 704\n", // 512 come, 128 go, 64 of two units come
                                1, 0);
    work(fake_run.workload);
    assert_int_equal(fake_workers[0].count[OP_ALLOC], 512 + 64);
    assert_int_equal(fake_workers[0].count[OP_FREE], 128);
    fake_run.workload->close(&fake_run);
    job_free(job);
}

static void test_robson_needs_larger_blocks(void **state)
{
    (void)state;
    attack("workload = robson\nunit = 4Ki\nlive = 64Ki\nlargest = 4Ki\n", false);
    assert_true(fake_bound("blow-up") == 1);
    assert_within(fake_figure("blow-up"), 1, 1.05);
}

// Threads attack side by side, each its own part of the memory.
static void test_robson_sums_its_threads(void **state)
{
    (void)state;
    attack("workload = robson\nunit = 4Ki\nlive = 2Mi\nlargest = 256Ki\n", false);
    double alone = fake_figure("blow-up");
    double span = fake_figure("span");
    attack("workload = robson\nthreads = 3\nunit = 4Ki\nlive = 2Mi\nlargest = 256Ki\n", false);
    assert_true(fabs(fake_figure("blow-up") - alone) < 1e-9);
    assert_true(fabs(fake_figure("span") - span) < 1e-9);
}

// Every batch takes fresh memory: n (log2 n + 1) over 2 n - 1, headers aside. The model's headers
// are 32 bytes, which is what the requests leave room for.
static void test_doubling_never_finds_a_hole(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct fake_node) + FAKE_HEADER, 32);
    for (unsigned best = 0; best < 2; best++) {
        attack("workload = doubling\nunit = 4Ki\nblocks = 256\n", best != 0);
        double bound = 256 * (8 + 1) * 4096.0 / (double)fake_peak.peak_bytes;
        assert_true(fabs(fake_bound("blow-up") - bound) < 1e-12);
        assert_within(fake_figure("blow-up") / bound, 1 - 1e-9, 1 + 1e-9);
        assert_within(bound, (8 + 1) / 2.0, (8 + 1) / 2.0 * 1.01);
    }
}

// Without that room the headers of the freed add up to holes that serve.
static void test_doubling_is_fooled_by_headers(void **state)
{
    (void)state;
    attack("workload = doubling\nunit = 1Ki\nblocks = 1024\nheader = 0\n", false);
    assert_true(fake_figure("blow-up") < 0.9 * fake_bound("blow-up"));
}

static void test_comb_grows_by_half(void **state)
{
    (void)state;
    attack("workload = comb\nunit = 4Ki\nblocks = 1024\n", false);
    assert_true(fake_bound("growth") == 1.5);
    assert_within(fake_figure("growth"), 1.49, 1.5);
    // Later rounds find what the first one left behind, and are not measured.
    attack("workload = comb\nunit = 4Ki\nblocks = 1024\nops = 10k\n", false);
    assert_within(fake_figure("growth"), 1.49, 1.5);
}

// In a trough the model still holds all of the peak, whichever blocks are left.
static void test_sawtooth_measures_its_troughs(void **state)
{
    (void)state;
    static const char *const orders[] = {"fifo", "lifo", "random"};
    for (unsigned i = 0; i < 3; i++) {
        char keys[200];
        snprintf(keys, sizeof keys,
                 "workload = sawtooth\nblocks = 1000\ntrough = 0.25\ncycles = 4\norder = %s\n"
                 "size = 4k\n",
                 orders[i]);
        attack(keys, false);
        assert_within(fake_figure("trough held"), 4, 4 * 1.02);
        assert_true(fake_figure("trough held") == fake_bound("trough held"));
        assert_true(fake_figure("trough RSS") == fake_bound("trough RSS"));
        assert_int_equal(fake_workers[0].count[OP_ALLOC], 1000 + 3 * 750);
    }
}

// Of 1,000 blocks side by side 250 stay: the last, the first, or about as many of either half (five
// spreads of a draw without return).
static void test_sawtooth_keeps_to_its_order(void **state)
{
    (void)state;
    static const struct {
        const char *order;
        unsigned least, most; // in the lower half
    } orders[] = {{"fifo", 0, 0}, {"lifo", 250, 250}, {"random", 125 - 34, 125 + 34}};
    for (unsigned i = 0; i < 3; i++) {
        char keys[200];
        snprintf(keys, sizeof keys,
                 "workload = sawtooth\nblocks = 1000\ntrough = 0.25\norder = %s\nsize = 1k\n"
                 "ops = 1750\n", // to the first trough
                 orders[i].order);
        model_reset(false);
        struct job *job = open_cell(keys, test_seed(), 0);
        work(fake_run.workload);
        const struct model_arena *arena = &model_arenas[0];
        assert_int_equal(arena->count, 250);
        unsigned lower = 0;
        for (unsigned j = 0; j < 250; j++) {
            lower += arena->blocks[j].end <= arena->filled / 2;
        }
        assert_in_range(lower, orders[i].least, orders[i].most);
        fake_run.workload->close(&fake_run);
        job_free(job);
    }
}

// Any allocator but one with slabs uses again what a class leaves; the pins are one a window.
static void test_pins_are_one_a_slab(void **state)
{
    (void)state;
    const char *keys = "workload = pin-per-slab\nsmallest = 1Ki\nlargest = 1Ki\nfill = 1Mi\n"
                       "slab = 64Ki\nops = 2000\n";
    model_reset(false);
    struct job *job = open_cell(keys, 1, 0);
    // To the end of the class: 1,024 come, and all but one of each window go.
    uint64_t windows = (1024 * (1024 + 48) + 65535) / 65536;
    fake_workers[0].budget = 1024 + 1024 - windows;
    work(fake_run.workload);
    const struct model_arena *arena = &model_arenas[0];
    assert_int_equal(arena->count, windows);
    for (unsigned i = 1; i < arena->count; i++) {
        assert_true(arena->blocks[i].begin / 65536 >= arena->blocks[i - 1].begin / 65536);
        assert_true(arena->blocks[i].begin - arena->blocks[i - 1].begin >= 65536 - 2 * 1072);
    }
    fake_run.workload->close(&fake_run);
    job_free(job);
    attack("workload = pin-per-slab\nsmallest = 1Ki\nlargest = 1Ki\nfill = 1Mi\n", false);
    assert_true(fabs(fake_bound("held") - 1024.0 / (double)windows) < 1e-9);
    assert_within(fake_figure("held") / fake_bound("held"), 1, 1.06);
}

static void test_a_peak_stays_pinned(void **state)
{
    (void)state;
    attack("workload = peak-pinned\nblocks = 2000\npinned = 0.05\nsize = 1000\n", false);
    assert_true(fake_figure("held") == fake_bound("held"));
    assert_within(fake_figure("held"), 20, 20 * 1.07);
    assert_int_equal(fake_workers[0].count[OP_ALLOC], 2000 + 100);
}

// They are born where random transient ones were: of 100, 50 in either half (five spreads).
static void test_pins_lie_anywhere(void **state)
{
    (void)state;
    model_reset(false);
    struct job *job = open_cell("workload = peak-pinned\nblocks = 1000\npinned = 0.1\n"
                                "size = 1000\nops = 2100\n", // until only they are left
                                test_seed(), 0);
    work(fake_run.workload);
    const struct model_arena *arena = &model_arenas[0];
    assert_int_equal(arena->count, 100);
    unsigned lower = 0;
    for (unsigned i = 0; i < 100; i++) {
        lower += arena->blocks[i].end <= arena->filled / 2;
    }
    assert_in_range(lower, 50 - 24, 50 + 24);
    fake_run.workload->close(&fake_run);
    job_free(job);
}

// With all of the first objects gone nothing is lost; with holes of one object it nearly all is.
static void test_the_size_shifts_under_the_cap(void **state)
{
    (void)state;
    attack("workload = size-shift\ncap = 240k\nfreed = 1\n", false);
    double whole = fake_figure("held");
    assert_within(whole, 1, 1.25); // headers of 40 on 240
    assert_int_equal(fake_peak.peak_bytes, 240000);
    attack("workload = size-shift\ncap = 240k\nfreed = 0.3\n", false);
    assert_true(fake_peak.peak_bytes <= 240000);
    assert_true(fake_figure("held") > whole);
    assert_within(fake_bound("held"), 1.29, 1.31);
}

// Growth copies 1 / (g - 1) of the final size where nobody grows in place (the fake never does).
static void test_growth_counts_its_moves(void **state)
{
    (void)state;
    static const struct {
        const char *growth;
        double copied;
    } rules[] = {{"growth = double\nmost = 64Ki\n", 1}, {"growth = half\nmost = 60k\n", 2}};
    for (unsigned i = 0; i < 2; i++) {
        char keys[200];
        snprintf(keys, sizeof keys, "workload = realloc-growth\narrays = 7\nstart = 64\n%s",
                 rules[i].growth);
        attack(keys, false);
        assert_true(fake_figure("moves") == 100);
        assert_true(fake_figure("copied") == fake_bound("copied"));
        // The last step may be a part of one.
        assert_within(fake_figure("copied"), rules[i].copied * 0.95, rules[i].copied * 1.5);
    }
}

// A growth that is refused ends the array's round, not the thread's work.
static void test_a_refused_growth_is_survived(void **state)
{
    (void)state;
    model_reset(false);
    struct job *job = open_cell("workload = realloc-growth\narrays = 4\n", 1, CHECK_WHOLE);
    fake_spoil.resize_error = ENOMEM;
    work(fake_run.workload);
    fake_run.workload->close(&fake_run);
    assert_int_equal(fake_workers[0].count[OP_ALLOC], 4);
    assert_int_equal(fake_workers[0].refused, 4);
    assert_null(fake_live);
    job_free(job);
}

// What holds just what is live has nothing to fear of any of them.
static void test_a_perfect_target_is_not_hurt(void **state)
{
    (void)state;
    static const struct {
        const char *keys, *figure;
    } perfect[] = {
        {"workload = robson\nunit = 4Ki\nlive = 2Mi\nlargest = 256Ki\n", "blow-up"},
        {"workload = doubling\nunit = 4Ki\nblocks = 256\n", "blow-up"},
        {"workload = comb\nblocks = 400\n", "growth"},
        {"workload = sawtooth\nblocks = 400\n", "trough held"},
        {"workload = sawtooth\nblocks = 400\n", "trough RSS"},
        {"workload = pin-per-slab\nfill = 16Ki\n", "held"},
        {"workload = peak-pinned\nblocks = 400\n", "held"},
        {"workload = peak-pinned\nblocks = 400\n", "RSS"},
        {"workload = size-shift\ncap = 100k\n", "held"},
    };
    fake_held = NULL;
    for (unsigned i = 0; i < sizeof perfect / sizeof perfect[0]; i++) {
        attack(perfect[i].keys, false);
        assert_within(fake_figure(perfect[i].figure), 1 - 1e-9, 1 + 1e-9);
    }
    fake_held = model_held;
}

// What is still held at the end is checked before it is freed.
static void test_close_checks_what_is_held(void **state)
{
    (void)state;
    for (volatile unsigned i = 0; i < ROWS; i++) {
        char keys[200];
        snprintf(keys, sizeof keys, "workload = %s\nops = 2\n%s", rows[i]->name,
                 rows[i] == &workload_large ? "block = 1k\n" : "");
        model_reset(false);
        struct job *volatile job = open_cell(keys, 5, CHECK_WHOLE);
        work(fake_run.workload);
        assert_non_null(fake_live);
        uint8_t *node = (uint8_t *)(fake_live + 1);
        node[FAKE_HEADER] ^= 1;
        FAKE_FAILS("stamp", fake_run.workload->close(&fake_run));
        // Mended, the rest goes.
        node[FAKE_HEADER] ^= 1;
        fake_run.workload->close(&fake_run);
        assert_null(fake_live);
        job_free(job);
    }
}

// Threads that end early are not waited for, and after them nothing is measured.
static void test_threads_that_leave(void **state)
{
    (void)state;
    for (unsigned measured = 0; measured < 2; measured++) {
        model_reset(false);
        struct job *job =
            open_cell("workload = sawtooth\nthreads = 3\nblocks = 100\nops = 9999\n", 1, 0);
        // The first trough is after 100 + 90 operations.
        fake_workers[1].budget = measured != 0 ? 191 : 190;
        fake_workers[2].budget = 1000;
        work(fake_run.workload);
        assert_int_equal(isnan(fake_figure("trough held")), measured == 0);
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(fake_workers[i].budget, 0);
        }
        fake_run.workload->close(&fake_run);
        job_free(job);
    }
}

// Without ops and runtime there is one round.
static void test_they_end_by_themselves(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROWS; i++) {
        char keys[200];
        bool large = rows[i] == &workload_large;
        assert_true(rows[i]->ends);
        snprintf(keys, sizeof keys, "workload = %s\nthreads = 2\n%s", rows[i]->name,
                 large                                 ? "block = 1k\nreplacements = 5\n"
                 : rows[i] == &workload_realloc_growth ? "most = 1k\n"
                 : rows[i] == &workload_robson         ? "live = 64Ki\nlargest = 4Ki\n"
                 : rows[i] == &workload_pin_per_slab   ? "fill = 16Ki\n"
                 : rows[i] == &workload_size_shift     ? "cap = 64Ki\n"
                                                       : "blocks = 64\n");
        attack(keys, false);
        assert_true(fake_workers[0].count[OP_ALLOC] > 0);
        assert_int_equal(fake_figure_count == 0, large);
    }
}

static void test_jobs_that_cannot_be(void **state)
{
    (void)state;
    static const struct bad_job bad[] = {
        {"workload = robson\nlargest = 3Ki\n", "power of two"},
        {"workload = robson\nlargest = 1500\n", "power of two"},
        {"workload = robson\nunit = 2Ki\nlargest = 1Ki\n", "power of two"},
        {"workload = robson\nlive = 100Ki\n", "multiple of largest"},
        {"workload = robson\nsize = 1\n", "size"},
        {"workload = doubling\nblocks = 100\n", "power of two"},
        {"workload = doubling\nheader = 1Ki\n", "below unit"},
        {"workload = comb\nblocks = 10\n", "multiple of 4"},
        {"workload = sawtooth\ntrough = 2\n", "trough"},
        {"workload = sawtooth\norder = up\n", "order"},
        {"workload = pin-per-slab\nlargest = 8\n", "smallest"},
        {"workload = pin-per-slab\nfill = 1Ki\n", "largest at least"},
        {"workload = peak-pinned\npinned = 2\n", "pinned"},
        {"workload = size-shift\ncap = 100\n", "at most cap"},
        {"workload = realloc-growth\nmost = 1\n", "start at least"},
        {"workload = large\nplaces = 0\n", "places"},
    };
    refuse_jobs(bad, sizeof bad / sizeof bad[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAWS,
        cmocka_unit_test(test_robson_forces_its_bound),
        cmocka_unit_test(test_robson_keeps_what_pins_more),
        cmocka_unit_test(test_robson_needs_larger_blocks),
        cmocka_unit_test(test_robson_sums_its_threads),
        cmocka_unit_test(test_doubling_never_finds_a_hole),
        cmocka_unit_test(test_doubling_is_fooled_by_headers),
        cmocka_unit_test(test_comb_grows_by_half),
        cmocka_unit_test(test_sawtooth_measures_its_troughs),
        cmocka_unit_test(test_sawtooth_keeps_to_its_order),
        cmocka_unit_test(test_pins_are_one_a_slab),
        cmocka_unit_test(test_a_peak_stays_pinned),
        cmocka_unit_test(test_pins_lie_anywhere),
        cmocka_unit_test(test_the_size_shifts_under_the_cap),
        cmocka_unit_test(test_growth_counts_its_moves),
        cmocka_unit_test(test_a_refused_growth_is_survived),
        cmocka_unit_test(test_a_perfect_target_is_not_hurt),
        cmocka_unit_test(test_close_checks_what_is_held),
        cmocka_unit_test(test_threads_that_leave),
        cmocka_unit_test(test_they_end_by_themselves),
        cmocka_unit_test(test_jobs_that_cannot_be),
    };
    clock_init();
    model_open();
    law_rows = rows;
    law_row_count = ROWS;
    law_jobs = jobs;
    law_job_count = JOBS;
    law_is_fixed = is_fixed;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
