// SPDX-License-Identifier: MIT
//
// test_home.c - the build's folder is laid out as an installation is: what came with the program is
// found from where the program is, and words lead to shipped jobs and nowhere else.

#include "disk/home.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/test.h"

static char folder[PATH_MAX]; // of this program: build/.../tests

static char *put(const char *name)
{
    static char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fclose(file);
    return path;
}

static void test_beside_the_program(void **state)
{
    (void)state;
    char path[PATH_MAX];
    char *made = put("home-test.so");
    assert_int_equal(home_find(HOME_LIBRARY, "home-test.so", path, sizeof path), 0);
    assert_string_equal(path, made);
    unlink(made);
    assert_int_equal(home_find(HOME_LIBRARY, "home-test.so", path, sizeof path), ENOENT);
    assert_non_null(strstr(path, "home-test.so"));
}

static void test_jobs(void **state)
{
    (void)state;
    char path[PATH_MAX], again[PATH_MAX];
    assert_int_equal(home_job("smoke", path, sizeof path), 0);
    assert_non_null(strstr(path, "/jobs/smoke.ini"));
    assert_null(strstr(path, ".."));
    assert_int_equal(home_job("smoke.ini", again, sizeof again), 0);
    assert_string_equal(path, again);
    assert_int_equal(home_job("workloads/churn", path, sizeof path), 0);
    const char *const not_jobs[] = {"",        "nosuch",        "/smoke",
                                    "./smoke", "../jobs/smoke", "workloads/../smoke"};
    for (size_t i = 0; i < sizeof not_jobs / sizeof not_jobs[0]; i++) {
        assert_int_equal(home_job(not_jobs[i], path, sizeof path), ENOENT);
    }
    char longest[2 * PATH_MAX];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(home_job(longest, path, sizeof path), ENOENT);
}

struct seen {
    unsigned count;
    char last[64];
};

static void see(void *arg, const char *word, const char *path)
{
    struct seen *seen = arg;
    char found[PATH_MAX];
    assert_int_equal(home_job(word, found, sizeof found), 0);
    assert_string_equal(found, path);
    assert_true(strchr(word, '/') != NULL || strcmp(seen->last, word) < 0);
    snprintf(seen->last, sizeof seen->last, "%s", word);
    seen->count++;
}

static void test_each_job(void **state)
{
    (void)state;
    struct seen seen = {0};
    assert_int_equal(home_each_job(see, &seen), 0);
    assert_true(seen.count > 10);
}

int main(void)
{
    ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
    folder[length > 0 ? length : 0] = '\0';
    *strrchr(folder, '/') = '\0';
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beside_the_program),
        cmocka_unit_test(test_jobs),
        cmocka_unit_test(test_each_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
