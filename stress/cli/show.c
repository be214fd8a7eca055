// SPDX-License-Identifier: MIT
//
// show.c - mems-stress trace show: a trace step by step on one policy after the other.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/trace.h"
#include "result/document.h"
#include "result/verdict.h"
#include "show/draw.h"
#include "show/json.h"

#define SHOW_TARGETS 64
#define SHOW_LINES   2000u // operations of a trace that get a line each without --every

struct show_command {
    struct cli_list targets;
    const char *json;
    struct cli_number width, unit, memory;
    bool every, quiet, brief;
};

static const struct cli_option show_command_options[] = {
    {"target", CLI_LIST, "TARGET", "mems:POLICY(key=value,...), or all; may be given several times",
     offsetof(struct show_command, targets)},
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
    {"json", CLI_TEXT, "FILE", "write it as JSON too; -: only that, to standard output",
     offsetof(struct show_command, json)},
    {0},
};

static const struct cli_command show_command = {
    .name = "trace show",
    .form = "trace show FILE [--target mems:POLICY(...)]... [OPTIONS]",
    .help = "do a trace step by step on a policy, and draw the memory",
    .about =
        "\nEach operation is done exactly, by one thread without caches; a process of the trace is "
        "a\n"
        "space of the engine. Without --target: mems:dynamic. With several, each is shown, and a\n"
        "table in the end has them side by side; `all` is every policy there is.\n"
        "\n"
        "Sizes and positions are in the trace's units, options of a target in the engine's bytes.\n"
        "Where sizes are small and no multiples of 16, one unit is 16 bytes (or a page, so that "
        "the\n"
        "memory comes out whole); pages and partitions that were given take sizes to the byte.\n"
        "Memory that the options leave open is --memory units: a region, frames, or partitions of\n"
        "a half, a quarter, .. of it. In the table, fragmentation and holes are those when most\n"
        "was live, and `enough free` counts what was refused though enough was free in all.",
    .options = show_command_options,
    .main = cli_trace_show,
};

static int show_wrong(const char *format, const char *what)
{
    fprintf(stderr, "mems-stress trace show: ");
    fprintf(stderr, format, what);
    fprintf(stderr, "\n");
    return VERDICT_EXIT_USAGE;
}

// The columns to draw in.
static unsigned show_width(const struct show_command *command)
{
    struct winsize window;
    uint64_t width = 80;
    if (command->width.given) {
        width = command->width.value;
    } else if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0) {
        width = window.ws_col;
    }
    width = width < DRAW_LEAST_WIDTH ? DRAW_LEAST_WIDTH : width;
    return width > DRAW_MOST_WIDTH ? DRAW_MOST_WIDTH : (unsigned)width;
}

// ---- targets ------------------------------------------------------------------------------------

struct show_targets {
    struct target_spec specs[SHOW_TARGETS];
    size_t count;
};

static int show_add_target(struct show_targets *targets, const char *text)
{
    struct complaint complaint = {""};
    if (targets->count == SHOW_TARGETS) {
        return show_wrong("too many targets: %s", text);
    }
    struct target_spec *spec = &targets->specs[targets->count];
    if (target_parse(text, NULL, spec, &complaint) != 0) {
        return show_wrong("%s", complaint.text);
    }
    targets->count++;
    if (strcmp(spec->target->name, "mems") != 0) {
        return show_wrong("%s: only an engine's memory can be drawn; write mems:POLICY", text);
    }
    return 0;
}

static int show_add_targets(const struct show_command *command, struct show_targets *targets)
{
    int status = 0;
    for (size_t i = 0; i < command->targets.count && status == 0; i++) {
        const struct mems_policy_row *row;
        if (strcmp(command->targets.items[i], "all") != 0) {
            status = show_add_target(targets, command->targets.items[i]);
            continue;
        }
        for (size_t n = 0; (row = mems_policy_at(n)) != NULL && status == 0; n++) {
            char text[80];
            snprintf(text, sizeof text, "mems:%s", row->name);
            status = show_add_target(targets, text);
        }
    }
    return status == 0 && targets->count == 0 ? show_add_target(targets, "mems:dynamic") : status;
}

// ---- one target ---------------------------------------------------------------------------------

struct show_stage {
    const struct show_command *command;
    const struct trace *trace;
    struct show_document *document; // or NULL
    FILE *out;                      // where it is drawn, or NULL
    bool detailed;
    unsigned width;
};

static void show_one(const struct show_stage *stage, struct show *show,
                     const struct show_step *step)
{
    bool map = step->outcome == SHOW_MAP || (stage->command->every && step->outcome != SHOW_SILENT);
    bool line = stage->detailed && !stage->command->quiet;
    if (stage->out != NULL && line) {
        draw_step(stage->out, show, step, stage->width);
    }
    if (stage->out != NULL && map && !stage->command->quiet) {
        draw_map(stage->out, show, stage->width);
    }
    if (stage->document != NULL && (line || map)) {
        show_document_step(stage->document, show, step, map ? show_look(show) : NULL);
    }
}

