// SPDX-License-Identifier: MIT
//
// binary.h - the binary form, inside: layout, block numbering, columns. FORMAT.md is its page.

#ifndef TRACE_BINARY_H
#define TRACE_BINARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/trace.h"

#define TRACE_MAGIC     "\x89MTRACE\n"
#define TRACE_VERSION   1
#define TRACE_FRAME_OPS (1u << 17)
#define TRACE_FRAME_MAX (1u << 27) // bytes of a frame, unpacked: what a reader agrees to map

enum trace_file_flag {
    TRACE_FILE_IMPLIED = 1, // block numbers follow from the frees: see struct trace_numbers
    TRACE_FILE_NAMED = 2,   // blocks have names
};

// All integers little-endian.
struct trace_file_header {
    char magic[8];
    uint32_t version;
    uint32_t flags;
    uint64_t ops;
    uint32_t frames;
    uint32_t threads;
    uint32_t blocks;
    uint32_t processes;
    uint8_t unused[16];
    uint64_t check; // trace_hash of the 56 bytes before
};

struct trace_frame_header {
    uint32_t packed;   // bytes that follow; 0: the end mark
    uint32_t unpacked; // bytes after unpacking
    uint32_t ops;      // operations in it; 0 for the frame of names
    uint32_t unused;
    uint64_t check; // trace_hash of the 16 bytes before and the packed bytes
};

_Static_assert(sizeof(struct trace_file_header) == 64, "written as it is");
_Static_assert(sizeof(struct trace_frame_header) == 24, "written as it is");

// FNV-1a, 64 bits; start with TRACE_HASH_START, go on with what it gave.
#define TRACE_HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t trace_hash(uint64_t hash, const void *bytes, size_t length);

// The columns of a frame, each a run of bytes and varints.
enum trace_column {
    TRACE_COLUMN_VERBS,   // a byte an operation: kind, and which of the bits below
    TRACE_COLUMN_SIZES,   // sizes, offsets
    TRACE_COLUMN_BLOCKS,  // ages (see FORMAT.md), or numbers of new blocks
    TRACE_COLUMN_THREADS, // where it changes
    TRACE_COLUMN_DETAILS, // what is not the usual
    TRACE_COLUMNS
};

#define TRACE_VERB_KIND    0x0f
#define TRACE_VERB_THREAD  0x10 // another thread than the operation before
#define TRACE_VERB_DETAILS 0x20

enum trace_detail { // a byte of these bits, then a varint for each bit set
    TRACE_DETAIL_CALL = 1,
    TRACE_DETAIL_ALIGN = 2,
    TRACE_DETAIL_FLAG = 4,
    TRACE_DETAIL_PROCESS = 8, // another than the operation before
};

// Which number a new block gets, and what a block is called when it is used again. Writer and
// reader keep the same one.
struct trace_numbers {
    uint64_t births;    // blocks allocated so far
    uint32_t *birth_of; // by number: the birth of the block that has it, + 1 (writer)
    size_t birth_room;
    uint32_t *number_of; // by birth (reader)
    size_t number_room;
    uint32_t *free_stack; // numbers freed, the last on top
    size_t free_room;
    size_t free_count;
    uint32_t next; // numbers never used start here
};

void trace_numbers_fini(struct trace_numbers *numbers);
// The number a new block gets when numbers are implied.
uint32_t trace_numbers_predict(const struct trace_numbers *numbers);
int trace_numbers_alloc(struct trace_numbers *numbers, uint32_t number);
int trace_numbers_free(struct trace_numbers *numbers, uint32_t number);

// ---- writing operation by operation -------------------------------------------------------------

struct trace_writer;

// What stands in front of the operations; nothing is kept of it.
struct trace_front {
    const char *program;
    const char *host;
    char **processes;
    size_t process_count;
    char **block_names; // NULL, or block_count of them
    uint32_t block_count;
    bool implied;
};

int trace_writer_open(const char *path, const struct trace_front *front,
                      struct trace_writer **writer, struct complaint *complaint);
// Legal operations only. After a failure only trace_writer_abandon is allowed.
int trace_writer_add(struct trace_writer *writer, const struct trace_op *op,
                     struct complaint *complaint);
// Completes the file under its name; the writer is gone, also on failure.
int trace_writer_close(struct trace_writer *writer, struct complaint *complaint);
void trace_writer_abandon(struct trace_writer *writer);

// ---- reading ------------------------------------------------------------------------------------

int trace_binary_parse(const void *bytes, size_t length, const char *name, struct trace **trace,
                       struct trace **part, struct complaint *complaint);
bool trace_is_binary(const void *bytes, size_t length);

#endif
