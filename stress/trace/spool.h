// SPDX-License-Identifier: MIT
//
// spool.h - the file a recorded process writes while it runs: the recorder writes, record reads.
//
// A header page, then chunks, in two ways of use that look alike: a thread's own chunk is mapped
// and filled in place; when it is full, a copy is written behind all others and it is filled
// again. A process killed in between leaves records twice, which the sequence numbers tell. A
// thread that ends leaves its chunk to the next one, which goes on behind it. Within a chunk the
// numbers rise, and what stands below chunk->count is complete, whatever became of the process.
//
// The sequence is one counter of the process. A free takes its number before the block is really
// freed, an allocation after it really has the block, a resize one before and one after. So for
// every address "taken" and "given back" alternate in the order of the numbers, and sorting by
// them gives an order that replays legally.

#ifndef TRACE_SPOOL_H
#define TRACE_SPOOL_H

#include <stdint.h>

#define SPOOL_MAGIC   UINT64_C(0x4c4f4f50534d454d) // "MEMSPOOL"
#define SPOOL_VERSION 1
#define SPOOL_HEADER  4096
#define SPOOL_CHUNK   (64 * 1024)
#define SPOOL_COMMAND 3072

// What `mems-stress record` tells the recorder by the environment.
#define SPOOL_ENV_FOLDER "MEMS_RECORD_SPOOL" // where spools go; absent: nothing is recorded
#define SPOOL_ENV_PID    "MEMS_RECORD_PID"   // record only this process; absent: each one

enum spool_kind {
    SPOOL_NOTHING, // where a killed process left a hole in its file
    SPOOL_MARK, // of the records that follow: thread in size, the sequence's high half in address
    SPOOL_ALLOC,
    SPOOL_FREE,
    SPOOL_RESIZE_BEGIN, // address: the old block
    SPOOL_RESIZE_END,   // address: the new one, 0 when there is none
    SPOOL_THREAD_START,
    SPOOL_THREAD_END
};

// Two words, since the price of recording is mostly the bytes written.
//   when:  sequence (low half) 32 | size (low half) 32
//   what:  kind 3 | call 4 | high 10 | address 47
// `high` is the size's bits from 32 on; for a call with an alignment its lowest 6 bits are the
// alignment's exponent, and only 4 are left for the size.
struct spool_record {
    uint64_t when;
    uint64_t what;
};

#define SPOOL_ADDRESS_BITS 47
#define SPOOL_HIGH_BITS    10
#define SPOOL_ALIGN_BITS   6

#define SPOOL_CHUNK_RECORDS ((SPOOL_CHUNK - 64) / sizeof(struct spool_record))

struct spool_chunk {
    uint32_t count; // stored with release after the record; only its thread writes it
    uint32_t unused[15];
    struct spool_record records[SPOOL_CHUNK_RECORDS];
};

_Static_assert(sizeof(struct spool_chunk) == SPOOL_CHUNK, "a chunk is whole pages");

struct spool_header {
    uint64_t magic;
    uint32_t version;
    uint32_t pid;
    uint64_t used;    // [atomic] bytes of the file handed out, this page included
    uint64_t lost;    // [atomic] calls not recorded: see lane.c, 2
    uint32_t threads; // [atomic] ever seen
    int32_t stopped;  // [atomic] errno of what ended the recording early, 0
    uint64_t born_ns; // CLOCK_MONOTONIC: which spool of a process that exec'd is the last
    uint32_t command_length;
    char command[SPOOL_COMMAND]; // /proc/self/cmdline: each argument ends in a 0 byte
};

_Static_assert(sizeof(struct spool_header) <= SPOOL_HEADER, "the header is one page");

#endif
