// SPDX-License-Identifier: MIT
//
// keys.c - the keys every section has.

#include "job/checks.h"
#include "job/job.h"

#define SECONDS 1e9

static const char *const arrivals[] = {"fixed", "poisson", NULL};
static const char *const checks[] = {
#define CHECK_NAME(id, name, level, help) name,
    JOB_CHECK_ROWS(CHECK_NAME)
#undef CHECK_NAME
        NULL,
};
static const char *const remains[] = {"check", "ignore", NULL};
static const char *const rss_slopes[] = {"any", "flat", NULL};
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
        JOB_SIZE_KEY,
        .standard = "16-1024",
        .help = "bytes of a request, drawn at random",
    },
    {
        JOB_VERIFY_KEY,
        .standard = "1",
    },
    {
        .name = "checks",
        .kind = JOB_SET,
        .choices = checks,
        .standard = "all",
        .plain = true,
        .help = "of the checks that verify and remains ask for, those that are made (more: "
                "mems-stress list checks); all,-NAME switches one off, to see what the others find",
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
        .help = "what is written to a block after its allocation, and to what it grows by",
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
        .name = "map",
        .kind = JOB_NUMBER,
        .least = 0,
        .most = 200,
        .values = "0 .. 200, where 0 is none",
        .standard = "0",
        .help =
            "pictures of the memory map of a mems: target to keep, for `report`: after the first "
            "operation, after every so many, and at the end; a thread stops for each while it "
            "walks over every block (with a runtime, for a twentieth of it at most), which is in "
            "the target's rate, latencies, CPU time and resident set: they are not for comparison; "
            "with one thread and a target without caches, as mems:dynamic(thread_cache=no), each "
            "says why its last operation took that hole or that victim",
    },
    {
        .name = "timeout",
        .kind = JOB_TIME,
        .least = 0.1 * SECONDS,
        .most = 24 * 3600 * SECONDS,
        .standard = "30s",
        .help = "a cell without progress for so long is hung, and is ended",
    },
    {
        .name = "warmup",
        .kind = JOB_TIME,
        .least = 0,
        .most = 24 * 3600 * SECONDS,
        .standard = "0",
        .help = "how long the threads work before measuring begins; runtime and ops "
                "count from then on",
    },
    {
        .name = "steady",
        .kind = JOB_TEXT,
        .values = "dev:P% (the rate of each part of the window is within P % of its mean) or "
                  "slope:P% (the rate changes by less than P % over the window)",
        .standard = "",
        .help = "measure until the rate is steady, at most for runtime; the figures are of the "
                "last window",
    },
    {
        .name = "steady_window",
        .kind = JOB_TIME,
        .least = 10e-3 * SECONDS,
        .most = 3600 * SECONDS,
        .standard = "500ms",
        .help = "how long the rate must be steady",
    },
    {
        .name = "rate",
        .kind = JOB_NUMBER,
        .least = 0,
        .most = 1e9,
        .values = "0 .. 1G, where 0 is as fast as it goes (closed loop)",
        .standard = "0",
        .help = "operations a second of each thread, each at its intended time (open loop); "
                "measured until the runtime is over",
    },
    {
        .name = "arrival",
        .kind = JOB_CHOICE,
        .choices = arrivals,
        .values = "fixed (evenly), poisson (exponential distances)",
        .standard = "fixed",
        .help = "when operations are intended to start; with rate",
    },
    {
        .name = "latency_limit",
        .kind = JOB_TEXT,
        .values = "KIND:pN<TIME, for instance alloc:p99<10us; kinds: alloc, free, free_remote, "
                  "resize, step; with rate it is the response that counts",
        .standard = "",
        .help = "the cell fails when the percentile is above the time",
    },
    {
        .name = "decay",
        .kind = JOB_TIME,
        .least = 0,
        .most = 60 * SECONDS,
        .standard = "0",
        .help = "how long the resident set is watched after everything was freed",
    },
    {
        .name = "kept_limit",
        .kind = JOB_REAL,
        .least = 0,
        .most = 1,
        .values = "0 .. 1, where 1 is all of it",
        .standard = "1",
        .help = "the cell fails when more than this share of what its blocks had made resident "
                "still is when all were freed, decay is over and one more block has come and gone",
    },
    {
        .name = "lost_limit",
        .kind = JOB_SIZE,
        .least = 0,
        .most = 0x1p46,
        .values = "0 (not asked) .. 64Ti",
        .standard = "0",
        .help = "the cell fails when everything was freed and the malloc itself says that so many "
                "bytes more than before are in use; asked of mallocs that can tell",
    },
    {
        .name = "remains",
        .kind = JOB_CHOICE,
        .choices = remains,
        .values = "check, ignore",
        .standard = "check",
        .help = "whether the engine must be found whole, and with nothing live, when everything "
                "was freed",
    },
    {
        .name = "rss_slope",
        .kind = JOB_CHOICE,
        .choices = rss_slopes,
        .values = "any, flat",
        .standard = "any",
        .help = "flat: the cell fails when its resident set grows with the work done, beyond what "
                "settles: by more in each doubling of it than in the one before, so surely that "
                "10,000 cells without a leak give one false alarm at most; what warmup does counts "
                "as work, but not as looked at",
    },
    {
        .name = "rss_slope_limit",
        .kind = JOB_SIZE,
        .least = 0,
        .most = 0x1p46,
        .values = "0 (not asked) .. 64Ti",
        .standard = "0",
        .help = "with rss_slope = flat the cell fails, too, when it cannot be excluded, with 99 % "
                "confidence, that the resident set grows by more than so many bytes an hour: it "
                "was too short, or too noisy",
    },
    {
        .name = "memory_limit",
        .kind = JOB_SIZE,
        .least = 0,
        .most = 0x1p46,
        .values = "0 (none), or 64Mi and more",
        .standard = "0",
        .help =
            "the most a cell's data may take beside the harness: the system refuses more, and a "
            "cell that gets past it all the same fails, it alone",
    },
    {
        .name = "pin",
        .kind = JOB_TEXT,
        .values = "none, spread (over cores, then their threads), compact (neighbours first), or a "
                  "list of CPUs: 0-1/3",
        .standard = "none",
        .help = "which CPUs the threads stay on",
    },
    {
        .name = "setup",
        .kind = JOB_TEXT,
        .values = "a shell command",
        .standard = "",
        .help = "run once before the section's first cell; a failure ends the section. As prepare "
                "and cleanup: by /bin/sh in the folder of the job, at most for timeout, with "
                "MEMS_SECTION, MEMS_TARGET and MEMS_REPEAT in its environment; $$ is a dollar sign",
    },
    {
        .name = "prepare",
        .kind = JOB_TEXT,
        .values = "a shell command",
        .standard = "",
        .help = "run before each cell; a failure ends the cell",
    },
    {
        .name = "cleanup",
        .kind = JOB_TEXT,
        .values = "a shell command",
        .standard = "",
        .help = "run once after the section's last cell, also when the run is interrupted",
    },
    {
        .name = "wait_for",
        .kind = JOB_TEXT,
        .values = "the name of an earlier section or group, or all",
        .standard = "",
        .plain = true,
        .help = "run the section after all of what it names, and only when that has passed; what "
                "the command line leaves out is not waited for",
    },
    {
        .name = "folder",
        .kind = JOB_PATH,
        .values = "a folder; without it the one of the job",
        .standard = "",
        .help = "where setup, prepare and cleanup run",
    },
    {
        .name = "group",
        .kind = JOB_TEXT,
        .values = "a name; the sections of a sweep have the one that the sweep had",
        .standard = "",
        .plain = true,
        .help = "neighbouring sections of a group run in random order, like the targets of one",
    },
    {0},
};
