// SPDX-License-Identifier: MIT
//
// test_course.c - misuse of the MeMS interface: one line on stderr, no effect.

#include "support/engine.h"

#include <fcntl.h>
#include <mems/mems.h>
#include <sys/mman.h>
#include <unistd.h>

// Runs mems_free and returns what it wrote to stderr, and to stdout (the statistics) after it.
struct told {
    char errors[600];
    char map[2000];
};

static void slurp(int file, char *text, size_t size)
{
    ssize_t length = pread(file, text, size - 1, 0);
    assert_true(length >= 0);
    text[length] = '\0';
}

static void tell(void *addr, struct told *told)
{
    int errors = memfd_create("errors", 0), map = memfd_create("map", 0);
    fflush(stderr);
    fflush(stdout);
    int stderr_was = dup(2), stdout_was = dup(1);
    dup2(errors, 2);
    mems_free(addr);
    fflush(stderr);
    dup2(stderr_was, 2);
    dup2(map, 1);
    mems_print_stats();
    fflush(stdout);
    dup2(stdout_was, 1);
    slurp(errors, told->errors, sizeof told->errors);
    slurp(map, told->map, sizeof told->map);
    close(errors);
    close(map);
    close(stderr_was);
    close(stdout_was);
}

static unsigned lines(const char *text)
{
    unsigned count = 0;
    for (; *text != '\0'; text++) {
        count += *text == '\n';
    }
    return count;
}

static const char MAP[] =
    "----- MeMS SYSTEM STATS -----\n"
    "MAIN[1000:5095]-> P[1000:1999] <-> P[2000:2999] <-> H[3000:5095] <-> NULL\n"
    "Pages used:\t1\n"
    "Space unsued:\t2096\n"
    "Main Chain Length:\t1\n"
    "Sub-chain Length array: [3, ]\n"
    "-----------------------------\n";

static void expect_one_line(void *addr)
{
    struct told told;
    tell(addr, &told);
    if (lines(told.errors) != 1 || told.errors[strlen(told.errors) - 1] != '\n') {
        fail_msg("mems_free(%p) wrote: '%s'", addr, told.errors);
    }
    assert_non_null(strstr(told.errors, "mems"));
    assert_string_equal(told.map, MAP);
}

static int set_up(void **state)
{
    (void)state;
    unsetenv("MEMS_START_VA");
    mems_init();
    char *first = mems_malloc(1000), *second = mems_malloc(1000);
    return first == (char *)1000 && second == (char *)2000 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    mems_finish();
    return 0;
}

static void test_nothing_wrong(void **state)
{
    (void)state;
    void *addr = mems_malloc(10);
    struct told told;
    tell(addr, &told);
    assert_string_equal(told.errors, "");
    assert_string_equal(told.map, MAP);
}

static void test_interior(void **state)
{
    (void)state;
    expect_one_line((void *)1001);
    expect_one_line((void *)2999);
}

static void test_foreign(void **state)
{
    (void)state;
    int here = 0;
    expect_one_line(&here);
    expect_one_line(NULL);
    expect_one_line((void *)999);
    expect_one_line((void *)5096);
    expect_one_line((void *)UINTPTR_MAX);
}

static void test_hole(void **state)
{
    (void)state;
    expect_one_line((void *)3000);
    expect_one_line((void *)4000);
}

static void test_double(void **state)
{
    (void)state;
    void *addr = mems_malloc(100);
    mems_free(addr);
    expect_one_line(addr);
    expect_one_line(addr);
}

static void test_sizes(void **state)
{
    (void)state;
    errno = 0;
    assert_null(mems_malloc(0));
    assert_int_equal(errno, EINVAL);
    const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 4095, PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1,
                            (size_t)1 << 48};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        errno = 0;
        assert_null(mems_malloc(sizes[i]));
        assert_int_equal(errno, ENOMEM);
    }
    expect_one_line((void *)3000); // the map is as it was
}

static void test_get(void **state)
{
    (void)state;
    int here = 0;
    assert_null(mems_get(&here));
    assert_null(mems_get(NULL));
    assert_null(mems_get((void *)999));
    assert_null(mems_get((void *)3000));
    assert_null(mems_get((void *)UINTPTR_MAX));
    assert_true((char *)mems_get((void *)1999) == (char *)mems_get((void *)1000) + 999);
    mems_free((void *)2000);
    assert_null(mems_get((void *)2000));
    assert_true(mems_malloc(1000) == (void *)2000);
}

// Before mems_init, after mems_finish, finish twice.
static void test_out_of_order(void **state)
{
    (void)state;
    mems_finish();
    mems_finish();
    assert_null(mems_get((void *)1000));
    assert_true(mems_malloc(5) == (void *)1000);
    mems_init();
    assert_true(mems_malloc(1000) == (void *)1000);
    assert_true(mems_malloc(1000) == (void *)2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_interior, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_foreign, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_double, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sizes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_get, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_out_of_order, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
