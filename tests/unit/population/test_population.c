// SPDX-License-Identifier: MIT
//
// test_population.c - distributions as files, and where they come from.

#include "population/population.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "support/test.h"
#include "workload/random.h"

static struct complaint complaint;

static int parse(const char *text, size_t length, struct population *population)
{
    complaint.text[0] = '\0';
    return population_parse(text, length, "f", population, &complaint);
}

static void test_rows_are_read(void **state)
{
    (void)state;
    static const char text[] = "mems-fleet 1 # the first\n"
                               "# nothing\n\n"
                               "24\t90000  1200.5 # a row\r\n"
                               "1Ki-2Ki 0 3\n"
                               "1Ti 0.5 0.25";
    struct population population;
    assert_int_equal(parse(text, sizeof text - 1, &population), 0);
    assert_int_equal(population.count, 3);
    assert_int_equal(population.rows[0].low, 24);
    assert_int_equal(population.rows[0].high, 24);
    assert_true(population.rows[0].births == 90000 && population.rows[0].live == 1200.5);
    assert_int_equal(population.rows[1].low, 1024);
    assert_int_equal(population.rows[1].high, 2048);
    assert_true(population.births == 90000.5 && population.live == 1203.75);
    population_fini(&population);
    assert_null(population.rows);
}

static void test_what_is_wrong_is_said_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "f:1:1: not a distribution"},
        {"\nmems-fleet 1\n", "f:1:1: not a distribution"},
        {"mems-fleet\n8 1 1\n", "f:1:1: not a distribution"},
        {"mems-fleet 2\n8 1 1\n", "f:1:12: '2': this mems-stress reads version 1 only"},
        {"mems-fleet 1\n", "f:1:1: no row in which blocks are born"},
        {"mems-fleet 1\n8 0 1\n", "no row in which blocks are born"},
        {"mems-fleet 1\n8 1\n", "f:2:1: '8': a row is three words"},
        {"mems-fleet 1\n8 1 1 1\n", "f:2:7: '1': a row is three words"},
        {"mems-fleet 1\n8 1 1 1 1 1\n", "f:2:7: '1': a row is three words"},
        {"mems-fleet 1\n0 1 1\n", "f:2:1: '0': a size is 1 .. 1Ti"},
        {"mems-fleet 1\n2Ti 1 1\n", "f:2:1: '2Ti': a size is 1 .. 1Ti"},
        {"mems-fleet 1\n  8-x 1 1\n", "f:2:5: 'x'"},
        {"mems-fleet 1\n8kb 1 1\n", "f:2:1: '8kb': unknown unit"},
        {"mems-fleet 1\n9-8 1 1\n", "f:2:1: '9-8': a range that ends before it begins"},
        {"mems-fleet 1\n8 1 1\n8 1 1\n", "f:3:1: '8': sizes go up, and none is in two rows"},
        {"mems-fleet 1\n8-16 1 1\n12-20 1 1\n", "f:3:1: '12-20': sizes go up"},
        {"mems-fleet 1\n8 -1 1\n", "f:2:3: '-1'"},
        {"mems-fleet 1\n8 1 1e-16\n", "f:2:5: '1e-16': it should be 0, or a number from 1e-15"},
        {"mems-fleet 1\n8 1e16 1\n", "f:2:3: '1e16': it should be 0, or a number from 1e-15"},
        {"mems-fleet 1\n8 1 nan\n", "f:2:5: 'nan'"},
        {"mems-fleet 1\n8 1 1x3\n", "f:2:5: '1x3'"},
        {"mems-fleet 1\n8 2 0 # x\n", "f:2:5: '0': what is born lives for a while"},
        {"mems-fleet 1\n8 0 0\n", "f:2:5: '0': neither born nor alive"},
    };
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct population population;
        int error = parse(bad[i].text, strlen(bad[i].text), &population);
        if (error != EINVAL || population.rows != NULL ||
            strstr(complaint.text, bad[i].says) == NULL) {
            fail_msg("%s is answered with: %s", bad[i].text, complaint.text);
        }
    }
}

static void test_too_many_rows(void **state)
{
    (void)state;
    char *text;
    size_t length;
    struct population population;
    FILE *out = open_memstream(&text, &length);
    fprintf(out, "mems-fleet 1\n");
    for (unsigned i = 1; i <= POPULATION_ROWS; i++) {
        fprintf(out, "%u 1 1\n", i);
    }
    fflush(out);
    assert_int_equal(parse(text, length, &population), 0);
    assert_int_equal(population.count, POPULATION_ROWS);
    population_fini(&population);
    fprintf(out, "1Mi 1 1\n");
    fclose(out);
    assert_int_equal(parse(text, length, &population), EINVAL);
    assert_non_null(strstr(complaint.text, "f:4098:1: '1Mi': more than 4096 rows"));
    free(text);
}

