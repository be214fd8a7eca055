// SPDX-License-Identifier: MIT
//
// warning.h - what a reader of the figures should know: a table of warnings, each with a code by
// which it can be silenced.

#ifndef RESULT_WARNING_H
#define RESULT_WARNING_H

#include <stdio.h>

#include "result/host.h"
#include "run/plan.h"

struct warning_told {
    const char *code, *text;
};

// What warnings are drawn from.
struct warning_scene {
    const struct plan *plan;
    const struct host *host;         // as it was when the run began
    struct host_ticks before, after; // when it began and ended
    const char *const *silenced;     // codes, NULL-terminated; NULL: none
    // Of a merged result: what its parts were told, in place of what looks at this machine or run.
    bool merged;
    const struct warning_told *told;
    size_t told_count;
};

typedef void (*warning_teller)(void *arg, const char *code, const char *text);

// Tells every warning that is not silenced, in the order of the table.
void warning_each(const struct warning_scene *scene, warning_teller tell, void *arg);

// 0, or EINVAL with a complaint: one of the codes is not in the table.
int warning_check_codes(const char *const *codes, struct complaint *complaint);
// A row of the table, by index: its code, and what it says. NULL past the last.
const char *warning_code_at(size_t index, const char **help);
// The table, for people.
void warning_describe(FILE *out);

#endif
