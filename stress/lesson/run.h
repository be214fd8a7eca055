// SPDX-License-Identifier: MIT
//
// run.h - one algorithm on one reference string (or on a state as given, or one formula), with all
// its steps: what the terminal and the page draw. The door of the room, with exercise.h.
//
// 1. A run remembers every step: the frames after it, what left, the reason. So tables can have a
//    column a reference, and several runs stand side by side.
// 2. Totals are given twice: all faults, and those after the first loads of empty frames, which
//    some books do not count.
// 3. Frames are the engine's, by number. What R and the hand are is the rule's (faults/rule.h):
//    known as long as rule and engine agree.

#ifndef LESSON_RUN_H
#define LESSON_RUN_H

#include "faults/walk.h"
#include "lesson/exercise.h"

#define LESSON_NONE UINT64_MAX

struct lesson_cell {
    uint64_t page; // as the text calls it, or LESSON_NONE
    bool r, m;
    uint64_t loaded, last;
};

struct lesson_step {
    char operation[64]; // "page 7"
    char text[200];     // "fault, in place of 0 in frame 1"
    char *reason;       // NULL: not known
    bool fault, initial;
    uint64_t page;
    struct lesson_cell *cells; // a frame each
    size_t cell_count;
    uint64_t hand; // frame of the page that the hand is at, or LESSON_NONE
};

struct lesson_run {
    char name[100];     // "fifo, 3 frames"
    char algorithm[64]; // "fifo"; "" where it is a calculation
    uint64_t frames;    // 0: none given
    bool bits, hand, dirty;
    struct lesson_step *steps;
    size_t count, room;
    uint64_t faults, initial;
    char answer[240];
    const char *expected; // or NULL
};

// Each: 0, or EINVAL, ENOMEM or what the engine said with a complaint. The run is for
// lesson_run_fini in any case.
int lesson_run_references(struct lesson_run *run, const struct references *references,
                          const struct faults_choice *choice, uint64_t frames, uint64_t seed,
                          struct complaint *complaint);
int lesson_run_state(struct lesson_run *run, const char *input, const char *algorithm,
                     struct complaint *complaint);
int lesson_run_time(struct lesson_run *run, const char *name, const struct exercise_time *time,
                    struct complaint *complaint);
void lesson_run_fini(struct lesson_run *run);

#endif
