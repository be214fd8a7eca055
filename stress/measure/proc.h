// SPDX-License-Identifier: MIT
//
// proc.h - small files of the kernel's, read without malloc.

#ifndef MEASURE_PROC_H
#define MEASURE_PROC_H

#include <stddef.h>
#include <stdint.h>

// What one read of the file gives, as text ended by a 0: all of it, where the kernel makes the file
// in one piece. How long it is; 0: it is not there (errno), or empty. Async-signal-safe.
size_t proc_read(const char *path, char *text, size_t size);

// The number that the file begins with; 0: it is not there.
uint64_t proc_number(const char *path);

// Of the text of a statm: bytes that the process has mapped, and those of them that are resident.
// 0: it does not say.
uint64_t proc_mapped_of(const char *statm);
uint64_t proc_resident_of(const char *statm);

// The same of this process, now.
uint64_t proc_mapped(void);
uint64_t proc_resident(void);

#endif
