// SPDX-License-Identifier: MIT
//
// memory.c - no memory: by a limit before the program starts, by one lowered later, by a kernel
// that refuses.
//
// Each time malloc must say NULL and ENOMEM, again and again, in every call, and give memory as
// soon as there is some. What the kernel refuses by a seccomp filter it refuses one thread, for
// good; "memory is there again" is another thread then. Three cases are refused before the
// process's first allocation, in a constructor, and one (exec-large) before the program itself.
//
// And memory that nobody has asked for: pages that were never written stay none (sparse).

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support.h"

#define MEMORY_MOST ((size_t)1 << 30) // there is a limit, and it is below

struct memory_block {
    struct memory_block *next;
};

static void memory_free(struct memory_block *block)
{
    while (block != NULL) {
        struct memory_block *next = block->next;
        errno = 4711;
        free(block);
        expect(errno == 4711, "free set errno");
        block = next;
    }
}

static void *memory_call(unsigned call, size_t size)
{
    void *block = NULL;
    switch (call % 5) {
    case 0:
        return malloc(size);
    case 1:
        return calloc(1, size);
    case 2:
        return realloc(NULL, size);
    case 3:
        return memalign(64, size);
    default:
        if (posix_memalign(&block, 32, size) != 0) {
            errno = ENOMEM;
        }
        return block;
    }
}

// Blocks of `size` until no call gives one, twenty in a row, in a list on top of `blocks`.
static struct memory_block *memory_take(struct memory_block *blocks, size_t size, size_t *total)
{
    int failures = 0;
    for (unsigned call = 0; failures < 20; call++) {
        errno = 0;
        struct memory_block *block = memory_call(call, size);
        if (block == NULL) {
            expect(errno == ENOMEM, "call %u found no block of %zu bytes", call % 5, size);
            failures++;
            continue;
        }
        failures = 0;
        ((char *)block)[size - 1] = 1;
        block->next = blocks;
        blocks = block;
        *total += size;
        expect(*total < MEMORY_MOST, "no limit holds: there are %zu bytes, of %zu each", *total,
               size);
    }
    return blocks;
}

// Large ones, small ones, then all of it is given back: from the largest down, as what is left is
// ever less.
static size_t memory_exhaust(void)
{
    struct memory_block *blocks = NULL;
    size_t total = 0;
    for (size_t size = (size_t)4 << 20; size >= 16; size /= 4) {
        blocks = memory_take(blocks, size, &total);
    }
    if (blocks != NULL) {
        struct memory_block *first = blocks;
        errno = 0;
        void *grown = realloc(first, (size_t)64 << 20);
        expect(grown == NULL && errno == ENOMEM, "realloc to 64 MiB gave %p", grown);
        expect(blocks == first, "the list");
    }
    memory_free(blocks);
    return total;
}

// A few times over: what was given back can be had again.
static void memory_exhaust_thrice(size_t least)
{
    for (int round = 0; round < 3; round++) {
        size_t total = memory_exhaust();
        printf("round %d: %zu KiB\n", round, total >> 10);
        expect(total >= least,
               "round %d: %zu bytes until there was no memory, at least %zu were wanted", round,
               total, least);
    }
    fflush(stdout);
}

// ---- limits of the process
// --------------------------------------------------------------------------------------------

static void memory_limit(int resource, size_t soft)
{
    struct rlimit limit;
    getrlimit((unsigned)resource, &limit);
    limit.rlim_cur = soft;
    expect(setrlimit((unsigned)resource, &limit) == 0, "setrlimit");
}

_Noreturn static void memory_again(char *next, char *argument)
{
    char *arguments[] = {(char[]){"memory"}, next, argument, NULL};
    execv("/proc/self/exe", arguments);
    expect(false, "execv");
    _exit(1);
}

// RLIMIT_AS of so many MiB, set before the program starts.
static void memory_as_exec(int argc, char **argv)
{
    expect(argc == 1, "usage: memory as-exec MIB");
    memory_limit(RLIMIT_AS, (size_t)support_argument(argc, argv, 0, 0) << 20);
    memory_again((char[]){"as-run"}, argv[0]);
}

static void memory_as_run(int argc, char **argv)
{
    size_t limit = (size_t)support_argument(argc, argv, 0, 0) << 20;
    size_t mapped = support_mapped_bytes();
    expect(mapped < limit, "%zu bytes are mapped under a limit of %zu", mapped, limit);
    // Half of what was left at first is a lean allocator's, whatever it reserves for itself.
    memory_exhaust_thrice((limit - mapped) / 2);
    memory_limit(RLIMIT_AS, RLIM_INFINITY);
    support_classes((size_t)16 << 20, 1);
}

