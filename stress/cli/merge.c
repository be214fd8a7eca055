// SPDX-License-Identifier: MIT
//
// merge.c - mems-stress merge: the results of shards as one.

#include "cli/cli.h"
#include "job/complaint.h"
#include "job/plain.h"
#include "result/table.h"
#include "result/verdict.h"
#include "result/warning.h"
#include "result/wrap.h"

struct merge_settings {
    struct cli_job_settings job; // outputs, quiet, no_warn
    bool partial;
};

#define MERGE_OUTPUT(form, name, argument, text)                                                   \
    {                                                                                              \
        name, CLI_OUTPUT, argument, text, offsetof(struct merge_settings, job.outputs.path[form])  \
    }

static const struct cli_option merge_options[] = {
    MERGE_OUTPUT(OUTPUT_JSON, "json", "FILE", "write the whole as JSON; -: to standard output"),
    MERGE_OUTPUT(OUTPUT_CSV, "csv", "FILE", "write a row a cell as CSV; - is standard output"),
    MERGE_OUTPUT(OUTPUT_JUNIT, "junit", "FILE",
                 "write a test a cell as JUnit XML; - is standard output"),
    MERGE_OUTPUT(OUTPUT_GOOGLE, "google-benchmark", "FILE",
                 "write what Google Benchmark's compare.py reads; - is standard output"),
    {"history", CLI_STORE, "FILE",
     "keep the whole in this history (else in ~/.local/state/mems/history.db)",
     offsetof(struct merge_settings, job.history.file)},
    {"no-history", CLI_FLAG, NULL, "do not keep it in a history",
     offsetof(struct merge_settings, job.history.none)},
    {"partial", CLI_FLAG, NULL, "merge what there is, though cells are missing",
     offsetof(struct merge_settings, partial)},
    {"fail-inconclusive", CLI_FLAG, NULL, "exit status 5 where a rate did not become steady",
     offsetof(struct merge_settings, job.fail_inconclusive)},
    {"quiet", CLI_FLAG, NULL, "no table: troubles and the verdict only",
     offsetof(struct merge_settings, job.quiet)},
    {"no-warn", CLI_LIST, "CODE", "silence a warning; may be given several times",
     offsetof(struct merge_settings, job.no_warn)},
    {0},
};

static int merge_main(int argc, char **argv);

const struct cli_command cli_command_merge = {
    .name = "merge",
    .form = "merge SHARD.json... [OPTIONS]",
    .help = "join the results of run --shard I/N",
    .about =
        "Shards of one plan become the result that one run would have had, with its table and\n"
        "exit status. Of different plans, builds or deals they are refused. Cells that no\n"
        "shard has are named, and the exit status is 1: --partial merges the others.\n"
        "The same shard may be given twice, and a partial result with those that it lacked.",
    .options = merge_options,
    .inputs = true,
    .main = merge_main,
};

#ifdef MEMS_HAVE_JANSSON

#include "shard/merge.h"

#define MERGE_NAMED 20 // missing cells that are named

static void merge_name_missing(const struct merge *merge)
{
    fprintf(stderr, "mems-stress merge: %zu of %zu cells are missing:\n", merge->missing_count,
            json_array_size(json_object_get(merge->book, "cells")));
    for (size_t i = 0; i < merge->missing_count && i < MERGE_NAMED; i++) {
        fprintf(stderr, "  %s\n", plain_line(merge->missing[i]).text);
    }
    if (merge->missing_count > MERGE_NAMED) {
        fprintf(stderr, "  and %zu more\n", merge->missing_count - MERGE_NAMED);
    }
}

