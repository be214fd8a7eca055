// SPDX-License-Identifier: MIT
//
// drive.c - runs the cells of a plan, one process each, and says how each one ended.

#include "run/drive.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk/disk.h"
#include "measure/clock.h"
#include "run/course.h"
#include "run/guard.h"
#include "run/run.h"
#include "run/spawn.h"
#include "run/symbols.h"
#include "run/watch.h"

#define DRIVE_OUTPUT_KEPT      4096
#define DRIVE_EXIT_INTERRUPTED 130

static volatile sig_atomic_t drive_signal;

// The first asks for the end of the run, with all that was measured. The second ends the driver
// where it stands: the cell dies with it, the guard sweeps up, no half result stays.
static void drive_on_signal(int signal)
{
    if (drive_signal != 0) {
        disk_forget();
        _exit(DRIVE_EXIT_INTERRUPTED);
    }
    drive_signal = signal;
}

// A reader that has gone, a file that may not grow: the write says so (EPIPE, EFBIG), and what else
// there is to write is written. Unlike SIG_IGN, a handler is not handed on to other programs.
static void drive_on_write(int signal)
{
    (void)signal;
}

bool drive_interrupted(void)
{
    return drive_signal != 0;
}

static void drive_install_handlers(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = drive_on_signal};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        sigaction(signals[i], &action, NULL);
    }
    struct sigaction write = {.sa_handler = drive_on_write, .sa_flags = SA_RESTART};
    sigaction(SIGPIPE, &write, NULL);
    sigaction(SIGXFSZ, &write, NULL);
}

// The end of what the process printed.
static char *drive_output(int file)
{
    struct stat status;
    if (fstat(file, &status) != 0 || status.st_size == 0) {
        return NULL;
    }
    off_t from = status.st_size > DRIVE_OUTPUT_KEPT ? status.st_size - DRIVE_OUTPUT_KEPT : 0;
    char *text = calloc(1, DRIVE_OUTPUT_KEPT + 1);
    if (text != NULL && pread(file, text, DRIVE_OUTPUT_KEPT, from) <= 0) {
        free(text);
        text = NULL;
    }
    return text;
}

static void drive_judge_check(struct cell *cell)
{
    const struct evidence *evidence = &cell->stage->evidence;
    cell->verdict = CELL_FAILED;
    if (evidence->kind == EVIDENCE_REFUSED) {
        cell->verdict = CELL_CRASHED;
        snprintf(cell->message, sizeof cell->message, "did not start: %s", evidence->text);
    } else if (strcmp(evidence->check, RUN_HARNESS) == 0) {
        cell->verdict = CELL_CRASHED;
        snprintf(cell->message, sizeof cell->message, "the harness could not go on: %s",
                 evidence->text);
    } else if (evidence->worker >= 0) {
        snprintf(cell->message, sizeof cell->message, "check %s, thread %d: %s", evidence->check,
                 evidence->worker, evidence->text);
    } else {
        snprintf(cell->message, sizeof cell->message, "check %s: %s", evidence->check,
                 evidence->text);
    }
}

// SIGKILL that was not ours: nobody but the kernel or another process does that.
static void drive_judge_killed(struct cell *cell, bool out_of_memory)
{
    cell->verdict = CELL_CRASHED;
    snprintf(cell->message, sizeof cell->message, "SIGKILL in phase %s, not by this driver: %s",
             stage_phase_name(cell->phase),
             out_of_memory ? "the kernel killed for want of memory at that time"
                           : "somebody else killed it");
}

static void drive_judge_crash(struct cell *cell, int status)
{
    const struct evidence *evidence = &cell->stage->evidence;
    char where[64] = "";
    char more[64] = "";
    cell->verdict = CELL_CRASHED;
    if (evidence->kind == EVIDENCE_CRASH && evidence->sender != 0) {
        snprintf(more, sizeof more, ", sent by process %d", evidence->sender);
    } else if (cell->stage->report.memory_method[0] != '\0') {
        snprintf(more, sizeof more, " (under memory_limit, which refuses memory)");
    }
    if (evidence->kind == EVIDENCE_CRASH && evidence->worker >= 0) {
        snprintf(where, sizeof where, ", thread %d", evidence->worker);
    }
    if (WIFSIGNALED(status)) {
        // One that could not end with its evidence was helped by SIGKILL.
        int signal = evidence->kind == EVIDENCE_CRASH ? evidence->signal : WTERMSIG(status);
        const char *name = sigabbrev_np(signal);
        char address[32] = "";
        if (evidence->address != 0) {
            snprintf(address, sizeof address, " at 0x%llx", (unsigned long long)evidence->address);
        }
        snprintf(cell->message, sizeof cell->message, "SIG%s%s in phase %s%s%s",
                 name != NULL ? name : "?", address, stage_phase_name(cell->phase), where, more);
    } else {
        snprintf(cell->message, sizeof cell->message, "ended with status %d in phase %s%s%s",
                 WEXITSTATUS(status), stage_phase_name(cell->phase), where, more);
    }
}

