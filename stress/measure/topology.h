// SPDX-License-Identifier: MIT
//
// topology.h - the machine's CPUs, cores, packages and caches, as far as this process may use them.

#ifndef MEASURE_TOPOLOGY_H
#define MEASURE_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOPOLOGY_CPUS 1024

struct topology_cpu {
    unsigned number;  // the system's
    unsigned thread;  // its rank among the threads of its core
    unsigned core;    // its core, numbered through the machine
    unsigned package; // rank among packages
};

struct topology {
    bool known; // by hwloc; else every CPU counts as a core of one package
    unsigned packages, cores, nodes;
    size_t cpu_count;                        // that this process may use
    struct topology_cpu cpus[TOPOLOGY_CPUS]; // neighbours first: in the order of the topology
    uint64_t cache_bytes[3];                 // L1d, L2, L3 of the first CPU; 0: none or unknown
    unsigned cache_line_bytes;
};

enum topology_order {
    TOPOLOGY_COMPACT, // neighbours first: a core's threads, then the next core
    TOPOLOGY_SPREAD,  // one thread of a core in each package in turn, second threads last
};

// Asks the system; allocates and frees with malloc, takes milliseconds.
void topology_look(struct topology *topology);
// Writes the CPUs' numbers in that order; returns how many there are.
size_t topology_cpus(const struct topology *topology, enum topology_order order,
                     unsigned numbers[TOPOLOGY_CPUS]);

#endif
