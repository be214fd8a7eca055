// SPDX-License-Identifier: MIT
//
// test_alone.c - a worker at work writes to nothing that another thread of the harness uses: no
// counter is shared, so that the harness does not contend with itself.
//
// The run and all of another worker (its counters, history, histograms, pace) are write-protected
// while one worker does real work: whatever it wrote there would be a fault. Check 4 is left out:
// its map of all blocks is shared on purpose.

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "run/history.h"
#include "run/run.h"
#include "run/worker.h"
#include "support/test.h"
#include "target/target.h"
#include "workload/pace.h"

#define WORKERS 2

// What belongs to one worker, on pages of its own.
struct own {
    struct worker worker;
    struct history history;
    struct histogram latency[2 * OP_KINDS]; // service and response
    struct pace pace;
};

struct scene {
    struct target_spec *spec;
    struct run *run; // on pages of its own
    struct own *own[WORKERS];
    struct job *job;
};

static sigjmp_buf faulted;
static void *volatile fault_at;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    fault_at = info->si_addr;
    siglongjmp(faulted, 1);
}

static void nothing(void *arg)
{
    (void)arg;
}

static void open_worker(struct scene *scene, unsigned number, const char *target, bool paced)
{
    static uint64_t origin_ns = 1; // long ago: nobody waits
    struct own *own = run_map(sizeof *own);
    const struct job_section *section = scene->run->section;
    scene->own[number] = own;
    for (unsigned kind = 0; kind < 2 * OP_KINDS; kind++) {
        histogram_init(&own->latency[kind]);
    }
    own->worker = (struct worker){.ops = scene->run->ops,
                                  .history = &own->history,
                                  .latency = own->latency,
                                  .latency_every = (uint32_t)job_number(section, "latency"),
                                  .check = (unsigned)job_number(section, "verify"),
                                  .touch = (unsigned)job_number(section, "touch"),
                                  .number = number,
                                  .run = scene->run,
                                  .budget = job_number(section, "ops")};
    random_init(&own->worker.random, 1, number, 0);
    if (strcmp(target, "null") == 0) { // as a cell does it: nothing lies behind its blocks
        own->worker.check = own->worker.touch = 0;
    }
    if (paced) {
        pace_init(&own->pace, 1000000000, PACE_POISSON, 1, number, WORKERS);
        own->pace.origin_ns = &origin_ns;
        own->pace.stop = &scene->run->stop;
        own->pace.tick = nothing;
        own->worker.pace = &own->pace;
    }
}

static void open_scene(struct scene *scene, const char *target, const char *keys, bool paced)
{
    struct complaint complaint = {{0}};
    struct target_spec *spec;
    char text[512];
    int length =
        snprintf(text, sizeof text, "[it]\ntarget = %s\nthreads = 2\nops = 3000\n%s", target, keys);
    if (job_parse(text, (size_t)length, "job", "/", &scene->job, &complaint) != 0) {
        fail_msg("%s", complaint.text);
    }
    scene->run = run_map(sizeof *scene->run);
    struct run *run = scene->run;
    run->section = &scene->job->sections[0];
    run->workload = run->section->workload;
    run->seed = 1;
    run->threads = WORKERS;
    spec = run_map(sizeof *spec);
    assert_int_equal(target_parse(target, "/", spec, &complaint), 0);
    run->spec = scene->spec = spec;
    run->target = spec->target;
    run->ops = run->target->ops;
    for (unsigned i = 0; i < WORKERS; i++) {
        open_worker(scene, i, target, paced);
    }
    run->workers = &scene->own[0]->worker;
    assert_int_equal(run->workload->open(run, &complaint), 0);
}

static void protect(const struct scene *scene, int rights)
{
    assert_int_equal(mprotect(scene->run, sizeof *scene->run, rights), 0);
    assert_int_equal(mprotect(scene->own[0], sizeof *scene->own[0], rights), 0);
}

// Whether `body` on worker 1 leaves alone what is not its own.
static bool stays_alone(const struct scene *scene, void (*body)(struct worker *worker))
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO}, before;
    sigemptyset(&action.sa_mask);
    volatile bool alone = false;
    protect(scene, PROT_READ);
    sigaction(SIGSEGV, &action, &before);
    if (sigsetjmp(faulted, 1) == 0) {
        body(&scene->own[1]->worker);
        alone = true;
    }
    sigaction(SIGSEGV, &before, NULL);
    protect(scene, PROT_READ | PROT_WRITE);
    return alone;
}

static void test_no_worker_writes_to_what_others_use(void **state)
{
    static const char *const targets[] = {"libc", "null"};
    // Their threads do not wait for each other, nor for the run while they fill their slots.
    static const char *const workloads[] = {"skeleton", "skeleton\nalign = 64",
                                            "pareto-slots\nslots = 64\naccess = check"};
    static const char *const manners[] = {"verify = 0\nlatency = none", "verify = 1",
                                          "verify = 2\nlatency = all", "verify = 3\nlatency = 1/7"};
    (void)state;
    for (unsigned i = 0; i < 2 * 4 * 3 * 2; i++) {
        const char *target = targets[i % 2], *manner = manners[i / 2 % 4];
        const char *workload = workloads[i / 8 % 3];
        struct scene scene;
        char keys[256];
        snprintf(keys, sizeof keys, "workload = %s\n%s\n", workload, manner);
        open_scene(&scene, target, keys, i / 24 == 1);
        if (!stays_alone(&scene, scene.run->workload->work)) {
            fail_msg("on %s, worker 1 wrote to %p (the run is at %p, worker 0 at %p): %s", target,
                     fault_at, (void *)scene.run, (void *)scene.own[0], keys);
        }
        const struct worker *worker = &scene.own[1]->worker;
        assert_true(worker->count[OP_ALLOC] >= 1000); // it did work, and noted it
        assert_true(scene.own[1]->history.count >= 3000);
        assert_int_equal(worker->budget, 0);
        target_spec_fini(scene.spec);
        job_free(scene.job);
    }
}

// The guard sees a counter that is shared.
static void count_together(struct worker *worker)
{
    __atomic_fetch_add(&worker->run->workers[0].count[OP_ALLOC], 1, __ATOMIC_RELAXED);
}

static void stop_all(struct worker *worker)
{
    worker->run->stop = true;
}

static void test_the_guard_sees_it(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene, "libc", "workload = skeleton\n", false);
    assert_false(stays_alone(&scene, count_together));
    assert_ptr_equal(fault_at, &scene.own[0]->worker.count[OP_ALLOC]);
    assert_false(stays_alone(&scene, stop_all));
    target_spec_fini(scene.spec);
    job_free(scene.job);
}

// Workers are pages apart here, so that no `close` could free what they hold at the end.
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_worker_writes_to_what_others_use),
        cmocka_unit_test(test_the_guard_sees_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
