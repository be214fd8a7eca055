// SPDX-License-Identifier: MIT
//
// random_slots.c - batches of blocks all over the place, some of them freed by the next thread; and
// what the memory costs on top of what was asked for.
//
// 1. Theory (rpmalloc's benchmark). A loop takes the next `batch` slots, which lie a prime number
//    of slots apart, frees what they hold and fills them again. In every `cross_rate`-th loop what
//    they hold is not freed but sent to the next thread, which frees it. Sizes are as `size` says;
//    with falloff = linear a request is the lesser of two draws, so that the density over a range
//    falls linearly. Before the first loop all slots are filled.
// 2. The barrier. Every `barrier` loops all threads meet, and the last to come compares: overhead =
//    (RSS - baseline - live) / live, in percent, baseline the RSS before the first operation, live
//    the requested bytes. So it is taken when nothing is under way. The figures are the last and
//    the highest; checks' own memory (verify = 4) is in them. touch = page or full makes blocks
//    resident.
// 3. Waiting. Into a full inbox, and at the barrier, a thread waits and empties its own inbox
//    meanwhile: no circle of waiting can be. It ends after its predecessor's last block.
// 4. Determinism. What a thread allocates, frees and sends depends on the seed alone. When the
//    frees that it does for others come between depends on the schedule.

#include <errno.h>
#include <math.h>

#include "check/check.h"
#include "measure/proc.h"
#include "run/run.h"
#include "workload/demand.h"
#include "workload/gate.h"
#include "workload/ring.h"
#include "workload/rows.h"

#define RANDOM_SLOTS_CROSS_USUAL 2u   // the default of the key cross_rate
#define RANDOM_SLOTS_BATCHES     4u   // that an inbox holds
#define RANDOM_SLOTS_LOOK        256u // slots filled between two looks whether to stop

static const char *const random_slots_aligns[] = {"0", "8", "16", "64", "4Ki", "2Mi", "8Mi", NULL};
static const size_t random_slots_align[] = {0, 8, 16, 64, 4 << 10, 2 << 20, 8 << 20};
static const char *const random_slots_falloffs[] = {"none", "linear", NULL};
static const uint64_t random_slots_primes[] = {7919, 10007, 3};

struct random_slots_thread {
    struct slot *slots;
    uint64_t at; // the slot that is next
    struct ring inbox;
    struct slot *letters; // what the inbox counts
};

struct random_slots {
    const struct distribution *sizes;
    uint64_t slots, batch, stride;
    uint64_t cross_rate, barrier; // 0: never
    size_t align;
    bool linear;
    struct random_slots_thread *threads;
    struct gate gate;
    uint64_t baseline;    // RSS before the first operation
    double most_overhead; // [gate] by the last to come
};

static const struct job_key random_slots_keys[] = {
    {JOB_SIZE_KEY, .standard = "exp:2000@8-16000", .help = "bytes of a request"},
    {CHECK_TOUCH_KEY, .standard = "page"},
    {.name = "falloff",
     .kind = JOB_CHOICE,
     .choices = random_slots_falloffs,
     .values = "none, linear (the lesser of two draws of size)",
     .standard = "none",
     .help = "whether large sizes are made rarer than `size` says"},
    {.name = "align",
     .kind = JOB_CHOICE,
     .choices = random_slots_aligns,
     .values = "0 (the usual), 8, 16, 64, 4Ki, 2Mi (a huge page), 8Mi",
     .standard = "0",
     .help = "alignment of the blocks"},
    {.name = "slots",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 10000000,
     .values = "1 .. 10M",
     .standard = "5000",
     .help = "blocks that each thread holds"},
    {.name = "batch",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 100000,
     .values = "1 .. 100k, at most slots",
     .standard = "200",
     .help = "blocks that are freed, then allocated, in a loop"},
    {.name = "cross_rate",
     .kind = JOB_NUMBER,
     .least = 0,
     .most = 1e9,
     .values = "0 (never) .. 1G",
     .standard = "2",
     .help = "every so many loops the next thread frees the batch (two threads or more)"},
    {.name = "barrier",
     .kind = JOB_NUMBER,
     .least = 0,
     .most = 1e9,
     .values = "0 (never) .. 1G",
     .standard = "20",
     .help = "loops after which the threads meet and the overhead is taken"},
    {.name = NULL},
};

