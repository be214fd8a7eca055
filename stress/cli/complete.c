// SPDX-License-Identifier: MIT
//
// complete.c - what the last word of a command line can be, for a shell that asks.
//
// 1. A shell's script knows nothing: it hands over the words and shows what it gets. Whatever a
//    table gains can be completed the same day, and no script goes out of date.
// 2. What an option's value or a command's word can be follows from what its table has it called:
//    TARGET, JOB.ini, FILE, .. (placeholders below); a word in small letters in a command's form
//    is itself. Some options are known by name, where the placeholder is a general one.
// 3. In lists separated by commas, and behind `KEY=`, the word's head is kept and its last piece
//    completed.

#include "cli/complete.h"

#include <ctype.h>
#include <mems/engine.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/complete_inner.h"
#include "disk/home.h"
#include "faults/faults.h"
#include "job/job.h"
#include "job/tables.h"
#include "lesson/exercise.h"
#include "result/metric.h"
#include "result/warning.h"
#include "target/target.h"
#include "workload/workload.h"

void complete_offer(void *arg, const char *word, const char *help)
{
    const struct complete *complete = arg;
    if (strncmp(word, complete->stem, strlen(complete->stem)) == 0) {
        fprintf(complete->out, "%s%s\t%s\n", complete->head, word, help != NULL ? help : "");
    }
}

// Moves what stands before `from` into the head.
static void complete_behead(struct complete *complete, const char *from)
{
    size_t length = strlen(complete->head);
    snprintf(complete->head + length, sizeof complete->head - length, "%.*s",
             (int)(from - complete->stem), complete->stem);
    complete->stem = from;
}

// The last piece of a list: commas inside parentheses do not separate.
static void complete_last_piece(struct complete *complete)
{
    const char *piece = complete->stem;
    int depth = 0;
    for (const char *at = piece; *at != '\0'; at++) {
        depth += (*at == '(') - (*at == ')');
        if (*at == ',' && depth == 0) {
            piece = at + 1;
        }
    }
    complete_behead(complete, piece);
}

// ---- sources ------------------------------------------------------------------------------------

static void offer_commands(struct complete *complete)
{
    for (size_t i = 0; cli_command_at(i) != NULL; i++) {
        complete_offer(complete, cli_command_at(i)->name, cli_command_at(i)->help);
    }
}

static void offer_parts(struct complete *complete)
{
    const struct cli_command *const *parts = complete->command->parts;
    for (; parts != NULL && *parts != NULL; parts++) {
        complete_offer(complete, strrchr((*parts)->name, ' ') + 1, (*parts)->help);
    }
}

static void offer_files(struct complete *complete)
{
    fprintf(complete->out, ":files *\n");
}

static void offer_folders(struct complete *complete)
{
    fprintf(complete->out, ":folders\n");
}

static void offer_programs(struct complete *complete)
{
    fprintf(complete->out, ":programs\n");
}

static void offer_job(void *arg, const char *word, const char *path)
{
    (void)path;
    complete_offer(arg, word, "came with mems-stress");
}

static void offer_table(struct complete *complete, const struct job_key *key, const char *end)
{
    for (; key != NULL && key->name != NULL; key++) {
        char word[64];
        snprintf(word, sizeof word, "%s%s", key->name, end);
        complete_offer(complete, word, key->help);
    }
}

// Those of all workloads; a key that several have comes as often.
static void offer_keys_ending(struct complete *complete, const char *end)
{
    const struct workload *workload;
    offer_table(complete, job_common_keys, end);
    for (size_t i = 0; (workload = workload_at(i)) != NULL; i++) {
        for (const struct job_key *key = workload->keys; key != NULL && key->name != NULL; key++) {
            const struct workload *first;
            job_key_find(key->name, &first);
            if (first == workload) {
                const struct job_key one[] = {*key, {.name = NULL}};
                offer_table(complete, one, end);
            }
        }
    }
}

