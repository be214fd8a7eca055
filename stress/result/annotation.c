// SPDX-License-Identifier: MIT
//
// annotation.c - what went wrong, as GitHub Actions shows it beside the job file.
//
// A workflow command is a line "::error file=F,line=N,title=T::text". In the text % CR LF are
// written %25 %0D %0A; in a property , and : too. Paths are relative to the folder the run was
// started in, which in a workflow is the repository. GitHub shows ten annotations of a kind a step:
// so one for each section and target, with how many repeats it had, not one a cell.

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
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *other = &plan->cells[i];
        bool same = other->section == cell->section && other->target == cell->target;
        if (same && annotation_is_bad(other) && i < index) {
            return;
        }
        bad += same && annotation_is_bad(other);
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
    snprintf(text, sizeof text, "\n%u of %u repeats; again: ", bad, cell->section->repeats);
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

void annotation_print(FILE *out, const struct output_scene *scene)
{
    for (size_t i = 0; i < scene->plan->cell_count; i++) {
        if (annotation_is_bad(&scene->plan->cells[i])) {
            annotation_cell(out, scene->plan, i);
        }
    }
    warning_each(&scene->head->scene, annotation_warning, out);
    fprintf(out, "::notice title=mems-stress %s::verdict: %s, exit status %d\n",
            scene->plan->job->title, scene->verdict->name, (int)scene->verdict->exit);
}
