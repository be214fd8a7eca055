// SPDX-License-Identifier: MIT
//
// fit.c - whether two sections are the same work: workload, threads, keys and the files they name.
//
// A file counts by its content: the SHA-256 that its result has of it, not the path, which differs
// from machine to machine. Where a result has none (an older one, or a build without libnettle),
// one path is taken for one file, and a note says that this is not known; two paths are refused.
//
// compare_work says the same of one section alone, as text: two sections fit where their texts are
// the same. (Two paths of files without a SHA-256 are two works.)

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/inner.h"
#include "disk/memory.h"
#include "job/complaint.h"
#include "job/job.h"

// Keys that may differ: none of them changes the operations or how they are measured.
static const char *const fit_free[] = {
    "target",  "repeats", "seed",     "threads",       "timeout",      "setup",
    "prepare", "cleanup", "wait_for", "latency_limit", "memory_limit", "folder",
};

static const char *fit_value(const struct measured_section *section, const char *key)
{
    for (size_t i = 0; i < section->value_count; i++) {
        if (strcmp(section->values[i].key, key) == 0) {
            return section->values[i].text;
        }
    }
    return NULL;
}

static const struct measured_file *fit_file(const struct measured_section *section, const char *key)
{
    for (size_t i = 0; i < section->file_count; i++) {
        if (strcmp(section->files[i].key, key) == 0) {
            return &section->files[i];
        }
    }
    return NULL;
}

static bool fit_may_differ(const char *key)
{
    for (size_t i = 0; i < sizeof fit_free / sizeof fit_free[0]; i++) {
        if (strcmp(fit_free[i], key) == 0) {
            return true;
        }
    }
    return false;
}

static const char *fit_standard(const char *key)
{
    const struct workload *workload;
    const struct job_key *row = job_key_find(key, &workload);
    return row != NULL && row->standard != NULL ? row->standard : "";
}

static bool fit_is_path(const char *key)
{
    const struct workload *workload;
    const struct job_key *row = job_key_find(key, &workload);
    return row != NULL && row->kind == JOB_PATH;
}

// A key whose value is a file, named by both sides.
static bool fit_content(struct comparison *comparison, const struct measured_section *a,
                        const struct measured_section *b, const char *key, const char *text_a,
                        const char *text_b)
{
    const struct measured_file *in_a = fit_file(a, key);
    const struct measured_file *in_b = fit_file(b, key);
    bool known_a = in_a != NULL && *in_a->sha256 != '\0';
    bool known_b = in_b != NULL && *in_b->sha256 != '\0';
    const char *lacks = known_a ? "B" : known_b ? "A" : "either";
    if (known_a && known_b) {
        if (strcmp(in_a->sha256, in_b->sha256) == 0) {
            return true;
        }
        compare_note(comparison, a->name, NULL, COMPARE_REFUSED,
                     "the file of %s is another: \"%s\" of SHA-256 %.12s... in A, \"%s\" of "
                     "%.12s... in B",
                     complaint_clip(key).text, complaint_clip(text_a).text, in_a->sha256,
                     complaint_clip(text_b).text, in_b->sha256);
        return false;
    }
    if (strcmp(text_a, text_b) == 0) {
        compare_note(comparison, a->name, NULL, COMPARE_TOLD,
                     "whether the file of %s is the same is unknown: no SHA-256 of it in %s",
                     complaint_clip(key).text, lacks);
        return true;
    }
    compare_note(
        comparison, a->name, NULL, COMPARE_REFUSED,
        "%s is \"%s\" in A, \"%s\" in B; whether they hold the same is unknown: no SHA-256 "
        "in %s",
        complaint_clip(key).text, complaint_clip(text_a).text, complaint_clip(text_b).text, lacks);
    return false;
}

