// SPDX-License-Identifier: MIT
//
// binary_read.c - the binary form, read frame by frame; damage is told with what stands before it.
//
// Every number of the file is distrusted: a frame is checked before it is unpacked, and unpacked
// values are compared with their ranges, so that no file, whatever its bytes, does more than be
// refused.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trace/account.h"
#include "trace/binary.h"
#include "trace/store.h"

bool trace_is_binary(const void *bytes, size_t length)
{
    const char *magic = TRACE_MAGIC;
    size_t compared = length < 8 ? length : 8;
    return length > 0 && memcmp(bytes, magic, compared) == 0;
}

#ifdef MEMS_HAVE_ZSTD

#include <zstd.h>

struct span {
    const uint8_t *at, *end;
};

struct reader {
    const char *name;
    struct trace_file_header header;
    struct span file; // what is left of it
    struct trace *trace;
    struct trace_numbers numbers;
    struct trace_account account;
    uint8_t *frame; // unpacked
    size_t frame_room;
    const char *wrong; // what is damaged, when something is
    bool starved;      // it is not: there was no memory for it
};

// What seems wrong may be that there was no memory to read on: then errno says so, which nothing
// else on the way sets to that.
static bool bad(struct reader *reader, const char *wrong)
{
    if (reader->wrong == NULL) {
        reader->wrong = wrong;
        reader->starved = errno == ENOMEM;
    }
    return false;
}

// ---- bytes --------------------------------------------------------------------------------------

static bool get_varint(struct span *span, uint64_t *value)
{
    uint64_t result = 0;
    for (unsigned shift = 0; shift < 64 && span->at < span->end; shift += 7) {
        uint8_t byte = *span->at++;
        result |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value = result;
            return true;
        }
    }
    return false;
}

static bool get_below(struct span *span, uint64_t bound, uint64_t *value)
{
    return get_varint(span, value) && *value < bound;
}

// *text is NULL where there is none; from malloc otherwise.
static bool get_text(struct span *span, char **text)
{
    uint64_t length;
    if (!get_varint(span, &length) || length > (size_t)(span->end - span->at) + 1) {
        return false;
    }
    *text = NULL;
    if (length > 0) {
        *text = strndup((const char *)span->at, length - 1);
        span->at += length - 1;
        return *text != NULL;
    }
    return true;
}

// ---- frames -------------------------------------------------------------------------------------

// Unpacks the next frame. False: the end, or damage (reader->wrong).
static bool frame_next(struct reader *reader, struct trace_frame_header *head, struct span *body)
{
    struct span *file = &reader->file;
    if ((size_t)(file->end - file->at) < sizeof(*head)) {
        return bad(reader, "truncated");
    }
    memcpy(head, file->at, sizeof(*head));
    uint64_t hash = trace_hash(TRACE_HASH_START, head, offsetof(struct trace_frame_header, check));
    const uint8_t *packed = file->at + sizeof(*head);
    if (head->packed > (size_t)(file->end - packed)) {
        return bad(reader, "truncated");
    }
    if (trace_hash(hash, packed, head->packed) != head->check) {
        return bad(reader, "corrupted (a frame's checksum does not match)");
    }
    file->at = packed + head->packed;
    if (head->packed == 0) {
        return file->at == file->end ? false : bad(reader, "followed by other bytes");
    }
    void *frame = reader->frame;
    if (head->unpacked > TRACE_FRAME_MAX ||
        trace_store_grow(&frame, &reader->frame_room, head->unpacked + 1u, 1) != 0) {
        return bad(reader, "corrupted (a frame of an impossible size)");
    }
    reader->frame = frame;
    size_t size = ZSTD_decompress(frame, head->unpacked, packed, head->packed);
    if (ZSTD_isError(size) || size != head->unpacked) {
        return bad(reader, "corrupted (a frame that zstd cannot unpack)");
    }
    body->at = frame;
    body->end = body->at + size;
    return true;
}

