// SPDX-License-Identifier: MIT
//
// document.h - counts of faults as JSON, "mems-stress/faults/1".

#ifndef FAULTS_DOCUMENT_H
#define FAULTS_DOCUMENT_H

#include "faults/faults.h"

// The text, to be freed by the caller; NULL with a complaint.
char *faults_document(const char *source, const struct references *references,
                      const struct faults_row *rows, size_t count, struct complaint *complaint);

#endif
