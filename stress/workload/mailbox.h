// SPDX-License-Identifier: MIT
//
// mailbox.h - a bounded queue of pointers from many threads to one: nobody locks.
//
// A place carries the number of the turn it waits for (Vyukov's bounded queue, 2010): a putter that
// has drawn ticket t writes place t % capacity and passes the place on with turn t + 1, which the
// taker waits for [R:mail-put] [A:mail-put]; the taker gives it back with turn t + capacity
// [R:mail-take] [A:mail-take]. The user sees to it that no more than `capacity` pointers are ever
// in a mailbox: then every place that is drawn has been given back, and putting never waits.

#ifndef WORKLOAD_MAILBOX_H
#define WORKLOAD_MAILBOX_H

#include <stdint.h>

#include "workload/ring.h"

struct mailbox_place {
    uint64_t turn; // [atomic]
    void *letter;
};

struct mailbox {
    uint64_t tickets __attribute__((aligned(128)));  // [atomic] drawn by putters
    uint64_t head __attribute__((aligned(128)));     // [own] the taker's
    uint64_t capacity __attribute__((aligned(128))); // [ro] a power of two
    struct mailbox_place *places;
};

// How many places a mailbox has that is to hold `most` letters.
static inline uint64_t mailbox_capacity(uint64_t most)
{
    uint64_t capacity = 1;
    while (capacity < most) {
        capacity *= 2;
    }
    return capacity;
}

// `places` has `capacity` (a power of two) of them.
static inline void mailbox_init(struct mailbox *mailbox, struct mailbox_place *places,
                                uint64_t capacity)
{
    *mailbox = (struct mailbox){.capacity = capacity, .places = places};
    for (uint64_t i = 0; i < capacity; i++) {
        places[i] = (struct mailbox_place){.turn = i};
    }
}

static inline void mailbox_put(struct mailbox *mailbox, void *letter)
{
    uint64_t ticket = __atomic_fetch_add(&mailbox->tickets, 1, __ATOMIC_RELAXED);
    struct mailbox_place *place = &mailbox->places[ticket & (mailbox->capacity - 1)];
    unsigned turns = 0;
    while (__atomic_load_n(&place->turn, __ATOMIC_ACQUIRE) != ticket) { // [A:mail-take]
        ring_pause(&turns); // the taker is about to give it back
    }
    place->letter = letter;
    __atomic_store_n(&place->turn, ticket + 1, __ATOMIC_RELEASE); // [R:mail-put]
}

// NULL: there is none now.
static inline void *mailbox_take(struct mailbox *mailbox)
{
    struct mailbox_place *place = &mailbox->places[mailbox->head & (mailbox->capacity - 1)];
    if (__atomic_load_n(&place->turn, __ATOMIC_ACQUIRE) != mailbox->head + 1) { // [A:mail-put]
        return NULL;
    }
    void *letter = place->letter;
    __atomic_store_n(&place->turn, mailbox->head + mailbox->capacity, // [R:mail-take]
                     __ATOMIC_RELEASE);
    mailbox->head++;
    return letter;
}

#endif
