// SPDX-License-Identifier: MIT
//
// finding.c - what a comparison came to, as the forms for continuous integration tell it.

#include "result/finding.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "job/complaint.h"

static char *finding_copy(const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL) {
        complain_exhausted();
    }
    return copy;
}

void finding_add(struct findings *findings, const struct finding *finding)
{
    size_t bytes = (findings->count + 1) * sizeof *findings->items;
    struct finding *items = realloc(findings->items, bytes);
    if (items == NULL) {
        complain_exhausted();
    }
    findings->items = items;
    items[findings->count++] = (struct finding){
        .kind = finding->kind,
        .section = finding_copy(finding->section),
        .target = finding_copy(finding->target),
        .metric = finding_copy(finding->metric),
        .text = finding_copy(finding->text),
    };
}

void findings_fini(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        free((void *)(uintptr_t)findings->items[i].section);
        free((void *)(uintptr_t)findings->items[i].target);
        free((void *)(uintptr_t)findings->items[i].metric);
        free((void *)(uintptr_t)findings->items[i].text);
    }
    free(findings->items);
    *findings = (struct findings){0};
}

const char *finding_kind_name(enum finding_kind kind)
{
    static const char *const names[] = {
        [FINDING_PASS] = "pass",
        [FINDING_REGRESSED] = "regressed",
        [FINDING_INCONCLUSIVE] = "inconclusive",
        [FINDING_REFUSED] = "refused",
        [FINDING_LEFT_OUT] = "left out",
    };
    return names[kind];
}
