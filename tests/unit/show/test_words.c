// SPDX-License-Identifier: MIT
//
// test_words.c - amounts, names and operations as they are said.

#include "show/words.h"

#include <string.h>

#include "support/test.h"

static void expect_amount(uint64_t bytes, uint64_t unit, const char *said)
{
    char text[32];
    words_amount(bytes, unit, text, sizeof text);
    assert_string_equal(text, said);
}

static void test_amounts(void **state)
{
    (void)state;
    expect_amount(0, 16, "0");
    expect_amount(3200, 16, "200");
    expect_amount(3208, 16, "200.50");
    expect_amount(65535, 1, "65535");
    expect_amount(65536, 1, "64Ki");
    expect_amount(65537, 1, "65537");
    expect_amount(1u << 20, 1, "1Mi");
    expect_amount(4096u * 200, 4096, "200");
}

static void test_operations(void **state)
{
    (void)state;
    static const char text[] = "alloc P1 200\nalloc P2/b\nresize P2/b 7\ntouch P2/b 6 w\n"
                               "touch P2/b 6\nfree P2/b\nfree P1\nshow\ncompact\n";
    static const char *const said[] = {"alloc P1 200",   "alloc P2/b",   "resize P2/b 7",
                                       "touch P2/b 6 w", "touch P2/b 6", "free P2/b",
                                       "free P1",        "show",         "compact"};
    struct trace *trace;
    struct complaint complaint = {""};
    assert_int_equal(trace_parse(text, strlen(text), "t", &trace, NULL, &complaint), 0);
    for (size_t i = 0; i < trace->op_count; i++) {
        char operation[100];
        words_operation(trace, &trace->ops[i], operation, sizeof operation);
        assert_string_equal(operation, said[i]);
    }
    trace_free(trace);
}

// Blocks that are called by number, as a recording has them.
static void test_numbered(void **state)
{
    (void)state;
    static const char text[] = "numbered 2\nalloc P1/0 16\nalloc P1/1 16\n";
    struct trace *trace;
    struct complaint complaint = {""};
    char name[32];
    assert_int_equal(trace_parse(text, strlen(text), "t", &trace, NULL, &complaint), 0);
    words_name(trace, 0, 1, name, sizeof name);
    assert_string_equal(name, "1");
    words_name(trace, 0, SHOW_NOBODY, name, sizeof name);
    assert_string_equal(name, "P1");
    words_name(trace, SHOW_NOBODY, SHOW_NOBODY, name, sizeof name);
    assert_string_equal(name, "?");
    trace_free(trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_amounts),
        cmocka_unit_test(test_operations),
        cmocka_unit_test(test_numbered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
