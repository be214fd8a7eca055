// SPDX-License-Identifier: MIT
//
// message_passing.c - messages of a few blocks go from producers to consumers, some by way of
// proxies.
//
// 1. Theory (snmalloc's msgpass). A producer allocates a batch of 1 .. `batch` blocks and sends it
//    to a random consumer; the share proxies / (proxies + consumers) of the batches goes to a proxy
//    first, which looks at the blocks and sends them on. The consumer frees them: every free is
//    remote, and a consumer's frees go back to all producers, unlike producer-consumer's pairs.
// 2. Roles. With P producers and Q proxies, workers 0 .. P - 1 produce, the next Q pass on, the
//    rest consume.
// 3. Bounds. A producer has `outstanding` batches: each is with it, or on its way; it waits for one
//    that a consumer has given back [R:batch] [A:batch]. A mailbox holds all there are, so that
//    sending never waits, and no circle of waiting can be.
// 4. The end. A producer ends by its budget (ops = allocations each) or by the clock; a proxy when
//    all producers have ended and its mailbox is empty; a consumer when the proxies have, too
//    [R:role-end] [A:role-end]. So all that was allocated is freed.
// 5. Determinism. Sizes, batches and ways, the consumer's included, are drawn by the producer: who
//    allocates and frees how much depends on the seed alone, the order of frees on the schedule.

#include <errno.h>

#include "run/run.h"
#include "workload/demand.h"
#include "workload/mailbox.h"
#include "workload/rows.h"

#define MESSAGE_MOST 1024u // blocks of a batch

struct message {
    bool away;         // [atomic] on its way; else the producer's
    uint32_t count;    // blocks
    uint32_t consumer; // worker
    struct slot *slots;
};

struct message_passing {
    const struct distribution *sizes;
    uint64_t batch, outstanding;
    unsigned producers, proxies, consumers;
    unsigned producing, passing; // [atomic] workers of that role that have not ended
    struct message *messages;    // `outstanding` of each producer
    struct mailbox *mailboxes;   // by worker; a producer's is not used
};

static const struct job_key message_passing_keys[] = {
    {JOB_SIZE_KEY, .standard = "48/1:64/1:96/1:128/1", .help = "bytes of a block"},
    {.name = "producers",
     .kind = JOB_NUMBER,
     .least = 0,
     .most = 1023,
     .values = "0 .. 1023, where 0 is half of the threads that are no proxies",
     .standard = "0",
     .help = "threads that allocate"},
    {.name = "proxies",
     .kind = JOB_NUMBER,
     .least = 0,
     .most = 1022,
     .values = "0 .. threads - 2",
     .standard = "0",
     .help = "threads that pass messages on; what is neither producer nor proxy frees"},
    {.name = "batch",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = MESSAGE_MOST,
     .values = "1 .. 1024",
     .standard = "16",
     .help = "most blocks of a message; each has 1 .. batch, by chance"},
    {.name = "outstanding",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 65536,
     .values = "1 .. 65536",
     .standard = "64",
     .help = "messages of a producer that may be on their way at once"},
    {.name = NULL},
};

static uint64_t message_producers(const struct job_section *section)
{
    uint64_t producers = job_number(section, "producers");
    uint64_t rest = job_number(section, "threads") - job_number(section, "proxies");
    return producers != 0 ? producers : rest / 2;
}

static int message_passing_validate(const struct job_section *section, struct complaint *complaint)
{
    uint64_t threads = job_number(section, "threads");
    uint64_t proxies = job_number(section, "proxies");
    if (threads < 2) {
        job_complain(section, "threads", complaint,
                     "one thread sends and another one frees; use threads = 2 or more");
        return EINVAL;
    }
    if (proxies + 2 > threads) {
        job_complain(section, "proxies", complaint,
                     "with threads = %llu a producer and a consumer leave at most %llu",
                     (unsigned long long)threads, (unsigned long long)threads - 2);
        return EINVAL;
    }
    if (message_producers(section) + proxies >= threads) {
        job_complain(section, "producers", complaint,
                     "with threads = %llu and proxies = %llu nobody is left to free; use at most "
                     "%llu",
                     (unsigned long long)threads, (unsigned long long)proxies,
                     (unsigned long long)(threads - proxies - 1));
        return EINVAL;
    }
    return 0;
}

static int message_passing_demand(const struct job_section *section, struct target_demand *demand,
                                  struct complaint *complaint)
{
    (void)complaint;
    double live = (double)message_producers(section) * (double)job_number(section, "outstanding") *
                  (double)job_number(section, "batch");
    demand_add(demand, job_value(section, "size")->distribution, live);
    return 0;
}

static int message_passing_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct message_passing *shared = run_map(sizeof *shared);
    shared->sizes = job_value(run->section, "size")->distribution;
    shared->batch = job_number(run->section, "batch");
    shared->outstanding = job_number(run->section, "outstanding");
    shared->producers = shared->producing = (unsigned)message_producers(run->section);
    shared->proxies = shared->passing = (unsigned)job_number(run->section, "proxies");
    shared->consumers = run->threads - shared->producers - shared->proxies;
    uint64_t count = shared->producers * shared->outstanding;
    shared->messages = run_map(count * sizeof *shared->messages);
    struct slot *slots = run_map(count * shared->batch * sizeof *slots);
    for (uint64_t i = 0; i < count; i++) {
        shared->messages[i].slots = &slots[i * shared->batch];
        for (uint64_t j = 0; j < shared->batch; j++) {
            slots[i * shared->batch + j].id = (uint32_t)(i * shared->batch + j);
        }
    }
    uint64_t capacity = mailbox_capacity(count);
    shared->mailboxes = run_map(run->threads * sizeof *shared->mailboxes);
    for (unsigned i = shared->producers; i < run->threads; i++) {
        struct mailbox_place *places = run_map(capacity * sizeof *places);
        mailbox_init(&shared->mailboxes[i], places, capacity);
    }
    run->shared = shared;
    return 0;
}

