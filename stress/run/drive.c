// SPDX-License-Identifier: MIT
//
// drive.c - runs the cells of a plan, one process each, and says how each one ended.

#include "run/drive.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk/disk.h"
#include "job/checks.h"
#include "job/complaint.h"
#include "measure/clock.h"
#include "run/course.h"
#include "run/guard.h"
#include "run/hook.h"
#include "run/run.h"
#include "run/spawn.h"
#include "run/symbols.h"
#include "run/watch.h"

#define DRIVE_EXIT_INTERRUPTED 130

static volatile sig_atomic_t drive_signals; // how many came

// The first asks for the end of the run, with all that was measured. The second ends the driver
// where it stands: the cell dies with it, the guard sweeps up, no half result stays.
static void drive_on_signal(int signal)
{
    (void)signal;
    if (drive_signals != 0) {
        disk_forget();
        _exit(DRIVE_EXIT_INTERRUPTED);
    }
    drive_signals = drive_signals + 1;
}

// A reader that has gone, a file that may not grow: the write says so (EPIPE, EFBIG), and what else
// there is to write is written. Unlike SIG_IGN, a handler is not handed on to other programs.
static void drive_on_write(int signal)
{
    (void)signal;
}

bool drive_interrupted(void)
{
    return drive_signals != 0;
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

static bool drive_did_nothing(const struct cell_report *report)
{
    uint64_t all = report->refused;
    for (unsigned kind = 0; kind < OP_KINDS; kind++) {
        all += report->count[kind];
    }
    return all == 0 && report->wall_ns > 0;
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
    } else if (drive_did_nothing(report)) {
        cell->verdict = CELL_UNSTEADY;
        snprintf(cell->message, sizeof cell->message,
                 "no operation came to its end within the runtime: nothing was measured");
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
        .mapped = job_checks_have(job_checks_of(section), JOB_CHECK_OVERLAP),
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
    cell->output = hook_output(output);
    close(output);
}

// What the driver remembers of a section.
struct drive_section {
    size_t left;    // cells that are still to run
    bool begun;     // setup was run: cleanup is due
    bool abandoned; // setup has failed
};

// A hook of a cell's section. Commands for the section as a whole are told neither target nor
// repeat.
static int drive_hook(struct cell *cell, const char *key, bool whole, int signals)
{
    const struct job_section *section = cell->section->section;
    const char *command = job_text(section, key);
    if (command[0] == '\0') {
        return 0;
    }
    struct hook hook = {
        .name = key,
        .command = command,
        .folder = job_text(section, "folder"),
        .section = section->name,
        .target = whole ? "" : cell->spec->name,
        .timeout_ns = job_number(section, "timeout"),
        .signals = &drive_signals,
        .signals_before = signals,
    };
    if (!whole) {
        snprintf(hook.repeat, sizeof hook.repeat, "%u", cell->repeat);
    }
    int error = hook_run(&hook);
    if (error == EINTR && strcmp(key, "cleanup") != 0) {
        return error; // the run is over; nothing is said of the cell
    }
    if (error != 0) {
        cell->verdict = CELL_CRASHED;
        snprintf(cell->message, sizeof cell->message, "%s%s",
                 strcmp(key, "cleanup") == 0 ? "" : "did not start: ", hook.message);
        free(cell->output);
        cell->output = hook.output;
    } else {
        free(hook.output);
    }
    return error;
}

// Whether what the cell's section waits for has passed; else the cell is skipped, and says why.
static bool drive_gate_opens(const struct plan *plan, struct cell *cell)
{
    const struct plan_section *section = cell->section;
    const struct cell *bad = NULL;
    size_t waited = 0;
    size_t passed = 0;
    if (job_text(section->section, "wait_for")[0] == '\0') {
        return true;
    }
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *other = &plan->cells[i];
        if (plan_waits(section, other->section)) {
            waited++;
            passed += other->verdict == CELL_PASS;
            bool gated = other->verdict == CELL_SKIPPED && other->closed;
            bad = bad == NULL && other->verdict != CELL_PASS &&
                          (gated || other->verdict != CELL_SKIPPED)
                      ? other
                      : bad;
        }
    }
    if (bad == NULL && (passed > 0 || waited == 0)) {
        return true;
    }
    cell->verdict = CELL_SKIPPED;
    cell->closed = true;
    snprintf(cell->message, sizeof cell->message, "it waits for %s, %s%s%s",
             job_text(section->section, "wait_for"), bad != NULL ? bad->id : "of which nothing ran",
             bad != NULL ? ": " : "", bad != NULL ? cell_verdict_name(bad->verdict) : "");
    return false;
}

