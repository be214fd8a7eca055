// SPDX-License-Identifier: MIT
//
// history.c - mems-stress history: what was measured before, and how it went.

#include "cli/history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "history/chart.h"
#include "job/job.h"
#include "job/plain.h"
#include "result/document.h"
#include "result/host.h"
#include "result/verdict.h"
#include "result/wrap.h"

static const struct cli_option history_options[] = {
    {"history", CLI_STORE, "FILE", "this history (else the one that runs are kept in)",
     offsetof(struct history_settings, file)},
    {"metric", CLI_LIST, "NAME",
     "trends of this metric (else ops_per_second); may be given several times",
     offsetof(struct history_settings, metrics)},
    {"section", CLI_TEXT, "NAME", "trends of this section only",
     offsetof(struct history_settings, section)},
    {"target", CLI_TEXT, "TARGET", "trends of this target only",
     offsetof(struct history_settings, target)},
    {"machine", CLI_TEXT, "all|NAME",
     "of all, or of that one (else this one); a host's name will do",
     offsetof(struct history_settings, machine)},
    {"plot", CLI_FLAG, NULL, "a plot of each trend instead of a line",
     offsetof(struct history_settings, plot)},
    {"runs", CLI_NUMBER, "N", "list the newest N runs (default: 10; 0: none)",
     offsetof(struct history_settings, runs)},
    {"alpha", CLI_SHARE, "0.01", "chance of a change that is none, in each trend (default: 0.01)",
     offsetof(struct history_settings, alpha)},
    {"ascii", CLI_FLAG, NULL, "lines of punctuation, also where the terminal knows UTF-8",
     offsetof(struct history_settings, ascii)},
    {"json", CLI_OUTPUT, "FILE", "write runs and trends (mems-stress schema history); - is stdout",
     offsetof(struct history_settings, json)},
    {"o", CLI_OUTPUT, "FILE", "export: into this file (else to standard output)",
     offsetof(struct history_settings, output)},
    {"run", CLI_NUMBER, "N", "export: this run only", offsetof(struct history_settings, run)},
    {"keep", CLI_NUMBER, "N", "prune: all but the newest N of each job on each machine go",
     offsetof(struct history_settings, keep)},
    {"older-than", CLI_NUMBER, "DAYS", "prune: what began so many days ago or earlier goes",
     offsetof(struct history_settings, days)},
    {"dry-run", CLI_FLAG, NULL, "prune: say what would go, and change nothing",
     offsetof(struct history_settings, dry_run)},
    {0},
};

int history_complain(const char *text, int status)
{
    fprintf(stderr, "mems-stress history: %s\n", text);
    return status;
}

int history_status(int error)
{
    return error == EIO ? VERDICT_EXIT_UNWRITTEN : VERDICT_EXIT_USAGE;
}

char *history_job(const char *word)
{
    const char *slash = strrchr(word, '/');
    char *job = measured_copy(slash != NULL ? slash + 1 : word);
    size_t length = strlen(job);
    if (length > 4 && strcmp(job + length - 4, ".ini") == 0) {
        job[length - 4] = '\0';
    }
    return job;
}

