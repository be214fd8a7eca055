// SPDX-License-Identifier: MIT
//
// spawn.c - starts a cell's process.
//
// The process is this program again, so that it starts from nothing: no heap that the driver has
// used, no lock that it may have held. It is in a process group of its own (Ctrl-C reaches the
// driver alone), dies with the driver, however that ends (PR_SET_PDEATHSIG), and carries the mark
// by which run/guard.c finds what it leaves. What it prints goes to a file in memory, for the
// evidence.
//
// Memory: with memory_limit, RLIMIT_DATA bounds what the process maps beside the harness's own
// (measure/own.h): a target is told ENOMEM, as on a machine that has no more. And of all processes
// the cell is the one that the kernel should kill, were the machine's memory to end
// (oom_score_adj).

#include "run/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "job/complaint.h"
#include "job/sure.h"
#include "run/guard.h"
#include "run/picture.h"
#include "run/watch.h"

extern char **environ;

#define SPAWN_OOM_SCORE "1000" // the most: this one first

// Whether an entry of the environment is one of ours, to be said anew.
static bool spawn_is_ours(const char *entry, const char *mark, bool preload)
{
    return (preload && strncmp(entry, "LD_PRELOAD=", 11) == 0) ||
           strncmp(entry, mark, strcspn(mark, "=") + 1) == 0;
}

// The environment with the mark, and with LD_PRELOAD=file (NULL: as it is) in front of what is
// preloaded already. The strings of the old one are shared.
static char **spawn_environment(const char *file, char **mark, char **added)
{
    size_t count = 0;
    const char *already = getenv("LD_PRELOAD");
    while (environ[count] != NULL) {
        count++;
    }
    char **made = calloc(count + 3, sizeof *made);
    *mark = strdup(guard_mark());
    if (made == NULL || *mark == NULL) {
        complain_exhausted();
    }
    if (file != NULL) {
        *added = sure_print("LD_PRELOAD=%s%s%s", file, already != NULL ? ":" : "",
                            already != NULL ? already : "");
    }
    size_t kept = 0;
    made[kept++] = *mark;
    for (size_t i = 0; i < count; i++) {
        if (!spawn_is_ours(environ[i], *mark, file != NULL)) {
            made[kept++] = environ[i];
        }
    }
    if (file != NULL) {
        made[kept] = *added;
    }
    return made;
}

// What the child needs to know, made before the fork.
struct spawn_order {
    pid_t parent;
    int stage, output;
    uint64_t memory_bytes; // RLIMIT_DATA; 0: as it is
    char **arguments, **environment;
};

// In the child: becomes the cell. Only async-signal-safe calls.
static _Noreturn void spawn_become(const struct spawn_order *order)
{
    sigset_t none;
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != order->parent) {
        _exit(127); // the driver died before the line above
    }
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, 0);
    dup2(order->output, 1);
    dup2(order->output, 2);
    fcntl(order->stage, F_SETFD, 0);
    int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (score >= 0) {
        ssize_t wrote = write(score, SPAWN_OOM_SCORE, sizeof SPAWN_OOM_SCORE - 1);
        (void)wrote; // it was to be gentle to others, no more
    }
    if (order->memory_bytes != 0) {
        struct rlimit limit;
        if (getrlimit(RLIMIT_DATA, &limit) == 0 && order->memory_bytes < limit.rlim_max) {
            limit.rlim_cur = order->memory_bytes; // the soft one: measure/own.h moves it
            setrlimit(RLIMIT_DATA, &limit);
        }
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve("/proc/self/exe", order->arguments, order->environment);
    _exit(127);
}

// How the limit is kept, for the report; the bytes for RLIMIT_DATA.
static uint64_t spawn_limit(const struct cell *cell)
{
    uint64_t bytes = (uint64_t)job_number(cell->section->section, "memory_limit");
    char *method = cell->stage->report.memory_method;
    size_t size = sizeof cell->stage->report.memory_method;
    if (bytes == 0) {
        return 0;
    }
#if defined(MEMS_SANITIZED)
    // A sanitizer's shadow is terabytes of private memory that nobody touches.
    snprintf(method, size, "RSS watched every %u ms", watch_tick_ms(bytes));
    return 0;
#else
    snprintf(method, size, "RLIMIT_DATA, RSS watched every %u ms", watch_tick_ms(bytes));
    return bytes;
#endif
}

static int spawn_stage(struct cell *cell, int *file)
{
    const struct plan_section *section = cell->section;
    // Only an engine's memory can be drawn.
    bool engine = target_spec_base(cell->spec)->target->engine != NULL;
    unsigned pictures = engine ? (unsigned)job_number(section->section, "map") : 0;
    int error = stage_create_pictured(section->threads, section->text, pictures,
                                      picture_pieces_of(pictures), &cell->stage, file);
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
    char *mark = NULL, *added = NULL;
    char number[16];
    char program[] = "mems-stress";
    char command[] = "cell";
    char *arguments[] = {program, command, number, NULL};
    struct spawn_order order = {.parent = getpid(), .stage = -1, .arguments = arguments};
    *output = memfd_create("mems-stress output", MFD_CLOEXEC);
    int error = *output < 0 ? errno : spawn_stage(cell, &order.stage);
    if (error == 0) {
        error = guard_open();
    }
    if (error != 0) {
        goto out;
    }
    fcntl(*output, F_SETFL, O_APPEND);
    snprintf(number, sizeof number, "%d", order.stage);
    order.output = *output;
    order.memory_bytes = spawn_limit(cell);
    order.environment = spawn_environment(cell->spec->preload, &mark, &added);
    *pid = fork();
    if (*pid == 0) {
        spawn_become(&order);
    }
    error = *pid < 0 ? errno : 0;
    if (error == 0) {
        setpgid(*pid, *pid); // as the child does: whoever comes first
    }
out:
    if (error != 0) {
        snprintf(cell->message, sizeof cell->message, "the cell's process does not start: %s",
                 strerror(error));
        if (*output >= 0) {
            close(*output);
            *output = -1;
        }
    }
    if (order.stage >= 0) {
        close(order.stage);
    }
    free(order.environment);
    free(mark);
    free(added);
    return error;
}
