// SPDX-License-Identifier: MIT
//
// record.c - mems-stress record: a real program's allocations become a trace.

#include "cli/record.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "cli/cli.h"
#include "cli/trace.h"
#include "measure/median.h"
#include "trace/merge.h"
#include "trace/place.h"
#include "trace/spool.h"

#define RECORD_MEASURES 1000

struct options {
    const char *output;
    const char *spool;
    struct cli_number measure;
    bool children;
    char **argv;
};

static const struct cli_option record_options[] = {
    {"o", CLI_OUTPUT, "FILE", "the trace; beside it a folder is used while the program runs",
     offsetof(struct options, output)},
    {"output", CLI_OUTPUT, "FILE", "the same", offsetof(struct options, output)},
    {"spool", CLI_TEXT, "DIR", "use a folder in DIR instead", offsetof(struct options, spool)},
    {"children", CLI_FLAG, NULL, "record the programs it starts, too, as FILE.PID",
     offsetof(struct options, children)},
    {"measure", CLI_NUMBER, "N",
     "run it N times plain and N times recorded, in turns, its output thrown away, and print both "
     "medians",
     offsetof(struct options, measure)},
    {0},
};

static int wrong(const char *what)
{
    fprintf(stderr, "mems-stress record: %s\n%s", what, "Try 'mems-stress record --help'.\n");
    return 1;
}

// True to go on; else *status is the exit status.
static bool options_read(int argc, char **argv, struct options *options, int *status)
{
    struct cli_list words = {0};
    if (!cli_parse(&cli_command_record, argc, argv, options, &words, status)) {
        return false;
    }
    if (words.count == 0) {
        *status = wrong("PROGRAM is missing");
    } else if ((options->output == NULL) != options->measure.given) {
        *status = wrong("one of -o FILE and --measure N is needed");
    } else if (options->measure.given &&
               (options->measure.value < 1 || options->measure.value > RECORD_MEASURES)) {
        *status = wrong("--measure takes 1 .. 1000");
    }
    for (options->argv = argv; *status == 0 && *options->argv != words.items[0];) {
        options->argv++;
    }
    return *status == 0;
}

// ---- from spools to traces ----------------------------------------------------------------------

struct found {
    char name[32]; // PID.N
    struct trace_spool spool;
};

static int later_first(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    return x->spool.born_ns < y->spool.born_ns ? 1 : x->spool.born_ns > y->spool.born_ns ? -1 : 0;
}

struct spools {
    struct found *all;
    size_t count;
};

// Adds what an entry of the folder is, if it is a spool.
static int spools_add(struct spools *spools, const char *folder, const char *name)
{
    struct found found;
    char path[4096 + 64];
    if (name[0] == '.' || strlen(name) >= sizeof(found.name)) {
        return 0;
    }
    strcpy(found.name, name);
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int error = trace_spool_look(path, &found.spool);
    if (error != 0) {
        return error == EBADMSG ? 0 : error; // of a program that was killed at its very start
    }
    struct found *grown = realloc(spools->all, (spools->count + 1) * sizeof(found));
    if (grown == NULL) {
        return ENOMEM;
    }
    spools->all = grown;
    spools->all[spools->count++] = found;
    return 0;
}

// The spools of a folder, the youngest first; the caller frees them, also after a failure.
static int spools_list(struct spools *spools, const char *folder)
{
    DIR *open = opendir(folder);
    int error = open == NULL ? errno : 0;
    while (error == 0) {
        errno = 0;
        const struct dirent *entry = readdir(open);
        error = entry == NULL ? errno : spools_add(spools, folder, entry->d_name);
        if (entry == NULL) {
            break;
        }
    }
    if (open != NULL) {
        closedir(open);
    }
    if (spools->count > 1) {
        qsort(spools->all, spools->count, sizeof(*spools->all), later_first);
    }
    return error;
}

