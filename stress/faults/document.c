// SPDX-License-Identifier: MIT
//
// document.c - counts of faults as JSON.

#include "faults/document.h"

#ifdef MEMS_HAVE_JANSSON

#include "json/json.h"

char *faults_document(const char *source, const struct references *references,
                      const struct faults_row *rows, size_t count, struct complaint *complaint)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(
            list,
            json_pack("{s:o, s:o, s:o}", "algorithm", json_of_text(rows[i].choice->name), "frames",
                      rows[i].frames != 0 ? json_of_count(rows[i].frames) : json_null(), "faults",
                      json_of_count(rows[i].faults)));
    }
    json_t *root =
        json_pack("{s:s, s:o, s:o, s:o, s:o}", "schema", "mems-stress/faults/1", "source",
                  json_of_text(source), "references", json_of_count(references->count), "pages",
                  json_of_count(references->page_count), "rows", list);
    char *text = json_print(root);
    json_decref(root);
    if (text == NULL) {
        complain(complaint, "the counts cannot be put into JSON: out of memory");
    }
    return text;
}

#else

char *faults_document(const char *source, const struct references *references,
                      const struct faults_row *rows, size_t count, struct complaint *complaint)
{
    (void)source;
    (void)references;
    (void)rows;
    (void)count;
    complain(complaint, "this mems-stress was built without libjansson and writes no JSON");
    return NULL;
}

#endif
