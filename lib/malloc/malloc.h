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
void *malloc_aligned(size_t align, size_t size); // align: a power of two; the same

// The bytes that may be used from the block's start; a sin where none is.
size_t malloc_block_size(const void *block, const char *call);

// Whether a block with so many usable bytes can have been asked for with that size and alignment
// (1: none). false: it cannot.
bool malloc_size_fits(size_t usable, size_t align, size_t said);

// ---- malloc.c: out of line, for inline.h -------------------------------------------------------

void *malloc_above(size_t size); // any size; NULL, and errno is ENOMEM
void malloc_release_slow(void *block, const char *call);
void malloc_release_look(struct granule *slab);
// Any block, or NULL; a sin where the size cannot be its own.
void malloc_release_sized(void *block, size_t align, size_t said, const char *call);

// ---- thread.c: who allocates -------------------------------------------------------------------

// This thread's front, made when it has none yet. NULL: it can have none (it is ending, or there
// is no memory); it then allocates from the common one.
struct front *malloc_enter(void);

// Whether a thread's first calloc may be pthread's own, for the value of its key.
bool malloc_enter_late(void);

extern void (*const volatile malloc_early)(void);

// ---- background.c ------------------------------------------------------------------------------

extern uint32_t malloc_background_due; // [atomic] 1: a helper is to be started

void malloc_background_want(void);   // when knobs are read
void malloc_background_allow(void);  // threads can be started
void malloc_background_forked(void); // in a child: it has no helper
// When one is due. Allocates: no lock is held. Only one caller starts it.
void malloc_background_start(void);

// ---- fork.c ------------------------------------------------------------------------------------

// Registers what fork needs. Once.
void malloc_fork_init(void);

#endif
