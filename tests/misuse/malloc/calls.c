// SPDX-License-Identifier: MIT
//
// calls.c - the other calls that take a block, with one that is none; sizes that cannot be a
// block's.

#include "misuse/malloc/sin.h"

#include <dlfcn.h>

static void realloc_freed(size_t size)
{
    void *block = sin_block(size);
    sin_twice("realloc", block, probe_usable(block), gettid());
    probe_free(block);
    probe_realloc(block, 2 * size);
}

static void realloc_freed_to_zero(size_t size)
{
    void *block = sin_block(size);
    sin_twice("realloc", block, probe_usable(block), gettid());
    probe_free(block);
    probe_realloc(block, 0);
}

static void realloc_interior(size_t size)
{
    char *block = sin_block(size);
    if (probe_usable(block) <= 16) {
        probe_skip("no inside");
    }
    sin_interior("realloc", block + 16, block);
    probe_realloc(block + 16, 100);
}

static void realloc_unaligned(size_t size)
{
    char *block = sin_block(size);
    sin_interior("realloc", block + 1, block);
    probe_realloc(block + 1, 2 * size + 100);
}

static void realloc_stack(size_t size)
{
    _Alignas(16) char bytes[64] = {(char)size};
    sin_block(size);
    sin_foreign("realloc", bytes);
    probe_realloc(bytes, 100);
}

static void realloc_mapped(size_t size)
{
    char *address = probe_map(65536);
    sin_foreign("realloc", address + 4096);
    probe_realloc(address + 4096, size);
}

static void realloc_non_canonical(size_t size)
{
    void *address = (void *)(uintptr_t)0x8000000000001000;
    sin_foreign("realloc", address);
    probe_realloc(address, size);
}

static void usable_freed(size_t size)
{
    void *block = sin_block(size);
    sin_twice("malloc_usable_size", block, probe_usable(block), gettid());
    probe_free(block);
    probe_usable(block);
}

static void usable_interior(size_t size)
{
    char *block = sin_block(size);
    if (probe_usable(block) <= 16) {
        probe_skip("no inside");
    }
    sin_interior("malloc_usable_size", block + 16, block);
    probe_usable(block + 16);
}

static void usable_unaligned(size_t size)
{
    char *block = sin_block(size);
    sin_interior("malloc_usable_size", block + 1, block);
    probe_usable(block + 1);
}

static void usable_stack(size_t size)
{
    _Alignas(16) char bytes[64] = {(char)size};
    sin_block(size);
    sin_foreign("malloc_usable_size", bytes);
    probe_usable(bytes);
}

static void usable_sixteen(size_t size)
{
    sin_block(size);
    sin_foreign("malloc_usable_size", (void *)(uintptr_t)16);
    probe_usable((void *)(uintptr_t)16);
}

// ---- sizes that cannot be the block's -----------------------------------------------------------

static void (*found(const char *name))(void *, size_t)
{
    void (*call)(void *, size_t) = NULL;
    *(void **)&call = dlsym(RTLD_DEFAULT, name);
    if (call == NULL) {
        probe_skip("there is no such function");
    }
    return call;
}

static void sized(const char *name, size_t size, size_t claimed)
{
    void (*call)(void *, size_t) = found(name);
    void *block = sin_block(size);
    probe_expect("mems-malloc: free_sized of %p with %zu bytes, a block of %zu bytes (thread %d)",
                 block, claimed, probe_usable(block), gettid());
    call(block, claimed);
}

static void sized_too_large(size_t size)
{
    sized("free_sized", size, 100 * size);
}

static void sized_too_small(size_t size)
{
    sized("free_sized", 100 * size, size);
}

static void sized_one_more(size_t size)
{
    sized("free_sized", size, probe_usable(probe_malloc(size)) + 1);
}

static void sized_of_large(size_t size)
{
    sized("free_sized", size, 64);
}

static void sized_large(size_t size)
{
    sized("free_sized", 64, size);
}

static void sized_impossible(size_t size)
{
    sized("free_sized", size, SIZE_MAX);
}

static void delete_too_large(size_t size)
{
    sized("_ZdlPvm", size, 100 * size);
}

