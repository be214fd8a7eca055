// SPDX-License-Identifier: MIT
//
// test_target.c - a job's word for a target: its pieces, its complaints; each kind does its work.

#include "target/target.h"

#include <errno.h>
#include <limits.h>
#include <mems/engine.h>
#include <string.h>
#include <unistd.h>

#include "support/test.h"
#include "target/malloc.h"
#include "target/sizing.h"

static void expect_parse(const char *text, int error, const char *name, const char *argument,
                         const char *options)
{
    struct target_spec spec;
    struct complaint complaint = {{0}};
    int found = target_parse(text, NULL, &spec, &complaint);
    if (found != error) {
        fail_msg("\"%s\": %d instead of %d: %s", text, found, error, complaint.text);
    }
    if (error != 0) {
        assert_string_not_equal(complaint.text, "");
        return;
    }
    assert_string_equal(complaint.text, "");
    assert_string_equal(spec.name, name);
    assert_string_equal(spec.argument != NULL ? spec.argument : "", argument);
    assert_string_equal(spec.options != NULL ? spec.options : "", options);
    target_spec_fini(&spec);
}

static void test_parse(void **state)
{
    (void)state;
    expect_parse("libc", 0, "libc", "", "");
    expect_parse("  null\t", 0, "null", "", "");
    expect_parse("? libc", 0, "libc", "", "");
    expect_parse("mems:dynamic", 0, "mems:dynamic", "dynamic", "");
    expect_parse("mems:dynamic(fit=best,arenas=2)", 0, "mems:dynamic(fit=best,arenas=2)", "dynamic",
                 "fit=best,arenas=2");
    expect_parse("mems:dynamic()", 0, "mems:dynamic()", "dynamic", "");
    expect_parse("mems:fixed(partitions=64x10,1Kix4)", 0, "mems:fixed(partitions=64x10,1Kix4)",
                 "fixed", "partitions=64x10,1Kix4");
}

static void test_parse_complaints(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "?",
        "lib",
        "libc:x",
        "libc()",
        "null(a=b)",
        "mems",
        "mems:",
        "mems:nothing",
        "mems:dynamic(fit=best",
        "preload",
        "preload:",
        ":",
        "mems:dynamic(fit=best)x",
        "mems:dynamic(nothing=1)",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct target_spec spec;
        struct complaint complaint = {{0}};
        int error = target_parse(bad[i], NULL, &spec, &complaint);
        if (error != EINVAL && !(error == ENOENT && strcmp(bad[i], "preload:") == 0)) {
            fail_msg("\"%s\": %d: %s", bad[i], error, complaint.text);
        }
        assert_string_not_equal(complaint.text, "");
        assert_null(spec.name);
    }
}

static void test_missing(void **state)
{
    (void)state;
    struct target_spec spec;
    struct complaint complaint = {{0}};
    assert_int_equal(target_parse("preload:nobody", NULL, &spec, &complaint), ENOENT);
    assert_non_null(strstr(complaint.text, "libnobody.so"));
    assert_null(spec.name);
    memset(&complaint, 0, sizeof complaint);
    assert_int_equal(target_parse("?preload:nobody", NULL, &spec, &complaint), ENOENT);
    assert_true(spec.optional);
    assert_string_equal(spec.name, "preload:nobody");
    target_spec_fini(&spec);
}

static void test_known_library_names_its_package(void **state)
{
    (void)state;
    char path[PATH_MAX];
    struct complaint complaint = {{0}};
    int error = target_library_find("mimalloc", path, sizeof path, &complaint);
    if (error == 0) {
        assert_int_equal(access(path, R_OK), 0);
    } else {
        assert_int_equal(error, ENOENT);
        assert_non_null(strstr(complaint.text, "apt install"));
    }
    // No pattern reaches the search.
    assert_int_equal(target_library_find("*", path, sizeof path, &complaint), ENOENT);
}

