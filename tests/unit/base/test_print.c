// SPDX-License-Identifier: MIT
//
// test_print.c - every conversion against the C library's, and truncation.

#include "support/test.h"

#include <limits.h>
#include <string.h>

#include "base/print.h"

static void test_numbers(void **state)
{
    (void)state;
    char text[64];
    struct printer printer;
    print_init(&printer, text, sizeof text);
    assert_string_equal(text, "");
    print_number(&printer, 0);
    print_text(&printer, " ");
    print_number(&printer, UINT64_MAX);
    print_text(&printer, " ");
    print_hex(&printer, 0);
    print_text(&printer, " ");
    print_hex(&printer, UINT64_MAX);
    assert_string_equal(text, "0 18446744073709551615 0x0 0xffffffffffffffff");
    assert_int_equal(printer.length, strlen(text));
}

#define CHECK(...)                                                                                 \
    do {                                                                                           \
        char ours[200];                                                                            \
        char theirs[200];                                                                          \
        struct printer printer;                                                                    \
        print_init(&printer, ours, sizeof ours);                                                   \
        print_format(&printer, __VA_ARGS__);                                                       \
        snprintf(theirs, sizeof theirs, __VA_ARGS__);                                              \
        assert_string_equal(ours, theirs);                                                         \
        assert_int_equal(printer.length, strlen(theirs));                                          \
    } while (0)

static void test_format(void **state)
{
    (void)state;
    CHECK("plain");
    CHECK("%s|%s", "", "word");
    CHECK("%c%c%%", 'a', 'z');
    CHECK("%d %d %d %d", 0, -1, INT_MAX, INT_MIN);
    CHECK("%u %u", 0u, UINT_MAX);
    CHECK("%zu %zu", (size_t)0, SIZE_MAX);
    CHECK("%llu %llu", 0ull, ULLONG_MAX);
    CHECK("%x %zx %llx", UINT_MAX, SIZE_MAX, ULLONG_MAX);
    CHECK("%x %llx", 0u, 0xdeadbeefull);
    CHECK("a%sb%uc%%d", "-", 7u);
}

static void test_truncation(void **state)
{
    (void)state;
    for (size_t size = 1; size < 30; size++) {
        char ours[40];
        char theirs[40];
        memset(ours, '#', sizeof ours);
        struct printer printer;
        print_init(&printer, ours, size);
        print_format(&printer, "%s is %u of %d", "twelve", 1234567u, -89);
        snprintf(theirs, size, "%s is %u of %d", "twelve", 1234567u, -89);
        assert_string_equal(ours, theirs);
        assert_int_equal(ours[size], '#');
        print_text(&printer, "more"); // full: nothing happens, or what fits
        assert_true(printer.length < size);
        assert_int_equal(ours[printer.length], 0);
        assert_int_equal(ours[size], '#');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_truncation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
