// SPDX-License-Identifier: MIT
//
// native.c - what the malloc of this process says of itself.
//
// 1. Every allocator has statistics of its own, in its own words: they are shown beside the
//    harness's account, by their own names, and compared with nothing.
// 2. Only functions of the object that answers malloc are called: another object may export the
//    same names, and its figures would be of a heap that nobody uses.
// 3. Called while nobody else uses the heap. Reading jemalloc's means to refresh its epoch first,
//    which merges the threads' caches.

#include <dlfcn.h>
#include <malloc.h>
#include <stddef.h>
#include <stdio.h>

#include "target/malloc.h"

static void *native_symbol(const char *name)
{
    Dl_info here;
    Dl_info supplier;
    void *address = dlsym(RTLD_DEFAULT, name);
    void *malloc_address = dlsym(RTLD_DEFAULT, "malloc");
    bool same = address != NULL && malloc_address != NULL && dladdr(address, &here) != 0 &&
                dladdr(malloc_address, &supplier) != 0 && here.dli_fbase == supplier.dli_fbase;
    return same ? address : NULL;
}

typedef int (*native_mallctl)(const char *, void *, size_t *, void *, size_t);

static bool native_jemalloc(target_statistic take, void *arg)
{
    static const char *const names[] = {
        "stats.allocated", "stats.active",   "stats.metadata", "stats.resident",
        "stats.mapped",    "stats.retained", "arenas.narenas",
    };
    native_mallctl mallctl = (native_mallctl)native_symbol("mallctl");
    if (mallctl == NULL) {
        return false;
    }
    uint64_t epoch = 1;
    size_t length = sizeof epoch;
    mallctl("epoch", &epoch, &length, &epoch, sizeof epoch);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        uint64_t value = 0;
        length = i + 1 < sizeof names / sizeof names[0] ? sizeof(size_t) : sizeof(unsigned);
        if (mallctl(names[i], &value, &length, NULL, 0) == 0) {
            take(arg, names[i], (double)value);
        }
    }
    return true;
}

typedef int (*native_property)(const char *, size_t *);

static bool native_tcmalloc(target_statistic take, void *arg)
{
    static const char *const names[] = {
        "generic.current_allocated_bytes",   "generic.heap_size",
        "tcmalloc.pageheap_free_bytes",      "tcmalloc.pageheap_unmapped_bytes",
        "tcmalloc.central_cache_free_bytes", "tcmalloc.transfer_cache_free_bytes",
        "tcmalloc.thread_cache_free_bytes",  "tcmalloc.current_total_thread_cache_bytes",
    };
    native_property property = (native_property)native_symbol("MallocExtension_GetNumericProperty");
    if (property == NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t value;
        if (property(names[i], &value) != 0) {
            take(arg, names[i], (double)value);
        }
    }
    return true;
}

typedef void (*native_process_info)(size_t *, size_t *, size_t *, size_t *, size_t *, size_t *,
                                    size_t *, size_t *);

static bool native_mimalloc(target_statistic take, void *arg)
{
    static const char *const names[] = {
        "elapsed_msecs", "user_msecs",     "system_msecs", "current_rss",
        "peak_rss",      "current_commit", "peak_commit",  "page_faults",
    };
    native_process_info info = (native_process_info)native_symbol("mi_process_info");
    if (info == NULL) {
        return false;
    }
    size_t value[8] = {0};
    info(&value[0], &value[1], &value[2], &value[3], &value[4], &value[5], &value[6], &value[7]);
    for (size_t i = 3; i < 8; i++) { // the times are of the process, which the report has
        take(arg, names[i], (double)value[i]);
    }
    return true;
}

static bool native_glibc(target_statistic take, void *arg)
{
    static const struct {
        const char *name;
        size_t offset;
    } fields[] = {
        {"arena", offsetof(struct mallinfo2, arena)},
        {"ordblks", offsetof(struct mallinfo2, ordblks)},
        {"smblks", offsetof(struct mallinfo2, smblks)},
        {"hblks", offsetof(struct mallinfo2, hblks)},
        {"hblkhd", offsetof(struct mallinfo2, hblkhd)},
        {"fsmblks", offsetof(struct mallinfo2, fsmblks)},
        {"uordblks", offsetof(struct mallinfo2, uordblks)},
        {"fordblks", offsetof(struct mallinfo2, fordblks)},
        {"keepcost", offsetof(struct mallinfo2, keepcost)},
    };
    struct mallinfo2 (*mallinfo)(void) = (struct mallinfo2(*)(void))native_symbol("mallinfo2");
    if (mallinfo == NULL) {
        return false;
    }
    struct mallinfo2 info = mallinfo();
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const char *field = (const char *)&info + fields[i].offset;
        take(arg, fields[i].name, (double)*(const size_t *)(const void *)field);
    }
    return true;
}

void target_malloc_native(struct target_instance *instance, target_statistic take, void *arg)
{
    // The most particular first: some export mallinfo too, for those who know only that.
    static bool (*const kinds[])(target_statistic, void *) = {native_jemalloc, native_tcmalloc,
                                                              native_mimalloc, native_glibc};
    (void)instance;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && !kinds[i](take, arg); i++) {
    }
}

// ---- in use -------------------------------------------------------------------------------------

// jemalloc's figure has what it allocates for itself, a thread at a time.
#define NATIVE_JEMALLOC_OWN 65536

static bool native_jemalloc_in_use(uint64_t *bytes, uint64_t *cached)
{
    native_mallctl mallctl = (native_mallctl)native_symbol("mallctl");
    if (mallctl == NULL) {
        return false;
    }
    uint64_t epoch = 1;
    size_t length = sizeof epoch, allocated = 0, room = sizeof allocated;
    mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    mallctl("epoch", &epoch, &length, &epoch, sizeof epoch);
    *bytes = mallctl("stats.allocated", &allocated, &room, NULL, 0) == 0 ? allocated : 0;
    *cached = NATIVE_JEMALLOC_OWN;
    return *bytes != 0;
}

static bool native_tcmalloc_in_use(uint64_t *bytes, uint64_t *cached)
{
    native_property property = (native_property)native_symbol("MallocExtension_GetNumericProperty");
    size_t value = 0;
    if (property == NULL || property("generic.current_allocated_bytes", &value) == 0) {
        return false;
    }
    *bytes = value;
    *cached = 0;
    return true;
}

// glibc's own caches hold 7 blocks of each size up to 1 KiB, 240 kB, and count them as used; those
// of threads are emptied at their ends.
#define NATIVE_GLIBC_CACHED 524288

static bool native_glibc_in_use(uint64_t *bytes, uint64_t *cached)
{
    struct mallinfo2 (*mallinfo)(void) = (struct mallinfo2(*)(void))native_symbol("mallinfo2");
    if (mallinfo == NULL) {
        return false;
    }
    struct mallinfo2 info = mallinfo();
    *bytes = info.uordblks + info.hblkhd;
    *cached = native_symbol("gnu_get_libc_version") != NULL ? NATIVE_GLIBC_CACHED : 0;
    return true;
}

bool target_malloc_in_use(struct target_instance *instance, uint64_t *bytes, uint64_t *cached)
{
    (void)instance;
    *cached = 0;
    return native_jemalloc_in_use(bytes, cached) || native_tcmalloc_in_use(bytes, cached) ||
           native_glibc_in_use(bytes, cached);
}
