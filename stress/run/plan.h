// SPDX-License-Identifier: MIT
//
// plan.h - what a run will do: its sections, their targets, and the cells in their order.
//
// 1. Cells. A cell is section x target x repeat; its name is SECTION/TARGET/REPEAT, which no other
//    cell of the plan has. All targets of a section do the same operations in a repeat: its seed is
//    the section's for repeat 0 and follows from it for the others, whatever else is planned.
// 2. Order. Repeat r of every cell runs before repeat r + 1 of any. Within a repeat sections come
//    in the order of the job; the cells of one section, and those of neighbouring sections of one
//    `group` (a sweep is one), are shuffled from the seed, so that a machine that warms up or slows
//    down does it to all of them alike.
// 3. Gates. A section with wait_for begins only when every repeat of what it names has ended: what
//    comes before such a section and what comes after it are ordered each for itself.
// 4. Choice. Cells are picked after they are ordered; a section or target of which none is left is
//    not in the plan.

#ifndef RUN_PLAN_H
#define RUN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "disk/digest.h"
#include "job/complaint.h"
#include "job/job.h"
#include "run/pin.h"
#include "run/stage.h"
#include "target/target.h"

enum cell_verdict {
    CELL_WAITING, // not run yet: in a result, the run was interrupted or aborted before it
    CELL_PASS,
    CELL_FAILED,  // a check, or every allocation was refused
    CELL_CRASHED, // or did not start
    CELL_HUNG,
    CELL_INCOMPLETE, // interrupted; what was measured is kept
    CELL_UNSTEADY,   // its rate did not become steady: inconclusive
    CELL_SKIPPED,    // optional and missing, or what it waits for did not pass
};

struct cell {
    char *id; // SECTION/TARGET/REPEAT
    const struct plan_section *section;
    const struct target_spec *spec;
    unsigned target; // index into the section's specs
    unsigned repeat;
    uint64_t seed;
    enum cell_verdict verdict;
    bool closed;         // skipped because of what came before it, not for want of its target
    bool kept;           // done by an earlier run of this plan: not done again
    char host[65];       // where it ran, of a shard or a merged result; empty: here
    char message[1200];  // why, in one line; empty for a pass
    char *rerun;         // the command that does it again; "": skipped
    uint32_t phase;      // in which it ended
    int signal, status;  // how the process ended
    double seconds;      // from fork to its end
    uint64_t max_rss;    // of the whole process
    struct stage *stage; // NULL: never started
    char *output;        // what the process printed, its end; NULL: nothing
};

// A file that a key of a section names, as it was when the plan was made.
struct plan_file {
    const char *key, *path; // the job's
    struct digest digest;   // of its content
};

struct plan_section {
    const struct job_section *section;
    char *text; // every value resolved, and what the command line says over it
    unsigned threads;
    uint64_t seed;
    unsigned repeats;
    struct target_demand demand;
    char pin[PIN_TEXT];
    struct target_spec *specs;
    char **missing; // by spec: why an optional target is not here; NULL: it is
    size_t spec_count;
    struct plan_file *files; // by key
    size_t file_count;
};

struct plan {
    const struct job *job;
    const char *command; // "env NAME=VALUE mems-stress run JOB": what a re-run begins with
    struct plan_section *sections;
    size_t section_count;
    struct cell *cells; // in the order in which they run
    size_t cell_count;
    unsigned cpus; // of the machine that it ran on; 0: this one's
};

// What the command line says over the job.
struct plan_options {
    const char *const *sections; // NULL-terminated names; NULL: all
    const char *const *targets;  // NULL-terminated, in place of the job's; NULL: the job's
    bool seeded;
    uint64_t seed;
    unsigned repeats;   // 0: the job's
    const char *filter; // POSIX extended expression that a cell's name must match; NULL: none
    const char *only;   // the name of the one cell to run; NULL: none
};

#define PLAN_CELLS_MAX 10000

// 0; ENOENT: a target that must be there is missing, or no cell passes the filter; EINVAL: the job,
// an option or a file that a workload needs cannot work. `job` and `command` must outlive the plan.
int plan_make(const struct job *job, const char *command, const struct plan_options *options,
              struct plan **plan, struct complaint *complaint);
void plan_free(struct plan *plan);
// Of one that was not made by plan_make: what its sections and cells hold.
void plan_fini(struct plan *plan);

// The plan as a job file: every value of every section, and the cells in comments. The plan of that
// job prints the same bytes. 0 or an errno value.
int plan_write(const struct plan *plan, FILE *out);

// SHA-256 of the plan: of the lines that plan_write gives and that do not begin with '#'. Empty:
// this build has none.
struct digest plan_hash(const struct plan *plan);

// How long a cell is to work: runtime, warm-up and decay; *open: its work has no time to end at.
uint64_t plan_cell_ns(const struct cell *cell, bool *open);

// Keeps the cells that `keeps` says, and what sections and targets they have.
void plan_keep(struct plan *plan, bool (*keeps)(const struct cell *cell, const void *arg),
               const void *arg);

// Whether `section` waits for `other`; both are of one plan.
bool plan_waits(const struct plan_section *section, const struct plan_section *other);

// Whether the section asks for pictures of memory (map=) of targets that have none to show.
bool plan_map_idle(const struct plan_section *section);
// The same, in words; `text` has what would be right.
bool plan_map_warning(const struct plan *plan, size_t section, char *text, size_t size);

// The target as its cell is told it: a path no longer depends on a folder.
void plan_target_text(const struct target_spec *spec, char *text, size_t size);

// In single quotes where a shell would take it apart.
void plan_quote(const char *text, char *quoted, size_t size);

const char *cell_verdict_name(enum cell_verdict verdict);

#endif
