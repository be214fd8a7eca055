// SPDX-License-Identifier: MIT
//
// against.h - compare --against: a result, or the newest run, and the run of the history before it.

#ifndef CLI_AGAINST_H
#define CLI_AGAINST_H

#include "compare/measured.h"

// b: the result at `path`; NULL: the newest run of the history in `file`. a: the run there that
// `against` means for it, of the same job: "last", a revision or a date. 0, or an errno value with
// a complaint; then nothing is left to finish.
int against_read(const char *file, const char *against, const char *path, struct measured *a,
                 struct measured *b, struct complaint *complaint);

#endif
