// SPDX-License-Identifier: MIT
//
// malloc.c - malloc, free and their family, for any program.
//
// 1. The way in line is in inline.h.
// 2. What else there is: larger sizes, threads that have no front yet or no more, words that are
//    used up, blocks of other threads. All of that is in functions of their own, so that the way in
//    line saves no register.
// 3. Sizes. Up to 16 KiB a slab's block; beyond, or with an alignment that no class has, granules
//    from the depot. A block moves when it is to grow, or when more than half of it would be
//    unused.
// 4. errno. ENOMEM on every failure; free leaves it alone (os/ does).

#include "malloc/malloc.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "heap/common.h"
#include "heap/depot.h"
#include "heap/ledger.h"
#include "heap/sin.h"
#include "malloc/inline.h"
#include "memory/extent.h"
#include "os/os.h"
#include "sync/thread.h"

// ---- blocks ------------------------------------------------------------------------------------

static void *no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

static void *small_block(unsigned class, bool *zeroed)
{
    struct front *front = front_here;
    if (unlikely(front == &front_none)) {
        front = malloc_enter();
    }
    void *block = front != NULL ? front_take(front, class, zeroed) : NULL;
    return block != NULL ? block : common_take(class, zeroed);
}

static void *large_block(size_t size, size_t align, bool *zeroed)
{
    struct granule *large = size <= PTRDIFF_MAX ? depot_large_open(size, align) : NULL;
    if (large == NULL) {
        return no_memory();
    }
    *zeroed = !depot_large_dirty(large);
    return extent_host(large->extent);
}

void *malloc_block(size_t size, bool *zeroed)
{
    if (unlikely(load_relaxed(&malloc_background_due) != 0)) {
        malloc_background_start();
    }
    if (size > SLAB_LARGEST) {
        return large_block(size, 1, zeroed);
    }
    void *block = small_block(slab_class(size + (size == 0)), zeroed);
    return block != NULL ? block : no_memory();
}

// The way in line had none.
static __attribute__((noinline)) void *malloc_slow(size_t size)
{
    bool zeroed;
    void *block = NULL;
    if (size <= FRONT_DIRECT && front_here != &front_none &&
        load_relaxed(&malloc_background_due) == 0) {
        block = front_refill(front_here, slab_class(size + (size == 0)));
    }
    return __builtin_expect(block != NULL, 1) ? block : malloc_block(size, &zeroed);
}

// What malloc has no room for: sizes above FRONT_DIRECT.
__attribute__((noinline)) void *malloc_above(size_t size)
{
    bool zeroed;
    void *block = NULL;
    if (size > FRONT_DIRECT && size <= SLAB_LARGEST) {
        block = front_pop_above(front_entry_above(front_here, slab_class(size)), &zeroed);
    }
    return __builtin_expect(block != NULL, 1) ? block : malloc_slow(size);
}

MALLOC_EXPORT void *malloc(size_t size)
{
    void *block;
    return malloc_in_line(size, &block) ? block : malloc_above(size);
}

// ---- releasing ---------------------------------------------------------------------------------

// The record of a block in use; a sin where none starts there. *slot is SLOT_NONE for a large one.
static struct granule *record_of(const void *block, const char *call, uint32_t *slot)
{
    struct granule *record = granule_at(block);
    uint8_t kind = load_acquire(&record->kind); // [A:granule]
    *slot = SLOT_NONE;
    if (kind == GRANULE_LARGE && extent_host(record->extent) == block) {
        return record;
    }
    *slot = kind == GRANULE_SLAB ? granule_slot(record, block) : SLOT_NONE;
    if (*slot >= record->count || ledger_is_free(record, *slot)) {
        sin_judge(call, block);
    }
    return record;
}

__attribute__((noinline)) void malloc_release_slow(void *block, const char *call)
{
    uint32_t slot;
    if (block == NULL) {
        return;
    }
    struct granule *record = record_of(block, call, &slot);
    if (slot == SLOT_NONE) {
        if (!depot_large_close(record)) {
            sin_judge(call, block);
        }
    } else if (granule_owner(record) == thread_self()) {
        malloc_release_own(record, block, call); // there is mail
    } else if (!ledger_return(record, slot)) {
        sin_twice(call, block, record->size);
    }
}