static void offer_keys(struct complete *complete)
{
    offer_keys_ending(complete, "");
}

static void offer_workloads(struct complete *complete)
{
    const struct workload *workload;
    complete_last_piece(complete);
    for (size_t i = 0; (workload = workload_at(i)) != NULL; i++) {
        complete_offer(complete, workload->name, workload->help);
    }
}

static void offer_classes(struct complete *complete)
{
    for (unsigned class = 0; class < WORKLOAD_CLASSES; class ++) {
        complete_offer(complete, workload_class_name((enum workload_class) class), "");
    }
}

static void offer_engine_options(struct complete *complete, const char *policy)
{
    const struct mems_option *option;
    for (size_t i = 0; (option = mems_option_at(policy, i)) != NULL; i++) {
        char word[64];
        snprintf(word, sizeof word, "%s=", option->name);
        complete_offer(complete, word, option->help);
    }
}

static void offer_targets(struct complete *complete)
{
    complete_last_piece(complete);
    if (complete->stem[0] == '?') {
        complete_behead(complete, complete->stem + 1);
    }
    const char *open = strchr(complete->stem, '(');
    if (open == NULL) {
        target_each_word(complete_offer, complete);
    } else if (strncmp(complete->stem, "mems:", 5) == 0) {
        char *policy = strndup(complete->stem + 5, (size_t)(open - complete->stem - 5));
        complete_behead(complete, open + 1);
        complete_last_piece(complete);
        offer_engine_options(complete, policy);
        offer_engine_options(complete, NULL);
        free(policy);
    }
}

static void offer_value(struct complete *complete, const struct job_key *key)
{
    if (strcmp(key->name, "target") == 0) {
        offer_targets(complete);
    } else if (strcmp(key->name, "workload") == 0) {
        offer_workloads(complete);
    } else if (key->kind == JOB_FLAG) {
        complete_offer(complete, "yes", "");
        complete_offer(complete, "no", "");
    } else if (key->kind == JOB_PATH) {
        offer_files(complete);
    }
    for (const char *const *at = key->choices; at != NULL && *at != NULL; at++) {
        complete_offer(complete, *at, "");
    }
}

// KEY=VALUE or SECTION.KEY=VALUE.
static void offer_settings(struct complete *complete)
{
    const char *equals = strchr(complete->stem, '=');
    size_t length = equals != NULL ? (size_t)(equals - complete->stem) : strlen(complete->stem);
    const char *dot = memrchr(complete->stem, '.', length);
    if (dot != NULL) {
        complete_behead(complete, dot + 1);
    }
    if (equals == NULL) {
        offer_keys_ending(complete, "=");
        return;
    }
    const struct workload *workload;
    char *name = strndup(complete->stem, (size_t)(equals - complete->stem));
    const struct job_key *key = name != NULL ? job_key_find(name, &workload) : NULL;
    complete_behead(complete, equals + 1);
    if (key != NULL) {
        offer_value(complete, key);
    }
    free(name);
}

static void offer_metrics(struct complete *complete)
{
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        complete_offer(complete, metric_table[i].name, metric_table[i].help);
    }
}

static void offer_warnings(struct complete *complete)
{
    const char *code, *help;
    for (size_t i = 0; (code = warning_code_at(i, &help)) != NULL; i++) {
        complete_offer(complete, code, help);
    }
}

static void offer_algorithms(struct complete *complete)
{
    const struct faults_algorithm *algorithm;
    complete_last_piece(complete);
    for (size_t i = 0; (algorithm = faults_algorithm_at(i)) != NULL; i++) {
        complete_offer(complete, algorithm->name, algorithm->help);
    }
}

static void offer_exercises(struct complete *complete)
{
    const struct exercise *exercise;
    for (size_t i = 0; (exercise = exercise_at(i)) != NULL; i++) {
        complete_offer(complete, exercise->name, exercise->title);
    }
    offer_files(complete);
}

