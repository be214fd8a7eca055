// SPDX-License-Identifier: MIT
//
// memory.c - a text in memory is whole, or it is told.
//
// What open_memstream of the C library does, but for one thing: when memory is refused to it, its
// text ends there, and neither ferror nor fflush nor fclose say so, only the one call that was
// printing. Half a document would pass for all of it. Here the stream is a cookie's: what its
// write refuses sets the stream's error, and fclose fails.

#include "disk/memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define MEMORY_LEAST 1024

struct memory {
    char **text;
    size_t *length;
    char *bytes;
    size_t size, room; // room: one more than may be written, for the 0
    bool failed;
};

static bool memory_reserve(struct memory *memory, size_t size)
{
    size_t room = memory->room > 0 ? memory->room : MEMORY_LEAST;
    if (size >= SIZE_MAX / 2 - memory->size) {
        return false;
    }
    while (room <= memory->size + size) {
        room *= 2;
    }
    if (room > memory->room) {
        char *grown = realloc(memory->bytes, room);
        if (grown == NULL) {
            return false;
        }
        memory->bytes = grown;
        memory->room = room;
    }
    return true;
}

static ssize_t memory_write(void *cookie, const char *bytes, size_t size)
{
    struct memory *memory = cookie;
    if (memory->failed || !memory_reserve(memory, size)) {
        memory->failed = true;
        errno = ENOMEM;
        return 0;
    }
    memcpy(memory->bytes + memory->size, bytes, size);
    memory->size += size;
    return (ssize_t)size;
}

// Where it is: at its end, always.
static int memory_seek(void *cookie, off64_t *offset, int whence)
{
    const struct memory *memory = cookie;
    off64_t end = (off64_t)memory->size;
    if (*offset != (whence == SEEK_SET ? end : 0)) {
        errno = EINVAL;
        return -1;
    }
    *offset = end;
    return 0;
}

static int memory_close(void *cookie)
{
    struct memory *memory = cookie;
    bool whole = !memory->failed && memory_reserve(memory, 0);
    if (whole) {
        memory->bytes[memory->size] = '\0';
    } else {
        free(memory->bytes);
    }
    *memory->text = whole ? memory->bytes : NULL;
    *memory->length = whole ? memory->size : 0;
    free(memory);
    errno = whole ? errno : ENOMEM;
    return whole ? 0 : -1;
}

FILE *disk_memory(char **text, size_t *length)
{
    static const cookie_io_functions_t functions = {
        .write = memory_write, .seek = memory_seek, .close = memory_close};
    struct memory *memory = calloc(1, sizeof *memory);
    *text = NULL;
    *length = 0;
    if (memory == NULL) {
        return NULL;
    }
    memory->text = text;
    memory->length = length;
    FILE *stream = fopencookie(memory, "w", functions);
    if (stream == NULL) {
        free(memory);
    }
    return stream;
}
