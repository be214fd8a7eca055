// SPDX-License-Identifier: MIT
//
// findings.c - a comparison for continuous integration: its rows and notes as findings.

#include <stdio.h>

#include "compare/compare.h"

static const enum finding_kind findings_kinds[JUDGE_VERDICTS] = {
    [JUDGE_PASS] = FINDING_PASS,
    [JUDGE_IMPROVED] = FINDING_PASS,
    [JUDGE_REGRESSED] = FINDING_REGRESSED,
    [JUDGE_INCONCLUSIVE] = FINDING_INCONCLUSIVE,
};

static void findings_add_row(struct findings *findings, const struct comparison *comparison,
                             const struct compare_row *row)
{
    char text[400];
    const struct judge_result *result = &row->result;
    if (result->verdict == JUDGE_INCONCLUSIVE) {
        snprintf(text, sizeof text, "%s", result->reason);
    } else {
        snprintf(text, sizeof text,
                 "median %.6g against %.6g %s: ratio %.4g, interval %.4g .. %.4g, p %.2g; "
                 "%g %% worse is allowed",
                 result->median_b, result->median_a, row->metric->unit, result->ratio, result->low,
                 result->high, result->p_holm, comparison->options.judge.threshold * 100);
    }
    finding_add(findings, &(struct finding){
                              .kind = findings_kinds[result->verdict],
                              .section = row->section,
                              .target = row->target,
                              .metric = row->metric->name,
                              .text = text,
                          });
}

void compare_findings(const struct comparison *comparison, struct findings *findings)
{
    *findings = (struct findings){0};
    for (size_t i = 0; i < comparison->row_count; i++) {
        findings_add_row(findings, comparison, &comparison->rows[i]);
    }
    for (size_t i = 0; i < comparison->note_count; i++) {
        const struct compare_note *note = &comparison->notes[i];
        if (note->kind == COMPARE_TOLD) { // changes nothing: for people and the document
            continue;
        }
        finding_add(findings,
                    &(struct finding){
                        .kind = note->kind == COMPARE_REFUSED ? FINDING_REFUSED : FINDING_LEFT_OUT,
                        .section = note->section,
                        .target = note->target,
                        .metric = "",
                        .text = note->reason,
                    });
    }
}
