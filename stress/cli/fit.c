// SPDX-License-Identifier: MIT
//
// fit.c - mems-stress fit: recorded programs, or a log-normal curve, as a distribution for fleet.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "disk/memory.h"
#include "job/number.h"
#include "population/population.h"
#include "result/document.h"
#include "result/verdict.h"

#define FIT_LIVE 10000 // blocks of a curve

struct fit_settings {
    const char *output, *log_normal;
    struct cli_number live;
};

static const struct cli_option fit_options[] = {
    {"o", CLI_OUTPUT, "FILE", "where to write it; -, and the default, is standard output",
     offsetof(struct fit_settings, output)},
    {"log-normal", CLI_TEXT, "M,S",
     "no trace: sizes whose logarithms are normal around ln(M), spread S",
     offsetof(struct fit_settings, log_normal)},
    {"live", CLI_NUMBER, "N", "blocks alive on average, with --log-normal (default: 10000)",
     offsetof(struct fit_settings, live)},
    {0},
};

static int fit_complain(const struct complaint *complaint, int status)
{
    fprintf(stderr, "mems-stress fit: %s\n", complaint->text);
    return status;
}

// "MEDIAN,SIGMA"
static int fit_read_curve(const char *text, double *median, double *sigma,
                          struct complaint *complaint)
{
    const char *comma = strchr(text, ',');
    struct complaint ignored = {""};
    uint64_t size = 0;
    if (comma == NULL ||
        number_parse(text, (size_t)(comma - text), NUMBER_BYTES, &size, &ignored) != 0 ||
        number_parse_real(comma + 1, strlen(comma + 1), sigma, &ignored) != 0 || size < 1 ||
        size > UINT64_C(1) << 30 || !(*sigma > 0 && *sigma <= 4)) {
        complain(complaint,
                 "--log-normal %s: expected MEDIAN,SIGMA: a size of 1 .. 1Gi and a number above 0, "
                 "at most 4, as in 64,1.5",
                 complaint_clip(text).text);
        return EINVAL;
    }
    *median = (double)size;
    return 0;
}

static int fit_make_curve(const struct fit_settings *settings, struct population *population,
                          struct complaint *complaint)
{
    double median, sigma;
    uint64_t live = settings->live.given ? settings->live.value : FIT_LIVE;
    int error = fit_read_curve(settings->log_normal, &median, &sigma, complaint);
    if (error == 0 && (live < 1 || live > UINT64_C(1) << 40)) {
        complain(complaint, "--live %llu: expected 1 .. 2^40", (unsigned long long)live);
        error = EINVAL;
    }
    return error != 0 ? error : population_log_normal(median, sigma, (double)live, population);
}

// What the file says of itself: nothing that changes from one day or machine to another.
static char *fit_comment(const struct fit_settings *settings, const struct cli_list *traces,
                         double remote_share)
{
    char *text = NULL;
    size_t length;
    FILE *out = disk_memory(&text, &length);
    if (out == NULL) {
        return NULL;
    }
    fprintf(out, "Made by: mems-stress fit");
    if (settings->log_normal != NULL) {
        fprintf(out, " --log-normal %s", settings->log_normal);
        if (settings->live.given) {
            fprintf(out, " --live %llu", (unsigned long long)settings->live.value);
        }
    }
    for (size_t i = 0; i < traces->count; i++) {
        const char *slash = strrchr(traces->items[i], '/');
        const char *name = slash != NULL ? slash + 1 : traces->items[i];
        fprintf(out, " %.*s", (int)strcspn(name, "\n"), name);
    }
    fprintf(out, "\n");
    if (traces->count > 0) {
        fprintf(out, "Frees by another thread than the one that allocated: %.4f of all.\n",
                remote_share);
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static int fit_write(const struct fit_settings *settings, const struct population *population,
                     const char *comment)
{
    struct complaint complaint = {""};
    char *text = comment != NULL ? population_text(population, comment) : NULL;
    if (text == NULL) {
        complain(&complaint, "%s", strerror(ENOMEM));
        return fit_complain(&complaint, VERDICT_EXIT_USAGE);
    }
    const char *path = settings->output != NULL ? settings->output : "-";
    int error = document_write(path, text, &complaint);
    free(text);
    return error == 0 ? 0 : fit_complain(&complaint, VERDICT_EXIT_UNWRITTEN);
}

static int fit_do(const struct fit_settings *settings, const struct cli_list *traces)
{
    struct complaint complaint = {""};
    struct population population;
    double remote_share = 0;
    int error =
        settings->log_normal != NULL
            ? fit_make_curve(settings, &population, &complaint)
            : population_fit(traces->items, traces->count, &population, &remote_share, &complaint);
    if (error != 0) {
        complain(&complaint, "%s", strerror(error));
        return fit_complain(&complaint, VERDICT_EXIT_USAGE);
    }
    char *comment = fit_comment(settings, traces, remote_share);
    int status = fit_write(settings, &population, comment);
    free(comment);
    population_fini(&population);
    return status;
}

static int fit_main(int argc, char **argv)
{
    struct fit_settings settings = {0};
    struct cli_list words = {0};
    int status;
    if (!cli_parse(&cli_command_fit, argc, argv, &settings, &words, &status)) {
        return status;
    }
    if ((words.count == 0) != (settings.log_normal != NULL)) {
        fprintf(stderr, "mems-stress fit: %s; usage: mems-stress %s\n",
                words.count == 0 ? "which TRACE?" : "a TRACE or --log-normal, not both",
                cli_command_fit.form);
        return VERDICT_EXIT_USAGE;
    }
    if (settings.live.given && settings.log_normal == NULL) {
        fprintf(stderr, "mems-stress fit: --live is for --log-normal; a trace has its own\n");
        return VERDICT_EXIT_USAGE;
    }
    return fit_do(&settings, &words);
}

const struct cli_command cli_command_fit = {
    .name = "fit",
    .form = "fit TRACE.. [-o FILE] | fit --log-normal MEDIAN,SIGMA [--live N] [-o FILE]",
    .help = "turn traces into a distribution for the workload fleet",
    .about =
        "\nThe distribution has a row for each class of sizes (exact up to 128 bytes, above that "
        "at\n"
        "most 12.5 % wide): how many blocks of it are born in a million operations, how many live "
        "on\n"
        "average. Several traces count as one after the other. Its format is described in\n"
        "stress/population/population.h; stress/jobs/fleet has two.",
    .options = fit_options,
    .inputs = true,
    .main = fit_main,
};