static int random_slots_validate(const struct job_section *section, struct complaint *complaint)
{
    // A plan has every key; its default does no harm.
    uint64_t cross = job_number(section, "cross_rate");
    if (job_number(section, "threads") == 1 && cross != 0 && cross != RANDOM_SLOTS_CROSS_USUAL) {
        job_complain(section, "cross_rate", complaint,
                     "with threads = 1 nobody else could free: leave it out, or use threads = 2 or "
                     "more");
        return EINVAL;
    }
    if (job_number(section, "batch") > job_number(section, "slots")) {
        job_complain(section, "batch", complaint, "there are %llu slots; a batch is at most that",
                     (unsigned long long)job_number(section, "slots"));
        return EINVAL;
    }
    return 0;
}

static int random_slots_demand(const struct job_section *section, struct target_demand *demand,
                               struct complaint *complaint)
{
    (void)complaint;
    double each = (double)job_number(section, "slots") +
                  RANDOM_SLOTS_BATCHES * (double)job_number(section, "batch");
    double live = (double)job_number(section, "threads") * each;
    // Of two draws the lesser is of a given size at most twice as often as one is.
    double draws = job_number(section, "falloff") != 0 ? 2 : 1;
    demand_add(demand, job_value(section, "size")->distribution, draws * live);
    return 0;
}

static uint64_t random_slots_stride(uint64_t slots)
{
    unsigned i = 0;
    while (i + 1 < sizeof random_slots_primes / sizeof random_slots_primes[0] &&
           slots % random_slots_primes[i] == 0) {
        i++;
    }
    return slots % random_slots_primes[i] == 0 ? 1 : random_slots_primes[i] % slots;
}

static void random_slots_open_thread(struct random_slots *shared, unsigned number)
{
    struct random_slots_thread *thread = &shared->threads[number];
    uint64_t places = RANDOM_SLOTS_BATCHES * shared->batch;
    ring_init(&thread->inbox, places);
    thread->slots = run_map(shared->slots * sizeof(struct slot));
    thread->letters = run_map(places * sizeof(struct slot));
    for (uint64_t i = 0; i < shared->slots; i++) {
        thread->slots[i].id = (uint32_t)(number * shared->slots + i);
    }
    for (uint64_t i = 0; i < places; i++) {
        thread->letters[i].id = UINT32_MAX; // resident before the baseline is taken
    }
}

static int random_slots_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    const struct job_section *section = run->section;
    struct random_slots *shared = run_map(sizeof *shared);
    shared->sizes = job_value(section, "size")->distribution;
    shared->slots = job_number(section, "slots");
    shared->batch = job_number(section, "batch");
    shared->stride = random_slots_stride(shared->slots);
    shared->cross_rate = run->threads > 1 ? job_number(section, "cross_rate") : 0;
    shared->barrier = job_number(section, "barrier");
    shared->align = random_slots_align[job_number(section, "align")];
    shared->linear = job_number(section, "falloff") != 0;
    shared->most_overhead = -INFINITY;
    shared->threads = run_map(run->threads * sizeof shared->threads[0]);
    for (unsigned i = 0; i < run->threads; i++) {
        random_slots_open_thread(shared, i);
    }
    gate_init(&shared->gate, run->threads);
    run->shared = shared;
    shared->baseline = proc_resident();
    return 0;
}

// ---- blocks that change hands -------------------------------------------------------------------

// Frees what others have sent. False: there was nothing.
static bool random_slots_empty_inbox(struct worker *worker, struct random_slots_thread *self)
{
    uint64_t place;
    bool any = false;
    while (ring_take_try(&self->inbox, &place)) {
        struct slot letter = self->letters[place];
        ring_take_end(&self->inbox);
        op_free(worker, &letter);
        any = true;
    }
    return any;
}

static void random_slots_send(struct worker *worker, struct random_slots *shared, struct slot *slot)
{
    struct random_slots_thread *self = &shared->threads[worker->number];
    struct random_slots_thread *next =
        &shared->threads[(worker->number + 1) % worker->run->threads];
    uint64_t place;
    unsigned turns = 0;
    while (!ring_put_try(&next->inbox, &place)) {
        if (!random_slots_empty_inbox(worker, self)) {
            ring_pause(&turns);
        }
    }
    next->letters[place] = *slot;
    ring_put_end(&next->inbox);
    slot->size = 0;
}

// ---- the barrier --------------------------------------------------------------------------------

// All others are at the gate.
static void random_slots_compare(struct run *run, struct random_slots *shared)
{
    struct op_totals totals;
    op_total(run->workers, run->threads, &totals);
    if (totals.requested_bytes == 0 || run->ops->no_memory) {
        return;
    }
    double live = (double)totals.requested_bytes;
    double overhead = 100 * ((double)proc_resident() - (double)shared->baseline - live) / live;
    shared->most_overhead = fmax(shared->most_overhead, overhead);
    run_figure(run, "overhead at the last barrier", "%", overhead, NAN);
    run_figure(run, "highest overhead at a barrier", "%", shared->most_overhead, NAN);
}