// The limit comes while the program runs: 2 MiB above what is mapped.
static void memory_as_now(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (int round = 0; round < 3; round++) {
        support_classes((size_t)1 << 20, 1);
        memory_limit(RLIMIT_AS, support_mapped_bytes() + ((size_t)2 << 20));
        memory_exhaust_thrice((size_t)1 << 20);
        memory_limit(RLIMIT_AS, RLIM_INFINITY);
        support_classes((size_t)16 << 20, 2);
        void *block = malloc((size_t)100 << 20);
        expect(block != NULL, "there is memory again, and malloc gives none");
        free(block);
    }
}

static pthread_barrier_t memory_barrier;

static void *memory_as_thread(void *nothing)
{
    pthread_barrier_wait(&memory_barrier);
    pthread_barrier_wait(&memory_barrier);
    memory_exhaust();
    return nothing;
}

// Several threads run into the limit at once, with their first calls.
static void memory_as_threads(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    pthread_t threads[4];
    pthread_barrier_init(&memory_barrier, NULL, 5);
    for (int i = 0; i < 4; i++) {
        expect(pthread_create(&threads[i], NULL, memory_as_thread, NULL) == 0, "pthread_create");
    }
    pthread_barrier_wait(&memory_barrier);
    memory_limit(RLIMIT_AS, support_mapped_bytes() + ((size_t)16 << 20));
    pthread_barrier_wait(&memory_barrier);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    memory_limit(RLIMIT_AS, RLIM_INFINITY);
    support_classes((size_t)16 << 20, 1);
}

// No writable memory more, hard: a soft limit of 0 alone is taken for unlimited by Linux.
static void memory_no_data(void)
{
    struct rlimit none = {0, 0};
    expect(setrlimit(RLIMIT_DATA, &none) == 0, "setrlimit");
}

static void memory_data(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    unsigned char *block = malloc(1000);
    expect(block != NULL, "malloc");
    support_fill(block, 1000, 3);
    memory_no_data();
    memory_exhaust_thrice(0);
    expect(support_wrong(block, 1000, 3) == 1000, "the block of before");
    free(block);
}

// ---- a kernel that refuses
// --------------------------------------------------------------------------------------------

static void *memory_refused_thread(void *block)
{
    support_refuse(SUPPORT_NO_MEMORY);
    memory_exhaust();
    memory_exhaust();
    expect(support_wrong(block, 5000, 1) == 5000, "the block of before");
    free(block);
    return malloc(100); // whatever it is
}

// A thread that gets nothing from the kernel, from its first call on; after it, main finds
// everything in order.
static void memory_refused(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (int round = 0; round < 5; round++) {
        pthread_t thread;
        void *block = malloc(5000);
        expect(block != NULL, "malloc");
        support_fill(block, 5000, 1);
        expect(pthread_create(&thread, NULL, memory_refused_thread, block) == 0, "pthread_create");
        void *left = NULL;
        pthread_join(thread, &left);
        free(left);
        support_classes((size_t)16 << 20, 1);
    }
}

__attribute__((constructor(101))) static void memory_constructor(int argc, char **argv)
{
    const char *wanted = argc > 1 ? argv[1] : "";
    if (strcmp(wanted, "refused-first") == 0) {
        support_refuse(SUPPORT_NO_MEMORY);
    } else if (strcmp(wanted, "data-first") == 0) {
        memory_no_data();
    }
}

// Refused since before the first allocation: the program goes on without.
static void memory_never(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    memory_exhaust();
    memory_exhaust();
    printf("still here\n");
    fflush(stdout);
    free(NULL);
    malloc_trim(0);
    expect(malloc_usable_size(NULL) == 0, "malloc_usable_size(NULL)");
}

static void memory_exec_large(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    support_refuse(SUPPORT_NO_LARGE);
    memory_again((char[]){"never"}, NULL);
}

// free may find that munmap and madvise fail: nobody's business but its own.
static void memory_release(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    support_refuse(SUPPORT_NO_RELEASE);
    for (int round = 0; round < 3; round++) {
        for (size_t size = 16; size <= (size_t)64 << 20; size = support_next(size)) {
            unsigned char *block = malloc(size);
            expect(block != NULL, "malloc(%zu)", size);
            block[0] = block[size - 1] = 1;
            errno = 4711;
            free(block);
            expect(errno == 4711, "free of %zu bytes set errno", size);
            block = calloc(1, size);
            expect(block != NULL && block[0] == 0 && block[size - 1] == 0, "calloc(%zu)", size);
            free(block);
        }
        errno = 4711;
        malloc_trim(0);
        support_classes((size_t)4 << 20, 1);
    }
}

