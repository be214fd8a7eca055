// SPDX-License-Identifier: MIT
//
// exchange.c - threads that swap blocks through a table: nobody knows who will free what.
//
// 1. Theory (mimalloc's mstress). A step replaces a random one of the thread's transient blocks, or
//    allocates one that is retained until the end of the round; a quarter of the steps swap a
//    transient block with a random place of a table that all share. Sizes are small powers of two
//    words, now and then a hundred, a thousand or ten thousand times as large. verify = 3 stamps
//    every word and compares it when a block comes back from the table and when it is freed.
// 2. Rounds. After `round` steps a thread frees what is its own and meets the others; each then
//    frees every second block, by chance, of its share of the table, meets them again, and leaves
//    to a successor: each round's threads free blocks of the dead ones of the round before.
// 3. The table holds pointers to slots, swapped atomically [R:exchange] [A:exchange]: a slot and
//    its block belong to whoever got the pointer. There are as many slots as places and table
//    entries, each on a cache line of its own.
// 4. Determinism. What a thread asks for depends on the seed alone. Whether a place was empty when
//    it swapped, and so how much it frees, depends on the schedule as soon as there are two.

#include "run/run.h"
#include "workload/demand.h"
#include "workload/gate.h"
#include "workload/rows.h"
#include "workload/successor.h"

#define EXCHANGE_BATCH 32u // steps between two looks at the clock
#define EXCHANGE_RARER 10u // one in so many of the larger ones is ten times as large again

// Factors of a size, by how rare they are.
static const uint64_t exchange_factors[] = {1, 100, 1000, 10000};
#define EXCHANGE_FACTORS (sizeof exchange_factors / sizeof exchange_factors[0])

struct exchange_slot {
    struct slot slot;
} __attribute__((aligned(64)));

struct exchange_worker {
    struct exchange_slot **places; // [own] the transient ones
    struct exchange_slot *retained;
    uint64_t generation;
};

struct exchange {
    const struct distribution *sizes;
    uint64_t slots, retain, table_size, round;
    uint64_t swap; // a step whose random number is below swaps
    double rare;
    struct exchange_slot **table; // [atomic] entries
    struct exchange_worker *workers;
    struct gate gate;
};

static const struct job_key exchange_keys[] = {
    {JOB_SIZE_KEY, .standard = "8/1:16/1:32/1:64/1:128/1:256/1:512/1",
     .help = "bytes of a request before `rare` makes it larger: 2^0 .. 2^6 words"},
    {JOB_VERIFY_KEY, .standard = "3"},
    {.name = "slots",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 1000000,
     .values = "1 .. 1M",
     .standard = "500",
     .help = "transient blocks of each thread"},
    {.name = "retain",
     .kind = JOB_NUMBER,
     .least = 0,
     .most = 1000000,
     .values = "0 .. 1M",
     .standard = "500",
     .help = "blocks that each thread allocates in a round and keeps until its end"},
    {.name = "table",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 1000000,
     .values = "1 .. 1M",
     .standard = "1000",
     .help = "places of the table through which threads swap blocks"},
    {.name = "exchange_share",
     .kind = JOB_REAL,
     .least = 0,
     .most = 1,
     .values = "0 .. 1",
     .standard = "0.25",
     .help = "share of the steps that swap a block with the table"},
    {.name = "round",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 1e15,
     .values = "1 .. 1000T",
     .standard = "4000",
     .help = "steps of a thread in a round; then all meet, and successors go on"},
    {.name = "rare",
     .kind = JOB_REAL,
     .least = 0,
     .most = 1,
     .values = "0 .. 1",
     .standard = "0.01",
     .help = "share of the requests that are 100 times as large; a tenth of these 1,000 times, a "
             "hundredth 10,000 times"},
    {.name = NULL},
};

// The share of requests that have the i-th factor.
static double exchange_share(double rare, size_t i)
{
    double at_least = 1;
    for (size_t j = 1; j <= i; j++) {
        at_least *= j == 1 ? rare : 1.0 / EXCHANGE_RARER;
    }
    double rarer = i + 1 == EXCHANGE_FACTORS ? 0 : i == 0 ? rare : 1.0 / EXCHANGE_RARER;
    return at_least * (1 - rarer);
}

static int exchange_demand(const struct job_section *section, struct target_demand *demand,
                           struct complaint *complaint)
{
    (void)complaint;
    double threads = (double)job_number(section, "threads");
    double own = (double)job_number(section, "slots") + (double)job_number(section, "retain");
    double live = threads * own + (double)job_number(section, "table");
    for (size_t i = 0; i < EXCHANGE_FACTORS; i++) {
        double share = exchange_share(job_real(section, "rare"), i);
        if (share > 0) {
            demand_add_scaled(demand, job_value(section, "size")->distribution, exchange_factors[i],
                              demand_worst(live, share));
        }
    }
    return 0;
}

