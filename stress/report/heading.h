// SPDX-License-Identifier: MIT
//
// heading.h - what a result is called on a page.

#ifndef REPORT_HEADING_H
#define REPORT_HEADING_H

struct json_t;

// Where the result's job was made up by options or a replay, its title and path become what was
// done to whom: "churn, larson on libc, mems:fixed", "trace mine.mtrace on libc". Of other jobs,
// and of documents that are no results, nothing is changed.
void heading_settle(struct json_t *root);

#endif
