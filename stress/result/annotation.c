// SPDX-License-Identifier: MIT
//
// annotation.c - what went wrong, as GitHub Actions shows it beside the job file.
//
// A workflow command is a line "::error file=F,line=N,title=T::text". In the text % CR LF are
// written %25 %0D %0A; in a property , and : too. Paths are relative to the folder the run was
// started in, which in a workflow is the repository. GitHub shows ten annotations of a kind a step:
// so one for each section and target, with how many repeats it had, not one a cell; and of a
// comparison one for all that regressed in it, one for all that is inconclusive.

#include "result/annotation.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void annotation_text(FILE *out, const char *text, bool property)
{
    for (; *text != '\0'; text++) {
        bool escaped = *text == '%' || *text == '\r' || *text == '\n' ||
                       (property && (*text == ',' || *text == ':'));
        fprintf(out, escaped ? "%%%02X" : "%c", (unsigned)(unsigned char)*text);
    }
}

static void annotation_place(FILE *out, const struct job_section *section)
{
    const char *file = section->file;
    char *folder = getcwd(NULL, 0);
    size_t length = folder != NULL ? strlen(folder) : 0;
    if (length > 0 && strncmp(file, folder, length) == 0 && file[length] == '/') {
        file += length + 1;
    }
    free(folder);
    fprintf(out, "file=");
    annotation_text(out, file, true);
    fprintf(out, ",line=%u", section->line);
}

static bool annotation_is_bad(const struct cell *cell)
{
    return cell->verdict == CELL_FAILED || cell->verdict == CELL_CRASHED ||
           cell->verdict == CELL_HUNG;
}

// The first bad repeat speaks for the others of its target.
static void annotation_cell(FILE *out, const struct plan *plan, size_t index)
{
    const struct cell *cell = &plan->cells[index];
    unsigned bad = 0;
    unsigned all = 0;
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *other = &plan->cells[i];
        bool same = other->section == cell->section && other->target == cell->target;
        if (same && annotation_is_bad(other) && i < index) {
            return;
        }
        bad += same && annotation_is_bad(other);
        all += same;
    }
    char text[700];
    fprintf(out, "::error ");
    annotation_place(out, cell->section->section);
    snprintf(text, sizeof text, "%s: %s in %s", cell_verdict_name(cell->verdict), cell->spec->name,
             cell->section->section->name);
    fprintf(out, ",title=");
    annotation_text(out, text, true);
    fprintf(out, "::");
    annotation_text(out, cell->message, false);
    snprintf(text, sizeof text, "\n%u of %u repeats; again: ", bad, all);
    annotation_text(out, text, false);
    annotation_text(out, cell->rerun, false);
    fputc('\n', out);
}

static void annotation_warning(void *arg, const char *code, const char *text)
{
    FILE *out = arg;
    fprintf(out, "::warning title=");
    annotation_text(out, code, true);
    fprintf(out, "::");
    annotation_text(out, text, false);
    fputc('\n', out);
}

static const struct job_section *annotation_section(const struct plan *plan, const char *name)
{
    for (size_t i = 0; plan != NULL && i < plan->section_count; i++) {
        if (strcmp(plan->sections[i].section->name, name) == 0) {
            return plan->sections[i].section;
        }
    }
    return NULL;
}

static bool annotation_is_alike(const struct finding *a, const struct finding *b)
{
    return a->kind == b->kind && strcmp(a->section, b->section) == 0 &&
           strcmp(a->target, b->target) == 0;
}

static bool annotation_is_first(const struct findings *findings, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (annotation_is_alike(&findings->items[i], &findings->items[index])) {
            return false;
        }
    }
    return true;
}

// The metrics of one kind of one target.
static void annotation_finding(FILE *out, const struct findings *findings, size_t index,
                               const struct plan *plan)
{
    const struct finding *first = &findings->items[index];
    const struct job_section *section = annotation_section(plan, first->section);
    bool bad = first->kind == FINDING_REGRESSED || first->kind == FINDING_REFUSED;
    char text[1400];
    fprintf(out, bad ? "::error " : "::warning ");
    if (section != NULL) {
        annotation_place(out, section);
        fputc(',', out);
    }
    snprintf(text, sizeof text, "%s: %s%s%s", finding_kind_name(first->kind), first->target,
             *first->target != '\0' ? " in " : "", first->section);
    fprintf(out, "title=");
    annotation_text(out, text, true);
    fprintf(out, "::");
    const char *separator = "";
    for (size_t i = index; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        if (annotation_is_alike(first, finding)) {
            snprintf(text, sizeof text, "%s%s%s%s", separator, finding->metric,
                     *finding->metric != '\0' ? ": " : "", finding->text);
            annotation_text(out, text, false);
            separator = "\n";
        }
    }
    fputc('\n', out);
}

void annotation_findings(FILE *out, const struct findings *findings, const struct plan *plan)
{
    for (size_t i = 0; i < findings->count; i++) {
        enum finding_kind kind = findings->items[i].kind;
        if (kind != FINDING_PASS && kind != FINDING_LEFT_OUT && annotation_is_first(findings, i)) {
            annotation_finding(out, findings, i, plan);
        }
    }
}

void annotation_print(FILE *out, const struct output_scene *scene)
{
    for (size_t i = 0; i < scene->plan->cell_count; i++) {
        if (annotation_is_bad(&scene->plan->cells[i])) {
            annotation_cell(out, scene->plan, i);
        }
    }
    if (scene->findings != NULL) {
        annotation_findings(out, scene->findings, scene->plan);
    }
    warning_each(&scene->head->scene, annotation_warning, out);
    fprintf(out, "::notice title=mems-stress %s::verdict: %s, exit status %d\n",
            job_name(scene->plan->job), scene->verdict->name, (int)scene->verdict->exit);
}