static bool read_names(struct reader *reader, struct span body)
{
    struct trace *trace = reader->trace;
    bool fine = get_text(&body, &trace->program) && get_text(&body, &trace->host);
    for (uint32_t i = 0; i < reader->header.processes && fine; i++) {
        char *name = NULL;
        fine = get_text(&body, &name) && name != NULL &&
               trace_add_process(trace, name, strlen(name)) == 0;
        free(name);
    }
    if (fine && reader->header.flags & TRACE_FILE_NAMED) {
        // A byte a name at least: the count is believed only so far.
        fine = reader->header.blocks <= (size_t)(body.end - body.at);
        trace->block_names =
            fine ? calloc((size_t)reader->header.blocks + 1, sizeof(char *)) : NULL;
        fine = trace->block_names != NULL;
        for (uint32_t i = 0; fine && i < reader->header.blocks; i++) {
            trace->block_count = i + 1;
            fine = get_text(&body, &trace->block_names[i]);
        }
    }
    return (fine && body.at == body.end) || bad(reader, "corrupted (its names)");
}

// ---- operations ---------------------------------------------------------------------------------

static bool get_details(struct span *span, struct trace_op *op)
{
    uint64_t value;
    if (span->at == span->end) {
        return false;
    }
    unsigned details = *span->at++;
    bool fine = details < 16;
    if (fine && details & TRACE_DETAIL_CALL) {
        fine = get_below(span, TRACE_CALLS, &value);
        op->call = fine ? (uint8_t)value : 0;
    }
    if (fine && details & TRACE_DETAIL_ALIGN) {
        fine = get_below(span, 64, &value);
        op->align_log2 = fine ? (uint8_t)value : 0;
    }
    if (fine && details & TRACE_DETAIL_FLAG) {
        fine = get_below(span, 256, &value);
        op->flag = fine ? (uint8_t)value : 0;
    }
    if (fine && details & TRACE_DETAIL_PROCESS) {
        fine = get_below(span, 65536, &value);
        op->process = fine ? (uint16_t)value : 0;
    }
    return fine;
}

static bool get_block(struct reader *reader, struct span *span, struct trace_op *op)
{
    struct trace_numbers *numbers = &reader->numbers;
    bool implied = reader->header.flags & TRACE_FILE_IMPLIED;
    uint64_t value;
    if (trace_kind_allocates(op->kind)) {
        value = trace_numbers_predict(numbers);
        if (!implied && !get_varint(span, &value)) {
            return false;
        }
        if (value >= reader->header.blocks) {
            return false;
        }
        op->block = (uint32_t)value;
        return trace_numbers_alloc(numbers, op->block) == 0;
    }
    if (!get_varint(span, &value) || value == 0 || value > numbers->births) {
        return false;
    }
    op->block = numbers->number_of[numbers->births - value];
    return op->kind != TRACE_FREE || !implied || trace_numbers_free(numbers, op->block) == 0;
}

static bool get_op(struct reader *reader, struct span columns[], struct trace_op *op)
{
    struct span *verbs = &columns[TRACE_COLUMN_VERBS];
    if (verbs->at == verbs->end) {
        return false;
    }
    unsigned verb = *verbs->at++;
    uint64_t value;
    op->kind = verb & TRACE_VERB_KIND;
    op->call = (uint8_t)trace_call_usual(op->kind);
    if (op->kind >= TRACE_KINDS || verb >= 0x40) {
        return false;
    }
    if (verb & TRACE_VERB_THREAD) {
        if (!get_below(&columns[TRACE_COLUMN_THREADS], reader->header.threads, &value)) {
            return false;
        }
        op->thread = (uint16_t)value;
    }
    if (verb & TRACE_VERB_DETAILS && !get_details(&columns[TRACE_COLUMN_DETAILS], op)) {
        return false;
    }
    if (!trace_kind_has_block(op->kind)) {
        return true;
    }
    return get_block(reader, &columns[TRACE_COLUMN_BLOCKS], op) &&
           (op->kind == TRACE_FREE || get_varint(&columns[TRACE_COLUMN_SIZES], &op->size));
}

