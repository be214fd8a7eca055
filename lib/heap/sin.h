// SPDX-License-Identifier: MIT
//
// sin.h - the last line of a program that has misused its heap.
//
// Each function says what was done, in which call, to which address, on stderr, and aborts. None
// allocates.

#ifndef HEAP_SIN_H
#define HEAP_SIN_H

#include <stddef.h>
#include <stdint.h>

struct granule;

// The block is free already.
_Noreturn void sin_twice(const char *call, const void *address, size_t size);

// The same of a slab's slot, which was released twice.
_Noreturn void sin_twice_at(const struct granule *slab, uint32_t slot);

// A block of `size` bytes cannot have been asked for with the size that was `said`.
_Noreturn void sin_size(const char *call, const void *address, size_t said, size_t size);

// No block in use starts at the address: finds out what is there.
_Noreturn void sin_judge(const char *call, const void *address);

#endif
