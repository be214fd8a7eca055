// SPDX-License-Identifier: MIT
//
// commit.c - the commit that git has under a name: HEAD, HEAD~1, a branch, a tag.
//
// git rev-parse says it. Where there is no git, no checkout, or no such name, there is no commit:
// what git says of that is not shown, for the caller says more.

#include "cli/commit.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

// What `arguments` write, as much as there is room for; false where they did not end well.
static bool commit_ask(char *const arguments[], char *text, size_t size)
{
    int ends[2];
    pid_t pid;
    size_t length = 0;
    posix_spawn_file_actions_t actions;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int error = posix_spawnp(&pid, arguments[0], &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    while (error == 0 && length < size - 1) {
        ssize_t got = read(ends[0], text + length, size - 1 - length);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            break;
        }
        length += got > 0 ? (size_t)got : 0;
    }
    close(ends[0]);
    text[length] = '\0';
    int status = -1;
    while (error == 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return error == 0 && status == 0;
}

bool commit_named(const char *word, char commit[COMMIT_TEXT])
{
    char name[256], text[COMMIT_TEXT + 1];
    char *const arguments[] = {"git", "rev-parse", "--verify", "--quiet", name, NULL};
    int wanted = snprintf(name, sizeof name, "%s^{commit}", word);
    if (*word == '\0' || *word == '-' || wanted >= (int)sizeof name ||
        !commit_ask(arguments, text, sizeof text)) {
        return false;
    }
    size_t length = strspn(text, "0123456789abcdef"); // "^HEAD" has a ^ before them
    if ((length != 40 && length != 64) || strcmp(text + length, "\n") != 0) {
        return false;
    }
    text[length] = '\0';
    strcpy(commit, text);
    return true;
}
