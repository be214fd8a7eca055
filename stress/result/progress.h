// SPDX-License-Identifier: MIT
//
// progress.h - one line on a terminal that says where the run is.

#ifndef RESULT_PROGRESS_H
#define RESULT_PROGRESS_H

#include "run/drive.h"

// A view that draws on stderr; one that does nothing when stderr is not a terminal or `quiet`.
void progress_view(struct drive_view *view, bool quiet);

#endif
