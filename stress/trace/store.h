// SPDX-License-Identifier: MIT
//
// store.h - arrays that grow by mapping: a trace is read in the process whose malloc is under test.

#ifndef TRACE_STORE_H
#define TRACE_STORE_H

#include <stddef.h>

// Makes room for `count` items of `size` bytes in *array (NULL at first), which has *room of them.
// New room is zeroed. 0 or ENOMEM; on failure nothing changed.
int trace_store_grow(void **array, size_t *room, size_t count, size_t size);
void trace_store_free(void *array, size_t room, size_t size);

#endif
