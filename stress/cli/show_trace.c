// SPDX-License-Identifier: MIT
//
// show_trace.c - mems-stress trace show: a trace step by step on one policy after the other.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/show.h"
#include "lesson/answer.h"
#include "lesson/document.h"
#include "lesson/table.h"
#include "result/verdict.h"
#include "show/draw.h"

#define SHOW_TARGETS 64
#define SHOW_LINES   2000u // operations of a trace that get a line each without --every

// ---- targets ------------------------------------------------------------------------------------

struct show_targets {
    struct target_spec specs[SHOW_TARGETS];
    size_t count;
};

static int show_add_target(struct show_targets *targets, const char *text)
{
    struct complaint complaint = {""};
    if (targets->count == SHOW_TARGETS) {
        return show_wrong("too many targets: %s", text);
    }
    struct target_spec *spec = &targets->specs[targets->count];
    if (target_parse(text, NULL, spec, &complaint) != 0) {
        return show_wrong("%s", complaint.text);
    }
    targets->count++;
    if (strcmp(spec->target->name, "mems") != 0) {
        return show_wrong("%s: only an engine's memory can be drawn; write mems:POLICY", text);
    }
    return 0;
}

static int show_add_targets(const struct show_stage *stage, struct show_targets *targets)
{
    const struct show_command *command = stage->command;
    int status = 0;
    size_t runs = stage->exercise != NULL ? exercise_runs(stage->exercise) : 0;
    for (size_t i = 0; i < runs && command->targets.count == 0 && status == 0; i++) {
        status = show_add_target(targets, stage->exercise->runs[i].target);
    }
    for (size_t i = 0; i < command->targets.count && status == 0; i++) {
        const struct mems_policy_row *row;
        if (strcmp(command->targets.items[i], "all") != 0) {
            status = show_add_target(targets, command->targets.items[i]);
            continue;
        }
        for (size_t n = 0; (row = mems_policy_at(n)) != NULL && status == 0; n++) {
            char text[80];
            snprintf(text, sizeof text, "mems:%s", row->name);
            status = show_add_target(targets, text);
        }
    }
    return status == 0 && targets->count == 0 ? show_add_target(targets, "mems:dynamic") : status;
}

// ---- one target ---------------------------------------------------------------------------------

// One target at work.
struct show_scene {
    const struct show_stage *stage;
    const struct trace *trace;
    const char *expected; // by the exercise, or NULL
    struct lesson_answer answer;
    bool detailed; // a line for each operation
    bool begun;    // what lays out the memory is over
    bool blank;    // the last line drawn was one
};

static void show_draw(const struct show_scene *scene, struct show *show,
                      const struct show_step *step, bool line, bool map)
{
    const struct show_stage *stage = scene->stage;
    if (stage->out == NULL || stage->command->quiet) {
        return;
    }
    if (line) {
        draw_step(stage->out, show, step, stage->width);
    }
    if (map) {
        draw_map(stage->out, show, stage->width);
    }
}

static void show_one(struct show_scene *scene, struct show *show, const struct show_step *step)
{
    const struct show_stage *stage = scene->stage;
    bool seen = step->outcome != SHOW_SILENT;
    bool map = step->outcome == SHOW_MAP || (stage->command->every && seen);
    bool line = scene->detailed && !stage->command->quiet;
    scene->begun |= step->outcome == SHOW_MAP;
    if (!scene->begun) {
        return;
    }
    show_draw(scene, show, step, line, map);
    lesson_answer_step(&scene->answer, show, step);
    if (stage->document != NULL && (line || map)) {
        bool all = seen && stage->command->html != NULL;
        show_document_step(stage->document, show, step, map || all ? show_look(show) : NULL);
    }
    scene->blank = map;
}

// Every invariant of the engine, once all is done.
static int show_check(const struct show *show, const struct target_spec *spec)
{
    struct mems_violation violation;
    if (mems_check(show_engine(show), true, &violation) == 0) {
        return 0;
    }
    fprintf(stderr, "mems-stress trace show: %s: invariant %s is broken: %s\n", spec->name,
            violation.invariant, violation.text);
    return VERDICT_EXIT_FAILED;
}

