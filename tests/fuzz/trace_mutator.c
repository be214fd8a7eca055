// SPDX-License-Identifier: MIT
//
// trace_mutator.c - how libFuzzer changes a binary trace: inside its frames, with checksums that
// match afterwards.
//
// Changed at random a binary trace is refused by the first checksum, and nothing behind it is ever
// reached. So an input is taken apart (FORMAT.md): the header, or the unpacked content of one
// frame, is changed by libFuzzer's own mutator, packed again, and every hash is made to match. One
// time in eight, and where the input cannot be taken apart, bytes change as they stand: damage is
// read too.

#include <string.h>
#include <zstd.h>

#include "fuzz/fuzz.h"
#include "trace/binary.h"

enum { FRAMES = 8, CONTENT = 1 << 16 };

struct frame {
    struct trace_frame_header head;
    size_t length;
    uint8_t content[CONTENT];
};

static struct {
    struct trace_file_header header;
    size_t count;
    struct frame frames[FRAMES];
} parts;

static bool take_apart(const uint8_t *bytes, size_t size)
{
    size_t at = sizeof parts.header;
    if (size < at) {
        return false;
    }
    memcpy(&parts.header, bytes, at);
    for (parts.count = 0; size - at >= sizeof(struct trace_frame_header);) {
        struct frame *frame = &parts.frames[parts.count];
        memcpy(&frame->head, bytes + at, sizeof frame->head);
        at += sizeof frame->head;
        if (frame->head.packed == 0) {
            break;
        }
        if (parts.count + 1 == FRAMES || frame->head.packed > size - at) {
            return false;
        }
        frame->length =
            ZSTD_decompress(frame->content, sizeof frame->content, bytes + at, frame->head.packed);
        if (ZSTD_isError(frame->length)) {
            return false;
        }
        at += frame->head.packed;
        parts.count++;
    }
    return parts.count > 0;
}

// The bytes of a frame behind `at`; 0: no room.
static size_t put_frame(uint8_t *bytes, size_t at, size_t most, struct frame *frame)
{
    static uint8_t packed[CONTENT * 2];
    size_t length = 0;
    if (frame != NULL) {
        length = ZSTD_compress(packed, sizeof packed, frame->content, frame->length, 1);
    }
    struct trace_frame_header head = {.packed = (uint32_t)length};
    if (ZSTD_isError(length) || at + sizeof head + length > most) {
        return 0;
    }
    if (frame != NULL) {
        head.unpacked = (uint32_t)frame->length;
        head.ops = frame->head.ops;
    }
    uint64_t hash = trace_hash(TRACE_HASH_START, &head, offsetof(struct trace_frame_header, check));
    head.check = trace_hash(hash, packed, length);
    memcpy(bytes + at, &head, sizeof head);
    memcpy(bytes + at + sizeof head, packed, length);
    return sizeof head + length;
}

static size_t put_together(uint8_t *bytes, size_t most)
{
    struct trace_file_header *header = &parts.header;
    size_t at = sizeof *header;
    header->check = trace_hash(TRACE_HASH_START, header, offsetof(struct trace_file_header, check));
    if (most < at) {
        return 0;
    }
    memcpy(bytes, header, at);
    for (size_t i = 0; i <= parts.count; i++) {
        size_t length = put_frame(bytes, at, most, i < parts.count ? &parts.frames[i] : NULL);
        if (length == 0) {
            return 0;
        }
        at += length;
    }
    return at;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    if (seed % 8 == 0 || !take_apart(bytes, size)) {
        return LLVMFuzzerMutate(bytes, size, most);
    }
    size_t which = seed / 8 % (parts.count + 1);
    if (which == parts.count && seed / 128 % 2 == 0) {
        uint8_t *header = (uint8_t *)&parts.header;
        LLVMFuzzerMutate(header + 12, offsetof(struct trace_file_header, unused) - 12,
                         offsetof(struct trace_file_header, unused) - 12);
    } else if (which == parts.count) {
        struct frame *frame = &parts.frames[seed / 256 % parts.count];
        LLVMFuzzerMutate((uint8_t *)&frame->head.ops, sizeof frame->head.ops,
                         sizeof frame->head.ops);
        parts.header.ops = seed / 512 % 2 == 0 ? frame->head.ops : parts.header.ops;
    } else {
        struct frame *frame = &parts.frames[which];
        frame->length = LLVMFuzzerMutate(frame->content, frame->length, sizeof frame->content);
    }
    size_t length = put_together(bytes, most);
    return length != 0 ? length : LLVMFuzzerMutate(bytes, size, most);
}
