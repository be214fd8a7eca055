// SPDX-License-Identifier: MIT
//
// test_option.c - every kind of value, and the text of every complaint.

#include "support/test.h"

#include <errno.h>
#include <string.h>

#include "base/option.h"

static const char *const fits[] = {"first", "next", "best", "worst", NULL};

struct engine_settings {
    uint64_t arenas;
    uint64_t capacity;
    bool cache;
};

struct policy_settings {
    unsigned fit;
    struct option_text partitions;
    uint64_t steps;
};

static const struct option engine_table[] = {
    {"arenas", OPTION_NUMBER, 1, 64, NULL, "1..64", "4", "how many",
     offsetof(struct engine_settings, arenas)},
    {"capacity", OPTION_SIZE, 4096, UINT64_C(1) << 40, NULL, "4Ki..1Ti", "1Mi", "how much",
     offsetof(struct engine_settings, capacity)},
    {"cache", OPTION_FLAG, 0, 0, NULL, NULL, "yes", "whether",
     offsetof(struct engine_settings, cache)},
    {0},
};

static const struct option policy_table[] = {
    {"fit", OPTION_CHOICE, 0, 0, fits, NULL, "first", "which",
     offsetof(struct policy_settings, fit)},
    {"partitions", OPTION_TEXT, 0, 0, NULL, "SIZExCOUNT,..", "64Kix8", "what",
     offsetof(struct policy_settings, partitions)},
    {"steps", OPTION_NUMBER, 0, 9, NULL, NULL, "3", "how often",
     offsetof(struct policy_settings, steps)},
    {0},
};

static struct engine_settings engine;
static struct policy_settings policy;
static char complaint[400];

static int parse(const char *text)
{
    struct option_set sets[] = {{engine_table, &engine}, {policy_table, &policy}};
    struct printer printer;
    print_init(&printer, complaint, sizeof complaint);
    memset(&engine, 0xff, sizeof engine);
    memset(&policy, 0xff, sizeof policy);
    return option_parse(sets, 2, text, &printer);
}

static void expect_partitions(const char *text)
{
    assert_int_equal(policy.partitions.length, strlen(text));
    assert_memory_equal(policy.partitions.text, text, strlen(text));
}

static void test_defaults(void **state)
{
    (void)state;
    static const char *const nothing[] = {NULL, "", "  "};
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(parse(nothing[i]), 0);
        assert_int_equal(engine.arenas, 4);
        assert_int_equal(engine.capacity, 1 << 20);
        assert_true(engine.cache);
        assert_int_equal(policy.fit, 0);
        assert_int_equal(policy.steps, 3);
        expect_partitions("64Kix8");
        assert_string_equal(complaint, "");
    }
}

static void test_values(void **state)
{
    (void)state;
    assert_int_equal(parse("arenas=64,capacity=16Ki,cache=no,fit=worst,steps=9"), 0);
    assert_int_equal(engine.arenas, 64);
    assert_int_equal(engine.capacity, 16384);
    assert_false(engine.cache);
    assert_int_equal(policy.fit, 3);
    assert_int_equal(policy.steps, 9);
    assert_int_equal(parse(" fit = best , arenas = 1 "), 0);
    assert_int_equal(policy.fit, 2);
    assert_int_equal(engine.arenas, 1);
    static const char *const yes[] = {"cache=yes", "cache=on", "cache=true", "cache=1"};
    static const char *const no[] = {"cache=no", "cache=off", "cache=false", "cache=0"};
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(parse(yes[i]), 0);
        assert_true(engine.cache);
        assert_int_equal(parse(no[i]), 0);
        assert_false(engine.cache);
    }
}

// A piece without '=' belongs to the value before it, and commas in parentheses separate nothing.
static void test_commas(void **state)
{
    (void)state;
    assert_int_equal(parse("partitions=64Kx100,1Mx10,fit=best"), 0);
    expect_partitions("64Kx100,1Mx10");
    assert_int_equal(policy.fit, 2);
    assert_int_equal(parse("fit=next,partitions=a,b,c"), 0);
    expect_partitions("a,b,c");
    assert_int_equal(parse("partitions=f(x=1,y=(2,z=3)),arenas=2"), 0);
    expect_partitions("f(x=1,y=(2,z=3))");
    assert_int_equal(engine.arenas, 2);
    assert_int_equal(parse("partitions=a=b,arenas=3"), 0);
    expect_partitions("a=b");
    assert_int_equal(engine.arenas, 3);
}

static void complains(const char *text, const char *expected)
{
    assert_int_equal(parse(text), EINVAL);
    assert_string_equal(complaint, expected);
}

#define KNOWN "; the options are arenas, capacity, cache, fit, partitions, steps"
#define UNITS                                                                                      \
    " is not a size: digits, then nothing, k M G T (powers of 1000) or Ki Mi Gi Ti (powers of "    \
    "1024); allowed is 4Ki..1Ti"

