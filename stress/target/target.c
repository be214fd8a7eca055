// SPDX-License-Identifier: MIT
//
// target.c - the table of targets, and reading one from a job's word.

#include "target/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "job/complaint.h"
#include "job/job.h"
#include "target/rows.h"

static const struct target *const target_table[] = {
    &target_null, &target_libc, &target_preload, &target_mems, &target_delay,
};

#define TARGET_COUNT (sizeof target_table / sizeof target_table[0])

const struct target *target_at(size_t index)
{
    return index < TARGET_COUNT ? target_table[index] : NULL;
}

const struct target_spec *target_spec_base(const struct target_spec *spec)
{
    while (spec->inner != NULL) {
        spec = spec->inner;
    }
    return spec;
}

size_t target_list_piece(const char *list)
{
    size_t length = 0;
    for (int depth = 0; list[length] != '\0' && (list[length] != ',' || depth > 0); length++) {
        depth += (list[length] == '(') - (list[length] == ')');
    }
    return length;
}

void target_spec_fini(struct target_spec *spec)
{
    if (spec->inner != NULL) {
        target_spec_fini(spec->inner);
        free(spec->inner);
    }
    free(spec->name);
    free(spec->argument);
    free(spec->options);
    free(spec->preload);
    memset(spec, 0, sizeof *spec);
}

void target_each_word(target_word take, void *arg)
{
    for (size_t i = 0; i < TARGET_COUNT; i++) {
        if (target_table[i]->each_word != NULL) {
            target_table[i]->each_word(take, arg);
        } else {
            take(arg, target_table[i]->name, target_table[i]->help);
        }
    }
}

static void target_complain_unknown(const char *kind, const char *text, struct complaint *complaint)
{
    const char *kinds[TARGET_COUNT + 1];
    for (size_t i = 0; i < TARGET_COUNT; i++) {
        kinds[i] = target_table[i]->name;
    }
    kinds[TARGET_COUNT] = NULL;
    const char *near = job_suggest(kind, kinds);
    complain(complaint, "target \"%s\": no such kind \"%s\"%s%s%s; known: null, libc, %s, %s, %s",
             text, kind, near != NULL ? " (did you mean \"" : "", near != NULL ? near : "",
             near != NULL ? "\"?)" : "", target_preload.form, target_mems.form, target_delay.form);
}

static char *target_piece(const char *from, const char *to)
{
    char *piece = strndup(from, (size_t)(to - from));
    if (piece == NULL) {
        complain_exhausted();
    }
    return piece;
}

// Cuts KIND, :ARGUMENT and (OPTIONS) apart. `text` is without '?' and surrounding blanks.
static int target_cut(const char *text, char **kind, struct target_spec *spec,
                      struct complaint *complaint)
{
    const char *end = text + strlen(text);
    const char *open = strchr(text, '(');
    if (open != NULL) {
        if (end[-1] != ')') {
            complain(complaint, "target \"%s\": the '(' is not closed at the end", text);
            return EINVAL;
        }
        spec->options = target_piece(open + 1, end - 1);
        end = open;
    }
    const char *colon = memchr(text, ':', (size_t)(end - text));
    if (colon != NULL) {
        spec->argument = target_piece(colon + 1, end);
        end = colon;
    }
    *kind = target_piece(text, end);
    return 0;
}

int target_parse(const char *text, const char *folder, struct target_spec *spec,
                 struct complaint *complaint)
{
    char *kind = NULL;
    memset(spec, 0, sizeof *spec);
    text += strspn(text, " \t");
    if (*text == '?') {
        spec->optional = true;
        text++;
        text += strspn(text, " \t");
    }
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t", text[length - 1]) != NULL) {
        length--;
    }
    if (length == 0) {
        complain(complaint, "an empty target; write for instance \"libc\" or \"mems:dynamic\"");
        return EINVAL;
    }
    spec->name = target_piece(text, text + length);
    spec->folder = folder;
    int error = target_cut(spec->name, &kind, spec, complaint);
    if (error != 0) {
        goto out;
    }
    error = EINVAL;
    for (size_t i = 0; i < TARGET_COUNT; i++) {
        if (strcmp(target_table[i]->name, kind) == 0) {
            spec->target = target_table[i];
            error = spec->target->resolve(spec, complaint);
            goto out;
        }
    }
    target_complain_unknown(kind, spec->name, complaint);
out:
    free(kind);
    if (error != 0 && !(error == ENOENT && spec->optional)) {
        target_spec_fini(spec);
    }
    return error;
}
