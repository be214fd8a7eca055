// SPDX-License-Identifier: MIT
//
// processes.c - whole processes come, take their memory, use it, and exit: the textbooks' unit.
//
// 1. Theory. Each thread is a system of its own with a clock that counts steps. A process arrives,
//    is given all of its blocks at once, uses them, one random byte of a random block of a random
//    process in each step, and after its lifetime exits: all that it holds goes at once. By
//    Little's law lifetime / spacing processes are alive on average, as far as `alive` allows.
// 2. Spaces. Where the target is an engine, a process has a space of its own, which closes at its
//    exit with all that is in it. A malloc has one heap: there the blocks are freed one by one.
// 3. Refusals. A process that arrives while `alive` are there is refused, and so is one that does
//    not get all of its memory: it gives back what it got, and is gone. Both are counted.
// 4. Operations. A step in the sense of the counts is a process that was let in; its latency is
//    from its arrival to its last block. ops= counts allocations, frees, what goes with a space,
//    and steps of the clock.

#include <errno.h>
#include <math.h>

#include "run/run.h"
#include "workload/agenda.h"
#include "workload/demand.h"
#include "workload/rows.h"

#define PROCESSES_BATCH 64u       // steps between two looks at the clock
#define PROCESSES_SLOTS 100000000 // in all threads

struct processes_process {
    struct slot *slots; // the first `blocks` are full
    uint64_t blocks;
    void *space;
};

struct processes_thread {
    struct processes_process *processes; // by place
    uint32_t *places;                    // of those alive, then the others
    uint32_t *order;                     // places[order[i]] == i                              (P1)
    uint32_t alive;
    void *home;          // the worker's space between processes
    struct agenda exits; // of those alive, by place
    uint64_t now, next_arrival;
    uint64_t arrived, turned_away, refused;
    double alive_sum; // over all steps
};

struct processes {
    const struct distribution *sizes, *blocks, *lifetimes, *spacing;
    uint32_t most_alive;  // in each thread
    uint64_t most_blocks; // of each process
    bool spaces;
    struct processes_thread *threads;
};

static const struct job_key processes_keys[] = {
    {.name = "spacing",
     .kind = JOB_DISTRIBUTION,
     .least = 1,
     .most = 1e9,
     .values = "a distribution as for size, in steps",
     .standard = "1-19",
     .help = "steps from one arrival to the next"},
    {.name = "alive",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 60000,
     .values = "1 .. 60k, below 65536 in all threads",
     .standard = "16",
     .help = "the most processes alive at once in each thread; more are refused"},
    {.name = "blocks",
     .kind = JOB_DISTRIBUTION,
     .least = 1,
     .most = 1e6,
     .values = "a distribution as for size, within 1 .. 1M",
     .standard = "1-40",
     .help = "blocks of a process"},
    {.name = "lifetime",
     .kind = JOB_DISTRIBUTION,
     .least = 1,
     .most = 1e9,
     .values = "a distribution as for size, in steps",
     .standard = "20-200",
     .help = "steps from a process's arrival to its exit"},
    {.name = NULL},
};

static int processes_validate(const struct job_section *section, struct complaint *complaint)
{
    uint64_t alive = job_number(section, "alive") * job_number(section, "threads");
    uint64_t most = distribution_most(job_value(section, "blocks")->distribution);
    if (alive >= RUN_MAX_SPACES) {
        job_complain(section, "alive", complaint,
                     "%llu in all threads; fewer than %u processes are possible",
                     (unsigned long long)alive, RUN_MAX_SPACES);
        return EINVAL;
    }
    if (alive * most > PROCESSES_SLOTS) {
        job_complain(section, "blocks", complaint,
                     "%llu processes with up to %llu blocks each; 100M blocks are possible",
                     (unsigned long long)alive, (unsigned long long)most);
        return EINVAL;
    }
    return 0;
}

static int processes_demand(const struct job_section *section, struct target_demand *demand,
                            struct complaint *complaint)
{
    (void)complaint;
    const struct distribution *blocks = job_value(section, "blocks")->distribution;
    double alive = (double)job_number(section, "alive") * (double)job_number(section, "threads");
    double least = (double)distribution_least(blocks), most = (double)distribution_most(blocks);
    double mean = distribution_mean(blocks);
    // Five spreads, none wider than the ends allow (Bhatia and Davis, 2000).
    double spread = sqrt(alive * fmax(0, (most - mean) * (mean - least)));
    demand_add(demand, job_value(section, "size")->distribution,
               fmin(alive * most, alive * mean + 5 * spread));
    return 0;
}

