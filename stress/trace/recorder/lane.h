// SPDX-License-Identifier: MIT
//
// lane.h - where a thread of the recorded program writes its records.

#ifndef RECORDER_LANE_H
#define RECORDER_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/spool.h"

// Recording goes on while this is 1. The page is wiped in the child of a fork, of whatever kind,
// so that a child never writes into its parent's spool.
struct lane_gate {
    int on;
};

extern struct lane_gate *lane_gate;

static inline bool lane_open(void)
{
    return __builtin_expect(__atomic_load_n(&lane_gate->on, __ATOMIC_RELAXED), 1);
}

// Opens the spool that the environment asks for, if any. Called once, before there are threads.
void lane_start(void);

// One record of the calling thread; the first one of a thread is preceded by its start.
// Takes the sequence number here. Keeps errno. Never allocates, never waits.
void lane_record(unsigned kind, unsigned call, const void *address, size_t size,
                 unsigned align_log2);

// The calling thread starts; ends. What it records after its end is kept.
void lane_thread_start(void);
void lane_thread_end(void);

#endif
