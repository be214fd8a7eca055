// SPDX-License-Identifier: MIT
//
// test_frame.c - free frames: lowest first, all or none, none lost in threads' shares.

#include "support/test.h"

#include <errno.h>
#include <string.h>

#include "memory/frame.h"

static void test_lowest_first(void **state)
{
    (void)state;
    struct frames frames;
    uint32_t got[10];
    assert_int_equal(frames_open(&frames, 10, 7, 1, 0), 0);
    assert_true(frames_reserve(&frames, 10));
    frames_take(&frames, 1, got, 10);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(got[i], i);
        assert_ptr_equal(frame_host(&frames, i), frames.memory + 128 * i);
    }
    assert_false(frames_reserve(&frames, 1));
    frames_give(&frames, 1, (uint32_t[]){7, 2, 5}, 3);
    assert_true(frames_reserve(&frames, 2));
    frames_take(&frames, 1, got, 2);
    assert_int_equal(got[0], 2);
    assert_int_equal(got[1], 5);
    assert_null(frames_check(&frames));
    frames_close(&frames);
}

// What lies in one thread's share serves another; the count is exact throughout.
static void test_shares(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    struct frames frames;
    uint32_t taken[5][200], one[200];
    size_t count[5] = {0}, total = 0;
    unsigned char has[200] = {0};
    srand((unsigned)seed);
    assert_int_equal(frames_open(&frames, 200, 12, 3, 16), 0);
    for (unsigned step = 0; step < 200000 / MEMS_TEST_SCALE; step++) {
        unsigned who = (unsigned)rand() % 5;
        size_t n = 1 + (size_t)rand() % (rand() % 8 == 0 ? 60 : 4);
        if (rand() % 2 == 0) {
            bool fits = n <= 200 - total;
            assert_int_equal(frames_reserve(&frames, n), fits);
            if (fits) {
                frames_take(&frames, who, one, n);
                total += n;
            }
            for (size_t i = 0; fits && i < n; i++) {
                assert_true(one[i] < 200 && !has[one[i]]);
                has[one[i]] = 1;
                taken[who][count[who]++] = one[i];
            }
        } else {
            n = n < count[who] ? n : count[who];
            count[who] -= n;
            total -= n;
            for (size_t i = 0; i < n; i++) {
                has[taken[who][count[who] + i]] = 0;
            }
            frames_give(&frames, (who + 1) % 5, taken[who] + count[who], n);
        }
        assert_int_equal(frames.free, 200 - total);
    }
    assert_null(frames_check(&frames));
    frames_close(&frames);
}

static void test_too_many(void **state)
{
    (void)state;
    struct frames frames;
    assert_int_equal(frames_open(&frames, UINT64_C(1) << 32, 12, 1, 0), ENOMEM);
    assert_int_equal(frames_open(&frames, UINT64_C(1) << 30, 21, 1, 0), ENOMEM);
    frames_close(&frames);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lowest_first),
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
