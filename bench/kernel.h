// SPDX-License-Identifier: MIT
//
// kernel.h - what is measured: one file a kernel, each ending in one `const struct kernel`.
//
// A kernel's timed loop is written once, as an always-inlined function of `struct ops`, and is made
// for each family of targets with that family's constant operations: the compiler then calls
// mems_alloc or malloc directly, as a program would, and no dispatch is measured.

#ifndef BENCH_KERNEL_H
#define BENCH_KERNEL_H

#include <errno.h>
#include <mems/engine.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

enum family { FAMILY_MEMS, FAMILY_MALLOC, FAMILY_NULL, FAMILY_COUNT };

#define KERNEL_THREADS 64
#define KERNEL_INLINE  static inline __attribute__((always_inline))

// A block is a 64-bit name: a pointer of malloc's, an address of the engine's.
struct ops {
    int (*alloc)(struct mems_space *space, size_t size, uint64_t *block);
    int (*release)(struct mems_space *space, uint64_t block);
};

// What a kernel has found out beside its time: figures with names of their own.
#define KERNEL_FIGURES 6

struct kernel_figure {
    char name[24]; // "": none
    double value;
};

// What one thread of a run works with. `shared` points at the same memory in all of them.
struct kernel_run {
    struct mems_space *space; // NULL but for FAMILY_MEMS
    const struct ops *ops;    // for what is not timed
    uint64_t value;           // of the kernel's parameter
    uint64_t iterations;
    unsigned thread, threads;
    uint64_t *block; // [own] live blocks, as prepare left them
    uint64_t blocks; // their number
    uint64_t random; // [own] state of kernel_random
    void **shared;
    struct mems_engine *engine;    // NULL but for FAMILY_MEMS
    struct kernel_figure *figures; // KERNEL_FIGURES of them, the run's; thread 0 writes in finish
};

// The most a thread holds at once.
struct kernel_demand {
    uint64_t blocks;
    size_t largest;
};

// Nanoseconds on a clock that only goes forward; a cycle counter, for single operations.
uint64_t kernel_clock(void);
uint64_t kernel_cycles(void);

struct kernel {
    const char *name;
    const char *help;
    const char *parameter;  // what the value means: "size", "live"
    const uint64_t *values; // to measure with by default; ends with 0
    unsigned threads_least;
    // What a policy must have to be measured: that option, and that its blocks can be compacted.
    const char *needs; // NULL: any policy will do
    bool compacts;
    struct kernel_demand (*demand)(uint64_t value);
    // Before and after, not timed; 0 or an errno value. NULL: nothing to do.
    int (*prepare)(struct kernel_run *run);
    void (*finish)(struct kernel_run *run);
    // Does run->iterations operations. All threads of a run call it at once, and more than once.
    // NULL for a family it makes no sense for.
    int (*measure[FAMILY_COUNT])(struct kernel_run *run);
};

// By index; NULL past the last.
const struct kernel *kernel_at(size_t index);
const struct kernel *kernel_find(const char *name);

// Fills run->block with `count` blocks of `size` bytes, or of kernel_size's when 0; and the mirror.
int kernel_fill(struct kernel_run *run, uint64_t count, size_t size);
void kernel_empty(struct kernel_run *run);
// The same, and the first byte of each block is written: it is in memory then.
int kernel_fill_touched(struct kernel_run *run, uint64_t count, size_t size);

// ---- operations --------------------------------------------------------------------------------

KERNEL_INLINE int mems_ops_alloc(struct mems_space *space, size_t size, uint64_t *block)
{
    return mems_alloc(space, size, 0, block);
}

KERNEL_INLINE int mems_ops_release(struct mems_space *space, uint64_t block)
{
    return mems_release(space, block);
}

// The empty asm keeps the compiler from knowing that the block is never used.
KERNEL_INLINE int malloc_ops_alloc(struct mems_space *space, size_t size, uint64_t *block)
{
    (void)space;
    void *memory = malloc(size);
    __asm__ volatile("" : "+r"(memory) : : "memory");
    *block = (uintptr_t)memory;
    return memory != NULL ? 0 : ENOMEM;
}

KERNEL_INLINE int malloc_ops_release(struct mems_space *space, uint64_t block)
{
    (void)space;
    free((void *)(uintptr_t)block);
    return 0;
}

KERNEL_INLINE int null_ops_alloc(struct mems_space *space, size_t size, uint64_t *block)
{
    (void)space;
    uint64_t name = size;
    __asm__ volatile("" : "+r"(name) : : "memory");
    *block = name;
    return 0;
}

KERNEL_INLINE int null_ops_release(struct mems_space *space, uint64_t block)
{
    (void)space;
    __asm__ volatile("" : : "r"(block) : "memory");
    return 0;
}

static const struct ops ops_mems = {mems_ops_alloc, mems_ops_release};
static const struct ops ops_malloc = {malloc_ops_alloc, malloc_ops_release};
static const struct ops ops_null = {null_ops_alloc, null_ops_release};

// ---- random numbers ----------------------------------------------------------------------------

// Marsaglia's xorshift64: a few instructions, the same for every target.
KERNEL_INLINE uint64_t kernel_random(struct kernel_run *run)
{
    uint64_t x = run->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return run->random = x;
}

#define KERNEL_SIZE_LEAST 16
#define KERNEL_SIZE_MOST  128

// A size from 16 to 128, and an index below `count`, from different bits of one number.
KERNEL_INLINE size_t kernel_size(uint64_t random)
{
    uint64_t span = KERNEL_SIZE_MOST - KERNEL_SIZE_LEAST + 1;
    return KERNEL_SIZE_LEAST + (((random & UINT32_MAX) * span) >> 32);
}

KERNEL_INLINE uint64_t kernel_index(uint64_t random, uint64_t count)
{
    return ((random >> 32) * count) >> 32;
}

#ifdef __cplusplus
}
#endif

#endif
