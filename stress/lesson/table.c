// SPDX-License-Identifier: MIT
//
// table.c - runs in a terminal.

#include "lesson/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "job/sure.h"
#include "show/words.h"

#define TABLE_NAME 10 // columns before the first reference
#define TABLE_STEP 7  // columns before a step or an answer that goes on in another line
#define TABLE_WHY  9  // before a reason

void lesson_head(FILE *out, const struct exercise *exercise, unsigned width)
{
    char title[200];
    snprintf(title, sizeof title, "%s: %s%s%s%s", exercise->name, exercise->title,
             exercise->source != NULL ? " (" : "", exercise->source != NULL ? exercise->source : "",
             exercise->source != NULL ? ")" : "");
    words_wrap(out, 0, width, title);
    words_wrap(out, 2, width, exercise->question);
    if (exercise->kind == EXERCISE_REFERENCES) {
        words_wrap(out, 4, width, exercise->input);
    }
    fprintf(out, "\n");
}

// ---- the table ----------------------------------------------------------------------------------

static void table_cell(char *text, size_t size, const struct lesson_run *run,
                       const struct lesson_step *step, size_t row)
{
    const struct lesson_cell *cell = &step->cells[row];
    bool hand = run->hand && step->hand == row;
    snprintf(text, size, "%s%" PRIu64 "%s", hand ? ">" : "", cell->page,
             run->bits && cell->r ? "*" : "");
}

static size_t table_rows(const struct lesson_run *run)
{
    size_t rows = 0;
    for (size_t i = 0; i < run->count; i++) {
        rows = run->steps[i].cell_count > rows ? run->steps[i].cell_count : rows;
    }
    return rows;
}

static size_t table_widest(const struct lesson_run *run)
{
    size_t widest = 2;
    for (size_t i = 0; i < run->count; i++) {
        for (size_t row = 0; row < run->steps[i].cell_count; row++) {
            char text[32] = "";
            if (run->steps[i].cells[row].page != LESSON_NONE) {
                table_cell(text, sizeof text, run, &run->steps[i], row);
            }
            widest = strlen(text) > widest ? strlen(text) : widest;
        }
    }
    return widest;
}

// The references from `first` to before `end`.
static void table_part(FILE *out, const struct lesson_run *run, size_t first, size_t end,
                       int column)
{
    fprintf(out, "  %-*s", TABLE_NAME, "page");
    for (size_t i = first; i < end; i++) {
        fprintf(out, "%*" PRIu64, column, run->steps[i].page);
    }
    fprintf(out, "\n");
    for (size_t row = 0; row < table_rows(run); row++) {
        fprintf(out, "  frame %-*zu", TABLE_NAME - 6, row);
        for (size_t i = first; i < end; i++) {
            char text[32] = "";
            const struct lesson_step *step = &run->steps[i];
            if (row < step->cell_count && step->cells[row].page != LESSON_NONE) {
                table_cell(text, sizeof text, run, step, row);
            }
            fprintf(out, "%*s", column, text);
        }
        fprintf(out, "\n");
    }
    fprintf(out, "  %-*s", TABLE_NAME, "fault");
    for (size_t i = first; i < end; i++) {
        const struct lesson_step *step = &run->steps[i];
        fprintf(out, "%*s", column, step->initial ? "f" : step->fault ? "F" : "");
    }
    fprintf(out, "\n");
}

static void table_state(FILE *out, const struct lesson_step *step)
{
    fprintf(out, "  %6s%10s%10s%4s%4s\n", "page", "loaded", "used", "R", "M");
    for (size_t i = 0; i < step->cell_count; i++) {
        const struct lesson_cell *cell = &step->cells[i];
        fprintf(out, "  %6" PRIu64 "%10" PRIu64 "%10" PRIu64 "%4d%4d\n", cell->page, cell->loaded,
                cell->last, cell->r, cell->m);
    }
}

void lesson_table(FILE *out, const struct lesson_run *run, unsigned width)
{
    int column = (int)table_widest(run) + 1;
    size_t most = (width - TABLE_NAME - 2) / (unsigned)column;
    most = most > 0 ? most : 1;
    if (run->dirty) {
        table_state(out, &run->steps[0]);
        return;
    }
    for (size_t first = 0; first < run->count && run->algorithm[0] != '\0'; first += most) {
        table_part(out, run, first, first + most < run->count ? first + most : run->count, column);
    }
}

// ---- steps and totals ---------------------------------------------------------------------------

void lesson_steps(FILE *out, const struct lesson_run *run, unsigned width, bool reasons)
{
    for (size_t i = 0; i < run->count; i++) {
        const struct lesson_step *step = &run->steps[i];
        char text[sizeof step->operation + sizeof step->text + 4];
        snprintf(text, sizeof text, "%s -> %s", step->operation, step->text);
        fprintf(out, "%5zu ", i + 1);
        words_wrap_from(out, TABLE_STEP - 1, TABLE_STEP, width, text);
        if (reasons && step->reason != NULL) {
            words_wrap(out, TABLE_WHY, width, step->reason);
        }
    }
}

static void table_verdict(FILE *out, const char *what, const char *answer, const char *more,
                          unsigned width)
{
    char *text = sure_print("%s: %s%s", what, answer, more);
    fprintf(out, " ");
    words_wrap_from(out, 1, TABLE_STEP, width, text);
    free(text);
}

void lesson_verdict(FILE *out, const char *answer, const char *expected, unsigned width)
{
    if (expected == NULL) {
        return;
    }
    if (strcmp(answer, expected) == 0) {
        table_verdict(out, "answer", answer, ", as the books have it", width);
    } else {
        table_verdict(out, "answer", answer, "", width);
        table_verdict(out, "the books have", expected, "", width);
    }
}

void lesson_total(FILE *out, const struct lesson_run *run, unsigned width)
{
    if (run->algorithm[0] != '\0' && !run->dirty) {
        fprintf(out,
                "  %zu references, %" PRIu64 " fault%s; %" PRIu64 " without the %" PRIu64
                " that filled an empty frame\n",
                run->count, run->faults, run->faults == 1 ? "" : "s", run->faults - run->initial,
                run->initial);
    }
    lesson_verdict(out, run->answer, run->expected, width);
    fprintf(out, "\n");
}

void lesson_sums(FILE *out, const struct lesson_run *runs, size_t count)
{
    fprintf(out, "%-20s%10s%10s%16s\n", "algorithm", "frames", "faults", "without first");
    for (size_t i = 0; i < count; i++) {
        char frames[24] = "-";
        if (runs[i].frames > 0) {
            snprintf(frames, sizeof frames, "%" PRIu64, runs[i].frames);
        }
        fprintf(out, "%-20s%10s%10" PRIu64 "%16" PRIu64 "\n", runs[i].algorithm, frames,
                runs[i].faults, runs[i].faults - runs[i].initial);
    }
}
