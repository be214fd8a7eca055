// SPDX-License-Identifier: MIT
//
// test_delay.c - a target around another: its form, its complaints, and that all but the steps is
// the inner target's.

#include <errno.h>
#include <mems/engine.h>
#include <string.h>

#include "run/plan.h"
#include "support/test.h"
#include "target/malloc.h"
#include "target/target.h"

static void test_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text, *argument, *inner;
    } good[] = {
        {"delay:0(libc)", "0", "libc"},
        {"delay:12/again(null)", "12/again", "null"},
        {"delay:1000000000(mems:dynamic(fit=best,arenas=2))", "1000000000",
         "mems:dynamic(fit=best,arenas=2)"},
        {"?delay:3(mems:fixed(partitions=64x10,1Kix4))", "3", "mems:fixed(partitions=64x10,1Kix4)"},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct target_spec spec;
        struct complaint complaint = {{0}};
        if (target_parse(good[i].text, NULL, &spec, &complaint) != 0) {
            fail_msg("%s: %s", good[i].text, complaint.text);
        }
        assert_string_equal(spec.argument, good[i].argument);
        assert_string_equal(spec.inner->name, good[i].inner);
        assert_ptr_equal(target_spec_base(&spec), spec.inner);
        assert_ptr_equal(target_spec_base(spec.inner), spec.inner);
        char text[256];
        plan_target_text(&spec, text, sizeof text);
        assert_string_equal(text, good[i].text + (good[i].text[0] == '?'));
        target_spec_fini(&spec);
    }
}

static void test_complaints(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"delay(libc)", "number of steps"},
        {"delay:(libc)", "number of steps"},
        {"delay:x(libc)", "number of steps"},
        {"delay:-1(libc)", "number of steps"},
        {"delay:1x(libc)", "number of steps"},
        {"delay:1/(libc)", "number of steps"},
        {"delay:1000000001(libc)", "number of steps"},
        {"delay:99999999999999999999999(libc)", "number of steps"},
        {"delay:5", "which target"},
        {"delay:5()", "which target"},
        {"delay:5(?libc)", "in front of all"},
        {"delay:5(nobody)", "no such kind"},
        {"delay:5(delay:5(libc))", "add their steps up"},
        {"delay:5(mems:dynamic(nothing=1))", "nothing"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct target_spec spec;
        struct complaint complaint = {{0}};
        int error = target_parse(bad[i].text, NULL, &spec, &complaint);
        if (error != EINVAL || strstr(complaint.text, bad[i].says) == NULL) {
            fail_msg("%s: %d, %s", bad[i].text, error, complaint.text);
        }
        assert_null(spec.name);
        assert_null(spec.inner);
    }
}

static void test_missing_inner(void **state)
{
    (void)state;
    struct target_spec spec;
    struct complaint complaint = {{0}};
    assert_int_equal(target_parse("delay:1(preload:nobody)", NULL, &spec, &complaint), ENOENT);
    assert_null(spec.name);
    memset(&complaint, 0, sizeof complaint);
    assert_int_equal(target_parse("?delay:1(preload:nobody)", NULL, &spec, &complaint), ENOENT);
    assert_string_equal(spec.name, "delay:1(preload:nobody)");
    target_spec_fini(&spec);
}

static void test_preload_is_inherited(void **state)
{
    (void)state;
    char path[4096];
    char text[8300];
    char again[8300];
    struct target_spec spec;
    struct complaint complaint = {{0}};
    assert_int_equal(target_library_find("dl", path, sizeof path, &complaint), 0);
    snprintf(text, sizeof text, "delay:7/two(preload:%s)", path);
    assert_int_equal(target_parse(text, NULL, &spec, &complaint), 0);
    assert_string_equal(spec.preload, spec.inner->preload);
    plan_target_text(&spec, again, sizeof again);
    assert_non_null(strstr(again, spec.preload));
    assert_int_equal(strncmp(again, "delay:7/two(preload:/", 21), 0);
    target_spec_fini(&spec);
}

// Every operation, through the wrapper, with steps and without.
static void exercise(const char *text, bool has_engine, bool has_bytes)
{
    struct target_spec spec;
    struct complaint complaint = {{0}};
    struct target_demand demand = {.peak_bytes = 1 << 20, .largest = 4096};
    struct target_instance *instance;
    void *space;
    uint64_t blocks[64];
    demand.peak_blocks[12] = 256;
    assert_int_equal(target_parse(text, NULL, &spec, &complaint), 0);
    const struct target *target = spec.target;
    if (target->open(&spec, &demand, &instance, &complaint) != 0) {
        fail_msg("%s: %s", text, complaint.text);
    }
    assert_int_equal(target->ops->no_memory, !has_bytes);
    assert_int_equal(target->space_open(instance, &space), 0);
    for (size_t i = 0; i < 64; i++) {
        size_t size = 16 + 32 * i;
        assert_int_equal(i % 2 == 0 ? target->ops->alloc(space, size, 0, &blocks[i])
                                    : target->ops->alloc_zeroed(space, size, &blocks[i]),
                         0);
        if (has_bytes) {
            size_t span;
            char *bytes = target->ops->access_begin(space, blocks[i], 0, true, &span);
            assert_non_null(bytes);
            bytes[0] = (char)i;
            target->ops->access_end(space);
            assert_true(target->ops->block_size(space, blocks[i]) >= size);
        }
        assert_int_equal(target->ops->resize(space, &blocks[i], size + 100), 0);
    }
    for (size_t i = 0; i < 64; i++) {
        assert_int_equal(target->ops->release(space, blocks[i]), 0);
    }
    struct mems_engine *engine = target->engine(instance);
    assert_int_equal(engine != NULL, has_engine);
    assert_int_equal(target->check(instance, &complaint), has_engine ? 0 : ENOTSUP);
    struct target_usage usage;
    target->usage(instance, &usage);
    assert_int_equal(usage.known, has_engine);
    target->space_close(instance, space);
    target->close(instance);
    target_spec_fini(&spec);
}

static void test_operations(void **state)
{
    (void)state;
    exercise("delay:0(libc)", false, true);
    exercise("delay:100(libc)", false, true);
    exercise("delay:3(null)", false, false);
    exercise("delay:20/x(mems:dynamic)", true, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),         cmocka_unit_test(test_complaints),
        cmocka_unit_test(test_missing_inner), cmocka_unit_test(test_preload_is_inherited),
        cmocka_unit_test(test_operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
