// SPDX-License-Identifier: MIT
//
// cli.c - the table of commands; help.

#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/trace.h"
#include "job/job.h"
#include "result/table.h"
#include "result/verdict.h"
#include "result/warning.h"
#include "run/plan.h"

#ifndef MEMS_VERSION
#define MEMS_VERSION "unknown"
#endif

const char *cli_invocation(void)
{
    static char quoted[4300];
    if (quoted[0] == '\0') {
        plan_quote(program_invocation_name, quoted, sizeof quoted);
    }
    return quoted;
}

static int cli_help_main(int argc, char **argv);

static const struct cli_command cli_command_record = {
    .name = "record",
    .form = "record -o FILE -- PROGRAM ARGS...",
    .help = "record every allocation of a program",
    .main = cli_record,
};

static const struct cli_command cli_command_trace = {
    .name = "trace",
    .form = "trace FILE ...",
    .help = "draw, check and convert traces",
    .main = cli_trace,
};

static const struct cli_option cli_help_options[] = {{0}};

static const struct cli_command cli_command_help = {
    .name = "help",
    .form = "help [COMMAND | KEY | table | warnings]",
    .help = "explain a command, a key of job files, the table's columns or the warnings",
    .options = cli_help_options,
    .main = cli_help_main,
};

static const struct cli_command *const cli_commands[] = {
    &cli_command_run,      &cli_command_plan,    &cli_command_replay, &cli_command_compare,
    &cli_command_selftest, &cli_command_record,  &cli_command_trace,  &cli_command_faults,
    &cli_command_fit,      &cli_command_explore, &cli_command_schema, &cli_command_list,
    &cli_command_history,  &cli_command_merge,   &cli_command_help,
};

#define CLI_COMMANDS (sizeof cli_commands / sizeof cli_commands[0])

static const struct cli_command *cli_find(const char *name)
{
    for (size_t i = 0; i < CLI_COMMANDS; i++) {
        if (strcmp(cli_commands[i]->name, name) == 0) {
            return cli_commands[i];
        }
    }
    return NULL;
}

static void cli_usage(FILE *out)
{
    fprintf(out, "mems-stress: a stress lab for memory allocators\n\nCommands:\n");
    for (size_t i = 0; i < CLI_COMMANDS; i++) {
        fprintf(out, "  %-8s %s\n", cli_commands[i]->name, cli_commands[i]->help);
    }
    fprintf(out,
            "\nEach takes --help. A first try: mems-stress run stress/jobs/smoke.ini\n\n"
            "Exit status: 0 all passed, 1 usage or unreadable input, 2 a check failed,\n"
            "3 a cell crashed or hung, 4 regressed, 5 inconclusive, 6 nothing ran or a target\n"
            "is missing, 7 the result could not be written, 130 interrupted.\n");
}

static int cli_unknown(const char *word)
{
    const char *names[CLI_COMMANDS + 1];
    for (size_t i = 0; i < CLI_COMMANDS; i++) {
        names[i] = cli_commands[i]->name;
    }
    names[CLI_COMMANDS] = NULL;
    const char *near = job_suggest(word, names);
    if (near != NULL) {
        fprintf(stderr, "mems-stress: no command \"%s\"; did you mean \"%s\"?\n", word, near);
    } else {
        fprintf(stderr, "mems-stress: no command \"%s\"; see mems-stress help\n", word);
    }
    return 1;
}

static int cli_help_main(int argc, char **argv)
{
    struct cli_list words = {0};
    int status;
    if (!cli_parse(&cli_command_help, argc, argv, NULL, &words, &status)) {
        return status;
    }
    if (words.count == 0) {
        cli_usage(stdout);
        return 0;
    }
    const struct cli_command *command = cli_find(words.items[0]);
    if (command != NULL && command->options != NULL) {
        cli_help(command, stdout);
        return 0;
    }
    if (command != NULL) {
        char name[16];
        char help[] = "--help";
        snprintf(name, sizeof name, "%s", command->name);
        char *arguments[] = {name, help, NULL};
        status = command->main(2, arguments);
        job_describe(words.items[0], stdout); // a key may have the same name: trace
        return status;
    }
    if (strcmp(words.items[0], "table") == 0) {
        table_describe(stdout);
        job_describe("table", stdout); // a key, too
        return 0;
    }
    if (strcmp(words.items[0], "warnings") == 0) {
        warning_describe(stdout);
        return 0;
    }
    if (job_describe(words.items[0], stdout) > 0) {
        return 0;
    }
    const char *near = job_key_suggest(words.items[0]);
    fprintf(stderr,
            "mems-stress help: \"%s\" is neither a command nor a key nor \"table\" "
            "nor\n\"warnings\"%s%s%s\n",
            words.items[0], near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
            near != NULL ? "\"?" : "");
    return 1;
}

static int cli_dispatch(int argc, char **argv)
{
    if (argc < 2) {
        cli_usage(stderr);
        return 1;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        cli_usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("mems-stress %s\n", MEMS_VERSION);
        return 0;
    }
    const struct cli_command *command = cli_find(argv[1]);
    return command != NULL ? command->main(argc - 1, argv + 1) : cli_unknown(argv[1]);
}

// What was printed is a result too: one that is lost outweighs a pass, not a failure.
int cli_main(int argc, char **argv)
{
    int status = cli_dispatch(argc, argv);
    if ((fflush(stdout) == 0 && !ferror(stdout)) || status != VERDICT_EXIT_PASS) {
        return status;
    }
    fprintf(stderr, "mems-stress: cannot write to standard output: %s\n", strerror(errno));
    return VERDICT_EXIT_UNWRITTEN;
}
