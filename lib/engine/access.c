// SPDX-License-Identifier: MIT
//
// access.c - from a virtual address to its bytes.
//
// 1. mems_translate: one look-up (two loads of chunk and word, hot in cache), one compare for state
//    and generation, one for the owner, one for the limit. Nothing moves blocks yet: EAGAIN is
//    never seen, and mems_fault only checks and begins a section.
// 2. Ordering. Another thread may release the block at any step, and then its descriptor serves
//    another block. So the word is read again after owner and limit: these are stored with release
//    after the word has left the old generation [R:limit], and who reads a new one of them
//    [A:limit] reads a new word too. A generation never comes back to its address.

#include <errno.h>
#include <string.h>

#include "engine/engine.h"
#include "sync/section.h"

void mems_access_begin(void)
{
    section_begin();
}

void mems_access_end(void)
{
    section_end();
}

static __attribute__((noinline)) int translate_slow(struct mems_space *space, mems_addr addr,
                                                    void **host, size_t *span)
{
    struct descriptor *descriptor;
    int error = space->flat ? block_find_flat(space, addr, host, span)
                            : block_find(space, addr, &descriptor);
    if (error == 0 && !space->flat) {
        error = ERANGE; // live and ours: what is wrong is the offset
    }
    if (error != 0) {
        struct cache *here = cache_here(&space->cache);
        ENGINE_COUNT(space, here, misuses, 1);
    }
    return error;
}

// Blocks above 4 KiB: the same with shifts that depend on the address.
static int translate_large(struct mems_space *space, mems_addr addr, void **host, size_t *span)
{
    const struct descriptor *descriptor = descriptor_find(space->table, addr);
    if (descriptor == NULL) {
        return translate_slow(space, addr, host, span);
    }
    uint64_t word = load_acquire(&descriptor->word); // [A:begin]
    uint64_t offset = descriptor_offset(addr);
    uint64_t limit = load_acquire(&descriptor->limit); // [A:limit]
    if (!descriptor_is_live(word, addr) || offset >= limit ||
        load_acquire(&descriptor->space) != space->id || load_relaxed(&descriptor->word) != word) {
        return translate_slow(space, addr, host, span);
    }
    *host = descriptor_host(word) + offset;
    if (span != NULL) {
        *span = limit - offset;
    }
    return 0;
}

int mems_translate(struct mems_space *space, mems_addr addr, enum mems_access mode, void **host,
                   size_t *span)
{
    (void)mode; // rights and dirty bits come with the policies that have them
    const struct descriptor *descriptor;
    if (__builtin_expect(!descriptor_is_small(addr), 0) ||
        __builtin_expect((descriptor = descriptor_find_small(space->table, addr)) == NULL, 0)) {
        return translate_large(space, addr, host, span);
    }
    uint64_t word = load_acquire(&descriptor->word); // [A:begin]
    uint64_t offset = descriptor_offset_small(addr);
    uint64_t limit = load_acquire(&descriptor->limit); // [A:limit]
    if (__builtin_expect(!descriptor_is_live_small(word, addr) || offset >= limit ||
                             load_acquire(&descriptor->space) != space->id ||
                             load_relaxed(&descriptor->word) != word,
                         0)) {
        return translate_slow(space, addr, host, span);
    }
    *host = descriptor_host(word) + offset;
    if (span != NULL) {
        *span = limit - offset;
    }
    return 0;
}

int mems_fault(struct mems_space *space, mems_addr addr, enum mems_access mode)
{
    void *host;
    section_begin();
    int error = mems_translate(space, addr, mode, &host, NULL);
    if (error != 0) {
        section_end();
    }
    return error;
}

// Begins a section in which all `length` bytes from addr on can be reached. On failure there is
// none.
static int reach(struct mems_space *space, mems_addr addr, enum mems_access mode, size_t length,
                 void **host)
{
    size_t span;
    section_begin();
    int error = mems_translate(space, addr, mode, host, &span);
    if (error == 0 && length > span) {
        error = ERANGE;
        struct cache *here = cache_here(&space->cache);
        ENGINE_COUNT(space, here, misuses, 1);
    }
    if (error != 0) {
        section_end();
    }
    return error;
}

int mems_read(struct mems_space *space, mems_addr addr, void *buffer, size_t length)
{
    void *host;
    int error = reach(space, addr, MEMS_READ, length, &host);
    if (error == 0) {
        memcpy(buffer, host, length);
        section_end();
    }
    return error;
}

int mems_write(struct mems_space *space, mems_addr addr, const void *bytes, size_t length)
{
    void *host;
    int error = reach(space, addr, MEMS_WRITE, length, &host);
    if (error == 0) {
        memcpy(host, bytes, length);
        section_end();
    }
    return error;
}
