// SPDX-License-Identifier: MIT
//
// plan.c - what a run will do: its sections, their targets, and the cells in their order.

#include "run/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/course.h"
#include "workload/random.h"
#include "workload/workload.h"

static void *plan_zeroed(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static char *plan_copy(const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL) {
        abort();
    }
    return copy;
}

const char *cell_verdict_name(enum cell_verdict verdict)
{
    static const char *const names[] = {
        [CELL_WAITING] = "not run",   [CELL_PASS] = "pass",       [CELL_FAILED] = "failed",
        [CELL_CRASHED] = "crashed",   [CELL_HUNG] = "hung",       [CELL_INCOMPLETE] = "incomplete",
        [CELL_UNSTEADY] = "unsteady", [CELL_SKIPPED] = "skipped",
    };
    return names[verdict];
}

static bool plan_wants(const char *const *names, const char *name)
{
    for (; names != NULL && *names != NULL; names++) {
        if (strcmp(*names, name) == 0) {
            return true;
        }
    }
    return false;
}

// Every name that was asked for must be a section of the job.
static int plan_check_names(const struct job *job, const char *const *names,
                            struct complaint *complaint)
{
    const char **known = plan_zeroed(job->section_count + 1, sizeof *known);
    int error = 0;
    for (size_t i = 0; i < job->section_count; i++) {
        known[i] = job->sections[i].name;
    }
    for (; names != NULL && *names != NULL && error == 0; names++) {
        if (!plan_wants(known, *names)) {
            const char *near = job_suggest(*names, known);
            complain(complaint, "%s has no section \"%s\"%s%s%s", job->path, *names,
                     near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                     near != NULL ? "\"?" : "");
            error = EINVAL;
        }
    }
    free(known);
    return error;
}

// The folder in which relative paths of the section's targets start.
static char *plan_folder(const struct job_value *value)
{
    const char *slash = value->file != NULL ? strrchr(value->file, '/') : NULL;
    if (slash == NULL) {
        return NULL;
    }
    return slash == value->file ? plan_copy("/")
                                : strndup(value->file, (size_t)(slash - value->file));
}

static int plan_target(struct plan_section *section, const char *text, const char *folder,
                       bool from_job, struct complaint *complaint)
{
    struct complaint inner = {0};
    struct target_spec *spec = &section->specs[section->spec_count];
    int error = target_parse(text, folder, spec, &inner);
    spec->folder = NULL; // resolved: not needed any more
    if (error == ENOENT && spec->optional) {
        section->missing[section->spec_count] = plan_copy(inner.text);
        error = 0;
    }
    if (error != 0) {
        if (from_job) {
            job_complain(section->section, "target", complaint, "%s", inner.text);
        } else {
            complain(complaint, "%s", inner.text);
        }
        return error;
    }
    for (size_t i = 0; i < section->spec_count; i++) {
        if (strcmp(section->specs[i].name, spec->name) == 0) {
            complain(complaint, "[%s] target %s is given twice", section->section->name,
                     spec->name);
            section->spec_count++;
            return EINVAL;
        }
    }
    section->spec_count++;
    return 0;
}

static int plan_targets(struct plan_section *section, const struct plan_options *options,
                        struct complaint *complaint)
{
    const char *const *list = options->targets;
    char *folder = NULL;
    if (list == NULL) {
        const struct job_value *value = job_value(section->section, "target");
        list = (const char *const *)value->list;
        folder = plan_folder(value);
    }
    size_t count = 0;
    while (list[count] != NULL) {
        count++;
    }
    section->specs = plan_zeroed(count, sizeof *section->specs);
    section->missing = plan_zeroed(count, sizeof *section->missing);
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++) {
        error = plan_target(section, list[i], folder, options->targets == NULL, complaint);
    }
    free(folder);
    return error;
}

static int plan_threads(struct plan_section *section, struct complaint *complaint)
{
    const struct workload *workload = section->section->workload;
    section->threads = (unsigned)job_number(section->section, "threads");
    int error = 0;
    if (workload->threads != NULL) {
        error = workload->threads(section->section, &section->threads);
        if (error != 0) {
            complain(complaint, "[%s] workload %s does not say how many threads it needs: %s",
                     section->section->name, workload->name, strerror(error));
        }
    }
    return error;
}

static int plan_section_make(struct plan_section *made, const struct job_section *section,
                             const struct plan_options *options, struct complaint *complaint)
{
    made->section = section;
    made->seed = options->seeded ? options->seed : job_number(section, "seed");
    made->repeats =
        options->repeats != 0 ? options->repeats : (unsigned)job_number(section, "repeats");
    made->text = job_section_text(section);
    int error = course_check(section, complaint);
    error = error != 0 ? error : plan_threads(made, complaint);
    error = error != 0 ? error : pin_resolve(section, made->pin, complaint);
    if (error == 0 && section->workload->demand != NULL) {
        error = section->workload->demand(section, &made->demand, complaint);
    }
    if (error != 0) {
        return EINVAL;
    }
    return plan_targets(made, options, complaint);
}

