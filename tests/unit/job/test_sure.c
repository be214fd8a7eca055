// SPDX-License-Identifier: MIT
//
// test_sure.c - a text is there, or the process has ended with the status for want of memory.

#include "job/sure.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test.h"

static void test_text(void **state)
{
    (void)state;
    char *text = sure_print("%s, %d and %*d", "one", 2, 5000, 3);
    assert_int_equal(strlen(text), strlen("one, 2 and ") + 5000);
    assert_memory_equal(text, "one, 2 and  ", strlen("one, 2 and  "));
    free(text);
}

static void test_end(void **state)
{
    (void)state;
    int ends[2], status;
    char said[100] = "";
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        sure_print("%ls", L"\x20ac"); // refused as memory is: the C locale has no euro
        _exit(0);
    }
    assert_true(pid > 0);
    close(ends[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    assert_true(read(ends[0], said, sizeof said - 1) > 0);
    assert_string_equal(said, "mems-stress: out of memory\n");
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
