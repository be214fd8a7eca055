// SPDX-License-Identifier: MIT
//
// sizes.c - sizes near which arithmetic wraps: every call refuses them, with ENOMEM, and changes
// nothing. And the size that a release says, of a block that could not become as small.

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <sys/resource.h>

#include "support.h"

static const size_t sizes_extreme[] = {
    SIZE_MAX,
    SIZE_MAX - 1,
    SIZE_MAX - 7,
    SIZE_MAX - 15,
    SIZE_MAX - 63,
    SIZE_MAX - 4094,
    SIZE_MAX - 4095,
    SIZE_MAX - 4096,
    SIZE_MAX - (64 << 10),
    SIZE_MAX - (512 << 10) + 1,
    SIZE_MAX - (2 << 20),
    (size_t)PTRDIFF_MAX + 1,
    (size_t)PTRDIFF_MAX,
    (size_t)PTRDIFF_MAX - 4096,
    SIZE_MAX / 2 + 4096,
    (size_t)1 << 62,
};

enum { SIZES_COUNT = sizeof sizes_extreme / sizeof *sizes_extreme };

static const size_t sizes_aligns[] = {
    16, 64, 4096, 65536, 2 << 20, (size_t)1 << 30, (size_t)1 << 40, (size_t)1 << 63};

enum { SIZES_ALIGNS = sizeof sizes_aligns / sizeof *sizes_aligns };

