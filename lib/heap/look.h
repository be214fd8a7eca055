// SPDX-License-Identifier: MIT
//
// look.h - what the heap holds, in figures.

#ifndef HEAP_LOOK_H
#define HEAP_LOOK_H

#include <stddef.h>
#include <stdint.h>

#include "memory/slab.h"

struct look_class {
    uint64_t slabs;
    uint64_t blocks; // that they are cut into
    uint64_t used;   // of these, with the program
};

// mapped == slab + large + dirty + clean, where every region has its records                  (LK1)
// used <= slab; used_blocks == sum(class[].used)                                              (LK2)
struct look {
    uint64_t used_blocks, used_bytes; // small blocks that are with the program
    uint64_t free_blocks, free_bytes; // small blocks that are not
    uint64_t large_blocks, large_bytes;
    uint64_t slabs, slab_bytes;
    uint64_t orphans; // of the slabs: their thread has ended
    uint64_t holes;
    uint64_t dirty_bytes; // free, and not given back to the OS yet
    uint64_t clean_bytes; // free; the OS has its pages
    uint64_t mapped_bytes, peak_bytes;
    uint64_t purged_bytes; // given back so far
    uint64_t account_bytes;
    struct look_class class[SLAB_CLASSES];
};

// The figures that are shown, in this order.
struct look_figure {
    const char *name;
    const char *help;
    size_t offset; // in struct look
};

extern const struct look_figure look_figures[];
extern const size_t look_figure_count;

static inline uint64_t look_value(const struct look *look, const struct look_figure *figure)
{
    return *(const uint64_t *)((const char *)look + figure->offset);
}

// Takes the depots' locks, one after the other, and changes nothing.
void look_take(struct look *look);

#endif
