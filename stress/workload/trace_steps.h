// SPDX-License-Identifier: MIT
//
// trace_steps.h - a trace made ready to be replayed: an array of steps for each thread.
//
// 1. Order. A thread's steps keep the trace's order. Between threads only what a block forces is
//    kept: before a thread uses a slot that another one used last, it waits until that one has come
//    past that use. So a thread that started late in the recorded program starts at once here, and
//    goes on until it needs a block that is not there yet.
// 2. Slots. A slot belongs to a thread after it has freed what was in it, and that thread's next
//    allocation takes it: reusing slots makes nobody wait. Where blocks always go one way this
//    takes a new slot for each; past TRACE_SPARE times what lives at once, a thread takes over
//    a slot that another one freed long ago, and waits for that free.
// 3. Progress. A thread publishes a count, which goes up only at uses that somebody waits for.
// 4. The end. What lives at the end of the trace is freed by the thread that used it last, so that
//    a pass leaves every slot empty and can be followed by another.

#ifndef WORKLOAD_TRACE_STEPS_H
#define WORKLOAD_TRACE_STEPS_H

#include <stddef.h>
#include <stdint.h>

#include "trace/trace.h"

#define TRACE_SPARE 4 // slots: at most so many times the peak of live blocks, and 64 Ki more

enum trace_step_kind {
    STEP_ALLOC,
    STEP_ALLOC_ZEROED,
    STEP_FREE,
    STEP_RESIZE,
    STEP_READ,    // size: the offset
    STEP_WRITE,   // size: the offset
    STEP_WAIT,    // until `thread` has published `size` in this pass
    STEP_PUBLISH, // one more
    STEP_SPACE,   // what follows is in the space of process `slot`
    STEP_END,
};

struct trace_step {
    uint64_t size; // at least 1 where it is a size
    uint32_t slot;
    uint16_t thread;
    uint8_t kind;
    uint8_t align_log2;
};

_Static_assert(sizeof(struct trace_step) == 16, "four to a cache line");

struct trace_steps {
    struct trace_step **threads; // by thread; each ends in STEP_END
    uint64_t *published;         // by thread: in a pass
    uint32_t thread_count;
    uint32_t slot_count;
    uint32_t process_count;
};

// Of a legal trace. 0 or ENOMEM. What it gives lies in mapped memory that is never given back.
int trace_steps_make(const struct trace *trace, struct trace_steps *steps);

#endif
