// SPDX-License-Identifier: MIT
//
// show_lesson.c - mems-stress trace show: reference strings, states as given, access times.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/show.h"
#include "lesson/document.h"
#include "lesson/run.h"
#include "lesson/table.h"
#include "result/verdict.h"

#define SHOW_REPLACEMENT "fifo,lru,clock,clock0,opt"
#define SHOW_FRAMES      "3"

void show_head(const struct show_stage *stage)
{
    if (stage->exercise != NULL && stage->out != NULL && !stage->command->quiet) {
        lesson_head(stage->out, stage->exercise, stage->width);
    }
}

struct show_runs {
    struct lesson_run *runs;
    size_t count, room;
};

static struct lesson_run *show_runs_add(struct show_runs *runs)
{
    if (runs->count == runs->room) {
        runs->room = runs->room * 2 + 8;
        struct lesson_run *grown = reallocarray(runs->runs, runs->room, sizeof *grown);
        if (grown == NULL) {
            complain_exhausted();
        }
        runs->runs = grown;
    }
    runs->runs[runs->count] = (struct lesson_run){0};
    return &runs->runs[runs->count++];
}

static void show_runs_fini(struct show_runs *runs)
{
    for (size_t i = 0; i < runs->count; i++) {
        lesson_run_fini(&runs->runs[i]);
    }
    free(runs->runs);
}

// ---- what is run --------------------------------------------------------------------------------

static int show_string(struct show_runs *runs, const struct references *references,
                       const struct faults_choice *choice, uint64_t frames, uint64_t seed,
                       const char *expected, struct complaint *complaint)
{
    struct lesson_run *run = show_runs_add(runs);
    int error = lesson_run_references(run, references, choice, frames, seed, complaint);
    run->expected = expected;
    return error;
}

// By the command: each algorithm with each number of frames.
static int show_told(const struct show_command *command, const struct references *references,
                     struct show_runs *runs, struct complaint *complaint)
{
    struct faults_choice *choices = NULL;
    uint64_t *frames = NULL;
    size_t choice_count, frame_count;
    uint64_t seed = command->seed.given ? command->seed.value : 1;
    const char *list = command->replacement != NULL ? command->replacement : SHOW_REPLACEMENT;
    int error = faults_choose(list, &choices, &choice_count, complaint);
    if (error == 0) {
        error = faults_frames(command->frames != NULL ? command->frames : SHOW_FRAMES, &frames,
                              &frame_count, complaint);
    }
    for (size_t i = 0; error == 0 && i < choice_count; i++) {
        bool variable = choices[i].algorithm->parameter != NULL;
        for (size_t n = 0; error == 0 && n < (variable ? 1 : frame_count); n++) {
            error = show_string(runs, references, &choices[i], variable ? 0 : frames[n], seed, NULL,
                                complaint);
        }
    }
    free(choices);
    free(frames);
    return error;
}

// By the exercise.
static int show_set(const struct show_command *command, const struct exercise *exercise,
                    const struct references *references, struct show_runs *runs,
                    struct complaint *complaint)
{
    int error = 0;
    if (command->replacement != NULL || command->frames != NULL) {
        return show_told(command, references, runs, complaint);
    }
    for (size_t i = 0; i < exercise_runs(exercise) && error == 0; i++) {
        const struct exercise_run *row = &exercise->runs[i];
        struct faults_choice *choices = NULL;
        size_t count;
        error = faults_choose(row->target, &choices, &count, complaint);
        if (error == 0) {
            error =
                show_string(runs, references, &choices[0], row->frames, 1, row->answer, complaint);
        }
        free(choices);
    }
    return error;
}

static int show_references(const struct show_stage *stage, const char *string, const char *path,
                           struct show_runs *runs, struct complaint *complaint)
{
    struct references references = {0};
    char *text = string != NULL ? strdup(string) : NULL;
    for (char *at = text; at != NULL && *at != '\0'; at++) {
        *at = strchr(",\n", *at) != NULL ? ' ' : *at;
    }
    int error = text != NULL
                    ? references_parse(text, strlen(text), "the string", &references, complaint)
                    : references_read(path, &references, complaint);
    if (error == 0 && stage->exercise != NULL) {
        error = show_set(stage->command, stage->exercise, &references, runs, complaint);
    } else if (error == 0) {
        error = show_told(stage->command, &references, runs, complaint);
    }
    references_fini(&references);
    free(text);
    return error;
}

// The rows of an exercise that is no string.
static int show_rows(const struct exercise *exercise, struct show_runs *runs,
                     struct complaint *complaint)
{
    int error = 0;
    for (size_t i = 0; i < exercise_runs(exercise) && error == 0; i++) {
        const struct exercise_run *row = &exercise->runs[i];
        struct lesson_run *run = show_runs_add(runs);
        error = exercise->kind == EXERCISE_STATE
                    ? lesson_run_state(run, exercise->input, row->target, complaint)
                    : lesson_run_time(run, row->target, exercise_time_at(row->frames), complaint);
        run->expected = row->answer;
    }
    return error;
}

// ---- where to -----------------------------------------------------------------------------------

static int show_run_draw(const struct show_stage *stage, const struct lesson_run *run)
{
    const struct show_command *command = stage->command;
    if (stage->document != NULL) {
        lesson_document_run(stage->document, run);
    }
    if (stage->out != NULL && !command->quiet) {
        fprintf(stage->out, "%s\n", run->name);
        lesson_table(stage->out, run, stage->width);
        if (!command->brief) {
            lesson_steps(stage->out, run, stage->width, true);
        }
        lesson_total(stage->out, run, stage->width);
    }
    bool wrong = run->expected != NULL && strcmp(run->expected, run->answer) != 0;
    return wrong ? VERDICT_EXIT_FAILED : 0;
}

int show_lesson_run(struct show_stage *stage, const char *string, const char *path)
{
    struct show_runs runs = {0};
    struct complaint complaint = {""};
    const struct exercise *exercise = stage->exercise;
    bool rows = exercise != NULL && exercise->kind != EXERCISE_REFERENCES;
    if (rows && (stage->command->replacement != NULL || stage->command->frames != NULL)) {
        return show_wrong("%s: --frames and --replacement are for reference strings", path);
    }
    int status = 0, error = rows ? show_rows(exercise, &runs, &complaint)
                                 : show_references(stage, string, path, &runs, &complaint);
    if (error != 0) {
        bool usage = error == EINVAL || error == ENOENT;
        status = show_wrong("%s", complaint.text);
        status = usage ? status : VERDICT_EXIT_UNWRITTEN;
    }
    if (error == 0) {
        show_head(stage);
    }
    for (size_t i = 0; i < runs.count && error == 0; i++) {
        int came = show_run_draw(stage, &runs.runs[i]);
        status = came > status ? came : status;
        stage->any = true;
    }
    if (stage->out != NULL && error == 0 && !rows) {
        lesson_sums(stage->out, runs.runs, runs.count);
    }
    show_runs_fini(&runs);
    return status;
}
