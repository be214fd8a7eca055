// SPDX-License-Identifier: MIT
//
// plan_order.c - from the sections of a plan to its cells, in their order (plan.h, 2 to 4).

#include "run/plan_order.h"

#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "job/complaint.h"
#include "job/sure.h"
#include "workload/random.h"

void *plan_zeroed(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size);
    if (memory == NULL) {
        complain_exhausted();
    }
    return memory;
}

static void order_cell(struct plan *plan, struct plan_section *section, unsigned target,
                       unsigned repeat)
{
    struct cell *cell = &plan->cells[plan->cell_count++];
    cell->section = section;
    cell->spec = &section->specs[target];
    cell->target = target;
    cell->repeat = repeat;
    // The first repeat runs with the seed itself, so that --seed with a cell's own does it again.
    // The others' have 63 bits, which documents write as they are.
    cell->seed = repeat == 0 ? section->seed : random_mix(section->seed + repeat) >> 1;
    cell->id = sure_print("%s/%s/%u", section->section->name, cell->spec->name, repeat);
    if (section->missing[target] != NULL) {
        cell->verdict = CELL_SKIPPED;
        snprintf(cell->message, sizeof cell->message, "%s", section->missing[target]);
    }
}

// The end of the sections that are shuffled together with the one at `first`.
static size_t order_block_end(const struct plan *plan, size_t first, size_t end)
{
    const char *group = job_text(plan->sections[first].section, "group");
    size_t at = first + 1;
    while (at < end && group[0] != '\0' &&
           strcmp(job_text(plan->sections[at].section, "group"), group) == 0) {
        at++;
    }
    return at;
}

static void order_shuffle(struct cell *cells, size_t count, struct random *random)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = random_below(random, i);
        struct cell swap = cells[i - 1];
        cells[i - 1] = cells[j];
        cells[j] = swap;
    }
}

static void order_block(struct plan *plan, size_t first, size_t end, unsigned repeat)
{
    struct random random;
    size_t before = plan->cell_count;
    for (size_t i = first; i < end; i++) {
        struct plan_section *section = &plan->sections[i];
        for (unsigned target = 0; target < section->spec_count && repeat < section->repeats;
             target++) {
            order_cell(plan, section, target, repeat);
        }
    }
    random_init(&random, plan->sections[first].seed, repeat, UINT64_MAX - first);
    order_shuffle(&plan->cells[before], plan->cell_count - before, &random);
}

// Sections without a gate between them.
static void order_stretch(struct plan *plan, size_t first, size_t end)
{
    unsigned repeats = 0;
    for (size_t i = first; i < end; i++) {
        unsigned own = plan->sections[i].repeats;
        repeats = own > repeats ? own : repeats;
    }
    for (unsigned repeat = 0; repeat < repeats; repeat++) {
        for (size_t at = first, stop; at < end; at = stop) {
            stop = order_block_end(plan, at, end);
            order_block(plan, at, stop, repeat);
        }
    }
}

// The end of the stretch that begins at `first`: the next section that waits for one of it.
static size_t order_stretch_end(const struct plan *plan, size_t first)
{
    for (size_t i = first + 1; i < plan->section_count; i++) {
        bool waits = job_text(plan->sections[i].section, "wait_for")[0] != '\0';
        for (size_t j = first; waits && j < i; j++) {
            if (plan_waits(&plan->sections[i], &plan->sections[j])) {
                return i;
            }
        }
    }
    return plan->section_count;
}

// Keeps the cells that `keeps` says; the others are gone.
static void order_keep(struct plan *plan, bool (*keeps)(const struct cell *cell, const void *arg),
                       const void *arg)
{
    size_t kept = 0;
    for (size_t i = 0; i < plan->cell_count; i++) {
        if (keeps(&plan->cells[i], arg)) {
            plan->cells[kept++] = plan->cells[i];
        } else {
            free(plan->cells[i].id);
            free(plan->cells[i].rerun);
        }
    }
    plan->cell_count = kept;
}

static bool order_matches(const struct cell *cell, const void *arg)
{
    return regexec(arg, cell->id, 0, NULL, 0) == 0;
}

static int order_filter(struct plan *plan, const char *filter, struct complaint *complaint)
{
    regex_t expression;
    size_t before = plan->cell_count;
    int error = regcomp(&expression, filter, REG_EXTENDED | REG_NOSUB);
    if (error != 0) {
        char why[200];
        regerror(error, &expression, why, sizeof why);
        complain(complaint, "--filter %s: %s: an extended regular expression is wanted", filter,
                 why);
        return EINVAL;
    }
    order_keep(plan, order_matches, &expression);
    regfree(&expression);
    if (plan->cell_count == 0) {
        complain(complaint,
                 "--filter %s: none of %zu cells, nothing to run: the expression is matched with "
                 "SECTION/TARGET/REPEAT, case and all; --list prints these names",
                 filter, before);
        return ENOENT;
    }
    return 0;
}

