// SPDX-License-Identifier: MIT
//
// hook.h - the shell commands that a job runs around its cells.

#ifndef RUN_HOOK_H
#define RUN_HOOK_H

#include <signal.h>
#include <stdint.h>

struct hook {
    const char *name; // "setup", for messages
    const char *command;
    const char *folder; // where it runs
    // MEMS_SECTION, MEMS_TARGET, MEMS_REPEAT
    const char *section;
    const char *target;
    char repeat[16];
    uint64_t timeout_ns;
    const volatile sig_atomic_t *signals; // it is killed when this leaves `signals_before`
    int signals_before;
    // results
    char *output;      // the end of what it printed; the caller frees it; NULL: nothing
    char message[400]; // of a failure: how it ended, in one line
};

// Runs `/bin/sh -c command` to its end, with nothing as its input. 0; EINTR: killed for a signal;
// ETIMEDOUT; ECHILD: it ended otherwise than with status 0; or why it could not start.
int hook_run(struct hook *hook);

// The end of what a file in memory holds, for the evidence; NULL: nothing. The caller frees it.
char *hook_output(int file);

#endif
