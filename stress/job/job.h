// SPDX-License-Identifier: MIT
//
// job.h - job files: sections of keys, every key described by a row of a table.
//
// A job is INI in fio's manner. [global] gives defaults to every section after it; each other
// section is one piece of work. Keys come from two tables: job_common_keys and the keys of the
// section's workload. A key that neither table has, a key given twice in a section, a value out of
// its range, a key that the workload or the other keys make meaningless: each is an error with
// file, line and column, the allowed values, and a suggestion where a known key is near.
//
// A value that lists several (threads=1,2,4..32) makes a section of each: sweep.c.

#ifndef JOB_JOB_H
#define JOB_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "job/complaint.h"
#include "job/distribution.h"

struct workload;

enum job_kind {
    JOB_NUMBER,       // uint64: digits, k M G T (1000), $ncpus
    JOB_REAL,         // double
    JOB_SIZE,         // uint64 bytes: k M G T (1000), Ki Mi Gi Ti (1024), $pagesize
    JOB_TIME,         // uint64 nanoseconds: ns us ms s m h
    JOB_FLAG,         // bool: yes, no
    JOB_CHOICE,       // index into `choices`
    JOB_RATIO,        // all, none or 1/N: as a number N, so that all is 1 and none is 0
    JOB_TEXT,         // as written
    JOB_PATH,         // a file; relative ones start at the folder of the file they stand in
    JOB_LIST,         // pieces separated by commas outside parentheses (target)
    JOB_DISTRIBUTION, // sizes, see distribution.h
    JOB_SET,          // of `choices`: NAME,NAME or all,-NAME,-NAME or none; bit i is the i-th one
};

// One row: everything there is to know about a key. Tables end with a row whose name is NULL.
// The default "" is the absence of a value: no text, path NULL, an empty list, distribution NULL,
// number 0.
struct job_key {
    const char *name;
    enum job_kind kind;
    double least, most;         // numbers, reals, sizes, times, N of a ratio, both ends of a
                                // distribution (in their base unit); both 0: any
    const char *const *choices; // NULL-terminated, at most 63
    const char *values;         // what is allowed, for people
    const char *standard;       // the default as text; NULL: must be given
    const char *help;           // one line
    bool plain;                 // a comma is part of the value and does not make a sweep
};

// A workload's row of a common key's name takes the place of the common one: another default, a
// narrower range. The key `size`, but for its default and help:
#define JOB_SIZE_KEY                                                                               \
    .name = "size", .kind = JOB_DISTRIBUTION, .least = 1, .most = 0x1p40,                          \
    .values = "64, 16-1000, 64/50:4k/40:1M/10, log:16-64Ki, invsq:4-32Ki, exp:256@16-8000, "       \
              "zipf:1.2@16-8000; within 1 .. 1Ti"

// The common row of how blocks are checked, for a workload with a default of its own.
#define JOB_VERIFY_KEY                                                                             \
    .name = "verify", .kind = JOB_NUMBER, .least = 0, .most = 4,                                   \
    .values = "0: nothing; 1: pointers (alignment, usable size, zeroed, kept by resize); 2: also " \
              "the first and last bytes; 3: also every byte, and those that malloc_usable_size "   \
              "grants beyond them; 4: also no two blocks overlap",                                 \
    .help = "how thoroughly blocks are checked"

struct job_value {
    const struct job_key *key;
    bool given;         // in the job; else the default
    const char *file;   // where it stands, which may be an included file; the section for a default
    const char *folder; // where its relative paths start, absolute; NULL for a default
    unsigned line;      // 0 for a default
    unsigned column;
    const char *text; // as written, ${ENV} and $ncpus replaced
    uint64_t number;  // number, size, time, flag, choice, ratio, set
    double real;
    const char *path; // JOB_PATH: absolute
    char **list;      // JOB_LIST: NULL-terminated
    struct distribution *distribution;
};

struct job_section {
    const char *name;
    const char *origin;    // the name in the file, which differs for a section that a sweep made
    const char *file;      // where it begins, which may be an included file
    unsigned line, column; // of its head
    const struct workload *workload;
    struct job_value *values; // one for each key of both tables
    size_t value_count;
};

struct job {
    const char *path;  // absolute
    const char *title; // the file's name without folder and ending
    struct job_section *sections;
    size_t section_count;
};