int history_open(const struct history_settings *settings, enum archive_purpose purpose,
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

// What a command of one job shows, machine by machine.
struct history_view {
    const struct history_settings *settings;
    struct archive *archive;
    struct chart_options chart;
    FILE *out;
    struct json_t *document; // NULL: none is wanted
    size_t figures;          // trends that were shown
};

// The columns of what is told: of a terminal with fewer, those.
static int history_width(FILE *stream)
{
    int width = wrap_terminal(stream);
    return width < CHART_WIDTH ? width : CHART_WIDTH;
}

static int history_trends(struct history_view *view, const char *job, const char *metric_name,
                          const struct archive_machine *machine, const struct archive_runs *runs)
{
    struct complaint complaint = {{0}};
    struct archive_serieses all;
    struct charts charts;
    const struct metric *metric = history_metric(metric_name);
    if (metric == NULL) {
        return VERDICT_EXIT_USAGE;
    }
    if (archive_figures(view->archive, job, machine->machine.name, metric, &all, &complaint) != 0) {
        return history_complain(complaint.text, VERDICT_EXIT_USAGE);
    }
    chart_find(runs, &all, &view->chart, &charts);
    chart_print(view->out, runs, &charts, &view->chart);
    if (view->document != NULL) {
        chart_document_add(view->document, machine, &charts);
    }
    view->figures += charts.count;
    chart_fini(&charts);
    archive_serieses_fini(&all);
    return 0;
}

static int history_on_machine(struct history_view *view, const char *job,
                              const struct archive_machine *machine)
{
    const char *standard[] = {"ops_per_second", NULL};
    const struct cli_list *given = &view->settings->metrics;
    const char *const *metrics = given->count > 0 ? given->items : standard;
    struct complaint complaint = {{0}};
    struct archive_runs runs;
    int status = 0;
    if (archive_list(view->archive, job, machine->machine.name, &runs, &complaint) != 0) {
        return history_complain(complaint.text, VERDICT_EXIT_USAGE);
    }
    chart_list(view->out, &runs, machine, &view->chart);
    if (view->document != NULL) {
        chart_document_add_runs(view->document, machine, &runs);
    }
    for (; *metrics != NULL && status == 0; metrics++) {
        status = history_trends(view, job, *metrics, machine, &runs);
    }
    archive_runs_fini(&runs);
    return status;
}

static bool history_is(const struct archive_machine *machine, const struct machine *this)
{
    return strcmp(machine->machine.name, this->name) == 0;
}

// The machines that are meant: [*first, *end). 0, or an exit status after a message.
static int history_choose(const struct history_view *view, const struct archive_machines *machines,
                          size_t *first, size_t *end)
{
    const char *word = view->settings->machine;
    struct complaint complaint = {{0}};
    struct machine this;
    *first = 0;
    *end = machines->count;
    if (word != NULL && strcmp(word, "all") == 0) {
        return 0;
    }
    if (word != NULL) {
        const struct archive_machine *named = archive_machine_named(machines, word, &complaint);
        if (named == NULL) {
            return history_complain(complaint.text, VERDICT_EXIT_USAGE);
        }
        *first = (size_t)(named - machines->items);
    } else {
        struct host host;
        host_look(&host);
        machine_of_host(&host, &this);
        while (*first < machines->count && !history_is(&machines->items[*first], &this)) {
            (*first)++;
        }
        if (*first == machines->count) {
            char text[96];
            snprintf(text, sizeof text, "machine, %s; that of the newest:", this.name);
            wrap_within(view->out, view->chart.width, fprintf(view->out, "no run on this"), 0,
                        text);
            *first = 0;
        }
    }
    *end = *first + 1;
    return 0;
}

static int history_no_figures(const struct history_view *view, const char *job)
{
    const struct history_settings *settings = view->settings;
    fprintf(stderr, "mems-stress history: no figures of %s%s%s%s%s in the job %s\n",
            settings->metrics.count > 0 ? settings->metrics.items[0] : "ops_per_second",
            settings->section != NULL ? " in section " : "",
            settings->section != NULL ? settings->section : "",
            settings->target != NULL ? " on " : "",
            settings->target != NULL ? settings->target : "", job);
    return VERDICT_EXIT_USAGE;
}

#define HISTORY_NAMED 8 // machines that are listed

static void history_others(const struct history_view *view, const struct archive_machines *machines,
                           size_t first, size_t end)
{
    FILE *out = view->out;
    char text[96];
    size_t runs = 0, named = 0;
    for (size_t i = 0; i < machines->count; i++) {
        runs += i < first || i >= end ? machines->items[i].runs : 0;
    }
    if (runs == 0) {
        return;
    }
    snprintf(text, sizeof text, "%zu run%s on other machines; --machine all, or NAME:", runs,
             runs == 1 ? "" : "s");
    wrap_within(out, view->chart.width, fprintf(out, "\nnot shown:") - 1, 2, text);
    for (size_t i = 0; i < machines->count && named < HISTORY_NAMED; i++) {
        const struct archive_machine *it = &machines->items[i];
        if (i < first || i >= end) {
            snprintf(text, sizeof text, "%.16s: %.36s", it->hosts, it->machine.about);
            int at = fprintf(out, "  %s %4zu run%s", it->machine.name, it->runs,
                             it->runs == 1 ? ", " : "s,");
            wrap_within(out, view->chart.width, at, 6, text);
            named++;
        }
    }
}

static int history_on_machines(struct history_view *view, const char *job,
                               const struct archive_machines *machines)
{
    size_t first = 0, end = 0;
    int status = machines->count > 0 ? history_choose(view, machines, &first, &end) : 0;
    for (size_t i = first; i < end && status == 0; i++) {
        fprintf(view->out, "%s", i > first ? "\n" : "");
        status = history_on_machine(view, job, &machines->items[i]);
    }
    if (status == 0) {
        history_others(view, machines, first, end);
    }
    return status == 0 && view->figures == 0 ? history_no_figures(view, job) : status;
}

// How large the history is.
static void history_size(FILE *out, int width, struct archive *archive)
{
    struct complaint complaint = {{0}};
    uint64_t bytes;
    if (archive_size(archive, &bytes, &complaint) == 0) {
        char text[96];
        snprintf(text, sizeof text, "%.1f MiB (mems-stress history prune makes it less)",
                 (double)bytes / 0x1p20);
        wrap_within(out, width, fprintf(out, "\nthe history:") - 1, 2, text);
    }
}

static int history_of_job(struct archive *archive, const char *job,
                          const struct history_settings *settings)
{
    struct complaint complaint = {{0}};
    struct archive_machines machines;
    bool to_output = settings->json != NULL && strcmp(settings->json, "-") == 0;
    FILE *stream = to_output ? stderr : stdout;
    FILE *out = plain_open(stream);
    struct history_view view = {
        .settings = settings,
        .archive = archive,
        .out = out,
        .document = settings->json != NULL ? chart_document(job) : NULL,
        .chart =
            {
                .section = settings->section,
                .target = settings->target,
                .plots = settings->plot,
                .ascii = settings->ascii || !history_is_utf8(),
                .width = history_width(stream),
                .runs = settings->runs.given ? settings->runs.value : 10,
                .change = {.alpha = settings->alpha.given ? settings->alpha.value : CHANGE_ALPHA,
                           .least = CHANGE_LEAST,
                           .permutations = CHANGE_PERMUTATIONS,
                           .seed = 1},
            },
    };
    if (archive_machines(archive, job, &machines, &complaint) != 0) {
        fclose(out);
        document_free(view.document);
        return history_complain(complaint.text, VERDICT_EXIT_USAGE);
    }
    int status = history_on_machines(&view, job, &machines);
    archive_machines_fini(&machines);
    if (status == 0) {
        history_size(out, view.chart.width, archive);
    }
    fclose(out);
    if (view.document != NULL && status == 0) {
        return cli_json_write(&cli_command_history, view.document, settings->json, 0);
    }
    document_free(view.document);
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

// Runs without a job file are called for their workload and their work's digest.
static int history_no_job(struct archive *archive, const char *job)
{
    struct complaint complaint = {{0}};
    struct archive_runs all;
    if (archive_list(archive, NULL, NULL, &all, &complaint) != 0) {
        return history_complain(complaint.text, VERDICT_EXIT_USAGE);
    }
    fprintf(stderr, "mems-stress history: no run of %s%s%s", job != NULL ? "the job " : "any job",
            job != NULL ? plain_line(job).text : "",
            job != NULL ? "; without a name it lists the jobs" : "");
    const char *told = "";
    for (size_t i = 0; i < all.count && job != NULL; i++) {
        const char *name = all.items[i].job;
        size_t length = strlen(job);
        bool near = strncmp(name, job, length) == 0 && strchr("-+", name[length]) != NULL;
        if (near && strcmp(told, name) != 0) {
            fprintf(stderr, "%s%s", *told == '\0' ? "; there is " : ", ", plain_line(name).text);
            told = name;
        }
    }
    fprintf(stderr, "\n");
    archive_runs_fini(&all);
    return VERDICT_EXIT_USAGE;
}

static int history_show_job(struct archive *archive, const char *job,
                            const struct history_settings *settings)
{
    struct complaint complaint = {{0}};
    struct archive_runs runs = {0};
    int status = 0;
    if (archive_hold(archive, &complaint) != 0 ||
        archive_list(archive, job, NULL, &runs, &complaint) != 0) {
        status = history_complain(complaint.text, VERDICT_EXIT_USAGE);
    } else if (runs.count == 0) {
        status = history_no_job(archive, job);
    } else if (job != NULL || history_is_one_job(&runs)) {
        status = history_of_job(archive, runs.items[0].job, settings);
    } else if (settings->json != NULL) {
        status = history_complain("--json: which job? history lists them", VERDICT_EXIT_USAGE);
    } else {
        FILE *out = plain_open(stdout);
        chart_jobs(out, history_width(stdout), &runs);
        history_size(out, history_width(stdout), archive);
        fclose(out);
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
    int status = cli_json_probe(&cli_command_history, settings->json);
    status = status != 0 ? status : history_open(settings, ARCHIVE_READ, &archive);
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
static const char *const history_of_prune[] = {"keep", "older-than", "dry-run", NULL};
static const char *const history_of_show[] = {"metric", "section", "target", "machine", "plot",
                                              "runs",   "alpha",   "ascii",  "json",    NULL};

static const struct history_action {
    const char *name;
    int (*main)(const struct cli_list *words, const struct history_settings *settings);
    const char *const *foreign[4]; // options that say nothing here
} history_actions[] = {
    {"export", history_export, {history_of_show, history_of_prune, NULL}},
    {"import", history_import, {history_of_show, history_of_export, history_of_prune, NULL}},
    {"prune", history_prune, {history_of_show, history_of_export, NULL}},
    {"", history_show, {history_of_export, history_of_prune, NULL}}, // of any other word, or none
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
    .form = "history [JOB | export [JOB] | import FILE... | prune [JOB]] [OPTIONS]",
    .help = "list the runs that were kept and show how their figures went",
    .about = "\n"
             "run, replay and merge keep every result in one file: --history FILE, else\n"
             "MEMS_STRESS_HISTORY of the environment, else $XDG_STATE_HOME/mems/history.db\n"
             "(without that variable: in ~/.local/state). --no-history, or\n"
             "MEMS_STRESS_NO_HISTORY=1: nowhere.\n"
             "\n"
             "JOB is a job's name: its file's, without folder and .ini. A run without one is\n"
             "called for its workload and what it does, like churn-3f9a1c. A trend is the\n"
             "median of a metric in each run, of the same work on the same target on the same\n"
             "machine (processor, CPUs, memory, kernel's first number): of this one, unless\n"
             "--machine says another.\n"
             "\n"
             "Its line is scaled to its own least and largest value, over 10 % at least. A |\n"
             "is a step: told are the runs between which it lies, and its size, both with 95\n"
             "%. / is a drift, by so much a run. That something changes is said by E-divisive\n"
             "means (Matteson and James 2014) with a permutation test (seeded: the same\n"
             "history has the same changes) in the newest 200 runs; steps or drift by the\n"
             "Bayesian information criterion. + is another malloc. All told: the last level\n"
             "over the first.\n"
             "\n"
             "export writes whole results, a line each (JSON Lines): --run N writes one,\n"
             "which compare reads. import takes those and what --json wrote, all of it or,\n"
             "where something is wrong, nothing; what is there already is not added twice.\n"
             "prune lets old runs go. Compare with an earlier run: mems-stress compare\n"
             "--against last|REVISION|DATE.",
    .options = history_options,
    .main = history_main,
};
