// SPDX-License-Identifier: MIT
//
// test_wrap.c - no line is longer than it may be, no word is lost or cut.

#include "result/wrap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *wrapped(int at, int indent, const char *text)
{
    char *result = NULL;
    size_t size;
    FILE *out = open_memstream(&result, &size);
    assert_non_null(out);
    wrap_words(out, at, indent, text);
    fclose(out);
    return result;
}

static void test_a_blank_between_words(void **state)
{
    (void)state;
    static const struct {
        int at, indent;
        const char *text, *result;
    } cases[] = {
        {3, 4, "one two", " one two\n"},
        {4, 4, "one", " one\n"},
        {0, 4, "one  two", "    one two\n"},
        {0, 0, "", "\n"},
        {98, 2, "x", " x\n"},
        {99, 2, "x y", "\n  x y\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *result = wrapped(cases[i].at, cases[i].indent, cases[i].text);
        assert_string_equal(result, cases[i].result);
        free(result);
    }
}

static void test_as_wide_as_it_is_told(void **state)
{
    (void)state;
    char *result = NULL;
    size_t size;
    FILE *out = open_memstream(&result, &size);
    assert_non_null(out);
    assert_int_equal(wrap_terminal(out), 80); // it is none
    wrap_within(out, 10, 0, 0, "eight... 9");
    wrap_within(out, 10, 0, 2, "seven.. eight... nine.....");
    wrap_within(out, 10, 4, 2, "12345 6 7");
    fclose(out);
    assert_string_equal(result, "eight... 9\n  seven..\n  eight...\n  nine.....\n 12345\n  6 7\n");
    free(result);
}

static void test_lines_are_full_but_not_longer(void **state)
{
    (void)state;
    char text[2000] = "";
    for (unsigned i = 0; i < 300; i++) {
        strcat(text, i % 3 == 0 ? "a " : i % 3 == 1 ? "bcd " : "efghijk ");
    }
    char *result = wrapped(0, 4, text);
    size_t words = 0;
    for (char *line = strtok(result, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        assert_true(strlen(line) <= WRAP_WIDTH);
        assert_memory_equal(line, "    ", 4);
        for (char *at = line; *at != '\0'; at++) {
            words += *at != ' ' && (at[1] == ' ' || at[1] == '\0');
        }
    }
    assert_int_equal(words, 300);
    free(result);
}

static void test_long_words_and_characters(void **state)
{
    (void)state;
    char word[200] = "";
    memset(word, 'w', 150);
    char *result = wrapped(5, 2, word);
    assert_int_equal(strcspn(result, "w"), 3); // a line of its own, whole
    assert_int_equal(strspn(result + 3, "w"), 150);
    free(result);
    // A character of two bytes is one column.
    char text[200] = "";
    for (unsigned i = 0; i < 49; i++) {
        strcat(text, "\xc3\xa9");
    }
    result = wrapped(50, 2, text);
    assert_int_equal(result[0], ' ');
    assert_int_equal(strcspn(result, "\n"), strlen(result) - 1); // in one line
    free(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_blank_between_words),
        cmocka_unit_test(test_as_wide_as_it_is_told),
        cmocka_unit_test(test_lines_are_full_but_not_longer),
        cmocka_unit_test(test_long_words_and_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