void plan_target_text(const struct target_spec *spec, char *text, size_t size)
{
    if (spec->preload != NULL && strchr(spec->argument, '/') != NULL) {
        snprintf(text, size, "%s:%s", spec->target->name, spec->preload);
    } else {
        snprintf(text, size, "%s", spec->name);
    }
}

void plan_quote(const char *text, char *quoted, size_t size)
{
    if (*text != '\0' && strpbrk(text, " \t\n'\"\\$&|;<>()*?[]#~`{}!") == NULL) {
        snprintf(quoted, size, "%s", text);
        return;
    }
    size_t length = 0;
    quoted[length++] = '\'';
    for (; *text != '\0' && length + 6 < size; text++) {
        if (*text == '\'') {
            memcpy(quoted + length, "'\\''", 4);
            length += 4;
        } else {
            quoted[length++] = *text;
        }
    }
    quoted[length++] = '\'';
    quoted[length] = '\0';
}

static void plan_cell(struct plan *plan, struct plan_section *section, unsigned target,
                      unsigned repeat)
{
    struct cell *cell = &plan->cells[plan->cell_count++];
    char text[4096];
    char quoted[4200];
    char name[512];
    cell->section = section;
    cell->spec = &section->specs[target];
    cell->target = target;
    cell->repeat = repeat;
    // The first repeat runs with the seed itself, so that --seed with a cell's own does it again.
    cell->seed = repeat == 0 ? section->seed : random_mix(section->seed + repeat);
    if (section->missing[target] != NULL) {
        cell->verdict = CELL_SKIPPED;
        snprintf(cell->message, sizeof cell->message, "%s", section->missing[target]);
        return;
    }
    plan_target_text(cell->spec, text, sizeof text);
    plan_quote(text, quoted, sizeof quoted);
    plan_quote(section->section->name, name, sizeof name);
    snprintf(cell->rerun, sizeof cell->rerun, "%s --section %s --target %s --seed %llu --repeats 1",
             plan->command, name, quoted, (unsigned long long)cell->seed);
}

static void plan_order(struct plan *plan, struct plan_section *section)
{
    struct random random;
    unsigned *order = plan_zeroed(section->spec_count, sizeof *order);
    random_init(&random, section->seed, 0, UINT64_MAX);
    for (unsigned repeat = 0; repeat < section->repeats; repeat++) {
        for (unsigned i = 0; i < section->spec_count; i++) {
            order[i] = i;
        }
        for (unsigned i = (unsigned)section->spec_count; i > 1; i--) {
            unsigned j = (unsigned)random_below(&random, i);
            unsigned swap = order[i - 1];
            order[i - 1] = order[j];
            order[j] = swap;
        }
        for (unsigned i = 0; i < section->spec_count; i++) {
            plan_cell(plan, section, order[i], repeat);
        }
    }
    free(order);
}

int plan_make(const struct job *job, const char *command, const struct plan_options *options,
              struct plan **plan, struct complaint *complaint)
{
    struct plan *made = plan_zeroed(1, sizeof *made);
    made->job = job;
    made->command = command;
    made->sections = plan_zeroed(job->section_count, sizeof *made->sections);
    int error = plan_check_names(job, options->sections, complaint);
    size_t cells = 0;
    for (size_t i = 0; i < job->section_count && error == 0; i++) {
        const struct job_section *section = &job->sections[i];
        if (options->sections == NULL || plan_wants(options->sections, section->name)) {
            struct plan_section *next = &made->sections[made->section_count++];
            error = plan_section_make(next, section, options, complaint);
            cells += next->spec_count * next->repeats;
        }
    }
    if (error != 0) {
        plan_free(made);
        return error;
    }
    made->cells = plan_zeroed(cells, sizeof *made->cells);
    for (size_t i = 0; i < made->section_count; i++) {
        plan_order(made, &made->sections[i]);
    }
    *plan = made;
    return 0;
}

void plan_free(struct plan *plan)
{
    if (plan == NULL) {
        return;
    }
    for (size_t i = 0; i < plan->cell_count; i++) {
        stage_detach(plan->cells[i].stage);
        free(plan->cells[i].output);
    }
    for (size_t i = 0; i < plan->section_count; i++) {
        struct plan_section *section = &plan->sections[i];
        for (size_t j = 0; j < section->spec_count; j++) {
            target_spec_fini(&section->specs[j]);
            free(section->missing[j]);
        }
        free(section->specs);
        free(section->missing);
        free(section->text);
    }
    free(plan->cells);
    free(plan->sections);
    free(plan);
}
