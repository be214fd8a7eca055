// SPDX-License-Identifier: MIT
//
// fleet.c - a population in its steady state: blocks are born and die at the rates of a file.
//
// 1. Theory. The file (population/population.h) gives for each class of sizes how often a block of
//    it is born, b_c, and how many live, n_c. Each operation is the next event of a birth and death
//    process: a birth of class c has the weight b_c, a death of one of its live_c blocks the weight
//    live_c d_c, with d_c = b_c / n_c; which block of a class dies is a toss. Left alone, the live
//    counts are independent and Poisson with the means n_c (each class is an M/M/infinity queue).
// 2. Threads. They share the population: each has its part of every n_c, and a birth rate in
//    proportion. `scale` multiplies the live counts, and with them the lifetimes.
// 3. The start. Each thread first allocates its part of the live blocks, their classes drawn in
//    proportion to n_c: the steady state, given how many live. These allocations are not taken from
//    ops=; how many they were and how long they took are figures of their own. They count in the
//    rate where the start is not left out of it (warmup=).
// 4. Choosing. Weights are whole numbers: that of all births together is 2^52 over the largest
//    b_c / n_c of a thread (where that is above 1), so that sums are exact and a death rate is off
//    by half a unit. What is dying is kept in a tree of partial sums (P. Fenwick, "A new data
//    structure for cumulative frequency tables", 1994): a death costs as many steps as the classes'
//    number has binary digits, the class of a birth one look into an alias table.
// 5. Hand-over. A share of the deaths is done by the next thread (handover.h). For the population
//    such a block is dead when it is handed over.
// 6. Demand. What a birth finds of its class is Poisson (R. Wolff, "Poisson arrivals see time
//    averages", 1982), and it makes one more of it. A thread may be stopped just then for as long
//    as the others go on, so that at the worst every thread has its one more.
// 7. Refusals. A block that is refused is not born; the live counts stay below the file's.

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "measure/clock.h"
#include "population/population.h"
#include "run/run.h"
#include "workload/alias.h"
#include "workload/handover.h"
#include "workload/rows.h"

#define FLEET_ROUND   64u // operations between two looks at the clock and into the mailbox
#define FLEET_BIRTHS  0x1p52
#define FLEET_BLOCKS  1e9  // live at once, in all threads
#define FLEET_SURE    1e-9 // chance that a live count is ever, looked at once, beyond the demand
#define FLEET_SPREADS 6.0  // about that, of a normal distribution

struct fleet_class {
    struct slot *slots; // those below `live` are full
    uint64_t live, room;
};

// dying == sum of live * weight over the classes                                               (F1)
struct fleet_thread {
    struct handover mail;
    struct fleet_class *classes;
    uint64_t *tree;
    uint64_t dying;
    uint64_t next_id;
    uint64_t prefilled, prefill_ns;
};

struct fleet {
    struct population population;
    struct alias births, living; // of classes
    uint64_t birth_weight;       // of all births together
    uint64_t *weights;           // by class: of one block's death
    uint64_t tree_size;          // a power of two, at least the number of classes
    uint64_t remote;             // a death whose random number is below is handed over
    double live;                 // of all threads, by the file and the scale
    struct fleet_thread *threads;
};

// ---- the job ------------------------------------------------------------------------------------

static const struct job_key fleet_keys[] = {
    {.name = "distribution",
     .kind = JOB_PATH,
     .values = "a file that `mems-stress fit` makes, or one written by hand",
     .help = "sizes, birth rates and live counts"},
    {.name = "scale",
     .kind = JOB_REAL,
     .least = 1e-6,
     .most = 1e6,
     .values = "0.000001 .. 1000000",
     .standard = "1",
     .help = "live blocks, as a multiple of the distribution's; blocks live longer in proportion"},
    {.name = "remote_share",
     .kind = JOB_REAL,
     .least = 0,
     .most = 1,
     .values = "0 .. 1",
     .standard = "0",
     .help = "share of the frees that is done by the next thread (two threads or more)"},
    {.name = NULL},
};

static const char *const fleet_unused[] = {"size", NULL};

// The file read last: what is asked of a section is asked several times.
static struct {
    char *path;
    struct population population;
} fleet_last;

static int fleet_load(const char *path, struct complaint *complaint)
{
    if (fleet_last.path != NULL && strcmp(fleet_last.path, path) == 0) {
        return 0;
    }
    free(fleet_last.path);
    population_fini(&fleet_last.population);
    fleet_last.path = NULL;
    int error = population_read(path, &fleet_last.population, complaint);
    if (error == 0) {
        fleet_last.path = strdup(path);
    }
    return error;
}

