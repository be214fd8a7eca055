// SPDX-License-Identifier: MIT
//
// layout.h - an algorithm's state is one piece of memory, cut into arrays here.
//
// The same function cuts and measures: bytes() runs it from address 0 and looks where it ends, so
// that the two cannot disagree. Addresses are numbers until the memory is there.

#ifndef POLICY_REPLACEMENT_LAYOUT_H
#define POLICY_REPLACEMENT_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

struct layout {
    uintptr_t at; // the next array
};

// An array of `count` elements of `size` bytes, aligned to 8.
static inline void *layout_take(struct layout *layout, size_t count, size_t size)
{
    void *array = (void *)layout->at;
    layout->at += (count * size + 7) & ~(size_t)7;
    return array;
}

#endif
