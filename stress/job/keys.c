// SPDX-License-Identifier: MIT
//
// keys.c - the keys every section has.

#include "job/job.h"

#define SECONDS 1e9

static const char *const touches[] = {"none", "first", "ends", "page", "full", NULL};

const struct job_key job_common_keys[] = {
    {
        .name = "workload",
        .kind = JOB_TEXT,
        .values = "a name that `mems-stress list` prints",
        .help = "what the threads do",
    },
    {
        .name = "target",
        .kind = JOB_LIST,
        .values = "targets, separated by commas: mems:POLICY(key=value,...), libc, "
                  "preload:NAME-OR-PATH, null; ? in front: skipped where it is missing",
        .help = "what is hammered; each target is measured on its own",
    },
    {
        .name = "threads",
        .kind = JOB_NUMBER,
        .least = 0,
        .most = 1024,
        .values = "0 .. 1024, where 0 is all CPUs",
        .standard = "1",
        .help = "how many threads run at once",
    },
    {
        .name = "ops",
        .kind = JOB_NUMBER,
        .least = 0,
        .most = 1e15,
        .values = "0 .. 1000T, where 0 is as many as fit in runtime",
        .standard = "0",
        .help = "operations of each thread; excludes runtime",
    },
    {
        .name = "runtime",
        .kind = JOB_TIME,
        .least = 1e-3 * SECONDS,
        .most = 24 * 3600 * SECONDS,
        .standard = "1s",
        .help = "how long a cell runs; excludes ops",
    },
    {
        .name = "size",
        .kind = JOB_DISTRIBUTION,
        .least = 1,
        .most = 0x1p40,
        .values = "64, 16-1000, 64/50:4k/40:1M/10, log:16-64Ki, invsq:4-32Ki, exp:256@16-8000; "
                  "within 1 .. 1Ti",
        .standard = "16-1024",
        .help = "bytes of a request, drawn at random",
    },
    {
        .name = "verify",
        .kind = JOB_NUMBER,
        .least = 0,
        .most = 4,
        .values = "0: nothing; 1: pointers (alignment, usable size, zeroed, kept by resize); "
                  "2: also the first and last bytes; 3: also every byte; 4: also no two blocks "
                  "overlap",
        .standard = "1",
        .help = "how thoroughly blocks are checked",
    },
    {
        .name = "seed",
        .kind = JOB_NUMBER,
        .least = 0,
        .most = 0x1p64,
        .standard = "1",
        .help = "of every random choice: the same seed and job give the same operations",
    },
    {
        .name = "repeats",
        .kind = JOB_NUMBER,
        .least = 1,
        .most = 1000,
        .standard = "1",
        .help = "how often each target is measured",
    },
    {
        .name = "touch",
        .kind = JOB_CHOICE,
        .choices = touches,
        .values = "none, first (byte), ends (first and last), page (a word a page), full",
        .standard = "first",
        .help = "what is written to a block after its allocation",
    },
    {
        .name = "latency",
        .kind = JOB_RATIO,
        .least = 1,
        .most = 1e9,
        .values = "all, none, or 1/N: one operation in N, drawn at random",
        .standard = "1/32",
        .help = "how many operations are timed one by one",
    },
    {
        .name = "sample",
        .kind = JOB_TIME,
        .least = 1e-3 * SECONDS,
        .most = 3600 * SECONDS,
        .standard = "50ms",
        .help = "longest interval between two looks at the memory of a cell (shorter at first)",
    },
    {
        .name = "timeout",
        .kind = JOB_TIME,
        .least = 0.1 * SECONDS,
        .most = 24 * 3600 * SECONDS,
        .standard = "30s",
        .help = "a cell without progress for so long is hung, and is ended",
    },
    {0},
};
