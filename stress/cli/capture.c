// SPDX-License-Identifier: MIT
//
// capture.c - runs another program and takes what it writes.
//
// All is read, also what there is no room for: who writes into a pipe that nobody reads dies of it.

#include "cli/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

// The bytes that came; `size` at least: there were more than there is room for.
static size_t capture_read(int from, char *text, size_t size)
{
    size_t length = 0;
    bool over = false;
    ssize_t got;
    while ((got = read(from, text + length, size - length)) != 0) {
        if (got < 0 && errno != EINTR) {
            break;
        }
        length += got > 0 ? (size_t)got : 0;
        if (length == size) {
            over = true;
            length = 0;
        }
    }
    return over ? size : length;
}

int capture_output(char *const arguments[], enum capture_errors errors, char *text, size_t size)
{
    int ends[2];
    pid_t pid;
    posix_spawn_file_actions_t actions;
    text[0] = '\0';
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return errno;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    if (errors == CAPTURE_UNSAID) {
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    }
    int error = posix_spawnp(&pid, arguments[0], &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    size_t length = error == 0 ? capture_read(ends[0], text, size) : 0;
    close(ends[0]);
    if (error != 0) {
        return error;
    }
    text[length < size ? length : 0] = '\0';
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status == 0 ? 0 : EIO;
}
