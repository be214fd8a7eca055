// SPDX-License-Identifier: MIT
//
// spawn.c - has a fresh process of this program measure one cell.
//
// Every measurement of every target is made in a new process, which holds no other allocator's heap
// and nothing of an earlier measurement. LD_PRELOAD is set for the targets that need it and removed
// for the others, whatever the environment of the caller says.

#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"

// The environment with LD_PRELOAD=library, or without one. NULL: no memory.
static char **spawn_environment(const char *library, char *assignment, size_t size)
{
    size_t count = 0, kept = 0;
    while (environ[count] != NULL) {
        count++;
    }
    char **environment = calloc(count + 2, sizeof *environment);
    if (environment == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (strncmp(environ[i], "LD_PRELOAD=", 11) != 0) {
            environment[kept++] = environ[i];
        }
    }
    if (library[0] != '\0') {
        snprintf(assignment, size, "LD_PRELOAD=%s", library);
        environment[kept] = assignment;
    }
    return environment;
}

static pid_t spawn_child(const struct cell *cell, uint64_t iterations, int output)
{
    char value[24], threads[24], count[24], assignment[PATH_MAX + 16], name[TARGET_TEXT];
    char program[] = "mems-bench", once[] = "--once", kernel[64];
    snprintf(kernel, sizeof kernel, "%s", cell->kernel->name);
    snprintf(name, sizeof name, "%s", cell->target->name);
    snprintf(value, sizeof value, "%" PRIu64, cell->value);
    snprintf(threads, sizeof threads, "%u", cell->threads);
    snprintf(count, sizeof count, "%" PRIu64, iterations);
    char *argv[] = {program, once, kernel, name, value, threads, count, NULL};
    char **environment = spawn_environment(cell->target->library, assignment, sizeof assignment);
    posix_spawn_file_actions_t actions;
    pid_t child = -1;
    if (environment == NULL || posix_spawn_file_actions_init(&actions) != 0) {
        goto out;
    }
    if (posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO) != 0 ||
        posix_spawn(&child, "/proc/self/exe", &actions, NULL, argv, environment) != 0) {
        child = -1;
    }
    posix_spawn_file_actions_destroy(&actions);
out:
    free(environment);
    return child;
}

// All that the child prints, cut to size.
static void spawn_read(int input, char *text, size_t size)
{
    size_t length = 0;
    ssize_t got;
    while (length < size - 1 && (got = read(input, text + length, size - 1 - length)) != 0) {
        if (got < 0 && errno != EINTR) {
            break;
        }
        length += got > 0 ? (size_t)got : 0;
    }
    text[length] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

// Reads "name=value " as often as it comes; returns how many characters that took.
static int spawn_figures(const char *text, struct kernel_figure *figures)
{
    int at = 0;
    for (size_t i = 0; i < KERNEL_FIGURES; i++) {
        int length = 0;
        if (sscanf(text + at, "%23[a-z0-9_]=%lf %n", figures[i].name, &figures[i].value, &length) <
                2 ||
            length == 0) {
            figures[i].name[0] = '\0';
            break;
        }
        at += length;
    }
    return at;
}

static int spawn_judge(const char *text, int status, struct answer *answer)
{
    int at = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
        sscanf(text, "ok %" SCNu64 " %" SCNu64 " %n", &answer->ns, &answer->cpu_ns, &at) == 2 &&
        at > 0) {
        at += spawn_figures(text + at, answer->figures);
        snprintf(answer->supplier, sizeof answer->supplier, "%s", text + at);
        return 0;
    }
    if (strncmp(text, "failed ", 7) == 0) {
        snprintf(answer->complaint, sizeof answer->complaint, "%.*s",
                 (int)sizeof answer->complaint - 1, text + 7);
    } else if (WIFSIGNALED(status)) {
        snprintf(answer->complaint, sizeof answer->complaint, "killed by signal %d: %s",
                 WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else {
        snprintf(answer->complaint, sizeof answer->complaint, "exit status %d, no answer",
                 WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    }
    return EIO;
}

int run_spawn(const struct cell *cell, uint64_t iterations, struct answer *answer)
{
    char text[PATH_MAX + 2 * TARGET_TEXT];
    int ends[2], status = 0;
    memset(answer, 0, sizeof *answer);
    if (pipe2(ends, O_CLOEXEC) != 0) {
        snprintf(answer->complaint, sizeof answer->complaint, "pipe: %s", strerror(errno));
        return EIO;
    }
    pid_t child = spawn_child(cell, iterations, ends[1]);
    close(ends[1]);
    if (child > 0) {
        spawn_read(ends[0], text, sizeof text);
    }
    close(ends[0]);
    if (child < 0) {
        snprintf(answer->complaint, sizeof answer->complaint, "cannot start a process");
        return EIO;
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return spawn_judge(text, status, answer);
}
