// SPDX-License-Identifier: MIT
//
// record.h - running a program under the recorder.

#ifndef CLI_RECORD_H
#define CLI_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "job/complaint.h"

struct record_run {
    char **argv;        // PROGRAM ARGS..., NULL at the end
    const char *folder; // where spools go; NULL: the program runs without the recorder
    bool children;      // record each process it starts
    bool quiet;         // standard output to /dev/null
    // results
    pid_t pid;
    int status; // as waitpid gives it
    uint64_t wall_ns;
};

// The recorder's library, from malloc; NULL with a complaint.
char *record_library(struct complaint *complaint);
// Runs the program to its end. 0, ENOENT and the like when it cannot be started, with a complaint.
// Termination and hang-up are passed on to it; an interrupt of the terminal reaches it anyway.
int record_run(struct record_run *run, const char *library, struct complaint *complaint);
// What a shell would say of it: 0 .. 255, or 128 + the signal.
int record_exit_status(int status);

// A new folder beside `path` for spools; removed with what is in it. Those that killed recorders
// left there go first.
char *record_folder_new(const char *path, struct complaint *complaint);
void record_folder_remove(const char *folder);

#endif
