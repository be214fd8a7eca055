// SPDX-License-Identifier: MIT
//
// report.c - mems-stress report: results as one page that a browser shows.

#include "report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "compare/measured.h"
#include "disk/memory.h"
#include "result/document.h"
#include "result/verdict.h"

#define REPORT_MOST  CLI_LIST_MOST
#define REPORT_PLACE "report.html"

struct report_settings {
    const char *output;
    const char *title;
};

static const struct cli_option report_options[] = {
    {"o", CLI_OUTPUT, "FILE", "where to (default: " REPORT_PLACE "); - is standard output",
     offsetof(struct report_settings, output)},
    {"title", CLI_TEXT, "TEXT", "of the page (default: the names of the files)",
     offsetof(struct report_settings, title)},
    {0},
};

static int report_complain(const char *text, int status)
{
    fprintf(stderr, "mems-stress report: %s\n", text);
    return status;
}

static const char *report_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

// "mems-stress: a.json, b.json"; from malloc.
static char *report_title(const struct report_settings *settings, const struct cli_list *files)
{
    char *title = NULL;
    size_t size;
    if (settings->title != NULL) {
        return strdup(settings->title);
    }
    FILE *out = disk_memory(&title, &size);
    if (out == NULL) {
        return NULL;
    }
    fputs("mems-stress: ", out);
    for (size_t i = 0; i < files->count; i++) {
        fprintf(out, "%s%s", i > 0 ? ", " : "", report_base(files->items[i]));
    }
    return fclose(out) == 0 ? title : NULL;
}

static int report_make(const struct report_settings *settings, const struct cli_list *files,
                       const struct report_document *documents, const char *path)
{
    struct complaint complaint = {{0}};
    char *title = report_title(settings, files);
    char *text = NULL;
    if (title == NULL) {
        complain(&complaint, "out of memory");
    } else {
        text = report_page(title, documents, files->count, &complaint);
    }
    free(title);
    int error = text == NULL ? 1 : document_write(path, text, &complaint);
    free(text);
    if (error == 0 && strcmp(path, "-") != 0) {
        printf("%s\n", path);
    }
    return error == 0 ? VERDICT_EXIT_PASS : report_complain(complaint.text, VERDICT_EXIT_UNWRITTEN);
}

// A result is held to what compare and history hold it to. 0 or EINVAL with a complaint.
static int report_hold(const char *path, const struct report_document *document,
                       struct complaint *complaint)
{
    struct measured measured;
    if (!report_is_result(document->root)) {
        return 0;
    }
    int error = measured_of_document(path, document->root, &measured, complaint);
    if (error == 0) {
        measured_fini(&measured);
    }
    return error;
}

static int report_main(int argc, char **argv)
{
    struct report_settings settings = {0};
    struct report_document documents[REPORT_MOST] = {{0}};
    struct cli_list files = {0};
    struct complaint complaint = {{0}};
    int status;
    if (!cli_parse(&cli_command_report, argc, argv, &settings, &files, &status)) {
        return status;
    }
    const char *path = settings.output != NULL ? settings.output : REPORT_PLACE;
    if (files.count == 0) {
        fprintf(stderr, "mems-stress report: no result; usage: mems-stress %s\n",
                cli_command_report.form);
        return VERDICT_EXIT_USAGE;
    }
    if (settings.output == NULL && !cli_claim(&cli_command_report, CLI_OUTPUT, "the page", path)) {
        return VERDICT_EXIT_USAGE; // its place by default is no option's
    }
    if (!report_has_charts()) {
        return report_complain("this mems-stress was built without Chart.js, which draws the "
                               "charts (Debian: libjs-chart.js; then configure and build again)",
                               VERDICT_EXIT_USAGE);
    }
    status = 0;
    for (size_t i = 0; i < files.count && status == 0; i++) {
        documents[i].name = report_base(files.items[i]);
        if (report_read(files.items[i], &documents[i].root, &complaint) != 0 ||
            report_hold(files.items[i], &documents[i], &complaint) != 0) {
            status = report_complain(complaint.text, VERDICT_EXIT_USAGE);
        }
    }
    if (status == 0 && document_probe(path, &complaint) != 0) {
        status = report_complain(complaint.text, VERDICT_EXIT_UNWRITTEN);
    }
    if (status == 0) {
        status = report_make(&settings, &files, documents, path);
    }
    for (size_t i = 0; i < files.count; i++) {
        report_free(documents[i].root);
    }
    return status;
}

const struct cli_command cli_command_report = {
    .name = "report",
    .form = "report RESULT.json... [-o report.html]",
    .help = "results as one page for a browser: verdicts, charts, maps, failures",
    .about =
        "\n"
        "The page is one file that asks no network: send it, keep it, print it. Several results\n"
        "are shown side by side, by the names of their sections and targets. Documents of\n"
        "`trace show --json` are shown too: the memory in motion.",
    .options = report_options,
    .inputs = true,
    .main = report_main,
};
