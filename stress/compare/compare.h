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
struct job;

struct compare_options {
    struct judge_options judge;
    const struct metric *metrics[METRIC_ALL + 1]; // NULL-terminated; none: those that are judged
    // What the second result was a choice of, by sections or cells, and whether by targets too:
    // what is left out of these is not missed. NULL: it is all there is.
    const struct job *whole;
    bool chosen;
};

// One metric of one target of one section.
struct compare_row {
    char *section;
    char *target; // "b against a" where two targets are compared
    const struct metric *metric;
    bool judged;               // false: the verdict was clear without a look (too few, unknown)
    size_t family;             // rows of its metric that Holm's correction counts
    double *speed_a, *speed_b; // of the cells, as measured_cell.speed_ns; owned
    struct judge_sides sides;  // owned
    struct judge_result result;
};

enum compare_kind {
    COMPARE_TOLD,     // worth to know; no verdict depends on it
    COMPARE_LEFT_OUT, // not compared, and nothing is wrong
    COMPARE_REFUSED,  // not compared: the two do not fit together, or a cell did not pass
};

struct compare_note {
    char *section; // "": of the whole
    char *target;  // "": of all
    char reason[320];
    enum compare_kind kind;
};

struct comparison {
    char *name_a, *name_b;
    struct compare_options options;
    struct compare_row *rows;
    size_t row_count;
    struct compare_note *notes;
    size_t note_count;
    size_t judged; // rows that are in some metric's correction
    size_t count[JUDGE_VERDICTS];
    size_t refused;
    size_t absent; // of these: sections that B lacks
    size_t pairs;  // targets of sections that fit and can be used
    bool planned;  // B has not run yet: nothing is measured
};

// Every section and target that both have; unpaired. 0, or EINVAL with a complaint: they have
// nothing in common.
int compare_results(const struct measured *a, const struct measured *b,
                    const struct compare_options *options, struct comparison *comparison,
                    struct complaint *complaint);

// Before B runs: whether anything of it would be refused, or nothing compared, whatever its figures
// become. 0, or EINVAL with a complaint that names the first.
int compare_check(const struct measured *a, const struct measured *planned,
                  const struct compare_options *options, struct complaint *complaint);

// Target b against target a in each section that has both; paired by repeat. EINVAL: none has.
int compare_targets(const struct measured *measured, const char *a, const char *b,
                    const struct compare_options *options, struct comparison *comparison,
                    struct complaint *complaint);
// Whether some pair of these could never be told to differ, for want of repeats: `text` says how
// many it takes. Cells need not have run.
bool compare_foresee(const struct measured *a, const struct measured *b, double alpha, char *text,
                     size_t size);
// One more note of the whole.
void compare_tell(struct comparison *comparison, const char *text);
// What two sections must have in common to be compared, as text; the caller frees it.
char *compare_work(const struct measured_section *section);
// The same on one line for people: files by their paths.
char *compare_work_told(const struct measured_section *section);
const char *compare_kind_name(enum compare_kind kind);
void compare_fini(struct comparison *comparison);

enum verdict_outcome compare_outcome(const struct comparison *comparison);

// At most 80 columns wide (but for names that are longer themselves).
void compare_print(const struct comparison *comparison, FILE *out);

// The `comparison` of a document. With libjansson only, else NULL.
struct json_t *compare_json(const struct comparison *comparison);
void compare_json_free(struct json_t *json);

// What there is to tell continuous integration: rows, then notes. For findings_fini.
void compare_findings(const struct comparison *comparison, struct findings *findings);

#endif
