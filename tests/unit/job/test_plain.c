// SPDX-License-Identifier: MIT
//
// test_plain.c - nothing that a terminal obeys comes through, by any way; and letters do.

#include "job/plain.h"

#include <stdlib.h>
#include <string.h>

#include "job/complaint.h"
#include "support/test.h"

static const struct {
    const char *text, *shown;
} samples[] = {
    {"plain words, 100 %", "plain words, 100 %"},
    {"\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"},
    {"a\bb\rc\a\x7f", "a\\x08b\\x0dc\\x07\\x7f"},
    {"abc\xe2\x80\xae"
     "def",
     "abc\\u202edef"},
    {"\xe2\x81\xa6x\xe2\x81\xa9", "\\u2066x\\u2069"},
    {"\xe2\x80\xa8\xef\xbb\xbf\xd8\x9c", "\\u2028\\ufeff\\u061c"},
    {"\xc2\x9b"
     "31m",
     "\\u009b31m"},
    {"gr\xc3\xbc\xc3\x9f \xe4\xb8\xad \xf0\x9f\x98\x80",
     "gr\xc3\xbc\xc3\x9f \xe4\xb8\xad \xf0\x9f\x98\x80"},
    {"\x9b"
     "31m \xff",
     "\\x9b31m \\xff"},
    {"\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80", "\\xc0\\xaf \\xed\\xa0\\x80 \\xf4\\x90\\x80\\x80"},
    {"cut \xe4\xb8", "cut \\xe4\\xb8"},
    {"\xe4\x1b", "\\xe4\\x1b"},
};

static void test_complaints(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct complaint complaint = {{0}};
        complain(&complaint, "%s", samples[i].text);
        assert_string_equal(complaint.text, samples[i].shown);
        assert_string_equal(plain_line(samples[i].text).text, samples[i].shown);
    }
    const struct complaint_place place = {"a\x1b", 1, 2};
    struct complaint complaint = {{0}};
    complain_at(&complaint, &place, "two\nlines\t%s", "\x1b");
    assert_string_equal(complaint.text, "a\\x1b:1:2: two\nlines\t\\x1b");
    assert_string_equal(plain_line("two\nlines\t").text, "two\\x0alines\\x09");
}

// All samples, in pieces of so many bytes.
static char *stream(size_t piece, int mode)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    FILE *plain = plain_open(out);
    setvbuf(plain, NULL, mode, 0);
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        const char *at = samples[i].text;
        size_t left = strlen(at);
        while (left > 0) {
            size_t length = left < piece ? left : piece;
            assert_int_equal(fwrite(at, 1, length, plain), length);
            at += length;
            left -= length;
        }
        fputc('\n', plain);
    }
    assert_int_equal(fclose(plain), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void test_streams(void **state)
{
    (void)state;
    char expected[1000] = "";
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        strcat(strcat(expected, samples[i].shown), "\n");
    }
    for (size_t piece = 1; piece < 6; piece++) {
        char *text = stream(piece, _IONBF);
        assert_string_equal(text, expected);
        free(text);
    }
    char *text = stream(1, _IOFBF);
    assert_string_equal(text, expected);
    free(text);
}

static void test_cut_by_the_end(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    FILE *plain = plain_open(out);
    fputs("\xe4\xb8", plain);
    fclose(plain);
    fclose(out);
    assert_string_equal(text, "\\xe4\\xb8");
    free(text);
}

static void test_room(void **state)
{
    (void)state;
    char small[10] = "\x1b\x1b\x1b";
    plain_make(small, sizeof small); // an escape is there whole or not at all
    assert_string_equal(small, "\\x1b\\x1b");
    char many[2000];
    memset(many, 'x', sizeof many - 1);
    many[sizeof many - 1] = '\0';
    assert_int_equal(strlen(plain_line(many).text), sizeof(struct plain_line) - 1);
}

static void test_lost_output(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "we");
    assert_non_null(full);
    setvbuf(full, NULL, _IONBF, 0);
    FILE *plain = plain_open(full);
    fputs("something", plain);
    fclose(plain);
    assert_true(ferror(full));
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complaints),     cmocka_unit_test(test_streams),
        cmocka_unit_test(test_cut_by_the_end), cmocka_unit_test(test_room),
        cmocka_unit_test(test_lost_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
