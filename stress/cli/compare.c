// SPDX-License-Identifier: MIT
//
// compare.c - mems-stress compare: are two results different, or two targets of one?

#include "compare/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/against.h"
#include "cli/cli.h"
#include "job/job.h"
#include "job/plain.h"
#include "result/annotation.h"
#include "result/output.h"
#include "target/target.h"

struct compare_settings {
    struct cli_comparing comparing;
    const char *targets;
    const char *against;
    const char *history;
    const char *machine;
    struct output_paths outputs;
    bool annotate;
    bool fail_inconclusive;
};

static const struct cli_option compare_options[] = {
    {"targets", CLI_TEXT, "X,Y", "target Y against target X of one result, paired by repeat",
     offsetof(struct compare_settings, targets)},
    {"against", CLI_TEXT, "last|REV|DATE",
     "with the run of the history that is meant, of the same job",
     offsetof(struct compare_settings, against)},
    {"history", CLI_STORE, "FILE", "--against: in this history (mems-stress history --help)",
     offsetof(struct compare_settings, history)},
    {"machine", CLI_TEXT, "all|NAME", "--against: of any machine, or of that one (else of B's own)",
     offsetof(struct compare_settings, machine)},
    CLI_COMPARING_OPTIONS(struct compare_settings),
    {"threshold", CLI_SHARE, "5%", "the same as --max-regression",
     offsetof(struct compare_settings, comparing.threshold)},
    {"json", CLI_OUTPUT, "FILE", "write the comparison as JSON; - is standard output",
     offsetof(struct compare_settings, outputs.path[OUTPUT_JSON])},
    {"junit", CLI_OUTPUT, "FILE", "write a test a metric as JUnit XML; - is standard output",
     offsetof(struct compare_settings, outputs.path[OUTPUT_JUNIT])},
    {"ci", CLI_FLAG, NULL, "also print annotations for GitHub Actions",
     offsetof(struct compare_settings, annotate)},
    {"fail-inconclusive", CLI_FLAG, NULL, "exit status 5 where something is inconclusive",
     offsetof(struct compare_settings, fail_inconclusive)},
    {0},
};

static int compare_complain(const char *text)
{
    fprintf(stderr, "mems-stress compare: %s\n", text);
    return VERDICT_EXIT_USAGE;
}

// The names of all metrics, or of those that can be judged.
static void compare_list(bool judged)
{
    const char *separator = " ";
    for (size_t m = 0; m < METRIC_ALL; m++) {
        if (!judged || metric_table[m].better != METRIC_NEITHER) {
            fprintf(stderr, "%s%s", separator, metric_table[m].name);
            separator = ", ";
        }
    }
    fprintf(stderr, "\n");
}

// NULL after a message.
static const struct metric *compare_metric_of(const char *command, const char *name)
{
    const struct metric *metric = metric_find(name);
    if (metric == NULL) {
        const char *names[METRIC_ALL + 1] = {NULL};
        for (size_t m = 0; m < METRIC_ALL; m++) {
            names[m] = metric_table[m].name;
        }
        const char *near = job_suggest(name, names);
        fprintf(stderr, "mems-stress %s: no metric \"%s\"%s%s%s; known:", command, name,
                near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                near != NULL ? "\"?" : "");
        compare_list(false);
    } else if (metric->better == METRIC_NEITHER) {
        fprintf(stderr,
                "mems-stress %s: --metric %s: neither more nor less of it is better; what can be "
                "judged:",
                command, name);
        compare_list(true);
        metric = NULL;
    }
    return metric;
}

int cli_compare_options(const char *command, const struct cli_comparing *comparing,
                        struct compare_options *options)
{
    const struct cli_share *threshold = &comparing->threshold;
    *options = (struct compare_options){
        .judge = {.threshold = threshold->given ? threshold->value : JUDGE_THRESHOLD,
                  .alpha = comparing->alpha.given ? comparing->alpha.value : JUDGE_ALPHA,
                  .seed = 1}};
    if (options->judge.alpha <= 0) {
        fprintf(stderr, "mems-stress %s: --alpha: above 0, for instance 0.05\n", command);
        return VERDICT_EXIT_USAGE;
    }
    size_t kept = 0;
    for (size_t i = 0; i < comparing->metrics.count; i++) {
        const struct metric *metric = compare_metric_of(command, comparing->metrics.items[i]);
        if (metric == NULL) {
            return VERDICT_EXIT_USAGE;
        }
        bool twice = false;
        for (size_t m = 0; m < kept; m++) {
            twice |= options->metrics[m] == metric;
        }
        if (!twice) {
            options->metrics[kept++] = metric;
        }
    }
    return 0;
}

