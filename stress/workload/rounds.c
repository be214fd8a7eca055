// SPDX-License-Identifier: MIT
//
// rounds.c - meetings of threads that may end at any time, and the slots of their instances.

#include "workload/rounds.h"

#include "workload/op.h"

void rounds_init(struct rounds *rounds, struct run *run, uint64_t slots)
{
    *rounds = (struct rounds){.run = run, .slot_count = slots};
    rounds->again =
        job_number(run->section, "ops") != 0 || job_number(run->section, "runtime") != 0;
    gate_init(&rounds->gate, run->threads);
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

void rounds_meet(struct rounds *rounds, void (*measure)(struct run *run))
{
    uint64_t meeting;
    if (!gate_arrive(&rounds->gate, &meeting)) {
        gate_wait(&rounds->gate, meeting);
        return;
    }
    bool all = rounds->gate.members == rounds->run->threads;
    if (all && !rounds->run->ops->no_memory) {
        measure(rounds->run);
    }
    gate_open(&rounds->gate);
}

void rounds_work(struct rounds *rounds, struct worker *worker, bool (*round)(struct worker *))
{
    while (round(worker) && rounds->again) {
    }
    gate_leave_open(&rounds->gate);
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
