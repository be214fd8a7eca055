// SPDX-License-Identifier: MIT
//
// loading.c - dlopen and dlclose: static TLS that must not run out, a storm of objects that
// allocate, and the allocator itself opened late.
//
// The loader keeps some room for objects with static (initial-exec) TLS that are opened by a
// running program: 1,664 bytes by default, more by GLIBC_TUNABLES=glibc.rtld.optional_static_tls.
// An allocator that is preloaded needs none of it; one that is opened with dlopen takes its own
// from there. The objects are where the test says: the folder is the cases' first argument.

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

static const char *loading_folder;

static void *loading_open(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", loading_folder, name);
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

static int loading_touch(void *object)
{
    int (*touch)(void);
    *(void **)&touch = dlsym(object, "tls_object_touch");
    expect(touch != NULL, "dlsym: %s", dlerror());
    return touch();
}

static void *loading_thread_touch(void *object)
{
    for (int i = 1; i < 10; i++) {
        int touched = loading_touch(object);
        expect(touched == i, "the thread-local bytes: %d instead of %d", touched, i);
        support_classes(1 << 16, (unsigned)i);
    }
    return NULL;
}

static void loading_touch_by_threads(void *object)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        expect(pthread_create(&threads[i], NULL, loading_thread_touch, object) == 0,
               "pthread_create");
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
}

// ---- static TLS
// -------------------------------------------------------------------------------------------------------

static void *loading_idle(void *stop)
{
    while (!atomic_load((atomic_bool *)stop)) {
        usleep(1000);
    }
    return NULL;
}

// `name` fits, while another thread lives whose TLS it must go into.
static void loading_tls(int argc, char **argv)
{
    expect(argc == 2, "usage: loading tls FOLDER OBJECT");
    loading_folder = argv[0];
    atomic_bool stop = false;
    pthread_t idle;
    expect(pthread_create(&idle, NULL, loading_idle, &stop) == 0, "pthread_create");
    support_classes(1 << 16, 1);
    void *object = loading_open(argv[1]);
    expect(object != NULL, "%s", dlerror());
    loading_touch_by_threads(object);
    loading_thread_touch(object);
    atomic_store(&stop, true);
    pthread_join(idle, NULL);
    dlclose(object);
}

// ---- storm
// ------------------------------------------------------------------------------------------------------------

static struct support_exchange loading_exchange;
static atomic_bool loading_is_over;
static long loading_rounds;

static void *loading_churning(void *number)
{
    uint64_t state = (uint64_t)(uintptr_t)number;
    while (!atomic_load(&loading_is_over)) {
        support_churn(&loading_exchange, &state);
    }
    return NULL;
}

static void loading_round(const char *name, const char *dynamic, int round)
{
    void *object = loading_open(name);
    expect(object != NULL, "%s", dlerror());
    void *(*take)(int);
    *(void **)&take = dlsym(object, "storm_object_take");
    expect(take != NULL, "%s", dlerror());
    free(take(round % 64)); // each thread has objects of its own
    void *tls = loading_open(dynamic);
    expect(tls != NULL, "%s", dlerror());
    expect(loading_touch(tls) > 0, "the thread-local bytes");
    support_classes(1 << 12, (unsigned)round);
    dlclose(object);
    dlclose(tls);
}

static void *loading_first(void *nothing)
{
    for (int i = 0; i < loading_rounds; i++) {
        loading_round("storm-a.so", "tls-dynamic-a.so", i);
    }
    return nothing;
}

static void *loading_second(void *nothing)
{
    for (int i = 0; i < loading_rounds; i++) {
        loading_round("storm-b.so", "tls-dynamic-b.so", i);
    }
    return nothing;
}

static void loading_storm(int argc, char **argv)
{
    expect(argc >= 1, "usage: loading storm FOLDER [ROUNDS]");
    loading_folder = argv[0];
    loading_rounds = support_argument(argc, argv, 1, 300);
    pthread_t busy[2];
    pthread_t loaders[2];
    for (uintptr_t i = 0; i < 2; i++) {
        expect(pthread_create(&busy[i], NULL, loading_churning, (void *)(i + 1)) == 0,
               "pthread_create");
        expect(pthread_create(&loaders[i], NULL, i == 0 ? loading_first : loading_second, NULL) ==
                   0,
               "pthread_create");
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(loaders[i], NULL);
    }
    atomic_store(&loading_is_over, true);
    for (int i = 0; i < 2; i++) {
        pthread_join(busy[i], NULL);
    }
    support_drain(&loading_exchange);
}

// ---- late: the allocator itself, opened by a program that has another
// -------------------------------------------------

static void *(*loading_malloc)(size_t);
static void *(*loading_calloc)(size_t, size_t);
static void *(*loading_realloc)(void *, size_t);
static void (*loading_free)(void *);

static void *loading_use(void *number)
{
    uint64_t state = 1 + (uint64_t)(uintptr_t)number;
    unsigned char *blocks[64] = {NULL};
    for (int i = 0; i < 20000; i++) {
        unsigned slot = (unsigned)(support_random(&state) % 64);
        size_t size = 1 + support_random(&state) % 3000;
        loading_free(blocks[slot]);
        blocks[slot] = i % 3 == 0 ? loading_calloc(1, size) : loading_malloc(size);
        expect(blocks[slot] != NULL, "malloc(%zu)", size);
        blocks[slot] = loading_realloc(blocks[slot], size * 2);
        expect(blocks[slot] != NULL, "realloc(%zu)", size * 2);
        blocks[slot][size * 2 - 1] = 1;
    }
    for (int i = 0; i < 64; i++) {
        loading_free(blocks[i]);
    }
    return NULL;
}

static void *loading_symbol(void *library, const char *name)
{
    void *symbol = dlsym(library, name);
    expect(symbol != NULL, "%s", dlerror());
    return symbol;
}

static void loading_late(int argc, char **argv)
{
    expect(argc == 3, "usage: loading late FOLDER LIBRARY STATIC-BYTES-USED");
    loading_folder = argv[0];
    // 128 bytes at a time: the objects are one each.
    long used = 0;
    for (int i = 0; used < support_argument(argc, argv, 2, 0); i++) {
        char name[64];
        snprintf(name, sizeof name, "tls-static-128-%d.so", i);
        void *object = loading_open(name);
        expect(object != NULL, "after %ld bytes: %s", used, dlerror());
        expect(loading_touch(object) == 1, "the thread-local bytes");
        used += 128;
    }
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    expect(library != NULL, "after %ld bytes of static TLS: %s", used, dlerror());
    *(void **)&loading_malloc = loading_symbol(library, "malloc");
    *(void **)&loading_calloc = loading_symbol(library, "calloc");
    *(void **)&loading_realloc = loading_symbol(library, "realloc");
    *(void **)&loading_free = loading_symbol(library, "free");
    pthread_t threads[4];
    for (uintptr_t i = 0; i < 4; i++) {
        expect(pthread_create(&threads[i], NULL, loading_use, (void *)i) == 0, "pthread_create");
    }
    loading_use((void *)9);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    support_classes(1 << 20, 1);
    // Threads' ends may still run in it: it stays, or can be closed; both are fine.
    dlclose(library);
    support_classes(1 << 20, 2);
}

int main(int argc, char **argv)
{
    static const struct support_case cases[] = {
        {"tls", loading_tls}, {"storm", loading_storm}, {"late", loading_late}, {NULL, NULL}};
    return support_main(cases, argc, argv);
}
