// SPDX-License-Identifier: MIT
//
// history.c - mems-stress history: what was measured before, and how it went.

#include "history/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "disk/disk.h"
#include "job/job.h"
#include "result/document.h"
#include "result/verdict.h"

#ifdef MEMS_HAVE_JANSSON
#include <jansson.h>
#endif

struct history_settings {
    const char *file;
    struct cli_list metrics;
    const char *section, *target;
    struct cli_number runs;
    struct cli_share alpha;
    bool plot;
    bool ascii;
    const char *output;
    struct cli_number run;
};

static const struct cli_option history_options[] = {
    {"history", CLI_TEXT, "FILE", "this history (else the one that runs are kept in)",
     offsetof(struct history_settings, file)},
    {"metric", CLI_LIST, "NAME",
     "trends of this metric (else ops_per_second); may be given several times",
     offsetof(struct history_settings, metrics)},
    {"section", CLI_TEXT, "NAME", "trends of this section only",
     offsetof(struct history_settings, section)},
    {"target", CLI_TEXT, "TARGET", "trends of this target only",
     offsetof(struct history_settings, target)},
    {"plot", CLI_FLAG, NULL, "a plot of each trend instead of a line",
     offsetof(struct history_settings, plot)},
    {"runs", CLI_NUMBER, "N", "list the newest N runs (default: 10; 0: none)",
     offsetof(struct history_settings, runs)},
    {"alpha", CLI_SHARE, "0.01", "chance of a change that is none, in each trend (default: 0.01)",
     offsetof(struct history_settings, alpha)},
    {"ascii", CLI_FLAG, NULL, "lines of punctuation, also where the terminal knows UTF-8",
     offsetof(struct history_settings, ascii)},
    {"o", CLI_TEXT, "FILE", "export: into this file (else to standard output)",
     offsetof(struct history_settings, output)},
    {"run", CLI_NUMBER, "N", "export: this run only", offsetof(struct history_settings, run)},
    {0},
};

static int history_complain(const char *text, int status)
{
    fprintf(stderr, "mems-stress history: %s\n", text);
    return status;
}

static int history_status(int error)
{
    return error == EIO ? VERDICT_EXIT_UNWRITTEN : VERDICT_EXIT_USAGE;
}

// A job by its name, or by its file: "stress/jobs/ci.ini" is "ci". The caller frees it.
static char *history_job(const char *word)
{
    const char *slash = strrchr(word, '/');
    char *job = measured_copy(slash != NULL ? slash + 1 : word);
    size_t length = strlen(job);
    if (length > 4 && strcmp(job + length - 4, ".ini") == 0) {
        job[length - 4] = '\0';
    }
    return job;
}

static int history_open(const struct history_settings *settings, enum archive_purpose purpose,
                        struct archive **archive)
{
    struct complaint complaint = {{0}};
    char *path = cli_history_file(settings->file, &complaint);
    int error = path != NULL ? 0 : EINVAL;
    if (error == 0 && purpose == ARCHIVE_ADD && settings->file == NULL) {
        error = archive_make_way(path, &complaint);
    }
    if (error == 0) {
        error = archive_open(path, purpose, archive, &complaint);
    }
    free(path);
    return error != 0
               ? history_complain(complaint.text, purpose == ARCHIVE_ADD ? history_status(error)
                                                                         : VERDICT_EXIT_USAGE)
               : 0;
}

// ---- export --------------------------------------------------------------------------------

static int history_write(struct disk_file *file, const char *text)
{
    if (file != NULL) {
        int error = disk_write(file->fd, text, strlen(text));
        return error != 0 ? error : disk_write(file->fd, "\n", 1);
    }
    return fputs(text, stdout) < 0 || fputc('\n', stdout) == EOF ? errno : 0;
}