static void report(const char *path, const struct trace_recording *recording)
{
    const struct trace_account *account = &recording->account;
    fprintf(stderr, "%s:\n", path);
    trace_summary_print(stderr, account);
    if (recording->unknown > 0) {
        fprintf(stderr,
                "  left out           %llu frees and resizes of blocks older than the "
                "recording\n",
                (unsigned long long)recording->unknown);
    }
    if (recording->repaired > 0) {
        fprintf(stderr, "  put in             %llu frees that were not seen\n",
                (unsigned long long)recording->repaired);
    }
    if (recording->lost > 0) {
        fprintf(stderr, "  lost               %llu calls that could not be recorded\n",
                (unsigned long long)recording->lost);
    }
    if (recording->stopped != 0) {
        fprintf(stderr, "  STOPPED EARLY      %s; what follows is not in the trace\n",
                strerror(recording->stopped));
    }
}

// *early: set when the trace that is there ends before the program did.
static int merge_one(const char *folder, const struct found *found, const char *out, bool *early)
{
    struct trace_recording recording;
    struct complaint complaint = {""};
    char path[4096 + 64];
    snprintf(path, sizeof(path), "%s/%s", folder, found->name);
    int error = trace_spool_merge(path, out, &recording, &complaint);
    if (error == 0) {
        report(out, &recording);
        *early = *early || recording.stopped != 0;
    } else {
        fprintf(stderr, "mems-stress record: %s\n", complaint.text);
    }
    trace_account_fini(&recording.account);
    return error;
}

// Why the program left no recording. The recorder is silent; what it must have had room for is
// known.
static int nothing_recorded(const struct options *options, const char *folder)
{
    struct statvfs disk;
    if (statvfs(folder, &disk) == 0 && disk.f_bavail * disk.f_frsize < SPOOL_HEADER + SPOOL_CHUNK) {
        fprintf(stderr, "mems-stress record: %s: no room for a recording: %s\n", folder,
                strerror(ENOSPC));
        return ENOSPC;
    }
    fprintf(stderr,
            "mems-stress record: %s left no recording: it is linked statically, runs with "
            "another user's rights, or drops LD_PRELOAD\n",
            options->argv[0]);
    return EINVAL;
}

// FILE.PID; an image before an exec keeps its number.
static int merge_child(const struct options *options, const char *folder, const struct found *found,
                       bool *early)
{
    char *out = NULL;
    size_t length = strlen(found->name);
    length -= length > 2 && strcmp(found->name + length - 2, ".0") == 0 ? 2 : 0;
    if (asprintf(&out, "%s.%.*s", options->output, (int)length, found->name) < 0) {
        fprintf(stderr, "mems-stress record: %s\n", strerror(ENOMEM));
        return ENOMEM;
    }
    int error = merge_one(folder, found, out, early);
    free(out);
    return error;
}

// The program itself is the last image of the process that was started.
static int merge_all(const struct options *options, const char *folder, pid_t pid, bool *early)
{
    struct spools spools = {0};
    size_t own = 0;
    int error = spools_list(&spools, folder);
    if (error != 0) {
        fprintf(stderr, "mems-stress record: the recording in %s cannot be read: %s\n", folder,
                strerror(error));
        error = EIO;
        goto out;
    }
    while (own < spools.count && spools.all[own].spool.pid != (uint32_t)pid) {
        own++;
    }
    if (own == spools.count) {
        error = nothing_recorded(options, folder);
        goto out;
    }
    error = merge_one(folder, &spools.all[own], options->output, early);
    for (size_t i = 0; i < spools.count && error == 0 && options->children; i++) {
        error = i != own ? merge_child(options, folder, &spools.all[i], early) : 0;
    }
out:
    free(spools.all);
    return error;
}

// A new folder for spools: where it was asked for, else beside `path`.
static char *folder_new(const struct options *options, const char *path,
                        struct complaint *complaint)
{
    if (options->spool == NULL) {
        return record_folder_new(path, complaint);
    }
    char *inside = NULL, *folder = NULL;
    if (asprintf(&inside, "%s/mems", options->spool) >= 0) {
        folder = record_folder_new(inside, complaint);
        free(inside);
    }
    return folder;
}