static bool fit_key(struct comparison *comparison, const struct measured_section *a,
                    const struct measured_section *b, const char *key)
{
    const char *text_a = fit_value(a, key);
    const char *text_b = fit_value(b, key);
    text_a = text_a != NULL ? text_a : fit_standard(key);
    text_b = text_b != NULL ? text_b : fit_standard(key);
    if (fit_may_differ(key)) {
        return true;
    }
    bool path = fit_is_path(key) || fit_file(a, key) != NULL || fit_file(b, key) != NULL;
    if (path && *text_a != '\0' && *text_b != '\0') {
        return fit_content(comparison, a, b, key, text_a, text_b);
    }
    if (strcmp(text_a, text_b) != 0) {
        compare_note(comparison, a->name, NULL, COMPARE_REFUSED, "%s is \"%s\" in A, \"%s\" in B",
                     complaint_clip(key).text, complaint_clip(text_a).text,
                     complaint_clip(text_b).text);
        return false;
    }
    return true;
}

// The first that does not fit is told.
static bool fit_keys(struct comparison *comparison, const struct measured_section *a,
                     const struct measured_section *b)
{
    bool fits = true;
    for (size_t i = 0; i < a->value_count && fits; i++) {
        fits = fit_key(comparison, a, b, a->values[i].key);
    }
    for (size_t i = 0; i < b->value_count && fits; i++) {
        fits =
            fit_value(a, b->values[i].key) != NULL || fit_key(comparison, a, b, b->values[i].key);
    }
    return fits;
}

bool compare_fits(struct comparison *comparison, const struct measured_section *a,
                  const struct measured_section *b)
{
    if (strcmp(a->workload, b->workload) != 0) {
        compare_note(comparison, a->name, NULL, COMPARE_REFUSED, "workload is %s in A, %s in B",
                     complaint_clip(a->workload).text, complaint_clip(b->workload).text);
        return false;
    }
    if (a->version != b->version) {
        compare_note(comparison, a->name, NULL, COMPARE_REFUSED,
                     "workload %s is version %u in A, %u in B: they do other operations",
                     complaint_clip(a->workload).text, a->version, b->version);
        return false;
    }
    if (a->threads != b->threads) {
        compare_note(comparison, a->name, NULL, COMPARE_REFUSED, "threads are %u in A, %u in B",
                     a->threads, b->threads);
        return false;
    }
    return fit_keys(comparison, a, b);
}

static int fit_order(const void *a, const void *b)
{
    const struct measured_value *const *left = a;
    const struct measured_value *const *right = b;
    return strcmp((*left)->key, (*right)->key);
}

// Of a file its content, or its path where that is what people are to be told.
static char *fit_work(const struct measured_section *section, const char *separator, bool paths)
{
    char *text = NULL;
    size_t length;
    const struct measured_value **values = measured_zeroed(section->value_count, sizeof *values);
    FILE *out = disk_memory(&text, &length);
    if (out == NULL) {
        complain_exhausted();
    }
    fprintf(out, "%s %u, %u threads%s", section->workload, section->version, section->threads,
            separator);
    for (size_t i = 0; i < section->value_count; i++) {
        values[i] = &section->values[i];
    }
    qsort(values, section->value_count, sizeof(const struct measured_value *), fit_order);
    for (size_t i = 0; i < section->value_count; i++) {
        const char *key = values[i]->key;
        const struct measured_file *file = fit_file(section, key);
        bool content = file != NULL && *file->sha256 != '\0' && !paths;
        const char *says = content ? file->sha256 : values[i]->text;
        if (!fit_may_differ(key) && strcmp(says, fit_standard(key)) != 0) {
            fprintf(out, "%s=%s%s", key, says, separator);
        }
    }
    if (fclose(out) != 0) {
        complain_exhausted();
    }
    free(values);
    return text;
}

char *compare_work(const struct measured_section *section)
{
    return fit_work(section, "\n", false);
}

char *compare_work_told(const struct measured_section *section)
{
    return fit_work(section, " ", true);
}
