// SPDX-License-Identifier: MIT
//
// test_sizing.c - how much memory a bounded engine gets that was not told.

#include "target/sizing.h"

#include <mems/engine.h>
#include <string.h>

#include "support/test.h"

static const struct target_demand demand = {
    .peak_bytes = 100 * 100 + 10 * 5000,
    .largest = 5000,
    .peak_blocks = {[7] = 100, [13] = 10},
};

static bool known(const char *policy)
{
    return mems_option_at(policy, 0) != NULL;
}

static void expect_sized(const char *policy, const char *options, const char *expected)
{
    char *sized;
    assert_int_equal(sizing_make(policy, options, &demand, &sized), 0);
    if ((sized == NULL) != (expected == NULL) || (sized != NULL && strcmp(sized, expected) != 0)) {
        fail_msg("%s(%s): %s instead of %s", policy, options != NULL ? options : "",
                 sized != NULL ? sized : "nothing", expected != NULL ? expected : "nothing");
    }
    free(sized);
}

static void test_options(void **state)
{
    (void)state;
    assert_true(sizing_has_option("fixed", "partitions"));
    assert_false(sizing_has_option("dynamic", "partitions"));
    assert_false(sizing_has_option("nothing", "partitions"));
    assert_true(sizing_option_given("a=1,count=2", "count"));
    assert_true(sizing_option_given("count = 2", "count"));
    assert_false(sizing_option_given("account=2", "count"));
    assert_false(sizing_option_given("partitions=2", "partition"));
    assert_false(sizing_option_given(NULL, "count"));
    assert_true(sizing_option_is("a=1,paged = yes", "paged", "yes"));
    assert_false(sizing_option_is("paged=yesterday", "paged", "yes"));
    assert_false(sizing_option_is(NULL, "paged", "yes"));
    assert_int_equal(sizing_option_size("page=2Ki,frames=7", "page", 1), 2048);
    assert_int_equal(sizing_option_size("page=2Ki,frames=7", "frames", 1), 7);
    assert_int_equal(sizing_option_size("page=2Ki", "frames", 9), 9);
    assert_int_equal(sizing_option_size("page=two", "page", 9), 9);
}

static void test_partitions(void **state)
{
    (void)state;
    expect_sized("fixed", NULL, "partitions=128x201,8192x21");
    expect_sized("fixed", "queue=size", "queue=size,partitions=128x201,8192x21");
    expect_sized("fixed", "partition=8Ki", "partition=8Ki,count=221");
    expect_sized("fixed", "partition=8Ki,count=3", NULL);
    expect_sized("fixed", "capacity=1Mi", NULL);
    expect_sized("fixed", "partitions=64x3", NULL);
}

static void test_growing_policies_are_left_alone(void **state)
{
    (void)state;
    expect_sized("dynamic", NULL, NULL);
    expect_sized("dynamic", "fit=best", NULL);
}

// 100 blocks of one page and 10 of two.
static void test_frames(void **state)
{
    (void)state;
    if (!known("paging")) {
        skip();
    }
    expect_sized("paging", "page=4096", "page=4096,frames=240");
    expect_sized("paging", "page=1024", "page=1024,frames=300");
    expect_sized("paging", "page=4096,frames=9", "page=4096,frames=9");
    expect_sized("paging", "capacity=1Mi", "capacity=1Mi");
}

static void test_swapped_frames(void **state)
{
    (void)state;
    if (!known("vm-paging")) {
        skip();
    }
    expect_sized("vm-paging", "page=1024", "page=1024,frames=75,swap=307200");
    expect_sized("vm-paging", "page=1024,capacity=1Mi", "page=1024,capacity=1Mi,swap=307200");
    expect_sized("vm-paging", "page=1024,frames=9", "page=1024,frames=9,swap=307200");
    expect_sized("vm-paging", "page=1024,swap=1Mi", "page=1024,swap=1Mi,frames=75");
}

// By bytes; by pages where segments have them.
static void test_swapped_segments(void **state)
{
    (void)state;
    if (!known("vm-segmentation")) {
        skip();
    }
    expect_sized("vm-segmentation", NULL, "capacity=80000,swap=160000");
    expect_sized("vm-segmentation", "paged=no", "paged=no,capacity=80000,swap=160000");
    expect_sized("vm-segmentation", "paged=yes,page=1024",
                 "paged=yes,page=1024,capacity=76800,swap=307200");
    expect_sized("vm-segmentation", "paged=yes", "paged=yes,capacity=262144,swap=983040");
    expect_sized("vm-segmentation", "capacity=1Mi,paged=yes", "capacity=1Mi,paged=yes,swap=983040");
}

// Whatever is chosen, the engine takes it.
static void test_every_policy_opens(void **state)
{
    (void)state;
    const struct mems_policy_row *row;
    for (size_t i = 0; (row = mems_policy_at(i)) != NULL; i++) {
        char *sized;
        struct mems_engine *engine;
        assert_int_equal(sizing_make(row->name, NULL, &demand, &sized), 0);
        struct mems_config config = {.policy = row->name, .options = sized};
        if (mems_engine_open(&config, &engine) != 0) {
            fail_msg("%s(%s): %s", row->name, sized != NULL ? sized : "", mems_complaint());
        }
        mems_engine_close(engine);
        free(sized);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_partitions),
        cmocka_unit_test(test_growing_policies_are_left_alone),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_swapped_frames),
        cmocka_unit_test(test_swapped_segments),
        cmocka_unit_test(test_every_policy_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
