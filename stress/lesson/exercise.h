// SPDX-License-Identifier: MIT
//
// exercise.h - the textbooks' exercises, as rows: what is asked, the input, what is to be compared,
// the answers.
//
// 1. Kinds. A trace is done by engines (show/), a reference string by replacement algorithms
//    (faults/), a given state is asked for the next victim, and a calculation is one formula.
// 2. Answers. What a run came to is put into words of one style (answer.h) and held against the
//    row's; an exercise whose answer is another one ends with a failed check.
// 3. Begun. The operations of a trace before its first `show` lay out the memory that the exercise
//    begins with, where `begins` says so: they are done and not shown.
// 4. If you change this: another exercise is a row, and a line in the test that has the answers
//    from the books, not from here.

#ifndef LESSON_EXERCISE_H
#define LESSON_EXERCISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum exercise_kind { EXERCISE_TRACE, EXERCISE_REFERENCES, EXERCISE_STATE, EXERCISE_ACCESS_TIME };

// What of a trace's steps the answer is.
enum exercise_answer {
    ANSWER_NONE,
    ANSWER_HOLES,      // the size of the hole that each request got: "500 600 288 wait"
    ANSWER_HOLES_LEFT, // and those that are left: "..; holes 100 176"
    ANSWER_PLACES,     // where each request got its place: "A@0+128"
    ANSWER_PARTITIONS, // the partition of each: "P1 0, P2 1"
    ANSWER_ADDRESSES,  // where each access led: "649 trap"
    ANSWER_FRAMES,     // frames of each, and what is wasted
    ANSWER_END,        // the memory in the end: "P4@0+150; 374 free; 250 moved"
};

#define EXERCISE_RUNS 24

struct exercise_run {
    const char *target; // of a trace: a target; else an algorithm, or a number of exercise_time_at
    uint64_t frames;    // of a reference string; 0: none are given
    const char *answer; // NULL: the books have none
};

struct exercise {
    const char *name, *title, *question;
    const char *source; // whose, or NULL
    enum exercise_kind kind;
    enum exercise_answer style;
    bool begins;
    uint64_t unit, memory; // of a trace; 0: chosen as for any trace
    const char *input;
    // Of a trace: accesses after it, "P1/a 100; ..", legal or not: who wants a trap shown cannot
    // write it into a trace.
    const char *accesses;
    struct exercise_run runs[EXERCISE_RUNS]; // ends with a target NULL
};

// The table, by index; NULL past the last.
const struct exercise *exercise_at(size_t index);
const struct exercise *exercise_find(const char *name);
// The name that is nearest to another, or NULL.
const char *exercise_near(const char *name);
size_t exercise_runs(const struct exercise *exercise);

// The trace of an exercise that is one, to be freed by the caller. 0, or ENOMEM or what is wrong
// with the row, with a complaint.
struct trace;
struct complaint;
int exercise_trace(const struct exercise *exercise, struct trace **trace,
                   struct complaint *complaint);

// The terms of an access time; a run has the number in its `frames`. (The input of a given state is
// a page after the other: number, loaded, last use, R, M.)
struct exercise_time {
    bool faults;                // demand paging; else a TLB
    double share;               // hit ratio, or of references that fault
    double memory_ns, other_ns; // other: a look into the TLB, or the service of a fault
    unsigned levels;            // accesses to page tables where the TLB misses
};
const struct exercise_time *exercise_time_at(size_t index);

extern const struct exercise exercise_pages[], exercise_memory[]; // end with a name NULL

#endif
