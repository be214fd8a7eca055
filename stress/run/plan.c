// SPDX-License-Identifier: MIT
//
// plan.c - what a run will do: its sections, their targets, and the cells in their order.

#include "run/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk/claim.h"
#include "disk/disk.h"
#include "disk/memory.h"
#include "job/complaint.h"
#include "job/sure.h"
#include "run/course.h"
#include "run/plan_order.h"
#include "workload/workload.h"

static char *plan_copy(const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL) {
        complain_exhausted();
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

// Whether a name stands for the section: its own, or that of its group.
static bool plan_is_called(const struct job_section *section, const char *name)
{
    return strcmp(section->name, name) == 0 || strcmp(job_text(section, "group"), name) == 0;
}

// For the choice of sections the name before a sweep will do too.
static bool plan_is_named(const struct job_section *section, const char *name)
{
    return plan_is_called(section, name) || strcmp(section->origin, name) == 0;
}

static bool plan_wants_section(const char *const *names, const struct job_section *section)
{
    bool wanted = false;
    for (; *names != NULL && !wanted; names++) {
        wanted = plan_is_named(section, *names);
    }
    return wanted;
}

// The known name nearest to one that no section has; the caller knows how to say it.
static const char *plan_near(const struct job *job, size_t count, const char *name)
{
    const char **known = plan_zeroed(2 * count + 1, sizeof *known);
    for (size_t i = 0; i < count; i++) {
        known[2 * i] = job->sections[i].name;
        known[2 * i + 1] = job_text(&job->sections[i], "group");
    }
    const char *near = job_suggest(name, known);
    free(known);
    return near;
}

// Every name that was asked for must be a section of the job, or a group.
static int plan_check_names(const struct job *job, const char *const *names,
                            struct complaint *complaint)
{
    for (; names != NULL && *names != NULL; names++) {
        size_t i = 0;
        while (i < job->section_count && !plan_is_named(&job->sections[i], *names)) {
            i++;
        }
        if (i == job->section_count) {
            const char *near = plan_near(job, job->section_count, *names);
            complain(complaint, "%s has no section \"%s\"%s%s%s", job->path, *names,
                     near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                     near != NULL ? "\"?" : "");
            return EINVAL;
        }
    }
    return 0;
}

bool plan_waits(const struct plan_section *section, const struct plan_section *other)
{
    const char *name = job_text(section->section, "wait_for");
    const char *group = job_text(section->section, "group");
    if (other >= section || name[0] == '\0') {
        return false;
    }
    if (strcmp(name, "all") == 0) { // but for the sections that run together with it
        return group[0] == '\0' || strcmp(job_text(other->section, "group"), group) != 0;
    }
    return plan_is_called(other->section, name);
}

// What a section waits for must be an earlier one of the job.
static int plan_check_gate(const struct job *job, size_t index, struct complaint *complaint)
{
    const struct job_section *section = &job->sections[index];
    const char *name = job_text(section, "wait_for");
    if (name[0] == '\0' || strcmp(name, "all") == 0) {
        return 0;
    }
    if (plan_is_called(section, name)) {
        job_complain(section, "wait_for", complaint, "the section would wait for itself");
        return EINVAL;
    }
    size_t i = 0;
    while (i < job->section_count && !plan_is_called(&job->sections[i], name)) {
        i++;
    }
    if (i < index) {
        return 0;
    }
    const char *near = plan_near(job, index, name);
    job_complain(section, "wait_for", complaint, "%s%s%s%s",
                 i < job->section_count ? "that section comes later: only an earlier one can be "
                                          "waited for"
                                        : "no earlier section or group has that name",
                 near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                 near != NULL ? "'?" : "");
    return EINVAL;
}

// Where a target that is missing would be: its path as the plan shows it. No cell loads it.
static void plan_place_missing(struct target_spec *spec, const char *folder)
{
    char *here = folder == NULL ? realpath(".", NULL) : NULL;
    if (spec->argument != NULL && strchr(spec->argument, '/') != NULL && spec->preload == NULL) {
        bool relative = spec->argument[0] != '/';
        const char *start = folder != NULL ? folder : here != NULL ? here : "";
        spec->preload =
            sure_print("%s%s%s", relative ? start : "", relative ? "/" : "", spec->argument);
    }
    free(here);
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
        plan_place_missing(spec, folder);
        error = 0;
    }
    if (error == 0 && section->section->workload->needs_malloc && !spec->target->process_malloc) {
        complain(&inner,
                 "workload %s calls the malloc of its own process, which %s is not: allowed are "
                 "libc and preload:NAME-OR-PATH",
                 section->section->workload->name, spec->name);
        section->spec_count++; // to be finished with the plan
        error = EINVAL;
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

// Targets of the command line, each word one or several.
static int plan_words(struct plan_section *section, const char *const *words,
                      struct complaint *complaint)
{
    int error = 0;
    for (; *words != NULL && error == 0; words++) {
        for (const char *at = *words; at != NULL && error == 0;) {
            size_t length = target_list_piece(at);
            char *piece = strndup(at, length);
            if (piece == NULL) {
                complain_exhausted();
            }
            error = plan_target(section, piece, NULL, false, complaint);
            free(piece);
            at = at[length] == ',' ? at + length + 1 : NULL;
        }
    }
    return error;
}

static size_t plan_commas(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += *text == ',';
    }
    return count;
}

static int plan_targets(struct plan_section *section, const struct plan_options *options,
                        struct complaint *complaint)
{
    const struct job_value *value = job_value(section->section, "target");
    const char *const *list =
        options->targets != NULL ? options->targets : (const char *const *)value->list;
    size_t most = 0; // a comma may stand between two
    for (size_t i = 0; list[i] != NULL; i++) {
        most += 1 + plan_commas(list[i]);
    }
    section->specs = plan_zeroed(most, sizeof *section->specs);
    section->missing = plan_zeroed(most, sizeof *section->missing);
    if (options->targets != NULL) {
        return plan_words(section, list, complaint);
    }
    int error = 0;
    for (size_t i = 0; list[i] != NULL && error == 0; i++) {
        error = plan_target(section, list[i], value->folder, true, complaint);
    }
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

bool plan_map_idle(const struct plan_section *section)
{
    const struct job_value *map = job_value(section->section, "map");
    bool engine = map->number == 0;
    for (size_t i = 0; i < section->spec_count && !engine; i++) {
        engine = target_spec_base(&section->specs[i])->target->engine != NULL;
    }
    return !engine;
}

bool plan_map_warning(const struct plan *plan, size_t section, char *text, size_t size)
{
    // Asked for of all sections at once it is enough that one has something to show.
    size_t asked = 0, idle = 0;
    for (size_t i = 0; i < plan->section_count; i++) {
        asked += job_number(plan->sections[i].section, "map") > 0;
        idle += plan_map_idle(&plan->sections[i]);
    }
    const struct job_section *job = plan->sections[section].section;
    const struct job_value *map = job_value(job, "map");
    bool own = map->file != NULL && strcmp(map->file, job->file) == 0 && map->line > job->line;
    if (!plan_map_idle(&plan->sections[section]) || (!own && idle < asked)) {
        return false;
    }
    snprintf(text, size,
             "[%s] map = %" PRIu64 " asks for pictures of memory, and no target of the section has "
             "any: add an engine's (mems:dynamic or another mems:POLICY), or leave map out",
             job->name, map->number);
    return true;
}

static int plan_section_make(struct plan_section *made, const struct job_section *section,
                             const struct plan_options *options, struct complaint *complaint)
{
    made->section = section;
    made->seed = options->seeded ? options->seed : job_number(section, "seed");
    made->repeats =
        options->repeats != 0 ? options->repeats : (unsigned)job_number(section, "repeats");
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
    if (spec->inner != NULL) {
        char inner[4096];
        plan_target_text(spec->inner, inner, sizeof inner);
        snprintf(text, size, "%s:%s(%s)", spec->target->name, spec->argument, inner);
    } else if (spec->preload != NULL && strchr(spec->argument, '/') != NULL) {
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

// Whether the plan has something that the section waits for.
static bool plan_has_gate(const struct plan *plan, const struct plan_section *section)
{
    bool waits = job_text(section->section, "wait_for")[0] != '\0';
    for (const struct plan_section *other = plan->sections; waits && other < section; other++) {
        if (plan_waits(section, other)) {
            return true;
        }
    }
    return false;
}

// The section with what was resolved here: targets whose paths start at the root, seed, repeats,
// and no gate that is not in the plan.
static char *plan_section_text(const struct plan *plan, const struct plan_section *section)
{
    char *targets = NULL;
    char seed[32];
    char repeats[32];
    size_t size;
    FILE *list = disk_memory(&targets, &size);
    if (list == NULL) {
        complain_exhausted();
    }
    for (size_t i = 0; i < section->spec_count; i++) {
        char text[4096];
        plan_target_text(&section->specs[i], text, sizeof text);
        fprintf(list, "%s%s%s", i > 0 ? ", " : "", section->specs[i].optional ? "?" : "", text);
    }
    if (fclose(list) != 0) {
        complain_exhausted();
    }
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)section->seed);
    snprintf(repeats, sizeof repeats, "%u", section->repeats);
    const struct job_replacement replaced[] = {
        {"target", targets},
        {"seed", seed},
        {"repeats", repeats},
        {"wait_for", NULL},
    };
    char *text =
        job_section_text_with(section->section, replaced, plan_has_gate(plan, section) ? 3 : 4);
    free(targets);
    if (text == NULL) {
        complain_exhausted();
    }
    return text;
}

static int plan_sections(struct plan *plan, const struct plan_options *options,
                         struct complaint *complaint)
{
    const struct job *job = plan->job;
    size_t cells = 0;
    for (size_t i = 0; i < job->section_count; i++) {
        const struct job_section *section = &job->sections[i];
        int error = plan_check_gate(job, i, complaint);
        if (error != 0) {
            return error;
        }
        if (options->sections != NULL && !plan_wants_section(options->sections, section)) {
            continue;
        }
        struct plan_section *next = &plan->sections[plan->section_count++];
        error = plan_section_make(next, section, options, complaint);
        if (error != 0) {
            return error;
        }
        cells += next->spec_count * next->repeats;
        if (cells > PLAN_CELLS_MAX) {
            struct complaint_place place = {section->file, section->line, section->column};
            complain_at(complaint, &place,
                        "with section [%s] there are more than %d cells (section x target x "
                        "repeat)",
                        section->name, PLAN_CELLS_MAX);
            return EINVAL;
        }
    }
    return 0;
}

// The same file is read once a plan.
static struct digest plan_digest(const struct plan *plan, const char *path)
{
    for (size_t i = 0; i < plan->section_count; i++) {
        for (size_t f = 0; f < plan->sections[i].file_count; f++) {
            if (strcmp(plan->sections[i].files[f].path, path) == 0) {
                return plan->sections[i].files[f].digest;
            }
        }
    }
    return digest_of_file(path);
}

static int plan_claim(const struct job_value *value, struct complaint *complaint)
{
    char as[80], why[sizeof complaint->text];
    snprintf(as, sizeof as, "the job's %s", value->key->name);
    int error = claim_file(value->path, CLAIM_READ, as, why, sizeof why);
    if (error != 0) {
        complain(complaint, "%s", why);
    }
    return error;
}

// The files that the section's keys name; a folder is none. 0, or errno with a complaint.
static int plan_files(const struct plan *plan, struct plan_section *section,
                      struct complaint *complaint)
{
    int error = 0;
    const struct job_section *job = section->section;
    section->files = plan_zeroed(job->value_count, sizeof *section->files);
    for (size_t i = 0; i < job->value_count && error == 0; i++) {
        const struct job_value *value = &job->values[i];
        const char *odd = value->path != NULL ? disk_not_a_file(value->path) : NULL;
        if (value->path != NULL && (odd == NULL || strcmp(odd, "a folder") != 0)) {
            struct plan_file file = {value->key->name, value->path, plan_digest(plan, value->path)};
            section->files[section->file_count++] = file;
            error = plan_claim(value, complaint);
        }
    }
    return error;
}

int plan_make(const struct job *job, const char *command, const struct plan_options *options,
              struct plan **plan, struct complaint *complaint)
{
    struct plan *made = plan_zeroed(1, sizeof *made);
    made->job = job;
    made->command = command;
    made->sections = plan_zeroed(job->section_count, sizeof *made->sections);
    int error = plan_check_names(job, options->sections, complaint);
    error = error != 0 ? error : plan_sections(made, options, complaint);
    error = error != 0 ? error : plan_order(made, options, complaint);
    for (size_t i = 0; error == 0 && i < made->section_count; i++) {
        made->sections[i].text = plan_section_text(made, &made->sections[i]);
        error = plan_files(made, &made->sections[i], complaint);
    }
    if (error != 0) {
        plan_free(made);
        return error;
    }
    *plan = made;
    return 0;
}

void plan_fini(struct plan *plan)
{
    for (size_t i = 0; i < plan->cell_count; i++) {
        stage_detach(plan->cells[i].stage);
        free(plan->cells[i].output);
        free(plan->cells[i].id);
        free(plan->cells[i].rerun);
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
        free(section->files);
    }
    free(plan->cells);
    free(plan->sections);
    *plan = (struct plan){0};
}

void plan_free(struct plan *plan)
{
    if (plan != NULL) {
        plan_fini(plan);
        free(plan);
    }
}
