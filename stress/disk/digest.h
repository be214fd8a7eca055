// SPDX-License-Identifier: MIT
//
// digest.h - SHA-256 of bytes and of files, as text. By libnettle, where this build has it.

#ifndef DISK_DIGEST_H
#define DISK_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

struct digest {
    char text[65]; // 64 digits, small letters; empty: not known
};

// Whether this build can (libnettle). Without it every digest is empty.
bool digest_possible(void);

struct digest digest_of_bytes(const void *bytes, size_t size);

// Of a file's content. Empty where it cannot be read, and of what is no regular file: a pipe could
// be read only once.
struct digest digest_of_file(const char *path);

#endif