// Whatever the bytes: read or refused, and what is read can be written and read again.
static void test_spoiled_files(void **state)
{
    (void)state;
    static const char whole[] = "mems-fleet 1\n# c\n8 10 20.5\n129-144 3.25 1\n1Ki-2Ki 0 4\n";
    static const char bytes[] = "\0\n\r #-.0189eKiT\xff";
    struct random random;
    random_init(&random, test_seed(), 0, 0);
    unsigned good = 0;
    for (unsigned i = 0; i < 100000 / MEMS_TEST_SCALE; i++) {
        char text[sizeof whole];
        struct population population, again;
        memcpy(text, whole, sizeof whole);
        for (uint64_t j = 1 + random_below(&random, 3); j > 0; j--) {
            text[random_below(&random, sizeof whole - 1)] =
                bytes[random_below(&random, sizeof bytes - 1)];
        }
        size_t length = sizeof whole - 1 - random_below(&random, 4);
        if (parse(text, length, &population) == 0) {
            char *written = population_text(&population, "a\nb");
            assert_int_equal(parse(written, strlen(written), &again), 0);
            assert_int_equal(again.count, population.count);
            free(written);
            population_fini(&population);
            population_fini(&again);
            good++;
        } else {
            assert_memory_equal(complaint.text, "f:", 2);
        }
    }
    assert_true(good > 100 / MEMS_TEST_SCALE);
}

static void test_writing_keeps_seven_digits(void **state)
{
    (void)state;
    struct population_row rows[] = {{1, 1, 123456789, 0.000001234567891},
                                    {17, 20, 0, 31.41592653589793},
                                    {1000, POPULATION_MOST, 0.1, 1e15}};
    struct population population = {.rows = rows, .count = 3}, again;
    char *text = population_text(&population, "one\ntwo");
    assert_non_null(strstr(text, "mems-fleet 1\n# one\n# two\n"));
    assert_int_equal(parse(text, strlen(text), &again), 0);
    assert_int_equal(again.count, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(again.rows[i].low, rows[i].low);
        assert_int_equal(again.rows[i].high, rows[i].high);
        assert_true(fabs(again.rows[i].births - rows[i].births) <= 5e-7 * rows[i].births);
        assert_true(fabs(again.rows[i].live - rows[i].live) <= 5e-7 * rows[i].live);
    }
    free(text);
    population_fini(&again);
}

// ---- classes ------------------------------------------------------------------------------------

static void test_classes_follow_each_other(void **state)
{
    (void)state;
    uint64_t next = 1, low, high;
    for (unsigned class = 1; next < UINT64_C(1) << 62; class ++) {
        population_class_sizes(class, &low, &high);
        assert_int_equal(low, next);
        assert_true(high >= low && (high > 128 || high == low));
        assert_true(high == low || (double)(high - low + 1) <= 0.125 * (double)low);
        assert_int_equal(population_class(low), class);
        assert_int_equal(population_class(high), class);
        next = high + 1;
        if (next <= 128) {
            assert_int_equal(population_class(next), class + 1);
        }
    }
    assert_int_equal(population_class(0), 1);
    assert_true(population_class(UINT64_MAX) < POPULATION_CLASSES);
}

// ---- fitting ------------------------------------------------------------------------------------

static void fit(const char *const *texts, size_t count, struct population *population,
                double *remote)
{
    char names[4][32];
    const char *paths[4];
    for (size_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], "/tmp/mems-test-XXXXXX");
        int file = mkstemp(names[i]);
        assert_true(file >= 0);
        assert_int_equal(write(file, texts[i], strlen(texts[i])), strlen(texts[i]));
        close(file);
        paths[i] = names[i];
    }
    complaint.text[0] = '\0';
    int error = population_fit(paths, count, population, remote, &complaint);
    for (size_t i = 0; i < count; i++) {
        unlink(names[i]);
    }
    if (error != 0) {
        fail_msg("%s", complaint.text);
    }
}

static void expect_row(const struct population *population, size_t index, uint64_t low,
                       uint64_t high, double births, double live)
{
    assert_true(index < population->count);
    const struct population_row *row = &population->rows[index];
    assert_int_equal(row->low, low);
    assert_int_equal(row->high, high);
    assert_true(fabs(row->births - births) < 1e-6);
    assert_true(fabs(row->live - live) < 1e-9);
}