// A thread that stands where one ended without closing its front has slabs before it has a front;
// that one's is its own then (front_open).
__attribute__((noinline)) void malloc_release_look(struct granule *slab)
{
    struct front *front = front_here != &front_none ? front_here : malloc_enter();
    if (front != NULL) {
        front_look(front, slab);
    } else {
        slab->ledger->left = 1; // it is looked at next time
    }
}

MALLOC_EXPORT void free(void *block)
{
    malloc_release(block, "free");
}

// ---- sizes -------------------------------------------------------------------------------------

size_t malloc_block_size(const void *block, const char *call)
{
    uint32_t slot;
    const struct granule *record = record_of(block, call, &slot);
    return slot == SLOT_NONE ? record->usable : record->size;
}

static void *zero(void *block, size_t size, bool zeroed)
{
    return block == NULL || zeroed ? block : memset(block, 0, size);
}

MALLOC_EXPORT void *calloc(size_t count, size_t size)
{
    size_t bytes;
    bool zeroed = false;
    if (unlikely(__builtin_mul_overflow(count, size, &bytes))) {
        return no_memory();
    }
    void *block;
    if (unlikely(front_here == &front_none) && bytes <= SLAB_LARGEST && malloc_enter_late()) {
        block = common_take(slab_class(bytes + (bytes == 0)), &zeroed);
    } else {
        block = bytes <= FRONT_DIRECT ? malloc(bytes) : malloc_block(bytes, &zeroed);
    }
    return zero(block, bytes, zeroed);
}

// Whether a block stays where it is when `size` bytes are wanted.
static bool stays(const void *block, size_t usable, size_t size)
{
    if (usable > SLAB_LARGEST) {
        return size > SLAB_LARGEST && size <= PTRDIFF_MAX &&
               depot_large_resize(granule_at(block), size);
    }
    return size <= usable && (size > usable / 2 || usable <= SLAB_STEP);
}

// The bytes of a block that moves. Pages of a large one change place instead of being copied, so
// that an array that grows is in memory once.
#define MOVE_LEAST (UINT64_C(1) << 20) // each is a mapping of its own afterwards

// Pages that are all zero stay untouched in a new block that is.
static void copy_sparse(char *moved, const char *block, size_t bytes)
{
    size_t page = os_page_size();
    for (size_t at = 0; at < bytes; at += page) {
        size_t part = bytes - at < page ? bytes - at : page;
        if (block[at] != 0 || memcmp(block + at, block + at + 1, part - 1) != 0) {
            memcpy(moved + at, block + at, part);
        }
    }
}

static void carry(void *moved, bool zeroed, void *block, size_t bytes)
{
    uint64_t pages = 0;
    bits_round_up(bytes, os_page_size(), &pages);
    if (bytes < MOVE_LEAST) {
        memcpy(moved, block, bytes);
    } else if (os_move(block, moved, pages)) {
        return;
    } else if (zeroed || os_purge(moved, pages)) {
        copy_sparse(moved, block, bytes);
    } else {
        memcpy(moved, block, bytes);
    }
}

// Set once a block has stayed larger than it would be for its size, for want of memory.
static uint32_t any_stayed; // [atomic]

static void *resize(void *block, size_t size, const char *call)
{
    size_t usable = malloc_block_size(block, call);
    if (stays(block, usable, size)) {
        return block;
    }
    bool zeroed = false;
    void *moved = size > SLAB_LARGEST ? large_block(size, 1, &zeroed) : malloc(size);
    if (moved == NULL && size <= usable) {
        store_relaxed(&any_stayed, 1);
        return block; // it shrinks: where there is no memory it stays as it is
    }
    if (moved != NULL) {
        carry(moved, zeroed, block, usable < size ? usable : size);
        malloc_release(block, call);
    }
    return moved;
}

MALLOC_EXPORT void *realloc(void *block, size_t size)
{
    if (block == NULL) {
        return malloc(size);
    }
    if (size == 0) {
        malloc_release(block, "realloc");
        return NULL;
    }
    return resize(block, size, "realloc");
}

MALLOC_EXPORT void *reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return no_memory();
    }
    return realloc(block, bytes);
}

