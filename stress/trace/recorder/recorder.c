// SPDX-License-Identifier: MIT
//
// recorder.c - the malloc family and pthread_create, recorded and handed on (LD_PRELOAD).
//
// 1. Theory. Each function calls the next definition of itself (RTLD_NEXT) and writes a record.
//    Which side of the call the record stands on makes the order legal: see trace/spool.h.
// 2. States. Before the first call nothing is known; while the next definitions are looked up,
//    dlsym may itself allocate, and is served from a small array; then everything is handed on.
//    Recording begins with the constructor, since the environment cannot be read before; blocks
//    from before it are freed without having been seen, and the merge drops those frees.
// 3. What fails is not recorded: a replay has nothing to do there.
// 4. If you change this: nothing here may allocate, lock, or change errno beyond what the function
//    it stands for does.

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lane.h"
#include "trace/trace.h"

#define PUBLIC      __attribute__((visibility("default")))
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

struct real {
    void *(*malloc)(size_t);
    void (*free)(void *);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    int (*posix_memalign)(void **, size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    void *(*memalign)(size_t, size_t);
    void *(*valloc)(size_t);
    void *(*pvalloc)(size_t);
    int (*pthread_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
};

static struct real real;
static bool resolving;

// ---- before everything --------------------------------------------------------------------------

static _Alignas(16) char boot[32 * 1024];
static size_t boot_used;

static void *boot_alloc(size_t size)
{
    size_t need = (size + 31) & ~(size_t)15; // 16 more: the size stands in front
    if (size > sizeof(boot) || need > sizeof(boot) - boot_used) {
        return NULL;
    }
    char *block = boot + boot_used;
    boot_used += need;
    memcpy(block, &size, sizeof(size));
    return block + 16;
}

static bool is_boot(const void *block)
{
    return UNLIKELY((const char *)block >= boot && (const char *)block < boot + sizeof(boot));
}

static size_t boot_size(const void *block)
{
    size_t size;
    memcpy(&size, (const char *)block - 16, sizeof(size));
    return size;
}

// A function found by name; ISO C has no conversion from an object pointer, POSIX does.
static void find(const char *name, void *into)
{
    void *function = dlsym(RTLD_NEXT, name);
    memcpy(into, &function, sizeof(function));
}

static void resolve(void)
{
    resolving = true;
    find("free", &real.free);
    find("calloc", &real.calloc);
    find("realloc", &real.realloc);
    find("posix_memalign", &real.posix_memalign);
    find("aligned_alloc", &real.aligned_alloc);
    find("memalign", &real.memalign);
    find("valloc", &real.valloc);
    find("pvalloc", &real.pvalloc);
    find("pthread_create", &real.pthread_create);
    find("malloc", &real.malloc); // last: its presence says that all are known
    resolving = false;
}

static inline bool ready(void)
{
    if (UNLIKELY(real.malloc == NULL)) {
        if (resolving) {
            return false;
        }
        resolve();
    }
    return true;
}

__attribute__((constructor)) static void recorder_start(void)
{
    if (ready()) {
        lane_start();
    }
}

// ---- allocation ---------------------------------------------------------------------------------

// The exponent of the power of two that is `align` or the next above.
static unsigned align_log2(size_t align)
{
    unsigned exponent = 0;
    while (exponent < 63 && ((size_t)1 << exponent) < align) {
        exponent++;
    }
    return exponent;
}

static inline void *allocated(void *block, size_t size, unsigned call, size_t align)
{
    if (block != NULL && lane_open()) {
        lane_record(SPOOL_ALLOC, call, block, size, align == 0 ? 0 : align_log2(align));
    }
    return block;
}

PUBLIC void *malloc(size_t size)
{
    if (UNLIKELY(!ready())) {
        return boot_alloc(size);
    }
    return allocated(real.malloc(size), size, TRACE_CALL_MALLOC, 0);
}

PUBLIC void *calloc(size_t count, size_t size)
{
    if (UNLIKELY(!ready())) {
        return size != 0 && count > sizeof(boot) / size ? NULL : boot_alloc(count * size);
    }
    return allocated(real.calloc(count, size), count * size, TRACE_CALL_CALLOC, 0);
}

PUBLIC int posix_memalign(void **block, size_t align, size_t size)
{
    int error = ready() ? real.posix_memalign(block, align, size) : ENOMEM;
    if (error == 0) {
        allocated(*block, size, TRACE_CALL_POSIX_MEMALIGN, align);
    }
    return error;
}

PUBLIC void *aligned_alloc(size_t align, size_t size)
{
    void *block = ready() ? real.aligned_alloc(align, size) : NULL;
    return allocated(block, size, TRACE_CALL_ALIGNED_ALLOC, align);
}

PUBLIC void *memalign(size_t align, size_t size)
{
    void *block = ready() ? real.memalign(align, size) : NULL;
    return allocated(block, size, TRACE_CALL_MEMALIGN, align);
}

PUBLIC void *valloc(size_t size)
{
    void *block = ready() ? real.valloc(size) : NULL;
    return allocated(block, size, TRACE_CALL_VALLOC, 4096);
}

PUBLIC void *pvalloc(size_t size)
{
    void *block = ready() ? real.pvalloc(size) : NULL;
    return allocated(block, size, TRACE_CALL_PVALLOC, 4096);
}

// ---- giving back --------------------------------------------------------------------------------

static inline void release(void *block, unsigned call)
{
    if (block == NULL || is_boot(block) || UNLIKELY(!ready())) {
        return;
    }
    if (lane_open()) {
        lane_record(SPOOL_FREE, call, block, 0, 0);
    }
    real.free(block);
}

PUBLIC void free(void *block)
{
    release(block, TRACE_CALL_FREE);
}

PUBLIC void free_sized(void *block, size_t size);
PUBLIC void free_sized(void *block, size_t size)
{
    (void)size;
    release(block, TRACE_CALL_FREE_SIZED);
}

PUBLIC void free_aligned_sized(void *block, size_t align, size_t size);
PUBLIC void free_aligned_sized(void *block, size_t align, size_t size)
{
    (void)align;
    (void)size;
    release(block, TRACE_CALL_FREE_ALIGNED_SIZED);
}

// ---- resizing -----------------------------------------------------------------------------------

static void *resize_boot(const void *block, size_t size)
{
    void *moved = malloc(size);
    if (moved != NULL) {
        size_t old = boot_size(block);
        memcpy(moved, block, old < size ? old : size);
    }
    return moved;
}

static void *resize(void *block, size_t size, unsigned call)
{
    if (is_boot(block)) {
        return resize_boot(block, size);
    }
    if (UNLIKELY(!ready())) {
        return block == NULL ? boot_alloc(size) : NULL;
    }
    if (!lane_open()) {
        return real.realloc(block, size);
    }
    if (block == NULL) {
        return allocated(real.realloc(NULL, size), size, call, 0);
    }
    lane_record(SPOOL_RESIZE_BEGIN, call, block, size, 0);
    void *moved = real.realloc(block, size);
    if (lane_open()) {
        lane_record(SPOOL_RESIZE_END, call, moved, size, 0);
    }
    return moved;
}

PUBLIC void *realloc(void *block, size_t size)
{
    return resize(block, size, TRACE_CALL_REALLOC);
}

PUBLIC void *reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return resize(block, bytes, TRACE_CALL_REALLOCARRAY);
}

// ---- threads ------------------------------------------------------------------------------------

struct start {
    void *(*body)(void *);
    void *argument;
};

static void *thread_body(void *argument)
{
    struct start start;
    memcpy(&start, argument, sizeof(start));
    real.free(argument);
    lane_thread_start();
    return start.body(start.argument);
}

PUBLIC int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
                          void *(*body)(void *), void *restrict argument)
{
    if (UNLIKELY(!ready())) {
        return EAGAIN;
    }
    if (!lane_open()) {
        return real.pthread_create(thread, attributes, body, argument);
    }
    struct start *start = real.malloc(sizeof(*start));
    if (start == NULL) {
        return EAGAIN;
    }
    start->body = body;
    start->argument = argument;
    int error = real.pthread_create(thread, attributes, thread_body, start);
    if (error != 0) {
        real.free(start);
    }
    return error;
}
