// SPDX-License-Identifier: MIT
//
// target.h - whose allocator is measured, as text: the driver's words for it.
//
//   mems:POLICY(key=value,...)   the engine, through engine.h
//   libc                         malloc of the C library
//   preload:NAME-OR-PATH         malloc of a shared object, brought in by LD_PRELOAD
//   null                         nothing: what the loops themselves cost
//
// A library's name is that of an allocator Debian has, of a lib*.so in the system's folders, or
// mems-malloc: the drop-in malloc of the same build or installation. A '?' in front leaves the
// target out where it is missing.

#ifndef BENCH_TARGET_H
#define BENCH_TARGET_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TARGET_TEXT 1024

struct target {
    char name[TARGET_TEXT]; // as written, without '?'
    enum family family;
    bool optional;
    char policy[64];           // FAMILY_MEMS
    bool compacts;             // FAMILY_MEMS: mems_compact moves its blocks
    char options[TARGET_TEXT]; // FAMILY_MEMS
    char library[PATH_MAX];    // what LD_PRELOAD shall say; "" for none
};

// Cuts the first target off a list separated by commas outside parentheses. The list moves on; it
// is NULL after the last. Returns 0 or E2BIG.
int target_next(const char **list, char *text, size_t size);

// What is measured where nobody says what: every policy, the drop-in malloc, the C library's malloc
// and the peers that are here.
void target_standard(char *list, size_t size);

// Reads and finds one target. 0; ENOENT when its library is not here; EINVAL when it can never be
// right: `complaint` then says what, and what would be right.
int target_parse(const char *text, struct target *target, char *complaint, size_t size);

// Whether the kernel can measure the target.
bool target_suits(const struct target *target, const struct kernel *kernel);

// Opens the engine of a mems target with room for what `demand` says. 0 or an errno value, with a
// complaint.
int target_open(const struct target *target, const struct kernel_demand *demand, unsigned threads,
                struct mems_engine **engine, char *complaint, size_t size);

// The file that answers malloc in this process, "" when no object can be named.
void target_supplier(char *path, size_t size);

// Whether `supplier` is who should answer malloc for this target.
bool target_supplied(const struct target *target, const char *supplier);

#ifdef __cplusplus
}
#endif

#endif