// ---- producers ----------------------------------------------------------------------------------

// Waits for a message of the producer's that is not on its way.
static struct message *message_free_one(struct message_passing *shared, uint32_t producer,
                                        uint64_t *at)
{
    struct message *own = &shared->messages[producer * shared->outstanding];
    unsigned turns = 0;
    for (uint64_t tries = 1;; tries++) {
        *at = *at + 1 < shared->outstanding ? *at + 1 : 0;
        if (!__atomic_load_n(&own[*at].away, __ATOMIC_ACQUIRE)) { // [A:batch]
            return &own[*at];
        }
        if (tries % shared->outstanding == 0) {
            ring_pause(&turns);
        }
    }
}

// A message where everything was refused is not sent.
static void message_send(struct message_passing *shared, struct message *message, uint64_t way)
{
    bool any = false;
    for (uint32_t i = 0; i < message->count; i++) {
        any |= message->slots[i].size > 0;
    }
    if (any) {
        uint32_t to = way < shared->proxies ? shared->producers + (uint32_t)way : message->consumer;
        __atomic_store_n(&message->away, true, __ATOMIC_RELAXED);
        mailbox_put(&shared->mailboxes[to], message);
    }
}

static void message_produce(struct worker *worker, struct message_passing *shared)
{
    uint64_t at = 0;
    uint64_t count;
    do {
        struct message *message = message_free_one(shared, worker->number, &at);
        count = 1 + random_below(&worker->random, shared->batch);
        count = worker->budget < count ? worker->budget : count;
        uint64_t way = random_below(&worker->random, (uint64_t)shared->proxies + shared->consumers);
        message->consumer = shared->producers + shared->proxies +
                            (uint32_t)random_below(&worker->random, shared->consumers);
        message->count = (uint32_t)count;
        for (uint64_t i = 0; i < count; i++) {
            op_alloc(worker, &message->slots[i],
                     distribution_draw(shared->sizes, random_next(&worker->random)), 0);
        }
        message_send(shared, message, way);
    } while (!worker_stop(worker, count));
    __atomic_fetch_sub(&shared->producing, 1, __ATOMIC_RELEASE); // [R:role-end]
}

// ---- the others ---------------------------------------------------------------------------------

// A proxy reads what it passes on, and counts a step a message.
static void message_pass_on(struct worker *worker, struct message_passing *shared,
                            struct message *message)
{
    for (uint32_t i = 0; i < message->count; i++) {
        if (message->slots[i].size > 0) {
            op_touch(worker, &message->slots[i], 0, false);
        }
    }
    op_step(worker, 1);
    mailbox_put(&shared->mailboxes[message->consumer], message);
}

static void message_consume(struct worker *worker, struct message *message)
{
    for (uint32_t i = 0; i < message->count; i++) {
        if (message->slots[i].size > 0) { // else it was refused
            op_free(worker, &message->slots[i]);
        }
    }
    __atomic_store_n(&message->away, false, __ATOMIC_RELEASE); // [R:batch]
}

// One message is passed on by a proxy, freed by a consumer. False: there was none.
static bool message_receive(struct worker *worker, struct message_passing *shared, bool proxy)
{
    struct message *message = mailbox_take(&shared->mailboxes[worker->number]);
    if (message != NULL && proxy) {
        message_pass_on(worker, shared, message);
    } else if (message != NULL) {
        message_consume(worker, message);
    }
    return message != NULL;
}

static bool message_role_has_ended(const unsigned *left)
{
    return __atomic_load_n(left, __ATOMIC_ACQUIRE) == 0; // [A:role-end]
}

static void message_receive_all(struct worker *worker, struct message_passing *shared, bool proxy)
{
    unsigned turns = 0;
    while (!message_role_has_ended(&shared->producing) ||
           !(proxy || message_role_has_ended(&shared->passing))) {
        if (!message_receive(worker, shared, proxy)) {
            ring_pause(&turns);
        }
    }
    while (message_receive(worker, shared, proxy)) {
    }
    if (proxy) {
        __atomic_fetch_sub(&shared->passing, 1, __ATOMIC_RELEASE); // [R:role-end]
    }
}

static void message_passing_work(struct worker *worker)
{
    struct message_passing *shared = worker->run->shared;
    if (worker->number < shared->producers) {
        message_produce(worker, shared);
    } else {
        bool proxy = worker->number < shared->producers + shared->proxies;
        message_receive_all(worker, shared, proxy);
    }
}

// Consumers leave nothing behind.
static void message_passing_close(struct run *run)
{
    (void)run;
}

const struct workload workload_message_passing = {
    .name = "message-passing",
    .help = "producers send batches of blocks to consumers, some through proxies: all frees remote",
    .class = WORKLOAD_THREADS,
    .version = 1,
    .keys = message_passing_keys,
    .validate = message_passing_validate,
    .demand = message_passing_demand,
    .open = message_passing_open,
    .work = message_passing_work,
    .close = message_passing_close,
};