static int exchange_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    const struct job_section *section = run->section;
    struct exchange *exchange = run_map(sizeof *exchange);
    exchange->sizes = job_value(section, "size")->distribution;
    exchange->slots = job_number(section, "slots");
    exchange->retain = job_number(section, "retain");
    exchange->table_size = job_number(section, "table");
    exchange->round = job_number(section, "round");
    exchange->swap = random_share(job_real(section, "exchange_share"));
    exchange->rare = job_real(section, "rare");
    exchange->workers = run_map(run->threads * sizeof exchange->workers[0]);
    exchange->table = run_map(exchange->table_size * sizeof(void *));
    gate_init(&exchange->gate, run->threads);
    uint64_t own = exchange->slots + exchange->retain;
    uint64_t count = run->threads * own + exchange->table_size;
    struct exchange_slot *slots = run_map(count * sizeof *slots);
    for (uint64_t i = 0; i < count; i++) {
        slots[i].slot.id = (uint32_t)i;
    }
    for (uint64_t i = 0; i < exchange->table_size; i++) {
        exchange->table[i] = &slots[run->threads * own + i];
    }
    for (unsigned i = 0; i < run->threads; i++) {
        struct exchange_worker *self = &exchange->workers[i];
        self->retained = &slots[i * own];
        self->places = run_map(exchange->slots * sizeof(void *));
        for (uint64_t j = 0; j < exchange->slots; j++) {
            self->places[j] = &slots[i * own + exchange->retain + j];
        }
    }
    run->shared = exchange;
    return 0;
}

static uint64_t exchange_size(struct worker *worker, const struct exchange *exchange)
{
    uint64_t size = distribution_draw(exchange->sizes, random_next(&worker->random));
    uint64_t number = random_next(&worker->random);
    double rare = exchange->rare * 0x1p64;
    size_t factor = 0;
    while (factor + 1 < EXCHANGE_FACTORS && (double)number < rare) {
        rare /= EXCHANGE_RARER;
        factor++;
    }
    return size * exchange_factors[factor];
}

// The one who gets a slot checks what is in it.
static void exchange_swap(struct worker *worker, struct exchange *exchange,
                          struct exchange_slot **place)
{
    uint64_t at = random_below(&worker->random, exchange->table_size);
    // [R:exchange] [A:exchange]
    *place = __atomic_exchange_n(&exchange->table[at], *place, __ATOMIC_ACQ_REL);
    if ((*place)->slot.size > 0) {
        op_verify(worker, &(*place)->slot);
    }
}

static void exchange_empty(struct worker *worker, struct slot *slot)
{
    if (slot->size > 0) {
        op_free(worker, slot);
    }
}

// Step `number` of a round.
static void exchange_step(struct worker *worker, struct exchange *exchange, uint64_t number)
{
    struct exchange_worker *self = &exchange->workers[worker->number];
    struct exchange_slot **place = &self->places[random_below(&worker->random, exchange->slots)];
    uint64_t size = exchange_size(worker, exchange);
    bool swaps = random_next(&worker->random) < exchange->swap;
    // The retained ones are spread over the round.
    uint64_t kept = exchange->retain * number / exchange->round;
    if (kept < exchange->retain * (number + 1) / exchange->round) {
        op_alloc(worker, &self->retained[kept].slot, size, 0);
    } else {
        exchange_empty(worker, &(*place)->slot);
        op_alloc(worker, &(*place)->slot, size, 0);
    }
    if (swaps) {
        exchange_swap(worker, exchange, place);
    }
}

static void exchange_release_own(struct worker *worker, const struct exchange *exchange)
{
    struct exchange_worker *self = &exchange->workers[worker->number];
    for (uint64_t i = 0; i < exchange->slots; i++) {
        exchange_empty(worker, &self->places[i]->slot);
    }
    for (uint64_t i = 0; i < exchange->retain; i++) {
        exchange_empty(worker, &self->retained[i].slot);
    }
}

// The worker's share of the table, by a toss of a coin each. Nobody swaps meanwhile.
static void exchange_halve_table(struct worker *worker, struct exchange *exchange)
{
    for (uint64_t i = worker->number; i < exchange->table_size; i += worker->run->threads) {
        if ((random_next(&worker->random) >> 63) == 0) {
            exchange_empty(worker, &exchange->table[i]->slot);
        }
    }
}

static void exchange_work(struct worker *worker)
{
    struct exchange *exchange = worker->run->shared;
    for (uint64_t done = 0; done < exchange->round;) {
        uint64_t left = exchange->round - done;
        uint64_t batch = left < EXCHANGE_BATCH ? left : EXCHANGE_BATCH;
        batch = 2 * batch <= worker->budget ? batch : (worker->budget + 1) / 2;
        for (uint64_t i = 0; i < batch; i++) {
            exchange_step(worker, exchange, done + i);
        }
        done += batch;
        if (worker_stop(worker, 2 * batch)) {
            gate_leave_open(&exchange->gate);
            return;
        }
    }
    exchange_release_own(worker, exchange);
    gate_meet(&exchange->gate);
    exchange_halve_table(worker, exchange);
    gate_meet(&exchange->gate);
    successor_start(worker, ++exchange->workers[worker->number].generation, exchange_work);
}

static void exchange_close(struct run *run)
{
    struct exchange *exchange = run->shared;
    for (unsigned i = 0; i < run->threads; i++) {
        exchange_release_own(&run->workers[i], exchange);
    }
    for (uint64_t i = 0; i < exchange->table_size; i++) {
        exchange_empty(&run->workers[i % run->threads], &exchange->table[i]->slot);
    }
}

const struct workload workload_exchange = {
    .name = "exchange",
    .help = "threads swap blocks of very different sizes through a table; rounds of new threads",
    .class = WORKLOAD_THREADS,
    .version = 2,
    .keys = exchange_keys,
    .demand = exchange_demand,
    .open = exchange_open,
    .work = exchange_work,
    .close = exchange_close,
};