#define SIZES_REFUSED(call)                                                                        \
    do {                                                                                           \
        errno = 0;                                                                                 \
        void *got = (call);                                                                        \
        expect(got == NULL, #call " of %zu bytes gave %p", size, got);                             \
        expect(errno == ENOMEM, #call " of %zu bytes", size);                                      \
    } while (0)

static void sizes_allocate(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (int i = 0; i < SIZES_COUNT; i++) {
        size_t size = sizes_extreme[i];
        SIZES_REFUSED(malloc(size));
        SIZES_REFUSED(calloc(1, size));
        SIZES_REFUSED(calloc(size, 1));
        SIZES_REFUSED(calloc(size, size));
        SIZES_REFUSED(calloc(size / 2 + 1, 2));
        SIZES_REFUSED(calloc(3, size / 3 + 1));
        SIZES_REFUSED(realloc(NULL, size));
        SIZES_REFUSED(reallocarray(NULL, 1, size));
        SIZES_REFUSED(reallocarray(NULL, size, 7));
        SIZES_REFUSED(valloc(size));
        SIZES_REFUSED(pvalloc(size));
        support_classes(4096, (unsigned)i);
    }
}

static void sizes_align(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (int i = 0; i < SIZES_COUNT * SIZES_ALIGNS; i++) {
        size_t size = sizes_extreme[i / SIZES_ALIGNS];
        size_t align = sizes_aligns[i % SIZES_ALIGNS];
        SIZES_REFUSED(aligned_alloc(align, size));
        SIZES_REFUSED(memalign(align, size));
        void *block = &block;
        expect(posix_memalign(&block, align, size) == ENOMEM, "posix_memalign(%zu, %zu)", align,
               size);
        expect(block == (void *)&block, "posix_memalign(%zu, %zu) failed and changed the pointer",
               align, size);
    }
    // An ordinary size at an alignment that no address space holds.
    for (size_t align = (size_t)1 << 48; align != 0; align *= 2) {
        size_t size = 100;
        SIZES_REFUSED(aligned_alloc(align, size));
        SIZES_REFUSED(memalign(align, size));
    }
    support_classes(1 << 20, 1);
}

// posix_memalign returns its error; errno is the caller's.
static void sizes_strict(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (int i = 0; i < SIZES_COUNT; i++) {
        void *block = NULL;
        errno = 4711;
        expect(posix_memalign(&block, 64, sizes_extreme[i]) == ENOMEM, "posix_memalign(64, %zu)",
               sizes_extreme[i]);
        expect(errno == 4711, "posix_memalign(64, %zu) set errno", sizes_extreme[i]);
    }
}

// A realloc that fails leaves the block as it was: small, middle, large, huge, aligned.
static void sizes_realloc(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    static const size_t originals[] = {1, 16, 100, 1024, 5000, 40000, 300000, 3 << 20, 20 << 20};
    for (size_t o = 0; o < sizeof originals / sizeof *originals; o++) {
        unsigned char *block = o % 2 ? malloc(originals[o]) : memalign(256, originals[o]);
        expect(block != NULL, "malloc(%zu)", originals[o]);
        support_fill(block, originals[o], 9);
        for (int i = 0; i < SIZES_COUNT; i++) {
            size_t size = sizes_extreme[i];
            SIZES_REFUSED(realloc(block, size));
            SIZES_REFUSED(reallocarray(block, 1, size));
            SIZES_REFUSED(reallocarray(block, size, 16));
        }
        size_t wrong = support_wrong(block, originals[o], 9);
        expect(wrong == originals[o], "byte %zu of %zu changed in a realloc that failed", wrong,
               originals[o]);
        block = realloc(block, originals[o] + 1);
        expect(block != NULL && support_wrong(block, originals[o], 9) == originals[o],
               "the next realloc");
        free(block);
    }
}

// ---- stays: no memory for the smaller block, so realloc gives the larger one back
// --------------------------------------

#define SIZES_SMALL ((size_t)100)

#ifdef SUPPORT_STATIC
void free_sized(void *block, size_t size);
void free_aligned_sized(void *block, size_t align, size_t size);
void sizes_delete(void *block, size_t size) __asm__("_ZdlPvm");
#endif

// C23's and C++'s calls, where the malloc has them.
static void (*sizes_free_sized)(void *, size_t);
static void (*sizes_free_aligned_sized)(void *, size_t, size_t);
static void (*sizes_delete_sized)(void *, size_t);

static void sizes_find(void)
{
#ifdef SUPPORT_STATIC
    sizes_free_sized = free_sized;
    sizes_free_aligned_sized = free_aligned_sized;
    sizes_delete_sized = sizes_delete;
#else
    *(void **)&sizes_free_sized = dlsym(RTLD_DEFAULT, "free_sized");
    *(void **)&sizes_free_aligned_sized = dlsym(RTLD_DEFAULT, "free_aligned_sized");
    *(void **)&sizes_delete_sized = dlsym(RTLD_DEFAULT, "_ZdlPvm");
#endif
}

static void sizes_release(int call, void *block)
{
    if (call == 0 && sizes_free_sized != NULL) {
        sizes_free_sized(block, SIZES_SMALL);
    } else if (call == 1 && sizes_free_aligned_sized != NULL) {
        sizes_free_aligned_sized(block, 16, SIZES_SMALL);
    } else if (call == 2 && sizes_delete_sized != NULL) {
        sizes_delete_sized(block, SIZES_SMALL);
    } else {
        free(block);
    }
}

static void sizes_limit(size_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = bytes;
    expect(setrlimit(RLIMIT_AS, &limit) == 0, "setrlimit");
}

// Takes what there is, in a list on top of `taken`.
static void **sizes_take(void **taken)
{
    for (size_t size = (size_t)1 << 20; size >= 16; size = size > 200 ? size / 2 : size - 4) {
        for (void **block; (block = malloc(size)) != NULL;) {
            *block = taken;
            taken = block;
        }
    }
    return taken;
}

static void sizes_stays(int argc, char **argv)
{
    static const size_t originals[] = {5000, 8000, 40000, 300000, 3 << 20};
    (void)argc;
    (void)argv;
    sizes_find();
    for (size_t i = 0; i < 4 * (sizeof originals / sizeof *originals); i++) {
        size_t size = originals[i / 4];
        unsigned char *block = malloc(size);
        expect(block != NULL, "malloc(%zu)", size);
        support_fill(block, size, 5);
        sizes_limit(1 << 20); // less than there is: nothing is mapped any more
        void **taken = sizes_take(NULL);
        unsigned char *shrunk = realloc(block, SIZES_SMALL);
        expect(shrunk == block, "a block of %zu bytes shrank to %p, without memory", size,
               (void *)shrunk);
        expect(support_wrong(shrunk, SIZES_SMALL, 5) == SIZES_SMALL, "what was in it");
        sizes_release((int)(i % 4), shrunk);
        sizes_limit(RLIM_INFINITY);
        while (taken != NULL) {
            void **next = *taken;
            free(taken);
            taken = next;
        }
        support_classes((size_t)1 << 20, (unsigned)i);
    }
}

int main(int argc, char **argv)
{
    static const struct support_case cases[] = {
        {"allocate", sizes_allocate}, {"align", sizes_align}, {"strict", sizes_strict},
        {"realloc", sizes_realloc},   {"stays", sizes_stays}, {NULL, NULL}};
    return support_main(cases, argc, argv);
}