static bool order_is(const struct cell *cell, const void *arg)
{
    return strcmp(cell->id, arg) == 0;
}

static int order_only(struct plan *plan, const char *only, struct complaint *complaint)
{
    const char **names = plan_zeroed(plan->cell_count + 1, sizeof *names);
    size_t matches = 0;
    for (size_t i = 0; i < plan->cell_count; i++) {
        names[i] = plan->cells[i].id;
        matches += order_is(&plan->cells[i], only);
    }
    if (matches == 1) {
        order_keep(plan, order_is, only);
    } else if (matches > 1) {
        complain(complaint, "--only %s: two cells have that name; rename a section", only);
    } else {
        const char *near = job_suggest(only, names);
        complain(complaint, "--only %s: no such cell%s%s%s", only,
                 near != NULL ? "; did you mean \"" : "; --list prints their names",
                 near != NULL ? near : "", near != NULL ? "\"?" : "");
    }
    free(names);
    return matches == 1 ? 0 : EINVAL;
}

// A section's targets of which a cell is left; their cells are told the new places. Returns how
// many there are.
static size_t order_compact_targets(struct plan *plan, struct plan_section *section)
{
    bool *used = plan_zeroed(section->spec_count, sizeof *used);
    unsigned *moved = plan_zeroed(section->spec_count, sizeof *moved);
    unsigned kept = 0;
    for (size_t i = 0; i < plan->cell_count; i++) {
        if (plan->cells[i].section == section) {
            used[plan->cells[i].target] = true;
        }
    }
    for (size_t i = 0; i < section->spec_count; i++) {
        if (!used[i]) {
            target_spec_fini(&section->specs[i]);
            free(section->missing[i]);
            continue;
        }
        moved[i] = kept;
        section->specs[kept] = section->specs[i];
        section->missing[kept++] = section->missing[i];
    }
    section->spec_count = kept;
    for (size_t i = 0; i < plan->cell_count; i++) {
        struct cell *cell = &plan->cells[i];
        if (cell->section == section) {
            cell->target = moved[cell->target];
            cell->spec = &section->specs[cell->target];
        }
    }
    free(used);
    free(moved);
    return kept;
}

static void order_compact(struct plan *plan)
{
    size_t kept = 0;
    for (size_t i = 0; i < plan->section_count; i++) {
        struct plan_section *section = &plan->sections[i];
        if (order_compact_targets(plan, section) == 0) {
            free(section->specs);
            free(section->missing);
            free(section->text);
            free(section->files);
            continue;
        }
        for (size_t j = 0; j < plan->cell_count; j++) {
            if (plan->cells[j].section == section) {
                plan->cells[j].section = &plan->sections[kept];
            }
        }
        plan->sections[kept++] = *section;
    }
    plan->section_count = kept;
}

void plan_keep(struct plan *plan, bool (*keeps)(const struct cell *cell, const void *arg),
               const void *arg)
{
    order_keep(plan, keeps, arg);
    order_compact(plan);
}

// What does one cell again: everything that shaped the plan is in the plan's command.
static void order_rerun(struct plan *plan)
{
    for (size_t i = 0; i < plan->cell_count; i++) {
        struct cell *cell = &plan->cells[i];
        char quoted[4200] = "";
        bool skipped = cell->verdict == CELL_SKIPPED;
        plan_quote(cell->id, quoted, sizeof quoted);
        cell->rerun = sure_print("%s%s%s", skipped ? "" : plan->command, skipped ? "" : " --only ",
                                 skipped ? "" : quoted);
    }
}

int plan_order(struct plan *plan, const struct plan_options *options, struct complaint *complaint)
{
    size_t cells = 0;
    for (size_t i = 0; i < plan->section_count; i++) {
        cells += plan->sections[i].spec_count * plan->sections[i].repeats;
    }
    plan->cells = plan_zeroed(cells, sizeof *plan->cells);
    for (size_t first = 0, end; first < plan->section_count; first = end) {
        end = order_stretch_end(plan, first);
        order_stretch(plan, first, end);
    }
    int error = 0;
    if (options->filter != NULL) {
        error = order_filter(plan, options->filter, complaint);
    }
    if (error == 0 && options->only != NULL) {
        error = order_only(plan, options->only, complaint);
    }
    if (error == 0 && (options->filter != NULL || options->only != NULL)) {
        order_compact(plan);
    }
    order_rerun(plan);
    return error;
}
