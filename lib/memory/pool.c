// SPDX-License-Identifier: MIT
//
// pool.c - records of one size (see pool.h).

#include "memory/pool.h"

#include <stdbool.h>

#include "base/bits.h"
#include "os/os.h"

// A record whose size is a multiple of a line of cache begins with one.
struct pool_chunk {
    struct pool_chunk *next;
    size_t bytes;
} __attribute__((aligned(64)));

// A large pool grows by huge pages: its records outgrow what a TLB reaches with small ones.
#define POOL_LARGE (32 * POOL_CHUNK)

// A chunk has room for some records at least, however large they are.
#define POOL_RECORDS 4

static size_t chunk_bytes(const struct pool *pool)
{
    uint64_t least = 0;
    bits_round_up(sizeof(struct pool_chunk) + POOL_RECORDS * pool->record, os_page_size(), &least);
    return least > POOL_CHUNK ? least : POOL_CHUNK;
}

void pool_init(struct pool *pool, size_t record)
{
    *pool = (struct pool){.record = (record + 7) & ~(size_t)7};
}

void pool_fini(struct pool *pool)
{
    for (struct pool_chunk *chunk = pool->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        os_unmap(chunk, chunk->bytes);
    }
    *pool = (struct pool){.record = pool->record};
}

static void *pool_take_slow(struct pool *pool)
{
    if ((size_t)(pool->fresh_end - pool->fresh) < pool->record) {
        size_t small = chunk_bytes(pool);
        bool large = POOL_LARGE >= OS_HUGE && pool->bytes >= POOL_LARGE && small <= OS_HUGE;
        size_t bytes = large ? OS_HUGE : small;
        struct pool_chunk *chunk = large ? os_map_huge() : os_map(bytes, 0);
        if (chunk == NULL && large) { // little is left: a small chunk may still be had
            bytes = small;
            chunk = os_map(bytes, 0);
        }
        if (chunk == NULL) {
            return NULL;
        }
        chunk->bytes = bytes;
        chunk->next = pool->chunks;
        pool->chunks = chunk;
        pool->bytes += bytes;
        pool->fresh = (char *)(chunk + 1);
        pool->fresh_end = (char *)chunk + bytes;
    }
    void *record = pool->fresh;
    pool->fresh += pool->record;
    return record;
}

void *pool_take(struct pool *pool)
{
    void *record = pool->free;
    if (record == NULL) {
        return pool_take_slow(pool);
    }
    pool->free = *(void **)record;
    return record;
}

void pool_give(struct pool *pool, void *record)
{
    *(void **)record = pool->free;
    pool->free = record;
}

void *pool_walk(const struct pool *pool, struct pool_place *place)
{
    struct pool_chunk *chunk = place->chunk != NULL ? place->chunk : pool->chunks;
    char *record = place->chunk != NULL ? place->record + pool->record : NULL;
    for (; chunk != NULL; chunk = chunk->next, record = NULL) {
        record = record != NULL ? record : (char *)(chunk + 1);
        const char *end = chunk == pool->chunks ? pool->fresh : (char *)chunk + chunk->bytes;
        if (end - record >= (ptrdiff_t)pool->record) {
            *place = (struct pool_place){.chunk = chunk, .record = record};
            return record;
        }
    }
    *place = (struct pool_place){.chunk = NULL};
    return NULL;
}
