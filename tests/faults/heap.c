// SPDX-License-Identifier: MIT
//
// heap.c - the drop-in malloc, every mmap, munmap, mremap and madvise of it refused in turn.
//
//   test-faults-heap KIND once|on FIRST STEP    KIND: mmap munmap mremap madvise any
//
// The linker puts the functions below in the place of libc's (--wrap). A point is a process of its
// own: the heap is new, and its first windows, pools and fronts are refused, too. In it the script
// runs in a thread with one call refused (`on`: that one and all after it, until something fails),
// then the heap is held against its invariants, then the script runs again without a fault. What
// the process has in use in the end is what it has after two runs without a fault: what could not
// be given back is used again, not lost. Beside it the heap keeps empty regions, no more than it
// may: how large that one is depends on when others became empty. And a region whose records the
// system has refused (heap/granule.c: a window of addresses that the heap has not been in; which
// map that is depends on where the system puts regions) is one block for ever: one at most, for one
// call was refused; it is as large as the block that it was to hold.
// Its clock is ours and goes on by LOOK_MS whenever it looks: what is free becomes old enough to be
// given back within the script, by free as by others, however fast the machine is.
//
// N goes FIRST, FIRST + STEP, .. until a run has fewer calls than N. Prints the points; exit status
// 0, or 1 with what was found.

#include "support/family.h"

#include <stdarg.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

void *family_valloc(size_t size);
void *family_pvalloc(size_t size);
int family_malloc_trim(size_t pad);

#define SCRIPT(name) family_##name

#include "script.h"

enum kind { KIND_MMAP, KIND_MUNMAP, KIND_MREMAP, KIND_MADVISE, KIND_ANY, KINDS };

static const char *const kind_names[KINDS] = {"mmap", "munmap", "mremap", "madvise", "any"};

#define LOOK_MS 20

static struct {
    enum kind kind;
    uint64_t nth; // 0: nothing is refused
    bool on;
    uint64_t calls, hits;
} fault;

// What a point tells its parent.
struct outcome {
    uint64_t calls, hits, used_bytes, empty_bytes;
    uint64_t lost, lost_bytes; // regions without records
};

static bool fails(enum kind kind)
{
    if (fault.kind != kind && fault.kind != KIND_ANY) {
        return false;
    }
    uint64_t call = __atomic_add_fetch(&fault.calls, 1, __ATOMIC_RELAXED);
    uint64_t nth = __atomic_load_n(&fault.nth, __ATOMIC_RELAXED);
    bool hit = nth != 0 && (fault.on ? call >= nth : call == nth);
    if (hit) {
        __atomic_add_fetch(&fault.hits, 1, __ATOMIC_RELAXED);
        errno = ENOMEM;
    }
    return hit;
}

void *__real_mmap(void *at, size_t size, int rights, int flags, int file, off_t offset);
int __real_munmap(void *at, size_t size);
void *__real_mremap(void *at, size_t size, size_t new_size, int flags, void *to);
int __real_madvise(void *at, size_t size, int advice);
int __real_clock_gettime(clockid_t clock, struct timespec *now);
void *__wrap_mmap(void *at, size_t size, int rights, int flags, int file, off_t offset);
int __wrap_munmap(void *at, size_t size);
void *__wrap_mremap(void *at, size_t size, size_t new_size, int flags, ...);
int __wrap_madvise(void *at, size_t size, int advice);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

void *__wrap_mmap(void *at, size_t size, int rights, int flags, int file, off_t offset)
{
    return fails(KIND_MMAP) ? MAP_FAILED : __real_mmap(at, size, rights, flags, file, offset);
}

int __wrap_munmap(void *at, size_t size)
{
    return fails(KIND_MUNMAP) ? -1 : __real_munmap(at, size);
}

void *__wrap_mremap(void *at, size_t size, size_t new_size, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    void *to = va_arg(arguments, void *);
    va_end(arguments);
    return fails(KIND_MREMAP) ? MAP_FAILED : __real_mremap(at, size, new_size, flags, to);
}

int __wrap_madvise(void *at, size_t size, int advice)
{
    return fails(KIND_MADVISE) ? -1 : __real_madvise(at, size, advice);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    static uint64_t looks;
    if (clock != CLOCK_MONOTONIC_COARSE) {
        return __real_clock_gettime(clock, now);
    }
    uint64_t ms = 1000 + LOOK_MS * __atomic_add_fetch(&looks, 1, __ATOMIC_RELAXED);
    *now = (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000 * 1000000)};
    return 0;
}

