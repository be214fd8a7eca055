// SPDX-License-Identifier: MIT
//
// document.c - counts of faults as JSON.

#include "faults/document.h"

#ifdef MEMS_HAVE_JANSSON

#include "json/json.h"

struct json_t *faults_document(const char *source, const struct references *references,
                               const struct faults_row *rows, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(
            list,
            json_pack("{s:o, s:o, s:o}", "algorithm", json_of_text(rows[i].choice->name), "frames",
                      rows[i].frames != 0 ? json_of_count(rows[i].frames) : json_null(), "faults",
                      json_of_count(rows[i].faults)));
    }
    return json_pack("{s:s, s:o, s:o, s:o, s:o}", "schema", "mems-stress/faults/1", "source",
                     json_of_text(source), "references", json_of_count(references->count), "pages",
                     json_of_count(references->page_count), "rows", list);
}

#else

struct json_t *faults_document(const char *source, const struct references *references,
                               const struct faults_row *rows, size_t count)
{
    (void)source;
    (void)references;
    (void)rows;
    (void)count;
    return NULL;
}

#endif
