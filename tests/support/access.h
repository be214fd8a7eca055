// SPDX-License-Identifier: MIT
//
// access.h - stamps in blocks that may lie in several spans and need not be resident.

#ifndef SUPPORT_ACCESS_H
#define SUPPORT_ACCESS_H

#include "support/engine.h"

enum { ACCESS_LARGEST = 1 << 17 }; // of a stamped block

// Begins a section and finds the bytes at an address that is right; brings them in if need be.
static inline void *access_begin(struct mems_space *space, mems_addr addr, enum mems_access mode,
                                 size_t *span)
{
    void *host = NULL;
    mems_access_begin();
    int error = mems_translate(space, addr, mode, &host, span);
    while (error == EAGAIN) {
        mems_access_end();
        error = mems_fault(space, addr, mode); // begins a section
        test_require(error == 0, "fault of %#" PRIx64 ": %s", addr, strerror(error));
        error = mems_translate(space, addr, mode, &host, span);
    }
    test_require(error == 0, "translate of %#" PRIx64 ": %s", addr, strerror(error));
    return host;
}

// What translate says, once the bytes have been brought in; no section is left open.
static inline int access_error(struct mems_space *space, mems_addr addr, enum mems_access mode)
{
    void *host = NULL;
    size_t span = 0;
    mems_access_begin();
    int error = mems_translate(space, addr, mode, &host, &span);
    mems_access_end();
    if (error == EAGAIN) {
        error = mems_fault(space, addr, mode);
        if (error == 0) {
            error = mems_translate(space, addr, mode, &host, &span);
            mems_access_end();
        }
    }
    return error;
}

// Where a block's first byte is at this moment, as a number to compare.
static inline uintptr_t access_host(struct mems_space *space, mems_addr addr)
{
    void *host = access_begin(space, addr, MEMS_READ, NULL);
    mems_access_end();
    return (uintptr_t)host;
}

// Span by span. A span never runs past the end of what was asked for.
static inline void access_stamp_spans(struct mems_space *space, mems_addr addr, size_t size,
                                      uint64_t seed)
{
    for (size_t at = 0, span = 0; at < size; at += span) {
        unsigned char *host = access_begin(space, addr + at, MEMS_WRITE, &span);
        test_require(span >= 1 && span <= size - at, "span %zu at %zu of %zu", span, at, size);
        for (size_t i = 0; i < span; i++) {
            host[i] = test_stamp_byte(seed, at + i);
        }
        mems_access_end();
    }
}

static inline void access_stamped_spans(struct mems_space *space, mems_addr addr, size_t size,
                                        uint64_t seed)
{
    for (size_t at = 0, span = 0; at < size; at += span) {
        const unsigned char *host = access_begin(space, addr + at, MEMS_READ, &span);
        test_require(span >= 1, "span 0 at %zu of %zu", at, size);
        span = span < size - at ? span : size - at; // the block may be larger
        for (size_t i = 0; i < span; i++) {
            test_require(host[i] == test_stamp_byte(seed, at + i),
                         "block %#" PRIx64 ", %zu bytes: byte %zu is %#x, written was %#x", addr,
                         size, at + i, host[i], test_stamp_byte(seed, at + i));
        }
        mems_access_end();
    }
}

static inline void access_stamp(struct mems_space *space, mems_addr addr, size_t size,
                                uint64_t seed)
{
    static _Thread_local unsigned char bytes[ACCESS_LARGEST];
    test_require(size <= sizeof bytes, "a stamp of %zu", size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = test_stamp_byte(seed, i);
    }
    int error = mems_write(space, addr, bytes, size);
    test_require(error == 0, "write of %zu to %#" PRIx64 ": %s", size, addr, strerror(error));
}

// Bytes [from, to) of a stamp.
static inline void access_stamped_part(struct mems_space *space, mems_addr addr, size_t from,
                                       size_t to, uint64_t seed)
{
    static _Thread_local unsigned char bytes[ACCESS_LARGEST];
    test_require(to - from <= sizeof bytes, "a stamp of %zu", to - from);
    int error = mems_read(space, addr + from, bytes, to - from);
    test_require(error == 0, "read of %zu at %#" PRIx64 ": %s", to - from, addr, strerror(error));
    for (size_t i = from; i < to; i++) {
        test_require(bytes[i - from] == test_stamp_byte(seed, i),
                     "block %#" PRIx64 ": byte %zu is %#x, written was %#x", addr, i,
                     bytes[i - from], test_stamp_byte(seed, i));
    }
}

static inline void access_stamped(struct mems_space *space, mems_addr addr, size_t size,
                                  uint64_t seed)
{
    access_stamped_part(space, addr, 0, size, seed);
}

// Whether an address can say this offset in its block: else it would name another one.
static inline bool access_can_say(mems_addr addr, size_t offset)
{
    return offset < (uint64_t)1 << (12 + 4 * (addr >> 61));
}

#endif
