// SPDX-License-Identifier: MIT
//
// walk.h - a reference string step by step: hit or fault, who went and why, what is in the frames.

#ifndef FAULTS_WALK_H
#define FAULTS_WALK_H

#include "faults/faults.h"
#include "faults/rule.h"

#define WALK_MOST 2000u // references: what is longer is not looked at step by step

struct walk_step {
    size_t number; // from 1
    uint64_t page;
    bool fault;
    bool initial; // into a frame that had never been used
    uint64_t frame;
    const uint64_t *victims; // pages that left, good until the next step
    size_t victim_count;
    bool told; // the rule agrees with all that the engine has done so far
    char why[1000];
};

// What a frame holds; page RULE_NONE: nothing.
struct walk_frame {
    uint64_t page;
    bool r;
};

struct walk;

// EINVAL: the string is too long; else as faults_count.
int walk_open(const struct references *references, const struct faults_choice *choice,
              uint64_t frames, uint64_t seed, struct walk **walk, struct complaint *complaint);
void walk_close(struct walk *walk);
// 0; ENOENT at the end; what the engine said, with a complaint.
int walk_next(struct walk *walk, struct walk_step *step, struct complaint *complaint);
// After a step: the frames, as many as there are, or as were ever used where the algorithm sizes
// its own allotment.
const struct walk_frame *walk_frames(const struct walk *walk, size_t *count);
const struct rule *walk_rule(const struct walk *walk);

#endif
