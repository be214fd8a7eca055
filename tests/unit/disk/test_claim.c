// SPDX-License-Identifier: MIT
//
// test_claim.c - what goes with what: uses of one file, names of one file, and what is no file.

#include "disk/claim.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/test.h"

static char folder[] = "/tmp/claim-XXXXXX";
static char why[400];

// A path in the folder, until seven more are asked for.
static const char *at(const char *name)
{
    static char paths[8][200];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void make(const char *name)
{
    FILE *file = fopen(at(name), "we");
    assert_non_null(file);
    fclose(file);
}

static int claim(const char *name, enum claim_use use, const char *as)
{
    why[0] = '\0';
    return claim_file(at(name), use, as, why, sizeof why);
}

static void test_uses(void **state)
{
    (void)state;
    static const char *const names[] = {"read", "kept", "written"};
    for (enum claim_use first = CLAIM_READ; first <= CLAIM_WRITTEN; first++) {
        for (enum claim_use then = CLAIM_READ; then <= CLAIM_WRITTEN; then++) {
            char name[40];
            snprintf(name, sizeof name, "%s-%s", names[first], names[then]);
            make(name);
            assert_int_equal(claim(name, first, "--one"), 0);
            bool written = first == CLAIM_WRITTEN || then == CLAIM_WRITTEN;
            assert_int_equal(claim(name, then, "--two"), written ? EEXIST : 0);
            assert_true(written == (strstr(why, name) != NULL));
        }
    }
    for (unsigned i = 0; i < 9; i++) { // not before: the next file would get the same inode
        char name[40];
        snprintf(name, sizeof name, "%s-%s", names[i / 3], names[i % 3]);
        unlink(at(name));
    }
}

static void test_names_of_one_file(void **state)
{
    (void)state;
    make("file");
    assert_int_equal(symlink("file", at("symbolic")), 0);
    assert_int_equal(link(at("file"), at("hard")), 0);
    assert_int_equal(claim("file", CLAIM_READ, NULL), 0);
    assert_int_equal(claim("symbolic", CLAIM_WRITTEN, "-o"), EEXIST);
    assert_int_equal(claim("hard", CLAIM_WRITTEN, "-o"), EEXIST);
    assert_int_equal(claim("./file", CLAIM_WRITTEN, "-o"), EEXIST);
    assert_int_equal(claim("files", CLAIM_WRITTEN, "-o"), 0);
    unlink(at("file"));
    unlink(at("symbolic"));
    unlink(at("hard"));
}

static void test_names_of_none_yet(void **state)
{
    (void)state;
    assert_int_equal(claim("new", CLAIM_WRITTEN, "--json"), 0);
    assert_int_equal(claim("./new", CLAIM_WRITTEN, "--csv"), EEXIST);
    assert_int_equal(claim("./new", CLAIM_KEPT, "--history"), EEXIST);
    assert_int_equal(claim("newer", CLAIM_WRITTEN, "--csv"), 0);
    assert_int_equal(claim("new", CLAIM_WRITTEN, "--json"), 0); // said twice
    assert_int_equal(claim("no-folder/new", CLAIM_WRITTEN, "--csv"), 0);
}

static void test_no_files(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(at("pipe"), 0600), 0);
    const char *const paths[] = {"-", "", "/dev/null", folder, at("pipe")};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        assert_int_equal(claim_file(paths[i], CLAIM_READ, NULL, why, sizeof why), 0);
        assert_int_equal(claim_file(paths[i], CLAIM_WRITTEN, "--json", why, sizeof why), 0);
        assert_int_equal(claim_file(paths[i], CLAIM_KEPT, "--history", why, sizeof why), 0);
    }
    assert_int_equal(claim("pipe", CLAIM_WRITTEN, "--csv"), EEXIST);
    assert_non_null(strstr(why, "--json and --csv both go to"));
    assert_int_equal(claim_file("-", CLAIM_WRITTEN, "--csv", why, sizeof why), EEXIST);
    assert_string_equal(why, "--json and --csv both go to standard output: give them a place each");
    assert_int_equal(claim_file("-", CLAIM_WRITTEN, "--json", why, sizeof why), 0); // said twice
    assert_int_equal(claim_file("", CLAIM_WRITTEN, "--csv", why, sizeof why), 0);
    unlink(at("pipe"));
}

static int begin(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int end(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uses),
        cmocka_unit_test(test_names_of_one_file),
        cmocka_unit_test(test_names_of_none_yet),
        cmocka_unit_test(test_no_files),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
