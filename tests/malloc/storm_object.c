// SPDX-License-Identifier: MIT
//
// storm_object.c - a shared object that allocates when it is opened and frees when it is closed.

#include <stdlib.h>
#include <string.h>

#define STORM_BLOCKS 64

static void *storm_blocks[STORM_BLOCKS];

void *storm_object_take(int index);

// A block that outlives the object, if the caller wants one.
void *storm_object_take(int index)
{
    void *block = storm_blocks[index];
    storm_blocks[index] = NULL;
    return block;
}

__attribute__((constructor)) static void storm_open(void)
{
    for (int i = 0; i < STORM_BLOCKS; i++) {
        storm_blocks[i] = malloc((size_t)8 << i % 14);
        if (storm_blocks[i] == NULL) {
            abort();
        }
        memset(storm_blocks[i], i, (size_t)8 << i % 14);
    }
}

__attribute__((destructor)) static void storm_close(void)
{
    for (int i = 0; i < STORM_BLOCKS; i++) {
        free(storm_blocks[i]);
    }
}
