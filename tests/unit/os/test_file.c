// SPDX-License-Identifier: MIT
//
// test_file.c - files without a name: what is written comes back, failures are told.

#include "support/test.h"

#include <errno.h>
#include <mems/inject.h>
#include <string.h>

#include "os/os.h"

static void test_round_trip(void **state)
{
    (void)state;
    char page[3000], back[3000];
    int file;
    assert_int_equal(os_file_open(NULL, 0, 30000, &file), 0);
    for (uint64_t i = 10; i-- > 0;) {
        memset(page, (int)i + 1, sizeof page);
        assert_int_equal(os_file_write(file, page, sizeof page, i * sizeof page), 0);
    }
    for (uint64_t i = 0; i < 10; i++) {
        assert_int_equal(os_file_read(file, back, sizeof back, i * sizeof back), 0);
        assert_int_equal(back[0], i + 1);
        assert_int_equal(back[2999], i + 1);
    }
    errno = 77;
    assert_int_equal(os_file_read(file, back, sizeof back, 28000), EIO); // past its end
    assert_int_equal(errno, 77);
    os_file_close(file);
}

static void test_cannot(void **state)
{
    (void)state;
    int file = -5;
    assert_int_equal(os_file_open("/nowhere/at all", 15, 100, &file), ENOENT);
    assert_int_equal(os_file_open("/dev/null", 9, 100, &file), ENOTDIR);
    assert_int_equal(os_file_open("/tmpXX", 4, 100, &file), 0); // the first four characters
    os_file_close(file);
    assert_int_equal(os_file_open(NULL, 0, UINT64_MAX, &file), EFBIG);
    assert_int_equal(os_file_open(NULL, 0, UINT64_C(1) << 60, &file), ENOSPC);
}

static void test_injected(void **state)
{
    (void)state;
    char byte = 1;
    int file;
    mems_inject(MEMS_SEAM_SWAP_OPEN, 1, 0);
    assert_int_equal(os_file_open(NULL, 0, 100, &file), ENOSPC);
    assert_int_equal(os_file_open(NULL, 0, 100, &file), 0);
    mems_inject(MEMS_SEAM_SWAP_WRITE, 2, 0);
    assert_int_equal(os_file_write(file, &byte, 1, 5), 0);
    assert_int_equal(os_file_write(file, &byte, 1, 6), ENOSPC);
    assert_int_equal(os_file_write(file, &byte, 1, 6), 0);
    mems_inject(MEMS_SEAM_SWAP_READ, 1, 1);
    assert_int_equal(os_file_read(file, &byte, 1, 5), EIO);
    assert_int_equal(os_file_read(file, &byte, 1, 5), EIO);
    mems_inject(MEMS_SEAM_SWAP_READ, 0, 0);
    mems_inject(MEMS_SEAM_SWAP_WRITE, 0, 0);
    assert_int_equal(os_file_read(file, &byte, 1, 5), 0);
    os_file_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_cannot),
        cmocka_unit_test(test_injected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
