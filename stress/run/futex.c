// SPDX-License-Identifier: MIT
//
// futex.c - how often threads of this process asked the kernel to wait on a futex.
//
// 1. A perf event on the tracepoint syscalls:sys_enter_futex, whose number is in the tracing file
//    system, counts in the kernel: nothing is recorded, nobody is stopped. Inherited, it follows
//    every thread that is started later; a read sums over all of them, ended ones included. A
//    second event that is not inherited tells this thread's part, which is taken off.
// 2. The operation is the call's second argument; the filter lets those pass that wait: WAIT,
//    WAIT_BITSET, LOCK_PI, LOCK_PI2, WAIT_REQUEUE_PI, each with and without the private and the
//    real-time flag (the filter language has no mask that could be compared).
// 3. Rights: tracepoints are for those with CAP_PERFMON, or where perf_event_paranoid is -1, and
//    the file system must be mounted and readable. Each way to fail has its words: a column that is
//    empty says why.

#include "run/futex.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "measure/proc.h"

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

static const int futex_waits[] = {FUTEX_WAIT, FUTEX_WAIT_BITSET, FUTEX_LOCK_PI, FUTEX_LOCK_PI2,
                                  FUTEX_WAIT_REQUEUE_PI};
static const int futex_flags[] = {0, FUTEX_PRIVATE_FLAG, FUTEX_CLOCK_REALTIME,
                                  FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME};

// The number in a small file. -1 with errno.
static long futex_number(const char *path)
{
    char text[32];
    if (proc_read(path, text, sizeof text) == 0) {
        return -1;
    }
    return strtol(text, NULL, 10);
}

static void futex_filter(char *text, size_t size)
{
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof futex_waits / sizeof futex_waits[0]; i++) {
        for (size_t j = 0; j < sizeof futex_flags / sizeof futex_flags[0]; j++) {
            length += (size_t)snprintf(text + length, size - length, "%sop==%d",
                                       length > 0 ? "||" : "", futex_waits[i] | futex_flags[j]);
        }
    }
}

// -1 with errno.
static int futex_event(long tracepoint, bool inherit)
{
    char filter[512];
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_TRACEPOINT,
        .size = sizeof attributes,
        .config = (uint64_t)tracepoint,
        .inherit = inherit,
        .disabled = 1,
    };
    int file = (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    futex_filter(filter, sizeof filter);
    if (file >= 0 && (ioctl(file, PERF_EVENT_IOC_SET_FILTER, filter) != 0 ||
                      ioctl(file, PERF_EVENT_IOC_ENABLE, 0) != 0)) {
        int error = errno;
        close(file);
        errno = error;
        return -1;
    }
    return file;
}

void futex_open_at(struct futex_counter *counter, const char *folder)
{
    char path[256];
    memset(counter, 0, sizeof *counter);
    counter->file = counter->own = -1;
    snprintf(path, sizeof path, "%s/events/syscalls/sys_enter_futex/id", folder);
    long tracepoint = futex_number(path);
    if (tracepoint < 0) {
        snprintf(counter->why, sizeof counter->why,
                 "no tracepoint syscalls:sys_enter_futex under %.32s: %s", folder,
                 strerrorname_np(errno));
        return;
    }
    counter->file = futex_event(tracepoint, true);
    counter->own = counter->file >= 0 ? futex_event(tracepoint, false) : -1;
    if (counter->own < 0) {
        snprintf(counter->why, sizeof counter->why, "perf_event_open: %s, perf_event_paranoid=%ld",
                 strerrorname_np(errno), futex_number("/proc/sys/kernel/perf_event_paranoid"));
        futex_close(counter);
    }
}

void futex_open(struct futex_counter *counter)
{
    static const char *const folders[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
    struct futex_counter first;
    futex_open_at(&first, folders[0]);
    *counter = first;
    if (first.file < 0) {
        futex_open_at(counter, folders[1]);
    }
    if (counter->file < 0 && access("/sys/kernel/tracing/events", X_OK) != 0) {
        snprintf(counter->why, sizeof counter->why,
                 "no tracing file system: %s is not mounted or may not be read (%s)", folders[0],
                 strerrorname_np(errno));
    } else if (counter->file < 0) {
        *counter = first;
    }
}

void futex_close(struct futex_counter *counter)
{
    int *files[] = {&counter->file, &counter->own};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (*files[i] >= 0) {
            close(*files[i]);
            *files[i] = -1;
        }
    }
}

bool futex_read(const struct futex_counter *counter, uint64_t *waits)
{
    uint64_t all;
    uint64_t own;
    if (counter->file < 0 || read(counter->own, &own, sizeof own) != sizeof own ||
        read(counter->file, &all, sizeof all) != sizeof all) {
        return false;
    }
    *waits = all > own ? all - own : 0;
    return true;
}
