// SPDX-License-Identifier: MIT
//
// pool.c - records of one size (see pool.h).

#include "memory/pool.h"

#include "os/os.h"

struct pool_chunk {
    struct pool_chunk *next;
    uint64_t pad;
};

void pool_init(struct pool *pool, size_t record)
{
    *pool = (struct pool){.record = (record + 7) & ~(size_t)7};
}

void pool_fini(struct pool *pool)
{
    for (struct pool_chunk *chunk = pool->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        os_unmap(chunk, POOL_CHUNK);
    }
    *pool = (struct pool){.record = pool->record};
}

static void *pool_take_slow(struct pool *pool)
{
    if ((size_t)(pool->fresh_end - pool->fresh) < pool->record) {
        struct pool_chunk *chunk = os_map(POOL_CHUNK, 0);
        if (chunk == NULL) {
            return NULL;
        }
        chunk->next = pool->chunks;
        pool->chunks = chunk;
        pool->bytes += POOL_CHUNK;
        pool->fresh = (char *)(chunk + 1);
        pool->fresh_end = (char *)chunk + POOL_CHUNK;
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
