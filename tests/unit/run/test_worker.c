// SPDX-License-Identifier: MIT
//
// test_worker.c - workers and their threads: together, handed over, waited for.

#include "run/worker.h"

#include <string.h>

#include "run/evidence.h"
#include "run/stage.h"
#include "support/test.h"
#include "workload/workload.h"

#define THREADS    4
#define SUCCESSORS (200 / MEMS_TEST_SCALE)

static uint64_t bodies[THREADS]; // bodies that ran, by worker: one at a time, each sees the last

static void body(struct worker *worker)
{
    uint64_t *count = &bodies[worker->number];
    ++*count;
    worker->count[OP_ALLOC]++;
    if (*count < SUCCESSORS && !worker_stop(worker, 1)) {
        if (worker_hand_over(worker, body) == 0) {
            return; // without touching the worker
        }
        fail_msg("no successor");
    }
}

static const struct workload workload = {.name = "test", .work = body};

struct scene {
    struct run run;
    struct stage *stage;
};

static void open_scene(struct scene *scene)
{
    int file;
    memset(scene, 0, sizeof *scene);
    assert_int_equal(stage_create(THREADS, "", &scene->stage, &file), 0);
    struct run *run = &scene->run;
    run->stage = scene->stage;
    run->workload = &workload;
    run->threads = THREADS;
    run->workers = stage_workers(scene->stage);
    run->lives = run_map(THREADS * sizeof *run->lives);
    for (unsigned i = 0; i < THREADS; i++) {
        run->workers[i].run = run;
        run->workers[i].number = i;
        run->workers[i].budget = UINT64_MAX;
        bodies[i] = 0;
    }
}

static void test_successors(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    assert_int_equal(worker_start_all(&scene.run), 0);
    worker_let_all_begin(&scene.run);
    while (!worker_wait(&scene.run, run_now_ns() + 1000000000)) {
    }
    worker_join_all(&scene.run);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(bodies[i], SUCCESSORS);
        assert_int_equal(scene.run.workers[i].count[OP_ALLOC], SUCCESSORS);
        assert_int_equal(scene.run.lives[i].generations, SUCCESSORS - 1);
        assert_true(scene.run.lives[i].ended_ns >= scene.run.started_ns);
    }
    assert_int_equal(scene.run.running, 0);
    stage_detach(scene.stage);
}

static void test_stop(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    scene.run.stop = true;
    assert_int_equal(worker_start_all(&scene.run), 0);
    worker_let_all_begin(&scene.run);
    while (!worker_wait(&scene.run, run_now_ns() + 1000000000)) {
    }
    worker_join_all(&scene.run);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(bodies[i], 1);
    }
    stage_detach(scene.stage);
}

static unsigned filled, early; // workers that have; that went on before all had

static void fill(struct worker *worker)
{
    if (worker->number == THREADS - 1) {
        return; // ends without: it is taken for ready
    }
    __atomic_fetch_add(&filled, 1, __ATOMIC_RELAXED);
    worker_ready(worker);
    if (__atomic_load_n(&filled, __ATOMIC_RELAXED) != THREADS - 1 ||
        worker->run->ready_ns < worker->run->started_ns) {
        __atomic_fetch_add(&early, 1, __ATOMIC_RELAXED);
    }
    worker->count[OP_ALLOC]++;
}

static const struct workload filling = {.name = "test", .work = fill, .fills = true};

// The wait ends when all are ready; none goes on before it is let.
static void test_fill(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    scene.run.workload = &filling;
    filled = early = 0;
    assert_int_equal(worker_start_all(&scene.run), 0);
    worker_let_all_begin(&scene.run);
    assert_int_equal(scene.run.ready_ns, 0);
    while (!worker_all_ready(&scene.run)) {
        assert_false(worker_wait(&scene.run, run_now_ns() + 1000000000));
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(scene.run.workers[i].count[OP_ALLOC], 0);
    }
    assert_false(worker_wait(&scene.run, UINT64_MAX / 2));
    worker_release(&scene.run);
    while (!worker_wait(&scene.run, run_now_ns() + 1000000000)) {
    }
    worker_join_all(&scene.run);
    assert_int_equal(filled, THREADS - 1);
    assert_int_equal(early, 0);
    for (unsigned i = 0; i < THREADS - 1; i++) {
        assert_int_equal(scene.run.workers[i].count[OP_ALLOC], 1);
    }
}

static void test_budget(void **state)
{
    (void)state;
    struct run run = {0};
    struct worker worker = {.run = &run, .budget = 10};
    assert_false(worker_stop(&worker, 4));
    assert_int_equal(worker.budget, 6);
    assert_false(worker_stop(&worker, 5));
    assert_true(worker_stop(&worker, 5)); // past the end: over, not wrapped
    assert_true(worker_stop(&worker, 0));
    worker.budget = UINT64_MAX;
    assert_false(worker_stop(&worker, 1000));
    run.stop = true;
    assert_true(worker_stop(&worker, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_successors),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_fill),
        cmocka_unit_test(test_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