// Every invariant of the engine, once all is done.
static int show_check(const struct show *show, const struct target_spec *spec)
{
    struct mems_violation violation;
    if (mems_check(show_engine(show), true, &violation) == 0) {
        return 0;
    }
    fprintf(stderr, "mems-stress trace show: %s: invariant %s is broken: %s\n", spec->name,
            violation.invariant, violation.text);
    return VERDICT_EXIT_FAILED;
}

static int show_target(const struct show_stage *stage, const struct target_spec *spec,
                       struct draw_row *row)
{
    const struct show_settings settings = {.unit = stage->command->unit.value,
                                           .memory = stage->command->memory.value,
                                           .reasons = stage->detailed && !stage->command->brief};
    struct complaint complaint = {""};
    struct show *show;
    struct show_step step;
    if (show_open(stage->trace, spec, &settings, stage->detailed, &show, &complaint) != 0) {
        return show_wrong("%s", complaint.text);
    }
    if (stage->out != NULL && !stage->command->quiet) {
        draw_head(stage->out, show, spec);
    }
    if (stage->document != NULL) {
        show_document_target(stage->document, show, spec->name);
    }
    int error;
    bool blank = false; // the last line drawn
    while ((error = show_next(show, &step, &complaint)) == 0) {
        show_one(stage, show, &step);
        blank = step.outcome == SHOW_MAP || stage->command->every;
    }
    int status = 0;
    if (error == ENOENT) {
        *row = (struct draw_row){.target = spec->name, .unit = show_unit(show)};
        show_sum_up(show, &row->summary);
        if (stage->document != NULL) {
            show_document_end(stage->document, show);
        }
        status = show_check(show, spec);
    } else {
        fprintf(stderr, "mems-stress trace show: %s: %s\n", spec->name, complaint.text);
        status = error == ENOMEM ? VERDICT_EXIT_UNWRITTEN : VERDICT_EXIT_FAILED;
    }
    if (stage->out != NULL && !stage->command->quiet && !blank) {
        fprintf(stage->out, "\n");
    }
    show_close(show);
    return status;
}

// ---- the command --------------------------------------------------------------------------------

// path NULL: nowhere.
static int show_write(struct show_document *document, const char *path)
{
    struct complaint complaint = {""};
    char *text = show_document_close(document);
    if (text == NULL) {
        return show_wrong("out of memory for %s", "the JSON");
    }
    int error = path != NULL ? document_write(path, text, &complaint) : 0;
    free(text);
    if (error != 0) {
        fprintf(stderr, "mems-stress trace show: %s\n", complaint.text);
        return VERDICT_EXIT_UNWRITTEN;
    }
    return 0;
}

static int show_all(const struct show_command *command, const char *path, const struct trace *trace,
                    const struct show_targets *targets)
{
    bool only = command->json != NULL && strcmp(command->json, "-") == 0;
    struct draw_row rows[SHOW_TARGETS];
    struct show_stage stage = {
        .command = command,
        .trace = trace,
        .out = only ? NULL : stdout,
        .detailed = command->every || trace->op_count <= SHOW_LINES,
        .width = show_width(command),
    };
    if (!stage.detailed && !command->quiet) {
        fprintf(stderr,
                "mems-stress trace show: %zu operations: no line for each (--every has them)\n",
                trace->op_count);
    }
    if (command->json != NULL && (stage.document = show_document_open(path)) == NULL) {
        return show_wrong("%s", "this mems-stress was built without libjansson and writes no JSON");
    }
    int status = 0;
    size_t done = 0;
    for (size_t i = 0; i < targets->count; i++) {
        int came = show_target(&stage, &targets->specs[i], &rows[done]);
        done += came == 0;
        status = came > status ? came : status;
    }
    if (stage.out != NULL) {
        draw_table(stage.out, rows, done);
    }
    if (stage.document != NULL) {
        // What could not be shown at all leaves the file that is there.
        bool any = done > 0 || status == VERDICT_EXIT_FAILED;
        int came = show_write(stage.document, any ? command->json : NULL);
        status = status == 0 ? came : status;
    }
    return status;
}

int cli_trace_show(int argc, char **argv)
{
    struct show_command command = {0};
    struct cli_list words = {0};
    struct complaint complaint = {""};
    struct show_targets targets = {.count = 0};
    struct trace *trace;
    int status;
    if (!cli_parse(&show_command, argc, argv, &command, &words, &status)) {
        return status;
    }
    if (words.count != 1) {
        return show_wrong("one trace is wanted; usage: mems-stress %s", show_command.form);
    }
    if (trace_read(words.items[0], &trace, &complaint) != 0) {
        return show_wrong("%s", complaint.text);
    }
    status = show_add_targets(&command, &targets);
    if (status == 0 && command.json != NULL && document_probe(command.json, &complaint) != 0) {
        fprintf(stderr, "mems-stress trace show: %s\n", complaint.text);
        status = VERDICT_EXIT_UNWRITTEN;
    }
    if (status == 0) {
        status = show_all(&command, words.items[0], trace, &targets);
    }
    for (size_t i = 0; i < targets.count; i++) {
        target_spec_fini(&targets.specs[i]);
    }
    trace_free(trace);
    return status;
}
