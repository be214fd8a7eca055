// SPDX-License-Identifier: MIT
//
// plugin.c - a small library to be loaded and unloaded: the workload dlopen's.
//
// Built several times: PLUGIN_TLS is how many bytes of thread-local storage it has, PLUGIN_MODEL
// how they are reached: "initial-exec" takes them from the static block, which has little to spare
// for libraries that come late, "global-dynamic" has them allocated at a thread's first use.

#include <stdlib.h>
#include <string.h>

#define PLUGIN_BLOCKS 64

__attribute__((visibility("default"))) void *plugin_work(size_t size);

static __thread char plugin_local[PLUGIN_TLS] __attribute__((tls_model(PLUGIN_MODEL)));
static void *plugin_blocks[PLUGIN_BLOCKS];

__attribute__((constructor)) static void plugin_open(void)
{
    for (size_t i = 0; i < PLUGIN_BLOCKS; i++) {
        plugin_blocks[i] = malloc((size_t)8 << i % 12);
    }
}

__attribute__((destructor)) static void plugin_close(void)
{
    for (size_t i = 0; i < PLUGIN_BLOCKS; i++) {
        free(plugin_blocks[i]);
    }
}

// Uses its thread-local storage, and gives a block of that many bytes, each of which is the low
// byte of the size. NULL: there is none, or the storage was not what it must be.
void *plugin_work(size_t size)
{
    char *local = plugin_local;
    __asm__ volatile("" : "+r"(local)); // every thread's own, all zero or all one
    for (size_t i = 1; i < PLUGIN_TLS; i++) {
        if (local[i] != local[0]) {
            return NULL;
        }
    }
    memset(local, 1, PLUGIN_TLS);
    void *block = malloc(size);
    if (block != NULL) {
        memset(block, (int)(size & 0xff), size);
    }
    return block;
}
