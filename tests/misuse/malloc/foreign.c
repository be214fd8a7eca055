// SPDX-License-Identifier: MIT
//
// foreign.c - addresses that are no block's: inside of one, behind the last one, or nobody's.

#include "misuse/malloc/sin.h"

#include <sys/auxv.h>

static void inside(size_t size, size_t offset)
{
    char *block = sin_block(size);
    if (offset == 0 || offset >= probe_usable(block)) {
        probe_skip("no such address in this block");
    }
    sin_interior("free", block + offset, block);
    probe_free(block + offset);
}

static void interior(size_t size)
{
    inside(size, size / 2 & ~(size_t)15);
}

static void interior_second(size_t size)
{
    inside(size, 16);
}

static void unaligned(size_t size)
{
    inside(size, 1);
}

static void half_aligned(size_t size)
{
    inside(size, 8);
}

static void last_byte(size_t size)
{
    void *block = probe_malloc(size);
    inside(size, probe_usable(block) - 1);
}

static void second_page(size_t size)
{
    inside(size, 4096);
}

// Where a map of the address space by huge pages has another entry.
static void second_huge_page(size_t size)
{
    inside(size, (size_t)2 << 20);
}

static void interior_by_thread(void)
{
    char *block = sin_block(1000);
    sin_interior("free", block + 160, block);
    probe_free(block + 160);
}

static void *thread(void *unused)
{
    interior_by_thread();
    return unused;
}

static void interior_in_thread(size_t size)
{
    (void)size;
    probe_in_thread(thread, NULL);
}

// ---- behind the last block of a slab -----------------------------------------------------------

static int compare(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;
    return (*left > *right) - (*left < *right);
}

// With all blocks of many slabs in use, what lies between two of them and is no room for another
// is the tail of a slab.
static void tail(size_t size)
{
    enum { COUNT = 4000 };
    char **blocks = probe_map(COUNT * sizeof *blocks);
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = probe_malloc(size);
    }
    qsort(blocks, COUNT, sizeof *blocks, compare);
    for (size_t i = 0; i + 1 < COUNT; i++) {
        size_t usable = probe_usable(blocks[i]);
        size_t gap = (size_t)(blocks[i + 1] - blocks[i]) - usable;
        if (gap >= 16 && gap < usable) {
            sin_foreign("free", blocks[i] + usable);
            probe_free(blocks[i] + usable);
            return;
        }
    }
    probe_skip("no tail in this class");
}

// ---- nobody's -------------------------------------------------------------------------------

static void commit(void *address)
{
    sin_block(64); // there is a heap, and its maps
    sin_foreign("free", address);
    probe_free(address);
}

static void stack(size_t size)
{
    _Alignas(16) char bytes[64] = {(char)size};
    commit(bytes);
}

static void statics(size_t size)
{
    static _Alignas(16) char bytes[64];
    bytes[0] = (char)size;
    commit(bytes);
}

static void code(size_t size)
{
    (void)size;
    commit((void *)((uintptr_t)&commit & ~(uintptr_t)15));
}

static void thread_local_data(size_t size)
{
    static _Thread_local _Alignas(16) char bytes[64];
    bytes[0] = (char)size;
    commit(bytes);
}

static void mapped(size_t size)
{
    (void)size;
    commit(probe_map(65536));
}

static void mapped_huge(size_t size)
{
    (void)size;
    commit((char *)probe_map((size_t)64 << 20) + ((size_t)5 << 20));
}

static void unmapped(size_t size)
{
    (void)size;
    void *address = probe_map(65536);
    munmap(address, 65536);
    commit(address);
}

static void of_sbrk(size_t size)
{
    (void)size;
    char *address = sbrk(65536);
    probe_require(address != (void *)-1, "no sbrk");
    commit(address + (16 - (uintptr_t)address % 16) % 16);
}

static void of_the_kernel(size_t size)
{
    (void)size;
    commit((void *)getauxval(AT_SYSINFO_EHDR));
}

static void of_libc(size_t size)
{
    (void)size;
    commit((void *)((uintptr_t)stdout & ~(uintptr_t)15));
}

static void sixteen(size_t size)
{
    (void)size;
    commit((void *)(uintptr_t)16);
}