static void processes_open_thread(struct processes *shared, unsigned number)
{
    struct processes_thread *thread = &shared->threads[number];
    uint32_t alive = shared->most_alive;
    uint64_t most = shared->most_blocks;
    struct slot *slots = run_map(alive * most * sizeof *slots);
    thread->processes = run_map(alive * sizeof *thread->processes);
    thread->places = run_map(alive * sizeof *thread->places);
    thread->order = run_map(alive * sizeof *thread->order);
    thread->exits.entries = run_map(alive * sizeof *thread->exits.entries);
    for (uint64_t i = 0; i < alive * most; i++) {
        slots[i].id = (uint32_t)(number * alive * most + i);
    }
    for (uint32_t i = 0; i < alive; i++) {
        thread->processes[i].slots = slots + i * most;
        thread->places[i] = thread->order[i] = i;
    }
}

static int processes_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    const struct job_section *section = run->section;
    struct processes *shared = run_map(sizeof *shared);
    shared->sizes = job_value(section, "size")->distribution;
    shared->blocks = job_value(section, "blocks")->distribution;
    shared->lifetimes = job_value(section, "lifetime")->distribution;
    shared->spacing = job_value(section, "spacing")->distribution;
    shared->most_alive = (uint32_t)job_number(section, "alive");
    shared->most_blocks = distribution_most(shared->blocks);
    shared->spaces = run->target != NULL && run->target->engine != NULL &&
                     run->target->engine(run->instance) != NULL;
    shared->threads = run_map(run->threads * sizeof shared->threads[0]);
    for (unsigned i = 0; i < run->threads; i++) {
        processes_open_thread(shared, i);
    }
    run->shared = shared;
    return 0;
}

// ---- a process's life ---------------------------------------------------------------------------

// The number of its space in the run.
static unsigned processes_number(const struct worker *worker, const struct processes *shared,
                                 uint32_t place)
{
    return 1 + worker->number * shared->most_alive + place;
}

// False: the target has no space left.
static bool processes_enter(struct worker *worker, const struct processes *shared, uint32_t place)
{
    struct processes_process *process = &shared->threads[worker->number].processes[place];
    process->space = worker->space;
    if (shared->spaces) {
        int error =
            run_space(worker->run, processes_number(worker, shared, place), &process->space);
        if (error != 0 && error != ENOMEM) {
            run_fail(worker,
                     &(struct run_failure){.check = "space",
                                           .text = "the target opens no space for a process",
                                           .found = (uint64_t)error});
        }
        if (error != 0) {
            return false;
        }
        worker->space = process->space;
    }
    return true;
}

// All that it holds goes. Returns how many blocks these were.
static uint64_t processes_exit(struct worker *worker, const struct processes *shared,
                               uint32_t place)
{
    struct processes_process *process = &shared->threads[worker->number].processes[place];
    uint64_t blocks = process->blocks;
    if (shared->spaces) {
        worker->space = process->space;
    }
    for (uint64_t i = 0; i < blocks; i++) {
        if (shared->spaces) {
            op_abandon(worker, &process->slots[i]);
        } else {
            op_free(worker, &process->slots[i]);
        }
    }
    process->blocks = 0;
    if (shared->spaces) {
        worker->space = shared->threads[worker->number].home;
        run_space_close(worker->run, processes_number(worker, shared, place));
    }
    return blocks;
}

// Gives it its blocks; fewer than it wanted: one was refused.
static bool processes_load(struct worker *worker, const struct processes *shared, uint32_t place,
                           uint64_t blocks)
{
    struct processes_process *process = &shared->threads[worker->number].processes[place];
    while (process->blocks < blocks) {
        size_t size = distribution_draw(shared->sizes, random_next(&worker->random));
        if (op_alloc(worker, &process->slots[process->blocks], size, 0) != 0) {
            return false;
        }
        process->blocks++;
    }
    return true;
}

