// SPDX-License-Identifier: MIT
//
// home.h - the files that came with this program: built beside it, installed, or moved since.

#ifndef DISK_HOME_H
#define DISK_HOME_H

#include <stddef.h>

enum home_place {
    HOME_LIBRARY, // what is loaded: the recorder, the workload dlopen's libraries
    HOME_SHARE,   // what is read: jobs/, jobs/traces/
};

// The absolute path of the file `name`, which is there. 0, or ENOENT with `path` where it was
// looked for last; other errors where the system does not tell what program this is, or whether
// there is such a file.
int home_find(enum home_place place, const char *name, char *path, size_t size);

// The shipped job that a word means: "smoke" is jobs/smoke.ini, "workloads/churn" and
// "workloads/churn.ini" are jobs/workloads/churn.ini. 0, or ENOENT and other errors as home_find.
int home_job(const char *word, char *path, size_t size);

// Calls visit for each shipped job, sorted: the word that home_job takes, and its file. 0, or errno
// where that is not all of them (ENOENT: no folder of them came with this program).
int home_each_job(void (*visit)(void *arg, const char *word, const char *path), void *arg);

#endif
