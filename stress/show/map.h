// SPDX-License-Identifier: MIT
//
// map.h - the memory map of an engine, by the names of a trace.

#ifndef SHOW_MAP_H
#define SHOW_MAP_H

#include "show/show.h"

// A block of the trace that lives at an address.
struct map_owner {
    mems_addr addr;
    uint32_t block, process;
};

// Walks the engine. `owners` are sorted here.
void map_capture(struct mems_engine *engine, struct map_owner *owners, size_t owner_count,
                 struct show_map *map);
void map_fini(struct show_map *map);

#endif