static void test_complaints(void **state)
{
    (void)state;
    complains("arena=3", "unknown option 'arena' (did you mean 'arenas'?)" KNOWN);
    complains("tif=best", "unknown option 'tif'" KNOWN);
    complains("capactiy=1", "unknown option 'capactiy' (did you mean 'capacity'?)" KNOWN);
    complains("best", "unknown option 'best'" KNOWN);
    complains("=3", "unknown option ''" KNOWN);
    complains("fit", "option 'fit' has no value: write fit=first|next|best|worst");
    complains("arenas=", "option 'arenas' has no value: write arenas=1..64");
    complains("cache= ,fit=best", "option 'cache' has no value: write cache=yes|no");
    complains("steps=", "option 'steps' has no value: write steps=0..9");
    complains("partitions=", "option 'partitions' has no value: write partitions=SIZExCOUNT,..");
    complains("fit=best,fit=best", "option 'fit' is given twice");
    complains("fit=best,arenas=1,arenas=2", "option 'arenas' is given twice");
    complains("arenas=0", "arenas=0 is out of range; allowed is 1..64");
    complains("arenas=65", "arenas=65 is out of range; allowed is 1..64");
    complains("arenas=18446744073709551616",
              "arenas=18446744073709551616 is out of range; allowed is 1..64");
    complains("arenas=4k", "arenas=4k is not a number; allowed is 1..64");
    complains("arenas=-1", "arenas=-1 is not a number; allowed is 1..64");
    complains("steps=x", "steps=x is not a number; allowed is 0..9");
    complains("capacity=4095", "capacity=4095 is out of range; allowed is 4Ki..1Ti");
    complains("capacity=99999999Ti", "capacity=99999999Ti is out of range; allowed is 4Ki..1Ti");
    complains("capacity=12Q", "capacity=12Q" UNITS);
    complains("capacity=Ki", "capacity=Ki" UNITS);
    complains("capacity=1.5Mi", "capacity=1.5Mi" UNITS);
    complains("cache=maybe", "cache=maybe is neither yes nor no");
    complains("fit=worse", "fit=worse is not one of first|next|best|worst (did you mean 'worst'?)");
    complains("fit=tightest", "fit=tightest is not one of first|next|best|worst");
    complains("fit=best,cheap", "fit=best,cheap is not one of first|next|best|worst");
    complains("partitions=f(1,fit=best", "the options 'partitions=f(1,fit=best' have a '(' without "
                                         "its ')'");
    complains("fit=best)", "the options 'fit=best)' have a ')' without its '('");
    complains(",fit=best", "the options ',fit=best' have a comma with nothing beside it");
    complains("fit=best,", "the options 'fit=best,' have a comma with nothing beside it");
    complains("fit=best, ,arenas=1",
              "the options 'fit=best, ,arenas=1' have a comma with nothing beside it");
}

// A complaint that is longer than its buffer is cut, not spilt.
static void test_long_complaint(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    assert_int_equal(parse(text), EINVAL);
    assert_int_equal(strlen(complaint), sizeof complaint - 1);
}

static int size_of(const char *text, uint64_t *size)
{
    *size = 77;
    return option_size(text, strlen(text), size);
}

static void test_size(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t size;
    } good[] = {
        {"0", 0},
        {"1", 1},
        {"18446744073709551615", UINT64_MAX},
        {"1k", 1000},
        {"2K", 2000},
        {"3M", 3000000},
        {"4G", UINT64_C(4000000000)},
        {"5T", UINT64_C(5000000000000)},
        {"6Ki", 6144},
        {"6ki", 6144},
        {"7Mi", UINT64_C(7) << 20},
        {"8Gi", UINT64_C(8) << 30},
        {"16777215Ti", UINT64_C(16777215) << 40},
    };
    uint64_t size;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(size_of(good[i].text, &size), 0);
        assert_int_equal(size, good[i].size);
    }
    static const char *const bad[] = {"", "k", "-1", "+1", " 1", "1 ", "1kk", "1m", "1KiB", "0x10"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(size_of(bad[i], &size), EINVAL);
        assert_int_equal(size, 77);
    }
    assert_int_equal(size_of("18446744073709551616", &size), ERANGE);
    assert_int_equal(size_of("16777216Ti", &size), ERANGE);
    assert_int_equal(size_of("99999999999999999999999k", &size), ERANGE);
    assert_int_equal(size, 77);
    assert_int_equal(option_size("123Ki", 2, &size), 0); // by length, not by terminator
    assert_int_equal(size, 12);
}

// ---- words beside numbers, and mistakes that cost one key
// -----------------------------------------

static const char *const never[] = {"never", NULL};

static const struct option word_table[] = {
    {"steps", OPTION_NUMBER, 0, 9, never, "0..9 or never", "3", "how often",
     offsetof(struct policy_settings, steps)},
    {"fit", OPTION_CHOICE, 0, 0, fits, NULL, "first", "which",
     offsetof(struct policy_settings, fit)},
    {0},
};

static char all[1000];

static void note(struct printer *printer)
{
    strcat(strcat(all, printer->text), "\n");
}

static unsigned parse_each(const char *text)
{
    struct option_set set = {word_table, &policy};
    struct printer printer;
    print_init(&printer, complaint, sizeof complaint);
    memset(&policy, 0xff, sizeof policy);
    all[0] = 0;
    return option_parse_each(&set, 1, text, &printer, note);
}

static void test_each(void **state)
{
    (void)state;
    assert_int_equal(parse_each("steps=never,fit=best"), 0);
    assert_true(policy.steps == UINT64_MAX);
    assert_int_equal(policy.fit, 2);
    assert_int_equal(parse_each(NULL), 0);
    assert_int_equal(policy.steps, 3);
    assert_int_equal(parse_each(",, fit=next , "), 0);
    assert_int_equal(policy.fit, 1);
    assert_int_equal(parse_each("x=1,steps=10,fit=wrst,steps,fit=best"), 4);
    assert_int_equal(policy.steps, 3);
    assert_int_equal(policy.fit, 0);
    assert_string_equal(all, "unknown option 'x'; the options are steps, fit\n"
                             "steps=10 is out of range; allowed is 0..9 or never\n"
                             "fit=wrst,steps is not one of first|next|best|worst\n"
                             "option 'fit' is given twice\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),       cmocka_unit_test(test_values),
        cmocka_unit_test(test_commas),         cmocka_unit_test(test_complaints),
        cmocka_unit_test(test_long_complaint), cmocka_unit_test(test_size),
        cmocka_unit_test(test_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
