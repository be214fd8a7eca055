// SPDX-License-Identifier: MIT
//
// junit_findings.c - what a comparison came to as a suite of tests: one for each metric of each
// target.
//
// Regressed is a failure; what was refused an error; what is inconclusive or was left out is
// skipped, with the reason.

#include <stdlib.h>

#include "disk/memory.h"
#include "result/junit.h"
#include "result/output.h"

static const char *junit_finding_element(enum finding_kind kind)
{
    static const char *const elements[] = {
        [FINDING_PASS] = NULL,          [FINDING_REGRESSED] = "failure",
        [FINDING_REFUSED] = "error",    [FINDING_INCONCLUSIVE] = "skipped",
        [FINDING_LEFT_OUT] = "skipped",
    };
    return elements[kind];
}

static unsigned junit_findings_count(const struct findings *findings, enum finding_kind a,
                                     enum finding_kind b)
{
    unsigned count = 0;
    for (size_t i = 0; i < findings->count; i++) {
        count += findings->items[i].kind == a || findings->items[i].kind == b;
    }
    return count;
}

static void junit_finding(FILE *out, const struct finding *finding)
{
    const char *element = junit_finding_element(finding->kind);
    char name[1200];
    char class[600];
    snprintf(name, sizeof name, "%s%s%s",
             *finding->target != '\0' ? finding->target : "all targets",
             *finding->metric != '\0' ? ": " : "", finding->metric);
    snprintf(class, sizeof class, "comparison.%s", finding->section);
    fprintf(out, "    <testcase");
    junit_attribute(out, "name", name);
    junit_attribute(out, "classname", class);
    fprintf(out, " time=\"0.000\"");
    if (element == NULL) {
        fprintf(out, "/>\n");
        return;
    }
    fprintf(out, ">\n      <%s", element);
    junit_attribute(out, "message", finding->text);
    if (element[0] != 's') {
        junit_attribute(out, "type", finding_kind_name(finding->kind));
    }
    fprintf(out, "/>\n    </testcase>\n");
}

void junit_findings(FILE *out, const struct findings *findings, size_t id, const char *stamp,
                    const char *host)
{
    fprintf(out,
            "  <testsuite name=\"comparison\" id=\"%zu\" package=\"mems-stress\" tests=\"%zu\""
            " failures=\"%u\" errors=\"%u\" skipped=\"%u\" time=\"0.000\" timestamp=\"%.19s\"",
            id, findings->count,
            junit_findings_count(findings, FINDING_REGRESSED, FINDING_REGRESSED),
            junit_findings_count(findings, FINDING_REFUSED, FINDING_REFUSED),
            junit_findings_count(findings, FINDING_INCONCLUSIVE, FINDING_LEFT_OUT), stamp);
    junit_attribute(out, "hostname", host);
    fprintf(out, ">\n    <properties></properties>\n");
    for (size_t i = 0; i < findings->count; i++) {
        junit_finding(out, &findings->items[i]);
    }
    fprintf(out, "    <system-out></system-out>\n    <system-err></system-err>\n  </testsuite>\n");
}

char *output_junit_findings(const struct findings *findings, const char *stamp, const char *host)
{
    char *text = NULL;
    size_t size;
    FILE *out = disk_memory(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    junit_findings(out, findings, 0, stamp, host);
    fprintf(out, "</testsuites>\n");
    if (fclose(out) != 0) {
        free(text);
        text = NULL;
    }
    return text;
}
