// SPDX-License-Identifier: MIT
//
// test_number.c - arithmetic in numbers, against fractions that are computed here.

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "job/number.h"
#include "support/test.h"
#include "workload/random.h"

static void test_examples(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum number_units units;
        uint64_t value;
    } rows[] = {
        {"2*4", NUMBER_COUNT, 8},
        {"2+3*4", NUMBER_COUNT, 14},
        {"(2+3)*4", NUMBER_COUNT, 20},
        {"10-3-2", NUMBER_COUNT, 5},
        {"100/5/2", NUMBER_COUNT, 10},
        {"3/2*2", NUMBER_COUNT, 3},
        {"1.5*2", NUMBER_COUNT, 3},
        {"1-2+3", NUMBER_COUNT, 2},
        {" ( 1 + 1 ) * 2 ", NUMBER_COUNT, 4},
        {"((((7))))", NUMBER_COUNT, 7},
        {"2*1.5k", NUMBER_COUNT, 3000},
        {"18446744073709551615", NUMBER_COUNT, UINT64_MAX},
        {"18446744073709551615*18446744073709551615/18446744073709551615", NUMBER_COUNT,
         0}, // too large on the way
        {"(1+3)*4Ki", NUMBER_BYTES, 16384},
        {"1Mi-64", NUMBER_BYTES, 1048512},
        {"1Ki/3*3", NUMBER_BYTES, 1024},
        {"1s/4", NUMBER_TIME, 250000000},
        {"2*10ms+5us", NUMBER_TIME, 20005000},
        {"1s/100ms*1ms", NUMBER_TIME, 10000000},
        {"0", NUMBER_TIME, 0},
        {"1s-1000ms", NUMBER_TIME, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t value = 0;
        struct complaint complaint = {{0}};
        int error =
            number_parse(rows[i].text, strlen(rows[i].text), rows[i].units, &value, &complaint);
        if (strstr(rows[i].text, "5*18")) {
            assert_int_equal(error, EINVAL);
            assert_string_equal(complaint.text, "the number does not fit in 64 bits");
            continue;
        }
        if (error || value != rows[i].value) {
            fail_msg("%s is %" PRIu64 ", not %" PRIu64 " %s", rows[i].text, rows[i].value, value,
                     complaint.text);
        }
    }
}

// A fraction small enough to be right: what the expressions below come to.
struct fraction {
    int64_t above, below; // below > 0
    bool defined;
};

static int64_t divisor(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a < 0 ? -a : a;
}

static struct fraction fraction_of(int64_t above, int64_t below)
{
    if (below == 0) {
        return (struct fraction){0};
    }
    int64_t shared = divisor(above, below) * (below < 0 ? -1 : 1);
    return (struct fraction){above / shared, below / shared, true};
}

static struct fraction combine(char sign, struct fraction a, struct fraction b)
{
    if (!a.defined || !b.defined) {
        return (struct fraction){0};
    }
    switch (sign) {
    case '+':
        return fraction_of(a.above * b.below + b.above * a.below, a.below * b.below);
    case '-':
        return fraction_of(a.above * b.below - b.above * a.below, a.below * b.below);
    case '*':
        return fraction_of(a.above * b.above, a.below * b.below);
    default:
        return fraction_of(a.above * b.below, a.below * b.above);
    }
}

// Writes a random expression, each operation in parentheses of its own, and returns its value.
static struct fraction write_expression(struct random *random, char *text, unsigned depth)
{
    if (depth == 0 || random_below(random, 4) == 0) {
        int64_t number = (int64_t)random_below(random, 10);
        sprintf(text + strlen(text), "%" PRId64, number);
        return fraction_of(number, 1);
    }
    char sign = "+-*/"[random_below(random, 4)];
    strcat(text, "(");
    struct fraction left = write_expression(random, text, depth - 1);
    sprintf(text + strlen(text), "%s%c%s", random_below(random, 2) ? " " : "", sign,
            random_below(random, 2) ? " " : "");
    struct fraction right = write_expression(random, text, depth - 1);
    strcat(text, ")");
    return combine(sign, left, right);
}

static void test_random_expressions(void **state)
{
    (void)state;
    struct random random;
    unsigned whole = 0;
    random_init(&random, test_seed(), 0, 0);
    for (unsigned i = 0; i < 100000 / MEMS_TEST_SCALE; i++) {
        char text[1024] = "";
        struct fraction expected = write_expression(&random, text, 3);
        struct complaint complaint = {{0}};
        uint64_t value = 0;
        int error = number_parse(text, strlen(text), NUMBER_COUNT, &value, &complaint);
        const char *why = !expected.defined     ? "division by zero"
                          : expected.above < 0  ? "below 0"
                          : expected.below != 1 ? "not a whole number"
                                                : "";
        if (strcmp(complaint.text, why) != 0 || (error == 0) != (why[0] == 0) ||
            (error == 0 && value != (uint64_t)expected.above)) {
            fail_msg("%s is %" PRId64 "/%" PRId64 ", not %" PRIu64 " (%s)", text, expected.above,
                     expected.below, value, complaint.text);
        }
        whole += error == 0;
    }
    assert_true(whole > 1000 / MEMS_TEST_SCALE);
}

static void test_deep_parentheses_are_told(void **state)
{
    (void)state;
    char text[4096];
    uint64_t value;
    struct complaint complaint = {{0}};
    memset(text, '(', sizeof text);
    assert_int_equal(number_parse(text, sizeof text, NUMBER_COUNT, &value, &complaint), EINVAL);
    assert_string_equal(complaint.text, "more than 64 parentheses inside one another");
}

// The one number of 128 bits whose negative does not exist.
static void test_the_least_number(void **state)
{
    (void)state;
    static const char text[] = "(0-9223372036854775808)*18446744073709551615*2/(0-1)";
    uint64_t value;
    struct complaint complaint = {{0}};
    assert_int_equal(number_parse(text, strlen(text), NUMBER_COUNT, &value, &complaint), EINVAL);
    assert_string_equal(complaint.text, "the number does not fit in 64 bits");
}

static void test_written_numbers_are_read_back(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, test_seed(), 0, 0);
    for (unsigned i = 0; i < 10000 / MEMS_TEST_SCALE; i++) {
        char text[40];
        uint64_t back;
        uint64_t number = random_next(&random) >> random_below(&random, 64);
        number <<= random_below(&random, 2) * random_below(&random, 12);
        for (unsigned units = NUMBER_COUNT; units <= NUMBER_TIME; units++) {
            number_write(number, (enum number_units)units, text, sizeof text);
            assert_int_equal(
                number_parse(text, strlen(text), (enum number_units)units, &back, NULL), 0);
            assert_true(back == number);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_random_expressions),
        cmocka_unit_test(test_deep_parentheses_are_told),
        cmocka_unit_test(test_the_least_number),
        cmocka_unit_test(test_written_numbers_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
