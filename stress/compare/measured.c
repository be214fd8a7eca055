// SPDX-License-Identifier: MIT
//
// measured.c - a result as comparisons see it, from a plan that has run.

#include "compare/measured.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/complaint.h"
#include "result/host.h"
#include "result/summary.h"
#include "workload/workload.h"

void *measured_zeroed(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size);
    if (memory == NULL) {
        complain_exhausted();
    }
    return memory;
}

char *measured_copy(const char *text)
{
    char *copy = strdup(text != NULL ? text : "");
    if (copy == NULL) {
        complain_exhausted();
    }
    return copy;
}

void measured_init(struct measured *measured, const char *name, size_t sections, size_t cells)
{
    memset(measured, 0, sizeof *measured);
    measured->name = measured_copy(name);
    measured->sections = measured_zeroed(sections, sizeof *measured->sections);
    measured->cells = measured_zeroed(cells, sizeof *measured->cells);
    measured->section_count = sections;
    measured->cell_count = cells;
}

void measured_add(struct measured_value **values, size_t *count, const char *key, const char *text)
{
    *values = realloc(*values, (*count + 1) * sizeof **values);
    if (*values == NULL) {
        complain_exhausted();
    }
    (*values)[(*count)++] = (struct measured_value){measured_copy(key), measured_copy(text)};
}

static void measured_drop(struct measured_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(values[i].key);
        free(values[i].text);
    }
    free(values);
}

void measured_fini(struct measured *measured)
{
    measured_drop(measured->facts, measured->fact_count);
    measured_drop(measured->settings, measured->setting_count);
    for (size_t i = 0; i < measured->section_count; i++) {
        struct measured_section *section = &measured->sections[i];
        measured_drop(section->values, section->value_count);
        for (size_t f = 0; f < section->file_count; f++) {
            free(section->files[f].key);
            free(section->files[f].path);
            free(section->files[f].sha256);
        }
        free(section->files);
        free(section->name);
        free(section->workload);
    }
    for (size_t i = 0; i < measured->cell_count; i++) {
        free(measured->cells[i].target);
        free(measured->cells[i].supplier.path);
        free(measured->cells[i].supplier.version);
        free(measured->cells[i].supplier.build_id);
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
    section->files = measured_zeroed(from->file_count, sizeof *section->files);
    section->file_count = from->file_count;
    for (size_t i = 0; i < from->file_count; i++) {
        section->files[i] = (struct measured_file){measured_copy(from->files[i].key),
                                                   measured_copy(from->files[i].path),
                                                   measured_copy(from->files[i].digest.text)};
    }
}

const struct measured_fact measured_facts[] = {
    {"name", "host"},
    {"cpu", "processor"},
    {"cores", "number of CPUs"},
    {"memory_bytes", "bytes of memory"},
    {"kernel", "kernel"},
    {"system", "system"},
    {"transparent_hugepages", "transparent_hugepages"},
    {"governor", "CPU governor"},
    {"boost", "CPU boost"},
    {"hypervisor", "hypervisor"},
    {"libc", "libc"},
    {"libc_path", "path of libc"},
    {"libc_build_id", "build id of libc"},
    {"revision", "revision of mems-stress"},
    {"compiler", "compiler"},
    {"flags", "compiler's flags"},
    {NULL, NULL},
};

static void measured_host(const struct host *host, struct measured *measured)
{
    char cores[32];
    char memory[32];
    snprintf(cores, sizeof cores, "%ld", host->cores);
    snprintf(memory, sizeof memory, "%llu", host->memory_bytes);
    const char *const texts[] = {
        // in the order of measured_facts
        host->name,
        host->cpu,
        host->cores > 0 ? cores : "",
        memory,
        host->kernel,
        host->system,
        host->transparent_hugepages,
        host->governor,
        host->boost,
        host->hypervisor,
        host->libc,
        host->libc_path,
        host->libc_build_id,
        host->revision,
        host->compiler,
        host->flags,
    };
    for (size_t i = 0; measured_facts[i].name != NULL; i++) {
        measured_add(&measured->facts, &measured->fact_count, measured_facts[i].name, texts[i]);
    }
    const char *setting;
    measured->settings_known = true;
    for (size_t i = 0; (setting = host_setting_at(i)) != NULL; i++) {
        char *name = strndup(setting, strcspn(setting, "="));
        measured_add(&measured->settings, &measured->setting_count, name, strchr(setting, '=') + 1);
        free(name);
    }
}

static void measured_cell_of(const struct cell *from, struct measured_cell *cell)
{
    cell->target = measured_copy(from->spec->name);
    cell->repeat = from->repeat;
    cell->verdict = from->verdict;
    cell->known = summary_measured(from);
    cell->pictured = summary_pictured(from);
    const struct cell_report *report = from->stage != NULL ? &from->stage->report : NULL;
    cell->supplier =
        (struct measured_supplier){measured_copy(report != NULL ? report->supplier.path : ""),
                                   measured_copy(report != NULL ? report->supplier.version : ""),
                                   measured_copy(report != NULL ? report->supplier.build_id : "")};
    if (cell->known && report->speed_before_ns > 0 && report->speed_after_ns > 0) {
        cell->speed_ns = ((double)report->speed_before_ns + (double)report->speed_after_ns) / 2;
    }
    for (size_t m = 0; m < METRIC_ALL; m++) {
        double value = cell->known && m < METRIC_COUNT ? metric_table[m].of(from) : NAN;
        cell->metric[m] = isfinite(value) ? value : NAN; // as a document would say it
    }
}

void measured_of_plan(const struct plan *plan, const struct host *host, const char *name,
                      struct measured *measured)
{
    measured_init(measured, name, plan->section_count, plan->cell_count);
    for (size_t i = 0; i < plan->section_count; i++) {
        measured_section_of(&plan->sections[i], &measured->sections[i]);
    }
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *from = &plan->cells[i];
        measured->cells[i].section = (size_t)(from->section - plan->sections);
        measured_cell_of(from, &measured->cells[i]);
    }
    if (host != NULL) {
        measured_host(host, measured);
    }
}
