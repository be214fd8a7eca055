// SPDX-License-Identifier: MIT
//
// translate.h - the short way of mems_translate, for the compiler to put in line.
//
// Not an interface: include mems/engine.h and call mems_translate. What stands here are the layouts
// that the short way reads (lib/memory/descriptor.h and lib/engine/engine.h assert that theirs are
// the same) and the way itself. It answers for blocks of at most 4 KiB that are in memory where
// their descriptor says, accessed by their owner within limit and rights; everything else, every
// error too, is the function's.
//
// Order: limit, owner and rights are read before the word, each with acquire. They change only
// after the word has left the address's generation (release), so a word that is still live vouches
// for what was read before it.

#ifndef MEMS_TRANSLATE_H
#define MEMS_TRANSLATE_H

#include <mems/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mems_inline_descriptor {
    uint64_t word, limit;
    void *record;
    uint32_t space;
    uint16_t thread;
    uint8_t magazine, arena; // arena: 6 bits, and above them what is denied
};

struct mems_inline_directory {
    void *older;
    uint64_t bytes, room, count;
    struct mems_inline_descriptor *chunk[1];
};

struct mems_inline_page_directory {
    void *older;
    uint64_t bytes, room, count;
    uint64_t *leaf[1]; // entries: state 3, shared 1, frame 60
};

struct mems_inline_pages {
    struct mems_inline_page_directory *directory;
    char *memory; // where frame 0 is
    unsigned page_bits;
    const void *trace; // NULL: a hit leaves nothing behind
};

struct mems_inline_space {
    struct mems_inline_directory *const *small; // of blocks up to 4 KiB
    const struct mems_inline_pages *pages;      // NULL: descriptors say where bytes are
    uint32_t id, direct; // direct: id where pages is NULL, else 0, no space's
};

#ifdef MEMS_HOSTILE
#define MEMS_INLINE_CHUNK_BITS 4
#define MEMS_INLINE_LEAF_BITS  3
#else
#define MEMS_INLINE_CHUNK_BITS 11
#define MEMS_INLINE_LEAF_BITS  9
#endif

#define mems_inline_likely(condition) __builtin_expect((condition), 1)

// The page that the word's place and the offset name. Its entry exists: the word was live after
// entry and directory were published. 0: the function must look.
static inline __attribute__((always_inline)) int
mems_page_inline(const struct mems_inline_pages *pages,
                 const struct mems_inline_descriptor *descriptor, uint64_t word, uint64_t offset,
                 void **host, size_t *span)
{
    uint64_t page = (word & UINT64_C(0x7ffffffffff)) + (offset >> pages->page_bits);
    const struct mems_inline_page_directory *directory =
        __atomic_load_n(&pages->directory, __ATOMIC_ACQUIRE);
    const uint64_t *leaf = directory->leaf[page >> MEMS_INLINE_LEAF_BITS];
    uint64_t entry =
        __atomic_load_n(&leaf[page & ((1u << MEMS_INLINE_LEAF_BITS) - 1)], __ATOMIC_ACQUIRE);
    uint64_t within = offset & ((UINT64_C(1) << pages->page_bits) - 1);
    // State RESIDENT and not shared; and the block is still the one whose page this was.
    if (mems_inline_likely(entry >> 60 == 2 << 1) && mems_inline_likely(pages->trace == NULL) &&
        mems_inline_likely(__atomic_load_n(&descriptor->word, __ATOMIC_RELAXED) == word)) {
        *host = pages->memory + ((entry & ((UINT64_C(1) << 60) - 1)) << pages->page_bits) + within;
        *span = (UINT64_C(1) << pages->page_bits) - within;
        return 1;
    }
    return 0;
}

static inline __attribute__((always_inline)) int mems_translate_inline(struct mems_space *space,
                                                                       mems_addr addr,
                                                                       enum mems_access mode,
                                                                       void **host, size_t *span)
{
    const struct mems_inline_space *own = (const struct mems_inline_space *)(const void *)space;
    const struct mems_inline_directory *directory = __atomic_load_n(own->small, __ATOMIC_ACQUIRE);
    // Another kind's bits stay in, so that it is beyond every count.
    uint64_t chunk = (addr & UINT64_C(0xe00007ffffffffff)) >> (12 + MEMS_INLINE_CHUNK_BITS);
    if (mems_inline_likely(chunk < __atomic_load_n(&directory->count, __ATOMIC_ACQUIRE))) {
        const struct mems_inline_descriptor *descriptor =
            directory->chunk[chunk] + ((addr >> 12) & ((1u << MEMS_INLINE_CHUNK_BITS) - 1));
        uint64_t offset = addr & 0xfff;
        uint64_t limit = __atomic_load_n(&descriptor->limit, __ATOMIC_ACQUIRE);
        uint32_t owner = __atomic_load_n(&descriptor->space, __ATOMIC_ACQUIRE);
        uint8_t denied = __atomic_load_n(&descriptor->arena, __ATOMIC_ACQUIRE);
        uint64_t word = __atomic_load_n(&descriptor->word, __ATOMIC_ACQUIRE);
        // The address's generation and state RESIDENT; the rest as mems_translate says.
        if (mems_inline_likely((word ^ addr) >> 43 == UINT64_C(2) << 18) &&
            mems_inline_likely(offset < limit) &&
            mems_inline_likely((denied & (unsigned)mode << 6) == 0)) {
            size_t run = limit - offset, page_run;
            if (mems_inline_likely(owner == own->direct)) {
                *host = (char *)(uintptr_t)((word << 4) & UINT64_C(0x7ffffffffff0)) + offset;
                if (span != NULL) {
                    *span = run;
                }
                return 0;
            }
            if (owner == own->id &&
                mems_page_inline(own->pages, descriptor, word, offset, host, &page_run)) {
                if (span != NULL) {
                    *span = page_run < run ? page_run : run;
                }
                return 0;
            }
        }
    }
    return mems_translate(space, addr, mode, host, span);
}

// In the explore build every step is a schedule point, and points are the function's.
#if !defined(__cplusplus) && !defined(MEMS_EXPLORE)
#define mems_translate(space, addr, mode, host, span)                                              \
    mems_translate_inline((space), (addr), (mode), (host), (span))
#endif

#ifdef __cplusplus
}
#endif

#endif
