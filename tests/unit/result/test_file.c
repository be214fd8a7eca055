// SPDX-License-Identifier: MIT
//
// test_file.c - a result reaches its place whole or not at all.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "result/document.h"
#include "support/test.h"

static char folder[] = "/tmp/mems-test-XXXXXX";

static void place(char *path, const char *name)
{
    snprintf(path, 256, "%s/%s", folder, name);
}

static void expect_content(const char *path, const char *text)
{
    char found[256] = "";
    int file = open(path, O_RDONLY);
    assert_true(file >= 0);
    assert_true(read(file, found, sizeof found - 1) >= 0);
    close(file);
    assert_string_equal(found, text);
}

static void expect_no_part(const char *path)
{
    char part[300];
    snprintf(part, sizeof part, "%s.tmp", path);
    assert_int_not_equal(access(part, F_OK), 0);
}

static void test_written_whole(void **state)
{
    (void)state;
    char path[256];
    struct complaint complaint = {{0}};
    place(path, "result.json");
    assert_int_equal(document_probe(path, &complaint), 0);
    assert_int_not_equal(access(path, F_OK), 0); // the probe leaves no file
    expect_no_part(path);
    assert_int_equal(document_write(path, "{}\n", &complaint), 0);
    expect_content(path, "{}\n");
    assert_int_equal(document_write(path, "{\"second\":1}\n", &complaint), 0);
    expect_content(path, "{\"second\":1}\n");
    expect_no_part(path);
}

// A disk that is full in the middle: the old result stays, no part is left.
static void test_not_written_by_half(void **state)
{
    (void)state;
    char path[256];
    char large[8192];
    struct complaint complaint = {{0}};
    struct rlimit old;
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    place(path, "kept.json");
    assert_int_equal(document_write(path, "old", &complaint), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit small = {.rlim_cur = 4096, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int error = document_write(path, large, &complaint);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(error, EFBIG);
    assert_non_null(strstr(complaint.text, "kept.json"));
    expect_content(path, "old");
    expect_no_part(path);
}

static void test_places_that_cannot_be(void **state)
{
    (void)state;
    char path[256];
    struct complaint complaint = {{0}};
    place(path, "file");
    assert_int_equal(document_write(path, "x", &complaint), 0);
    place(path, "file/result.json");
    assert_int_equal(document_probe(path, &complaint), ENOTDIR);
    complaint.text[0] = '\0';
    place(path, "a/result.json");
    assert_int_equal(document_probe(path, &complaint), ENOENT);
    assert_non_null(strstr(complaint.text, "its folder is missing"));
    place(path, "a");
    assert_int_not_equal(access(path, F_OK), 0); // nor is it made
    assert_int_equal(document_write(folder, "x", &complaint), EISDIR);
    expect_no_part(folder);
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const names[] = {"result.json", "kept.json", "file", "."};
    char path[256];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        place(path, names[i]);
        if (unlink(path) != 0) {
            rmdir(path);
        }
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written_whole),
        cmocka_unit_test(test_not_written_by_half),
        cmocka_unit_test(test_places_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
