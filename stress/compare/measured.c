// SPDX-License-Identifier: MIT
//
// measured.c - a result as comparisons see it, from a plan that has run.

#include "compare/measured.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/summary.h"
#include "workload/workload.h"

void *measured_zeroed(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

char *measured_copy(const char *text)
{
    char *copy = strdup(text != NULL ? text : "");
    if (copy == NULL) {
        abort();
    }
    return copy;
}

void measured_init(struct measured *measured, const char *name, size_t sections, size_t cells)
{
    measured->name = measured_copy(name);
    measured->sections = measured_zeroed(sections, sizeof *measured->sections);
    measured->cells = measured_zeroed(cells, sizeof *measured->cells);
    measured->section_count = sections;
    measured->cell_count = cells;
}

void measured_fini(struct measured *measured)
{
    for (size_t i = 0; i < measured->section_count; i++) {
        struct measured_section *section = &measured->sections[i];
        for (size_t v = 0; v < section->value_count; v++) {
            free(section->values[v].key);
            free(section->values[v].text);
        }
        free(section->values);
        free(section->name);
        free(section->workload);
    }
    for (size_t i = 0; i < measured->cell_count; i++) {
        free(measured->cells[i].target);
    }
    free(measured->sections);
    free(measured->cells);
    free(measured->name);
    memset(measured, 0, sizeof *measured);
}

static void measured_section_of(const struct plan_section *from, struct measured_section *section)
{
    const struct job_section *job = from->section;
    section->name = measured_copy(job->name);
    section->workload = measured_copy(job->workload->name);
    section->version = job->workload->version;
    section->threads = from->threads;
    section->value_count = job->value_count;
    section->values = measured_zeroed(job->value_count, sizeof *section->values);
    for (size_t i = 0; i < job->value_count; i++) {
        section->values[i].key = measured_copy(job->values[i].key->name);
        section->values[i].text = measured_copy(job->values[i].text);
    }
}

void measured_of_plan(const struct plan *plan, const char *name, struct measured *measured)
{
    measured_init(measured, name, plan->section_count, plan->cell_count);
    for (size_t i = 0; i < plan->section_count; i++) {
        measured_section_of(&plan->sections[i], &measured->sections[i]);
    }
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *from = &plan->cells[i];
        struct measured_cell *cell = &measured->cells[i];
        cell->section = (size_t)(from->section - plan->sections);
        cell->target = measured_copy(from->spec->name);
        cell->repeat = from->repeat;
        cell->verdict = from->verdict;
        cell->known = summary_measured(from);
        for (size_t m = 0; m < METRIC_COUNT; m++) {
            double value = cell->known ? metric_table[m].of(from) : NAN;
            cell->metric[m] = isfinite(value) ? value : NAN; // as a document would say it
        }
    }
}