static void processes_swap(struct processes_thread *self, uint32_t i, uint32_t j)
{
    uint32_t place = self->places[i];
    self->places[i] = self->places[j];
    self->places[j] = place;
    self->order[self->places[i]] = i;
    self->order[self->places[j]] = j;
}

// One arrives. Returns how many operations that took.
static uint64_t processes_arrive(struct worker *worker, const struct processes *shared)
{
    struct processes_thread *self = &shared->threads[worker->number];
    uint64_t blocks = distribution_draw(shared->blocks, random_next(&worker->random));
    uint64_t lifetime = distribution_draw(shared->lifetimes, random_next(&worker->random));
    self->arrived++;
    self->next_arrival += distribution_draw(shared->spacing, random_next(&worker->random));
    if (self->alive == shared->most_alive) {
        self->turned_away++;
        return 0;
    }
    uint32_t place = self->places[self->alive];
    uint64_t began = op_step_begin(worker);
    if (!processes_enter(worker, shared, place)) {
        self->refused++;
        return 1;
    }
    if (!processes_load(worker, shared, place, blocks)) {
        self->refused++;
        return 1 + 2 * processes_exit(worker, shared, place);
    }
    op_step_end(worker, began);
    worker->space = self->home;
    self->alive++;
    agenda_put(&self->exits, self->now + lifetime, place);
    return blocks;
}

static void processes_touch(struct worker *worker, const struct processes *shared)
{
    struct processes_thread *self = &shared->threads[worker->number];
    uint32_t place = self->places[random_below(&worker->random, self->alive)];
    struct processes_process *process = &self->processes[place];
    struct slot *slot = &process->slots[random_below(&worker->random, process->blocks)];
    worker->space = process->space;
    op_touch(worker, slot, random_below(&worker->random, slot->size), true);
    worker->space = self->home;
}

// One step of the clock. Returns how many operations that were.
static uint64_t processes_step(struct worker *worker, const struct processes *shared)
{
    struct processes_thread *self = &shared->threads[worker->number];
    uint64_t done = 1;
    while (agenda_is_due(&self->exits, self->now)) {
        uint32_t place = (uint32_t)agenda_take(&self->exits).what;
        done += processes_exit(worker, shared, place);
        processes_swap(self, self->order[place], --self->alive);
    }
    if (self->next_arrival <= self->now) {
        done += processes_arrive(worker, shared);
    }
    if (self->alive > 0) {
        processes_touch(worker, shared);
    }
    self->alive_sum += self->alive;
    self->now++;
    return done;
}

static void processes_work(struct worker *worker)
{
    struct processes *shared = worker->run->shared;
    uint64_t done;
    shared->threads[worker->number].home = worker->space;
    do {
        done = 0;
        for (unsigned i = 0; i < PROCESSES_BATCH && done < worker->budget; i++) {
            done += processes_step(worker, shared);
        }
    } while (!worker_stop(worker, done));
}

static void processes_close(struct run *run)
{
    struct processes *shared = run->shared;
    uint64_t arrived = 0, turned_away = 0, refused = 0;
    double alive = 0;
    for (unsigned i = 0; i < run->threads; i++) {
        struct processes_thread *thread = &shared->threads[i];
        arrived += thread->arrived;
        turned_away += thread->turned_away;
        refused += thread->refused;
        alive += thread->now > 0 ? thread->alive_sum / (double)thread->now : 0;
        while (thread->alive > 0) {
            processes_exit(&run->workers[i], shared, thread->places[--thread->alive]);
        }
    }
    run_figure(run, "processes arrived", "count", (double)arrived, NAN);
    run_figure(run, "refused, too many alive", "count", (double)turned_away, NAN);
    run_figure(run, "refused, no memory", "count", (double)refused, NAN);
    run_figure(run, "processes alive, mean", "count", alive,
               (double)shared->most_alive * run->threads);
}

const struct workload workload_processes = {
    .name = "processes",
    .help = "processes arrive, allocate, use their memory and exit with all of it at once",
    .class = WORKLOAD_PAGED,
    .version = 1,
    .keys = processes_keys,
    .validate = processes_validate,
    .demand = processes_demand,
    .open = processes_open,
    .work = processes_work,
    .close = processes_close,
};
