// SPDX-License-Identifier: MIT
//
// test_slab.c - which sizes there are, and the class of each request.

#include "support/engine.h"

#include "memory/slab.h"

// Sizes rise; each request's class is the first that has room, and at most 1/9 of it is unused.
static void test_classes(void **state)
{
    (void)state;
    for (unsigned class = 1; class < SLAB_CLASSES; class ++) {
        assert_true(slab_class_size(class) > slab_class_size(class - 1));
        assert_int_equal(slab_class_size(class) % SLAB_STEP, 0);
    }
    assert_int_equal(slab_class_size(SLAB_CLASSES - 1), SLAB_LARGEST);
    unsigned expected = 0;
    for (uint32_t size = 1; size <= SLAB_LARGEST; size++) {
        expected += slab_class_size(expected) < size;
        assert_int_equal(slab_class(size), expected);
        uint32_t unused = slab_class_size(expected) - size;
        assert_true(unused < SLAB_STEP || 9 * unused <= slab_class_size(expected));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
