// SPDX-License-Identifier: MIT
//
// contracts.c - what every block must be, call by call.

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "support.h"

// A request of nothing is a block of its own, each time.
static void contracts_zero(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    void *blocks[64];
    for (int i = 0; i < 64; i++) {
        blocks[i] = i % 2 ? malloc(0) : calloc(0, 8);
        expect(blocks[i] != NULL && (uintptr_t)blocks[i] % 16 == 0, "%p", blocks[i]);
        for (int j = 0; j < i; j++) {
            expect(blocks[i] != blocks[j], "%p twice", blocks[i]);
        }
    }
    for (int i = 0; i < 64; i++) {
        free(blocks[i]);
    }
    void *block = realloc(NULL, 0);
    expect(block != NULL, "realloc(NULL, 0) is malloc(0)");
    expect(realloc(block, 0) == NULL, "realloc(p, 0) frees and returns NULL");
    // What it freed comes back: a million times 1 KiB would be a gigabyte.
    size_t before = support_resident_bytes();
    for (int i = 0; i < 1000000; i++) {
        block = malloc(1024);
        expect(block != NULL, "malloc(1024)");
        memset(block, 1, 1024);
        expect(realloc(block, 0) == NULL, "realloc(p, 0)");
    }
    size_t after = support_resident_bytes();
    expect(after < before + ((size_t)16 << 20),
           "realloc(p, 0) keeps its blocks: %zu bytes, then %zu", before, after);
}

// Every size to 4096: aligned to 16, all of what malloc_usable_size says is writable and nobody
// else's.
static void contracts_usable(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    static void *blocks[4097];
    for (size_t size = 1; size <= 4096; size++) {
        blocks[size] = malloc(size);
        size_t usable = malloc_usable_size(blocks[size]);
        expect(blocks[size] != NULL && (uintptr_t)blocks[size] % 16 == 0, "malloc(%zu) = %p", size,
               blocks[size]);
        expect(usable >= size, "malloc_usable_size(malloc(%zu)) = %zu", size, usable);
        support_fill(blocks[size], usable, (unsigned)size);
    }
    for (size_t size = 1; size <= 4096; size++) {
        size_t usable = malloc_usable_size(blocks[size]);
        size_t wrong = support_wrong(blocks[size], usable, (unsigned)size);
        expect(wrong == usable, "byte %zu of a block of %zu (usable: %zu) is not what was written",
               wrong, size, usable);
        free(blocks[size]);
    }
    for (size_t size = 4097; size <= (size_t)8 << 20; size = support_next(size)) {
        unsigned char *block = malloc(size);
        size_t usable = malloc_usable_size(block);
        expect(block != NULL && (uintptr_t)block % 16 == 0 && usable >= size,
               "malloc(%zu) = %p, usable: %zu", size, (void *)block, usable);
        memset(block, 0xa5, usable);
        free(block);
    }
    expect(malloc_usable_size(NULL) == 0, "malloc_usable_size(NULL)");
}

static void *contracts_aligned_by(int call, size_t align, size_t size)
{
    void *block = NULL;
    switch (call) {
    case 0:
        return memalign(align, size);
    case 1:
        return aligned_alloc(align, size);
    default:
        return posix_memalign(&block, align, size) == 0 ? block : NULL;
    }
}

// Every (align, size) from 8 bytes to 2 MiB, a byte less and more than each power too.
static void contracts_aligned(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    enum { KEPT = 8 };
    struct {
        unsigned char *block;
        size_t size;
    } kept[KEPT] = {0};
    unsigned count = 0;
    for (size_t align = 8; align <= (size_t)2 << 20; align *= 2) {
        for (size_t power = 8; power <= (size_t)2 << 20; power *= 2) {
            for (size_t size = power - 1; size <= power + 1; size++) {
                unsigned char *block = contracts_aligned_by((int)(count % 3), align, size);
                expect(block != NULL && (uintptr_t)block % align == 0,
                       "call %u, align %zu, size %zu: %p", count % 3, align, size, (void *)block);
                expect(malloc_usable_size(block) >= size, "align %zu, size %zu: usable %zu", align,
                       size, malloc_usable_size(block));
                block[0] = block[size - 1] = (unsigned char)count;
                unsigned slot = count % KEPT;
                if (kept[slot].block != NULL) {
                    unsigned char mark = (unsigned char)(count - KEPT);
                    expect(kept[slot].block[0] == mark &&
                               kept[slot].block[kept[slot].size - 1] == mark,
                           "the block of %zu bytes at %p was overwritten", kept[slot].size,
                           (void *)kept[slot].block);
                    free(kept[slot].block);
                }
                kept[slot].block = block;
                kept[slot].size = size;
                count++;
            }
        }
    }
    for (int i = 0; i < KEPT; i++) {
        free(kept[i].block);
    }
    static const volatile size_t odd = 24; // as for the bad ones of contracts_strict
    unsigned char *block = memalign(odd, 100);
    expect(block != NULL && (uintptr_t)block % 32 == 0, "memalign(24, 100) = %p: 24 is rounded up",
           (void *)block);
    free(block);
    block = valloc(100);
    expect(block != NULL && (uintptr_t)block % 4096 == 0, "valloc(100) = %p", (void *)block);
    free(block);
    block = pvalloc(4097);
    expect(block != NULL && (uintptr_t)block % 4096 == 0 && malloc_usable_size(block) >= 8192,
           "pvalloc(4097) = %p, usable: %zu", (void *)block, malloc_usable_size(block));
    memset(block, 1, 8192);
    free(block);
}

