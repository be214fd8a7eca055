// SPDX-License-Identifier: MIT
//
// test_references.c - reference strings: what is read, how pages are numbered, what is refused.

#include "faults/references.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "support/test.h"

static void expect_pages(const char *text, const uint64_t *pages, size_t count, size_t distinct)
{
    struct references references;
    struct complaint complaint = {""};
    if (references_parse(text, strlen(text), "t", &references, &complaint) != 0) {
        fail_msg("%s", complaint.text);
    }
    assert_int_equal(references.count, count);
    assert_int_equal(references.page_count, distinct);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(references.pages[i], pages[i]);
    }
    references_fini(&references);
}

static void test_numbered_as_they_appear(void **state)
{
    (void)state;
    const uint64_t pages[] = {0, 1, 2, 0, 2, 3};
    expect_pages("7 0 1 7 1 9223372036854775808", pages, 6, 4);
    expect_pages("# none yet 1 2\n\n7\t0\r\n\v1\f7 1#and no more: 4\n12", pages, 6, 4);
    expect_pages("007 0 01 7 1 12\n", pages, 6, 4); // a number is its value
}

static void expect_complaint(const char *text, const char *said)
{
    struct references references;
    struct complaint complaint = {""};
    assert_int_equal(references_parse(text, strlen(text), "t", &references, &complaint), EINVAL);
    assert_string_equal(complaint.text, said);
    assert_null(references.pages);
}

static void test_complaints(void **state)
{
    (void)state;
    expect_complaint("", "t:1:1: no page number in it");
    expect_complaint("\n # 1\n", "t:3:1: no page number in it");
    expect_complaint("1 2\n 3 -4", "t:2:4: '-4' is no page number: digits only");
    expect_complaint("1,2", "t:1:1: '1,2' is no page number: digits only");
    expect_complaint("0x10", "t:1:1: '0x10' is no page number: digits only");
    expect_complaint("1\n\n9223372036854775809",
                     "t:3:1: page 9223372036854775809 is out of range: 0 .. 2^63");
    expect_complaint("99999999999999999999999999",
                     "t:1:1: page 99999999999999999999999999 is out of range: 0 .. 2^63");
}

static void test_bytes_that_are_no_text(void **state)
{
    (void)state;
    static const char text[] = {'1', ' ', '\0', ' ', '2'};
    struct references references;
    struct complaint complaint = {""};
    assert_int_equal(references_parse(text, sizeof text, "t", &references, &complaint), EINVAL);
    assert_non_null(strstr(complaint.text, "t:1:3: "));
}

static void test_not_there(void **state)
{
    (void)state;
    struct references references;
    struct complaint complaint = {""};
    assert_int_equal(references_read("/nowhere/at/all", &references, &complaint), ENOENT);
    assert_string_equal(complaint.text, "/nowhere/at/all: No such file or directory");
}

// Many pages: the table of numbers grows, and numbers stay what they were.
static void test_many(void **state)
{
    (void)state;
    enum { COUNT = 200000 };
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    for (uint64_t i = 0; i < COUNT; i++) {
        fprintf(out, "%llu ", (unsigned long long)(i % (COUNT / 2) * 0x9e3779b1u));
    }
    fclose(out);
    struct references references;
    struct complaint complaint = {""};
    assert_int_equal(references_parse(text, length, "t", &references, &complaint), 0);
    assert_int_equal(references.count, COUNT);
    assert_int_equal(references.page_count, COUNT / 2);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(references.pages[i], i % (COUNT / 2));
    }
    references_fini(&references);
    free(text);
}

// A file is read in pieces: the same as all of it at once, wherever they end; and what is no text
// ends it, also where it has no end.
static void test_read_in_pieces(void **state)
{
    (void)state;
    enum { WORDS = 60000, ROOM = WORDS * 16 };
    char *text = malloc(ROOM), path[] = "/tmp/mems-references-XXXXXX";
    size_t length = 0;
    for (size_t i = 0; i < WORDS; i++) {
        uint64_t page = i * i % (i % 7 == 0 ? 1000003 : 61);
        const char *after = i % 53 == 0 ? " # 7 8" : "";
        length +=
            (size_t)snprintf(text + length, ROOM - length, "%llu%s%c", (unsigned long long)page,
                             after, after[0] != '\0' || i % 3 == 0 ? '\n' : ' ');
    }
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, length), (ssize_t)length);
    close(file);
    struct references whole, read;
    assert_int_equal(references_parse(text, length, "t", &whole, NULL), 0);
    assert_int_equal(references_read(path, &read, NULL), 0);
    unlink(path);
    assert_int_equal(read.count, WORDS);
    assert_int_equal(read.page_count, whole.page_count);
    assert_memory_equal(read.pages, whole.pages, WORDS * sizeof whole.pages[0]);
    references_fini(&read);
    references_fini(&whole);
    free(text);
    struct complaint complaint = {""};
    assert_int_equal(references_read("/dev/zero", &read, &complaint), EINVAL);
    assert_non_null(strstr(complaint.text, "/dev/zero:1:1: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbered_as_they_appear),
        cmocka_unit_test(test_complaints),
        cmocka_unit_test(test_bytes_that_are_no_text),
        cmocka_unit_test(test_not_there),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_read_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
