// SPDX-License-Identifier: MIT
//
// pick.h - what of a document a page shows.

#ifndef REPORT_PICK_H
#define REPORT_PICK_H

#define PICK_SAMPLES    160 // of a curve over time, at most
#define PICK_OPERATIONS 64  // of a thread's last ones, at most

struct json_t;

// Takes out what no view shows, and thins what is finer than a screen.
void pick_shown(struct json_t *root);

#endif
