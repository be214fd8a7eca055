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
#include "job/text.h"

// Where an entry comes from; the higher one holds.
enum document_level {
    DOCUMENT_GLOBAL,
    DOCUMENT_OWN, // the section's own lines
    DOCUMENT_SET, // the command line
    DOCUMENT_LEVELS,
};

struct job_key;

struct document_entry {
    const char *key;
    const char *value;                       // without quotes, variables replaced
    const char *folder;                      // of the file it stands in: where its paths start
    struct complaint_place key_at, value_at; // both in the same line of the same file
    enum document_level level;
    bool quoted;                   // its commas and dots are its own: no sweep
    bool literal;                  // value is what stands in the file, letter for letter
    bool used;                     // by a section (for those of [global] and the command line)
    struct document_entry *origin; // the sweep that this is one value of; else NULL
    const struct job_key *read;    // the row that has read it last, without complaint
    struct document_entry *next;
};

// KEY=VALUE or SECTION.KEY=VALUE of the command line.
struct document_override {
    struct document_entry entry;
    const char *section; // NULL: every section that can use it
    struct document_override *next;
};

struct document_section {
    const char *name;
    const char *origin; // the name in the file; NULL before sweeps are spread
    struct complaint_place at;
    bool global;
    struct document_entry *entries, *last;
    struct document_section *next;
};

struct document {
    struct arena arena;
    struct text_names names; // of the environment, that values used
    const char *name;        // of the file, as complaints call it
    struct document_section *sections, *last;
    size_t section_count; // but for [global]
    struct document_override *overrides, *last_override;
};

#define DOCUMENT_SECTIONS_MAX     10000
#define DOCUMENT_SECTION_NAME_MAX 128

// Both fill a zeroed document, and leave one for document_fini also on failure. 0, EINVAL or the
// errno of a file.
int document_read(struct document *document, const char *path, const char **folder,
                  struct complaint *complaint);
int document_parse(struct document *document, const char *text, size_t length, const char *name,
                   const char *folder, struct complaint *complaint);
// Reads KEY=VALUE or SECTION.KEY=VALUE into overrides; relative paths start at the working folder.
int document_override(struct document *document, const char *text, struct complaint *complaint);
void document_fini(struct document *document);

#endif
