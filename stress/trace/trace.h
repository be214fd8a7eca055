// SPDX-License-Identifier: MIT
//
// trace.h - a recorded program in memory: operations in one legal order.
//
// Blocks and processes are small numbers; a block number may be used again after its free. The
// operations stand in an order in which replaying them one by one is legal. The binary form
// (trace/FORMAT.md) and the text form carry the same: either to the other and back loses nothing.

#ifndef TRACE_TRACE_H
#define TRACE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "job/complaint.h"

enum trace_kind {
    TRACE_ALLOC,        // size; align (0: the usual)
    TRACE_ALLOC_ZEROED, // calloc
    TRACE_FREE,
    TRACE_RESIZE, // size: the new one
    TRACE_TOUCH,  // offset in size; flag: write
    TRACE_THREAD_START,
    TRACE_THREAD_END,
    TRACE_SHOW, // the classroom's "draw the memory here"
    TRACE_KINDS
};

struct trace_op {
    uint8_t kind;
    uint8_t align_log2; // 0: the usual
    uint8_t flag;
    uint8_t call;     // which member of the malloc family it was (names in trace.c)
    uint16_t thread;  // who did it
    uint16_t process; // index into processes
    uint32_t block;   // number within the whole trace
    uint64_t size;
};

struct trace {
    struct trace_op *ops;
    size_t op_count;
    uint32_t thread_count;
    uint32_t block_count; // numbers are 0 .. block_count - 1
    char **processes;     // names: "P1"; a recorded program is one process
    size_t process_count;
    char **block_names; // text traces: what the user called it; NULL: by number
    char *program;      // recorded: command line; else NULL
    char *host;         // recorded: machine, kernel; else NULL
};

// Reads either form (told apart by its first bytes). Complaints: unreadable, not a trace, a newer
// version, truncated (how much is readable), corrupted (checksum), and for text line and column.
int trace_read(const char *path, struct trace **trace, struct complaint *complaint);
int trace_write_binary(const struct trace *trace, const char *path, struct complaint *complaint);
int trace_write_text(const struct trace *trace, const char *path, struct complaint *complaint);
void trace_free(struct trace *trace);

// Legal: no free or resize of what is not live, no alloc of what is, threads in range.
int trace_check(const struct trace *trace, struct complaint *complaint);

#endif
