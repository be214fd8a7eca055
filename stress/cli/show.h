// SPDX-License-Identifier: MIT
//
// show.h - what the files of `trace show` share.

#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include <stdio.h>

#include "cli/cli.h"
#include "lesson/exercise.h"
#include "show/json.h"

struct show_command {
    struct cli_list targets;
    const char *frames, *replacement;
    const char *html, *json;
    struct cli_number width, unit, memory, seed;
    bool every, quiet, brief;
};

// What is shown, and where to.
struct show_stage {
    const struct show_command *command;
    const struct exercise *exercise; // or NULL
    struct show_document *document;  // or NULL
    FILE *out;                       // where it is drawn, or NULL
    unsigned width;
    bool any; // something could be shown
};

// A complaint about the command; VERDICT_EXIT_USAGE.
int show_wrong(const char *format, const char *what) __attribute__((format(printf, 1, 0)));

// The question of the exercise, before its first run is drawn.
void show_head(const struct show_stage *stage);
// A trace on the targets of the exercise or the command. The exit status.
int show_trace_run(struct show_stage *stage, const struct trace *trace);
// Reference strings; states and access times of exercises. `string`: the text itself, else NULL;
// `path`: its file.
int show_lesson_run(struct show_stage *stage, const char *string, const char *path);

#endif
