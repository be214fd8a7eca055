// SPDX-License-Identifier: MIT
//
// sin.c - the last line of a program that has misused its heap.

#include "heap/sin.h"

#include "base/print.h"
#include "heap/granule.h"
#include "heap/ledger.h"
#include "memory/extent.h"
#include "os/os.h"

static _Noreturn void say(struct printer *line)
{
    print_format(line, " (thread %u)\n", os_thread_id());
    os_die(line->text, line->length);
}

// The large block that the address lies in, or NULL.
static const struct granule *large_around(const void *address)
{
    uint64_t at = (uintptr_t)address & ~(GRANULE_BYTES - 1);
    for (; at >> ADDRESS_BITS == 0 && at >= GRANULE_BYTES; at -= GRANULE_BYTES) {
        const struct granule *record = granule_at((const void *)(uintptr_t)at);
        if (record->kind == GRANULE_LARGE) {
            return (uintptr_t)address - at < record->usable ? record : NULL;
        }
        if (record->kind == GRANULE_SLAB ||
            (record >= granule_map.nobody && record < granule_map.nobody + WINDOW_GRANULES)) {
            return NULL;
        }
    }
    return NULL;
}

_Noreturn void sin_twice(const char *call, const void *address, size_t size)
{
    char text[200];
    struct printer line;
    print_init(&line, text, sizeof text);
    print_format(&line, "mems-malloc: double %s of 0x%llx, a block of %zu bytes", call,
                 (unsigned long long)(uintptr_t)address, size);
    say(&line);
}

_Noreturn void sin_twice_at(const struct granule *slab, uint32_t slot)
{
    sin_twice("free", extent_host(slab->extent) + (uint64_t)slot * slab->size, slab->size);
}

static _Noreturn void sin_inside(const char *call, const void *address, size_t size,
                                 const void *start)
{
    char text[200];
    struct printer line;
    print_init(&line, text, sizeof text);
    print_format(&line, "mems-malloc: %s of 0x%llx, inside a block of %zu bytes at 0x%llx", call,
                 (unsigned long long)(uintptr_t)address, size,
                 (unsigned long long)(uintptr_t)start);
    say(&line);
}

_Noreturn void sin_size(const char *call, const void *address, size_t said, size_t size)
{
    char text[200];
    struct printer line;
    print_init(&line, text, sizeof text);
    print_format(&line, "mems-malloc: %s of 0x%llx with %zu bytes, a block of %zu bytes", call,
                 (unsigned long long)(uintptr_t)address, said, size);
    say(&line);
}

static _Noreturn void sin_strange(const char *call, const void *address)
{
    char text[200];
    struct printer line;
    print_init(&line, text, sizeof text);
    print_format(&line, "mems-malloc: %s of 0x%llx, which is not a block of this heap", call,
                 (unsigned long long)(uintptr_t)address);
    say(&line);
}

_Noreturn void sin_judge(const char *call, const void *address)
{
    const struct granule *record = granule_at(address);
    const char *granule = (const char *)((uintptr_t)address & ~(uintptr_t)(GRANULE_BYTES - 1));
    const struct granule *large = large_around(address);
    if (large != NULL) {
        sin_inside(call, address, large->usable, extent_host(large->extent));
    }
    if (record->kind == GRANULE_PAST_LARGE && address == granule) {
        sin_twice(call, address, record->usable);
    }
    if (record->kind == GRANULE_SLAB || record->kind == GRANULE_PAST_SLAB) {
        uint32_t around = granule_slot_around(record, address);
        if (around >= record->count) {
            sin_strange(call, address);
        }
        const char *start = granule + (uint64_t)around * record->size;
        if (start != address) {
            sin_inside(call, address, record->size, start);
        }
        sin_twice(call, address, record->size);
    }
    sin_strange(call, address);
}
