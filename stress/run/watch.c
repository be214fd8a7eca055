// SPDX-License-Identifier: MIT
//
// watch.c - waits for a cell's process, and ends it when it makes no progress.
//
// 1. Progress is a new phase or a higher sum of the workers' operations, read from the stage. A
//    cell without any for the timeout is hung; so is one that has run for its time and the timeout
//    on top and still has not ended.
// 2. A hung process is asked by signal where each of its threads is (run/evidence.c answers), and
//    given a second to say so. Then it is killed.
// 3. Interrupted, the process is asked to end (SIGTERM) and given five seconds; a second
//    interruption kills it at once.
// 4. A cell may have started processes: they are in its group, which is killed as a whole when the
//    cell has ended, however it did.

#include "run/watch.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure/clock.h"
#include "run/evidence.h"

#define WATCH_TICK_MS  100
#define WATCH_DUMP_NS  1000000000u
#define WATCH_GRACE_NS 5000000000u

// What the watchdog remembers from look to look.
struct watch_state {
    uint32_t phase;
    uint64_t operations;
    uint64_t progressed_ns; // when one of the two last changed
    uint64_t run_ns;        // when the measured phase was first seen; 0: not yet
};

static void watch_pause(int pidfd, int milliseconds)
{
    struct pollfd wait = {.fd = pidfd, .events = POLLIN};
    poll(&wait, pidfd >= 0 ? 1 : 0, milliseconds);
}

// The cell has ended or been killed: whatever is left of its process group ends with it. Its number
// is not given to another process before the cell is reaped.
static void watch_end_group(pid_t pid)
{
    kill(-pid, SIGKILL);
}

static bool watch_reap(pid_t pid, struct watch_end *end)
{
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != pid) {
        return false;
    }
    watch_end_group(pid);
    return wait4(pid, &end->status, WNOHANG, &end->usage) == pid;
}

static void watch_reap_for_sure(pid_t pid, struct watch_end *end)
{
    siginfo_t info = {0};
    kill(pid, SIGKILL);
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
    }
    watch_end_group(pid);
    while (wait4(pid, &end->status, 0, &end->usage) < 0 && errno == EINTR) {
    }
}

// Signals every thread of the process. Returns how many there were.
static uint32_t watch_ask_threads(pid_t pid)
{
    char path[64];
    uint32_t count = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return 0;
    }
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        int tid = atoi(entry->d_name);
        if (tid > 0 && syscall(SYS_tgkill, pid, tid, evidence_dump_signal()) == 0) {
            count++;
        }
    }
    closedir(folder);
    return count;
}

static uint32_t watch_answers(struct stage *stage)
{
    uint32_t answers = 0;
    for (uint32_t i = 0; i < EVIDENCE_TRACES; i++) {
        answers += __atomic_load_n(&stage->evidence.dump[i].done, __ATOMIC_ACQUIRE);
    }
    return answers;
}

static void watch_dump(struct stage *stage, pid_t pid, int pidfd)
{
    if (stage_phase(stage) == STAGE_BORN) {
        return; // no handlers yet: the signal would only kill
    }
    uint32_t asked = watch_ask_threads(pid);
    uint64_t until = clock_monotonic_ns() + WATCH_DUMP_NS;
    asked = asked < EVIDENCE_TRACES ? asked : EVIDENCE_TRACES;
    while (watch_answers(stage) < asked && clock_monotonic_ns() < until) {
        watch_pause(pidfd, 10);
    }
}

// True when the cell is hung, with the reason.
static bool watch_is_hung(struct stage *stage, const struct watch *watch, struct watch_state *state,
                          struct watch_end *end)
{
    uint64_t now = clock_monotonic_ns();
    uint32_t phase = stage_phase(stage);
    uint64_t operations = stage_operations(stage);
    if (phase != state->phase || operations != state->operations) {
        state->phase = phase;
        state->operations = operations;
        state->progressed_ns = now;
    }
    if (phase == STAGE_RUN && state->run_ns == 0) {
        state->run_ns = now;
    }
    double seconds = (double)watch->timeout_ns / 1e9;
    if (now - state->progressed_ns > watch->timeout_ns) {
        snprintf(end->reason, sizeof end->reason,
                 "no progress for %.3g s in phase %s, after %llu operations", seconds,
                 stage_phase_name(phase), (unsigned long long)operations);
        return true;
    }
    if (phase == STAGE_RUN && watch->limit_ns != 0 &&
        now - state->run_ns > watch->limit_ns + watch->timeout_ns) {
        snprintf(end->reason, sizeof end->reason,
                 "its time was over %.3g s ago and not every thread has ended", seconds);
        return true;
    }
    return false;
}

// Asks the process to end, and makes it.
static void watch_interrupt(pid_t pid, int pidfd, struct watch_end *end)
{
    uint64_t until = clock_monotonic_ns() + WATCH_GRACE_NS;
    kill(pid, SIGTERM);
    end->interrupted = true;
    while (clock_monotonic_ns() < until) {
        if (watch_reap(pid, end)) {
            return;
        }
        watch_pause(pidfd, WATCH_TICK_MS);
    }
    watch_reap_for_sure(pid, end);
}

void watch_cell(struct stage *stage, pid_t pid, const struct watch *watch, struct watch_end *end)
{
    int pidfd = pidfd_open(pid, 0);
    struct watch_state state = {.progressed_ns = clock_monotonic_ns()};
    memset(end, 0, sizeof *end);
    while (!watch_reap(pid, end)) {
        if (watch->interrupted()) {
            watch_interrupt(pid, pidfd, end);
            break;
        }
        if (watch_is_hung(stage, watch, &state, end)) {
            end->hung = true;
            watch_dump(stage, pid, pidfd);
            watch_reap_for_sure(pid, end);
            break;
        }
        watch_pause(pidfd, WATCH_TICK_MS);
        watch->tick(watch->arg);
    }
    if (pidfd >= 0) {
        close(pidfd);
    }
}
