// SPDX-License-Identifier: MIT
//
// finding.h - what a comparison came to, as the forms for continuous integration tell it: one
// finding for each metric that was compared, and for each section or target that was not.

#ifndef RESULT_FINDING_H
#define RESULT_FINDING_H

#include <stddef.h>

enum finding_kind {
    FINDING_PASS, // or improved
    FINDING_REGRESSED,
    FINDING_INCONCLUSIVE,
    FINDING_REFUSED,  // the two do not fit together, or a cell did not pass
    FINDING_LEFT_OUT, // not asked for
};

struct finding {
    enum finding_kind kind;
    const char *section;
    const char *target; // empty: the whole section
    const char *metric; // empty: the whole target
    const char *text;   // the figures, or why there are none
};

// Those of one section and target are neighbours. The texts are owned.
struct findings {
    struct finding *items;
    size_t count;
};

void finding_add(struct findings *findings, const struct finding *finding);
void findings_fini(struct findings *findings);

const char *finding_kind_name(enum finding_kind kind);

#endif
