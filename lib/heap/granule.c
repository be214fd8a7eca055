// SPDX-License-Identifier: MIT
//
// granule.c - the map from addresses to records.
//
// 1. Theory. A release gets a pointer and must find out whose it is; and it must be right about any
//    pointer, also one that was never handed out. So the map covers all 2^47 addresses: a root of
//    2^19 words (4 MiB of zeroed memory, of which a process touches a page or two), and for each
//    window of 256 MiB in which the heap has memory an array of 4,096 records. No address space
//    is reserved: where a limit is set on it (RLIMIT_AS) the heap costs what it holds.
// 2. No branch for absence. A word of the root is the distance from `nobody`, an array whose
//    records never say anything, to the window's own array: zero leads to nobody.
// 3. Ages follow the records: a byte a granule, so that what is known of a run of them is set by
//    one memset.
// 4. Concurrency. Windows are added with a compare-and-swap, and are for ever: any thread reads
//    the map without a lock. [R:window] [A:window]: a record is zero before its window is seen.

#include "heap/granule.h"

#include "os/os.h"

#define RECORD_BYTES (WINDOW_GRANULES * sizeof(struct granule))
#define ARRAY_BYTES  (RECORD_BYTES + WINDOW_GRANULES)

struct granule_map granule_map;

static uint64_t windows; // [atomic] that have records

uint8_t *granule_age(const void *address)
{
    uint64_t at = (uintptr_t)address;
    char *records = (char *)granule_map.nobody + load_relaxed(&granule_map.root[at >> WINDOW_BITS]);
    return (uint8_t *)records + RECORD_BYTES + (at >> GRANULE_BITS & (WINDOW_GRANULES - 1));
}

uint64_t granule_bytes(void)
{
    return load_relaxed(&windows) * ARRAY_BYTES;
}

static bool window_add(uint64_t window)
{
    uint64_t *root = &granule_map.root[window], none = 0;
    if (load_relaxed(root) != 0) {
        return true;
    }
    char *records = os_map(ARRAY_BYTES, 0);
    if (records == NULL) {
        return false;
    }
    if (!cas_release(root, &none, (uint64_t)(records - (char *)granule_map.nobody))) { // [R:window]
        (void)os_unmap(records, ARRAY_BYTES);
    } else {
        (void)add_relaxed(&windows, 1);
    }
    return true;
}

bool granule_cover(char *host, uint64_t bytes)
{
    uint64_t first = (uintptr_t)host >> WINDOW_BITS;
    uint64_t last = ((uintptr_t)host + bytes - 1) >> WINDOW_BITS;
    bool covered = last < WINDOW_COUNT;
    for (uint64_t window = first; covered && window <= last; window++) {
        covered = window_add(window);
    }
    return covered;
}
