// SPDX-License-Identifier: MIT
//
// cli.c - the table of commands; help.

#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/complete.h"
#include "cli/manual.h"
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

struct cli_help_settings {
    const char *man;
    bool complete;
};

static const struct cli_option cli_help_options[] = {
    {"man", CLI_TEXT, "PAGE", "print a manual page: mems-stress, mems-job or mems-trace",
     offsetof(struct cli_help_settings, man)},
    {"complete", CLI_FLAG, NULL, "print what the last word after -- can be, for a shell",
     offsetof(struct cli_help_settings, complete)},
    {0},
};

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
    &cli_command_history,  &cli_command_merge,   &cli_command_report, &cli_command_help,
};

#define CLI_COMMANDS (sizeof cli_commands / sizeof cli_commands[0])

const struct cli_command *cli_command_at(size_t index)
{
    return index < CLI_COMMANDS ? cli_commands[index] : NULL;
}

static const struct cli_command *cli_find(const char *name)
{
    for (size_t i = 0; i < CLI_COMMANDS; i++) {
        if (strcmp(cli_commands[i]->name, name) == 0) {
            return cli_commands[i];
        }
    }
    return NULL;
}

const struct cli_exit cli_exits[] = {
    {VERDICT_EXIT_PASS, "all passed"},
    {VERDICT_EXIT_USAGE, "usage, or input that cannot be read or cannot work: nothing ran"},
    {VERDICT_EXIT_FAILED, "a check failed"},
    {VERDICT_EXIT_BROKEN, "a cell crashed, hung or did not start"},
    {VERDICT_EXIT_REGRESSED, "regressed"},
    {VERDICT_EXIT_INCONCLUSIVE, "inconclusive, with --fail-inconclusive only"},
    {VERDICT_EXIT_NOTHING, "nothing ran, or a target is missing"},
    {VERDICT_EXIT_UNWRITTEN, "the result could not be written"},
    {VERDICT_EXIT_INTERRUPTED, "interrupted"},
    {0, NULL},
};

static void cli_usage(FILE *out)
{
    fprintf(out, "mems-stress: a stress lab for memory allocators\n\nCommands:\n");
    for (size_t i = 0; i < CLI_COMMANDS; i++) {
        fprintf(out, "  %-8s %s\n", cli_commands[i]->name, cli_commands[i]->help);
    }
    fprintf(out, "\nEach takes --help. A first try: mems-stress run smoke\n\nExit status:\n");
    for (const struct cli_exit *at = cli_exits; at->help != NULL; at++) {
        fprintf(out, "  %-3d  %s\n", at->status, at->help);
    }
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

static int cli_manual(const char *page)
{
    if (manual_print(page, stdout) == 0) {
        return 0;
    }
    fprintf(stderr, "mems-stress help: no page \"%s\";", page);
    for (size_t i = 0; manual_page_at(i) != NULL; i++) {
        fprintf(stderr, "%s %s", i > 0 ? "," : "", manual_page_at(i));
    }
    fprintf(stderr, "\n");
    return VERDICT_EXIT_USAGE;
}

static int cli_help_main(int argc, char **argv)
{
    struct cli_help_settings settings = {0};
    struct cli_list words = {0};
    int status;
    if (!cli_parse(&cli_command_help, argc, argv, &settings, &words, &status)) {
        return status;
    }
    if (settings.complete) {
        complete_words(&words, stdout);
        return 0;
    }
    if (settings.man != NULL) {
        return cli_manual(settings.man);
    }
    if (words.count == 0) {
        cli_usage(stdout);
        return 0;
    }
    const struct cli_command *command = cli_find(words.items[0]);
    if (command != NULL) {
        cli_help(command, stdout);
        if (command->parts != NULL) {
            job_describe(words.items[0], stdout); // a key may have the same name: trace
        }
        return 0;
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

// The errno of what standard output refused; 0. It may have been refused long ago, by a flush of a
// full buffer, whose errno is gone: one more line end is tried, to hear why.
static int cli_printed(void)
{
    if (fflush(stdout) != 0) {
        return errno;
    }
    if (!ferror(stdout)) {
        return 0;
    }
    return write(STDOUT_FILENO, "\n", 1) < 0 ? errno : EIO;
}

// What was printed is a result too: one that is lost outweighs a pass, not a failure.
int cli_main(int argc, char **argv)
{
    int status = cli_dispatch(argc, argv);
    int error = cli_printed();
    if (error == 0 || status != VERDICT_EXIT_PASS) {
        return status;
    }
    fprintf(stderr, "mems-stress: cannot write to standard output: %s\n", strerror(error));
    return VERDICT_EXIT_UNWRITTEN;
}
