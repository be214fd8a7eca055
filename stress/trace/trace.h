// SPDX-License-Identifier: MIT
//
// trace.h - a recorded program in memory: operations in one legal order.
//
// Blocks and processes are small numbers; a block number may be used again after its free, and a
// thread number after its end. The operations stand in an order in which replaying them one by one
// is legal. The binary form and the text form (both in trace/FORMAT.md) carry the same: either to
// the other and back loses nothing.

#ifndef TRACE_TRACE_H
#define TRACE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "job/complaint.h"

enum trace_kind {
    TRACE_ALLOC,        // size; align (0: the usual); flag: no size was given (then size is 1)
    TRACE_ALLOC_ZEROED, // calloc
    TRACE_FREE,
    TRACE_RESIZE,   // size: the new one
    TRACE_TOUCH,    // offset in size; flag: write
    TRACE_FREE_ALL, // everything the process holds; nothing is fine
    TRACE_THREAD_START,
    TRACE_THREAD_END,
    TRACE_SHOW,    // the classroom's "draw the memory here"
    TRACE_COMPACT, // and its "move everything together", where a target can
    TRACE_KINDS
};

// The member of the malloc family that was called.
enum trace_call {
    TRACE_CALL_NONE, // kinds that are no call
    TRACE_CALL_MALLOC,
    TRACE_CALL_CALLOC,
    TRACE_CALL_REALLOC,
    TRACE_CALL_REALLOCARRAY,
    TRACE_CALL_POSIX_MEMALIGN,
    TRACE_CALL_ALIGNED_ALLOC,
    TRACE_CALL_MEMALIGN,
    TRACE_CALL_VALLOC,
    TRACE_CALL_PVALLOC,
    TRACE_CALL_FREE,
    TRACE_CALL_FREE_SIZED,
    TRACE_CALL_FREE_ALIGNED_SIZED,
    TRACE_CALLS
};

struct trace_op {
    uint8_t kind;
    uint8_t align_log2; // 0: the usual
    uint8_t flag;
    uint8_t call;     // enum trace_call
    uint16_t thread;  // who did it
    uint16_t process; // index into processes
    uint32_t block;   // number within the whole trace; 0 where the kind has no block
    uint64_t size;
};

struct trace {
    struct trace_op
        *ops; // mapped, not from malloc: a trace is read in the process that measures one
    size_t op_count;
    size_t op_room;
    uint32_t thread_count; // numbers are 0 .. thread_count - 1
    uint32_t block_count;
    char **processes; // names: "P1"; a recorded program is one process
    size_t process_count;
    char **block_names; // text traces: what the user called it, NULL for a block without a name;
                        // the array is NULL when blocks are called by number
    char *program;      // recorded: command line; else NULL
    char *host;         // recorded: machine, kernel; else NULL
};

// Reads either form (told apart by its first bytes). Complaints: unreadable, not a trace, a newer
// version, truncated (how much is readable), corrupted (checksum), and for text line and column.
int trace_read(const char *path, struct trace **trace, struct complaint *complaint);
// Whether the first word of `text` is one that a line of the text form begins with.
bool trace_begins(const char *text);
// The same, and `part` gets what stands before the damage of a binary trace when the result is
// EBADMSG (else NULL).
int trace_read_part(const char *path, struct trace **trace, struct trace **part,
                    struct complaint *complaint);
// The same from memory; `name` stands for the file in complaints. `part` may be NULL.
int trace_parse(const void *bytes, size_t length, const char *name, struct trace **trace,
                struct trace **part, struct complaint *complaint);
// Written beside `path` and renamed: whole or not at all. Text: path NULL is standard output.
int trace_write_binary(const struct trace *trace, const char *path, struct complaint *complaint);
int trace_write_text(const struct trace *trace, const char *path, struct complaint *complaint);
void trace_free(struct trace *trace);

// Making one by hand. ENOMEM on failure.
struct trace *trace_new(void);
int trace_append(struct trace *trace, const struct trace_op *op); // keeps thread and block counts
int trace_add_process(struct trace *trace, const char *name, size_t length);

// Legal: no free or resize of what is not live, no alloc of what is, threads in range.
int trace_check(const struct trace *trace, struct complaint *complaint);

// Does the kind allocate; does it name a block.
bool trace_kind_allocates(unsigned kind);
bool trace_kind_has_block(unsigned kind);
const char *trace_kind_name(unsigned kind);
const char *trace_call_name(unsigned call);
// What a kind is called by when nothing is said.
enum trace_call trace_call_usual(unsigned kind);

#endif
