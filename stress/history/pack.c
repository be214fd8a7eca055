// SPDX-License-Identifier: MIT
//
// pack.c - a document's bytes as they are kept.
//
// A frame of Zstandard (RFC 8878), known by its magic number, or the JSON itself, which begins with
// a brace: so a build without libzstd reads what it wrote, and says what it lacks for the rest.

#include <stdlib.h>
#include <string.h>

#include "history/inner.h"

#ifdef MEMS_HAVE_ZSTD
#include <zstd.h>
#endif

#define PACK_LEVEL 6
#define PACK_MOST  (UINT64_C(1) << 32) // bytes of a document

static char *pack_room(size_t size)
{
    char *room = malloc(size + 1);
    if (room == NULL) {
        complain_exhausted();
    }
    return room;
}

void *pack_bytes(const char *text, size_t size, size_t *packed)
{
    char *bytes;
#ifdef MEMS_HAVE_ZSTD
    size_t most = ZSTD_compressBound(size);
    bytes = pack_room(most);
    *packed = ZSTD_compress(bytes, most, text, size, PACK_LEVEL);
    if (!ZSTD_isError(*packed)) {
        return bytes;
    }
    free(bytes);
#endif
    bytes = pack_room(size);
    memcpy(bytes, text, size);
    *packed = size;
    return bytes;
}

static char *pack_damaged(struct complaint *complaint)
{
    complain(complaint, "a document of the history is damaged");
    return NULL;
}

#ifdef MEMS_HAVE_ZSTD
static char *pack_inflate(const void *bytes, size_t size, struct complaint *complaint)
{
    unsigned long long most = ZSTD_getFrameContentSize(bytes, size);
    if (most >= PACK_MOST) { // or unknown, or no frame: both are larger
        return pack_damaged(complaint);
    }
    char *text = pack_room((size_t)most);
    size_t got = ZSTD_decompress(text, (size_t)most, bytes, size);
    if (ZSTD_isError(got)) {
        free(text);
        return pack_damaged(complaint);
    }
    text[got] = '\0';
    return text;
}
#else
static char *pack_inflate(const void *bytes, size_t size, struct complaint *complaint)
{
    (void)bytes;
    (void)size;
    complain(complaint, "a document of the history is compressed, and this mems-stress was built "
                        "without libzstd");
    return NULL;
}
#endif

static bool pack_is_frame(const void *bytes, size_t size)
{
    static const unsigned char magic[] = {0x28, 0xb5, 0x2f, 0xfd};
    return size >= sizeof magic && memcmp(bytes, magic, sizeof magic) == 0;
}

bool pack_can_undo(const void *bytes, size_t size)
{
#ifdef MEMS_HAVE_ZSTD
    (void)bytes;
    (void)size;
    return true;
#else
    return !pack_is_frame(bytes, size);
#endif
}

char *pack_undo(const void *bytes, size_t size, struct complaint *complaint)
{
    if (pack_is_frame(bytes, size)) {
        return pack_inflate(bytes, size, complaint);
    }
    if (size == 0 || *(const char *)bytes != '{') {
        return pack_damaged(complaint);
    }
    char *text = pack_room(size);
    memcpy(text, bytes, size);
    text[size] = '\0';
    return text;
}