// Document by document, so that there is one in memory at a time.
static int history_export_runs(struct archive *archive, const struct archive_runs *runs,
                               const struct history_settings *settings, struct disk_file *file)
{
    struct complaint complaint = {{0}};
    size_t count = 0;
    for (size_t i = 0; i < runs->count; i++) {
        char *text;
        if (settings->run.given && runs->items[i].id != (int64_t)settings->run.value) {
            continue;
        }
        if (archive_document(archive, runs->items[i].id, &text, &complaint) != 0) {
            return history_complain(complaint.text, VERDICT_EXIT_USAGE);
        }
        int error = history_write(file, text);
        free(text);
        if (error != 0) {
            fprintf(stderr, "mems-stress history: cannot write: %s\n", strerror(error));
            return VERDICT_EXIT_UNWRITTEN;
        }
        count++;
    }
    if (count == 0) {
        return history_complain("export: there is no such run", VERDICT_EXIT_USAGE);
    }
    return 0;
}

static int history_export_to(struct archive *archive, const struct archive_runs *runs,
                             const struct history_settings *settings)
{
    struct disk_file file;
    const char *output = settings->output;
    if (output == NULL || strcmp(output, "-") == 0) {
        return history_export_runs(archive, runs, settings, NULL);
    }
    int error = disk_open(output, &file);
    int status = 0;
    if (error == 0) {
        status = history_export_runs(archive, runs, settings, &file);
        if (status == 0) {
            error = disk_close(&file);
        } else {
            disk_abandon(&file);
        }
    }
    if (error != 0) {
        fprintf(stderr, "mems-stress history: cannot write %s: %s\n", output, strerror(error));
        status = VERDICT_EXIT_UNWRITTEN;
    }
    return status;
}

static int history_export(const struct cli_list *words, const struct history_settings *settings)
{
    struct complaint complaint = {{0}};
    struct archive *archive;
    struct archive_runs runs;
    if (words->count > 2) {
        return history_complain("export: one job at most", VERDICT_EXIT_USAGE);
    }
    int status = history_open(settings, ARCHIVE_READ, &archive);
    if (status != 0) {
        return status;
    }
    char *job = words->count > 1 ? history_job(words->items[1]) : NULL;
    if (archive_list(archive, job, &runs, &complaint) != 0) {
        status = history_complain(complaint.text, VERDICT_EXIT_USAGE);
    } else {
        status = history_export_to(archive, &runs, settings);
    }
    archive_runs_fini(&runs);
    archive_close(archive);
    free(job);
    return status;
}

// ---- import --------------------------------------------------------------------------------

struct history_count {
    size_t added, known;
};

#ifdef MEMS_HAVE_JANSSON

// Whether the file goes on: with white space only it does not.
static bool history_more(FILE *file)
{
    int byte;
    do {
        byte = getc(file);
    } while (byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r');
    ungetc(byte, file);
    return byte != EOF;
}

// The results in a file, one behind the other.
static int history_import_file(struct archive *archive, const char *path, FILE *file,
                               struct history_count *count)
{
    struct complaint complaint = {{0}};
    int error = 0;
    for (size_t nth = 1; error == 0 && history_more(file); nth++) {
        json_error_t wrong;
        bool added;
        json_t *document =
            json_loadf(file, JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &wrong);
        if (document == NULL) {
            complain(&complaint, "%s: result %zu: line %d, column %d of it: no JSON: %s", path, nth,
                     wrong.line, wrong.column, wrong.text);
            error = EINVAL;
            break;
        }
        error = archive_add(archive, path, document, &added, &complaint);
        json_decref(document);
        count->added += error == 0 && added;
        count->known += error == 0 && !added;
    }
    if (error == 0 && ferror(file)) {
        complain(&complaint, "cannot read %s: %s", path, strerror(errno));
        error = EINVAL;
    }
    return error != 0 ? history_complain(complaint.text, history_status(error)) : 0;
}

#else

static int history_import_file(struct archive *archive, const char *path, FILE *file,
                               struct history_count *count)
{
    (void)archive;
    (void)path;
    (void)file;
    (void)count;
    return VERDICT_EXIT_USAGE;
}

#endif

static int history_import(const struct cli_list *words, const struct history_settings *settings)
{
    struct archive *archive;
    struct history_count count = {0};
    if (words->count < 2) {
        return history_complain("import: which files? - is standard input", VERDICT_EXIT_USAGE);
    }
    int status = history_open(settings, ARCHIVE_ADD, &archive);
    if (status != 0) {
        return status;
    }
    for (size_t i = 1; i < words->count && status == 0; i++) {
        const char *path = words->items[i];
        bool input = strcmp(path, "-") == 0;
        FILE *file = input ? stdin : fopen(path, "re");
        if (file == NULL) {
            fprintf(stderr, "mems-stress history: cannot read %s: %s\n", path, strerror(errno));
            status = VERDICT_EXIT_USAGE;
            break;
        }
        status = history_import_file(archive, path, file, &count);
        if (!input) {
            fclose(file);
        }
    }
    printf("%zu result%s added, %zu there already\n", count.added, count.added == 1 ? "" : "s",
           count.known);
    archive_close(archive);
    return status;
}

// ---- list and trends -----------------------------------------------------------------------

static bool history_is_utf8(void)
{
    const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *locale = getenv(names[i]);
        if (locale != NULL && *locale != '\0') {
            return strcasestr(locale, "utf-8") != NULL || strcasestr(locale, "utf8") != NULL;
        }
    }
    return false;
}

