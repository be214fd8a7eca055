// SPDX-License-Identifier: MIT
//
// trial.c - one schedule in a child process: whatever it does, the seed is not lost.
//
// 1. Every child is a copy of one process that has never used the engine: numbers, caches, lists
//    and addresses begin alike in each, so that a schedule does the same whether it is the first or
//    the millionth, and whatever it breaks ends with it.
// 2. The report lies in memory that both share. The child says CRASHED first and what it came to
//    last; in between a signal may end it. A loop without schedule points is ended by an alarm.
// 3. What the engine prints before it aborts (an assertion, the order of locks) goes to a file
//    without a name, and its first line into the report.

#include "explore/trial.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const trial_ends[PLAYER_ENDS] = {
    [PLAYER_PASSED] = "passed",
    [PLAYER_CHECK] = "failed check",
    [PLAYER_INVARIANT] = "invariant",
    [PLAYER_CORRUPTION] = "corruption",
    [PLAYER_CRASHED] = "crash",
    [PLAYER_DEADLOCK] = "deadlock",
    [PLAYER_LOST_WAKE] = "lost wake-up",
    [PLAYER_LIVELOCK] = "livelock",
    [PLAYER_HUNG] = "hang",
    [PLAYER_BROKEN] = "no engine",
};

const char *trial_end_name(enum player_end end)
{
    return trial_ends[end];
}

int trial_open(struct trial *trial)
{
    trial->complaints = memfd_create("complaints", MFD_CLOEXEC);
    if (trial->complaints < 0) {
        return errno;
    }
    void *shared = mmap(NULL, sizeof *trial->report, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        int error = errno;
        close(trial->complaints);
        return error;
    }
    trial->report = shared;
    return 0;
}

void trial_close(struct trial *trial)
{
    munmap(trial->report, sizeof *trial->report);
    close(trial->complaints);
}

static void trial_child(const struct trial *trial, const struct operation_list *list, uint64_t seed,
                        int trace)
{
    struct player_setup setup = trial->setup;
    dup2(trial->complaints, STDERR_FILENO);
    alarm(trial->setup.patience_seconds);
    setup.schedule.seed = seed;
    setup.trace = trace;
    player_run(list, &setup, trial->report);
    _exit(0);
}

// The first line that the child printed, for the report of a crash.
static void trial_complaint(const struct trial *trial, char *text, size_t size)
{
    ssize_t length = pread(trial->complaints, text, size - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

static void trial_judge(const struct trial *trial, int status)
{
    struct player_report *report = trial->report;
    char complaint[400];
    if (!WIFSIGNALED(status)) {
        if (report->end == PLAYER_CRASHED) {
            snprintf(report->check, sizeof report->check, "exit");
            snprintf(report->text, sizeof report->text, "the process ended itself with status %d",
                     WEXITSTATUS(status));
        }
        return;
    }
    int number = WTERMSIG(status);
    report->end = number == SIGALRM ? PLAYER_HUNG : PLAYER_CRASHED;
    trial_complaint(trial, complaint, sizeof complaint);
    snprintf(report->check, sizeof report->check, "SIG%s",
             sigabbrev_np(number) != NULL ? sigabbrev_np(number) : "?");
    if (number == SIGALRM) {
        snprintf(report->text, sizeof report->text, "no end after %u seconds",
                 trial->setup.patience_seconds);
        return;
    }
    snprintf(report->text, sizeof report->text, "%s%s%s", strsignal(number),
             complaint[0] != '\0' ? ": " : "", complaint);
}

const struct player_report *trial_run(struct trial *trial, const struct operation_list *list,
                                      uint64_t seed, int trace)
{
    struct player_report *report = trial->report;
    memset(report, 0, offsetof(struct player_report, begun) + list->count);
    report->end = PLAYER_CRASHED;
    if (lseek(trial->complaints, 0, SEEK_END) != 0) {
        (void)ftruncate(trial->complaints, 0);
        (void)lseek(trial->complaints, 0, SEEK_SET);
    }
    pid_t child = fork();
    if (child == 0) {
        trial_child(trial, list, seed, trace);
    }
    int status = 0;
    if (child < 0) {
        report->end = PLAYER_BROKEN;
        snprintf(report->check, sizeof report->check, "process");
        snprintf(report->text, sizeof report->text, "fork: %s", strerror(errno));
        return report;
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    trial_judge(trial, status);
    return report;
}