// "X,Y": two targets.
static bool compare_cut(const char *text, char **x, char **y)
{
    size_t length = target_list_piece(text);
    const char *rest = text[length] == ',' ? text + length + 1 : "";
    if (length == 0 || *rest == '\0' || rest[target_list_piece(rest)] != '\0') {
        return false;
    }
    *x = strndup(text, length);
    *y = strdup(rest);
    return *x != NULL && *y != NULL;
}

static char *compare_text(enum output_form form, const struct comparison *comparison,
                          const struct findings *findings, struct complaint *complaint)
{
    if (form == OUTPUT_JSON) {
        return document_print(compare_json(comparison), complaint);
    }
    char host[256] = "";
    char stamp[32];
    time_t now = time(NULL);
    gethostname(host, sizeof host - 1);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", gmtime(&now));
    char *text = output_junit_findings(findings, stamp, host);
    if (text == NULL) {
        complain(complaint, "--junit: out of memory");
    }
    return text;
}

// Each form that was asked for. One that cannot be written outweighs a pass, not a regression.
static int compare_write(const struct comparison *comparison, const struct findings *findings,
                         const struct output_paths *outputs, int status)
{
    for (enum output_form form = 0; form < OUTPUT_FORMS; form++) {
        struct complaint complaint = {{0}};
        if (outputs->path[form] == NULL) {
            continue;
        }
        char *text = compare_text(form, comparison, findings, &complaint);
        if (text == NULL || document_write(outputs->path[form], text, &complaint) != 0) {
            compare_complain(complaint.text);
            status = status == VERDICT_EXIT_PASS ? VERDICT_EXIT_UNWRITTEN : status;
        }
        free(text);
    }
    return status;
}

static int compare_show(struct comparison *comparison, const struct compare_settings *settings)
{
    FILE *out = plain_open(output_has_stdout(&settings->outputs) ? stderr : stdout);
    struct verdict verdict = {.exit = VERDICT_EXIT_PASS};
    struct findings findings;
    verdict_compare(&verdict, compare_outcome(comparison), settings->fail_inconclusive);
    compare_findings(comparison, &findings);
    compare_print(comparison, out);
    if (settings->annotate) {
        annotation_findings(out, &findings, NULL);
    }
    fclose(out);
    int status = compare_write(comparison, &findings, &settings->outputs, (int)verdict.exit);
    findings_fini(&findings);
    compare_fini(comparison);
    return status;
}

static int compare_two_targets(const char *path, const struct compare_settings *settings,
                               const struct compare_options *options)
{
    struct complaint complaint = {{0}};
    struct measured measured;
    struct comparison comparison;
    char *x = NULL;
    char *y = NULL;
    if (!compare_cut(settings->targets, &x, &y)) {
        free(x);
        free(y);
        return compare_complain("--targets wants two targets, X,Y");
    }
    int error = measured_read(path, &measured, &complaint);
    if (error == 0) {
        error = compare_targets(&measured, x, y, options, &comparison, &complaint);
        measured_fini(&measured);
    }
    free(x);
    free(y);
    return error != 0 ? compare_complain(complaint.text) : compare_show(&comparison, settings);
}

static int compare_two_files(const char *path_a, const char *path_b,
                             const struct compare_settings *settings,
                             const struct compare_options *options)
{
    struct complaint complaint = {{0}};
    struct measured a;
    struct measured b;
    struct comparison comparison;
    int error = measured_read(path_a, &a, &complaint);
    if (error != 0) {
        return compare_complain(complaint.text);
    }
    error = measured_read(path_b, &b, &complaint);
    if (error == 0) {
        error = compare_results(&a, &b, options, &comparison, &complaint);
        measured_fini(&b);
    }
    measured_fini(&a);
    return error != 0 ? compare_complain(complaint.text) : compare_show(&comparison, settings);
}

static int compare_with_history(const char *path, const struct compare_settings *settings,
                                const struct compare_options *options)
{
    struct complaint complaint = {{0}};
    struct measured a;
    struct measured b;
    struct comparison comparison;
    char *file = cli_history_file(settings->history, &complaint);
    char left_out[AGAINST_TEXT];
    const struct against against = {file, settings->against, settings->machine};
    int error = file == NULL ? 1 : against_read(&against, path, &a, &b, left_out, &complaint);
    free(file);
    if (error == 0) {
        error = compare_results(&a, &b, options, &comparison, &complaint);
        if (error == 0 && left_out[0] != '\0') {
            compare_tell(&comparison, left_out);
        }
        measured_fini(&a);
        measured_fini(&b);
    }
    return error != 0 ? compare_complain(complaint.text) : compare_show(&comparison, settings);
}

