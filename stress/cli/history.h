// SPDX-License-Identifier: MIT
//
// history.h - the parts of mems-stress history, for each other.

#ifndef CLI_HISTORY_H
#define CLI_HISTORY_H

#include "cli/cli.h"
#include "history/history.h"

struct history_settings {
    const char *file;
    struct cli_list metrics;
    const char *section, *target;
    const char *machine;
    struct cli_number runs;
    struct cli_share alpha;
    bool plot;
    bool ascii;
    const char *json;
    const char *output;
    struct cli_number run;
    struct cli_number keep, days;
    bool dry_run;
};

// A message; returns `status`.
int history_complain(const char *text, int status);
// The exit status of an error of the archive's, of a command that writes.
int history_status(int error);
// 0, or an exit status after a message.
int history_open(const struct history_settings *settings, enum archive_purpose purpose,
                 struct archive **archive);
// A job by its name, or by its file: "stress/jobs/ci.ini" is "ci". The caller frees it.
char *history_job(const char *word);

// The commands behind the first word, which is words->items[0].
int history_export(const struct cli_list *words, const struct history_settings *settings);
int history_import(const struct cli_list *words, const struct history_settings *settings);
int history_prune(const struct cli_list *words, const struct history_settings *settings);

#endif
