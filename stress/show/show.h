// SPDX-License-Identifier: MIT
//
// show.h - the classroom's simulator: a trace done step by step on one policy, with the memory to
// look at after each step.
//
// 1. Exact. Every operation goes to the policy in the trace's order, by one thread, without thread
//    caches (unless the target's options say otherwise). A process of the trace is a space: `free
//    P1` closes it. A block that was refused is not there: what comes later for it is skipped.
// 2. Units. The trace counts in units of its own, and so does everything that is shown. One unit is
//    1 byte of the engine where every size is a multiple of 16, or where the policy takes any size
//    to the byte (pages, partitions that were given); else 16, the engine's granule; else a page,
//    where the memory would not be whole pages. The options of a target are the engine's, in bytes.
// 3. Memory. What the target's options leave open is derived from the memory there is to be: that
//    many units, by default the most that is live at once, rounded up to a power of two.
// 4. Positions. A piece's position is counted from the start of its region, and runs on over
//    regions.

#ifndef SHOW_SHOW_H
#define SHOW_SHOW_H

#include <mems/engine.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/target.h"
#include "trace/trace.h"

#define SHOW_NOBODY UINT32_MAX // a piece that is no block of the trace

struct show_settings {
    uint64_t unit;   // bytes of the engine in one unit of the trace; 0: chosen
    uint64_t memory; // units; 0: chosen
    bool reasons;    // each step says why (reason.h); wants `detailed`
};

// One piece of the memory map. Sizes and positions are bytes of the engine.
struct show_piece {
    enum mems_piece kind;
    bool absent, more; // as in struct mems_extent
    uint64_t page;
    uint32_t region; // running number
    uint32_t block;  // of the trace, or SHOW_NOBODY
    uint32_t process;
    uint64_t at; // of what is not absent
    uint64_t size, requested;
    mems_addr addr;
};

// sum of size over the pieces that are not absent == memory                                  (SM1)
struct show_map {
    struct show_piece *pieces; // in order of position; absent ones last
    size_t count, room;
    uint64_t memory;
    uint64_t frame; // bytes of one, where blocks lie in frames; else 0
    struct mems_stats stats;
};

enum show_outcome {
    SHOW_DONE,
    SHOW_REFUSED, // no place
    SHOW_SKIPPED, // the block had been refused
    SHOW_NOTHING, // the process holds nothing; the policy moves nothing
    SHOW_MAP,     // `show`: the trace wants the memory drawn
    SHOW_SILENT,  // nothing that could be seen: a thread begins or ends
    SHOW_OUTCOMES,
};

struct show_move {
    uint32_t block, process;
    uint64_t from, to;
};

// The hole or the partition that was taken, as it was before; of an access, where it led.
struct show_choice {
    bool made;
    uint64_t at, size;
};

// What one operation came to.
struct show_step {
    size_t number; // from 1
    const struct trace_op *op;
    enum show_outcome outcome;
    char operation[160]; // "alloc P1 200"
    char text[240];      // "at 0"
    char reason[1000];   // why; "": not told
    struct show_choice choice;
    const struct show_move *moves; // by `compact`, in the order of where to
    size_t move_count;
};

// What all of them came to. The shares and holes are those when most was live (the last time it
// was).
struct show_summary {
    uint64_t served, refused; // allocations and resizes
    uint64_t refused_enough;  // though enough was free in all
    uint64_t moved_bytes, faults;
    double internal, external; // shares of 1; negative: unknown
    uint64_t holes, largest_hole, free_bytes;
};

struct show;

// Opens an engine of the target for the trace; both live as long as the show. `detailed`: each step
// says where things are (which takes time proportional to what there is). 0, or EINVAL or ENOMEM
// with a complaint.
int show_open(const struct trace *trace, const struct target_spec *spec,
              const struct show_settings *settings, bool detailed, struct show **show,
              struct complaint *complaint);
void show_close(struct show *show);

// Does the next operation. 0 with what came of it, which is good until the next call; ENOENT at the
// end; another errno value where the engine fails, with a complaint.
int show_next(struct show *show, struct show_step *step, struct complaint *complaint);
// The memory now; good until the next call.
const struct show_map *show_look(struct show *show);
void show_sum_up(struct show *show, struct show_summary *summary);

const struct trace *show_trace(const struct show *show);
struct mems_engine *show_engine(const struct show *show);
uint64_t show_unit(const struct show *show);
// The options that the engine was opened with.
const char *show_options(const struct show *show);

#endif
