// SPDX-License-Identifier: MIT
//
// shadow.h - the map of live blocks: which bytes of the address space belong to a block, exactly.
//
// 1. Theory. The map has one bit for each multiple of 8 in the address space; a block marks those
//    that lie in it. Disjoint blocks mark disjoint bits, whatever their alignment, so that a mark
//    already there is always an overlap; and since allocators align to 8 (16 but for the smallest),
//    two blocks that overlap always contest a mark. Blocks aligned to less can overlap by up to
//    seven bytes unseen.
// 2. States. Marking is an atomic OR a word, unmarking an atomic AND, and the value each returns is
//    the check: a bit that was set (overlap, or one block handed out twice), a bit that was clear
//    (the place was unmarked by another's free).
// 3. Ordering. Relaxed. A free unmarks before it releases and an allocation marks after it got the
//    block: the allocator itself orders the two, for if it does not, its users' bytes race as well.
// 4. Space. 47 bits of address: a directory of 2^23 leaves of 16 MiB, mapped when first used. Next
//    to the bits each leaf has an owner word for every mark, written at a block's first mark and
//    at the first mark of each page, so that the owner is found within 512 words: for the report.
//    All of it is NORESERVE and sparse: about 1/64 of what is marked, and a page here and there.
// 5. Failure. Where no leaf can be mapped: ENOMEM, nothing marked.

#ifndef CHECK_SHADOW_H
#define CHECK_SHADOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shadow_leaf;

// A zeroed one is ready; the directory is mapped at the first insertion.
struct shadow {
    struct shadow_leaf **directory; // [atomic]
    struct shadow_leaf *leaves;     // [atomic] all of them, for shadow_fini
};

struct shadow_conflict {
    uint64_t address; // of the contested mark
    uint32_t owner;   // who holds it, as far as it can be told (another thread may be freeing it)
    uint32_t known;   // 0: it cannot
    bool begins;      // at that address a block of its begins, for all that is known
};

// Any number of threads at once. EEXIST: an overlap, `conflict` says with what; the marks are then
// set all the same (the cell is about to end). EFAULT: no address of a user's.
int shadow_insert(struct shadow *shadow, uint64_t address, size_t size, uint32_t owner,
                  struct shadow_conflict *conflict);
// ENOENT: a mark of the block was gone.
int shadow_remove(struct shadow *shadow, uint64_t address, size_t size,
                  struct shadow_conflict *conflict);
// What of its leaves is in memory, in bytes: it grows with the addresses that were ever marked, and
// is the harness's. Beside marking.
uint64_t shadow_resident(struct shadow *shadow);
// Unmaps everything. No other call runs.
void shadow_fini(struct shadow *shadow);

#endif