static int fleet_validate(const struct job_section *section, struct complaint *complaint)
{
    const char *path = job_text(section, "distribution");
    struct complaint why = {""};
    int error = fleet_load(path, &why);
    if (error != 0) {
        // The job's line names the file already; what follows may be a line in it.
        size_t length = strlen(path);
        bool named = strncmp(why.text, path, length) == 0;
        const char *said = named ? why.text + length + strspn(why.text + length, ": ") : why.text;
        job_complain(section, "distribution", complaint, "%s", said);
        return error;
    }
    double live = fleet_last.population.live * job_real(section, "scale");
    if (live < 1 || live > FLEET_BLOCKS) {
        job_complain(section, "scale", complaint,
                     "the distribution has %g live blocks, which makes %g; 1 .. 1e9 are possible",
                     fleet_last.population.live, live);
        return EINVAL;
    }
    if (job_real(section, "remote_share") > 0 && job_number(section, "threads") == 1) {
        job_complain(
            section, "remote_share", complaint,
            "with threads = 1 nobody else could free; allowed is 0, or threads = 2 or more");
        return EINVAL;
    }
    return 0;
}

// The count that a Poisson variable with this mean hardly ever exceeds.
static double fleet_most(double mean)
{
    if (mean > 100) {
        return ceil(mean + FLEET_SPREADS * sqrt(mean) + FLEET_SPREADS * FLEET_SPREADS / 6 + 1);
    }
    double count = 0, chance = exp(-mean), beyond = 1 - chance;
    while (beyond > FLEET_SURE || count < mean) {
        count++;
        chance *= mean / count;
        beyond -= chance;
    }
    return count;
}

// Spreads a row's mean over the demand's classes (2^(i-1), 2^i], as its sizes lie in them.
static void fleet_spread(double *means, const struct population_row *row, double mean)
{
    double width = (double)(row->high - row->low + 1), below = (double)row->low - 1;
    for (unsigned i = 0; i < TARGET_CLASSES && below < (double)row->high; i++) {
        double upto = fmin((double)row->high, ldexp(1, (int)i));
        if (upto > below) {
            means[i] += mean * (upto - below) / width;
            below = upto;
        }
    }
}

static int fleet_demand(const struct job_section *section, struct target_demand *demand,
                        struct complaint *complaint)
{
    int error = fleet_load(job_text(section, "distribution"), complaint);
    if (error != 0) {
        return error;
    }
    const struct population *population = &fleet_last.population;
    double means[TARGET_CLASSES] = {0}, bytes = 0, squares = 0, bound = 0;
    double scale = job_real(section, "scale"), threads = (double)job_number(section, "threads");
    double waiting = job_real(section, "remote_share") > 0 ? threads * HANDOVER_ROOM : 0;
    for (size_t i = 0; i < population->count; i++) {
        const struct population_row *row = &population->rows[i];
        double mean = row->live * scale + waiting * row->births / population->births;
        fleet_spread(means, row, mean);
        bytes += mean * (double)row->high;
        squares += mean * (double)row->high * (double)row->high;
        demand->largest = row->high > demand->largest ? row->high : demand->largest;
    }
    // A sum of Poisson variables times sizes: Bernstein's inequality; and each thread's newborn.
    bytes += FLEET_SPREADS * sqrt(squares) +
             (FLEET_SPREADS * FLEET_SPREADS / 3 + threads) * (double)demand->largest;
    for (unsigned i = 0; i < TARGET_CLASSES; i++) {
        double most = means[i] > 0 ? fleet_most(means[i]) + threads : 0;
        demand->peak_blocks[i] += (uint64_t)most;
        bound += most * fmin(ldexp(1, (int)i), (double)demand->largest);
    }
    demand->peak_bytes += (uint64_t)fmin(bytes, bound);
    return 0;
}

// ---- the cell -----------------------------------------------------------------------------------

// How many of the row live in one thread.
static double fleet_mean(const struct fleet *fleet, const struct population_row *row,
                         unsigned threads)
{
    return row->live / fleet->population.live * fleet->live / threads;
}

