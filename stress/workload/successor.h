// SPDX-License-Identifier: MIT
//
// successor.h - a worker goes on in a new thread, with a random stream of that thread's own.

#ifndef WORKLOAD_SUCCESSOR_H
#define WORKLOAD_SUCCESSOR_H

#include <stdint.h>

#include "workload/op.h"

// Continues the worker as the `generation`-th thread after its first; the caller returns from its
// body at once, without touching the worker. Where the system starts no thread the cell ends.
void successor_start(struct worker *worker, uint64_t generation,
                     void (*body)(struct worker *worker));

#endif
