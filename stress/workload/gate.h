// SPDX-License-Identifier: MIT
//
// gate.h - a barrier that its members may leave: where threads meet that end at different times.
//
// Each member arrives, then asks gate_passed until it is true, doing what others may wait for in
// between; or it sleeps in gate_wait, where the others will take long. The last to arrive is told
// so: it does what is to be done while all are at the gate, and opens it. A member that ends
// leaves; where everybody else is waiting already, it is the last. A gate without members is a bug.
//
// [R:gate] [A:gate]: what a member did before it arrived is seen by all after they have passed.

#ifndef WORKLOAD_GATE_H
#define WORKLOAD_GATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "workload/ring.h"

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t opened;
    unsigned members; // [lock] stays as it is while all of them wait
    unsigned waiting; // [lock] <= members                                                     (G1)
    uint64_t phase;   // [atomic] how often it has opened; written under the lock
};

static inline void gate_init(struct gate *gate, unsigned members)
{
    *gate = (struct gate){.members = members};
    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->opened, NULL);
}

// True: this is the last one, and has to open the gate. `phase` is what gate_passed wants.
static inline bool gate_arrive(struct gate *gate, uint64_t *phase)
{
    pthread_mutex_lock(&gate->lock);
    *phase = gate->phase;
    bool last = ++gate->waiting == gate->members;
    pthread_mutex_unlock(&gate->lock);
    return last;
}

// For good. True: all that are left wait, and this one has to open the gate for them.
static inline bool gate_leave(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    bool last = --gate->members > 0 && gate->waiting == gate->members;
    pthread_mutex_unlock(&gate->lock);
    return last;
}

static inline void gate_open(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->waiting = 0;
    __atomic_store_n(&gate->phase, gate->phase + 1, __ATOMIC_RELEASE); // [R:gate]
    pthread_cond_broadcast(&gate->opened);
    pthread_mutex_unlock(&gate->lock);
}

static inline bool gate_passed(const struct gate *gate, uint64_t phase)
{
    return __atomic_load_n(&gate->phase, __ATOMIC_ACQUIRE) != phase; // [A:gate]
}

static inline void gate_wait(struct gate *gate, uint64_t phase)
{
    pthread_mutex_lock(&gate->lock);
    while (gate->phase == phase) {
        pthread_cond_wait(&gate->opened, &gate->lock);
    }
    pthread_mutex_unlock(&gate->lock);
}

// Arrives and waits for all. Nothing is done meanwhile.
static inline void gate_meet(struct gate *gate)
{
    uint64_t phase;
    unsigned turns = 0;
    if (gate_arrive(gate, &phase)) {
        gate_open(gate);
    }
    while (!gate_passed(gate, phase)) {
        ring_pause(&turns);
    }
}

static inline void gate_leave_open(struct gate *gate)
{
    if (gate_leave(gate)) {
        gate_open(gate);
    }
}

#endif
