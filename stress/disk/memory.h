// SPDX-License-Identifier: MIT
//
// memory.h - a text in memory is whole, or it is told.

#ifndef DISK_MEMORY_H
#define DISK_MEMORY_H

#include <stddef.h>
#include <stdio.h>

// A stream into memory that grows. fclose gives *text (ended by a 0 that *length does not count;
// the caller's to free) or fails, with *text NULL: then memory was refused at some time, and ferror
// has told of it since. NULL: no memory for the stream.
FILE *disk_memory(char **text, size_t *length);

#endif
