// SPDX-License-Identifier: MIT
//
// guard.c - no process of a cell outlives the cell, nor the driver.
//
// 1. Three nets, for three ways to get lost.
//    - The cell's process dies with the driver (PR_SET_PDEATHSIG, run/spawn.c). Children that it
//      forks do not inherit that.
//    - The cell leads a process group, which is killed at its end, however that comes.
//    - A child may leave the group (setsid, a daemon's double fork). What it does not leave is its
//      environment: every process that descends from a cell carries the mark, a variable that
//      names this run, and /proc shows it. Whoever has it is killed.
// 2. Should the driver be killed, nobody sweeps; so a guard does: a process of its own session
//    that the driver forks before the first cell, and that waits for the end of a pipe whose other
//    end only the driver has. Cells that are just being forked have it too, until their exec; they
//    die by the first net.
// 3. A guard that is killed is missed at the next cell and started anew. Driver and guard killed at
//    once leave the first net.
// 4. Killing one process after the other races with forking: the sweep is done until it finds
//    nobody. A process's number is taken from /proc, so that between looking at it and killing it
//    the number could pass to another process: a pidfd is opened first, and that is killed.

#include "run/guard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure/clock.h"

#define GUARD_NAME     "MEMS_STRESS_RUN="
#define GUARD_PASSES   1000
#define GUARD_DEATH_MS 1000 // a dying process in an uninterruptible sleep is not waited for longer
#define GUARD_MOST     (1 << 20) // bytes of an environment that are looked at

static struct {
    pid_t pid; // 0: none
    int pipe;  // the driver's end
    char mark[64];
} guard;

const char *guard_mark(void)
{
    if (guard.mark[0] == '\0') {
        snprintf(guard.mark, sizeof guard.mark, GUARD_NAME "%d-%llx", (int)getpid(),
                 (unsigned long long)clock_monotonic_ns());
    }
    return guard.mark;
}

// Whether the process has the mark in its environment.
static bool guard_is_marked(int proc, pid_t pid)
{
    static char text[GUARD_MOST];
    char path[64];
    snprintf(path, sizeof path, "%d/environ", (int)pid);
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false; // gone, or another user's
    }
    size_t size = 0;
    ssize_t got;
    while (size < sizeof text && (got = read(fd, text + size, sizeof text - size)) > 0) {
        size += (size_t)got;
    }
    close(fd);
    const char *mark = guard_mark();
    return memmem(text, size, mark, strlen(mark) + 1) != NULL;
}

// Kills everybody with the mark. Returns how many there were.
static unsigned guard_kill_marked(void)
{
    unsigned killed = 0;
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        pid_t pid = (pid_t)atoi(entry->d_name);
        int process = pid > 0 ? pidfd_open(pid, 0) : -1;
        if (process < 0) {
            continue;
        }
        if (guard_is_marked(dirfd(proc), pid) &&
            pidfd_send_signal(process, SIGKILL, NULL, 0) == 0) {
            struct pollfd death = {.fd = process, .events = POLLIN};
            poll(&death, 1, GUARD_DEATH_MS);
            killed++;
        }
        close(process);
    }
    if (proc != NULL) {
        closedir(proc);
    }
    return killed;
}

static void guard_kill_all_marked(void)
{
    unsigned passes = 0;
    while (passes < GUARD_PASSES && guard_kill_marked() > 0) {
        passes++;
    }
}

void guard_sweep(pid_t cell)
{
    kill(-cell, SIGKILL);
    guard_kill_all_marked();
}

// The guard's life.
static _Noreturn void guard_wait(int end)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
    char byte;
    setsid();
    prctl(PR_SET_NAME, "mems-guard");
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        signal(signals[i], SIG_IGN);
    }
    // Nothing of the driver's stays open: no pipe of its caller, no lock on a file.
    dup2(end, 0);
    close_range(1, ~0u, 0);
    while (read(0, &byte, 1) < 0 && errno == EINTR) {
    }
    guard_kill_all_marked();
    _exit(0);
}

// Whether the guard that was started is there. One that only seems gone would be told so by the end
// of its pipe, and kill the very cell that is started next.
static bool guard_lives(void)
{
    pid_t ended;
    do {
        ended = guard.pid != 0 ? waitpid(guard.pid, NULL, WNOHANG) : -1;
    } while (ended < 0 && guard.pid != 0 && errno == EINTR);
    return ended == 0;
}

int guard_open(void)
{
    int ends[2];
    if (guard_lives()) {
        return 0;
    }
    if (guard.pid != 0) {
        close(guard.pipe);
        guard.pid = 0;
    }
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return errno;
    }
    guard_mark();
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[1]);
        guard_wait(ends[0]);
    }
    int error = pid < 0 ? errno : 0;
    close(ends[0]);
    if (error != 0) {
        close(ends[1]);
        return error;
    }
    guard.pid = pid;
    guard.pipe = ends[1];
    return 0;
}

void guard_close(void)
{
    if (guard.pid == 0) {
        return;
    }
    close(guard.pipe);
    while (waitpid(guard.pid, NULL, 0) < 0 && errno == EINTR) {
    }
    guard.pid = 0;
}