static bool complete_is_history(const struct complete *complete)
{
    return strcmp(complete->command->name, "history") == 0;
}

static void offer_sections(struct complete *complete)
{
    if (complete_is_history(complete)) {
        complete_history_sections(complete);
    } else {
        complete_job_sections(complete);
    }
}

static void offer_jobs(struct complete *complete)
{
    if (complete_is_history(complete)) {
        complete_history_jobs(complete);
        return;
    }
    fprintf(complete->out, ":files *.ini\n");
    home_each_job(offer_job, complete);
}

// ---- which of them ------------------------------------------------------------------------------

struct complete_source {
    const char *name;
    void (*offer)(struct complete *complete);
};

static const struct complete_source complete_options[] = {
    {"class", offer_classes},      {"metric", offer_metrics},
    {"no-warn", offer_warnings},   {"replacement", offer_algorithms},
    {"section", offer_sections},   {"set", offer_settings},
    {"target", offer_targets},     {"targets", offer_targets},
    {"workload", offer_workloads}, {NULL, NULL},
};

// By how a placeholder begins.
static const struct complete_source complete_placeholders[] = {
    {"JOB", offer_jobs},         {"FILE", offer_files},         {"TRACE", offer_files},
    {"RESULT", offer_files},     {"OUT", offer_files},          {"A.json", offer_files},
    {"B.json", offer_files},     {"EXERCISE", offer_exercises}, {"DIR", offer_folders},
    {"PROGRAM", offer_programs}, {"COMMAND", offer_commands},   {"KEY", offer_keys},
    {"PART", offer_parts},       {"TARGET", offer_targets},     {NULL, NULL},
};

