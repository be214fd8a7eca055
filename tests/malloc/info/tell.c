// SPDX-License-Identifier: MIT
//
// tell.c - one thing a run, under the knobs of its environment; test_knobs.py says which go
// together.

#include "malloc/info/resident.h"

#include <dirent.h>
#include <time.h>

static void nothing(size_t size)
{
    resident_work(10);
    probe_free(probe_malloc(size));
    dprintf(STDOUT_FILENO, "done\n");
}

static void info(size_t size)
{
    void *first = resident_fill(size, 1 << 20), *large = probe_malloc(10 << 20);
    probe_require(malloc_info(0, stdout) == 0, "malloc_info failed");
    fflush(stdout);
    probe_free(large);
    resident_free(first);
}

static void stats(size_t size)
{
    void *first = resident_fill(size, 1 << 20);
    malloc_stats();
    resident_free(first);
}

// ---- decay --------------------------------------------------------------------------------------

// The sizes one after the other, so that each finds what the one before has left.
static const size_t FILLS[] = {64, 1000, 10000, RESIDENT_LARGE};

static void falls(size_t size)
{
    (void)size;
    resident_work(10);
    size_t before = resident_bytes();
    for (size_t i = 0; i < sizeof FILLS / sizeof FILLS[0]; i++) {
        void *first = resident_fill(FILLS[i], RESIDENT_FILL);
        resident_there(before, "filled");
        resident_free(first);
        resident_work(1000);
        resident_back(before, "freed, and worked on");
    }
}

static void stays(size_t size)
{
    resident_work(10);
    size_t before = resident_bytes();
    resident_free(resident_fill(size, RESIDENT_FILL));
    resident_work(1000);
    resident_there(before, "freed, and worked on");
    int answer = malloc_trim(0);
    probe_require(answer == 1, "memory was to go back, malloc_trim is %d", answer);
    resident_back(before, "malloc_trim");
}

static void stays_large(size_t size)
{
    (void)size;
    stays(RESIDENT_LARGE);
}

// A process that does nothing at all.
static void falls_idle(size_t size)
{
    resident_work(10);
    size_t before = resident_bytes();
    resident_free(resident_fill(size, RESIDENT_FILL));
    const struct timespec moment = {.tv_nsec = 10000000};
    for (int i = 0; i < 2000 && resident_bytes() > before + RESIDENT_SLACK; i++) {
        nanosleep(&moment, NULL);
    }
    resident_back(before, "idle for 20 s");
}

static void threads(size_t size)
{
    resident_free(resident_fill(size, 10 << 20));
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    probe_require(tasks != NULL, "no /proc/self/task");
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        count += task->d_name[0] != '.';
    }
    closedir(tasks);
    dprintf(STDOUT_FILENO, "%d\n", count);
}

// ---- huge pages ---------------------------------------------------------------------------------

// Of each mapping that one of the two blocks is in: the kernel's flags, and what is in huge pages.
static void huge_pages(size_t size)
{
    void *blocks[] = {resident_fill(size, 64 << 20), resident_fill(16 << 20, 64 << 20)};
    FILE *maps = fopen("/proc/self/smaps", "r");
    probe_require(maps != NULL, "no /proc/self/smaps");
    char line[4096];
    bool ours = false;
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long long from, to;
        if (sscanf(line, "%llx-%llx ", &from, &to) == 2) {
            ours = false;
            for (size_t i = 0; i < 2; i++) {
                ours |= (uintptr_t)blocks[i] >= from && (uintptr_t)blocks[i] < to;
            }
        } else if (ours && (strncmp(line, "AnonHugePages:", 14) == 0 ||
                            strncmp(line, "VmFlags:", 8) == 0)) {
            dprintf(STDOUT_FILENO, "%s", line);
        }
    }
    fclose(maps);
}

int main(int argc, char **argv)
{
    static const struct probe PROBES[] = {
        {"nothing", nothing, PROBE_ONE},       {"info", info, PROBE_ONE},
        {"stats", stats, PROBE_ONE},           {"falls", falls, PROBE_ONE},
        {"stays", stays, PROBE_ONE},           {"stays_large", stays_large, PROBE_ONE},
        {"falls_idle", falls_idle, PROBE_ONE}, {"threads", threads, PROBE_ONE},
        {"huge_pages", huge_pages, PROBE_ONE},
    };
    return probe_main(PROBES, sizeof PROBES / sizeof PROBES[0], argc, argv);
}
