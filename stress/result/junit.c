// SPDX-License-Identifier: MIT
//
// junit.c - the result as the XML that continuous integration reads for tests.
//
// 1. There is no one standard. What is written here is valid by both schemas in use: the one of
//    Ant's JUnit task (hostname, timestamp without a zone, properties, system-out and system-err
//    at the end of every suite) and that of Jenkins' xUnit plugin.
// 2. A section is a suite, a cell a test. A failed check is a failure; a crash, a hang or a cell
//    that did not start an error; what was left out, interrupted, or not steady is skipped, with
//    the reason.
//    So is what a comparison with a baseline came to, as a suite of its own: junit_findings.c.
// 3. XML 1.0 knows no way to write most control characters: they become '?', as does whatever is
//    not UTF-8.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk/memory.h"
#include "result/host.h"
#include "result/junit.h"
#include "result/output.h"

struct junit_counts {
    unsigned tests, failures, errors, skipped;
    double seconds;
};

static const char *junit_element(enum cell_verdict verdict)
{
    switch (verdict) {
    case CELL_PASS:
        return NULL;
    case CELL_FAILED:
        return "failure";
    case CELL_CRASHED:
    case CELL_HUNG:
        return "error";
    default:
        return "skipped";
    }
}

static void junit_count(const struct plan *plan, const struct plan_section *section,
                        struct junit_counts *counts)
{
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *cell = &plan->cells[i];
        if (cell->section != section) {
            continue;
        }
        const char *element = junit_element(cell->verdict);
        counts->tests++;
        counts->seconds += cell->seconds;
        if (element != NULL) {
            unsigned *count = element[0] == 'f'   ? &counts->failures
                              : element[0] == 'e' ? &counts->errors
                                                  : &counts->skipped;
            ++*count;
        }
    }
}

static void junit_trouble(FILE *out, const struct cell *cell, const char *element)
{
    fprintf(out, "      <%s", element);
    junit_attribute(out, "message",
                    cell->message[0] != '\0' ? cell->message : cell_verdict_name(cell->verdict));
    if (element[0] == 's') {
        fprintf(out, "/>\n");
        return;
    }
    junit_attribute(out, "type", cell_verdict_name(cell->verdict));
    fputc('>', out);
    junit_text(out, "again: ");
    junit_text(out, cell->rerun);
    if (cell->stage != NULL && cell->stage->evidence.trace.text[0] != '\0') {
        junit_text(out, "\n");
        junit_text(out, cell->stage->evidence.trace.text);
    }
    fprintf(out, "</%s>\n", element);
}

static void junit_cell(FILE *out, const struct plan *plan, const struct cell *cell)
{
    char name[600];
    char class[600];
    snprintf(name, sizeof name, "%s, repeat %u", cell->spec->name, cell->repeat);
    snprintf(class, sizeof class, "%s.%s", job_name(plan->job), cell->section->section->name);
    fprintf(out, "    <testcase");
    junit_attribute(out, "name", name);
    junit_attribute(out, "classname", class);
    fprintf(out, " time=\"%.3f\"", cell->seconds);
    const char *element = junit_element(cell->verdict);
    if (element == NULL) {
        fprintf(out, "/>\n");
        return;
    }
    fprintf(out, ">\n");
    junit_trouble(out, cell, element);
    fprintf(out, "    </testcase>\n");
}

static void junit_output(FILE *out, const struct plan *plan, const struct plan_section *section)
{
    fprintf(out, "    <system-out>");
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *cell = &plan->cells[i];
        if (cell->section == section && cell->output != NULL) {
            char head[700];
            snprintf(head, sizeof head, "%s, repeat %u:\n", cell->spec->name, cell->repeat);
            junit_text(out, head);
            junit_text(out, cell->output);
        }
    }
    fprintf(out, "</system-out>\n    <system-err></system-err>\n");
}

// Where the section's cells ran.
static const char *junit_host(const struct output_scene *scene, const struct plan_section *section)
{
    for (size_t i = 0; i < scene->plan->cell_count; i++) {
        const struct cell *cell = &scene->plan->cells[i];
        if (cell->section == section && cell->host[0] != '\0') {
            return cell->host;
        }
    }
    return scene->head->scene.host->name;
}

static void junit_section(FILE *out, const struct output_scene *scene, size_t index)
{
    const struct plan_section *section = &scene->plan->sections[index];
    struct junit_counts counts = {0};
    char stamp[20];
    junit_count(scene->plan, section, &counts);
    snprintf(stamp, sizeof stamp, "%.19s", scene->head->started); // ISO 8601 without the zone
    fprintf(out, "  <testsuite");
    junit_attribute(out, "name", section->section->name);
    fprintf(out,
            " id=\"%zu\" package=\"mems-stress\" tests=\"%u\" failures=\"%u\" errors=\"%u\""
            " skipped=\"%u\" time=\"%.3f\" timestamp=\"%s\"",
            index, counts.tests, counts.failures, counts.errors, counts.skipped, counts.seconds,
            stamp);
    junit_attribute(out, "hostname", junit_host(scene, section));
    fprintf(out, ">\n    <properties>\n");
    const struct job_section *job = section->section;
    for (size_t i = 0; i < job->value_count; i++) {
        fprintf(out, "      <property");
        junit_attribute(out, "name", job->values[i].key->name);
        junit_attribute(out, "value", job->values[i].text);
        fprintf(out, "/>\n");
    }
    fprintf(out, "    </properties>\n");
    for (size_t i = 0; i < scene->plan->cell_count; i++) {
        if (scene->plan->cells[i].section == section) {
            junit_cell(out, scene->plan, &scene->plan->cells[i]);
        }
    }
    junit_output(out, scene->plan, section);
    fprintf(out, "  </testsuite>\n");
}

char *output_junit(const struct output_scene *scene)
{
    char *text = NULL;
    size_t size;
    FILE *out = disk_memory(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for (size_t i = 0; i < scene->plan->section_count; i++) {
        junit_section(out, scene, i);
    }
    if (scene->findings != NULL) {
        junit_findings(out, scene->findings, scene->plan->section_count, scene->head->started,
                       scene->head->scene.host->name);
    }
    fprintf(out, "</testsuites>\n");
    if (fclose(out) != 0) {
        free(text);
        text = NULL;
    }
    return text;
}
