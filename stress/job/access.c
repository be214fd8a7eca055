// SPDX-License-Identifier: MIT
//
// access.c - a section's values by key, and the section written back as a job.

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "job/job.h"
#include "job/number.h"
#include "job/tables.h"
#include "workload/workload.h"

const struct job_value *job_value(const struct job_section *section, const char *key)
{
    for (size_t row = 0; row < section->value_count; row++) {
        if (strcmp(section->values[row].key->name, key) == 0) {
            return &section->values[row];
        }
    }
    fprintf(stderr, "mems-stress: bug: workload %s asks for key '%s', which it does not have\n",
            section->workload->name, key);
    abort();
}

uint64_t job_number(const struct job_section *section, const char *key)
{
    return job_value(section, key)->number;
}

double job_real(const struct job_section *section, const char *key)
{
    return job_value(section, key)->real;
}

const char *job_text(const struct job_section *section, const char *key)
{
    const struct job_value *value = job_value(section, key);
    return value->key->kind == JOB_PATH ? value->path : value->text;
}

void job_complain(const struct job_section *section, const char *key, struct complaint *complaint,
                  const char *format, ...)
{
    char message[sizeof complaint->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    const struct job_value *value = job_value(section, key);
    struct complaint_place place = {value->file, value->line, value->column};
    if (!value->given) {
        place = (struct complaint_place){section->file, section->line, section->column};
    }
    complain_at(complaint, &place, "%s = %s: %s", key,
                value->text[0] ? complaint_clip(value->text).text : "(none)", message);
}

// A value so that document.c reads back the same text.
static void write_text(FILE *out, const char *text)
{
    size_t length = strlen(text);
    bool quoted = length == 0 || text[0] == '"' || text[length - 1] == ' ' ||
                  text[length - 1] == '\t' || strchr(" \t#;", text[0]);
    for (size_t i = 1; i < length; i++) {
        quoted |= (text[i] == '#' || text[i] == ';') && (text[i - 1] == ' ' || text[i - 1] == '\t');
    }
    if (quoted) {
        putc('"', out);
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '$' || (quoted && text[i] == '"')) {
            putc(text[i], out);
        }
        putc(text[i], out);
    }
    if (quoted) {
        putc('"', out);
    }
}

static void write_list(FILE *out, char *const *list)
{
    size_t length = 1;
    for (char *const *piece = list; *piece; piece++) {
        length += strlen(*piece) + 2;
    }
    char *joined = malloc(length);
    if (joined) {
        char *at = joined;
        for (char *const *piece = list; *piece; piece++) {
            at += sprintf(at, "%s%s", piece == list ? "" : ", ", *piece);
        }
        write_text(out, joined);
    }
    free(joined);
}

static void write_value(FILE *out, const struct job_value *value)
{
    char time[32];
    switch (value->key->kind) {
    case JOB_NUMBER:
    case JOB_SIZE:
        fprintf(out, "%" PRIu64, value->number);
        break;
    case JOB_TIME:
        number_write_time(value->number, time, sizeof time);
        fputs(time, out);
        break;
    case JOB_REAL:
        fprintf(out, "%.17g", value->real);
        break;
    case JOB_FLAG:
        fputs(value->number ? "yes" : "no", out);
        break;
    case JOB_CHOICE:
        fputs(value->key->choices[value->number], out);
        break;
    case JOB_RATIO:
        fprintf(out,
                value->number == 0   ? "none"
                : value->number == 1 ? "all"
                                     : "1/%" PRIu64,
                value->number);
        break;
    case JOB_TEXT:
    case JOB_DISTRIBUTION:
        write_text(out, value->text);
        break;
    case JOB_PATH:
        write_text(out, value->path);
        break;
    case JOB_LIST:
        write_list(out, value->list);
        break;
    }
}

char *job_section_text(const struct job_section *section)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) {
        return NULL;
    }
    fprintf(out, "[%s]\n", section->name);
    bool untimed = job_number(section, "ops") > 0 || job_number(section, "runtime") == 0;
    for (size_t row = 0; row < section->value_count; row++) {
        const struct job_value *value = &section->values[row];
        const char *name = value->key->name;
        bool none = !value->text[0];
        if (none || table_unused(section->workload, name) ||
            (untimed && strcmp(name, "runtime") == 0)) {
            continue;
        }
        fprintf(out, "%s = ", name);
        write_value(out, value);
        putc('\n', out);
    }
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}
