// SPDX-License-Identifier: MIT
//
// memory.h - how large a unit of the trace is, and how much memory an engine gets for it.

#ifndef SHOW_MEMORY_H
#define SHOW_MEMORY_H

#include "show/show.h"

struct show_memory {
    uint64_t unit;
    uint64_t units; // of memory
    uint64_t frame; // bytes, where blocks lie in frames; else 0
    bool partitions;
    char *options; // for the engine; from malloc
};

// 0, or EINVAL (a unit that cannot be) or ENOMEM with a complaint.
int memory_choose(const struct trace *trace, const struct target_spec *spec,
                  const struct show_settings *settings, struct show_memory *memory,
                  struct complaint *complaint);

#endif
