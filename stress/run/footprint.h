// SPDX-License-Identifier: MIT
//
// footprint.h - what a cell and its children take of the machine's memory, seen from outside.

#ifndef RUN_FOOTPRINT_H
#define RUN_FOOTPRINT_H

#include <stdint.h>
#include <sys/types.h>

#define FOOTPRINT_MOST 256 // processes

struct footprint {
    pid_t cell;
    pid_t pid[FOOTPRINT_MOST]; // the cell and its descendants
    unsigned count;
    uint64_t family_ns; // when they were looked for
};

void footprint_open(struct footprint *footprint, pid_t cell);
// Looks for them again.
void footprint_family(struct footprint *footprint);
// Bytes resident. As long as their sum is below `limit` each process counts for itself; beyond it,
// a page that several share counts once.
uint64_t footprint_read(struct footprint *footprint, uint64_t limit);

#endif