// NULL after a message.
static const struct metric *history_metric(const char *name)
{
    const struct metric *metric = metric_find(name);
    if (metric == NULL) {
        const char *names[METRIC_COUNT + 1] = {NULL};
        for (size_t m = 0; m < METRIC_COUNT; m++) {
            names[m] = metric_table[m].name;
        }
        const char *near = job_suggest(name, names);
        fprintf(stderr, "mems-stress history: no metric \"%s\"%s%s%s\n", name,
                near != NULL ? "; did you mean \"" : "; see mems-stress help table",
                near != NULL ? near : "", near != NULL ? "\"?" : "");
    }
    return metric;
}

static int history_trends(struct archive *archive, const char *job, const char *metric_name,
                          const struct archive_runs *runs, const struct chart_options *options)
{
    struct complaint complaint = {{0}};
    struct archive_serieses all;
    const struct metric *metric = history_metric(metric_name);
    if (metric == NULL) {
        return VERDICT_EXIT_USAGE;
    }
    int status = 0;
    if (archive_figures(archive, job, metric, &all, &complaint) != 0) {
        status = history_complain(complaint.text, VERDICT_EXIT_USAGE);
    } else if (!chart_print(stdout, runs, &all, options)) {
        fprintf(stderr, "mems-stress history: no figures of %s%s%s%s%s in the job %s\n",
                metric->name, options->section != NULL ? " in section " : "",
                options->section != NULL ? options->section : "",
                options->target != NULL ? " on " : "",
                options->target != NULL ? options->target : "", job);
        status = VERDICT_EXIT_USAGE;
    }
    archive_serieses_fini(&all);
    return status;
}

static int history_of_job(struct archive *archive, const struct archive_runs *runs,
                          const struct history_settings *settings)
{
    const char *standard[] = {"ops_per_second", NULL};
    const char *const *metrics = settings->metrics.count > 0 ? settings->metrics.items : standard;
    const struct chart_options options = {
        .section = settings->section,
        .target = settings->target,
        .plots = settings->plot,
        .ascii = settings->ascii || !history_is_utf8(),
        .runs = settings->runs.given ? settings->runs.value : 10,
        .change = {.alpha = settings->alpha.given ? settings->alpha.value : CHANGE_ALPHA,
                   .least = CHANGE_LEAST,
                   .permutations = CHANGE_PERMUTATIONS,
                   .seed = 1},
    };
    int status = 0;
    chart_list(stdout, runs, &options);
    for (; *metrics != NULL && status == 0; metrics++) {
        status = history_trends(archive, runs->items[0].job, *metrics, runs, &options);
    }
    return status;
}

static bool history_is_one_job(const struct archive_runs *runs)
{
    bool one = true;
    for (size_t i = 1; i < runs->count; i++) {
        one &= strcmp(runs->items[i].job, runs->items[0].job) == 0;
    }
    return one;
}