// Reads a job file ("-" is not special). Returns 0, or EINVAL / the errno of the file, with a
// complaint that begins with "FILE:LINE:COLUMN: ".
int job_read(const char *path, struct job **job, struct complaint *complaint);
// The same from memory: `name` stands for the file in complaints, `folder` is where paths start.
int job_parse(const char *text, size_t length, const char *name, const char *folder,
              struct job **job, struct complaint *complaint);
// The same with overrides, as of --set: NULL-terminated texts KEY=VALUE, for every section that can
// use the key, or SECTION.KEY=VALUE, which holds against the former. They hold against the file,
// may sweep, and are judged as the file's keys are; a complaint's place is then "--set TEXT".
int job_read_set(const char *path, const char *const *set, struct job **job,
                 struct complaint *complaint);
int job_parse_set(const char *text, size_t length, const char *name, const char *folder,
                  const char *const *set, struct job **job, struct complaint *complaint);
// The text of sections that a plan has resolved, perhaps on another machine: read as job_parse
// does, but no workload is asked, so that no file needs to be here.
int job_recall(const char *text, const char *name, struct job **job, struct complaint *complaint);
void job_free(struct job *job);

// Whether a job of that title and path was read from no file: options of `run` made it up, or
// `replay` did.
bool job_is_adhoc(const char *title, const char *path);

// What stands for the file's name in those jobs.
#define JOB_OF_OPTIONS "--workload"
#define JOB_OF_REPLAY  "replay"

// What machines are told that a job is called: its title; "run" where options made it up.
static inline const char *job_name(const struct job *job)
{
    return job->title[0] == JOB_OF_OPTIONS[0] ? "run" : job->title;
}

// The index-th variable of the environment that a ${NAME} of the job's values stands for, by its
// name, each once; those that were not set are not among them. NULL past the last.
const char *job_variable_at(const struct job *job, size_t index);

// A job that was read has passed the `validate` of each section's workload too.
//
// `threads = 0` is resolved to the number of CPUs. `ops` and `runtime` exclude each other: where
// ops is 0 the section runs for its runtime, otherwise runtime is not given. A section's own one
// takes the place of the other from [global].

// A complaint about a key of the section, beginning with its place; for validate and whoever else
// judges values. Not given: the place is the section's head.
void job_complain(const struct job_section *section, const char *key, struct complaint *complaint,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

// Values by key. The key must be in one of the section's tables: asking for another is a bug of
// the caller, and ends the program with a message.
const struct job_value *job_value(const struct job_section *section, const char *key);
uint64_t job_number(const struct job_section *section, const char *key); // number, size, time,
                                                                         // flag, choice, set
double job_real(const struct job_section *section, const char *key);
const char *job_text(const struct job_section *section, const char *key); // text or path

// Writes the section with every value resolved, as a job file that job_parse reads back to the
// same values (paths absolute; what the workload has no use for is left out). Defaults come back as
// given: a workload that judges conflicts must do it by values. The caller frees the text.
char *job_section_text(const struct job_section *section);
// The same with some values replaced, by key: text as a file has it, NULL to leave the key out.
struct job_replacement {
    const char *key;
    const char *text;
};
char *job_section_text_with(const struct job_section *section,
                            const struct job_replacement *replacements, size_t count);

// The keys every section has.
extern const struct job_key job_common_keys[];

// A row by name: of the common table (*workload becomes NULL) or of the first workload that has it.
// NULL when there is none.
const struct job_key *job_key_find(const char *name, const struct workload **workload);
// The key nearest to `name` among all tables, or NULL.
const char *job_key_suggest(const char *name);
// What a row says, in words.
struct job_key_words {
    const char *kind, *standard, *sweep;
    char allowed[512];
};
void job_key_words(const struct job_key *key, struct job_key_words *words);
// Everything a row says, for people (mems-stress help KEY).
void job_describe_key(const struct job_key *key, FILE *out);
// The same for each table that has a row of that name, under the name of its workload. Returns how
// many there were.
size_t job_describe(const char *name, FILE *out);

// The word of a NULL-terminated list nearest to `word`, or NULL when none is near.
const char *job_suggest(const char *word, const char *const *words);

#endif
