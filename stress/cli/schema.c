// SPDX-License-Identifier: MIT
//
// schema.c - mems-stress schema: what a JSON document holds, as a JSON Schema.

#include "result/schema.h"

#include <stdio.h>

#include "cli/cli.h"
#include "job/job.h"
#include "result/verdict.h"

#define SCHEMA_MOST 16

struct schema_settings {
    bool list;
};

static const struct cli_option schema_options[] = {
    {"list", CLI_FLAG, NULL, "print the kinds of documents, and which commands write them",
     offsetof(struct schema_settings, list)},
    {0},
};

static int schema_list(void)
{
    const struct schema *schema;
    for (size_t i = 0; (schema = schema_at(i)) != NULL; i++) {
        printf("%-11s %-25s %s\n", schema->name, schema->document, schema->help);
    }
    return VERDICT_EXIT_PASS;
}

static int schema_unknown(const char *name)
{
    const char *names[SCHEMA_MOST + 1] = {NULL};
    for (size_t i = 0; i < SCHEMA_MOST && schema_at(i) != NULL; i++) {
        names[i] = schema_at(i)->name;
    }
    const char *near = job_suggest(name, names);
    fprintf(stderr, "mems-stress schema: no document \"%s\"%s%s%s\n", name,
            near != NULL ? "; did you mean \"" : "; see mems-stress schema --list",
            near != NULL ? near : "", near != NULL ? "\"?" : "");
    return VERDICT_EXIT_USAGE;
}

static int schema_main(int argc, char **argv)
{
    struct schema_settings settings = {0};
    struct cli_list words = {0};
    int status;
    if (!cli_parse(&cli_command_schema, argc, argv, &settings, &words, &status)) {
        return status;
    }
    if (words.count > 1) {
        fprintf(stderr, "mems-stress schema: one NAME at most\n");
        return VERDICT_EXIT_USAGE;
    }
    if (settings.list) {
        return schema_list();
    }
    const char *name = words.count > 0 ? words.items[0] : "result";
    const struct schema *schema = schema_find(name);
    if (schema == NULL) {
        return schema_unknown(name);
    }
    fputs(schema->text, stdout);
    return VERDICT_EXIT_PASS;
}

const struct cli_command cli_command_schema = {
    .name = "schema",
    .form = "schema [result | comparison | selftest | faults | show | explore | history | --list]",
    .help = "print the JSON Schema of a document that --json writes",
    .about = "Every field with its type, its unit and what it says (JSON Schema 2020-12). Without\n"
             "a name, that of a run's result; a document's member \"schema\" is a name too:\n"
             "mems-stress schema mems-stress/1",
    .options = schema_options,
    .main = schema_main,
};
