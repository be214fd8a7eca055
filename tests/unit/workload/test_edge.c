// SPDX-License-Identifier: MIT
//
// test_edge.c - calls of malloc in all their forms, checked: sizes, stamps, what is found wrong.

#include "workload/edge.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

// In place of run/child.c: a failed check comes back to the test.
static jmp_buf failed;
static char failed_check[64];

_Noreturn void child_fail(struct worker *worker, const char *check, const void *block,
                          uint64_t size, const char *format, ...)
{
    (void)worker;
    (void)block;
    (void)size;
    (void)format;
    snprintf(failed_check, sizeof failed_check, "%s", check);
    longjmp(failed, 1);
}

// The reader of jobs asks for them; there are none here.
const struct workload *workload_at(size_t index)
{
    (void)index;
    return NULL;
}

const struct workload *workload_find(const char *name)
{
    (void)name;
    return NULL;
}

#define FAILS(check, statement)                                                                    \
    do {                                                                                           \
        if (setjmp(failed) == 0) {                                                                 \
            statement;                                                                             \
            fail_msg("%s: nothing was found", #statement);                                         \
        }                                                                                          \
        assert_string_equal(failed_check, check);                                                  \
    } while (0)

static void test_sizes_go_up_to_megabytes(void **state)
{
    (void)state;
    assert_int_equal(edge_size(0), 1);
    for (unsigned i = 1; i < EDGE_SIZES; i++) {
        assert_true(edge_size(i) > edge_size(i - 1));
        assert_true(edge_size(i) <= edge_size(i - 1) * 9);
    }
    assert_true(edge_size(EDGE_SIZES - 1) >= 4 << 20);
    assert_true(edge_size(EDGE_SIZES - 1) <= 16 << 20);
}

static void test_drawn_sizes(void **state)
{
    (void)state;
    struct random random;
    unsigned large = 0;
    random_init(&random, test_seed(), 0, 0);
    for (unsigned i = 0; i < 10000; i++) {
        size_t size = edge_draw(&random);
        assert_in_range(size, 1, 256 << 10);
        large += size > 64 << 10;
    }
    assert_in_range(large, 10, 500); // about 117
}

static void test_every_call_gives_a_block(void **state)
{
    (void)state;
    uint32_t calls = edge_calls();
    assert_true(calls >> EDGE_MALLOC & 1);
    for (unsigned call = 0; call < EDGE_USABLE_SIZE; call++) {
        for (unsigned i = 0; i < EDGE_SIZES; i += 5) {
            struct edge_block block;
            size_t size = call == EDGE_ALIGNED_ALLOC ? (edge_size(i) + 63) & ~63ul : edge_size(i);
            if ((calls >> call & 1) != 0) {
                assert_true(edge_alloc(NULL, (enum edge_call)call, size, 64, false, &block));
                edge_verify(NULL, &block);
                edge_free(NULL, &block);
                assert_null(block.at);
                edge_free(NULL, &block); // of nothing
            }
        }
    }
}

// Changes a byte of a new block.
static void change(size_t size, size_t place)
{
    struct edge_block block;
    edge_alloc(NULL, EDGE_MALLOC, size, 0, false, &block);
    block.at[place] ^= 1;
    FAILS("stamp", edge_verify(NULL, &block));
    free(block.at);
}

static void test_a_changed_byte_is_found(void **state)
{
    (void)state;
    for (size_t size = 1; size < 40; size++) {
        change(size, size - 1);
        // Of 9 to 15 bytes the first ones are not watched: the last lie over some of them.
        if (size <= 8 || size >= 16) {
            change(size, 0);
        }
    }
}

static void test_resizing_keeps_what_it_must(void **state)
{
    (void)state;
    for (unsigned i = 0; i < EDGE_SIZES; i += 7) {
        for (unsigned j = 0; j < EDGE_SIZES; j += 7) {
            struct edge_block block;
            edge_alloc(NULL, EDGE_CALLOC, edge_size(i), 0, false, &block);
            edge_resize(NULL, &block, edge_size(j));
            assert_int_equal(block.size, edge_size(j));
            edge_free(NULL, &block);
        }
    }
}

static void test_refusals(void **state)
{
    (void)state;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    struct edge_block block;
    assert_false(edge_alloc(NULL, EDGE_MALLOC, SIZE_MAX - 100, 0, true, &block));
    assert_null(block.at);
    FAILS("refused", edge_alloc(NULL, EDGE_MALLOC, SIZE_MAX - 100, 0, false, &block));
    // An alignment that is no power of two is another error than want of memory.
    FAILS("errno", edge_alloc(NULL, EDGE_POSIX_MEMALIGN, 100, 24, true, &block));
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_go_up_to_megabytes),
        cmocka_unit_test(test_drawn_sizes),
        cmocka_unit_test(test_every_call_gives_a_block),
        cmocka_unit_test(test_a_changed_byte_is_found),
        cmocka_unit_test(test_resizing_keeps_what_it_must),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
