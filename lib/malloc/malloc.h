// SPDX-License-Identifier: MIT
//
// malloc.h - what the files of the malloc family share.

#ifndef MALLOC_MALLOC_H
#define MALLOC_MALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap/front.h"
#include "heap/granule.h"

#define MALLOC_EXPORT __attribute__((visibility("default")))

// ---- malloc.c: blocks --------------------------------------------------------------------------

// A block for the request; NULL, and errno is ENOMEM. Never for sizes above PTRDIFF_MAX.
void *malloc_block(size_t size, bool *zeroed);
void *malloc_aligned(size_t align, size_t size); // align: a power of two

// The bytes that may be used from the block's start; a sin where none is.
size_t malloc_block_size(const void *block, const char *call);

// Of a block that the program asked for with that size (and alignment, or 0): false where it
// cannot be.
bool malloc_size_fits(size_t usable, size_t said);

// ---- thread.c: who allocates -------------------------------------------------------------------

// This thread's front, made when it has none yet. NULL: it can have none (it is ending, or there
// is no memory); it then allocates from the common one.
struct front *malloc_enter(void);

// From the front that all threads without one share, under its lock.
void *malloc_common_take(unsigned class, bool *zeroed);
void malloc_common_trim(void);

// ---- fork.c ------------------------------------------------------------------------------------

// Registers what fork needs. Once.
void malloc_fork_init(void);
// In a child: the common front is made anew, its lock is free.
void malloc_common_reset(void);

#endif
