// SPDX-License-Identifier: MIT
//
// pick.h - what of a document a page shows.

#ifndef REPORT_PICK_H
#define REPORT_PICK_H

#include <stddef.h>

#define PICK_SAMPLES    160 // of a curve over time, at most
#define PICK_OPERATIONS 64  // of a thread's last ones, at most

// Bytes of all documents of a page, as JSON: with program and style a page stays below 3 MB.
#define PICK_BUDGET (2200u * 1024)

struct json_t;

// Leaves what is shown of the documents of one page. Where that is thinned to stay within the
// budget, each result's member "thinned" says to what: pictures of a cell and samples of a curve.
void pick_shown(struct json_t *const *roots, size_t count);

#endif