// Once all is done: what it came to. The exit status.
static int show_end(struct show_scene *scene, struct show *show, const struct target_spec *spec,
                    struct draw_row *row)
{
    const struct show_stage *stage = scene->stage;
    *row = (struct draw_row){.target = spec->name, .unit = show_unit(show)};
    show_sum_up(show, &row->summary);
    lesson_answer_end(&scene->answer, show);
    if (stage->document != NULL) {
        show_document_end(stage->document, show);
        lesson_document_answer(stage->document, scene->answer.text, scene->expected);
    }
    if (stage->out != NULL) {
        lesson_verdict(stage->out, scene->answer.text, scene->expected, stage->width);
        scene->blank &= scene->expected == NULL;
    }
    bool wrong = scene->expected != NULL && strcmp(scene->answer.text, scene->expected) != 0;
    int status = show_check(show, spec);
    return wrong ? VERDICT_EXIT_FAILED : status;
}

static struct show_settings show_settings(const struct show_scene *scene)
{
    const struct show_stage *stage = scene->stage;
    const struct show_command *command = stage->command;
    struct show_settings settings = {.unit = command->unit.value,
                                     .memory = command->memory.value,
                                     .reasons = scene->detailed && !command->brief};
    if (stage->exercise != NULL && !command->unit.given) {
        settings.unit = stage->exercise->unit;
    }
    if (stage->exercise != NULL && !command->memory.given) {
        settings.memory = stage->exercise->memory;
    }
    return settings;
}

static int show_target(struct show_scene *scene, const struct target_spec *spec,
                       struct draw_row *row)
{
    const struct show_stage *stage = scene->stage;
    const struct show_settings settings = show_settings(scene);
    struct complaint complaint = {""};
    struct show *show;
    struct show_step step;
    if (show_open(scene->trace, spec, &settings, scene->detailed, &show, &complaint) != 0) {
        return show_wrong("%s", complaint.text);
    }
    bool drawn = stage->out != NULL && !stage->command->quiet;
    if (drawn) {
        draw_head(stage->out, show, spec, stage->width);
    }
    if (stage->document != NULL) {
        show_document_target(stage->document, show, spec->name);
    }
    int error, status;
    while ((error = show_next(show, &step, &complaint)) == 0) {
        show_one(scene, show, &step);
    }
    if (error == ENOENT) {
        status = show_end(scene, show, spec, row);
    } else {
        fprintf(stderr, "mems-stress trace show: %s: %s\n", spec->name, complaint.text);
        status = error == ENOMEM ? VERDICT_EXIT_UNWRITTEN : VERDICT_EXIT_FAILED;
    }
    if (drawn && !scene->blank) {
        fprintf(stage->out, "\n");
    }
    show_close(show);
    return status;
}

// What the exercise expects, as it stands; of other targets and memories it knows nothing.
static const char *show_expected(const struct show_stage *stage, size_t target)
{
    const struct exercise *exercise = stage->exercise;
    const struct show_command *command = stage->command;
    bool own = exercise != NULL && command->targets.count == 0 && !command->memory.given &&
               !command->unit.given;
    return own ? exercise->runs[target].answer : NULL;
}

static int show_targets_run(struct show_stage *stage, const struct trace *trace,
                            const struct show_targets *targets)
{
    const struct exercise *exercise = stage->exercise;
    struct draw_row rows[SHOW_TARGETS];
    bool detailed = stage->command->every || trace->op_count <= SHOW_LINES;
    if (!detailed && stage->command->html != NULL) {
        return show_wrong("%s", "more than 2000 operations are too many for a page");
    }
    if (!detailed && !stage->command->quiet) {
        fprintf(stderr,
                "mems-stress trace show: %zu operations: no line for each (--every has them)\n",
                trace->op_count);
    }
    int status = 0;
    size_t done = 0;
    for (size_t i = 0; i < targets->count; i++) {
        struct show_scene scene = {.stage = stage,
                                   .trace = trace,
                                   .expected = show_expected(stage, i),
                                   .detailed = detailed,
                                   .begun = exercise == NULL || !exercise->begins};
        scene.answer.style = exercise != NULL ? exercise->style : ANSWER_NONE;
        rows[done].target = NULL;
        int came = show_target(&scene, &targets->specs[i], &rows[done]);
        done += rows[done].target != NULL;
        stage->any |= came == 0 || came == VERDICT_EXIT_FAILED;
        status = came > status ? came : status;
    }
    if (stage->out != NULL) {
        draw_table(stage->out, rows, done);
    }
    return status;
}

int show_trace_run(struct show_stage *stage, const struct trace *trace)
{
    struct show_targets targets = {.count = 0};
    int status = show_add_targets(stage, &targets);
    if (status == 0) {
        show_head(stage);
        status = show_targets_run(stage, trace, &targets);
    }
    for (size_t i = 0; i < targets.count; i++) {
        target_spec_fini(&targets.specs[i]);
    }
    return status;
}
