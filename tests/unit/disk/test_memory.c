// SPDX-License-Identifier: MIT
//
// test_memory.c - a text in memory: what is printed is there to the byte; what memory was refused
// to is no text.

#include "disk/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test.h"

static void test_nothing(void **state)
{
    (void)state;
    char *text = NULL;
    size_t length = 1;
    FILE *out = disk_memory(&text, &length);
    assert_non_null(out);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(length, 0);
    assert_string_equal(text, "");
    free(text);
}

static void test_all_of_it(void **state)
{
    (void)state;
    enum { LINES = 20000 };
    char *text = NULL;
    size_t length = 0;
    FILE *out = disk_memory(&text, &length);
    assert_non_null(out);
    assert_int_equal(ftell(out), 0);
    for (int i = 0; i < LINES; i++) {
        fprintf(out, "%06d\n", i);
        assert_int_equal(ftell(out), 7 * (i + 1));
    }
    assert_int_equal(fclose(out), 0);
    assert_int_equal(length, 7 * LINES);
    assert_int_equal(strlen(text), length);
    for (int i = 0; i < LINES; i++) {
        assert_int_equal(atoi(text + 7 * (size_t)i), i);
    }
    free(text);
}

#ifndef TEST_SANITIZED // whose shadow does not fit
// In a process with little memory: 0 when the loss was told by ferror and by fclose.
static int lose_the_end(void)
{
    const struct rlimit little = {64 << 20, 64 << 20};
    static char line[4096];
    char *text = NULL;
    size_t length = 0;
    FILE *out = disk_memory(&text, &length);
    if (out == NULL || setrlimit(RLIMIT_AS, &little) != 0) {
        return 1;
    }
    memset(line, 'x', sizeof line - 1);
    for (int i = 0; i < 40000; i++) {
        fputs(line, out);
    }
    bool told = ferror(out) != 0;
    return told && fclose(out) != 0 && text == NULL && length == 0 ? 0 : 2;
}

static void test_memory_refused(void **state)
{
    (void)state;
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(lose_the_end());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_all_of_it),
#ifndef TEST_SANITIZED
        cmocka_unit_test(test_memory_refused),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
