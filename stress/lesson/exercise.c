// SPDX-License-Identifier: MIT
//
// exercise.c - the tables of exercises as one.

#include "lesson/exercise.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "job/job.h"
#include "show/words.h"
#include "trace/trace.h"

#define EXERCISE_MOST 63

// The numbers are the `frames` of the runs.
static const struct exercise_time exercise_times[] = {
    {false, 0.80, 100, 20, 1},
    {false, 0.98, 100, 20, 1},
    {true, 0.001, 200, 8e6, 0},
};

const struct exercise_time *exercise_time_at(size_t index)
{
    return index < sizeof exercise_times / sizeof exercise_times[0] ? &exercise_times[index] : NULL;
}

const struct exercise *exercise_at(size_t index)
{
    const struct exercise *const tables[] = {exercise_memory, exercise_pages};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        for (const struct exercise *row = tables[i]; row->name != NULL; row++) {
            if (index-- == 0) {
                return row;
            }
        }
    }
    return NULL;
}

const struct exercise *exercise_find(const char *name)
{
    const struct exercise *exercise;
    for (size_t i = 0; (exercise = exercise_at(i)) != NULL; i++) {
        if (strcmp(exercise->name, name) == 0) {
            return exercise;
        }
    }
    return NULL;
}

const char *exercise_near(const char *name)
{
    const char *names[EXERCISE_MOST + 1] = {NULL};
    for (size_t i = 0; i < EXERCISE_MOST && exercise_at(i) != NULL; i++) {
        names[i] = exercise_at(i)->name;
    }
    return job_suggest(name, names);
}

size_t exercise_runs(const struct exercise *exercise)
{
    size_t count = 0;
    while (count < EXERCISE_RUNS && exercise->runs[count].target != NULL) {
        count++;
    }
    return count;
}

// The block of that name, as the allocation that makes it; NULL: there is none.
static const struct trace_op *exercise_block(const struct trace *trace, const char *name)
{
    char text[100];
    for (size_t i = 0; i < trace->op_count; i++) {
        const struct trace_op *op = &trace->ops[i];
        if (trace_kind_allocates(op->kind)) {
            words_name(trace, op->process, op->block, text, sizeof text);
            if (strcmp(text, name) == 0) {
                return op;
            }
        }
    }
    return NULL;
}

static int exercise_access(struct trace *trace, const char *text, struct complaint *complaint)
{
    char name[64];
    unsigned long long offset;
    const struct trace_op *block = NULL;
    if (sscanf(text, " %63s %llu", name, &offset) == 2) {
        block = exercise_block(trace, name);
    }
    if (block == NULL) {
        complain(complaint, "no access: \"%s\"", text);
        return EINVAL;
    }
    struct trace_op access = {.kind = TRACE_TOUCH,
                              .call = (uint8_t)trace_call_usual(TRACE_TOUCH),
                              .process = block->process,
                              .block = block->block,
                              .size = offset};
    int error = trace_append(trace, &access);
    if (error != 0) {
        complain(complaint, "out of memory");
    }
    return error;
}

int exercise_trace(const struct exercise *exercise, struct trace **made,
                   struct complaint *complaint)
{
    struct trace *trace;
    int error = trace_parse(exercise->input, strlen(exercise->input), exercise->name, &trace, NULL,
                            complaint);
    if (error != 0) {
        return error;
    }
    for (const char *at = exercise->accesses; at != NULL && error == 0; at = strchr(at, ';')) {
        at += *at == ';';
        error = exercise_access(trace, at, complaint);
    }
    if (error != 0) {
        trace_free(trace);
        return error;
    }
    *made = trace;
    return 0;
}
