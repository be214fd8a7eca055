// SPDX-License-Identifier: MIT
//
// document.h - counts of faults as JSON, "mems-stress/faults/1".

#ifndef FAULTS_DOCUMENT_H
#define FAULTS_DOCUMENT_H

#include "faults/faults.h"

struct json_t;

// For json_decref. NULL: this build has no libjansson, or no memory.
struct json_t *faults_document(const char *source, const struct references *references,
                               const struct faults_row *rows, size_t count);

#endif
