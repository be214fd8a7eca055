// SPDX-License-Identifier: MIT
//
// option.h - a command's options as a table: one parser, one help text.

#ifndef CLI_OPTION_H
#define CLI_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum cli_kind {
    CLI_FLAG,   // bool
    CLI_TEXT,   // const char *
    CLI_INPUT,  // the same: a file that is read
    CLI_OUTPUT, // a file that is written
    CLI_STORE,  // a file that is changed in place
    CLI_NUMBER, // struct cli_number
    CLI_LIST,   // struct cli_list: may be given several times
    CLI_SHARE,  // struct cli_share: 5% or 0.05
};

#define CLI_LIST_MOST 1024

struct cli_number {
    bool given;
    uint64_t value;
};

struct cli_share {
    bool given;
    double value; // 0 .. 1
};

struct cli_list {
    size_t count;
    const char *items[CLI_LIST_MOST + 1]; // NULL-terminated
};

// One row; tables end with a row whose name is NULL. --help is understood without one.
struct cli_option {
    const char *name; // without the dashes: two, or one where it is a single letter
    enum cli_kind kind;
    const char *argument; // "FILE"; NULL for a flag
    const char *help;
    size_t offset; // of the field in the settings struct
};

struct cli_command {
    const char *name;
    const char *form;                       // "run JOB.ini [--json FILE] ..."
    const char *help;                       // one line
    const char *about;                      // a paragraph more, or NULL
    const struct cli_option *options;       // NULL: only its parts have some
    const struct cli_command *const *parts; // "trace info" of trace, NULL-terminated; NULL: none
    bool mirrored; // each option may be given by the environment: MEMS_STRESS_NAME
    bool inputs;   // its words are files that are read, those that are there
    bool program;  // the first word is a program: what follows is the program's
    int (*main)(int argc, char **argv);
};

// Reads argv[1] and on into `settings`; what is not an option goes to `words`. Returns true to go
// on; else *status is the exit status: 0 after --help, 1 after a message on stderr.
// Files that options and words name are claimed (disk/claim.h), before anything else.
// Of a command with `program` `words` gets the first word only, as it stands in argv.
bool cli_parse(const struct cli_command *command, int argc, char **argv, void *settings,
               struct cli_list *words, int *status);
// Says that the command will use a file that is no option's so: CLI_INPUT, CLI_OUTPUT or CLI_STORE.
// `as`: what the user knows it by, or NULL. False after a message, where an output would take the
// place of another of the command's files (disk/claim.h): exit status 1.
bool cli_claim(const struct cli_command *command, enum cli_kind kind, const char *as,
               const char *path);
// Whether the option of that name is among the settings.
bool cli_given(const struct cli_command *command, const char *name, const void *settings);
// Fills in what the command line left open from MEMS_STRESS_NAME of the environment, NAME in
// capitals and with _ for -. Lists: an item a line; flags: 1 or yes, 0 or no. Warns of a
// MEMS_STRESS_ that is no option of `known`, the command with all of them. False after a message:
// exit status 1.
bool cli_mirror(const struct cli_command *command, const struct cli_command *known, void *settings);
void cli_help(const struct cli_command *command, FILE *out);

#endif
