// SPDX-License-Identifier: MIT
//
// document.h - exercises and runs in a document of "mems-stress/show/1".

#ifndef LESSON_DOCUMENT_H
#define LESSON_DOCUMENT_H

#include "lesson/run.h"
#include "show/json.h"

// What the document is an exercise of.
void lesson_document_exercise(struct show_document *document, const struct exercise *exercise);
// A run as a target of it.
void lesson_document_run(struct show_document *document, const struct lesson_run *run);
// The answer of the target that was added last; `expected` may be NULL.
void lesson_document_answer(struct show_document *document, const char *answer,
                            const char *expected);

#endif
