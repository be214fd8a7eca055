// SPDX-License-Identifier: MIT
//
// binary_write.c - the binary form, written operation by operation.
//
// The operations of a frame are gathered in columns (like stands beside like, which packs better),
// packed with zstd, and written with a length in front and a check. The header is written last,
// over its own place; the file gets its name when all is in it.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk/disk.h"
#include "trace/binary.h"
#include "trace/place.h"
#include "trace/store.h"

#ifdef MEMS_HAVE_ZSTD

#include <zstd.h>

#define LEVEL 15

struct column {
    uint8_t *bytes;
    size_t room;
    size_t used;
};

struct trace_writer {
    struct disk_file file;
    char *name; // as asked for, for complaints
    struct trace_file_header header;
    struct trace_numbers numbers;
    struct column columns[TRACE_COLUMNS];
    struct column frame;  // unpacked
    struct column packed; // with its header
    ZSTD_CCtx *zstd;
    uint32_t frame_ops;
    uint16_t thread, process; // of the operation before, in this frame
};

// ---- bytes --------------------------------------------------------------------------------------

static int column_room(struct column *column, size_t more)
{
    void *bytes = column->bytes;
    int error = trace_store_grow(&bytes, &column->room, column->used + more, 1);
    column->bytes = bytes;
    return error;
}

static int put_bytes(struct column *column, const void *bytes, size_t length)
{
    int error = column_room(column, length);
    if (error == 0 && length > 0) {
        memcpy(column->bytes + column->used, bytes, length);
        column->used += length;
    }
    return error;
}