static int record(const struct options *options, const char *library)
{
    struct complaint complaint = {""};
    if (trace_place_check(options->output, &complaint) != 0) {
        fprintf(stderr, "mems-stress record: %s\n", complaint.text);
        return 7;
    }
    char *folder = folder_new(options, options->output, &complaint);
    struct record_run run = {
        .argv = options->argv, .folder = folder, .children = options->children};
    int status = 1;
    if (folder != NULL && record_run(&run, library, &complaint) == 0) {
        bool early = false;
        int error = merge_all(options, folder, run.pid, &early);
        status = error == EINVAL ? 1 : error != 0 || early ? 7 : record_exit_status(run.status);
    }
    if (complaint.text[0] != '\0') {
        fprintf(stderr, "mems-stress record: %s\n", complaint.text);
    }
    if (folder != NULL) {
        record_folder_remove(folder);
        free(folder);
    }
    return status;
}

// ---- measuring ----------------------------------------------------------------------------------

// One run, plain or recorded; `*wall_ms` gets its time. The spool is thrown away.
static int measure_one(const struct options *options, const char *library, bool recorded,
                       double *wall_ms, struct complaint *complaint)
{
    const char *place = getenv("TMPDIR");
    char path[4096];
    snprintf(path, sizeof(path), "%s/mems", place != NULL ? place : "/tmp");
    char *folder = recorded ? folder_new(options, path, complaint) : NULL;
    if (recorded && folder == NULL) {
        return EIO;
    }
    struct record_run run = {
        .argv = options->argv, .folder = folder, .children = options->children, .quiet = true};
    int error = record_run(&run, library, complaint);
    *wall_ms = (double)run.wall_ns / 1e6;
    if (error == 0 && record_exit_status(run.status) != 0) {
        complain(complaint, "%s ended with exit status %d: no measure", options->argv[0],
                 record_exit_status(run.status));
        error = EIO;
    }
    if (folder != NULL) {
        record_folder_remove(folder);
        free(folder);
    }
    return error;
}

static int measure(const struct options *options, const char *library)
{
    struct complaint complaint = {""};
    size_t count = options->measure.value;
    double *walls = calloc(count * 2, sizeof(*walls));
    int error = walls == NULL ? ENOMEM : 0;
    for (size_t i = 0; i < count * 2 && error == 0; i++) {
        bool recorded = (i / 2 + i) % 2 == 1; // plain, recorded, recorded, plain, ...
        double *wall_ms = &walls[(recorded ? count : 0) + i / 2];
        error = measure_one(options, library, recorded, wall_ms, &complaint);
    }
    if (error == 0) {
        double plain = median_of(walls, count), recorded = median_of(walls + count, count);
        printf("plain %.1f ms, recorded %.1f ms, ratio %.3f (medians of %zu runs each, in turns)\n",
               plain, recorded, recorded / plain, count);
    } else {
        fprintf(stderr, "mems-stress record: %s\n", complaint.text);
    }
    free(walls);
    return error == 0 ? 0 : 1;
}

static int record_main(int argc, char **argv)
{
    struct options options = {0};
    int status;
    if (!options_read(argc, argv, &options, &status)) {
        return status;
    }
    struct complaint complaint = {""};
    char *library = record_library(&complaint);
    if (library == NULL) {
        fprintf(stderr, "mems-stress record: %s\n", complaint.text);
        return 1;
    }
    status = options.measure.given ? measure(&options, library) : record(&options, library);
    free(library);
    return status;
}

const struct cli_command cli_command_record = {
    .name = "record",
    .form = "record -o FILE [--children] [--] PROGRAM ARGS... | record --measure N [--] PROGRAM "
            "ARGS...",
    .help = "record every allocation of a program",
    .about =
        "\nRuns PROGRAM and writes every call of the malloc family, and the start and end of "
        "every\n"
        "thread, to FILE, a trace that 'mems-stress replay' and the workload 'trace' replay.\n"
        "PROGRAM must be dynamically linked. One that is killed still leaves its trace.\n"
        "\n"
        "Exit status: that of PROGRAM (128 + N when signal N ended it); 1 wrong usage, or "
        "PROGRAM\n"
        "cannot be run or recorded; 7 the trace cannot be written, or there was no room for all "
        "of it.",
    .options = record_options,
    .program = true,
    .main = record_main,
};
