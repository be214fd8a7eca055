// SPDX-License-Identifier: MIT
//
// faults.h - how many faults a replacement algorithm takes on a reference string.
//
// Exact: the engine's own vm-paging, one thread, no caches, no reclaim ahead of need. One block has
// all the pages; each reference is a translation, and a page that is not resident is brought in.

#ifndef FAULTS_FAULTS_H
#define FAULTS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "faults/references.h"
#include "job/complaint.h"

struct faults_algorithm {
    const char *name;
    const char *replacement; // the policy's name for it
    const char *options;     // more of its options, or ""
    const char *parameter; // the option that NAME:VALUE sets; NULL: none. Then frames do not count
    const char *help;
};

// The table, by index; NULL past the last.
const struct faults_algorithm *faults_algorithm_at(size_t index);

// One algorithm as asked for.
struct faults_choice {
    const struct faults_algorithm *algorithm;
    uint64_t parameter;
    char name[64]; // "lru", "ws:10"
};

// "fifo,lru,ws:10", or NULL: all that need no parameter. 0, EINVAL with a complaint that suggests,
// or ENOMEM. The caller frees the choices.
int faults_choose(const char *list, struct faults_choice **choices, size_t *count,
                  struct complaint *complaint);
// "16,100" or "1..7" in the same manner: each at least 1 and at most 2^32 - 1.
int faults_frames(const char *list, uint64_t **frames, size_t *count, struct complaint *complaint);

struct faults_row {
    const struct faults_choice *choice;
    uint64_t frames; // 0: the algorithm takes as many as it thinks right
    uint64_t faults;
};

// Whether the engine can do it: has the policy vm-paging.
bool faults_possible(void);

#define FAULTS_PAGE UINT64_C(64) // bytes, the least: the pages have nothing in them

// The engine for one algorithm with that many frames, a space in it and a block that has all the
// pages. Closed by mems_engine_close. Errors as faults_count.
struct mems_engine;
struct mems_space;
struct faults_machine {
    struct mems_engine *engine;
    struct mems_space *space;
    uint64_t block; // its address
};
int faults_machine_open(const struct references *references, const struct faults_choice *choice,
                        uint64_t frames, uint64_t seed, struct faults_machine *machine,
                        struct complaint *complaint);
// One reference to a page.
int faults_machine_use(const struct faults_machine *machine, uint64_t page);

// One algorithm with that many frames (0 as above). `seed` is for random. 0; ENOTSUP without the
// policy; else what the engine said, with a complaint.
int faults_count(const struct references *references, const struct faults_choice *choice,
                 uint64_t frames, uint64_t seed, uint64_t *faults, struct complaint *complaint);

#endif