// ---- the map count
// ----------------------------------------------------------------------------------------------------

// Maps a page at a time, each unlike its neighbours, until the kernel has no more; `keep` of them
// are given back.
static size_t memory_fill_maps(char *at, size_t pages, size_t page)
{
    size_t i = 0;
    while (i < pages && mprotect(at + i * page, page, PROT_READ) == 0) {
        i += 2;
    }
    expect(i < pages, "%zu maps, and the kernel has more", i);
    return i;
}

static void memory_maps(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned long most = 65530;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
    if (file != NULL) {
        expect(fscanf(file, "%lu", &most) == 1, "max_map_count");
        fclose(file);
    }
    if (most > (1 << 20)) {
        fputs("skipped: this system allows too many maps to use them up\n", stderr);
        exit(SUPPORT_SKIPPED);
    }
    size_t pages = most * 2 + 2;
    char *at =
        mmap(NULL, pages * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    expect(at != MAP_FAILED, "mmap");
    unsigned char *large[64];
    for (int i = 0; i < 64; i++) {
        large[i] = malloc((size_t)1 << (20 + i % 4));
        expect(large[i] != NULL, "malloc");
        large[i][0] = 1;
    }
    memory_fill_maps(at, pages, page);
    // Holes in what is mapped would be more maps: whatever free does, it says nothing.
    for (int i = 0; i < 64; i += 2) {
        errno = 4711;
        free(large[i]);
        expect(errno == 4711, "free set errno");
    }
    for (int i = 0; i < 64; i += 2) {
        errno = 0;
        large[i] = malloc((size_t)3 << (18 + i % 5));
        expect(large[i] != NULL || errno == ENOMEM, "malloc");
        if (large[i] != NULL) {
            large[i][0] = 1;
        }
    }
    munmap(at, pages * page);
    for (int i = 0; i < 64; i++) {
        free(large[i]);
    }
    support_classes((size_t)64 << 20, 1);
}

// ---- pages that nobody has written
// ------------------------------------------------------------------------------------

#define MEMORY_SPARSE      500
#define MEMORY_SPARSE_MOST ((size_t)64 << 20) // resident; the blocks have 1,000 MiB

// Blocks of which a page in a hundred is written change their size again and again.
static void memory_sparse(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    static unsigned char *blocks[MEMORY_SPARSE];
    static size_t sizes[MEMORY_SPARSE];
    uint64_t state = 20;
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); // a huge page is resident as a whole
    for (int round = 0; round < 12; round++) {
        for (unsigned i = 0; i < MEMORY_SPARSE; i++) {
            size_t size = ((size_t)1 << 20) + support_random(&state) % ((size_t)2 << 20);
            unsigned char *block = realloc(blocks[i], size);
            expect(block != NULL, "realloc to %zu bytes", size);
            expect(round == 0 || support_wrong(block, 100, i) == 100, "round %d: the head", round);
            expect(sizes[i] == 0 || sizes[i] > size || block[sizes[i] - 1] == (unsigned char)i,
                   "round %d: the last byte of before", round);
            support_fill(block, 100, i);
            block[size - 1] = (unsigned char)i;
            blocks[i] = block;
            sizes[i] = size;
        }
    }
    size_t peak = support_peak_bytes();
    printf("%zu KiB were resident at most\n", peak >> 10);
    fflush(stdout);
    expect(peak <= MEMORY_SPARSE_MOST, "%zu KiB were resident for %d sparse blocks", peak >> 10,
           MEMORY_SPARSE);
    for (int i = 0; i < MEMORY_SPARSE; i++) {
        free(blocks[i]);
    }
}

int main(int argc, char **argv)
{
    static const struct support_case cases[] = {{"as-exec", memory_as_exec},
                                                {"as-run", memory_as_run},
                                                {"as-now", memory_as_now},
                                                {"as-threads", memory_as_threads},
                                                {"data", memory_data},
                                                {"data-first", memory_never},
                                                {"refused", memory_refused},
                                                {"refused-first", memory_never},
                                                {"never", memory_never},
                                                {"release", memory_release},
                                                {"exec-large", memory_exec_large},
                                                {"maps", memory_maps},
                                                {"sparse", memory_sparse},
                                                {NULL, NULL}};
    return support_main(cases, argc, argv);
}
