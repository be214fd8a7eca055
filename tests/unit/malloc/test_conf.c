// SPDX-License-Identifier: MIT
//
// test_conf.c - MEMS_MALLOC_CONF: values, and that a mistake costs its own key only.

#include "unit/malloc/law_conf.h"

static struct conf got;
static char complaints[4000];
static unsigned lines;

static void note(struct printer *complaint)
{
    strcat(strcat(complaints, complaint->text), "\n");
    lines++;
}

static unsigned parse(const char *text)
{
    char buffer[400];
    struct printer complaint;
    print_init(&complaint, buffer, sizeof buffer);
    memset(&got, 0xff, sizeof got);
    complaints[0] = 0;
    lines = 0;
    unsigned mistakes = conf_parse(&got, text, &complaint, note);
    assert_int_equal(mistakes, lines);
    return mistakes;
}

static void expect(uint64_t decay_ms, unsigned thp, unsigned background, unsigned print)
{
    assert_int_equal(got.decay_ms, decay_ms);
    assert_int_equal(got.thp, thp);
    assert_int_equal(got.background, background);
    assert_int_equal(got.print, print);
}

static void test_defaults(void **state)
{
    (void)state;
    static const char *const texts[] = {NULL, "", " ", ",", " , ,,"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(parse(texts[i]), 0);
        expect(250, DEPOT_THP_AUTO, 0, CONF_PRINT_NONE);
    }
}

static void test_values(void **state)
{
    (void)state;
    assert_int_equal(parse("decay=0,thp=never,background=1,print=stats"), 0);
    expect(0, DEPOT_THP_NEVER, 1, CONF_PRINT_STATS);
    assert_int_equal(parse(" print = none , thp=always, decay=never,background=0,"), 0);
    expect(DEPOT_DECAY_NEVER, DEPOT_THP_ALWAYS, 0, CONF_PRINT_NONE);
    assert_int_equal(parse("decay=86400000,thp=auto"), 0);
    expect(86400000, DEPOT_THP_AUTO, 0, CONF_PRINT_NONE);
}

static void test_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"nosuch=1", "unknown option 'nosuch'; the options are decay, thp, background, print\n"},
        {"deca=1", "unknown option 'deca' (did you mean 'decay'?); the options are decay, thp, "
                   "background, print\n"},
        {"decay=soon", "decay=soon is not a number; allowed is 0..86400000 (ms) or never\n"},
        {"decay=-1", "decay=-1 is not a number; allowed is 0..86400000 (ms) or never\n"},
        {"decay=86400001",
         "decay=86400001 is out of range; allowed is 0..86400000 (ms) or never\n"},
        {"decay=99999999999999999999",
         "decay=99999999999999999999 is out of range; allowed is 0..86400000 (ms) or never\n"},
        {"decay=Never", "decay=Never is not a number; allowed is 0..86400000 (ms) or never\n"},
        {"thp=nver", "thp=nver is not one of never|auto|always (did you mean 'never'?)\n"},
        {"background=yes", "background=yes is not one of 0|1\n"},
        {"print", "option 'print' has no value: write print=none|stats\n"},
        {"thp=", "option 'thp' has no value: write thp=never|auto|always\n"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(parse(wrong[i].text), 1);
        assert_string_equal(complaints, wrong[i].says);
        expect(250, DEPOT_THP_AUTO, 0, CONF_PRINT_NONE);
    }
}

static void test_others_count(void **state)
{
    (void)state;
    assert_int_equal(parse("nosuch=1,decay=never,thp=sometimes,background=1"), 2);
    expect(DEPOT_DECAY_NEVER, DEPOT_THP_AUTO, 1, CONF_PRINT_NONE);
    assert_int_equal(parse("decay=1,decay=2"), 1);
    assert_string_equal(complaints, "option 'decay' is given twice\n");
    expect(1, DEPOT_THP_AUTO, 0, CONF_PRINT_NONE);
}

static void test_any_text(void **state)
{
    (void)state;
    static const char letters[] = "=,()01a decaythpnever";
    uint64_t seed = test_seed();
    for (int round = 0; round < 20000 / MEMS_TEST_SCALE; round++) {
        char text[40];
        size_t length = 0;
        for (; length + 1 < sizeof text && (seed >> 59) != 0; length++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            text[length] = letters[(seed >> 33) % (sizeof letters - 1)];
        }
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        text[length] = 0;
        conf_law(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_values),
        cmocka_unit_test(test_mistakes), cmocka_unit_test(test_others_count),
        cmocka_unit_test(test_any_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
