// SPDX-License-Identifier: MIT
//
// operators.c - C++ operators new and delete, all 20 replaceable ones, called from C by mangled
// name.

#include "support/probe.h"

struct nothrow { // std::nothrow_t, an empty class
    char empty;
};

static const struct nothrow NOTHROW;

#define CXX(name) __asm__(name)
void *new_one(size_t size) CXX("_Znwm");
void *new_array(size_t size) CXX("_Znam");
void *new_one_nothrow(size_t size, const struct nothrow *tag) CXX("_ZnwmRKSt9nothrow_t");
void *new_array_nothrow(size_t size, const struct nothrow *tag) CXX("_ZnamRKSt9nothrow_t");
void *new_one_aligned(size_t size, size_t align) CXX("_ZnwmSt11align_val_t");
void *new_array_aligned(size_t size, size_t align) CXX("_ZnamSt11align_val_t");
void *new_one_aligned_nothrow(size_t size, size_t align, const struct nothrow *tag)
    CXX("_ZnwmSt11align_val_tRKSt9nothrow_t");
void *new_array_aligned_nothrow(size_t size, size_t align, const struct nothrow *tag)
    CXX("_ZnamSt11align_val_tRKSt9nothrow_t");
void delete_one(void *block) CXX("_ZdlPv");
void delete_array(void *block) CXX("_ZdaPv");
void delete_one_sized(void *block, size_t size) CXX("_ZdlPvm");
void delete_array_sized(void *block, size_t size) CXX("_ZdaPvm");
void delete_one_nothrow(void *block, const struct nothrow *tag) CXX("_ZdlPvRKSt9nothrow_t");
void delete_array_nothrow(void *block, const struct nothrow *tag) CXX("_ZdaPvRKSt9nothrow_t");
void delete_one_aligned(void *block, size_t align) CXX("_ZdlPvSt11align_val_t");
void delete_array_aligned(void *block, size_t align) CXX("_ZdaPvSt11align_val_t");
void delete_one_sized_aligned(void *block, size_t size, size_t align) CXX("_ZdlPvmSt11align_val_t");
void delete_array_sized_aligned(void *block, size_t size, size_t align)
    CXX("_ZdaPvmSt11align_val_t");
void delete_one_aligned_nothrow(void *block, size_t align, const struct nothrow *tag)
    CXX("_ZdlPvSt11align_val_tRKSt9nothrow_t");
void delete_array_aligned_nothrow(void *block, size_t align, const struct nothrow *tag)
    CXX("_ZdaPvSt11align_val_tRKSt9nothrow_t");

enum { FORMS = 4, ALIGNED_FORMS = 4 };

static void *made(int form, size_t size)
{
    switch (form) {
    case 0:
        return new_one(size);
    case 1:
        return new_array(size);
    case 2:
        return new_one_nothrow(size, &NOTHROW);
    default:
        return new_array_nothrow(size, &NOTHROW);
    }
}

static void deleted(int form, void *block, size_t size)
{
    switch (form) {
    case 0:
        delete_one(block);
        break;
    case 1:
        delete_array(block);
        break;
    case 2:
        delete_one_sized(block, size);
        break;
    case 3:
        delete_array_sized(block, size);
        break;
    case 4:
        delete_one_nothrow(block, &NOTHROW);
        break;
    default:
        delete_array_nothrow(block, &NOTHROW);
    }
}

static void *made_aligned(int form, size_t size, size_t align)
{
    switch (form) {
    case 0:
        return new_one_aligned(size, align);
    case 1:
        return new_array_aligned(size, align);
    case 2:
        return new_one_aligned_nothrow(size, align, &NOTHROW);
    default:
        return new_array_aligned_nothrow(size, align, &NOTHROW);
    }
}

static void deleted_aligned(int form, void *block, size_t size, size_t align)
{
    switch (form) {
    case 0:
        delete_one_aligned(block, align);
        break;
    case 1:
        delete_array_aligned(block, align);
        break;
    case 2:
        delete_one_sized_aligned(block, size, align);
        break;
    case 3:
        delete_array_sized_aligned(block, size, align);
        break;
    case 4:
        delete_one_aligned_nothrow(block, align, &NOTHROW);
        break;
    default:
        delete_array_aligned_nothrow(block, align, &NOTHROW);
    }
}

// All of a block may be written; of a large one here and there a byte is.
static void checked(unsigned char *block, size_t size, size_t align)
{
    probe_require(block != NULL, "new of %zu bytes at %zu is NULL", size, align);
    probe_require((uintptr_t)block % align == 0, "%p is not aligned to %zu", (void *)block, align);
    probe_require(probe_usable(block) >= size, "%zu bytes for %zu", probe_usable(block), size);
    size_t usable = probe_usable(block), step = 1;
    if (usable > 65536) {
        step = usable > 1 << 20 ? 1 << 20 : 4096;
    }
    for (size_t i = 0; i < usable; i += step) {
        block[i] = 0x42;
    }
    block[usable - 1] = 0x42;
}

