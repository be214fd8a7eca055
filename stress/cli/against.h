// SPDX-License-Identifier: MIT
//
// against.h - the run of the history that another one is to be compared with: compare --against,
// run --baseline last.

#ifndef CLI_AGAINST_H
#define CLI_AGAINST_H

#include "compare/measured.h"

struct against {
    const char *file;    // the history
    const char *word;    // "last", a revision or a date
    const char *machine; // NULL: of the same machine; "all": of any; else of that one
};

#define AGAINST_TEXT 320

// b: the result at `path`; NULL: the newest run of the history. a: the run there that is meant for
// it, of the same job. `left_out`: what else could have been and why it was not, "" where nothing
// was. 0, or an errno value with a complaint; then nothing is left to finish.
int against_read(const struct against *against, const char *path, struct measured *a,
                 struct measured *b, char left_out[AGAINST_TEXT], struct complaint *complaint);

// The same for a plan that has not run yet, on this machine.
struct plan;
int against_plan(const struct against *against, const struct plan *plan, struct measured *a,
                 char left_out[AGAINST_TEXT], struct complaint *complaint);

#endif
