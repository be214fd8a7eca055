// SPDX-License-Identifier: MIT
//
// option.c - a command's options as a table: one parser, one help text.
//
// "--name VALUE" and "--name=VALUE"; a name of one letter has one dash: "-o VALUE". Options and
// words may be mixed; "--" ends the options.

#include "cli/option.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "disk/claim.h"
#include "job/job.h"

#define OPTIONS_MOST 64

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

static const char *option_dashes(const struct cli_option *option)
{
    return option->name[1] == '\0' ? "-" : "--";
}

static int option_unknown(const struct cli_command *command, const char *text)
{
    const char *names[OPTIONS_MOST + 1];
    char name[64];
    size_t count = 0;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(text + 2, "="), text + 2);
    for (const struct cli_option *at = command->options; at->name != NULL; at++) {
        names[count] = at->name;
        count += at->name[1] != '\0'; // a single letter is near to everything short
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
        fprintf(stderr, "mems-stress %s: %s%s %s: a number is wanted\n", command->name,
                option_dashes(option), option->name, value);
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
    case CLI_INPUT:
    case CLI_OUTPUT:
    case CLI_STORE:
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

static bool option_is_given(const struct cli_option *option, const void *settings)
{
    const void *field = (const char *)settings + option->offset;
    switch (option->kind) {
    case CLI_FLAG:
        return *(const bool *)field;
    case CLI_TEXT:
    case CLI_INPUT:
    case CLI_OUTPUT:
    case CLI_STORE:
        return *(const char *const *)field != NULL;
    case CLI_NUMBER:
        return ((const struct cli_number *)field)->given;
    case CLI_LIST:
        return ((const struct cli_list *)field)->count > 0;
    case CLI_SHARE:
        return ((const struct cli_share *)field)->given;
    }
    return false;
}

// One option at argv[*at], which is moved on past its value.
static int option_take(const struct cli_command *command, int argc, char **argv, int *at,
                       void *settings)
{
    const char *text = argv[*at];
    const char *name = text + (text[1] == '-' ? 2 : 1);
    size_t length = strcspn(name, "=");
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    const struct cli_option *option = option_find(command->options, name, length);
    if (option == NULL || (name == text + 1) != (length == 1)) {
        return option_unknown(command, text);
    }
    if (option->kind == CLI_FLAG && value != NULL) {
        fprintf(stderr, "mems-stress %s: %s%s takes no value\n", command->name,
                option_dashes(option), option->name);
        return 1;
    }
    if (option->kind != CLI_FLAG && value == NULL) {
        if (*at + 1 >= argc) {
            fprintf(stderr, "mems-stress %s: %s%s wants %s\n", command->name, option_dashes(option),
                    option->name, option->argument);
            return 1;
        }
        value = argv[++*at];
    }
    // Of two values one would be ignored.
    if (option->kind != CLI_FLAG && option->kind != CLI_LIST && option_is_given(option, settings)) {
        fprintf(stderr, "mems-stress %s: %s%s is given twice\n", command->name,
                option_dashes(option), option->name);
        return 1;
    }
    return option_set(command, option, value, settings);
}

// ---- files --------------------------------------------------------------------------------------

bool cli_claim(const struct cli_command *command, enum cli_kind kind, const char *as,
               const char *path)
{
    char why[1024];
    enum claim_use use = kind == CLI_INPUT    ? CLAIM_READ
                         : kind == CLI_OUTPUT ? CLAIM_WRITTEN
                                              : CLAIM_KEPT;
    if (claim_file(path, use, as, why, sizeof why) == 0) {
        return true;
    }
    fprintf(stderr, "mems-stress %s: %s\n", command->name, why);
    return false;
}

static bool option_is_file(const struct cli_option *option)
{
    return option->kind == CLI_INPUT || option->kind == CLI_OUTPUT || option->kind == CLI_STORE;
}

// Whether it is another name of an option before it.
static bool option_is_alias(const struct cli_command *command, const struct cli_option *option)
{
    const struct cli_option *at = command->options;
    while (at != option && at->offset != option->offset) {
        at++;
    }
    return at != option;
}

static bool option_claim(const struct cli_command *command, const void *settings)
{
    bool good = true;
    for (const struct cli_option *at = command->options; at->name != NULL && good; at++) {
        if (option_is_file(at) && !option_is_alias(command, at) && option_is_given(at, settings)) {
            char as[64];
            snprintf(as, sizeof as, "%s%s", option_dashes(at), at->name);
            good = cli_claim(command, at->kind, as,
                             *(const char *const *)((const char *)settings + at->offset));
        }
    }
    return good;
}

static bool option_claim_words(const struct cli_command *command, const struct cli_list *words)
{
    bool good = true;
    for (size_t i = 0; i < words->count && good; i++) {
        bool path = command->program && strchr(words->items[i], '/') != NULL; // else sought in PATH
        good = (!command->inputs && !path) || cli_claim(command, CLI_INPUT, NULL, words->items[i]);
    }
    return good;
}

bool cli_given(const struct cli_command *command, const char *name, const void *settings)
{
    const struct cli_option *option = option_find(command->options, name, strlen(name));
    return option != NULL && option_is_given(option, settings);
}

bool cli_parse(const struct cli_command *command, int argc, char **argv, void *settings,
               struct cli_list *words, int *status)
{
    bool options = true;
    *status = 0;
    for (int i = 1; i < argc && *status == 0 && !(command->program && words->count > 0); i++) {
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
    if (*status == 0 && (!option_claim_words(command, words) || !option_claim(command, settings))) {
        *status = 1;
    }
    return *status == 0;
}

extern char **environ;

static void option_variable(const struct cli_option *option, char *name, size_t size)
{
    size_t length = (size_t)snprintf(name, size, "MEMS_STRESS_%s", option->name);
    for (size_t i = 0; i < length && i < size; i++) {
        name[i] = name[i] == '-' ? '_' : (char)toupper((unsigned char)name[i]);
    }
}

// What settings point into, for as long as the program runs.
static char *option_copies[OPTIONS_MOST];
static size_t option_copy_count;

// Each line of the variable is an item.
static int option_mirror_list(const struct cli_command *command, const char *value,
                              struct cli_list *list)
{
    char *copy = option_copy_count < OPTIONS_MOST ? strdup(value) : NULL;
    char *rest = NULL;
    int status = copy == NULL;
    if (copy != NULL) {
        option_copies[option_copy_count++] = copy;
    }
    for (char *line = copy != NULL ? strtok_r(copy, "\n", &rest) : NULL;
         line != NULL && status == 0; line = strtok_r(NULL, "\n", &rest)) {
        status = option_add(command, list, line);
    }
    return status;
}

static int option_mirror(const struct cli_command *command, const struct cli_option *option,
                         const char *variable, const char *value, void *settings)
{
    bool yes = strcmp(value, "1") == 0 || strcmp(value, "yes") == 0;
    if (option->kind == CLI_LIST) {
        return option_mirror_list(command, value, (void *)((char *)settings + option->offset));
    }
    if (option->kind == CLI_FLAG && !yes) {
        if (strcmp(value, "0") == 0 || strcmp(value, "no") == 0) {
            return 0;
        }
        fprintf(stderr, "mems-stress %s: %s=%s: allowed is 1 or yes, 0 or no\n", command->name,
                variable, value);
        return 1;
    }
    int status = option_set(command, option, value, settings);
    if (status != 0) {
        fprintf(stderr, "mems-stress %s: it comes from %s of the environment\n", command->name,
                variable);
    }
    return status;
}

// Whether --no-warn environment is given; by the environment, of a command without the option.
static bool option_silenced(const struct cli_command *command, const void *settings)
{
    const struct cli_option *option = option_find(command->options, "no-warn", 7);
    const struct cli_list *codes =
        option != NULL ? (const void *)((const char *)settings + option->offset) : NULL;
    const char *variable = getenv("MEMS_STRESS_NO_WARN");
    bool silenced = option == NULL && variable != NULL && strstr(variable, "environment") != NULL;
    for (size_t i = 0; codes != NULL && i < codes->count && !silenced; i++) {
        silenced = strcmp(codes->items[i], "environment") == 0;
    }
    return silenced;
}

static void option_warn_unknown(const struct cli_command *known)
{
    for (char **at = environ; *at != NULL; at++) {
        char name[80];
        size_t length = strcspn(*at, "=");
        const struct cli_option *option = known->options;
        if (strncmp(*at, "MEMS_STRESS_", 12) != 0) {
            continue;
        }
        bool same = false;
        for (; option->name != NULL && !same; option++) {
            option_variable(option, name, sizeof name);
            same = strlen(name) == length && strncmp(*at, name, length) == 0;
        }
        if (!same) {
            fprintf(stderr,
                    "mems-stress: warning: %.*s of the environment is no option; see mems-stress "
                    "%s --help [environment]\n",
                    (int)length, *at, known->name);
        }
    }
}

bool cli_mirror(const struct cli_command *command, const struct cli_command *known, void *settings)
{
    for (const struct cli_option *option = command->options; option->name != NULL; option++) {
        char variable[80];
        option_variable(option, variable, sizeof variable);
        const char *value = getenv(variable);
        if (value != NULL && value[0] != '\0' && !option_is_given(option, settings) &&
            option_mirror(command, option, variable, value, settings) != 0) {
            return false;
        }
    }
    if (!option_silenced(command, settings)) {
        option_warn_unknown(known);
    }
    return option_claim(command, settings);
}

static void option_help(const struct cli_command *command, FILE *out)
{
    fprintf(out, "\nOptions:\n");
    for (const struct cli_option *at = command->options; at->name != NULL; at++) {
        char left[64];
        snprintf(left, sizeof left, "%s%s%s%s", option_dashes(at), at->name,
                 at->argument != NULL ? " " : "", at->argument != NULL ? at->argument : "");
        fprintf(out, "  %-20s  %s\n", left, at->help);
    }
    fprintf(out, "  %-20s  %s\n", "--help", "this text");
}

void cli_help(const struct cli_command *command, FILE *out)
{
    fprintf(out, "mems-stress %s\n\n%s\n", command->form, command->help);
    for (size_t i = 0; command->parts != NULL && command->parts[i] != NULL; i++) {
        fprintf(out, "%s  mems-stress %s\n      %s\n", i == 0 ? "\n" : "", command->parts[i]->form,
                command->parts[i]->help);
    }
    if (command->about != NULL) {
        fprintf(out, "%s\n", command->about);
    }
    if (command->options != NULL) {
        option_help(command, out);
    }
    if (command->mirrored) {
        fprintf(out,
                "\nEach option may come from the environment, as MEMS_STRESS_SEED=7 for --seed "
                "7: the name in\ncapitals, _ for -; several items on lines of their own. The "
                "command line holds against it.\n");
    }
}