// An alignment that cannot be.
static void contracts_posix_memalign(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    static const size_t bad[] = {0, 1, 2, 3, 4, 7, 12, 24, 100, 4095};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        void *block = &block;
        expect(posix_memalign(&block, bad[i], 64) == EINVAL, "posix_memalign(%zu)", bad[i]);
        expect(block == (void *)&block, "posix_memalign(%zu) failed and changed the pointer",
               bad[i]);
    }
}

// calloc is zero, whoever had the memory before.
static void contracts_calloc(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (int round = 0; round < 3; round++) {
        for (size_t size = 1; size <= (size_t)4 << 20; size = support_next(size)) {
            enum { BATCH = 4 };
            unsigned char *dirty[BATCH];
            for (int i = 0; i < BATCH; i++) {
                dirty[i] = malloc(size);
                expect(dirty[i] != NULL, "malloc(%zu)", size);
                memset(dirty[i], 0xa5, malloc_usable_size(dirty[i]));
            }
            for (int i = 0; i < BATCH; i++) {
                free(dirty[i]);
            }
            for (int i = 0; i < BATCH; i++) {
                dirty[i] = i % 2 ? calloc(1, size) : calloc(size, 1);
                expect(dirty[i] != NULL && (uintptr_t)dirty[i] % 16 == 0, "calloc(%zu) = %p", size,
                       (void *)dirty[i]);
                size_t at = 0;
                while (at < size && dirty[i][at] == 0) {
                    at++;
                }
                expect(at == size, "byte %zu of a calloc of %zu is %d", at, size, dirty[i][at]);
            }
            for (int i = 0; i < BATCH; i++) {
                free(dirty[i]);
            }
        }
    }
    volatile size_t half = SIZE_MAX / 2;
    errno = 0;
    expect(calloc(half, 3) == NULL && errno == ENOMEM, "calloc(SIZE_MAX / 2, 3)");
    errno = 0;
    expect(reallocarray(NULL, half, 3) == NULL && errno == ENOMEM,
           "reallocarray(NULL, SIZE_MAX / 2, 3)");
}

// min(old, new) bytes survive, through every pair of kinds of size and back.
static void contracts_realloc(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    static const size_t sizes[] = {1,       8,       17,      64,       200,     1000,
                                   4095,    4096,    5000,    32768,    100000,  262144,
                                   1 << 20, 5 << 20, 1 << 20, 300000,   65536,   9000,
                                   33,      9 << 20, 16,      40 << 20, 3 << 20, 24};
    const size_t count = sizeof sizes / sizeof *sizes;
    for (size_t from = 0; from < count; from++) {
        for (size_t to = 0; to < count; to++) {
            size_t least = sizes[from] < sizes[to] ? sizes[from] : sizes[to];
            size_t seen =
                least < 70000 ? least : 70000; // of large ones the head, and the last byte
            unsigned char *block = malloc(sizes[from]);
            expect(block != NULL, "malloc(%zu)", sizes[from]);
            support_fill(block, seen, (unsigned)to);
            block[least - 1] = 0x5a;
            block = realloc(block, sizes[to]);
            expect(block != NULL && (uintptr_t)block % 16 == 0, "realloc from %zu to %zu",
                   sizes[from], sizes[to]);
            size_t wrong = seen == least ? support_wrong(block, seen - 1, (unsigned)to)
                                         : support_wrong(block, seen, (unsigned)to);
            expect(wrong >= seen - 1 && block[least - 1] == 0x5a,
                   "realloc from %zu to %zu: byte %zu", sizes[from], sizes[to], wrong);
            block[sizes[to] - 1] = 1;
            free(block);
        }
    }
    unsigned char *chain = NULL;
    size_t size = 0;
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < count; i++) {
            size_t least = size < sizes[i] ? size : sizes[i];
            chain = i % 2 ? realloc(chain, sizes[i]) : reallocarray(chain, sizes[i], 1);
            expect(chain != NULL, "realloc to %zu", sizes[i]);
            expect(support_wrong(chain, least, 11) == least, "realloc from %zu to %zu", size,
                   sizes[i]);
            size = sizes[i];
            support_fill(chain, size, 11);
        }
    }
    free(chain);
}

