// SPDX-License-Identifier: MIT
//
// access.c - a section's values by key, the section written back as a job, and a job's end.

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "disk/memory.h"
#include "job/conflict.h"
#include "job/job.h"
#include "job/number.h"
#include "job/tables.h"
#include "job/value.h"
#include "job/whole.h"
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

// A value so that document.c reads back the same text. Where `whole`, a comma would sweep.
static void write_text(FILE *out, const char *text, bool whole)
{
    size_t length = strlen(text);
    bool quoted = length == 0 || text[0] == '"' || text[length - 1] == ' ' ||
                  text[length - 1] == '\t' || strchr(" \t#;", text[0]) ||
                  (whole && strchr(text, ','));
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
        write_text(out, joined, false);
    }
    free(joined);
}

// As few digits as are read back to the same number.
static void write_real(FILE *out, double real)
{
    char text[40];
    int digits = 6;
    do {
        snprintf(text, sizeof text, "%.*g", digits, real);
    } while (strtod(text, NULL) != real && digits++ < 17);
    fputs(text, out);
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
        write_real(out, value->real);
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
        write_text(out, value->text, !value->key->plain);
        break;
    case JOB_DISTRIBUTION:
        distribution_write(value->text, out);
        break;
    case JOB_PATH:
        write_text(out, value->path, true);
        break;
    case JOB_LIST:
    case JOB_SET:
        write_list(out, value->list);
        break;
    }
}

static const struct job_replacement *find_replacement(const struct job_replacement *replacements,
                                                      size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(replacements[i].key, key) == 0) {
            return &replacements[i];
        }
    }
    return NULL;
}

// Whether the key is left out: it has no value, or nobody would take it.
static bool is_left_out(const struct job_section *section, const struct job_value *value)
{
    const char *name = value->key->name;
    bool untimed = job_number(section, "ops") > 0 || job_number(section, "runtime") == 0;
    return !value->text[0] || table_unused(section->workload, name) ||
           conflict_idle(section, name) || (untimed && strcmp(name, "runtime") == 0);
}

char *job_section_text_with(const struct job_section *section,
                            const struct job_replacement *replacements, size_t count)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = disk_memory(&text, &size);
    if (!out) {
        return NULL;
    }
    fprintf(out, "[%s]\n", section->name);
    for (size_t row = 0; row < section->value_count; row++) {
        const struct job_value *value = &section->values[row];
        const struct job_replacement *instead =
            find_replacement(replacements, count, value->key->name);
        if (instead ? !instead->text : is_left_out(section, value)) {
            continue;
        }
        fprintf(out, "%s = ", value->key->name);
        if (instead) {
            write_text(out, instead->text, value->key->kind != JOB_LIST && !value->key->plain);
        } else {
            write_value(out, value);
        }
        putc('\n', out);
    }
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}

char *job_section_text(const struct job_section *section)
{
    return job_section_text_with(section, NULL, 0);
}

const char *job_variable_at(const struct job *job, size_t index)
{
    const struct job_whole *whole = (const struct job_whole *)job; // its first member
    const struct text_name *at = whole->document.names.first;
    while (at && index-- > 0) {
        at = at->next;
    }
    return at ? at->name : NULL;
}

void job_free(struct job *job)
{
    if (!job) {
        return;
    }
    for (size_t i = 0; i < job->section_count; i++) {
        for (size_t row = 0; row < job->sections[i].value_count; row++) {
            value_fini(&job->sections[i].values[row]);
        }
    }
    struct job_whole *whole = (struct job_whole *)job; // its first member
    document_fini(&whole->document);
    free(whole);
}
