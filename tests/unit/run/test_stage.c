// SPDX-License-Identifier: MIT
//
// test_stage.c - what driver and cell share: one sees what the other writes.

#include "run/stage.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/test.h"

static void test_both_sides_see_the_same(void **state)
{
    (void)state;
    struct stage *driver;
    int file;
    assert_int_equal(stage_create(3, "[a]\nb = c\n", &driver, &file), 0);
    struct stage *cell = stage_attach(file);
    close(file);
    assert_non_null(cell);
    assert_ptr_not_equal(cell, driver);
    assert_string_equal(stage_text(cell), "[a]\nb = c\n");
    assert_int_equal(cell->threads, 3);
    assert_int_equal(stage_phase(driver), STAGE_BORN);
    stage_enter(cell, STAGE_RUN);
    assert_int_equal(stage_phase(driver), STAGE_RUN);
    for (unsigned i = 0; i < 3; i++) {
        stage_workers(cell)[i].count[OP_ALLOC] = 10;
        stage_workers(cell)[i].count[OP_RESIZE] = i;
        stage_workers(cell)[i].refused = 100;
        stage_history(cell, i)->entry[HISTORY_LENGTH - 1].what = 1000 + i;
    }
    assert_int_equal(stage_operations(driver), 30 + 3 + 300);
    for (unsigned i = 0; i < 3; i++) {
        // The areas do not overlap.
        assert_int_equal(stage_history(driver, i)->entry[HISTORY_LENGTH - 1].what, 1000 + i);
    }
    assert_true((char *)(stage_workers(driver) + 3) <= (char *)driver + driver->bytes);
    assert_true((char *)stage_history(driver, 3) <= (char *)stage_workers(driver));
    stage_detach(cell);
    stage_detach(driver);
}

static void test_only_a_stage_is_attached(void **state)
{
    (void)state;
    int file = memfd_create("no stage", MFD_CLOEXEC);
    assert_null(stage_attach(file));
    assert_int_equal(ftruncate(file, sizeof(struct stage)), 0);
    assert_null(stage_attach(file));
    assert_int_equal(errno, EINVAL);
    close(file);
    assert_null(stage_attach(file));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_sides_see_the_same),
        cmocka_unit_test(test_only_a_stage_is_attached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
