// SPDX-License-Identifier: MIT
//
// faults.c - mems-stress faults: how many faults each replacement algorithm takes on a reference
// string.

#include "faults/faults.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "faults/document.h"
#include "result/verdict.h"

struct faults_settings {
    const char *frames, *replacement, *json;
    struct cli_number seed;
    bool csv;
};

static const struct cli_option faults_options[] = {
    {"frames", CLI_TEXT, "N,N..", "how many frames there are; a range: 1..7",
     offsetof(struct faults_settings, frames)},
    {"replacement", CLI_TEXT, "NAME,..", "the algorithms (default: all but ws:TAU and pff:F)",
     offsetof(struct faults_settings, replacement)},
    {"csv", CLI_FLAG, NULL, "lines of algorithm,frames,faults",
     offsetof(struct faults_settings, csv)},
    {"json", CLI_OUTPUT, "FILE", "write the result as JSON; - is standard output",
     offsetof(struct faults_settings, json)},
    {"seed", CLI_NUMBER, "N", "of random (default: 1)", offsetof(struct faults_settings, seed)},
    {0},
};

static int faults_complain(const struct complaint *complaint, int status)
{
    fprintf(stderr, "mems-stress faults: %s\n", complaint->text);
    return status;
}

// Everything that was asked for, read.
struct faults_order {
    struct references references;
    struct faults_choice *choices;
    size_t choice_count;
    uint64_t *frames;
    size_t frame_count;
    struct faults_row *rows;
    size_t row_count;
};

static void faults_order_fini(struct faults_order *order)
{
    references_fini(&order->references);
    free(order->choices);
    free(order->frames);
    free(order->rows);
}

static int faults_order_read(const struct faults_settings *settings, const char *path,
                             struct faults_order *order, struct complaint *complaint)
{
    bool fixed = false;
    int error =
        faults_choose(settings->replacement, &order->choices, &order->choice_count, complaint);
    for (size_t i = 0; error == 0 && i < order->choice_count; i++) {
        fixed |= order->choices[i].algorithm->parameter == NULL;
    }
    if (error == 0 && fixed && settings->frames == NULL) {
        complain(complaint, "how many frames? --frames 16,100");
        return 1;
    }
    if (error == 0 && settings->frames != NULL) {
        error = faults_frames(settings->frames, &order->frames, &order->frame_count, complaint);
    }
    if (error == 0) {
        error = references_read(path, &order->references, complaint);
    }
    return error;
}

static int faults_order_run(const struct faults_settings *settings, struct faults_order *order,
                            struct complaint *complaint)
{
    uint64_t seed = settings->seed.given ? settings->seed.value : 1;
    int error = 0;
    order->rows = calloc(order->choice_count * (order->frame_count + 1), sizeof *order->rows);
    if (order->rows == NULL) {
        complain(complaint, "out of memory");
        return 1;
    }
    for (size_t i = 0; i < order->choice_count && error == 0; i++) {
        const struct faults_choice *choice = &order->choices[i];
        size_t times = choice->algorithm->parameter != NULL ? 1 : order->frame_count;
        for (size_t n = 0; n < times && error == 0; n++) {
            struct faults_row *row = &order->rows[order->row_count++];
            row->choice = choice;
            row->frames = choice->algorithm->parameter != NULL ? 0 : order->frames[n];
            error = faults_count(&order->references, choice, row->frames, seed, &row->faults,
                                 complaint);
        }
    }
    return error;
}

static void faults_print(const struct faults_order *order, bool csv)
{
    if (csv) {
        printf("algorithm,frames,faults\n");
    } else {
        printf("%zu references to %zu pages\n\n%-20s%12s%12s%8s\n", order->references.count,
               order->references.page_count, "algorithm", "frames", "faults", "%");
    }
    for (size_t i = 0; i < order->row_count; i++) {
        const struct faults_row *row = &order->rows[i];
        char frames[24] = "-";
        if (row->frames != 0) {
            snprintf(frames, sizeof frames, "%" PRIu64, row->frames);
        }
        if (csv) {
            printf("%s,%s,%" PRIu64 "\n", row->choice->name, frames, row->faults);
        } else {
            printf("%-20s%12s%12" PRIu64 "%8.2f\n", row->choice->name, frames, row->faults,
                   100.0 * (double)row->faults / (double)order->references.count);
        }
    }
}

static int faults_do(const struct faults_settings *settings, const char *path,
                     struct faults_order *order)
{
    struct complaint complaint = {""};
    if (faults_order_read(settings, path, order, &complaint) != 0) {
        return faults_complain(&complaint, VERDICT_EXIT_USAGE);
    }
    if (!faults_possible()) {
        complain(&complaint, "this engine has no policy vm-paging");
        return faults_complain(&complaint, VERDICT_EXIT_NOTHING);
    }
    int status = cli_json_probe(&cli_command_faults, settings->json);
    if (status != 0) {
        return status;
    }
    if (faults_order_run(settings, order, &complaint) != 0) {
        return faults_complain(&complaint, VERDICT_EXIT_USAGE);
    }
    if (settings->json == NULL || strcmp(settings->json, "-") != 0) {
        faults_print(order, settings->csv);
    }
    if (settings->json == NULL) {
        return VERDICT_EXIT_PASS;
    }
    return cli_json_write(&cli_command_faults,
                          faults_document(path, &order->references, order->rows, order->row_count),
                          settings->json, VERDICT_EXIT_PASS);
}

static int faults_main(int argc, char **argv)
{
    struct faults_settings settings = {0};
    struct faults_order order = {0};
    struct cli_list words = {0};
    int status;
    if (!cli_parse(&cli_command_faults, argc, argv, &settings, &words, &status)) {
        return status;
    }
    if (words.count != 1) {
        fprintf(stderr,
                "mems-stress faults: one FILE is wanted (-: standard input); usage: "
                "mems-stress %s\n",
                cli_command_faults.form);
        return VERDICT_EXIT_USAGE;
    }
    if (settings.csv && settings.json != NULL && strcmp(settings.json, "-") == 0) {
        fprintf(stderr, "mems-stress faults: --csv and --json - both want standard output\n");
        return VERDICT_EXIT_USAGE;
    }
    status = faults_do(&settings, words.items[0], &order);
    faults_order_fini(&order);
    return status;
}

const struct cli_command cli_command_faults = {
    .name = "faults",
    .form = "faults FILE --frames N,N.. [--replacement NAME,NAME..] [--csv | --json FILE]",
    .help = "count the page faults of replacement algorithms on a reference string",
    .about =
        "\nFILE (-: standard input) holds page numbers from 0 to 2^63, separated by white space; "
        "'#'\n"
        "begins a comment. Each algorithm gets each number of frames, through the engine's own\n"
        "vm-paging: one thread, no caches, a page at a time.\n"
        "\n"
        "Algorithms: fifo, lru, clock (R is set on load, as in textbooks), clock0 (it is not, as "
        "in\n"
        "cache simulators), second-chance, nru, lfu, random, opt, arc, 2q, lirs, s3fifo, sieve; "
        "and\n"
        "ws:TAU (working set) and pff:F (page fault frequency), which take as many frames as they\n"
        "think right: their frames are a dash.",
    .options = faults_options,
    .inputs = true,
    .main = faults_main,
};
