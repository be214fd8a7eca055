// SPDX-License-Identifier: MIT
//
// threads.c - four threads allocate, write, check and free. A block that two of them hold, or that
// is freed under one, shows in its bytes.
#include "mems.h"
#include <pthread.h>
#include <string.h>

#define THREADS 4
#define SLOTS   64
#ifndef ROUNDS
#define ROUNDS 40000
#endif

static void *hammer(void *arg)
{
    unsigned random = (unsigned)(size_t)arg * 7919 + 1;
    unsigned char name = (unsigned char)(size_t)arg;
    char *blocks[SLOTS] = {0};
    size_t sizes[SLOTS] = {0};
    size_t wrong = 0;
    for (int i = 0; i < ROUNDS; i++) {
        random = random * 1664525u + 1013904223u;
        unsigned slot = (random >> 8) % SLOTS;
        if (sizes[slot] == 0) {
            size_t size = 1 + (random >> 16) % 700;
            blocks[slot] = (char *)mems_malloc(size);
            sizes[slot] = size;
            memset(mems_get(blocks[slot]), name + (int)slot, size);
            continue;
        }
        unsigned char *host = (unsigned char *)mems_get(blocks[slot]);
        for (size_t k = 0; k < sizes[slot]; k++) {
            wrong += host == NULL || host[k] != (unsigned char)(name + slot);
        }
        mems_free(blocks[slot]);
        sizes[slot] = 0;
    }
    for (int slot = 0; slot < SLOTS; slot++) {
        if (sizes[slot] != 0) {
            mems_free(blocks[slot]);
        }
    }
    return (void *)wrong;
}

int main(void)
{
    pthread_t threads[THREADS];
    size_t wrong = 0;
    mems_init();
    for (size_t i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, hammer, (void *)((i + 1) * 61)) != 0) {
            return 1;
        }
    }
    for (int i = 0; i < THREADS; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        wrong += (size_t)result;
    }
    printf("%lu wrong bytes\n", (unsigned long)wrong);
    mems_finish();
    return 0;
}
