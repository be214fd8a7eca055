// SPDX-License-Identifier: MIT
//
// compare.h - are two results different? The door of the room.

#ifndef COMPARE_COMPARE_H
#define COMPARE_COMPARE_H

#include <stdio.h>

#include "compare/judge.h"
#include "compare/measured.h"
#include "result/finding.h"
#include "result/verdict.h"

struct json_t;

struct compare_options {
    struct judge_options judge;
    const struct metric *metrics[METRIC_COUNT + 1]; // NULL-terminated; none: those that are judged
    bool partial; // the second result is part of a job: what only the first has is not missed
};

// One metric of one target of one section.
struct compare_row {
    char *section;
    char *target; // "b against a" where two targets are compared
    const struct metric *metric;
    bool judged;              // false: the verdict was clear without a look (too few, unknown)
    struct judge_sides sides; // owned
    struct judge_result result;
};

// What was not compared, and why.
struct compare_note {
    char *section;
    char *target;
    char reason[240];
    bool refused; // the two do not fit together, or a cell did not pass; else merely left out
};

struct comparison {
    char *name_a, *name_b;
    struct compare_options options;
    struct compare_row *rows;
    size_t row_count;
    struct compare_note *notes;
    size_t note_count;
    size_t judged; // rows that Holm's correction counts
    size_t count[JUDGE_VERDICTS];
    size_t refused;
};

// Every section and target that both have; unpaired. 0, or EINVAL with a complaint: they have
// nothing in common.
int compare_results(const struct measured *a, const struct measured *b,
                    const struct compare_options *options, struct comparison *comparison,
                    struct complaint *complaint);

// Target b against target a in each section that has both; paired by repeat. EINVAL: none has.
int compare_targets(const struct measured *measured, const char *a, const char *b,
                    const struct compare_options *options, struct comparison *comparison,
                    struct complaint *complaint);
void compare_fini(struct comparison *comparison);

enum verdict_outcome compare_outcome(const struct comparison *comparison);

// At most 100 columns wide (but for names that are longer themselves).
void compare_print(const struct comparison *comparison, FILE *out);

// The `comparison` of a document. With libjansson only, else NULL.
struct json_t *compare_json(const struct comparison *comparison);
void compare_json_free(struct json_t *json);

// What there is to tell continuous integration: rows, then notes. For findings_fini.
void compare_findings(const struct comparison *comparison, struct findings *findings);

#endif
