// SPDX-License-Identifier: MIT
//
// show.c - mems-stress trace show: an exercise, a trace or a reference string step by step.
//
// What is to be shown is found out from the word: the name of an exercise, a reference string
// itself (it begins with a digit, has blanks or commas, and no file has that name), or a file,
// which is a reference string where it begins with a digit and a trace else. Each way a document is
// filled beside what is drawn; --json writes it, and
// --html the page that plays it (report/).

#include "cli/show.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/trace.h"
#include "lesson/document.h"
#include "report/report.h"
#include "result/document.h"
#include "result/verdict.h"
#include "result/wrap.h"
#include "show/draw.h"

static const struct cli_option show_command_options[] = {
    {"target", CLI_LIST, "TARGET", "mems:POLICY(key=value,...), or all; may be given several times",
     offsetof(struct show_command, targets)},
    {"frames", CLI_TEXT, "N,N..", "of a reference string: how many frames there are; a range: 1..7",
     offsetof(struct show_command, frames)},
    {"replacement", CLI_TEXT, "NAME,..",
     "of a reference string: the algorithms (default: fifo,lru,clock,clock0,opt)",
     offsetof(struct show_command, replacement)},
    {"seed", CLI_NUMBER, "N", "of replacement=random (default: 1)",
     offsetof(struct show_command, seed)},
    {"memory", CLI_NUMBER, "N", "units of memory there are (default: the peak, to a power of two)",
     offsetof(struct show_command, memory)},
    {"unit", CLI_NUMBER, "N",
     "bytes of the engine in one unit of the trace (default: 1, 16 or 4096)",
     offsetof(struct show_command, unit)},
    {"every", CLI_FLAG, NULL, "draw the memory after each step, not only at `show`",
     offsetof(struct show_command, every)},
    {"brief", CLI_FLAG, NULL, "what came of each step, without the reason",
     offsetof(struct show_command, brief)},
    {"quiet", CLI_FLAG, NULL, "the table only", offsetof(struct show_command, quiet)},
    {"width", CLI_NUMBER, "N", "columns to draw in (default: the terminal's, else 80)",
     offsetof(struct show_command, width)},
    {"html", CLI_OUTPUT, "FILE", "write it as a page that plays it, and draw nothing",
     offsetof(struct show_command, html)},
    {"json", CLI_OUTPUT, "FILE", "write it as JSON too; -: only that, to standard output",
     offsetof(struct show_command, json)},
    {0},
};

const struct cli_command cli_command_trace_show = {
    .name = "trace show",
    .form = "trace show EXERCISE|FILE|STRING [--target mems:POLICY(...)]... [OPTIONS]",
    .help = "do a trace or a reference string step by step, and draw the memory",
    .about =
        "\nEXERCISE is one of `mems-stress list exercises`, with its targets and algorithms. FILE "
        "is\n"
        "a trace, or page numbers: a reference string, which may also be given itself.\n"
        "\n"
        "Each operation of a trace is done exactly, by one thread without caches; a process of "
        "the\n"
        "trace is a space of the engine. Without --target: mems:dynamic. With several, each is\n"
        "shown, and a table in the end has them side by side; `all` is every policy there is.\n"
        "Each step says why it came out so: the holes that were looked at, the page that had to "
        "go.\n"
        "\n"
        "Sizes and positions are in the trace's units, options of a target in the engine's bytes.\n"
        "Where sizes are small and no multiples of 16, one unit is 16 bytes (or a page, so that "
        "the\n"
        "memory comes out whole); pages and partitions that were given take sizes to the byte.\n"
        "Memory that the options leave open is --memory units: a region, frames, or partitions of\n"
        "a half, a quarter, .. of it. In the table, fragmentation and holes are those when most\n"
        "was live, and `enough free` counts what was refused though enough was free in all.",
    .options = show_command_options,
    .inputs = true,
    .main = cli_trace_show,
};

int show_wrong(const char *format, const char *what)
{
    fprintf(stderr, "mems-stress trace show: ");
    fprintf(stderr, format, what);
    fprintf(stderr, "\n");
    return VERDICT_EXIT_USAGE;
}

// The columns to draw in.
static unsigned show_width(const struct show_command *command)
{
    uint64_t width = command->width.given ? command->width.value : (uint64_t)wrap_terminal(stdout);
    width = width < DRAW_LEAST_WIDTH ? DRAW_LEAST_WIDTH : width;
    return width > DRAW_MOST_WIDTH ? DRAW_MOST_WIDTH : (unsigned)width;
}

// ---- what there is to show ----------------------------------------------------------------------

enum show_source { SHOW_EXERCISE, SHOW_STRING, SHOW_REFERENCES, SHOW_TRACE };

// Or is meant to be one: what of it is no number is for its reader to say.
static bool show_is_string(const char *word)
{
    const char *first = word + strspn(word, " ,\t\n");
    return isdigit((unsigned char)*first) && strpbrk(word, " ,\t\n") != NULL;
}

// Whether the first word of the file, comments aside, begins with a digit.
static bool show_is_references(const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? NULL : fopen(path, "re");
    bool comment = false;
    int c = EOF;
    if (file == NULL) {
        return strcmp(path, "-") == 0;
    }
    while ((c = getc(file)) != EOF && (comment || isspace(c) || c == '#')) {
        comment = c != '\n' && (comment || c == '#');
    }
    fclose(file);
    return c != EOF && isdigit(c);
}

static enum show_source show_source(const struct show_command *command, const char *word)
{
    if (exercise_find(word) != NULL) {
        return SHOW_EXERCISE;
    }
    if (access(word, F_OK) != 0 && show_is_string(word)) {
        return SHOW_STRING;
    }
    bool told = command->frames != NULL || command->replacement != NULL;
    return told || show_is_references(word) ? SHOW_REFERENCES : SHOW_TRACE;
}