static void delete_too_small(size_t size)
{
    sized("_ZdlPvm", 100 * size, size);
}

static void delete_array_too_small(size_t size)
{
    sized("_ZdaPvm", 100 * size, size);
}

// A wrong size is no worse than a block that is none.
static void sized_twice(size_t size)
{
    void (*call)(void *, size_t) = found("free_sized");
    void *block = sin_block(size);
    sin_twice("free_sized", block, probe_usable(block), gettid());
    sin_double(block, probe_usable(block), gettid());
    call(block, size);
    call(block, size);
}

static void delete_twice(size_t size)
{
    void (*call)(void *, size_t) = found("_ZdlPvm");
    void *block = sin_block(size);
    sin_twice("free_sized", block, probe_usable(block), gettid());
    sin_double(block, probe_usable(block), gettid());
    call(block, size);
    call(block, size);
}

static void delete_stack(size_t size)
{
    _Alignas(16) char bytes[64] = {(char)size};
    void (*call)(void *, size_t) = found("_ZdlPvm");
    sin_foreign("free", bytes);
    sin_foreign("free_sized", bytes);
    sin_foreign("operator delete", bytes);
    call(bytes, sizeof bytes);
}

// Sizes that are the block's say nothing: the one asked for, and any that realloc left it with.
static void sized_right(size_t size)
{
    void (*calls[])(void *, size_t) = {found("free_sized"), found("_ZdlPvm"), found("_ZdaPvm")};
    for (int i = 0; i < 3; i++) {
        calls[i](probe_malloc(size), size);
        void *block = probe_malloc(size);
        calls[i](block, probe_usable(block));
        for (size_t shrunk = size; shrunk > 0; shrunk = shrunk * 7 / 8) {
            block = probe_realloc(probe_malloc(size), shrunk);
            calls[i](block, shrunk);
        }
        calls[i](NULL, size);
    }
}

int main(int argc, char **argv)
{
    static const struct probe SINS[] = {
        {"realloc_freed", realloc_freed, PROBE_CLASSES},
        {"realloc_freed_large", realloc_freed, PROBE_LARGE},
        {"realloc_freed_to_zero", realloc_freed_to_zero, PROBE_ONE},
        {"realloc_interior", realloc_interior, PROBE_CLASSES},
        {"realloc_interior_large", realloc_interior, PROBE_LARGE},
        {"realloc_unaligned", realloc_unaligned, PROBE_CLASSES},
        {"realloc_stack", realloc_stack, PROBE_ONE},
        {"realloc_mapped", realloc_mapped, PROBE_ONE},
        {"realloc_non_canonical", realloc_non_canonical, PROBE_ONE},
        {"usable_freed", usable_freed, PROBE_CLASSES},
        {"usable_freed_large", usable_freed, PROBE_LARGE},
        {"usable_interior", usable_interior, PROBE_CLASSES},
        {"usable_interior_large", usable_interior, PROBE_LARGE},
        {"usable_unaligned", usable_unaligned, PROBE_CLASSES},
        {"usable_stack", usable_stack, PROBE_ONE},
        {"usable_sixteen", usable_sixteen, PROBE_ONE},
        {"sized_too_large", sized_too_large, PROBE_CLASSES},
        {"sized_too_small", sized_too_small, PROBE_CLASSES},
        {"sized_one_more", sized_one_more, PROBE_CLASSES},
        {"sized_of_large", sized_of_large, PROBE_LARGE},
        {"sized_large", sized_large, PROBE_LARGE},
        {"sized_impossible", sized_impossible, PROBE_CLASSES},
        {"delete_too_large", delete_too_large, PROBE_ONE},
        {"delete_too_small", delete_too_small, PROBE_ONE},
        {"delete_array_too_small", delete_array_too_small, PROBE_ONE},
        {"sized_twice", sized_twice, PROBE_ONE},
        {"delete_twice", delete_twice, PROBE_ONE},
        {"delete_stack", delete_stack, PROBE_ONE},
        {"sized_right", sized_right, PROBE_CLASSES},
        {"sized_right_large", sized_right, PROBE_LARGE},
    };
    return probe_main(SINS, sizeof SINS / sizeof SINS[0], argc, argv);
}
