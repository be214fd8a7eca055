// SPDX-License-Identifier: MIT
//
// hook.c - the shell commands that a job runs around its cells.
//
// A command has a process group of its own, so that all of it can be ended, with whatever it has
// started: when it takes longer than its timeout, when the run is interrupted, and when the driver
// dies. For the last there is a guard: the group's leader, a process between the driver and the
// shell. The kernel signals it when the driver dies (PR_SET_PDEATHSIG), and it kills its group;
// otherwise it waits for the shell and ends as that did. What a command leaves running in the
// background when it ends well is its own business: a later cleanup stops it.

#include "run/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "job/complaint.h"
#include "job/sure.h"
#include "measure/clock.h"

// A sanitizer's report is several screens long, and begins with what it is.
#define HOOK_OUTPUT_KEPT 16384
#define HOOK_TICK_MS     100

extern char **environ;

char *hook_output(int file)
{
    struct stat status;
    if (fstat(file, &status) != 0 || status.st_size == 0) {
        return NULL;
    }
    off_t from = status.st_size > HOOK_OUTPUT_KEPT ? status.st_size - HOOK_OUTPUT_KEPT : 0;
    char *text = calloc(1, HOOK_OUTPUT_KEPT + 1);
    if (text != NULL && pread(file, text, HOOK_OUTPUT_KEPT, from) <= 0) {
        free(text);
        text = NULL;
    }
    return text;
}

// The driver's environment with three variables more, which are the caller's to free: made[0 .. 2].
static char **hook_environment(const struct hook *hook)
{
    static const char *const names[] = {"MEMS_SECTION=", "MEMS_TARGET=", "MEMS_REPEAT="};
    size_t count = 0;
    while (environ[count] != NULL) {
        count++;
    }
    char **made = calloc(count + 4, sizeof *made);
    if (made == NULL) {
        complain_exhausted();
    }
    made[0] = sure_print("%s%s", names[0], hook->section);
    made[1] = sure_print("%s%s", names[1], hook->target);
    made[2] = sure_print("%s%s", names[2], hook->repeat);
    size_t kept = 3;
    for (size_t i = 0; i < count; i++) {
        bool ours = false;
        for (size_t j = 0; j < 3; j++) {
            ours |= strncmp(environ[i], names[j], strlen(names[j])) == 0;
        }
        if (!ours) {
            made[kept++] = environ[i];
        }
    }
    return made;
}

static void hook_kill_group(int signal)
{
    (void)signal;
    kill(0, SIGKILL);
}

// In the shell's process. Only async-signal-safe calls, here and in the guard.
static _Noreturn void hook_become(const struct hook *hook, int output, char **arguments,
                                  char **environment)
{
    int nothing = open("/dev/null", O_RDONLY);
    signal(SIGTERM, SIG_DFL);
    dup2(nothing, 0);
    dup2(output, 1);
    dup2(output, 2);
    if (chdir(hook->folder) != 0) {
        static const char message[] = "the folder of the job cannot be entered\n";
        if (write(2, message, sizeof message - 1) < 0) {
            _exit(126);
        }
        _exit(126);
    }
    execve("/bin/sh", arguments, environment);
    _exit(127);
}

static _Noreturn void hook_guard(const struct hook *hook, pid_t parent, int output,
                                 char **arguments, char **environment)
{
    sigset_t none;
    int status;
    setpgid(0, 0);
    signal(SIGINT, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    signal(SIGTERM, hook_kill_group);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) {
        _exit(127); // the driver died before the line above
    }
    pid_t shell = fork();
    if (shell == 0) {
        hook_become(hook, output, arguments, environment);
    }
    while (shell > 0 && waitpid(shell, &status, 0) < 0) {
        if (errno != EINTR) {
            _exit(127);
        }
    }
    if (shell > 0 && WIFSIGNALED(status)) {
        signal(WTERMSIG(status), SIG_DFL);
        raise(WTERMSIG(status));
    }
    _exit(shell > 0 ? WEXITSTATUS(status) : 127);
}

// Waits for the guard. 0 when it ended by itself.
static int hook_wait(const struct hook *hook, pid_t pid, int *status)
{
    int pidfd = pidfd_open(pid, 0);
    uint64_t until = clock_monotonic_ns() + hook->timeout_ns;
    int error = 0;
    while (waitpid(pid, status, WNOHANG) != pid) {
        if (*hook->signals != hook->signals_before) {
            error = EINTR;
        } else if (clock_monotonic_ns() > until) {
            error = ETIMEDOUT;
        }
        if (error != 0) {
            kill(-pid, SIGKILL);
            while (waitpid(pid, status, 0) < 0 && errno == EINTR) {
            }
            break;
        }
        struct pollfd wait = {.fd = pidfd, .events = POLLIN};
        poll(&wait, pidfd >= 0 ? 1 : 0, HOOK_TICK_MS);
    }
    if (pidfd >= 0) {
        close(pidfd);
    }
    return error;
}

static int hook_judge(struct hook *hook, int error, int status)
{
    size_t size = sizeof hook->message;
    if (error == ETIMEDOUT) {
        snprintf(hook->message, size, "%s did not end within %.3g s (timeout) and was killed: %s",
                 hook->name, (double)hook->timeout_ns / 1e9, hook->command);
    } else if (error == EINTR) {
        snprintf(hook->message, size, "%s was interrupted: %s", hook->name, hook->command);
    } else if (error == 0 && WIFSIGNALED(status)) {
        const char *name = sigabbrev_np(WTERMSIG(status));
        snprintf(hook->message, size, "%s ended with SIG%s: %s", hook->name,
                 name != NULL ? name : "?", hook->command);
        error = ECHILD;
    } else if (error == 0 && WEXITSTATUS(status) != 0) {
        snprintf(hook->message, size, "%s ended with status %d: %s", hook->name,
                 WEXITSTATUS(status), hook->command);
        error = ECHILD;
    } else if (error != 0) {
        snprintf(hook->message, size, "%s could not be started: %s", hook->name, strerror(error));
    }
    return error;
}

int hook_run(struct hook *hook)
{
    char shell[] = "sh";
    char option[] = "-c";
    char *command = strdup(hook->command);
    char *arguments[] = {shell, option, command, NULL};
    char **environment = hook_environment(hook);
    pid_t parent = getpid();
    int status = 0;
    hook->output = NULL;
    int output = memfd_create("mems-stress hook", MFD_CLOEXEC);
    int error = output < 0 ? errno : command == NULL ? ENOMEM : 0;
    if (error == 0) {
        fcntl(output, F_SETFL, O_APPEND);
        pid_t pid = fork();
        if (pid == 0) {
            hook_guard(hook, parent, output, arguments, environment);
        }
        if (pid > 0) {
            // As the guard does, whoever comes first: what ends the hook ends its whole group.
            setpgid(pid, pid);
        }
        error = pid < 0 ? errno : hook_wait(hook, pid, &status);
        hook->output = hook_output(output);
    }
    error = hook_judge(hook, error, status);
    if (output >= 0) {
        close(output);
    }
    for (size_t i = 0; i < 3; i++) {
        free(environment[i]);
    }
    free(environment);
    free(command);
    return error;
}