// Each new with each delete: an array's may differ from an object's in name only.
static void plain(size_t size)
{
    for (int new = 0; new < FORMS; new ++) {
        for (int delete = 0; delete < 6; delete ++) {
            void *blocks[100];
            size_t count = size > 65536 ? 2 : 100;
            for (size_t i = 0; i < count; i++) {
                blocks[i] = made(new, size);
                checked(blocks[i], size, 16);
            }
            for (size_t i = 0; i < count; i++) {
                deleted(delete, blocks[i * 7 % count], size);
            }
        }
    }
}

static void all_aligned(size_t size, size_t align)
{
    for (int new = 0; new < ALIGNED_FORMS; new ++) {
        for (int delete = 0; delete < 6; delete ++) {
            void *blocks[3];
            for (size_t i = 0; i < 3; i++) {
                blocks[i] = made_aligned(new, size, align);
                checked(blocks[i], size, align);
            }
            for (size_t i = 0; i < 3; i++) {
                deleted_aligned(delete, blocks[i], size, align);
            }
        }
    }
}

static void aligned(size_t size)
{
    for (size_t align = 1; align <= 4096; align *= 8) {
        all_aligned(size, align);
    }
}

static void aligned_high(size_t size)
{
    for (size_t align = 8192; align <= (size_t)4 << 20; align *= 2) {
        all_aligned(size, align);
    }
}

static void zero(size_t size)
{
    (void)size;
    for (int form = 0; form < FORMS; form++) {
        void *one = made(form, 0), *other = made(form, 0), *third = made_aligned(form, 0, 64);
        probe_require(one != NULL && other != NULL && third != NULL, "new of 0 bytes is NULL");
        probe_require(one != other, "new of 0 bytes gives %p twice", one);
        deleted(2, one, 0);
        deleted(3, other, 0);
        deleted_aligned(2, third, 0, 64);
    }
}

static void null(size_t size)
{
    for (int form = 0; form < 6; form++) {
        deleted(form, NULL, size);
        deleted_aligned(form, NULL, size, 64);
    }
}

// Where no exception may be thrown, NULL is the answer, and the process goes on.
static void nothrow(size_t size)
{
    static const size_t HUGE[] = {
        SIZE_MAX,       SIZE_MAX - 15,      SIZE_MAX - 4095, SIZE_MAX / 2 + 1,
        PTRDIFF_MAX,    (size_t)1 << 62,    (size_t)1 << 56, (size_t)-524288,
        SIZE_MAX - 100, SIZE_MAX - 2097151, (size_t)1 << 47, PTRDIFF_MAX - 4095,
    };
    for (size_t i = 0; i < sizeof HUGE / sizeof HUGE[0]; i++) {
        size_t huge = HUGE[i];
        probe_require(new_one_nothrow(huge, &NOTHROW) == NULL, "new of %#zx", huge);
        probe_require(new_array_nothrow(huge, &NOTHROW) == NULL, "new[] of %#zx", huge);
        for (size_t align = 1; align <= (size_t)4 << 20; align *= 4) {
            probe_require(new_one_aligned_nothrow(huge, align, &NOTHROW) == NULL,
                          "new of %#zx at %zu", huge, align);
            probe_require(new_array_aligned_nothrow(huge, align, &NOTHROW) == NULL,
                          "new[] of %#zx at %zu", huge, align);
        }
    }
    probe_require(new_one_aligned_nothrow(size, (size_t)1 << 62, &NOTHROW) == NULL,
                  "an alignment of 2^62");
    deleted(0, made(2, size), size);
}

static void *delete_all(void *blocks)
{
    for (size_t i = 0; i < 1000; i++) {
        delete_one_sized(((void **)blocks)[i], 64);
    }
    return NULL;
}

static void by_another_thread(size_t size)
{
    static void *blocks[1000];
    for (int round = 0; round < 10; round++) {
        for (size_t i = 0; i < 1000; i++) {
            blocks[i] = new_one(size);
        }
        probe_in_thread(delete_all, blocks);
    }
}

// One heap: what C++ made C may free, and the other way round.
static void one_heap(size_t size)
{
    probe_free(new_one(size));
    probe_free(new_array_aligned(size, 256));
    delete_one(probe_malloc(size));
    delete_array_sized(probe_malloc(size), size);
    void *grown = probe_realloc(new_one(size), 10 * size);
    probe_require(grown != NULL, "realloc of what new made");
    delete_one_sized(grown, 10 * size);
}

int main(int argc, char **argv)
{
    static const struct probe PROBES[] = {
        {"plain", plain, PROBE_CLASSES},
        {"plain_large", plain, PROBE_LARGE},
        {"aligned", aligned, PROBE_CLASSES},
        {"aligned_large", aligned, PROBE_LARGE},
        {"aligned_high", aligned_high, PROBE_ONE},
        {"aligned_high_large", aligned_high, PROBE_LARGE},
        {"zero", zero, PROBE_ONE},
        {"null", null, PROBE_ONE},
        {"nothrow", nothrow, PROBE_ONE},
        {"by_another_thread", by_another_thread, PROBE_ONE},
        {"one_heap", one_heap, PROBE_CLASSES},
    };
    return probe_main(PROBES, sizeof PROBES / sizeof PROBES[0], argc, argv);
}
