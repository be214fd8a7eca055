// SPDX-License-Identifier: MIT
//
// test_curves.c - histograms that start afresh under running workers.

#include "run/curves.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#define WORKERS 3

struct scene {
    struct curves curves;
    struct worker workers[WORKERS];
    void *memory;
    struct histogram service[OP_KINDS], response[OP_KINDS];
};

static struct scene *open_scene(const struct curves_shape *shape)
{
    struct scene *scene = aligned_alloc(128, (sizeof *scene + 127) / 128 * 128);
    memset(scene, 0, sizeof *scene);
    scene->memory = calloc(1, curves_bytes(shape));
    curves_init(&scene->curves, shape, scene->memory);
    for (unsigned i = 0; i < shape->threads; i++) {
        scene->workers[i].latency = curves_of(&scene->curves, i);
    }
    return scene;
}

static void close_scene(struct scene *scene)
{
    free(scene->memory);
    free(scene);
}

static void add(struct scene *scene, unsigned worker, unsigned kind, uint64_t value)
{
    struct histogram *latency = __atomic_load_n(&scene->workers[worker].latency, __ATOMIC_ACQUIRE);
    histogram_add(&latency[kind], value);
}

static void test_merged(void **state)
{
    (void)state;
    struct curves_shape shape = {.threads = WORKERS, .response = true};
    struct scene *scene = open_scene(&shape);
    assert_int_equal(curves_bytes(&shape), WORKERS * 2 * OP_KINDS * sizeof(struct histogram));
    for (unsigned i = 0; i < WORKERS; i++) {
        add(scene, i, OP_FREE, 10 + i);
        add(scene, i, OP_KINDS + OP_FREE, 100 + i);
    }
    curves_report(&scene->curves, 0, true, scene->service, scene->response);
    assert_int_equal(scene->service[OP_FREE].count, WORKERS);
    assert_int_equal(scene->service[OP_FREE].most, 12);
    assert_int_equal(scene->response[OP_FREE].least, 100);
    assert_int_equal(scene->service[OP_ALLOC].count, 0);
    assert_int_equal(scene->response[OP_ALLOC].least, UINT64_MAX);
    close_scene(scene);
}

// A time that was taken before a turn and noted after it goes to the part it belongs to.
static void test_a_straggler(void **state)
{
    (void)state;
    struct curves_shape shape = {.threads = 1, .afresh = true, .steady = true};
    struct scene *scene = open_scene(&shape);
    struct histogram *old = scene->workers[0].latency;
    curves_turn(&scene->curves, scene->workers, true);
    assert_ptr_not_equal(scene->workers[0].latency, old);
    histogram_add(&old[OP_ALLOC], 5);
    curves_turn(&scene->curves, scene->workers, true); // part 0 is read
    assert_ptr_equal(scene->workers[0].latency, old);
    assert_int_equal(old[OP_ALLOC].count, 0);
    curves_report(&scene->curves, 0, true, scene->service, scene->response);
    assert_int_equal(scene->service[OP_ALLOC].count, 1);
    curves_report(&scene->curves, 1, true, scene->service, scene->response);
    assert_int_equal(scene->service[OP_ALLOC].count, 0);
    close_scene(scene);
}

// Part p has p + 1 values of p: any run of the last parts can be told apart.
static void test_parts(void **state)
{
    (void)state;
    struct curves_shape shape = {.threads = 2, .afresh = true, .steady = true};
    for (unsigned parts = 1; parts < 3 * STEADY_PARTS; parts++) {
        struct scene *scene = open_scene(&shape);
        for (unsigned part = 0; part < parts; part++) {
            for (unsigned i = 0; i <= part; i++) {
                add(scene, i % 2, OP_STEP, part);
            }
            curves_turn(&scene->curves, scene->workers, true);
        }
        unsigned first = parts < STEADY_PARTS ? 0 : parts - STEADY_PARTS;
        for (; first < parts; first++) {
            curves_report(&scene->curves, first, false, scene->service, scene->response);
            unsigned expected = parts * (parts + 1) / 2 - first * (first + 1) / 2;
            assert_int_equal(scene->service[OP_STEP].count, expected);
            assert_int_equal(scene->service[OP_STEP].least, first);
        }
        close_scene(scene);
    }
}

static bool over;

static void *work(void *arg)
{
    struct scene *scene = arg;
    uint64_t count = 0;
    while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
        add(scene, 0, OP_ALLOC, count++ % 100);
    }
    add(scene, 0, OP_ALLOC, 1000);
    return NULL;
}

// Under a running worker every part stays a histogram: its sum is its count (G1).
static void test_running(void **state)
{
    (void)state;
    struct curves_shape shape = {.threads = 1, .afresh = true, .steady = true};
    struct scene *scene = open_scene(&shape);
    pthread_t thread;
    over = false;
    pthread_create(&thread, NULL, work, scene);
    for (unsigned i = 0; i < 2000 / MEMS_TEST_SCALE; i++) {
        curves_turn(&scene->curves, scene->workers, true);
    }
    __atomic_store_n(&over, true, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    curves_report(&scene->curves, 0, true, scene->service, scene->response);
    uint64_t sum = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        sum += scene->service[OP_ALLOC].bucket[i];
    }
    assert_int_equal(sum, scene->service[OP_ALLOC].count);
    assert_int_equal(scene->service[OP_ALLOC].most, 1000);
    close_scene(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merged),
        cmocka_unit_test(test_a_straggler),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_running),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