static int put_varint(struct column *column, uint64_t value)
{
    int error = column_room(column, 10);
    if (error != 0) {
        return error;
    }
    while (value >= 0x80) {
        column->bytes[column->used++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    column->bytes[column->used++] = (uint8_t)value;
    return 0;
}

static int put_text(struct column *column, const char *text)
{
    size_t length = text != NULL ? strlen(text) : 0;
    int error = put_varint(column, text != NULL ? length + 1 : 0); // 0: none, which is not empty
    return error != 0 ? error : put_bytes(column, text, length);
}

// ---- frames -------------------------------------------------------------------------------------

// Packs writer->frame and writes it.
static int frame_write(struct trace_writer *writer, uint32_t ops)
{
    struct trace_frame_header head = {.unpacked = (uint32_t)writer->frame.used, .ops = ops};
    size_t bound = ZSTD_compressBound(writer->frame.used);
    writer->packed.used = 0;
    int error = column_room(&writer->packed, sizeof(head) + bound);
    if (error != 0) {
        return error;
    }
    uint8_t *body = writer->packed.bytes + sizeof(head);
    size_t size =
        ZSTD_compress2(writer->zstd, body, bound, writer->frame.bytes, writer->frame.used);
    if (ZSTD_isError(size)) {
        return ENOMEM;
    }
    head.packed = (uint32_t)size;
    uint64_t hash = trace_hash(TRACE_HASH_START, &head, offsetof(struct trace_frame_header, check));
    head.check = trace_hash(hash, body, size);
    memcpy(writer->packed.bytes, &head, sizeof(head));
    writer->header.frames++;
    writer->frame.used = 0;
    return disk_write(writer->file.fd, writer->packed.bytes, sizeof(head) + size);
}

static int names_write(struct trace_writer *writer, const struct trace_front *front)
{
    int error = put_text(&writer->frame, front->program);
    if (error == 0) {
        error = put_text(&writer->frame, front->host);
    }
    for (size_t i = 0; i < front->process_count && error == 0; i++) {
        error = put_text(&writer->frame, front->processes[i]);
    }
    for (size_t i = 0; front->block_names != NULL && i < front->block_count && error == 0; i++) {
        error = put_text(&writer->frame, front->block_names[i]);
    }
    return error != 0 ? error : frame_write(writer, 0);
}

static int ops_write(struct trace_writer *writer)
{
    int error = 0;
    for (unsigned i = 0; i < TRACE_COLUMNS && error == 0; i++) {
        error = put_varint(&writer->frame, writer->columns[i].used);
    }
    for (unsigned i = 0; i < TRACE_COLUMNS && error == 0; i++) {
        error = put_bytes(&writer->frame, writer->columns[i].bytes, writer->columns[i].used);
        writer->columns[i].used = 0;
    }
    if (error == 0) {
        error = frame_write(writer, writer->frame_ops);
    }
    writer->frame_ops = 0;
    writer->thread = 0;
    writer->process = 0;
    return error;
}

// ---- one operation ------------------------------------------------------------------------------

static int put_block(struct trace_writer *writer, const struct trace_op *op)
{
    struct trace_numbers *numbers = &writer->numbers;
    struct column *column = &writer->columns[TRACE_COLUMN_BLOCKS];
    if (trace_kind_allocates(op->kind)) {
        if (writer->header.flags & TRACE_FILE_IMPLIED) {
            if (op->block != trace_numbers_predict(numbers)) {
                return EINVAL;
            }
        } else {
            int error = put_varint(column, op->block);
            if (error != 0) {
                return error;
            }
        }
        return trace_numbers_alloc(numbers, op->block);
    }
    if (op->block >= numbers->birth_room || numbers->birth_of[op->block] == 0) {
        return EINVAL;
    }
    int error = put_varint(column, numbers->births + 1 - numbers->birth_of[op->block]);
    if (error == 0 && op->kind == TRACE_FREE && writer->header.flags & TRACE_FILE_IMPLIED) {
        error = trace_numbers_free(numbers, op->block);
    }
    return error;
}

static int put_details(struct trace_writer *writer, const struct trace_op *op, unsigned details)
{
    struct column *column = &writer->columns[TRACE_COLUMN_DETAILS];
    const unsigned values[] = {op->call, op->align_log2, op->flag, op->process};
    uint8_t bits = (uint8_t)details;
    int error = put_bytes(column, &bits, 1);
    for (unsigned i = 0; i < 4 && error == 0; i++) {
        if (details & 1u << i) {
            error = put_varint(column, values[i]);
        }
    }
    return error;
}

static int put_op(struct trace_writer *writer, const struct trace_op *op)
{
    unsigned details = (op->call != trace_call_usual(op->kind) ? TRACE_DETAIL_CALL : 0u) |
                       (op->align_log2 != 0 ? TRACE_DETAIL_ALIGN : 0u) |
                       (op->flag != 0 ? TRACE_DETAIL_FLAG : 0u) |
                       (op->process != writer->process ? TRACE_DETAIL_PROCESS : 0u);
    uint8_t verb = (uint8_t)(op->kind | (op->thread != writer->thread ? TRACE_VERB_THREAD : 0) |
                             (details != 0 ? TRACE_VERB_DETAILS : 0));
    int error = put_bytes(&writer->columns[TRACE_COLUMN_VERBS], &verb, 1);
    if (error == 0 && verb & TRACE_VERB_THREAD) {
        error = put_varint(&writer->columns[TRACE_COLUMN_THREADS], op->thread);
    }
    if (error == 0 && details != 0) {
        error = put_details(writer, op, details);
    }
    if (error == 0 && trace_kind_has_block(op->kind)) {
        error = put_block(writer, op);
        if (error == 0 && op->kind != TRACE_FREE) {
            error = put_varint(&writer->columns[TRACE_COLUMN_SIZES], op->size);
        }
    }
    writer->thread = op->thread;
    writer->process = op->process;
    return error;
}

// ---- the writer ---------------------------------------------------------------------------------

static void writer_free(struct trace_writer *writer)
{
    disk_abandon(&writer->file);
    for (unsigned i = 0; i < TRACE_COLUMNS; i++) {
        trace_store_free(writer->columns[i].bytes, writer->columns[i].room, 1);
    }
    trace_store_free(writer->frame.bytes, writer->frame.room, 1);
    trace_store_free(writer->packed.bytes, writer->packed.room, 1);
    trace_numbers_fini(&writer->numbers);
    ZSTD_freeCCtx(writer->zstd);
    free(writer->name);
    free(writer);
}

static int zstd_open(struct trace_writer *writer)
{
    writer->zstd = ZSTD_createCCtx();
    if (writer->zstd == NULL ||
        ZSTD_isError(ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, LEVEL)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_checksumFlag, 1))) {
        return ENOMEM;
    }
    return 0;
}

static int failed(const struct trace_writer *writer, int error, struct complaint *complaint)
{
    complain(complaint, "%s: cannot be written: %s", writer->name, strerror(error));
    return error;
}

int trace_writer_open(const char *path, const struct trace_front *front,
                      struct trace_writer **opened, struct complaint *complaint)
{
    if (trace_place_check(path, complaint) != 0) {
        return ENOTSUP;
    }
    struct trace_writer *writer = calloc(1, sizeof(*writer));
    char *name = strdup(path);
    if (writer == NULL || name == NULL) {
        free(writer);
        free(name);
        return ENOMEM;
    }
    writer->file.fd = -1;
    writer->name = name;
    memcpy(writer->header.magic, TRACE_MAGIC, sizeof(writer->header.magic));
    writer->header.version = TRACE_VERSION;
    writer->header.flags = (front->implied ? TRACE_FILE_IMPLIED : 0u) |
                           (front->block_names != NULL ? TRACE_FILE_NAMED : 0u);
    writer->header.blocks = front->block_count;
    writer->header.processes = (uint32_t)front->process_count;
    int error = zstd_open(writer);
    if (error == 0) {
        error = disk_open(path, &writer->file);
    }
    if (error == 0) {
        error = disk_write(writer->file.fd, &writer->header, sizeof(writer->header));
    }
    if (error == 0) {
        error = names_write(writer, front);
    }
    if (error != 0) {
        failed(writer, error, complaint);
        writer_free(writer);
        return error;
    }
    *opened = writer;
    return 0;
}

