// SPDX-License-Identifier: MIT
//
// test_digest.c - SHA-256 of bytes and files: the standard's examples, and what has none.

#include "disk/digest.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/test.h"

#define OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define OF_ABC     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void test_bytes(void **state)
{
    (void)state;
    assert_string_equal(digest_of_bytes("abc", 3).text, digest_possible() ? OF_ABC : "");
    assert_string_equal(digest_of_bytes("", 0).text, digest_possible() ? OF_NOTHING : "");
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void test_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/digest-XXXXXX";
    char path[64];
    static char many[200000]; // more than one piece
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    write_file(path, "abc", 3);
    assert_string_equal(digest_of_file(path).text, digest_possible() ? OF_ABC : "");
    memset(many, 'x', sizeof many);
    write_file(path, many, sizeof many);
    assert_string_equal(digest_of_file(path).text, digest_of_bytes(many, sizeof many).text);
    unlink(path);
    assert_string_equal(digest_of_file(path).text, "");
    assert_int_equal(mkfifo(path, 0600), 0); // nobody waits for a writer
    assert_string_equal(digest_of_file(path).text, "");
    assert_string_equal(digest_of_file(folder).text, "");
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
