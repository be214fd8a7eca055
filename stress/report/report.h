// SPDX-License-Identifier: MIT
//
// report.h - documents as one page that a browser shows. The door of the room.
//
// A page is one file: styles, scripts, the charting library and the documents themselves are in it,
// and it asks no network. Each document of a schema that the page has a view of is shown; several
// of one kind are shown side by side.

#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "job/complaint.h"

struct json_t;

struct report_document {
    const char *name;    // the file, or what it is called on the page
    struct json_t *root; // its member "schema" says what it is
};

// Whether this build can make pages (libjansson), and pages with charts (Chart.js).
bool report_possible(void);
bool report_has_charts(void);

// Reads a document that a page can show. 0, or an errno value with a complaint that names the file
// and, where its content is at fault, the place in it and what would be right.
int report_read(const char *path, struct json_t **root, struct complaint *complaint);
// Whether it is the result of a run.
bool report_is_result(const struct json_t *root);
void report_free(struct json_t *root);

// The page as text, for document_write; the caller frees it. The documents may be made smaller by
// it: what no view shows is taken out. NULL with a complaint.
char *report_page(const char *title, const struct report_document *documents, size_t count,
                  struct complaint *complaint);

#endif