static bool read_ops(struct reader *reader, struct span body, uint32_t count)
{
    struct span columns[TRACE_COLUMNS];
    uint64_t lengths[TRACE_COLUMNS];
    for (unsigned i = 0; i < TRACE_COLUMNS; i++) {
        if (!get_below(&body, TRACE_FRAME_MAX + UINT64_C(1), &lengths[i])) {
            return bad(reader, "corrupted (a frame's columns)");
        }
    }
    for (unsigned i = 0; i < TRACE_COLUMNS; i++) {
        if (lengths[i] > (size_t)(body.end - body.at)) {
            return bad(reader, "corrupted (a frame's columns)");
        }
        columns[i] = (struct span){body.at, body.at + lengths[i]};
        body.at += lengths[i];
    }
    uint16_t thread = 0, process = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct trace_op op = {.thread = thread, .process = process};
        if (!get_op(reader, columns, &op) ||
            (op.process >= reader->header.processes && op.kind < TRACE_THREAD_START)) {
            return bad(reader, "corrupted (an operation that means nothing)");
        }
        if (trace_account_add(&reader->account, &op) != NULL) {
            return bad(reader, "not legal (an operation on a block that is not there)");
        }
        if (trace_append(reader->trace, &op) != 0) {
            return bad(reader, "too large for the memory here");
        }
        thread = op.thread;
        process = op.process;
    }
    return true;
}

// ---- the whole ----------------------------------------------------------------------------------

static bool read_header(struct reader *reader)
{
    struct trace_file_header *header = &reader->header;
    if ((size_t)(reader->file.end - reader->file.at) < sizeof(*header)) {
        return bad(reader, "truncated");
    }
    memcpy(header, reader->file.at, sizeof(*header));
    reader->file.at += sizeof(*header);
    uint64_t check =
        trace_hash(TRACE_HASH_START, header, offsetof(struct trace_file_header, check));
    if (header->version != TRACE_VERSION && header->check == check) {
        return bad(reader, "of another version");
    }
    return header->check == check || bad(reader, "corrupted (the header's checksum)");
}

static void read_frames(struct reader *reader)
{
    struct trace_frame_header head;
    struct span body;
    if (!frame_next(reader, &head, &body) || !read_names(reader, body)) {
        bad(reader, "corrupted (no names)");
        return;
    }
    while (frame_next(reader, &head, &body)) {
        if (!read_ops(reader, body, head.ops)) {
            return;
        }
    }
    if (reader->wrong == NULL && reader->trace->op_count != reader->header.ops) {
        bad(reader, "corrupted (not as many operations as its header says)");
    }
}

static int report(const struct reader *reader, struct complaint *complaint)
{
    const struct trace_file_header *header = &reader->header;
    if (reader->starved) {
        complain(complaint, "%s: cannot be read: %s", reader->name, strerror(ENOMEM));
        return ENOMEM;
    }
    if (strcmp(reader->wrong, "of another version") == 0) {
        complain(complaint, "%s: is a trace of version %u; this mems-stress reads version %u",
                 reader->name, header->version, TRACE_VERSION);
        return ENOTSUP;
    }
    complain(complaint, "%s: the trace is %s; %zu of %llu operations are readable", reader->name,
             reader->wrong, reader->trace->op_count, (unsigned long long)header->ops);
    return EBADMSG;
}

int trace_binary_parse(const void *bytes, size_t length, const char *name, struct trace **trace,
                       struct trace **part, struct complaint *complaint)
{
    struct reader reader = {.name = name, .trace = trace_new()};
    if (reader.trace == NULL) {
        complain(complaint, "%s: cannot be read: %s", name, strerror(ENOMEM));
        return ENOMEM;
    }
    errno = 0;
    reader.file = (struct span){bytes, (const uint8_t *)bytes + length};
    trace_account_init(&reader.account);
    if (read_header(&reader)) {
        read_frames(&reader);
        // Numbers that no operation of this trace uses are kept, too.
        reader.trace->thread_count = reader.header.threads;
        if (reader.wrong == NULL) {
            reader.trace->block_count = reader.header.blocks;
        }
    }
    trace_numbers_fini(&reader.numbers);
    trace_account_fini(&reader.account);
    trace_store_free(reader.frame, reader.frame_room, 1);
    int error = reader.wrong != NULL ? report(&reader, complaint) : 0;
    if (error == 0) {
        *trace = reader.trace;
    } else if (part != NULL && error == EBADMSG) {
        *part = reader.trace;
    } else {
        trace_free(reader.trace);
    }
    return error;
}

#else

int trace_binary_parse(const void *bytes, size_t length, const char *name, struct trace **trace,
                       struct trace **part, struct complaint *complaint)
{
    (void)bytes;
    (void)length;
    (void)trace;
    (void)part;
    complain(complaint, "%s: binary traces need zstd, which this build lacks (libzstd-dev)", name);
    return ENOTSUP;
}

#endif
