// SPDX-License-Identifier: MIT
//
// run.h - one measurement, in a process of its own.

#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include "target.h"

#ifdef __cplusplus
extern "C" {
#endif

// One row of the output: a kernel with its parameter's value, by this many threads, on a target.
struct cell {
    const struct kernel *kernel;
    const struct target *target;
    uint64_t value;
    unsigned threads;
};

struct answer {
    uint64_t ns;     // from the first thread's start to the last one's end
    uint64_t cpu_ns; // of all threads in that time
    struct kernel_figure figures[KERNEL_FIGURES];
    char supplier[PATH_MAX];
    char complaint[2 * TARGET_TEXT]; // when it failed
};

// "--once KERNEL TARGET VALUE THREADS ITERATIONS": measures in this process and prints one line,
// "ok NS CPU_NS FIGURE=VALUE... SUPPLIER" or "failed COMPLAINT". Returns the exit status.
int run_once(int argc, char **argv);

// Has a fresh process of this program do that, with the target's library preloaded. 0, or EIO with
// answer->complaint set.
int run_spawn(const struct cell *cell, uint64_t iterations, struct answer *answer);

#ifdef __cplusplus
}
#endif

#endif
