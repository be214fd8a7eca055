// SPDX-License-Identifier: MIT
//
// supplier.c - which object answers malloc in this process: path, version, build-id.
//
// The path is that of the object that holds the address which the dynamic linker gives for malloc.
// The version is what a function of that same object says; one that another object happens to
// export is not asked. The build-id is read from the object's notes as they are mapped.

#include "run/supplier.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *supplier_symbol(const char *name, const void *base)
{
    Dl_info info;
    void *address = dlsym(RTLD_DEFAULT, name);
    return address != NULL && dladdr(address, &info) != 0 && info.dli_fbase == base ? address
                                                                                    : NULL;
}

static void supplier_version(struct report_supplier *supplier, const void *base)
{
    char *text = supplier->version;
    size_t size = sizeof supplier->version;
    int (*mallctl)(const char *, void *, size_t *, void *, size_t) =
        (int (*)(const char *, void *, size_t *, void *, size_t))supplier_symbol("mallctl", base);
    int (*mi_version)(void) = (int (*)(void))supplier_symbol("mi_version", base);
    const char *(*tc_version)(int *, int *, const char **) =
        (const char *(*)(int *, int *, const char **))supplier_symbol("tc_version", base);
    const char *(*libc_version)(void) =
        (const char *(*)(void))supplier_symbol("gnu_get_libc_version", base);
    if (mallctl != NULL) {
        const char *version = "";
        size_t length = sizeof version;
        if (mallctl("version", &version, &length, NULL, 0) == 0) {
            snprintf(text, size, "jemalloc %s", version);
        }
    } else if (mi_version != NULL) {
        int version = mi_version(); // 209 is 2.0.9
        snprintf(text, size, "mimalloc %d.%d.%d", version / 100, version / 10 % 10, version % 10);
    } else if (tc_version != NULL) {
        int major, minor;
        const char *patch;
        tc_version(&major, &minor, &patch);
        snprintf(text, size, "gperftools %d.%d%s", major, minor, patch != NULL ? patch : "");
    } else if (libc_version != NULL) {
        snprintf(text, size, "glibc %s", libc_version());
    }
}

struct supplier_search {
    const void *base;
    struct report_supplier *supplier;
};

// The GNU build-id of a run of notes, if it is there.
static bool supplier_note(const char *notes, size_t size, struct report_supplier *supplier)
{
    size_t at = 0;
    while (at + sizeof(ElfW(Nhdr)) <= size) {
        ElfW(Nhdr) note;
        memcpy(&note, notes + at, sizeof note);
        size_t name = at + sizeof note;
        size_t content = name + ((note.n_namesz + 3u) & ~3u);
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
            memcmp(notes + name, "GNU", 4) == 0) {
            for (unsigned i = 0; i < note.n_descsz && 2 * i + 2 < sizeof supplier->build_id; i++) {
                snprintf(supplier->build_id + 2 * i, 3, "%02x",
                         (unsigned)(unsigned char)notes[content + i]);
            }
            return true;
        }
        at = content + ((note.n_descsz + 3u) & ~3u);
    }
    return false;
}

// dladdr's base is where the object's first segment is mapped; dl_iterate_phdr tells the bias.
static int supplier_object(struct dl_phdr_info *object, size_t size, void *argument)
{
    (void)size;
    struct supplier_search *search = argument;
    bool ours = false;
    for (unsigned i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        uintptr_t start = object->dlpi_addr + segment->p_vaddr;
        ours |= segment->p_type == PT_LOAD && (uintptr_t)search->base >= start &&
                (uintptr_t)search->base < start + segment->p_memsz;
    }
    for (unsigned i = 0; ours && i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        const char *notes = (const char *)(object->dlpi_addr + segment->p_vaddr);
        if (segment->p_type == PT_NOTE &&
            supplier_note(notes, segment->p_memsz, search->supplier)) {
            break;
        }
    }
    return ours;
}

static int supplier_of(const char *function, struct report_supplier *supplier)
{
    Dl_info info;
    void *address = dlsym(RTLD_DEFAULT, function);
    if (address == NULL || dladdr(address, &info) == 0 || info.dli_fname == NULL) {
        return ENOENT;
    }
    _Static_assert(sizeof supplier->path >= PATH_MAX, "realpath writes up to PATH_MAX");
    if (realpath(info.dli_fname, supplier->path) == NULL) {
        snprintf(supplier->path, sizeof supplier->path, "%s", info.dli_fname);
    }
    supplier_version(supplier, info.dli_fbase);
    struct supplier_search search = {info.dli_fbase, supplier};
    dl_iterate_phdr(supplier_object, &search);
    return 0;
}

int supplier_find(struct report_supplier *supplier)
{
    return supplier_of("malloc", supplier);
}

int supplier_libc(struct report_supplier *supplier)
{
    return supplier_of("gnu_get_libc_version", supplier);
}

bool supplier_is_libc(const struct report_supplier *supplier)
{
#if defined(MEMS_SANITIZED)
    (void)supplier;
    return true;
#else
    const char *name = strrchr(supplier->path, '/');
    name = name != NULL ? name + 1 : supplier->path;
    return strncmp(name, "libc.so", 7) == 0 || strncmp(name, "libc-", 5) == 0;
#endif
}
