// SPDX-License-Identifier: MIT
//
// dlopen.c - the workload "dlopen": libraries that allocate come and go.
//
// 1. Theory. Loading a library calls malloc from within the dynamic linker, with its locks held;
//    constructors, and the thread-local storage of a library that came late, do it again. An
//    allocator whose own thread-local storage is reached the slow way ends where it began
//    (jemalloc#937, mimalloc#147); the static block, which is the fast way, has but one or two KiB
//    to spare for all who come late.
// 2. States. At first, libraries that want static storage are loaded until there is no more, and
//    stay (figure: static TLS used). Then every worker loads one of the others, has it work in its
//    own thread and in a new one, unloads it, and frees what it allocated. Workers share libraries:
//    one is unloaded when the last has let go.
// 3. The libraries came with this program (workload/plugin/plugin.c, disk/home.h).
// 4. Failure. A library that was there does not load: dlopen; a block that is not what the library
//    wrote, or thread-local storage that is not: plugin. A hang is the watchdog's. A step is a
//    library loaded and unloaded.

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk/home.h"
#include "workload/edge.h"
#include "workload/rows.h"

#define DLOPEN_PLUGINS 3 // dynamic-0.so ..
#define DLOPEN_STATIC  4 // static-0.so .., of 512 bytes each

typedef void *(*plugin_function)(size_t size);

struct dlopen_plugins {
    char folder[PATH_MAX];
    void *statics[DLOPEN_STATIC];
};

static const struct job_key dlopen_keys[] = {{.name = NULL}};

static void *dlopen_load(const struct dlopen_plugins *shared, const char *kind, unsigned number)
{
    char path[sizeof shared->folder + 64];
    snprintf(path, sizeof path, "%s/mems-stress-plugin-%s-%u.so", shared->folder, kind, number);
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

static int dlopen_open(struct run *run, struct complaint *complaint)
{
    struct dlopen_plugins *shared = run_map(sizeof *shared);
    if (home_find(HOME_LIBRARY, "mems-stress-plugin-dynamic-0.so", shared->folder,
                  sizeof shared->folder) != 0) {
        complain(complaint, "dlopen: the libraries to load are not there: %s", shared->folder);
        return ENOENT;
    }
    *strrchr(shared->folder, '/') = '\0';
    void *library = dlopen_load(shared, "dynamic", 0);
    if (library == NULL) {
        complain(complaint, "dlopen: %s", dlerror());
        return ENOENT;
    }
    dlclose(library);
    unsigned loaded = 0;
    for (unsigned i = 0; i < DLOPEN_STATIC; i++) {
        shared->statics[i] = dlopen_load(shared, "static", i);
        loaded += shared->statics[i] != NULL;
    }
    run_figure(run, "static TLS used", "bytes", 512.0 * loaded, NAN);
    run->shared = shared;
    return 0;
}

// One thread's use of a library. NULL where it failed.
struct dlopen_use {
    plugin_function function;
    size_t size;
    unsigned char *block;
};

static void *dlopen_use(void *argument)
{
    struct dlopen_use *use = argument;
    use->block = use->function(use->size);
    return NULL;
}

static void dlopen_verify(struct worker *worker, const struct dlopen_use *use)
{
    if (use->block == NULL) {
        child_fail(worker, "plugin", NULL, use->size,
                   "no block, or thread-local storage that somebody else has written");
    }
    for (size_t i = 0; i < use->size; i++) {
        if (use->block[i] != (use->size & 0xff)) {
            child_fail(worker, "plugin", use->block, use->size,
                       "byte %zu is not what the library wrote before it was unloaded", i);
        }
    }
}

static void dlopen_step(struct worker *worker, const struct dlopen_plugins *shared)
{
    struct dlopen_use uses[2];
    pthread_t thread;
    uint64_t began = op_step_begin(worker);
    void *library =
        dlopen_load(shared, "dynamic", (unsigned)random_below(&worker->random, DLOPEN_PLUGINS));
    void *symbol = library != NULL ? dlsym(library, "plugin_work") : NULL;
    if (symbol == NULL) {
        child_fail(worker, "dlopen", NULL, 0, "a library does not load: %s", dlerror());
    }
    for (unsigned i = 0; i < 2; i++) {
        uses[i] = (struct dlopen_use){.size = edge_draw(&worker->random)};
        memcpy(&uses[i].function, &symbol, sizeof symbol);
    }
    dlopen_use(&uses[0]);
    if (pthread_create(&thread, NULL, dlopen_use, &uses[1]) != 0) {
        child_fail(worker, RUN_HARNESS, NULL, 0, "no thread");
    }
    pthread_join(thread, NULL);
    if (dlclose(library) != 0) {
        child_fail(worker, "dlopen", NULL, 0, "a library does not unload: %s", dlerror());
    }
    op_step_end(worker, began);
    for (unsigned i = 0; i < 2; i++) {
        dlopen_verify(worker, &uses[i]);
        free(uses[i].block);
    }
}

static void dlopen_work(struct worker *worker)
{
    do {
        dlopen_step(worker, worker->run->shared);
    } while (!worker_stop(worker, 1));
}

static void dlopen_close(struct run *run)
{
    struct dlopen_plugins *shared = run->shared;
    for (unsigned i = 0; i < DLOPEN_STATIC; i++) {
        if (shared->statics[i] != NULL) {
            dlclose(shared->statics[i]);
        }
    }
}

const struct workload workload_dlopen = {
    .name = "dlopen",
    .help = "libraries with constructors and thread-local storage are loaded and unloaded",
    .class = WORKLOAD_PROCESS,
    .needs_malloc = true,
    .version = 1,
    .keys = dlopen_keys,
    .unused = edge_unused_sizes,
    .demand = edge_demand,
    .open = dlopen_open,
    .work = dlopen_work,
    .close = dlopen_close,
};