static void random_slots_meet(struct worker *worker, struct random_slots *shared)
{
    uint64_t phase;
    unsigned turns = 0;
    if (gate_arrive(&shared->gate, &phase)) {
        random_slots_compare(worker->run, shared);
        gate_open(&shared->gate);
    }
    while (!gate_passed(&shared->gate, phase)) {
        if (!random_slots_empty_inbox(worker, &shared->threads[worker->number])) {
            ring_pause(&turns);
        }
    }
}

// ---- a loop -------------------------------------------------------------------------------------

static size_t random_slots_size(struct worker *worker, const struct random_slots *shared)
{
    uint64_t size = distribution_draw(shared->sizes, random_next(&worker->random));
    if (shared->linear) {
        uint64_t other = distribution_draw(shared->sizes, random_next(&worker->random));
        size = other < size ? other : size;
    }
    return size;
}

// The `count` slots from the next one on are emptied, then filled. Returns how many operations
// that was.
static uint64_t random_slots_loop(struct worker *worker, struct random_slots *shared,
                                  uint64_t count, bool cross)
{
    struct random_slots_thread *self = &shared->threads[worker->number];
    uint64_t at = self->at;
    for (uint64_t i = 0; i < count; i++) {
        struct slot *slot = &self->slots[at];
        if (slot->size > 0 && cross) {
            random_slots_send(worker, shared, slot);
        } else if (slot->size > 0) {
            op_free(worker, slot);
        }
        at = (at + shared->stride) % shared->slots;
    }
    for (uint64_t i = 0; i < count; i++) {
        op_alloc(worker, &self->slots[self->at], random_slots_size(worker, shared), shared->align);
        self->at = (self->at + shared->stride) % shared->slots;
    }
    return 2 * count;
}

// In the order in which the loops will come by.
static void random_slots_fill(struct worker *worker, struct random_slots *shared)
{
    struct random_slots_thread *self = &shared->threads[worker->number];
    for (uint64_t i = 0; i < shared->slots; i++) {
        op_alloc(worker, &self->slots[self->at], random_slots_size(worker, shared), shared->align);
        self->at = (self->at + shared->stride) % shared->slots;
        if (i % RANDOM_SLOTS_LOOK == 0 && worker_stop(worker, 0)) {
            break;
        }
    }
}

static void random_slots_work(struct worker *worker)
{
    struct random_slots *shared = worker->run->shared;
    struct random_slots_thread *self = &shared->threads[worker->number];
    struct ring *next = &shared->threads[(worker->number + 1) % worker->run->threads].inbox;
    uint64_t loops = 0;
    uint64_t done = 0;
    random_slots_fill(worker, shared);
    worker_ready(worker);
    while (!worker_stop(worker, done)) {
        if (loops > 0 && shared->barrier != 0 && loops % shared->barrier == 0) {
            random_slots_meet(worker, shared);
        }
        loops++;
        bool cross = shared->cross_rate != 0 && loops % shared->cross_rate == 0;
        uint64_t left = worker->budget / 2 + worker->budget % 2;
        done =
            random_slots_loop(worker, shared, left < shared->batch ? left : shared->batch, cross);
        random_slots_empty_inbox(worker, self);
    }
    gate_leave_open(&shared->gate);
    ring_end(next);
    unsigned turns = 0;
    while (!ring_has_ended(&self->inbox)) {
        if (!random_slots_empty_inbox(worker, self)) {
            ring_pause(&turns);
        }
    }
    random_slots_empty_inbox(worker, self);
}

static void random_slots_close(struct run *run)
{
    struct random_slots *shared = run->shared;
    for (unsigned i = 0; i < run->threads; i++) {
        random_slots_empty_inbox(&run->workers[i], &shared->threads[i]);
        for (uint64_t j = 0; j < shared->slots; j++) {
            if (shared->threads[i].slots[j].size > 0) {
                op_free(&run->workers[i], &shared->threads[i].slots[j]);
            }
        }
    }
}

const struct workload workload_random_slots = {
    .name = "random-slots",
    .help = "batches of scattered blocks, some freed by the next thread; overhead at a barrier",
    .class = WORKLOAD_SERVER,
    .version = 2,
    .fills = true,
    .keys = random_slots_keys,
    .validate = random_slots_validate,
    .demand = random_slots_demand,
    .open = random_slots_open,
    .work = random_slots_work,
    .close = random_slots_close,
};