// Options that mean nothing for what is to be shown.
static int show_check_options(const struct show_command *command, bool trace)
{
    if (!trace && (command->targets.count > 0 || command->memory.given || command->unit.given)) {
        return show_wrong("%s", "--target, --memory and --unit are for traces; a reference string "
                                "has --replacement and --frames");
    }
    if (trace && (command->frames != NULL || command->replacement != NULL)) {
        return show_wrong("%s", "--frames and --replacement are for reference strings; a trace "
                                "has --target");
    }
    return 0;
}

// Of a file that is not there: perhaps an exercise was meant, or the operations themselves were
// given.
static int show_no_trace(const char *path, const char *complaint)
{
    bool there = access(path, F_OK) == 0;
    const char *near = there ? NULL : exercise_near(path);
    if (!there && strpbrk(path, " \n") != NULL && trace_begins(path)) {
        return show_wrong("\"%s\" is no file; a trace is read from one, an operation a line "
                          "(stress/trace/FORMAT.md, man mems-trace)",
                          complaint_clip(path).text);
    }
    fprintf(stderr, "mems-stress trace show: %s%s%s%s%s\n", complaint,
            near != NULL ? "; did you mean the exercise \"" : "", near != NULL ? near : "",
            near != NULL ? "\"?" : "",
            there          ? ""
            : near != NULL ? " (mems-stress list exercises)"
                           : "; exercises: mems-stress list exercises");
    return VERDICT_EXIT_USAGE;
}

static int show_a_trace(struct show_stage *stage, const char *path)
{
    struct complaint complaint = {""};
    struct trace *trace;
    if (stage->exercise != NULL ? exercise_trace(stage->exercise, &trace, &complaint) != 0
                                : trace_read(path, &trace, &complaint) != 0) {
        return show_no_trace(path, complaint.text);
    }
    int status = show_trace_run(stage, trace);
    trace_free(trace);
    return status;
}

static int show_all(struct show_stage *stage, const char *word)
{
    enum show_source source = show_source(stage->command, word);
    const struct exercise *exercise = source == SHOW_EXERCISE ? exercise_find(word) : NULL;
    bool trace = source == SHOW_TRACE || (exercise != NULL && exercise->kind == EXERCISE_TRACE);
    int status = show_check_options(stage->command, trace);
    if (status != 0) {
        return status;
    }
    stage->exercise = exercise;
    if (exercise != NULL && stage->document != NULL) {
        lesson_document_exercise(stage->document, exercise);
    }
    if (trace) {
        return show_a_trace(stage, word);
    }
    const char *string = exercise != NULL ? exercise->input : source == SHOW_STRING ? word : NULL;
    return show_lesson_run(stage, string, word);
}

// ---- the command --------------------------------------------------------------------------------

static int show_put(const char *path, char *text, struct complaint *complaint)
{
    int error = text != NULL ? document_write(path, text, complaint) : ENOMEM;
    free(text);
    if (error == 0) {
        return 0;
    }
    fprintf(stderr, "mems-stress trace show: %s\n",
            complaint->text[0] != '\0' ? complaint->text : "out of memory");
    return VERDICT_EXIT_UNWRITTEN;
}

static int show_write(const struct show_stage *stage, const char *word)
{
    const struct show_command *command = stage->command;
    struct complaint complaint = {""};
    int status = 0;
    if (command->json != NULL) {
        status = show_put(command->json, show_document_text(stage->document), &complaint);
    }
    if (command->html == NULL || status != 0) {
        return status;
    }
    const struct report_document page = {word, show_document_root(stage->document)};
    const char *title = stage->exercise != NULL ? stage->exercise->title : word;
    status = show_put(command->html, report_page(title, &page, 1, &complaint), &complaint);
    if (status == 0 && strcmp(command->html, "-") != 0) {
        printf("%s\n", command->html);
    }
    return status;
}

static int show_probe(const struct show_command *command)
{
    struct complaint complaint = {""};
    const char *const paths[] = {command->json, command->html};
    for (size_t i = 0; i < 2; i++) {
        if (paths[i] != NULL && document_probe(paths[i], &complaint) != 0) {
            fprintf(stderr, "mems-stress trace show: %s\n", complaint.text);
            return VERDICT_EXIT_UNWRITTEN;
        }
    }
    return 0;
}

static int show_stage_run(struct show_stage *stage, const char *word)
{
    const struct show_command *command = stage->command;
    if ((command->json != NULL || command->html != NULL) &&
        (stage->document = show_document_open(word)) == NULL) {
        return show_wrong("%s", "this mems-stress was built without libjansson and writes no JSON "
                                "and no pages");
    }
    int status = show_all(stage, word);
    if (stage->document != NULL) {
        // What could not be shown at all leaves the file that is there.
        int came = stage->any ? show_write(stage, word) : 0;
        status = status == 0 ? came : status;
        show_document_close(stage->document);
    }
    return status;
}

int cli_trace_show(int argc, char **argv)
{
    struct show_command command = {0};
    struct cli_list words = {0};
    int status;
    if (!cli_parse(&cli_command_trace_show, argc, argv, &command, &words, &status)) {
        return status;
    }
    if (words.count != 1) {
        return show_wrong(
            "one exercise, trace or reference string is wanted; usage: mems-stress %s",
            cli_command_trace_show.form);
    }
    bool only = command.html != NULL || (command.json != NULL && strcmp(command.json, "-") == 0);
    struct show_stage stage = {
        .command = &command, .out = only ? NULL : stdout, .width = show_width(&command)};
    status = show_probe(&command);
    return status == 0 ? show_stage_run(&stage, words.items[0]) : status;
}