static void fleet_weigh(struct fleet *fleet, unsigned threads)
{
    const struct population *population = &fleet->population;
    double fastest = 1;
    double *births = run_map(population->count * sizeof *births);
    double *living = run_map(population->count * sizeof *living);
    for (size_t i = 0; i < population->count; i++) {
        const struct population_row *row = &population->rows[i];
        births[i] = row->births / population->births;
        living[i] = fleet_mean(fleet, row, threads);
        fastest = fmax(fastest, births[i] / living[i]);
    }
    fleet->birth_weight = (uint64_t)fmax(1, FLEET_BIRTHS / fastest);
    fleet->weights = run_map(population->count * sizeof *fleet->weights);
    for (size_t i = 0; i < population->count; i++) {
        double weight = round((double)fleet->birth_weight * births[i] / living[i]);
        fleet->weights[i] = births[i] > 0 ? (uint64_t)fmax(1, weight) : 0;
    }
    alias_build(&fleet->births, births, population->count);
    alias_build(&fleet->living, living, population->count);
    fleet->tree_size = 1;
    while (fleet->tree_size < population->count) {
        fleet->tree_size *= 2;
    }
}

// Slots get their numbers in the order in which they are made.
static void fleet_number(struct fleet_thread *thread, struct slot *slots, uint64_t count,
                         unsigned number, unsigned threads)
{
    for (uint64_t i = 0; i < count; i++) {
        slots[i].id = (uint32_t)(thread->next_id++ * threads + number);
    }
}

static void fleet_thread_open(struct fleet *fleet, unsigned number, unsigned threads)
{
    const struct population *population = &fleet->population;
    struct fleet_thread *thread = &fleet->threads[number];
    uint64_t rooms = 0;
    handover_init(&thread->mail);
    thread->tree = run_map((fleet->tree_size + 1) * sizeof *thread->tree);
    thread->classes = run_map(population->count * sizeof *thread->classes);
    for (size_t i = 0; i < population->count; i++) {
        double mean = fleet_mean(fleet, &population->rows[i], threads);
        thread->classes[i].room = (uint64_t)(mean + 2 * sqrt(mean)) + 2; // else: fleet_grow
        rooms += thread->classes[i].room;
    }
    struct slot *slots = run_map(rooms * sizeof *slots);
    fleet_number(thread, slots, rooms, number, threads);
    for (size_t i = 0; i < population->count; i++) {
        thread->classes[i].slots = slots;
        slots += thread->classes[i].room;
    }
}

static int fleet_open(struct run *run, struct complaint *complaint)
{
    struct fleet *fleet = run_map(sizeof *fleet);
    int error = fleet_load(job_text(run->section, "distribution"), complaint);
    if (error != 0) {
        return error;
    }
    double share = job_real(run->section, "remote_share");
    fleet->population = fleet_last.population;
    fleet->live = fleet->population.live * job_real(run->section, "scale");
    fleet->remote = share >= 1 ? UINT64_MAX : (uint64_t)(share * 0x1p64);
    fleet_weigh(fleet, run->threads);
    fleet->threads = run_map(run->threads * sizeof fleet->threads[0]);
    for (unsigned i = 0; i < run->threads; i++) {
        fleet_thread_open(fleet, i, run->threads);
    }
    run->shared = fleet;
    return 0;
}

// A class of which more live than its slots were made for.
static __attribute__((noinline)) void fleet_grow(struct worker *worker, struct fleet_thread *self,
                                                 struct fleet_class *class)
{
    uint64_t room = 2 * class->room < 64 ? 64 : 2 * class->room;
    struct slot *slots = run_map_lazily(room * sizeof *slots);
    memcpy(slots, class->slots, class->room * sizeof *slots);
    fleet_number(self, slots + class->room, room - class->room, worker->number,
                 worker->run->threads);
    class->slots = slots;
    class->room = room;
}

// One more, or with -weight one less, is alive in the class.
static inline void fleet_count(const struct fleet *fleet, struct fleet_thread *self, uint64_t index,
                               uint64_t weight)
{
    self->dying += weight;
    for (uint64_t at = index + 1; at <= fleet->tree_size; at += at & -at) {
        self->tree[at] += weight;
    }
}

// The class in which the sum of what is dying goes past `target`.
static inline uint64_t fleet_find(const struct fleet *fleet, const struct fleet_thread *self,
                                  uint64_t target)
{
    uint64_t at = 0;
    for (uint64_t step = fleet->tree_size / 2; step > 0; step /= 2) {
        uint64_t sum = self->tree[at + step];
        bool past = sum <= target;
        at += past ? step : 0;
        target -= past ? sum : 0;
    }
    return at;
}

static void fleet_bear(struct worker *worker, const struct fleet *fleet, struct fleet_thread *self,
                       uint64_t index)
{
    const struct population_row *row = &fleet->population.rows[index];
    struct fleet_class *class = &self->classes[index];
    size_t size = row->low;
    if (row->high > row->low) {
        size += random_below(&worker->random, row->high - row->low + 1);
    }
    if (__builtin_expect(class->live == class->room, 0)) {
        fleet_grow(worker, self, class);
    }
    if (op_alloc(worker, &class->slots[class->live], size, 0) == 0) {
        class->live++;
        fleet_count(fleet, self, index, fleet->weights[index]);
    }
}

