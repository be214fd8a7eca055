// SPDX-License-Identifier: MIT
//
// scaling.c - sections that differ in threads only: how the rate grows with them.
//
// E(T) = X(T)/(T X(1)), 1 where T threads do T times the work of one; X is the median rate of a
// target over its repeats. Beside it the universal scalability law (result/usl.c), or why not.

#include "result/scaling.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "disk/memory.h"
#include "job/complaint.h"
#include "job/number.h"
#include "result/summary.h"
#include "result/wrap.h"
#include "workload/workload.h"

// One sweep.
struct scaling {
    const struct plan *plan;
    const struct plan_section **sections;
    size_t count;
    struct summary **summaries; // of each section, by target
    struct usl_point *points;
};

static void *scaling_memory(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        complain_exhausted();
    }
    return memory;
}

static bool scaling_alike(const struct job_section *a, const struct job_section *b)
{
    bool alike = a->workload == b->workload && a->value_count == b->value_count;
    for (size_t i = 0; i < a->value_count && alike; i++) {
        alike = a->values[i].key == b->values[i].key &&
                (strcmp(a->values[i].key->name, "threads") == 0 ||
                 strcmp(a->values[i].text, b->values[i].text) == 0);
    }
    return alike;
}

// The median rate of a target in a section of the sweep; NAN: it has none.
static double scaling_rate(const struct scaling *scaling, size_t place, const char *target)
{
    const struct plan_section *section = scaling->sections[place];
    for (size_t i = 0; i < section->spec_count; i++) {
        if (strcmp(section->specs[i].name, target) == 0) {
            return scaling->summaries[place][i].median[METRIC_RATE];
        }
    }
    return NAN;
}

double scaling_efficiency(const struct scaling_curve *curve, size_t point)
{
    for (size_t i = 0; i < curve->count; i++) {
        if (curve->points[i].threads == 1 && !isnan(curve->points[i].rate)) {
            return curve->points[point].rate /
                   (curve->points[point].threads * curve->points[i].rate);
        }
    }
    return NAN;
}

// Rates of two machines are no curve.
static bool scaling_is_of_one_machine(const struct scaling *scaling, char *why, size_t size)
{
    const char *host = NULL;
    for (size_t i = 0; i < scaling->plan->cell_count; i++) {
        const struct cell *cell = &scaling->plan->cells[i];
        bool member = false;
        for (size_t j = 0; j < scaling->count && !member; j++) {
            member = cell->section == scaling->sections[j];
        }
        if (!member || cell->host[0] == '\0') {
            continue;
        }
        if (host != NULL && strcmp(host, cell->host) != 0) {
            snprintf(why, size, "its points are of several machines (%s, %s)", host, cell->host);
            return false;
        }
        host = cell->host;
    }
    return true;
}

static void scaling_target(struct scaling *scaling, const char *target,
                           void (*tell)(void *arg, const struct scaling_curve *), void *arg)
{
    struct scaling_curve curve = {
        .target = target,
        .sections = scaling->sections,
        .points = scaling->points,
        .count = scaling->count,
    };
    for (size_t i = 0; i < scaling->count; i++) {
        scaling->points[i] =
            (struct usl_point){scaling->sections[i]->threads, scaling_rate(scaling, i, target)};
    }
    unsigned cpus = scaling->plan->cpus != 0 ? scaling->plan->cpus : number_of_cpus();
    curve.fits =
        scaling_is_of_one_machine(scaling, curve.why, sizeof curve.why) &&
        usl_fit(scaling->points, scaling->count, cpus, &curve.usl, curve.why, sizeof curve.why);
    tell(arg, &curve);
}

// The sections from `first` on that are alike, unless an earlier one has them already.
static void scaling_gather(struct scaling *scaling, size_t first)
{
    const struct plan_section *sections = scaling->plan->sections;
    scaling->count = 0;
    for (size_t i = 0; i < first; i++) {
        if (scaling_alike(sections[i].section, sections[first].section)) {
            return;
        }
    }
    for (size_t i = first; i < scaling->plan->section_count; i++) {
        if (scaling_alike(sections[first].section, sections[i].section)) {
            scaling->sections[scaling->count++] = &sections[i];
        }
    }
}

static bool scaling_is_sweep(const struct scaling *scaling)
{
    for (size_t i = 1; i < scaling->count; i++) {
        if (scaling->sections[i]->threads != scaling->sections[0]->threads) {
            return true;
        }
    }
    return false;
}