static int merge_show(const struct merge_settings *settings, struct merge *merge, int argc,
                      char **argv)
{
    const struct cli_job_settings *job = &settings->job;
    struct complaint complaint = {{0}};
    struct verdict verdict;
    struct document_head head = {.argc = argc, .argv = argv};
    FILE *stream = output_has_stdout(&job->outputs) ? stderr : stdout;
    FILE *out = plain_open(stream);
    wrap_settle(stream);
    merge_head(merge, &head);
    head.scene.silenced = job->no_warn.count > 0 ? job->no_warn.items : NULL;
    verdict_of(&merge->plan, false, &verdict);
    if (json_array_size(json_object_get(merge->book, "cells")) == 0) {
        verdict.exit = VERDICT_EXIT_PASS;
        verdict.name = cell_verdict_name(CELL_PASS);
    }
    verdict_compare(&verdict, VERDICT_SAME, job->fail_inconclusive);
    if (!job->quiet) {
        warning_each(&head.scene, table_warning, out);
    }
    table_print(out, &merge->plan, &verdict, job->quiet);
    fclose(out);
    struct output_scene scene = {&merge->plan, &verdict, &head, NULL};
    bool written = output_write(&job->outputs, &scene, &complaint) == 0;
    if (!job->history.none && merge->missing_count == 0) { // some cells are no run
        cli_history_keep(&job->history, document_make(&merge->plan, &verdict, &head));
    } else if (!job->history.none) {
        fprintf(stderr, "mems-stress merge: not kept in the history: it is no whole run\n");
    }
    if (!written) {
        fprintf(stderr, "mems-stress merge: %s\n", complaint.text);
        return verdict.exit == VERDICT_EXIT_PASS ? VERDICT_EXIT_UNWRITTEN : (int)verdict.exit;
    }
    return (int)verdict.exit;
}

static int merge_do(const struct merge_settings *settings, const struct cli_list *files, int argc,
                    char **argv)
{
    struct complaint complaint = {{0}};
    struct merge merge;
    if (merge_files(files->items, files->count, &merge, &complaint) != 0) {
        fprintf(stderr, "mems-stress merge: %s\n", complaint.text);
        return VERDICT_EXIT_USAGE;
    }
    int status = VERDICT_EXIT_USAGE;
    for (size_t i = 0; i < merge.absent_count; i++) {
        fprintf(stderr, "mems-stress merge: %s: No such file\n", plain_line(merge.absent[i]).text);
    }
    if (merge.missing_count > 0) {
        merge_name_missing(&merge);
    }
    if (merge.missing_count == 0 || settings->partial) {
        status = merge_show(settings, &merge, argc, argv);
    } else {
        fprintf(stderr, "mems-stress merge: nothing is written; --partial merges what there is\n");
    }
    merge_fini(&merge);
    return status;
}

#else

static int merge_do(const struct merge_settings *settings, const struct cli_list *files, int argc,
                    char **argv)
{
    (void)settings;
    (void)files;
    (void)argc;
    (void)argv;
    fprintf(stderr, "mems-stress merge: this build has no libjansson, and reads no results\n");
    return VERDICT_EXIT_USAGE;
}

#endif

static int merge_main(int argc, char **argv)
{
    struct merge_settings settings = {.partial = false};
    struct cli_list files = {0};
    struct complaint complaint = {{0}};
    int status;
    if (!cli_parse(&cli_command_merge, argc, argv, &settings, &files, &status)) {
        return status;
    }
    status = cli_history_settle(&cli_command_merge, &settings.job.history);
    if (status != 0) {
        return status;
    }
    if (files.count == 0) {
        fprintf(stderr, "mems-stress merge: no result; usage: mems-stress %s\n",
                cli_command_merge.form);
        return VERDICT_EXIT_USAGE;
    }
    if (output_check(&settings.job.outputs, &complaint) != 0 ||
        (settings.job.no_warn.count > 0 &&
         warning_check_codes(settings.job.no_warn.items, &complaint) != 0)) {
        fprintf(stderr, "mems-stress merge: %s\n", complaint.text);
        return VERDICT_EXIT_USAGE;
    }
    if (output_probe(&settings.job.outputs, &complaint) != 0) {
        fprintf(stderr, "mems-stress merge: %s\n", complaint.text);
        return VERDICT_EXIT_UNWRITTEN;
    }
    return merge_do(&settings, &files, argc, argv);
}
