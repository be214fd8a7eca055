// SPDX-License-Identifier: MIT
//
// document.h - a job file as sections of key = value, before the keys mean anything.
//
// The reader (document.c) knows lines, sections, comments, quotes, variables and includes; what a
// key is allowed to be is resolved later (job.c). Whatever changes a job before it is resolved
// belongs between the two: overrides from the command line add entries, sweeps multiply sections.

#ifndef JOB_DOCUMENT_H
#define JOB_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "job/arena.h"
#include "job/complaint.h"

struct document_entry {
    const char *key;
    const char *value;                       // without quotes, variables replaced
    const char *folder;                      // of the file it stands in: where its paths start
    struct complaint_place key_at, value_at; // both in the same line of the same file
    bool used;                               // by a section (for those of [global])
    struct document_entry *next;
};

struct document_section {
    const char *name;
    struct complaint_place at;
    bool global;
    struct document_entry *entries, *last;
    struct document_section *next;
};

struct document {
    struct arena arena;
    const char *name; // of the file, as complaints call it
    struct document_section *sections, *last;
    size_t section_count; // but for [global]
};

// Both fill a zeroed document, and leave one for document_fini also on failure. 0, EINVAL or the
// errno of a file.
int document_read(struct document *document, const char *path, const char **folder,
                  struct complaint *complaint);
int document_parse(struct document *document, const char *text, size_t length, const char *name,
                   const char *folder, struct complaint *complaint);
void document_fini(struct document *document);

#endif
