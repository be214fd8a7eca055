// SPDX-License-Identifier: MIT
//
// preload.c - the target "preload": another malloc, by LD_PRELOAD, found by name or path.
//
// The dynamic linker ignores a preload file that it cannot load. Resolving therefore looks for the
// file first, and the cell proves afterwards that it is the one that supplies malloc (run/proof.c).

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/malloc.h"
#include "target/rows.h"

static const struct {
    const char *name;
    const char *file;
    const char *package; // Debian's
} preload_known[] = {
    {"jemalloc", "libjemalloc.so.2", "libjemalloc2"},
    {"mimalloc", "libmimalloc.so.2", "libmimalloc2.0"},
    {"tcmalloc", "libtcmalloc_minimal.so.4", "libtcmalloc-minimal4"},
};

// Where ld.so of a Debian machine looks, most specific first.
static const char *const preload_folders[] = {
    "/usr/local/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib/x86_64-linux-gnu",
    "/usr/local/lib",
    "/usr/lib",
    "/lib",
    "/usr/lib64",
};

#define PRELOAD_FOLDERS (sizeof preload_folders / sizeof preload_folders[0])
#define PRELOAD_KNOWN   (sizeof preload_known / sizeof preload_known[0])

// The first file that matches folder/pattern.
static bool preload_match(const char *folder, const char *pattern, char *path, size_t size)
{
    char full[PATH_MAX];
    snprintf(full, sizeof full, "%s/%s", folder, pattern);
    glob_t found;
    if (glob(full, 0, NULL, &found) != 0) {
        return false;
    }
    snprintf(path, size, "%s", found.gl_pathv[0]);
    globfree(&found);
    return true;
}

static bool preload_search(const char *pattern, char *path, size_t size)
{
    for (size_t i = 0; i < PRELOAD_FOLDERS; i++) {
        if (preload_match(preload_folders[i], pattern, path, size)) {
            return true;
        }
    }
    return false;
}

static void preload_complain_missing(const char *name, const char *package,
                                     struct complaint *complaint)
{
    char looked[512] = "";
    for (size_t i = 0; i < PRELOAD_FOLDERS; i++) {
        size_t length = strlen(looked);
        snprintf(looked + length, sizeof looked - length, "%s%s", i == 0 ? "" : ", ",
                 preload_folders[i]);
    }
    if (package != NULL) {
        complain(complaint, "preload:%s: no such library in %s; install it with: apt install %s",
                 name, looked, package);
    } else {
        complain(complaint, "preload:%s: no lib%s.so* in %s; give its path instead", name, name,
                 looked);
    }
}

int target_library_find(const char *name, char *path, size_t size, struct complaint *complaint)
{
    for (size_t i = 0; i < PRELOAD_KNOWN; i++) {
        if (strcmp(preload_known[i].name, name) == 0) {
            if (preload_search(preload_known[i].file, path, size)) {
                return 0;
            }
            preload_complain_missing(name, preload_known[i].package, complaint);
            return ENOENT;
        }
    }
    char pattern[NAME_MAX];
    if ((size_t)snprintf(pattern, sizeof pattern, "lib%s.so*", name) < sizeof pattern &&
        strpbrk(name, "*?[\\") == NULL && preload_search(pattern, path, size)) {
        return 0;
    }
    preload_complain_missing(name, NULL, complaint);
    return ENOENT;
}

// A file that ld.so could load into this process: 0, or ENOENT, EINVAL with a complaint.
static int preload_probe(const char *path, struct complaint *complaint)
{
    Elf64_Ehdr header;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        int error = errno;
        complain(complaint, "preload:%s: %s", path, strerror(error));
        return error == ENOENT ? ENOENT : EINVAL;
    }
    ssize_t got = read(file, &header, sizeof header);
    close(file);
    if (got != (ssize_t)sizeof header || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_X86_64 ||
        header.e_type != ET_DYN) {
        complain(complaint, "preload:%s: not a shared object for x86-64", path);
        return EINVAL;
    }
    return 0;
}

static int preload_locate(const struct target_spec *spec, char *path, size_t size,
                          struct complaint *complaint)
{
    if (strchr(spec->argument, '/') == NULL) {
        return target_library_find(spec->argument, path, size, complaint);
    }
    bool relative = spec->argument[0] != '/' && spec->folder != NULL;
    snprintf(path, size, "%s%s%s", relative ? spec->folder : "", relative ? "/" : "",
             spec->argument);
    return 0;
}

static int preload_resolve(struct target_spec *spec, struct complaint *complaint)
{
    if (spec->argument == NULL || spec->options != NULL) {
        complain(complaint, "target %s: write preload:NAME or preload:PATH, without options",
                 spec->name);
        return EINVAL;
    }
    char path[PATH_MAX];
    int error = preload_locate(spec, path, sizeof path, complaint);
    if (error == 0) {
        error = preload_probe(path, complaint);
    }
    if (error != 0) {
        return error;
    }
    char *real = realpath(path, NULL);
    if (real == NULL) {
        complain(complaint, "preload:%s: %s", path, strerror(errno));
        return EINVAL;
    }
    if (strpbrk(real, ": ") != NULL) {
        complain(complaint, "preload:%s: LD_PRELOAD cannot carry a path with a colon or a space",
                 real);
        free(real);
        return EINVAL;
    }
    spec->preload = real;
    return 0;
}

static void preload_each_word(target_word take, void *arg)
{
    for (size_t i = 0; i < PRELOAD_KNOWN; i++) {
        char word[64], help[64];
        snprintf(word, sizeof word, "preload:%s", preload_known[i].name);
        snprintf(help, sizeof help, "of Debian's %s", preload_known[i].package);
        take(arg, word, help);
    }
}

const struct target target_preload = {
    .name = "preload",
    .form = "preload:NAME-OR-PATH",
    .help = "a malloc from a shared object: jemalloc, mimalloc, tcmalloc, or any path",
    .each_word = preload_each_word,
    .resolve = preload_resolve,
    .process_malloc = true,
    .open = target_malloc_open,
    .close = target_malloc_close,
    .space_open = target_malloc_space_open,
    .space_close = target_malloc_space_close,
    .ops = &target_malloc_ops,
    .usage = target_malloc_usage,
    .native = target_malloc_native,
    .in_use = target_malloc_in_use,
};
