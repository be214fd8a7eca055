// SPDX-License-Identifier: MIT
//
// baseline.h - run --baseline: the run's result against one that was kept.

#ifndef CLI_BASELINE_H
#define CLI_BASELINE_H

#include <stdio.h>

#include "compare/compare.h"

struct cli_job_settings;
struct host;

struct baseline {
    bool asked;
    bool last;     // it is to be found in the history, once the plan is known
    char *history; // there
    bool kept_is;  // `kept` is there
    bool compared; // the comparison below is there
    struct compare_options options;
    struct measured kept;
    struct comparison comparison;
    bool foreseen;
    char warning[320];        // told before the run, where foreseen
    char left_out[320];       // of the history, as against_plan says it
    struct json_t *json;      // of it, for documents; NULL: none
    struct findings findings; // of it, for the other forms
};

// Reads the baseline, before anything runs, or notes that it is "last". 0, or an exit status after
// a message.
int baseline_open(const struct cli_job_settings *settings, struct baseline *baseline);
// Before the run: finds "last"; an error where the two cannot be compared, a warning on stderr
// where the run's repeats cannot prove anything. 0, or an exit status after a message.
int baseline_foresee(struct baseline *baseline, const struct plan *plan);
// Compares the run with it, and adds what that comes to to the verdict. A baseline with which the
// run has nothing in common cannot be compared: a message, and the verdict says so.
void baseline_judge(struct baseline *baseline, const struct plan *plan, const struct host *host,
                    bool fail_inconclusive, struct verdict *verdict);
void baseline_print(const struct baseline *baseline, FILE *out);
void baseline_close(struct baseline *baseline);

#endif
