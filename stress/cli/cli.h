// SPDX-License-Identifier: MIT
//
// cli.h - the commands of mems-stress.

#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "cli/option.h"
#include "result/output.h"

struct complaint;
struct json_t;

int cli_main(int argc, char **argv);

// The table of commands, by index; NULL past the last.
const struct cli_command *cli_command_at(size_t index);
// What the exit status says; ends with a row whose help is NULL.
struct cli_exit {
    int status;
    const char *help;
};
extern const struct cli_exit cli_exits[];

// How this program was called, quoted for a shell: what a command to do it again begins with.
const char *cli_invocation(void);

// One file a command, each with one of these.
extern const struct cli_command cli_command_run;
extern const struct cli_command cli_command_plan;
extern const struct cli_command cli_command_replay;
extern const struct cli_command cli_command_list;
extern const struct cli_command cli_command_faults;
extern const struct cli_command cli_command_compare;
extern const struct cli_command cli_command_selftest;
extern const struct cli_command cli_command_fit;
extern const struct cli_command cli_command_schema;
extern const struct cli_command cli_command_explore;
extern const struct cli_command cli_command_history;
extern const struct cli_command cli_command_merge;
extern const struct cli_command cli_command_record;
extern const struct cli_command cli_command_trace;
extern const struct cli_command cli_command_report;

// How results are compared, by compare and by run --baseline.
struct cli_comparing {
    struct cli_list metrics;
    struct cli_share threshold;
    struct cli_share alpha;
};

// Rows of a command's options that fill in the above, a member `comparing` of its settings.
#define CLI_COMPARING_OPTIONS(settings)                                                            \
    {"metric", CLI_LIST, "NAME", "compare only this metric; may be given several times",           \
     offsetof(settings, comparing.metrics)},                                                       \
        {"max-regression", CLI_SHARE, "5%", "how much worse is a regression (default: 5%)",        \
         offsetof(settings, comparing.threshold)},                                                 \
    {                                                                                              \
        "alpha", CLI_SHARE, "0.05",                                                                \
            "chance of a false alarm that is taken, a metric (default: 0.05)",                     \
            offsetof(settings, comparing.alpha)                                                    \
    }

// Where runs are kept.
struct cli_history {
    const char *file; // NULL: the place for it
    bool none;
};

// A plan handed to Slurm instead of being run.
struct cli_slurm_settings {
    bool on;
    bool shared;
    struct cli_number tasks;
    const char *folder;
    struct cli_list lines;
};

// From a job that was read to the exit status: what run, plan and replay have in common.
struct job;
struct cli_job_settings {
    struct output_paths outputs;
    bool annotate;
    bool quiet;
    bool dry_run;            // write the plan, run nothing
    bool abort;              // the first cell that fails ends the run
    bool list;               // print the names of the cells, run nothing
    struct cli_list no_warn; // codes of warnings
    // what there is to run, where no job file says it
    struct cli_list workloads;
    struct cli_list classes;
    // what shapes the plan: also part of the command that does a cell again
    struct cli_list set;
    struct cli_list sections;
    struct cli_list targets; // in place of the job's
    struct cli_number seed;
    struct cli_number repeats;
    const char *baseline; // a result to compare with; NULL: none
    struct cli_comparing comparing;
    bool fail_inconclusive;
    // which cells of it
    const char *filter;
    const char *only;
    struct cli_list context; // KEY=VALUE, for the document
    struct cli_history history;
    // a part of it
    const char *shard; // I/N; NULL: all
    bool resume;
    struct cli_slurm_settings slurm;
};

// Rows of a command's options that fill in the above, where it is what the command's settings begin
// with.
#define CLI_OUTPUT_OPTIONS                                                                         \
    {"json", CLI_OUTPUT, "FILE",                                                                   \
     "write the result as JSON (mems-stress schema); -: to standard output",                       \
     offsetof(struct cli_job_settings, outputs.path[OUTPUT_JSON])},                                \
        {"csv", CLI_OUTPUT, "FILE", "write a row a cell as CSV; - is standard output",             \
         offsetof(struct cli_job_settings, outputs.path[OUTPUT_CSV])},                             \
        {"junit", CLI_OUTPUT, "FILE", "write a test a cell as JUnit XML; - is standard output",    \
         offsetof(struct cli_job_settings, outputs.path[OUTPUT_JUNIT])},                           \
        {"google-benchmark", CLI_OUTPUT, "FILE",                                                   \
         "write the result as Google Benchmark does, for its compare.py; - is standard output",    \
         offsetof(struct cli_job_settings, outputs.path[OUTPUT_GOOGLE])},                          \
        {"history", CLI_STORE, "FILE",                                                             \
         "keep the run in this history (else in ~/.local/state/mems/history.db)",                  \
         offsetof(struct cli_job_settings, history.file)},                                         \
        {"no-history", CLI_FLAG, NULL, "do not keep the run in a history",                         \
         offsetof(struct cli_job_settings, history.none)},                                         \
    {                                                                                              \
        "ci", CLI_FLAG, NULL, "also print annotations for GitHub Actions",                         \
            offsetof(struct cli_job_settings, annotate)                                            \
    }