// Aligned blocks go through realloc and free as any other.
static void contracts_realloc_aligned(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (size_t align = 16; align <= (size_t)2 << 20; align *= 4) {
        for (size_t size = 1; size <= (size_t)1 << 20; size = size * 3 + 1) {
            unsigned char *block = memalign(align, size);
            expect(block != NULL, "memalign(%zu, %zu)", align, size);
            support_fill(block, size, 5);
            block = realloc(block, size * 2);
            expect(block != NULL && support_wrong(block, size, 5) == size,
                   "realloc of memalign(%zu, %zu)", align, size);
            block = realloc(block, size / 2 + 1);
            expect(block != NULL && support_wrong(block, size / 2, 5) == size / 2,
                   "the same, shrunk");
            free(block);
        }
    }
}

// free changes nothing that the caller can see; free(NULL) does nothing.
static void contracts_errno(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    errno = 4711;
    free(NULL);
    for (size_t size = 1; size <= (size_t)64 << 20; size = support_next(size)) {
        unsigned char *block = malloc(size);
        expect(block != NULL, "malloc(%zu)", size);
        block[size - 1] = 1;
        errno = 4711;
        free(block);
        expect(errno == 4711, "free of a block of %zu bytes set errno", size);
    }
}

// Whose malloc is it? Each has its own words for a double free.
static void contracts_sin(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    void *block = malloc(100);
    free(block);
    free(block);
    expect(false, "a double free went unnoticed");
}

// Where the standards, or glibc's own manual, say more than Debian 12's glibc does.
static void contracts_strict(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    // Volatile: clang refuses to compile an alignment that it knows to be wrong, and ends at 0
    // itself.
    static const volatile size_t bad[] = {0, 3, 24, 100, 4095, SIZE_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        errno = 0;
        expect(aligned_alloc(bad[i], 64) == NULL && errno == EINVAL, "aligned_alloc(%zu, 64)",
               bad[i]);
    }
    void *block = NULL;
    errno = 4711;
    expect(posix_memalign(&block, 24, 64) == EINVAL && errno == 4711,
           "posix_memalign returns its error");
}

#ifndef SUPPORT_STATIC
static void *contracts_symbol(const char *name)
{
    void *symbol = dlsym(RTLD_DEFAULT, name);
    expect(symbol != NULL, "%s is not there", name);
    return symbol;
}

// The calls of C23, and the reports: they are there, and they return.
static void contracts_calls(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    void (*free_sized)(void *, size_t);
    void (*free_aligned_sized)(void *, size_t, size_t);
    *(void **)&free_sized = contracts_symbol("free_sized");
    *(void **)&free_aligned_sized = contracts_symbol("free_aligned_sized");
    for (size_t size = 1; size <= (size_t)4 << 20; size = support_next(size)) {
        free_sized(malloc(size), size);
        free_aligned_sized(aligned_alloc(64, size), 64, size);
    }
    free_sized(NULL, 0);
    free_aligned_sized(NULL, 64, 0);
    malloc_trim(0);
    mallopt(M_TRIM_THRESHOLD, 1 << 20);
    struct mallinfo2 info = mallinfo2();
    expect(info.arena + info.hblkhd > 0, "mallinfo2 counts no memory");
    malloc_stats();
    expect(malloc_info(0, stdout) == 0, "malloc_info");
    expect(malloc_info(1, stdout) != 0, "malloc_info has no option 1");
    fflush(stdout);
}
#endif

int main(int argc, char **argv)
{
    static const struct support_case cases[] = {{"zero", contracts_zero},
                                                {"usable", contracts_usable},
                                                {"aligned", contracts_aligned},
                                                {"posix-memalign", contracts_posix_memalign},
                                                {"calloc", contracts_calloc},
                                                {"realloc", contracts_realloc},
                                                {"realloc-aligned", contracts_realloc_aligned},
                                                {"errno", contracts_errno},
                                                {"sin", contracts_sin},
                                                {"strict", contracts_strict},
#ifndef SUPPORT_STATIC
                                                {"calls", contracts_calls},
#endif
                                                {NULL, NULL}};
    return support_main(cases, argc, argv);
}
