// SPDX-License-Identifier: MIT
//
// workload.h - what the threads do. One file a workload, each ending in one `const struct
// workload`.
//
// A workload sees a run (the cell: its section, its shared state) and workers (one a thread). It
// does everything to the target through the op_* functions of workload/op.h, which count, time,
// check and account; it never calls the target itself.

#ifndef WORKLOAD_WORKLOAD_H
#define WORKLOAD_WORKLOAD_H

#include "job/job.h"
#include "target/target.h"

struct child_post;
struct run;
struct worker;

// What `mems-stress list` and --class group by.
enum workload_class {
    WORKLOAD_MICRO,     // one thing, over and over
    WORKLOAD_SERVER,    // what long-running programs do
    WORKLOAD_THREADS,   // threads come and go, blocks change hands
    WORKLOAD_SHARING,   // cache lines that threads share
    WORKLOAD_ADVERSARY, // fragmentation on purpose
    WORKLOAD_PROCESS,   // the edge of a process: fork, signals, exits, limits
    WORKLOAD_PAGED,     // for memory that is paged
    WORKLOAD_REPLAY,    // recorded programs
    WORKLOAD_CLASSES,
};

struct workload {
    const char *name;
    const char *help;
    enum workload_class class;
    // It calls the malloc of its process itself: only for targets that are that (libc, preload).
    bool needs_malloc;
    unsigned version; // goes up when the same job would do other operations
    const struct job_key *keys;
    const char *const *unused; // common keys that mean nothing here (giving one is an error)
    bool ends; // by itself: without runtime= (which is then 0) nothing stops it before
    // It begins with a fill: each worker calls worker_ready when its own is done. Until then
    // nothing is paced, measured or taken from a budget.
    bool fills;
    // Conflicts between keys, unreadable inputs. 0 or EINVAL or the errno of a file. May be NULL.
    int (*validate)(const struct job_section *section, struct complaint *complaint);
    // How much it will ask for at once.
    int (*demand)(const struct job_section *section, struct target_demand *demand,
                  struct complaint *complaint);
    // Threads it wants; NULL: the key `threads`.
    int (*threads)(const struct job_section *section, unsigned *threads);
    // In the cell's process: shared state into run->shared, before the first thread starts.
    int (*open)(struct run *run, struct complaint *complaint);
    // The body of one thread: until worker_stop(worker) says so.
    void (*work)(struct worker *worker);
    void (*close)(struct run *run); // after the last thread; releases every block still held
    // The body of a process that child_start (run/child.h) starts. May be NULL.
    void (*child)(struct child_post *post);
};

const char *workload_class_name(enum workload_class class);

// The table, by index; NULL past the last. And one by name, or NULL.
const struct workload *workload_at(size_t index);
const struct workload *workload_find(const char *name);

#endif