MALLOC_EXPORT size_t malloc_usable_size(void *block)
{
    return block == NULL ? 0 : malloc_block_size(block, "malloc_usable_size");
}

// ---- alignment ---------------------------------------------------------------------------------

// The class of an aligned block, or SLAB_CLASSES: none has it. Blocks of a class stand at multiples
// of its size in a granule.
static unsigned aligned_class(size_t align, size_t size)
{
    size_t least = size > align ? size : align;
    unsigned class = least <= SLAB_LARGEST ? slab_class(least) : SLAB_CLASSES;
    while (class < SLAB_CLASSES && (slab_class_size(class) & (align - 1)) != 0) {
        class ++;
    }
    return class;
}

void *malloc_aligned(size_t align, size_t size)
{
    bool zeroed;
    if (align <= SLAB_STEP) {
        return malloc(size);
    }
    unsigned class = aligned_class(align, size);
    if (class < SLAB_CLASSES) {
        void *block = small_block(class, &zeroed);
        return block != NULL ? block : no_memory();
    }
    return large_block(size < SLAB_LARGEST + 1 ? SLAB_LARGEST + 1 : size, align, &zeroed);
}

MALLOC_EXPORT int posix_memalign(void **block, size_t align, size_t size)
{
    if (!bits_is_power_of_two(align) || align % sizeof(void *) != 0) {
        return EINVAL;
    }
    int saved = errno;
    void *result = malloc_aligned(align, size);
    errno = saved;
    if (result == NULL) {
        return ENOMEM;
    }
    *block = result;
    return 0;
}

MALLOC_EXPORT void *aligned_alloc(size_t align, size_t size)
{
    if (!bits_is_power_of_two(align)) {
        errno = EINVAL;
        return NULL;
    }
    return malloc_aligned(align, size);
}

// As glibc: an alignment that is no power of two is rounded up to one.
MALLOC_EXPORT void *memalign(size_t align, size_t size)
{
    if (align > SIZE_MAX / 2 + 1) {
        errno = EINVAL;
        return NULL;
    }
    return malloc_aligned(align <= 1 ? 1 : UINT64_C(1) << bits_log2_up(align), size);
}

MALLOC_EXPORT void *valloc(size_t size)
{
    return malloc_aligned(os_page_size(), size);
}

MALLOC_EXPORT void *pvalloc(size_t size)
{
    uint64_t rounded;
    if (!bits_round_up(size, os_page_size(), &rounded)) {
        return no_memory();
    }
    return malloc_aligned(os_page_size(), rounded);
}

// ---- sized release (C23) -----------------------------------------------------------------------

// A block's size and the size that it is said to have been asked for with: realloc leaves a block
// where it is as long as more than half of it is wanted (see stays); a class is never twice the
// size of what it is chosen for, but where an alignment asks for that.
bool malloc_size_fits(size_t usable, size_t align, size_t said)
{
    size_t least = said;
    if (!bits_is_power_of_two(align)) {
        least = usable;
    } else if (align > SLAB_STEP) {
        unsigned class = aligned_class(align, said);
        least = class < SLAB_CLASSES ? slab_class_size(class) : SLAB_LARGEST + 1;
        least = said > least ? said : least;
    }
    return said <= usable && (least > usable / 2 || usable <= SLAB_STEP ||
                              (load_relaxed(&any_stayed) != 0 && least <= usable));
}

void malloc_release_sized(void *block, size_t align, size_t said, const char *call)
{
    if (block != NULL) {
        size_t usable = malloc_block_size(block, call);
        if (!malloc_size_fits(usable, align, said)) {
            sin_size(call, block, said, usable);
        }
        malloc_release(block, call);
    }
}

MALLOC_EXPORT void free_sized(void *block, size_t size);
MALLOC_EXPORT void free_sized(void *block, size_t size)
{
    malloc_release_said(block, size, "free_sized");
}

MALLOC_EXPORT void free_aligned_sized(void *block, size_t align, size_t size);
MALLOC_EXPORT void free_aligned_sized(void *block, size_t align, size_t size)
{
    malloc_release_sized(block, align, size, "free_aligned_sized");
}
