// SPDX-License-Identifier: MIT
//
// libc.c - the target "libc": the malloc that programs get who ask for nothing else.

#include <errno.h>

#include "target/malloc.h"
#include "target/rows.h"

static int libc_resolve(struct target_spec *spec, struct complaint *complaint)
{
    if (spec->argument != NULL || spec->options != NULL) {
        complain(complaint, "target %s: libc takes neither argument nor options; write \"libc\"",
                 spec->name);
        return EINVAL;
    }
    return 0;
}

const struct target target_libc = {
    .name = "libc",
    .form = "libc",
    .help = "the malloc of the system's C library",
    .resolve = libc_resolve,
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