static void one(size_t size)
{
    (void)size;
    commit((void *)(uintptr_t)1);
}

static void page_one(size_t size)
{
    (void)size;
    commit((void *)(uintptr_t)4096);
}

static void minus_one(size_t size)
{
    (void)size;
    commit((void *)UINTPTR_MAX);
}

static void minus_sixteen(size_t size)
{
    (void)size;
    commit((void *)(UINTPTR_MAX - 15));
}

static void non_canonical(size_t size)
{
    (void)size;
    commit((void *)(uintptr_t)0x8000000000001000);
}

static void kernel_half(size_t size)
{
    (void)size;
    commit((void *)(uintptr_t)0xffff888000001000);
}

static void end_of_user_space(size_t size)
{
    (void)size;
    commit((void *)(uintptr_t)0x7ffffffff000);
}

// A true block's address with one high bit turned: a map that looks at fewer bits finds the block.
static void tagged(size_t size)
{
    void *block = sin_block(64);
    commit((void *)((uintptr_t)block ^ (uintptr_t)1 << size));
}

static void tagged_47(size_t size)
{
    (void)size;
    tagged(47);
}

static void tagged_48(size_t size)
{
    (void)size;
    tagged(48);
}

static void tagged_56(size_t size)
{
    (void)size;
    tagged(56);
}

static void tagged_63(size_t size)
{
    (void)size;
    tagged(63);
}

static void tagged_40(size_t size)
{
    (void)size;
    tagged(40);
}

// The first address of the process's life that free sees is nobody's.
static void first_of_all(size_t size)
{
    _Alignas(16) char bytes[64] = {(char)size};
    sin_foreign("free", bytes);
    probe_free(bytes);
}

int main(int argc, char **argv)
{
    static const struct probe SINS[] = {
        {"interior", interior, PROBE_CLASSES},
        {"interior_second", interior_second, PROBE_CLASSES},
        {"unaligned", unaligned, PROBE_CLASSES},
        {"half_aligned", half_aligned, PROBE_CLASSES},
        {"last_byte", last_byte, PROBE_CLASSES},
        {"large_interior", interior, PROBE_LARGE},
        {"large_unaligned", unaligned, PROBE_LARGE},
        {"large_second", interior_second, PROBE_LARGE},
        {"large_second_page", second_page, PROBE_LARGE},
        {"large_second_huge_page", second_huge_page, PROBE_LARGE},
        {"large_last_byte", last_byte, PROBE_LARGE},
        {"interior_in_thread", interior_in_thread, PROBE_ONE},
        {"tail", tail, PROBE_CLASSES},
        {"stack", stack, PROBE_ONE},
        {"statics", statics, PROBE_ONE},
        {"code", code, PROBE_ONE},
        {"thread_local_data", thread_local_data, PROBE_ONE},
        {"mapped", mapped, PROBE_ONE},
        {"mapped_huge", mapped_huge, PROBE_ONE},
        {"unmapped", unmapped, PROBE_ONE},
        {"of_sbrk", of_sbrk, PROBE_ONE},
        {"of_the_kernel", of_the_kernel, PROBE_ONE},
        {"of_libc", of_libc, PROBE_ONE},
        {"sixteen", sixteen, PROBE_ONE},
        {"one", one, PROBE_ONE},
        {"page_one", page_one, PROBE_ONE},
        {"minus_one", minus_one, PROBE_ONE},
        {"minus_sixteen", minus_sixteen, PROBE_ONE},
        {"non_canonical", non_canonical, PROBE_ONE},
        {"kernel_half", kernel_half, PROBE_ONE},
        {"end_of_user_space", end_of_user_space, PROBE_ONE},
        {"tagged_40", tagged_40, PROBE_ONE},
        {"tagged_47", tagged_47, PROBE_ONE},
        {"tagged_48", tagged_48, PROBE_ONE},
        {"tagged_56", tagged_56, PROBE_ONE},
        {"tagged_63", tagged_63, PROBE_ONE},
        {"first_of_all", first_of_all, PROBE_ONE},
    };
    return probe_main(SINS, sizeof SINS / sizeof SINS[0], argc, argv);
}