static bool refused(void)
{
    test_require(fault.hits > 0, "refused, though the system refused nothing");
    __atomic_store_n(&fault.nth, 0, __ATOMIC_RELAXED);
    family_checked();
    return true;
}

static void *life(void *arg)
{
    script_run(arg);
    return NULL;
}

static void run_script(void)
{
    struct script script = {.random = 5, .refused = refused};
    pthread_t thread;
    test_require(pthread_create(&thread, NULL, life, &script) == 0, "no thread");
    pthread_join(thread, NULL);
    family_checked();
}

// No block of the script's is left: what is one block is without records.
static void count_lost(const struct extents *extents, struct outcome *outcome)
{
    for (const struct list *i = extents->regions.next; i != &extents->regions; i = i->next) {
        const struct region *region = container_of(i, struct region, link);
        if (region->first->tag == EXTENT_BLOCK && region->first->size == region->size) {
            outcome->lost++;
            outcome->lost_bytes += region->size;
        }
    }
}

static void point(struct outcome *outcome)
{
    run_script();
    *outcome = (struct outcome){.calls = fault.calls, .hits = fault.hits};
    fault.nth = 0;
    run_script();
    family_malloc_trim(0);
    family_checked();
    for (unsigned i = 0; i < 2; i++) {
        test_require(depots[i].large_count == 0, "%llu large blocks are left",
                     (unsigned long long)depots[i].large_count);
        test_require(!depots[i].extents.surplus, "%llu bytes are empty and are not given back",
                     (unsigned long long)depots[i].extents.empty_bytes);
        outcome->used_bytes += depots[i].extents.held_bytes - depots[i].extents.empty_bytes;
        outcome->empty_bytes += depots[i].extents.empty_bytes;
        if (depots[i].open) {
            count_lost(&depots[i].extents, outcome);
        }
    }
    outcome->used_bytes -= outcome->lost_bytes;
}

static bool run_point(struct outcome *outcome)
{
    int status = -1;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        point(outcome);
        _exit(0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

// How many regions may be without records: their maps are refused once, if at all.
static uint64_t may_lose(void)
{
    return fault.nth != 0 && (fault.kind == KIND_MMAP || fault.kind == KIND_ANY) ? 1 : 0;
}

static int sweep(uint64_t first, uint64_t step)
{
    struct outcome *outcome = __real_mmap(NULL, sizeof *outcome, PROT_READ | PROT_WRITE,
                                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    test_require(outcome != MAP_FAILED, "no memory");
    fault.nth = 0;
    if (!run_point(outcome) || outcome->lost > may_lose()) {
        fprintf(stderr, "it fails without a fault\n");
        return 1;
    }
    uint64_t most = outcome->used_bytes, points = 0;
    for (uint64_t nth = first;; nth += step) {
        fault.nth = nth;
        fault.calls = fault.hits = 0;
        if (!run_point(outcome) || outcome->used_bytes > most || outcome->lost > may_lose()) {
            fprintf(stderr,
                    "%s number %llu%s: %llu bytes in use, at most %llu are right; %llu empty; "
                    "%llu in %llu regions without records\n",
                    kind_names[fault.kind], (unsigned long long)nth,
                    fault.on ? " and all after it" : "", (unsigned long long)outcome->used_bytes,
                    (unsigned long long)most, (unsigned long long)outcome->empty_bytes,
                    (unsigned long long)outcome->lost_bytes, (unsigned long long)outcome->lost);
            return 1;
        }
        if (outcome->hits == 0) {
            break;
        }
        points++;
    }
    printf("%llu\n", (unsigned long long)points);
    return 0;
}

int main(int argc, char **argv)
{
    unsigned kind = 0;
    while (argc == 5 && kind < KINDS && strcmp(argv[1], kind_names[kind]) != 0) {
        kind++;
    }
    if (argc != 5 || kind == KINDS) {
        fprintf(stderr,
                "usage: test-faults-heap mmap|munmap|mremap|madvise|any once|on FIRST STEP\n");
        return 2;
    }
    fault.kind = (enum kind)kind;
    fault.on = strcmp(argv[2], "on") == 0;
    return sweep(strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
}