static void fleet_bury(struct worker *worker, struct fleet *fleet, struct fleet_thread *self,
                       uint64_t index)
{
    struct fleet_class *class = &self->classes[index];
    struct slot *slot = &class->slots[random_below(&worker->random, class->live)];
    fleet_count(fleet, self, index, -fleet->weights[index]);
    if (fleet->remote != 0 && random_next(&worker->random) < fleet->remote) {
        struct fleet_thread *next = &fleet->threads[(worker->number + 1) % worker->run->threads];
        handover_give(worker, &self->mail, &next->mail, slot);
    } else {
        op_free(worker, slot);
    }
    // The last of the class takes its place.
    struct slot empty = *slot, *last = &class->slots[--class->live];
    *slot = *last;
    *last = empty;
}

// The thread's part of those that live. False: the cell is to end.
static bool fleet_fill(struct worker *worker, struct fleet *fleet, struct fleet_thread *self)
{
    uint64_t all = (uint64_t)round(fleet->live), threads = worker->run->threads;
    uint64_t count = all / threads + (worker->number < all % threads);
    uint64_t began = clock_monotonic_ns();
    bool goes_on = true;
    for (uint64_t i = 0; i < count && goes_on; i++) {
        fleet_bear(worker, fleet, self, alias_draw(&fleet->living, random_next(&worker->random)));
        goes_on = i % FLEET_ROUND != 0 || !worker_stop(worker, 0);
    }
    self->prefilled = __atomic_load_n(&worker->count[OP_ALLOC], __ATOMIC_RELAXED);
    self->prefill_ns = clock_monotonic_ns() - began;
    return goes_on;
}

static void fleet_live(struct worker *worker, struct fleet *fleet, struct fleet_thread *self)
{
    uint64_t round;
    do {
        round = worker->budget < FLEET_ROUND ? worker->budget : FLEET_ROUND;
        for (uint64_t i = 0; i < round; i++) {
            uint64_t event = random_below(&worker->random, fleet->birth_weight + self->dying);
            if (event < fleet->birth_weight) {
                fleet_bear(worker, fleet, self,
                           alias_draw(&fleet->births, random_next(&worker->random)));
            } else {
                fleet_bury(worker, fleet, self,
                           fleet_find(fleet, self, event - fleet->birth_weight));
            }
        }
        handover_empty(worker, &self->mail);
    } while (!worker_stop(worker, round));
}

static void fleet_work(struct worker *worker)
{
    struct fleet *fleet = worker->run->shared;
    struct fleet_thread *self = &fleet->threads[worker->number];
    if (fleet_fill(worker, fleet, self)) {
        worker_ready(worker);
        fleet_live(worker, fleet, self);
    }
    unsigned next = (worker->number + 1) % worker->run->threads;
    handover_end(worker, &self->mail, &fleet->threads[next].mail);
}

static void fleet_close(struct run *run)
{
    struct fleet *fleet = run->shared;
    uint64_t live = 0, prefilled = 0, prefill_ns = 0;
    for (unsigned i = 0; i < run->threads; i++) {
        struct fleet_thread *thread = &fleet->threads[i];
        prefilled += thread->prefilled;
        prefill_ns = thread->prefill_ns > prefill_ns ? thread->prefill_ns : prefill_ns;
        for (size_t j = 0; j < fleet->population.count; j++) {
            live += thread->classes[j].live;
            while (thread->classes[j].live > 0) {
                op_free(&run->workers[i], &thread->classes[j].slots[--thread->classes[j].live]);
            }
        }
    }
    run_figure(run, "prefilled", "blocks", (double)prefilled, NAN);
    run_figure(run, "prefill time", "ms", (double)prefill_ns / 1e6, NAN);
    run_figure(run, "live at the end", "blocks", (double)live, fleet->live);
}

const struct workload workload_fleet = {
    .name = "fleet",
    .help = "a population of blocks in its steady state, by a file of sizes, birth rates and live "
            "counts",
    .class = WORKLOAD_SERVER,
    .version = 1,
    .fills = true,
    .keys = fleet_keys,
    .unused = fleet_unused,
    .validate = fleet_validate,
    .demand = fleet_demand,
    .open = fleet_open,
    .work = fleet_work,
    .close = fleet_close,
};
