// SPDX-License-Identifier: MIT
//
// successor.c - the seed of the next thread, and what becomes of a cell that cannot have one.

#include "workload/successor.h"

#include "run/run.h"

void successor_start(struct worker *worker, uint64_t generation,
                     void (*body)(struct worker *worker))
{
    random_init(&worker->random, worker->run->seed, worker->number, generation);
    int error = worker_hand_over(worker, body);
    if (error != 0) {
        struct run_failure failure = {
            .check = "thread",
            .text = "the system does not start a successor thread (errno in `found`)",
            .found = (uint64_t)error,
        };
        run_fail(worker, &failure);
    }
}
