// SPDX-License-Identifier: MIT
//
// record_run.c - running a program under the recorder.

#include "cli/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "disk/disk.h"
#include "disk/home.h"
#include "trace/spool.h"

static volatile sig_atomic_t running_pid;

// ---- the library --------------------------------------------------------------------------------

char *record_library(struct complaint *complaint)
{
    char path[PATH_MAX];
    int error = home_find(HOME_LIBRARY, "libmems-record.so", path, sizeof path);
    if (error != 0) {
        complain(complaint,
                 "libmems-record.so is neither beside mems-stress nor where it is "
                 "installed: %s: %s",
                 path, strerror(error));
        return NULL;
    }
    if (strpbrk(path, ": ") != NULL) {
        complain(complaint, "%s: LD_PRELOAD cannot carry a path with a colon or a space", path);
        return NULL;
    }
    char *copy = strdup(path);
    if (copy == NULL) {
        complain(complaint, "not enough memory");
    }
    return copy;
}

// ---- the program --------------------------------------------------------------------------------

static void pass_on(int number)
{
    if (running_pid > 0) {
        kill((pid_t)running_pid, number);
    }
}

static int set_environment(const struct record_run *run, const char *library)
{
    char pid[32];
    const char *old = getenv("LD_PRELOAD");
    char *preload = NULL;
    bool both = old != NULL && old[0] != '\0';
    if (asprintf(&preload, "%s%s%s", library, both ? ":" : "", both ? old : "") < 0) {
        return ENOMEM;
    }
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    if (setenv("LD_PRELOAD", preload, 1) != 0 || setenv(SPOOL_ENV_FOLDER, run->folder, 1) != 0 ||
        (!run->children && setenv(SPOOL_ENV_PID, pid, 1) != 0)) {
        return errno;
    }
    return 0;
}

static void quieten(void)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDOUT_FILENO);
    }
}

// In the new process: becomes the program, or says through the pipe why not.
_Noreturn static void become(const struct record_run *run, const char *library, int pipe)
{
    int error = run->folder != NULL ? set_environment(run, library) : 0;
    if (error == 0) {
        if (run->quiet) {
            quieten();
        }
        execvp(run->argv[0], run->argv);
        error = errno;
    }
    ssize_t written = write(pipe, &error, sizeof(error));
    (void)written; // nobody is left to tell
    _exit(127);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int start(struct record_run *run, const char *library, int *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return errno;
    }
    run->pid = fork();
    if (run->pid == 0) {
        signal(SIGINT, SIG_DFL);
        signal(SIGQUIT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        signal(SIGHUP, SIG_DFL);
        become(run, library, ends[1]);
    }
    int forked = run->pid < 0 ? errno : 0;
    running_pid = run->pid;
    close(ends[1]);
    *error = 0;
    if (forked == 0 && read(ends[0], error, sizeof(*error)) != (ssize_t)sizeof(*error)) {
        *error = 0; // closed by exec: the program runs
    }
    close(ends[0]);
    return forked;
}

int record_run(struct record_run *run, const char *library, struct complaint *complaint)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, pass = {.sa_handler = pass_on};
    struct sigaction old[4];
    static const int numbers[4] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
    for (unsigned i = 0; i < 4; i++) {
        sigaction(numbers[i], i < 2 ? &ignore : &pass, &old[i]);
    }
    int error = 0;
    uint64_t began = now_ns();
    int failed = start(run, library, &error);
    if (failed == 0) {
        while (waitpid(run->pid, &run->status, 0) < 0 && errno == EINTR) {
        }
    }
    run->wall_ns = now_ns() - began;
    running_pid = 0;
    for (unsigned i = 0; i < 4; i++) {
        sigaction(numbers[i], &old[i], NULL);
    }
    if (failed != 0 || error != 0) {
        error = failed != 0 ? failed : error;
        complain(complaint, "%s: cannot be run: %s", run->argv[0], strerror(error));
    }
    return error;
}

int record_exit_status(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// ---- the folder ---------------------------------------------------------------------------------

// Whether a process runs. One that has ended and that nobody has waited for (the first process of a
// container often does not) does not.
static bool is_running(pid_t pid)
{
    char path[64], text[512] = "";
    if (kill(pid, 0) != 0 && errno != EPERM) {
        return false;
    }
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0) {
        close(fd);
    }
    const char *name_end = got > 0 ? strrchr(text, ')') : NULL;
    return name_end == NULL ||
           (strncmp(name_end, ") Z", 3) != 0 && strncmp(name_end, ") X", 3) != 0);
}

// Whether a process that wrote one of the spools is still there: a recorder that was killed does
// not take the program with it.
static bool folder_busy(const char *folder)
{
    bool busy = false;
    DIR *open = opendir(folder);
    struct dirent *entry;
    while (open != NULL && (entry = readdir(open)) != NULL) {
        pid_t pid = (pid_t)atoi(entry->d_name); // PID.N
        busy |= pid > 0 && is_running(pid);
    }
    if (open != NULL) {
        closedir(open);
    }
    return busy;
}

char *record_folder_new(const char *path, struct complaint *complaint)
{
    disk_folder_clean(path, folder_busy);
    char *folder = disk_folder_new(path); // absolute: the program may change its directory
    if (folder == NULL) {
        complain(complaint, "%s: a folder for spools cannot be made beside it: %s", path,
                 strerror(errno));
    }
    return folder;
}

void record_folder_remove(const char *folder)
{
    disk_folder_remove(folder);
}
