// SPDX-License-Identifier: MIT
//
// digest.c - SHA-256 of bytes and of files, as text.

#include "disk/digest.h"

#ifdef MEMS_HAVE_NETTLE

#include <nettle/sha2.h>
#include <stdio.h>
#include <sys/stat.h>

#define DIGEST_CHUNK 65536

bool digest_possible(void)
{
    return true;
}

static struct digest digest_end(struct sha256_ctx *hash)
{
    struct digest digest;
    uint8_t bytes[SHA256_DIGEST_SIZE];
    sha256_digest(hash, sizeof bytes, bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        snprintf(digest.text + 2 * i, sizeof digest.text - 2 * i, "%02x", bytes[i]);
    }
    return digest;
}

struct digest digest_of_bytes(const void *bytes, size_t size)
{
    struct sha256_ctx hash;
    sha256_init(&hash);
    sha256_update(&hash, size, bytes);
    return digest_end(&hash);
}

struct digest digest_of_file(const char *path)
{
    struct stat about;
    struct digest digest = {{0}};
    struct sha256_ctx hash;
    uint8_t chunk[DIGEST_CHUNK];
    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode)) {
        return digest;
    }
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return digest;
    }
    size_t got;
    sha256_init(&hash);
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0) {
        sha256_update(&hash, got, chunk);
    }
    if (!ferror(file)) {
        digest = digest_end(&hash);
    }
    fclose(file);
    return digest;
}

#else

bool digest_possible(void)
{
    return false;
}

struct digest digest_of_bytes(const void *bytes, size_t size)
{
    (void)bytes;
    (void)size;
    return (struct digest){{0}};
}

struct digest digest_of_file(const char *path)
{
    (void)path;
    return (struct digest){{0}};
}

#endif