static int history_show_job(struct archive *archive, const char *job,
                            const struct history_settings *settings)
{
    struct complaint complaint = {{0}};
    struct archive_runs runs = {0};
    int status = 0;
    if (archive_hold(archive, &complaint) != 0 ||
        archive_list(archive, job, &runs, &complaint) != 0) {
        status = history_complain(complaint.text, VERDICT_EXIT_USAGE);
    } else if (runs.count == 0) {
        fprintf(stderr, "mems-stress history: no run of %s%s%s\n",
                job != NULL ? "the job " : "any job", job != NULL ? job : "",
                job != NULL ? "; without a name it lists the jobs" : "");
        status = VERDICT_EXIT_USAGE;
    } else if (job == NULL && !history_is_one_job(&runs)) {
        chart_jobs(stdout, &runs);
    } else {
        status = history_of_job(archive, &runs, settings);
    }
    archive_runs_fini(&runs);
    archive_let_go(archive);
    return status;
}

static int history_show(const struct cli_list *words, const struct history_settings *settings)
{
    struct archive *archive;
    if (words->count > 1) {
        return history_complain("one job at most; see mems-stress history --help",
                                VERDICT_EXIT_USAGE);
    }
    int status = history_open(settings, ARCHIVE_READ, &archive);
    if (status != 0) {
        return status;
    }
    char *job = words->count > 0 ? history_job(words->items[0]) : NULL;
    status = history_show_job(archive, job, settings);
    free(job);
    archive_close(archive);
    return status;
}

// ---- which of them -------------------------------------------------------------------------

static const char *const history_of_export[] = {"o", "run", NULL};
static const char *const history_of_show[] = {"metric", "section", "target", "plot",
                                              "runs",   "alpha",   "ascii",  NULL};

static const struct history_action {
    const char *name;
    int (*main)(const struct cli_list *words, const struct history_settings *settings);
    const char *const *foreign[3]; // options that say nothing here
} history_actions[] = {
    {"export", history_export, {history_of_show, NULL}},
    {"import", history_import, {history_of_show, history_of_export, NULL}},
    {"", history_show, {history_of_export, NULL}}, // of any other word, or none
};

static int history_check(const struct history_action *action,
                         const struct history_settings *settings)
{
    for (size_t i = 0; action->foreign[i] != NULL; i++) {
        for (const char *const *name = action->foreign[i]; *name != NULL; name++) {
            if (cli_given(&cli_command_history, *name, settings)) {
                fprintf(stderr, "mems-stress history%s%s: %s%s says nothing here\n",
                        *action->name != '\0' ? " " : "", action->name,
                        (*name)[1] != '\0' ? "--" : "-", *name);
                return VERDICT_EXIT_USAGE;
            }
        }
    }
    return 0;
}

static int history_main(int argc, char **argv)
{
    struct history_settings settings = {0};
    struct cli_list words = {0};
    int status;
    if (!cli_parse(&cli_command_history, argc, argv, &settings, &words, &status)) {
        return status;
    }
    const struct history_action *action = history_actions;
    while (*action->name != '\0' &&
           (words.count == 0 || strcmp(words.items[0], action->name) != 0)) {
        action++;
    }
    status = history_check(action, &settings);
    return status != 0 ? status : action->main(&words, &settings);
}

const struct cli_command cli_command_history = {
    .name = "history",
    .form = "history [JOB] | history export [JOB] [-o FILE] | history import FILE...  [OPTIONS]",
    .help = "list the runs that were kept and show how their figures went",
    .about =
        "\n"
        "run and replay keep every result in one file: --history FILE, else MEMS_STRESS_HISTORY "
        "of\n"
        "the environment, else $XDG_STATE_HOME/mems/history.db (without that variable: in\n"
        "~/.local/state). --no-history, or MEMS_STRESS_NO_HISTORY=1: nowhere.\n"
        "\n"
        "JOB is a job's name: its file's, without folder and .ini. A trend is the median of a "
        "metric\n"
        "in each run, of the same work on the same target; its line is scaled to its own least "
        "and\n"
        "largest value, over 10 % at least. A | is a change: E-divisive means (Matteson and James\n"
        "2014), with a permutation test (seeded: the same history has the same changes); segments\n"
        "of 3 runs at least, in the newest 200. All told: the last segment over the first.\n"
        "\n"
        "export writes whole results, a line each (JSON Lines): --run N writes one, which compare\n"
        "reads. import takes those and what --json wrote; what is there already is not added "
        "twice.\n"
        "Compare with an earlier run: mems-stress compare --against last|REVISION|DATE.",
    .options = history_options,
    .main = history_main,
};
