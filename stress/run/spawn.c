// SPDX-License-Identifier: MIT
//
// spawn.c - starts a cell's process.
//
// The process is this program again, so that it starts from nothing: no heap that the driver has
// used, no lock that it may have held. It is in a process group of its own (Ctrl-C reaches the
// driver alone) and dies with the driver, however that ends (PR_SET_PDEATHSIG). What it prints
// goes to a file in memory, for the evidence.

#include "run/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

extern char **environ;

// The environment with LD_PRELOAD=file in front of what is preloaded already. The strings of the
// old one are shared.
static char **spawn_environment(const char *file, char **added)
{
    size_t count = 0;
    const char *already = getenv("LD_PRELOAD");
    while (environ[count] != NULL) {
        count++;
    }
    char **made = calloc(count + 2, sizeof *made);
    if (made == NULL || asprintf(added, "LD_PRELOAD=%s%s%s", file, already != NULL ? ":" : "",
                                 already != NULL ? already : "") < 0) {
        abort();
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (strncmp(environ[i], "LD_PRELOAD=", 11) != 0) {
            made[kept++] = environ[i];
        }
    }
    made[kept] = *added;
    return made;
}

// In the child: becomes the cell. Only async-signal-safe calls.
static _Noreturn void spawn_become(pid_t parent, int stage, int output, char **arguments,
                                   char **environment)
{
    sigset_t none;
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(127); // the driver died before the line above
    }
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, 0);
    dup2(output, 1);
    dup2(output, 2);
    fcntl(stage, F_SETFD, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve("/proc/self/exe", arguments, environment);
    _exit(127);
}

static int spawn_stage(struct cell *cell, int *file)
{
    const struct plan_section *section = cell->section;
    int error = stage_create(section->threads, section->text, &cell->stage, file);
    if (error != 0) {
        return error;
    }
    struct stage *stage = cell->stage;
    const struct target_spec *spec = cell->spec;
    plan_target_text(spec, stage->target, sizeof stage->target);
    if (spec->preload != NULL) {
        snprintf(stage->preload, sizeof stage->preload, "%s", spec->preload);
    }
    stage->seed = cell->seed;
    stage->demand = section->demand;
    snprintf(stage->pin, sizeof stage->pin, "%s", section->pin);
    return 0;
}

int spawn_cell(struct cell *cell, pid_t *pid, int *output)
{
    int stage = -1;
    char *added = NULL;
    char **environment = environ;
    char number[16];
    char program[] = "mems-stress";
    char command[] = "cell";
    char *arguments[] = {program, command, number, NULL};
    pid_t parent = getpid();
    *output = memfd_create("mems-stress output", MFD_CLOEXEC);
    int error = *output < 0 ? errno : spawn_stage(cell, &stage);
    if (error != 0) {
        goto out;
    }
    fcntl(*output, F_SETFL, O_APPEND);
    snprintf(number, sizeof number, "%d", stage);
    if (cell->spec->preload != NULL) {
        environment = spawn_environment(cell->spec->preload, &added);
    }
    *pid = fork();
    if (*pid == 0) {
        spawn_become(parent, stage, *output, arguments, environment);
    }
    error = *pid < 0 ? errno : 0;
out:
    if (error != 0) {
        snprintf(cell->message, sizeof cell->message, "the cell's process does not start: %s",
                 strerror(error));
        if (*output >= 0) {
            close(*output);
            *output = -1;
        }
    }
    if (stage >= 0) {
        close(stage);
    }
    if (environment != environ) {
        free(environment);
        free(added);
    }
    return error;
}