// Eight operations: a resize is two.
static void test_a_trace_by_hand(void **state)
{
    (void)state;
    static const char *const text[] = {"alloc P1/a 8\n"     // live of 8: 1 1 1 1 1 0 0 0
                                       "alloc P1/b 130\n"   // of 129-144: 0 1 1 0 0 0 0 0
                                       "alloc P1/c 131\n"   // 0 0 1 1 ..: see below
                                       "resize P1/b 1000\n" // 961-1024: 0 0 0 0 1 ..
                                       "free P1/a\n"
                                       "free P1/b\n"
                                       "free P1/c\n"};
    struct population population;
    double remote;
    fit(text, 1, &population, &remote);
    assert_int_equal(population.count, 3);
    expect_row(&population, 0, 8, 8, 1e6 / 8, 5.0 / 8);
    // 0 1 2 1 1 1 1 0 after each operation
    expect_row(&population, 1, 129, 144, 2e6 / 8, 7.0 / 8);
    // 0 0 0 0 1 1 0 0
    expect_row(&population, 2, 961, 1024, 1e6 / 8, 2.0 / 8);
    assert_true(remote == 0);
    population_fini(&population);
}

// All that a process holds goes at once; what lives at the end of a trace goes with it; and a block
// born by the last operation has lived.
static void test_several_traces_and_free_all(void **state)
{
    (void)state;
    static const char *const texts[] = {"alloc P1/a 8\nalloc P1/b 8\nfree P1\nalloc P2/c 9\n",
                                        "alloc P1/a 9\nalloc P1/b 9\n"};
    struct population population;
    double remote;
    fit(texts, 2, &population, &remote);
    // Seven operations. 8: 1 2 1 0 0 | 0 0, 9: 0 0 0 0 1 | 1 2.
    assert_int_equal(population.count, 2);
    expect_row(&population, 0, 8, 8, 2e6 / 7, 4.0 / 7);
    expect_row(&population, 1, 9, 9, 3e6 / 7, 4.0 / 7);
    population_fini(&population);
}

static void test_a_trace_without_allocations(void **state)
{
    (void)state;
    struct population population;
    double remote;
    char name[] = "/tmp/mems-test-XXXXXX";
    const char *path = name;
    int file = mkstemp(name);
    assert_int_equal(write(file, "show\n", 5), 5);
    close(file);
    complaint.text[0] = '\0';
    assert_int_equal(population_fit(&path, 1, &population, &remote, &complaint), EINVAL);
    assert_non_null(strstr(complaint.text, "allocates nothing"));
    unlink(name);
    assert_int_equal(population_fit(&path, 1, &population, &remote, NULL), ENOENT);
}

// Shares add up to 1, the median is where it should be, and so are the quartiles.
static void test_log_normal(void **state)
{
    (void)state;
    struct population population;
    assert_int_equal(population_log_normal(1000, 1.5, 5000, &population), 0);
    assert_true(fabs(population.live - 5000) < 1e-4);
    assert_true(fabs(population.births - 5e5) < 1e-2);
    double below = 0, lower = 0, median = 0, upper = 0;
    for (size_t i = 0; i < population.count; i++) {
        const struct population_row *row = &population.rows[i];
        assert_true(fabs(row->births / row->live - 100) < 1e-9); // all live equally long
        below += row->live / 5000;
        lower = below <= 0.25 ? (double)row->high : lower;
        median = below <= 0.5 ? (double)row->high : median;
        upper = below <= 0.75 ? (double)row->high : upper;
    }
    // exp(1.5 * 0.6745) = 2.751; a class is an eighth wide.
    assert_true(lower <= 1000 / 2.751 && lower >= 1000 / 2.751 / 1.125);
    assert_true(median <= 1000 && median >= 1000 / 1.125);
    assert_true(upper <= 1000 * 2.751 && upper >= 1000 * 2.751 / 1.125);
    population_fini(&population);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_read),
        cmocka_unit_test(test_what_is_wrong_is_said_with_its_place),
        cmocka_unit_test(test_too_many_rows),
        cmocka_unit_test(test_spoiled_files),
        cmocka_unit_test(test_writing_keeps_seven_digits),
        cmocka_unit_test(test_classes_follow_each_other),
        cmocka_unit_test(test_a_trace_by_hand),
        cmocka_unit_test(test_several_traces_and_free_all),
        cmocka_unit_test(test_a_trace_without_allocations),
        cmocka_unit_test(test_log_normal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