static void drive_judge_unsteady(struct cell *cell)
{
    const struct job_section *section = cell->section->section;
    double deviation = cell->stage->report.steady_deviation;
    cell->verdict = CELL_UNSTEADY;
    if (isnan(deviation)) {
        snprintf(cell->message, sizeof cell->message,
                 "the run ended before steady_window = %s had gone by",
                 job_text(section, "steady_window"));
    } else {
        snprintf(cell->message, sizeof cell->message,
                 "the rate did not become steady (%s): %.3g %% over the last window of %s",
                 job_text(section, "steady"), deviation * 100, job_text(section, "steady_window"));
    }
}

// A cell that came to its end has passed, unless its target gave nothing at all or what was to be
// measured was not.
static void drive_judge_end(struct cell *cell)
{
    const struct cell_report *report = &cell->stage->report;
    cell->verdict = CELL_PASS;
    if (report->incomplete) {
        cell->verdict = CELL_CRASHED;
        snprintf(cell->message, sizeof cell->message,
                 "ended before its time by SIGTERM, not by this driver: somebody else sent it");
    } else if (report->refused > 0 && report->count[OP_ALLOC] == 0) {
        cell->verdict = CELL_FAILED;
        snprintf(cell->message, sizeof cell->message,
                 "nothing was served: every one of %llu allocations was refused",
                 (unsigned long long)report->refused);
    } else if (report->warmup_ns > 0 && report->wall_ns == 0) {
        cell->verdict = CELL_UNSTEADY;
        snprintf(cell->message, sizeof cell->message,
                 "the work ended within the warm-up: nothing was measured");
    } else if (report->steady == STEADY_NOT_REACHED) {
        drive_judge_unsteady(cell);
    }
}

static void drive_judge(struct cell *cell, const struct watch_end *end)
{
    struct stage *stage = cell->stage;
    cell->phase = stage_phase(stage);
    cell->signal = WIFSIGNALED(end->status) ? WTERMSIG(end->status) : 0;
    cell->status = WIFEXITED(end->status) ? WEXITSTATUS(end->status) : -1;
    cell->max_rss = (uint64_t)end->usage.ru_maxrss * 1024;
    uint32_t kind = __atomic_load_n(&stage->evidence.kind, __ATOMIC_ACQUIRE);
    if (kind == EVIDENCE_CHECK || kind == EVIDENCE_REFUSED) {
        drive_judge_check(cell);
    } else if (end->hung) {
        cell->verdict = CELL_HUNG;
        snprintf(cell->message, sizeof cell->message, "%s", end->reason);
    } else if (end->interrupted && kind == EVIDENCE_NONE) {
        cell->verdict = CELL_INCOMPLETE;
        snprintf(cell->message, sizeof cell->message, "interrupted in phase %s",
                 stage_phase_name(cell->phase));
    } else if (cell->status == 0 && cell->phase == STAGE_DONE) {
        drive_judge_end(cell);
    } else if (cell->signal == SIGKILL && !end->killed) {
        drive_judge_killed(cell, end->out_of_memory);
    } else {
        drive_judge_crash(cell, end->status);
    }
}

struct drive_tick {
    const struct drive_view *view;
    const struct plan *plan;
    size_t cell;
};

static void drive_on_tick(void *arg)
{
    const struct drive_tick *tick = arg;
    if (tick->view->tick != NULL) {
        tick->view->tick(tick->view->arg, tick->plan, tick->cell);
    }
}

static void drive_cell(struct plan *plan, size_t index, const struct drive_view *view)
{
    struct cell *cell = &plan->cells[index];
    const struct job_section *section = cell->section->section;
    struct drive_tick tick = {view, plan, index};
    struct watch watch = {
        .timeout_ns = job_number(section, "timeout"),
        .limit_ns = course_limit_ns(section),
        .memory_bytes = job_number(section, "memory_limit"),
        .mapped = job_number(section, "verify") >= 4,
        .interrupted = drive_interrupted,
        .tick = drive_on_tick,
        .arg = &tick,
    };
    struct watch_end end;
    pid_t pid;
    int output;
    uint64_t began = clock_monotonic_ns();
    if (spawn_cell(cell, &pid, &output) != 0) {
        cell->verdict = CELL_CRASHED;
        return;
    }
    watch_cell(cell->stage, pid, &watch, &end);
    cell->seconds = (double)(clock_monotonic_ns() - began) / 1e9;
    drive_judge(cell, &end);
    symbols_resolve(&cell->stage->evidence);
    cell->output = drive_output(output);
    close(output);
}

void drive_plan(struct plan *plan, const struct drive_view *view)
{
    drive_install_handlers();
    for (size_t i = 0; i < plan->cell_count && !drive_interrupted(); i++) {
        if (view->began != NULL) {
            view->began(view->arg, plan, i);
        }
        if (plan->cells[i].verdict != CELL_SKIPPED) {
            drive_cell(plan, i, view);
        }
        if (view->ended != NULL) {
            view->ended(view->arg, plan, i);
        }
    }
    guard_close();
}
