// SPDX-License-Identifier: MIT
//
// pool.h - records of one size for the engine's own use, out of reach of the blocks.
//
// Records come from the OS a chunk at a time and go back to it only all together: a record that is
// taken is never unmapped under its user, and giving one never fails. The owner's lock guards the
// pool.

#ifndef MEMORY_POOL_H
#define MEMORY_POOL_H

#include <stddef.h>
#include <stdint.h>

#ifdef MEMS_HOSTILE
#define POOL_CHUNK 4096u
#else
#define POOL_CHUNK 65536u
#endif

// records taken + records free + records never handed out == chunks * records a chunk          (P1)
struct pool {
    size_t record; // [ro] bytes, a multiple of 8
    void *free;    // first free record; each begins with a pointer to the next
    struct pool_chunk *chunks;
    char *fresh, *fresh_end; // never handed out yet, in the newest chunk
    size_t bytes;            // mapped
};

void pool_init(struct pool *pool, size_t record);
void pool_fini(struct pool *pool); // every record is gone
// All zero, or but for its first word as it was given back. NULL: the OS refused.
void *pool_take(struct pool *pool);
void pool_give(struct pool *pool, void *record);

// A place in the row of all records that were ever handed out; all 0: before the first.
struct pool_place {
    struct pool_chunk *chunk;
    char *record;
};

// The next record, whether it is taken or free by now; NULL: there are no more, and the place is
// before the first again.
void *pool_walk(const struct pool *pool, struct pool_place *place);

#endif
