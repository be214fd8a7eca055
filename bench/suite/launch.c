// SPDX-License-Identifier: MIT
//
// launch.c - runs one program, and reports its time and peak resident set.
//
// 1. Theory. ru_maxrss of a process is the largest resident set of any memory it has had, and that
//    includes the copy of its parent's that it had before exec (Linux keeps it in exec_mmap). A
//    program started by an interpreter of 30 MiB therefore never seems to have peaked below 30 MiB.
//    This one is as small as a process can be, starts the program and waits for it.
// 2. wait4 counts a program's own children that it has waited for: the peak is that of the largest
//    process among them, not their sum.
// 3. LD_PRELOAD is set for the program alone: what measures does not run on what is measured.
// 4. Failure. The report is written only when the program has ended; its status is in it. What
//    could not be started is told on stderr, with exit status 1. A launcher that is killed takes
//    the program with it.

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int launch_complain(const char *what)
{
    fprintf(stderr, "mems-launch: %s: %s\n", what, strerror(errno));
    return 1;
}

static uint64_t launch_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t launch_ns(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_usec * 1000u;
}

// Does not return.
static void launch_child(const char *library, char **command)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (library[0] != '\0') {
        setenv("LD_PRELOAD", library, 1);
    } else {
        unsetenv("LD_PRELOAD");
    }
    execvp(command[0], command);
    _exit(launch_complain(command[0]) + 126);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: mems-launch REPORT LIBRARY PROGRAM [ARGUMENT ...]\n"
                        "REPORT: file for the figures; LIBRARY: for LD_PRELOAD, \"\": none\n");
        return 1;
    }
    struct rusage usage;
    int status;
    uint64_t begin_ns = launch_now_ns();
    pid_t child = fork();
    if (child < 0) {
        return launch_complain("fork");
    }
    if (child == 0) {
        launch_child(argv[2], argv + 3);
    }
    while (wait4(child, &status, 0, &usage) < 0) {
        if (errno != EINTR) {
            return launch_complain("wait4");
        }
    }
    uint64_t wall_ns = launch_now_ns() - begin_ns;
    FILE *report = fopen(argv[1], "w");
    if (report == NULL) {
        return launch_complain(argv[1]);
    }
    fprintf(report,
            "{\"wall_ns\": %" PRIu64 ", \"user_ns\": %" PRIu64 ", \"system_ns\": %" PRIu64
            ", \"max_rss_bytes\": %" PRIu64 ", \"exit_status\": %d, \"signal\": %d}\n",
            wall_ns, launch_ns(usage.ru_utime), launch_ns(usage.ru_stime),
            (uint64_t)usage.ru_maxrss * 1024u, WIFEXITED(status) ? WEXITSTATUS(status) : -1,
            WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    return fclose(report) == 0 ? 0 : launch_complain(argv[1]);
}
