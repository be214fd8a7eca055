// SPDX-License-Identifier: MIT
//
// verdict.h - what a run comes to, and the exit status that says so.

#ifndef RESULT_VERDICT_H
#define RESULT_VERDICT_H

#include "run/plan.h"

// The exit table: README and `mems-stress help` print it.
enum verdict_exit {
    VERDICT_EXIT_PASS = 0,
    VERDICT_EXIT_USAGE = 1,        // or unreadable input: job, trace, result
    VERDICT_EXIT_FAILED = 2,       // a check failed
    VERDICT_EXIT_BROKEN = 3,       // a cell crashed or hung
    VERDICT_EXIT_REGRESSED = 4,    // against a baseline
    VERDICT_EXIT_INCONCLUSIVE = 5, // asked for, and so
    VERDICT_EXIT_NOTHING = 6,      // nothing ran, or a target that must be there is missing
    VERDICT_EXIT_UNWRITTEN = 7,    // the result could not be written
    VERDICT_EXIT_INTERRUPTED = 130,
};

// What a comparison with another result comes to.
enum verdict_outcome {
    VERDICT_SAME, // or better
    VERDICT_INCONCLUSIVE,
    VERDICT_REGRESSED,
    VERDICT_REFUSED, // the two cannot be compared, at least in part
};

struct verdict {
    enum verdict_exit exit;
    // "pass", "failed", "crashed", "hung", "incomplete", "skipped", "unsteady"; of comparisons
    // "regressed", "inconclusive", "not comparable"
    const char *name;
    size_t cells[CELL_SKIPPED + 1]; // how many ended how
};

// The worst cell decides: a failed check before a crash before a hang.
void verdict_of(const struct plan *plan, bool interrupted, struct verdict *verdict);

// Adds what a comparison came to. Whatever is wrong with the run itself outranks it.
// `fail_inconclusive`: what is inconclusive, cells that did not become steady included, has an exit
// status of its own; else it passes.
void verdict_compare(struct verdict *verdict, enum verdict_outcome outcome, bool fail_inconclusive);

#endif
