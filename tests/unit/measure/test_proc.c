// SPDX-License-Identifier: MIT
//
// test_proc.c - what is read of the kernel's small files.

#include "measure/proc.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/test.h"

static void test_a_file_is_read(void **state)
{
    (void)state;
    char text[64], little[4];
    size_t length = proc_read("/proc/self/comm", text, sizeof text);
    assert_int_equal(length, strlen(text));
    assert_true(length > 4);
    assert_int_equal(proc_read("/proc/self/comm", little, sizeof little), 3);
    assert_memory_equal(little, text, 3);
    assert_int_equal(little[3], '\0');
    errno = 0;
    assert_int_equal(proc_read("/proc/self/nothing", text, sizeof text), 0);
    assert_int_equal(errno, ENOENT);
    assert_string_equal(text, "");
}

static void test_numbers(void **state)
{
    (void)state;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    assert_true(proc_number("/proc/sys/kernel/pid_max") > 100);
    assert_int_equal(proc_number("/proc/self/nothing"), 0);
    assert_int_equal(proc_mapped_of("700 30 2 1 0 4 0\n"), 700 * page);
    assert_int_equal(proc_resident_of("700 30 2 1 0 4 0\n"), 30 * page);
    assert_int_equal(proc_resident_of(""), 0);
}

static void test_the_resident_set(void **state)
{
    (void)state;
    size_t size = 64 << 20;
    uint64_t before = proc_resident();
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    assert_true(before > 0 && before < proc_mapped());
    memset(memory, 1, size);
    assert_true(proc_resident() > before + size / 2);
    munmap(memory, size);
    assert_true(proc_resident() < before + size / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_is_read),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_the_resident_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