static void test_path_starts_in_its_folder(void **state)
{
    (void)state;
    char libc[PATH_MAX];
    struct target_spec spec;
    struct complaint complaint = {{0}};
    assert_int_equal(target_library_find("c", libc, sizeof libc, &complaint), 0);
    // libc.so itself may be a linker script: take the object.
    char *slash = strrchr(libc, '/');
    assert_non_null(slash);
    *slash = '\0';
    char expected[PATH_MAX + 16];
    snprintf(expected, sizeof expected, "%s/libm.so.6", libc);
    if (access(expected, R_OK) != 0) {
        skip();
    }
    assert_int_equal(target_parse("preload:./libm.so.6", libc, &spec, &complaint), 0);
    char *real = realpath(expected, NULL);
    assert_string_equal(spec.preload, real);
    free(real);
    target_spec_fini(&spec);
}

// What every target must do, whatever it is.
static void exercise(const char *text, const struct target_demand *demand)
{
    struct target_spec spec;
    struct complaint complaint = {{0}};
    struct target_instance *instance;
    void *space;
    assert_int_equal(target_parse(text, NULL, &spec, &complaint), 0);
    assert_int_equal(spec.target->open(&spec, demand, &instance, &complaint), 0);
    assert_int_equal(spec.target->space_open(instance, &space), 0);
    const struct target_ops *ops = spec.target->ops;
    uint64_t blocks[40];
    for (unsigned i = 0; i < 40; i++) {
        size_t size = 1 + i * 13;
        assert_int_equal(i % 2 ? ops->alloc(space, size, 0, &blocks[i])
                               : ops->alloc_zeroed(space, size, &blocks[i]),
                         0);
        if (ops->no_memory) {
            continue;
        }
        assert_true(ops->block_size(space, blocks[i]) >= size);
        size_t span = 0;
        unsigned char *byte = ops->access_begin(space, blocks[i], size - 1, true, &span);
        assert_non_null(byte);
        assert_true(span >= 1);
        assert_true(i % 2 || *byte == 0);
        *byte = (unsigned char)i;
        ops->access_end(space);
    }
    for (unsigned i = 0; i < 40; i++) {
        for (unsigned j = 0; j < i; j++) {
            assert_true(blocks[i] != blocks[j]);
        }
    }
    assert_int_equal(ops->resize(space, &blocks[3], 300), 0);
    if (!ops->no_memory) {
        size_t span;
        unsigned char *byte = ops->access_begin(space, blocks[3], 3 * 13, false, &span);
        assert_int_equal(*byte, 3);
        ops->access_end(space);
    }
    for (unsigned i = 0; i < 40; i++) {
        assert_int_equal(ops->release(space, blocks[i]), 0);
    }
    if (spec.target->check != NULL) {
        assert_int_equal(spec.target->check(instance, &complaint), 0);
    }
    spec.target->space_close(instance, space);
    spec.target->close(instance);
    target_spec_fini(&spec);
}

static void test_each_kind(void **state)
{
    (void)state;
    struct target_demand demand = {.peak_bytes = 1 << 20, .largest = 512};
    for (unsigned i = 0; i <= 9; i++) {
        demand.peak_blocks[i] = 40;
    }
    exercise("null", &demand);
    exercise("libc", &demand);
    exercise("mems:dynamic", &demand);
    exercise("mems:dynamic(thread_cache=no,fit=worst)", &demand);
    exercise("mems:fixed", &demand);
    exercise("mems:fixed(thread_cache=no)", &demand);
}

