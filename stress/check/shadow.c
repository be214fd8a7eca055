// SPDX-License-Identifier: MIT
//
// shadow.c - leaves on demand, marks by word.

#include "check/shadow.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "measure/own.h"

#define SHADOW_GRANULE    8u
#define SHADOW_LEAF_MARKS (UINT64_C(1) << 21) // 16 MiB of addresses
#define SHADOW_LEAVES     (UINT64_C(1) << 23) // 47 bits of addresses
#define SHADOW_PAGE_MARKS 512u                // 4 KiB of addresses
#define SHADOW_PAGE       4096u               // the map's own

struct shadow_leaf {
    uint64_t bits[SHADOW_LEAF_MARKS / 64]; // [atomic]
    uint32_t owner[SHADOW_LEAF_MARKS];     // [atomic] owner + 1 where a block or its page begins
    struct shadow_leaf *next;              // [ro] once it is in the list
};

static void *shadow_map(size_t bytes)
{
    own_memory(bytes);
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return NULL;
    }
    // Sparse is the point of it: a huge page for each stray mark would not be.
    madvise(memory, bytes, MADV_NOHUGEPAGE);
    return memory;
}

static struct shadow_leaf **shadow_directory(struct shadow *shadow)
{
    struct shadow_leaf **directory = __atomic_load_n(&shadow->directory, __ATOMIC_ACQUIRE);
    if (directory != NULL) {
        return directory;
    }
    struct shadow_leaf **fresh = shadow_map(SHADOW_LEAVES * sizeof(*fresh));
    if (fresh != NULL && !__atomic_compare_exchange_n(&shadow->directory, &directory, fresh, false,
                                                      __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        munmap(fresh, SHADOW_LEAVES * sizeof(*fresh));
        return directory;
    }
    return fresh;
}

static struct shadow_leaf *shadow_leaf(struct shadow *shadow, uint64_t mark)
{
    struct shadow_leaf **directory = shadow_directory(shadow);
    if (directory == NULL) {
        return NULL;
    }
    struct shadow_leaf **place = &directory[mark / SHADOW_LEAF_MARKS];
    struct shadow_leaf *leaf = __atomic_load_n(place, __ATOMIC_ACQUIRE);
    if (leaf != NULL) {
        return leaf;
    }
    struct shadow_leaf *fresh = shadow_map(sizeof(*fresh));
    if (fresh != NULL && !__atomic_compare_exchange_n(place, &leaf, fresh, false, __ATOMIC_ACQ_REL,
                                                      __ATOMIC_ACQUIRE)) {
        munmap(fresh, sizeof(*fresh));
        return leaf;
    }
    if (fresh != NULL) {
        fresh->next = __atomic_load_n(&shadow->leaves, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n(&shadow->leaves, &fresh->next, fresh, true,
                                            __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
        }
    }
    return fresh;
}

// Marks of a block: [*first, *last). False: it has none.
static bool shadow_marks(uint64_t address, size_t size, uint64_t *first, uint64_t *last)
{
    *first = (address + SHADOW_GRANULE - 1) / SHADOW_GRANULE;
    *last = (address + size + SHADOW_GRANULE - 1) / SHADOW_GRANULE;
    return *first < *last;
}

// The bits of [first, last) that lie in the word of `first`; *next is where the next word begins.
static uint64_t shadow_mask(uint64_t first, uint64_t last, uint64_t *next)
{
    uint64_t end = (first | 63) + 1;
    end = end < last ? end : last;
    *next = end;
    uint64_t count = end - first;
    uint64_t ones = count == 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;
    return ones << (first & 63);
}

static bool shadow_is_set(const struct shadow_leaf *leaf, uint64_t index)
{
    return (__atomic_load_n(&leaf->bits[index / 64], __ATOMIC_RELAXED) >> (index & 63) & 1) != 0;
}

// Where a page begins, a block that goes on is signed as well: there only a gap in front tells.
static bool shadow_begins(const struct shadow_leaf *leaf, uint64_t index)
{
    return index % SHADOW_PAGE_MARKS != 0 || (index > 0 && !shadow_is_set(leaf, index - 1));
}

static void shadow_blame(struct shadow *shadow, uint64_t mark, struct shadow_conflict *conflict)
{
    conflict->address = mark * SHADOW_GRANULE;
    conflict->known = 0;
    conflict->begins = false;
    struct shadow_leaf *leaf = shadow_leaf(shadow, mark);
    uint64_t index = mark % SHADOW_LEAF_MARKS;
    for (uint64_t i = index; leaf != NULL; i--) {
        uint32_t owner = __atomic_load_n(&leaf->owner[i], __ATOMIC_RELAXED);
        if (owner != 0) {
            conflict->owner = owner - 1;
            conflict->known = 1;
            conflict->begins = i == index && shadow_begins(leaf, index);
            return;
        }
        if (i % SHADOW_PAGE_MARKS == 0) {
            return;
        }
    }
}

// Writes `owner` at the first mark and at the first of each page. The leaves are there.
static void shadow_sign(struct shadow *shadow, uint64_t first, uint64_t last, uint32_t owner)
{
    for (uint64_t mark = first; mark < last; mark = (mark | (SHADOW_PAGE_MARKS - 1)) + 1) {
        struct shadow_leaf *leaf = shadow_leaf(shadow, mark);
        __atomic_store_n(&leaf->owner[mark % SHADOW_LEAF_MARKS], owner, __ATOMIC_RELAXED);
    }
}

// Sees to it that every leaf of the block is there.
static int shadow_prepare(struct shadow *shadow, uint64_t first, uint64_t last)
{
    if (last < first || last > SHADOW_LEAVES * SHADOW_LEAF_MARKS) {
        return EFAULT;
    }
    for (uint64_t mark = first; mark < last; mark = (mark | (SHADOW_LEAF_MARKS - 1)) + 1) {
        if (shadow_leaf(shadow, mark) == NULL) {
            return ENOMEM;
        }
    }
    return 0;
}

int shadow_insert(struct shadow *shadow, uint64_t address, size_t size, uint32_t owner,
                  struct shadow_conflict *conflict)
{
    uint64_t first, last;
    if (address + size < address) {
        return EFAULT;
    }
    if (!shadow_marks(address, size, &first, &last)) {
        return 0;
    }
    int error = shadow_prepare(shadow, first, last);
    if (error != 0) {
        return error;
    }
    for (uint64_t mark = first, next; mark < last; mark = next) {
        uint64_t mask = shadow_mask(mark, last, &next);
        uint64_t index = mark % SHADOW_LEAF_MARKS / 64;
        uint64_t old =
            __atomic_fetch_or(&shadow_leaf(shadow, mark)->bits[index], mask, __ATOMIC_RELAXED);
        if ((old & mask) != 0) {
            uint64_t bit = (uint64_t)__builtin_ctzll(old & mask);
            shadow_blame(shadow, (mark & ~UINT64_C(63)) + bit, conflict);
            return EEXIST;
        }
    }
    shadow_sign(shadow, first, last, owner + 1);
    return 0;
}

int shadow_remove(struct shadow *shadow, uint64_t address, size_t size,
                  struct shadow_conflict *conflict)
{
    uint64_t first, last;
    if (address + size < address) {
        return EFAULT;
    }
    if (!shadow_marks(address, size, &first, &last)) {
        return 0;
    }
    int error = shadow_prepare(shadow, first, last);
    if (error != 0) {
        return error;
    }
    shadow_sign(shadow, first, last, 0);
    for (uint64_t mark = first, next; mark < last; mark = next) {
        uint64_t mask = shadow_mask(mark, last, &next);
        uint64_t index = mark % SHADOW_LEAF_MARKS / 64;
        uint64_t old =
            __atomic_fetch_and(&shadow_leaf(shadow, mark)->bits[index], ~mask, __ATOMIC_RELAXED);
        if ((old & mask) != mask) {
            uint64_t bit = (uint64_t)__builtin_ctzll(~old & mask);
            *conflict = (struct shadow_conflict){((mark & ~UINT64_C(63)) + bit) * SHADOW_GRANULE, 0,
                                                 0, false};
            return ENOENT;
        }
    }
    return 0;
}

uint64_t shadow_resident(struct shadow *shadow)
{
    unsigned char there[(sizeof(struct shadow_leaf) + SHADOW_PAGE - 1) / SHADOW_PAGE];
    struct shadow_leaf *leaf = __atomic_load_n(&shadow->leaves, __ATOMIC_ACQUIRE);
    uint64_t pages = 0;
    for (; leaf != NULL; leaf = leaf->next) {
        bool known = mincore(leaf, sizeof(*leaf), there) == 0;
        for (size_t i = 0; known && i < sizeof there; i++) {
            pages += there[i] & 1;
        }
    }
    return pages * SHADOW_PAGE;
}

void shadow_fini(struct shadow *shadow)
{
    if (shadow->directory == NULL) {
        return;
    }
    for (struct shadow_leaf *leaf = shadow->leaves, *next; leaf != NULL; leaf = next) {
        next = leaf->next;
        munmap(leaf, sizeof(*leaf));
    }
    munmap(shadow->directory, SHADOW_LEAVES * sizeof(*shadow->directory));
    *shadow = (struct shadow){0};
}
