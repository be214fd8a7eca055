// SPDX-License-Identifier: MIT
//
// store.c - arrays that grow by mapping.

#include "trace/store.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "measure/own.h"

#define PAGE 4096

static size_t bytes_of(size_t room, size_t size)
{
    return (room * size + PAGE - 1) & ~(size_t)(PAGE - 1);
}

int trace_store_grow(void **array, size_t *room, size_t count, size_t size)
{
    if (count <= *room) {
        return 0;
    }
    if (count > SIZE_MAX / 4 / size) {
        errno = ENOMEM;
        return ENOMEM;
    }
    size_t wanted = *room * 2 > count ? *room * 2 : count;
    size_t bytes = bytes_of(wanted, size);
    void *grown;
    own_memory(bytes - bytes_of(*room, size));
    if (*array == NULL) {
        grown = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    } else {
        grown = mremap(*array, bytes_of(*room, size), bytes, MREMAP_MAYMOVE);
    }
    if (grown == MAP_FAILED) {
        return ENOMEM;
    }
    *array = grown;
    *room = bytes / size;
    return 0;
}

void trace_store_free(void *array, size_t room, size_t size)
{
    if (array != NULL) {
        munmap(array, bytes_of(room, size));
    }
}
