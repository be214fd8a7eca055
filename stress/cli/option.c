// SPDX-License-Identifier: MIT
//
// option.c - a command's options as a table: one parser, one help text.
//
// "--name VALUE" and "--name=VALUE"; options and words may be mixed; "--" ends the options.

#include "cli/option.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "job/job.h"

#define OPTIONS_MOST 32

static const struct cli_option *option_find(const struct cli_option *options, const char *name,
                                            size_t length)
{
    for (; options->name != NULL; options++) {
        if (strlen(options->name) == length && strncmp(options->name, name, length) == 0) {
            return options;
        }
    }
    return NULL;
}

static int option_unknown(const struct cli_command *command, const char *text)
{
    const char *names[OPTIONS_MOST + 1];
    char name[64];
    size_t count = 0;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(text + 2, "="), text + 2);
    for (const struct cli_option *at = command->options; at->name != NULL; at++) {
        names[count++] = at->name;
    }
    names[count] = NULL;
    const char *near = text[1] == '-' ? job_suggest(name, names) : NULL;
    if (near != NULL) {
        fprintf(stderr, "mems-stress %s: unknown option %s; did you mean --%s?\n", command->name,
                text, near);
    } else {
        fprintf(stderr, "mems-stress %s: unknown option %s; see mems-stress %s --help\n",
                command->name, text, command->name);
    }
    return 1;
}

static int option_number(const struct cli_command *command, const struct cli_option *option,
                         const char *value, struct cli_number *number)
{
    char *end;
    errno = 0;
    number->value = strtoull(value, &end, 0);
    number->given = true;
    if (errno != 0 || end == value || *end != '\0' || strchr(value, '-') != NULL) {
        fprintf(stderr, "mems-stress %s: --%s %s: a number is wanted\n", command->name,
                option->name, value);
        return 1;
    }
    return 0;
}

static int option_share(const struct cli_command *command, const struct cli_option *option,
                        const char *text, struct cli_share *share)
{
    char *end;
    errno = 0;
    share->value = strtod(text, &end);
    share->given = true;
    bool percent = end != text && *end == '%';
    if (percent) {
        share->value /= 100;
        end++;
    }
    // A bare "5" could be either.
    if (errno != 0 || end == text || *end != '\0' || !(share->value >= 0 && share->value < 1)) {
        fprintf(stderr, "mems-stress %s: --%s %s: a share is wanted, below 100%%: 5%% or 0.05\n",
                command->name, option->name, text);
        return 1;
    }
    return 0;
}

static int option_add(const struct cli_command *command, struct cli_list *list, const char *value)
{
    if (list->count == CLI_LIST_MOST) {
        fprintf(stderr, "mems-stress %s: more than %d: %s\n", command->name, CLI_LIST_MOST, value);
        return 1;
    }
    list->items[list->count++] = value;
    list->items[list->count] = NULL;
    return 0;
}

static int option_set(const struct cli_command *command, const struct cli_option *option,
                      const char *value, void *settings)
{
    void *field = (char *)settings + option->offset;
    switch (option->kind) {
    case CLI_FLAG:
        *(bool *)field = true;
        return 0;
    case CLI_TEXT:
        *(const char **)field = value;
        return 0;
    case CLI_NUMBER:
        return option_number(command, option, value, field);
    case CLI_LIST:
        return option_add(command, field, value);
    case CLI_SHARE:
        return option_share(command, option, value, field);
    }
    return 1;
}

// One option at argv[*at], which is moved on past its value.
static int option_take(const struct cli_command *command, int argc, char **argv, int *at,
                       void *settings)
{
    const char *text = argv[*at];
    size_t length = strcspn(text + 2, "=");
    const char *value = text[2 + length] == '=' ? text + 3 + length : NULL;
    const struct cli_option *option =
        text[1] == '-' ? option_find(command->options, text + 2, length) : NULL;
    if (option == NULL) {
        return option_unknown(command, text);
    }
    if (option->kind == CLI_FLAG && value != NULL) {
        fprintf(stderr, "mems-stress %s: --%s takes no value\n", command->name, option->name);
        return 1;
    }
    if (option->kind != CLI_FLAG && value == NULL) {
        if (*at + 1 >= argc) {
            fprintf(stderr, "mems-stress %s: --%s wants %s\n", command->name, option->name,
                    option->argument);
            return 1;
        }
        value = argv[++*at];
    }
    return option_set(command, option, value, settings);
}

bool cli_parse(const struct cli_command *command, int argc, char **argv, void *settings,
               struct cli_list *words, int *status)
{
    bool options = true;
    *status = 0;
    for (int i = 1; i < argc && *status == 0; i++) {
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (options && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
            cli_help(command, stdout);
            return false;
        } else if (options && argv[i][0] == '-' && argv[i][1] != '\0') {
            *status = option_take(command, argc, argv, &i, settings);
        } else {
            *status = option_add(command, words, argv[i]);
        }
    }
    return *status == 0;
}

void cli_help(const struct cli_command *command, FILE *out)
{
    fprintf(out, "mems-stress %s\n\n%s\n", command->form, command->help);
    if (command->about != NULL) {
        fprintf(out, "%s\n", command->about);
    }
    fprintf(out, "\nOptions:\n");
    for (const struct cli_option *at = command->options; at->name != NULL; at++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", at->name, at->argument != NULL ? " " : "",
                 at->argument != NULL ? at->argument : "");
        fprintf(out, "  %-20s  %s\n", left, at->help);
    }
    fprintf(out, "  %-20s  %s\n", "--help", "this text");
}