// Everything before a cell's process. Returns whether that is to start.
static bool drive_prepare(struct plan *plan, struct cell *cell, struct drive_section *state)
{
    int signals = drive_signals;
    if (cell->verdict == CELL_SKIPPED || !drive_gate_opens(plan, cell)) {
        return false;
    }
    if (state->abandoned) {
        cell->verdict = CELL_SKIPPED;
        cell->closed = true;
        snprintf(cell->message, sizeof cell->message, "the section's setup has failed");
        return false;
    }
    if (!state->begun) {
        state->begun = true;
        state->abandoned = drive_hook(cell, "setup", true, signals) != 0;
    }
    return !state->abandoned && drive_hook(cell, "prepare", false, signals) == 0;
}

// After the section's last cell, or when the run ends before it; `cell` is the one to blame.
static void drive_cleanup(struct cell *cell, struct drive_section *state)
{
    enum cell_verdict verdict = cell->verdict;
    char message[sizeof cell->message];
    memcpy(message, cell->message, sizeof message);
    if (!state->begun) {
        return;
    }
    state->begun = false;
    if (drive_hook(cell, "cleanup", true, drive_signals) != 0 && verdict != CELL_PASS &&
        verdict != CELL_WAITING) {
        cell->verdict = verdict; // what came first weighs more
        memcpy(cell->message, message, sizeof message);
    }
}

// Whether the run ends with this cell. (After the section's cleanup, which may have failed.)
static bool drive_aborts(const struct drive_view *view, const struct cell *cell)
{
    return view->abort && (cell->verdict == CELL_FAILED || cell->verdict == CELL_CRASHED ||
                           cell->verdict == CELL_HUNG);
}

// Everything about one cell that is not kept from an earlier run.
static void drive_next(struct plan *plan, size_t index, const struct drive_view *view,
                       struct drive_section *state)
{
    struct cell *cell = &plan->cells[index];
    if (view->began != NULL) {
        view->began(view->arg, plan, index);
    }
    if (drive_prepare(plan, cell, state)) {
        drive_cell(plan, index, view);
    }
    if (--state->left == 0) {
        drive_cleanup(cell, state);
    }
    if (view->ended != NULL) {
        view->ended(view->arg, plan, index);
    }
    if (view->keep != NULL) {
        view->keep(view->keep_arg, plan, index);
    }
}

void drive_plan(struct plan *plan, const struct drive_view *view)
{
    struct drive_section *states = calloc(plan->section_count + 1, sizeof *states);
    if (states == NULL) {
        complain_exhausted();
    }
    drive_install_handlers();
    for (size_t i = 0; i < plan->cell_count; i++) {
        states[plan->cells[i].section - plan->sections].left++;
    }
    for (size_t i = 0; i < plan->cell_count && !drive_interrupted(); i++) {
        struct cell *cell = &plan->cells[i];
        struct drive_section *state = &states[cell->section - plan->sections];
        if (!cell->kept) {
            drive_next(plan, i, view, state);
        } else if (--state->left == 0) {
            drive_cleanup(cell, state);
        }
        if (drive_aborts(view, cell)) {
            break;
        }
    }
    for (size_t i = plan->cell_count; i-- > 0;) { // what an early end has left
        struct cell *cell = &plan->cells[i];
        drive_cleanup(cell, &states[cell->section - plan->sections]);
    }
    free(states);
    guard_close();
}