// Twice the peak of each class, up to the largest request, and no more.
static void test_bounded_engine_is_sized_by_the_demand(void **state)
{
    (void)state;
    struct target_demand demand = {.peak_bytes = 6400, .largest = 60};
    struct target_spec spec;
    struct complaint complaint = {{0}};
    struct target_instance *instance;
    void *space;
    uint64_t block;
    demand.peak_blocks[6] = 100; // (32, 64]
    assert_int_equal(target_parse("mems:fixed(thread_cache=no)", NULL, &spec, &complaint), 0);
    assert_int_equal(spec.target->open(&spec, &demand, &instance, &complaint), 0);
    assert_int_equal(spec.target->space_open(instance, &space), 0);
    assert_int_equal(spec.target->ops->alloc(space, 65, 0, &block), ENOMEM);
    unsigned got = 0;
    while (spec.target->ops->alloc(space, 60, 0, &block) == 0) {
        got++;
    }
    assert_in_range(got, 200, 202);
    struct target_usage usage;
    spec.target->usage(instance, &usage);
    assert_true(usage.known);
    assert_int_equal(usage.free_bytes, 0);
    spec.target->space_close(instance, space); // gives everything back
    spec.target->usage(instance, &usage);
    assert_int_equal(usage.free_bytes, got * 64);
    spec.target->close(instance);
    target_spec_fini(&spec);
}

// What is said of partitions holds; what is left open follows the demand.
static void test_options_given_are_kept(void **state)
{
    (void)state;
    const struct target_demand demand = {
        .peak_bytes = 1 << 20, .largest = 4096, .peak_blocks[12] = 100};
    static const struct {
        const char *text;
        unsigned blocks; // of 128 bytes
    } cases[] = {
        {"mems:fixed(partitions=128x3,thread_cache=no)", 3},
        {"mems:fixed(partition=128,count=5,thread_cache=no)", 5},
        {"mems:fixed(count=7,thread_cache=no)", 7},
        {"mems:fixed(partition=128,capacity=1Ki,thread_cache=no)", 8},
        {"mems:fixed(partition=128,thread_cache=no)", 201},
        {"mems:fixed(partition=64,thread_cache=no)", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct target_spec spec;
        struct complaint complaint = {{0}};
        struct target_instance *instance;
        void *space;
        uint64_t block;
        unsigned got = 0;
        assert_int_equal(target_parse(cases[i].text, NULL, &spec, &complaint), 0);
        assert_int_equal(spec.target->open(&spec, &demand, &instance, &complaint), 0);
        assert_int_equal(spec.target->space_open(instance, &space), 0);
        while (got < 1000 && spec.target->ops->alloc(space, 128, 0, &block) == 0) {
            got++;
        }
        assert_int_equal(got, cases[i].blocks);
        spec.target->close(instance);
        target_spec_fini(&spec);
    }
}

static bool moves(const char *text)
{
    static const struct target_demand demand = {
        .peak_bytes = 4096, .largest = 4096, .peak_blocks = {[12] = 1}};
    struct target_spec spec;
    struct complaint complaint = {{0}};
    struct target_instance *instance;
    assert_int_equal(target_parse(text, NULL, &spec, &complaint), 0);
    assert_int_equal(spec.target->open(&spec, &demand, &instance, &complaint), 0);
    bool answer = spec.target->moves != NULL && spec.target->moves(instance);
    spec.target->close(instance);
    target_spec_fini(&spec);
    return answer;
}

// Whose blocks may change their place while they live.
static void test_moves(void **state)
{
    (void)state;
    assert_false(moves("libc"));
    assert_false(moves("null"));
    assert_false(moves("mems:fixed"));
    assert_false(moves("mems:dynamic"));
    const struct mems_policy_row *row;
    for (size_t i = 0; (row = mems_policy_at(i)) != NULL; i++) {
        char text[64];
        snprintf(text, sizeof text, "mems:%s", row->name);
        assert_true(moves(text) || !sizing_has_option(row->name, "swap"));
        assert_true(moves(text) || strcmp(row->name, "segmentation") != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_complaints),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_known_library_names_its_package),
        cmocka_unit_test(test_path_starts_in_its_folder),
        cmocka_unit_test(test_each_kind),
        cmocka_unit_test(test_bounded_engine_is_sized_by_the_demand),
        cmocka_unit_test(test_options_given_are_kept),
        cmocka_unit_test(test_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