static void scaling_tell(struct scaling *scaling,
                         void (*tell)(void *arg, const struct scaling_curve *), void *arg)
{
    const struct plan_section *head = scaling->sections[0];
    for (size_t i = 0; i < scaling->count; i++) {
        const struct plan_section *section = scaling->sections[i];
        scaling->summaries[i] = scaling_memory(section->spec_count + 1, sizeof(struct summary));
        summary_section(scaling->plan, section, scaling->summaries[i]);
    }
    for (size_t i = 0; i < head->spec_count; i++) {
        scaling_target(scaling, head->specs[i].name, tell, arg);
    }
    for (size_t i = 0; i < scaling->count; i++) {
        free(scaling->summaries[i]);
    }
}

void scaling_each(const struct plan *plan, void (*tell)(void *arg, const struct scaling_curve *),
                  void *arg)
{
    size_t most = plan->section_count + 1;
    struct scaling scaling = {
        .plan = plan,
        .sections = scaling_memory(most, sizeof *scaling.sections),
        .summaries = scaling_memory(most, sizeof *scaling.summaries),
        .points = scaling_memory(most, sizeof *scaling.points),
    };
    for (size_t i = 0; i < plan->section_count; i++) {
        scaling_gather(&scaling, i);
        if (scaling_is_sweep(&scaling)) {
            scaling_tell(&scaling, tell, arg);
        }
    }
    free(scaling.sections);
    free(scaling.summaries);
    free(scaling.points);
}

// ---- for people ---------------------------------------------------------------------------------

struct scaling_page {
    FILE *out;
    size_t lines;
    char why[sizeof((struct scaling_curve *)0)->why]; // no fit, of the last target without one
};

// The section's name without its number of threads, which a sweep has added: "churn size=64".
static int scaling_name(FILE *out, const char *name)
{
    const char *added = strstr(name, " threads=");
    if (added == NULL) {
        return fprintf(out, "%s", name);
    }
    const char *rest = added + 1 + strcspn(added + 1, " ");
    return fprintf(out, "%.*s%s", (int)(added - name), name, rest);
}

// "E(2) 1.98, E(4) 3.71; fit: ...", as far as is known; whether the curve was fitted is `fits`.
static void scaling_describe(const struct scaling_curve *curve, FILE *text)
{
    const char *separator = "";
    for (size_t i = 0; i < curve->count; i++) {
        double efficiency = scaling_efficiency(curve, i);
        if (curve->points[i].threads != 1 && !isnan(efficiency)) {
            fprintf(text, "%sE(%u) %.2f", separator, curve->points[i].threads, efficiency);
            separator = ", ";
        }
    }
    if (*separator == '\0') {
        fprintf(text, "no E(T) without a rate of one thread");
    }
    if (curve->fits) {
        const struct usl *usl = &curve->usl;
        fprintf(text, "; fit: sigma %.3g, kappa %.3g", usl->sigma, usl->kappa);
        if (!isnan(usl->peak)) {
            fprintf(text, ", peak at %.3g threads", usl->peak);
        }
        fprintf(text, ", R2 %.3f", usl->r2);
    }
}

static void scaling_print_curve(void *arg, const struct scaling_curve *curve)
{
    struct scaling_page *page = arg;
    char *text = NULL;
    size_t known = 0, size;
    for (size_t i = 0; i < curve->count; i++) {
        known += !isnan(curve->points[i].rate) ? 1 : 0;
    }
    if (known == 0) {
        return; // skipped
    }
    FILE *made = disk_memory(&text, &size);
    if (made != NULL) {
        scaling_describe(curve, made);
    }
    if (made == NULL || fclose(made) != 0) {
        complain_exhausted();
    }
    int at = fprintf(page->out, "scaling ");
    at += scaling_name(page->out, curve->sections[0]->section->name);
    at += fprintf(page->out, ", %s:", curve->target);
    wrap_words(page->out, at, 4, text);
    free(text);
    if (!curve->fits) {
        snprintf(page->why, sizeof page->why, "%s", curve->why);
    }
    page->lines++;
}

size_t scaling_print(FILE *out, const struct plan *plan)
{
    struct scaling_page page = {.out = out};
    scaling_each(plan, scaling_print_curve, &page);
    if (page.why[0] != '\0') {
        wrap_words(out, fprintf(out, "no scalability fit:"), 4, page.why);
    }
    return page.lines;
}