// Small words separated by | are themselves: "random|pct:D", "aa|sensitivity".
static void complete_literal(struct complete *complete, const char *word, size_t length)
{
    while (length > 0) {
        char piece[64];
        size_t end = 0;
        while (end < length && word[end] != '|') {
            end++;
        }
        snprintf(piece, sizeof piece, "%.*s", (int)end, word);
        if (islower((unsigned char)piece[0]) || strchr(piece, ':') != NULL) {
            piece[strcspn(piece, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] = '\0';
            complete_offer(complete, piece, "");
        }
        word += end + (end < length);
        length -= end + (end < length);
    }
}

static void complete_placeholder(struct complete *complete, const char *word, size_t length)
{
    for (const struct complete_source *at = complete_placeholders; at->name != NULL; at++) {
        size_t most = strlen(at->name);
        if (length >= most && strncmp(word, at->name, most) == 0 &&
            (length == most || !isupper((unsigned char)word[most]))) {
            at->offer(complete);
            return;
        }
    }
    complete_literal(complete, word, length);
}

// The words of a command's form that are neither the command itself nor an option with its value.
static void complete_form(struct complete *complete)
{
    static const char between[] = " []";
    const char *at = complete->command->form + strlen(complete->command->name);
    bool value = false;
    bool seen_files = false;
    for (at += strspn(at, between); *at != '\0'; at += strspn(at, between)) {
        size_t length = strcspn(at, between);
        bool file = strncmp(at, "FILE", 4) == 0 || strncmp(at + 1, ".json", 5) == 0;
        if (*at == '-' && length > 1) {
            value = at[length] == ' ' && strncmp(at, "--", length) != 0;
        } else if (value || *at == '|' || strncmp(at, "OPTIONS", length) == 0 ||
                   strncmp(at, complete->command->name, length) == 0) {
            value = false;
        } else if (!file || !seen_files) {
            seen_files |= file;
            complete_placeholder(complete, at, length);
        }
        at += length;
    }
}

static void complete_value(struct complete *complete, const struct cli_option *option)
{
    for (const struct complete_source *at = complete_options; at->name != NULL; at++) {
        if (strcmp(at->name, option->name) == 0) {
            at->offer(complete);
            return;
        }
    }
    complete_placeholder(complete, option->argument, strlen(option->argument));
}

static void complete_dashes(struct complete *complete)
{
    const struct cli_option *at = complete->command->options;
    for (; at != NULL && at->name != NULL; at++) {
        char word[64];
        snprintf(word, sizeof word, "%s%s", at->name[1] == '\0' ? "-" : "--", at->name);
        complete_offer(complete, word, at->help);
    }
    complete_offer(complete, "--help", "what it does, and its options");
}

// The option that a word names, without its value; NULL: none.
const struct cli_option *complete_option(const struct cli_command *command, const char *word,
                                         size_t length)
{
    const struct cli_option *at = command->options;
    size_t dashes = strspn(word, "-");
    for (; at != NULL && at->name != NULL; at++) {
        if (dashes > 0 && strlen(at->name) == length - dashes &&
            strncmp(at->name, word + dashes, length - dashes) == 0) {
            return at;
        }
    }
    return NULL;
}

// The command that the words begin with, a part of it where one is named; *words is moved on past.
static const struct cli_command *complete_command(const struct cli_list *words, size_t *next)
{
    const struct cli_command *command = NULL;
    for (size_t i = 0; words->count > 1 && cli_command_at(i) != NULL && command == NULL; i++) {
        if (strcmp(cli_command_at(i)->name, words->items[0]) == 0) {
            command = cli_command_at(i);
        }
    }
    *next = 1;
    for (size_t i = 0; command != NULL && words->count > 2 && command->parts != NULL; i++) {
        if (command->parts[i] == NULL) {
            break;
        }
        if (strcmp(strrchr(command->parts[i]->name, ' ') + 1, words->items[1]) == 0) {
            *next = 2;
            return command->parts[i];
        }
    }
    return command;
}

// What stands between the command and the last word: the option whose value the last word is, or
// whether options have ended.
struct complete_state {
    const struct cli_option *awaits;
    bool ended, program;
};

static void complete_walk(const struct cli_command *command, const struct cli_list *words,
                          size_t next, struct complete_state *state)
{
    for (size_t i = next; i + 1 < words->count; i++) {
        const char *word = words->items[i];
        const struct cli_option *option = complete_option(command, word, strlen(word));
        if (state->awaits != NULL) {
            state->awaits = NULL;
        } else if (!state->ended && option != NULL && option->kind != CLI_FLAG) {
            state->awaits = option;
        } else if (!state->ended && strcmp(word, "--") == 0) {
            state->ended = true;
        } else if (command->program && (state->ended || word[0] != '-')) {
            state->program = true;
        }
    }
}

void complete_words(const struct cli_list *words, FILE *out)
{
    size_t next;
    struct complete_state state = {0};
    if (words->count == 0) {
        return;
    }
    struct complete complete = {.out = out, .words = words, .stem = words->items[words->count - 1]};
    complete.command = complete_command(words, &next);
    complete.next = next;
    if (complete.command == NULL) {
        if (words->count == 1) {
            offer_commands(&complete);
            complete_offer(&complete, "--help", "the commands");
            complete_offer(&complete, "--version", "");
        }
        return;
    }
    complete_walk(complete.command, words, next, &state);
    const char *equals = strchr(complete.stem, '=');
    const struct cli_option *option =
        equals != NULL && strncmp(complete.stem, "--", 2) == 0
            ? complete_option(complete.command, complete.stem, (size_t)(equals - complete.stem))
            : NULL;
    if (state.program) {
        offer_files(&complete);
    } else if (state.awaits != NULL) {
        complete_value(&complete, state.awaits);
    } else if (!state.ended && option != NULL && option->kind != CLI_FLAG) {
        complete_behead(&complete, equals + 1);
        complete_value(&complete, option);
    } else if (!state.ended && complete.stem[0] == '-') {
        complete_dashes(&complete);
    } else {
        complete_form(&complete);
    }
}
