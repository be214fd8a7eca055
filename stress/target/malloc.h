// SPDX-License-Identifier: MIT
//
// malloc.h - the operations of whatever malloc this process has; shared by libc and preload.

#ifndef TARGET_MALLOC_H
#define TARGET_MALLOC_H

#include "target/target.h"

extern const struct target_ops target_malloc_ops;

int target_malloc_open(const struct target_spec *spec, const struct target_demand *demand,
                       struct target_instance **instance, struct complaint *complaint);
void target_malloc_close(struct target_instance *instance);
int target_malloc_space_open(struct target_instance *instance, void **space);
void target_malloc_space_close(struct target_instance *instance, void *space);
void target_malloc_usage(struct target_instance *instance, struct target_usage *usage);
// Which allocator it is, is found by what the object that answers malloc exports (native.c).
void target_malloc_native(struct target_instance *instance, target_statistic take, void *arg);
// Caches of this thread are emptied where it lets one.
bool target_malloc_in_use(struct target_instance *instance, uint64_t *bytes, uint64_t *cached);

// libNAME.so* in the folders where a dynamic linker of this machine looks: an absolute path into
// `path`, or ENOENT with a complaint that says where it looked.
int target_library_find(const char *name, char *path, size_t size, struct complaint *complaint);

#endif