int trace_writer_add(struct trace_writer *writer, const struct trace_op *op,
                     struct complaint *complaint)
{
    int error = put_op(writer, op);
    writer->header.ops++;
    if (op->thread >= writer->header.threads) {
        writer->header.threads = op->thread + 1u;
    }
    if (trace_kind_has_block(op->kind) && op->block >= writer->header.blocks) {
        writer->header.blocks = op->block + 1;
    }
    if (error == 0 && ++writer->frame_ops == TRACE_FRAME_OPS) {
        error = ops_write(writer);
    }
    return error != 0 ? failed(writer, error, complaint) : 0;
}

static int end_write(struct trace_writer *writer)
{
    struct trace_frame_header end = {0};
    end.check = trace_hash(TRACE_HASH_START, &end, offsetof(struct trace_frame_header, check));
    int error = disk_write(writer->file.fd, &end, sizeof(end));
    if (error != 0) {
        return error;
    }
    struct trace_file_header *header = &writer->header;
    header->check = trace_hash(TRACE_HASH_START, header, offsetof(struct trace_file_header, check));
    if (lseek(writer->file.fd, 0, SEEK_SET) != 0) {
        return errno;
    }
    return disk_write(writer->file.fd, header, sizeof(*header));
}

int trace_writer_close(struct trace_writer *writer, struct complaint *complaint)
{
    int error = writer->frame_ops > 0 ? ops_write(writer) : 0;
    if (error == 0) {
        error = end_write(writer);
    }
    if (error == 0) {
        error = disk_close(&writer->file);
    }
    if (error != 0) {
        failed(writer, error, complaint);
    }
    writer_free(writer);
    return error;
}

void trace_writer_abandon(struct trace_writer *writer)
{
    writer_free(writer);
}

#else // MEMS_HAVE_ZSTD

int trace_writer_open(const char *path, const struct trace_front *front,
                      struct trace_writer **opened, struct complaint *complaint)
{
    (void)front;
    (void)opened;
    complain(complaint, "%s: binary traces need zstd, which this build lacks (libzstd-dev)", path);
    return ENOTSUP;
}

int trace_writer_add(struct trace_writer *writer, const struct trace_op *op,
                     struct complaint *complaint)
{
    (void)writer;
    (void)op;
    (void)complaint;
    return ENOTSUP;
}

int trace_writer_close(struct trace_writer *writer, struct complaint *complaint)
{
    (void)writer;
    (void)complaint;
    return ENOTSUP;
}

void trace_writer_abandon(struct trace_writer *writer)
{
    (void)writer;
}

#endif

// ---- a whole trace ------------------------------------------------------------------------------

// Do the block numbers follow from the frees?
static bool is_implied(const struct trace *trace)
{
    struct trace_numbers numbers = {0};
    bool implied = trace->block_names == NULL;
    for (size_t i = 0; i < trace->op_count && implied; i++) {
        const struct trace_op *op = &trace->ops[i];
        if (trace_kind_allocates(op->kind)) {
            implied = op->block == trace_numbers_predict(&numbers) &&
                      trace_numbers_alloc(&numbers, op->block) == 0;
        } else if (op->kind == TRACE_FREE) {
            implied = trace_numbers_free(&numbers, op->block) == 0;
        } else {
            implied = op->kind != TRACE_FREE_ALL;
        }
    }
    trace_numbers_fini(&numbers);
    return implied;
}

int trace_write_binary(const struct trace *trace, const char *path, struct complaint *complaint)
{
    int error = trace_check(trace, complaint);
    if (error != 0) {
        return error;
    }
    const struct trace_front front = {
        .program = trace->program,
        .host = trace->host,
        .processes = trace->processes,
        .process_count = trace->process_count,
        .block_names = trace->block_names,
        .block_count = trace->block_count,
        .implied = is_implied(trace),
    };
    struct trace_writer *writer = NULL;
    error = trace_writer_open(path, &front, &writer, complaint);
    if (error != 0) {
        return error;
    }
    for (size_t i = 0; i < trace->op_count; i++) {
        error = trace_writer_add(writer, &trace->ops[i], complaint);
        if (error != 0) {
            trace_writer_abandon(writer);
            return error;
        }
    }
    return trace_writer_close(writer, complaint);
}