#define CLI_JOB_OPTIONS                                                                            \
    {"set", CLI_LIST, "KEY=VALUE",                                                                 \
     "over the job, where it can be used; SECTION.KEY=VALUE: there; repeatable",                   \
     offsetof(struct cli_job_settings, set)},                                                      \
        {"section", CLI_LIST, "NAME", "only this section or group; may be given several times",    \
         offsetof(struct cli_job_settings, sections)},                                             \
        {"target", CLI_LIST, "TARGET", "instead of the job's; several: separated by commas",       \
         offsetof(struct cli_job_settings, targets)},                                              \
        {"workload", CLI_LIST, "NAMES",                                                            \
         "without a job: a section of each, separated by commas; with --target",                   \
         offsetof(struct cli_job_settings, workloads)},                                            \
        {"class", CLI_LIST, "NAME", "without a job: every workload of the class; with --target",   \
         offsetof(struct cli_job_settings, classes)},                                              \
        {"seed", CLI_NUMBER, "N", "instead of the job's",                                          \
         offsetof(struct cli_job_settings, seed)},                                                 \
    {                                                                                              \
        "repeats", CLI_NUMBER, "N", "instead of the job's",                                        \
            offsetof(struct cli_job_settings, repeats)                                             \
    }

// A job from a file, or from the workloads that the settings name.
struct cli_job {
    struct job *job;
    char *text;    // as written; NULL: it cannot be read (any more)
    char *command; // what a re-run begins with
};

// 0, or the exit status after a message. What was made is for cli_job_close.
int cli_job_open(const struct cli_command *command, const struct cli_list *words,
                 const struct cli_job_settings *settings, struct cli_job *made);
void cli_job_close(struct cli_job *made);

// The whole of a command that has such a job: its line and the environment read into `settings`,
// the job opened, cli_run_job.
// `check` judges what the command line alone has given: 0, or 1 after a message. NULL: all is good.
int cli_job_main(const struct cli_command *command,
                 int (*check)(const struct cli_job_settings *settings),
                 struct cli_job_settings *settings, int argc, char **argv);

// Adds to a command what the settings do to a plan: --set, --target, --seed, --repeats.
// What a re-run begins with so that it finds the environment of this one: "env NAME=VALUE ... ",
// or nothing. `job` may be NULL: no variables.
void cli_job_environment(FILE *command, const struct job *job);
void cli_job_shape(FILE *command, const struct cli_job_settings *settings);
// And what there is to run, where no job file says it.
void cli_job_sources(FILE *command, const struct cli_job_settings *settings);

// A key of a job whose value is the words, as a job file has them.
void cli_write_value(FILE *job, const char *key, const struct cli_list *words);

// `command` is what a re-run begins with, `text` the job as written.
int cli_run_job(const struct job *job, const char *command, const char *text,
                const struct cli_job_settings *settings, int argc, char **argv);

// --json of a command that ends in a document of its own; NULL: it was not asked for. Before the
// work: 0, or an exit status after a message, where no document can be written to the path.
int cli_json_probe(const struct cli_command *command, const char *path);
// After the work, which came to `status`: writes the document and takes it over. The status, or
// another in place of 0 after a message.
int cli_json_write(const struct cli_command *command, struct json_t *root, const char *path,
                   int status);

// The history (cli/keep.c). The file that is meant: `given`, else that of the environment, else the
// place for it; the caller frees it. NULL with a complaint.
char *cli_history_file(const char *given, struct complaint *complaint);
// What the command line left open is taken from the environment. 0, or an exit status after a
// message.
int cli_history_settle(const struct cli_command *command, struct cli_history *history);
// After a run; takes the document over. Where it cannot be kept that is a warning and no more.
void cli_history_keep(const struct cli_history *history, struct json_t *document);

// What comparisons are asked for by these options. 0, or an exit status after a message.
struct compare_options;
int cli_compare_options(const char *command, const struct cli_comparing *comparing,
                        struct compare_options *options);

#endif
