// SPDX-License-Identifier: MIT
//
// arena.c - memory that is given back all at once.

#include "job/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_piece {
    struct arena_piece *next;
    max_align_t bytes[];
};

static _Noreturn void exhausted(void)
{
    fputs("mems-stress: out of memory while reading the job\n", stderr);
    exit(1);
}

void *arena_get(struct arena *arena, size_t size)
{
    struct arena_piece *piece = NULL;
    if (size <= SIZE_MAX - sizeof *piece) {
        piece = calloc(1, sizeof *piece + size);
    }
    if (!piece) {
        exhausted();
    }
    piece->next = arena->pieces;
    arena->pieces = piece;
    return piece->bytes;
}

char *arena_copy(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_get(arena, length + 1);
    memcpy(copy, text, length);
    return copy;
}

char *arena_print(struct arena *arena, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        exhausted();
    }
    char *text = arena_get(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

void arena_fini(struct arena *arena)
{
    while (arena->pieces) {
        struct arena_piece *piece = arena->pieces;
        arena->pieces = piece->next;
        free(piece);
    }
}