static int compare_these(const struct cli_list *words, const struct compare_settings *settings,
                         const struct compare_options *options)
{
    if (settings->against != NULL) {
        return compare_with_history(words->count > 0 ? words->items[0] : NULL, settings, options);
    }
    return settings->targets != NULL
               ? compare_two_targets(words->items[0], settings, options)
               : compare_two_files(words->items[0], words->items[1], settings, options);
}

static int compare_usage(const struct compare_settings *settings, const struct cli_list *words)
{
    size_t wanted = settings->targets != NULL || settings->against != NULL ? 1 : 2;
    if (settings->targets != NULL && settings->against != NULL) {
        return compare_complain("--targets or --against: one of them");
    }
    if (settings->history != NULL && settings->against == NULL) {
        return compare_complain("--history says nothing without --against");
    }
    if (settings->machine != NULL && settings->against == NULL) {
        return compare_complain("--machine says nothing without --against");
    }
    if (words->count == wanted || (words->count == 0 && settings->against != NULL)) {
        return 0;
    }
    fprintf(stderr, "mems-stress compare: %zu result%s, %zu %s wanted; usage: mems-stress %s\n",
            words->count, words->count == 1 ? "" : "s", wanted, wanted == 1 ? "is" : "are",
            cli_command_compare.form);
    return VERDICT_EXIT_USAGE;
}

static int compare_main(int argc, char **argv)
{
    struct compare_settings settings = {0};
    struct compare_options options;
    struct cli_list words = {0};
    struct complaint complaint = {{0}};
    int status;
    if (!cli_parse(&cli_command_compare, argc, argv, &settings, &words, &status)) {
        return status;
    }
    status = compare_usage(&settings, &words);
    if (status == 0) {
        status = cli_compare_options("compare", &settings.comparing, &options);
    }
    if (status != 0) {
        return status;
    }
    if (output_check(&settings.outputs, &complaint) != 0) {
        return compare_complain(complaint.text);
    }
    if (output_probe(&settings.outputs, &complaint) != 0) {
        compare_complain(complaint.text);
        return VERDICT_EXIT_UNWRITTEN;
    }
    return compare_these(&words, &settings, &options);
}

const struct cli_command cli_command_compare = {
    .name = "compare",
    .form = "compare A.json B.json | compare A.json --targets X,Y | compare [B.json] --against "
            "last|REV|DATE  [OPTIONS]",
    .help = "are two results different: pass, improved, regressed or inconclusive by metric",
    .about = "\n"
             "Each section and target that both results have is compared by its medians: B\n"
             "over A, with a bootstrap interval of the ratio and a rank test (two results:\n"
             "Mann-Whitney; two targets of one result: Wilcoxon's signed rank of the ratios\n"
             "within each repeat), two-sided and corrected after Holm for the number of rows\n"
             "of the metric. alpha is the chance of a false alarm in one metric; over k\n"
             "metrics it is k times as much at most.\n"
             "\n"
             "  regressed     the whole interval is past --max-regression, and p is at most\n"
             "                alpha\n"
             "  inconclusive  the interval holds the threshold; too few repeats (5 a side are\n"
             "                the least, more rows need more); unsteady; or the machine's own\n"
             "                speed explains it\n"
             "  improved      as regressed, on the good side\n"
             "  pass          else, and where the difference is too small to count\n"
             "\n"
             "What does not fit together (workload and its version, threads, values of keys,\n"
             "the content of files, a section or target that B lacks, a figure that B lost, a\n"
             "cell that did not pass) is refused, and named. Host, build, allocator and\n"
             "settings that differ are noted.\n"
             "Output of Google Benchmark (--benchmark_out=FILE, JSON, with\n"
             "--benchmark_repetitions=9) is compared in the same way: real_time, cpu_time and\n"
             "items_per_second of each benchmark, all repetitions of both sides. Aggregates\n"
             "are left alone, and cpu_time where a benchmark times itself (/manual_time).\n"
             "--against takes A from the history (mems-stress history): the newest run of B's\n"
             "job that is not after B (last), is of a git revision or the beginning of one\n"
             "(REV; that of --context revision=REV, else mems-stress's own) or of the commit\n"
             "that git has under that name in this folder (HEAD, HEAD~1, a branch, a tag), or\n"
             "is not after a DATE (2026-11-20, 2026-11-20T13:05; UTC). Only runs on B's\n"
             "machine count (processor, CPUs, memory, kernel's first number; --machine says\n"
             "another), first those that have all of B's work; what was left out is told.\n"
             "Without B: the newest run of all.\n"
             "Exit status: 0 pass or improved, 4 regressed, 5 inconclusive (with\n"
             "--fail-inconclusive), 1 unreadable or refused.",
    .options = compare_options,
    .inputs = true,
    .main = compare_main,
};
