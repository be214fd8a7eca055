// SPDX-License-Identifier: MIT
//
// rounds.c - meetings of threads that may end at any time, and the slots of their instances.

#include "workload/rounds.h"

#include "workload/op.h"

void rounds_init(struct rounds *rounds, struct run *run, uint64_t slots)
{
    *rounds = (struct rounds){.run = run, .slot_count = slots, .present = run->threads};
    rounds->again =
        job_number(run->section, "ops") != 0 || job_number(run->section, "runtime") != 0;
    pthread_mutex_init(&rounds->lock, NULL);
    pthread_cond_init(&rounds->met, NULL);
    rounds->slots = run_map(run->threads * sizeof(rounds->slots[0]));
    for (unsigned i = 0; i < run->threads; i++) {
        rounds->slots[i] = run_map(slots * sizeof(struct slot));
        for (uint64_t j = 0; j < slots; j++) {
            rounds->slots[i][j].id = (uint32_t)(i * slots + j);
        }
    }
}

void rounds_fini(struct rounds *rounds)
{
    for (unsigned i = 0; i < rounds->run->threads; i++) {
        for (uint64_t j = 0; j < rounds->slot_count; j++) {
            if (rounds->slots[i][j].size > 0) {
                op_free(&rounds->run->workers[i], &rounds->slots[i][j]);
            }
        }
    }
}

// Every thread that is to come is there. With the lock held.
static void rounds_hold(struct rounds *rounds)
{
    if (rounds->present == rounds->run->threads && !rounds->run->ops->no_memory) {
        rounds->measure(rounds->run);
    }
    rounds->arrived = 0;
    rounds->meetings++;
    pthread_cond_broadcast(&rounds->met);
}

void rounds_meet(struct rounds *rounds, void (*measure)(struct run *run))
{
    pthread_mutex_lock(&rounds->lock);
    uint64_t meeting = rounds->meetings;
    rounds->measure = measure;
    if (++rounds->arrived == rounds->present) {
        rounds_hold(rounds);
    }
    while (rounds->meetings == meeting) {
        pthread_cond_wait(&rounds->met, &rounds->lock);
    }
    pthread_mutex_unlock(&rounds->lock);
}

static void rounds_leave(struct rounds *rounds)
{
    pthread_mutex_lock(&rounds->lock);
    rounds->present--;
    if (rounds->present > 0 && rounds->arrived == rounds->present) {
        rounds_hold(rounds);
    }
    pthread_mutex_unlock(&rounds->lock);
}

void rounds_work(struct rounds *rounds, struct worker *worker, bool (*round)(struct worker *))
{
    while (round(worker) && rounds->again) {
    }
    rounds_leave(rounds);
}

uint64_t rounds_live(const struct run *run)
{
    struct op_totals totals;
    op_total(run->workers, run->threads, &totals);
    return totals.requested_bytes;
}

bool rounds_free_all(struct rounds *rounds, struct worker *worker)
{
    struct slot *slots = rounds_slots(rounds, worker);
    for (uint64_t i = 0; i < rounds->slot_count; i++) {
        if (!rounds_free(worker, &slots[i])) {
            return false;
        }
    }
    return true;
}
