// SPDX-License-Identifier: MIT
//
// merge.c - a spool becomes a trace: sorted, addresses replaced by block numbers, written.
//
// 1. Theory. A spool is some thousand sorted runs (its chunks); a heap of them gives the records in
//    the order of their sequence numbers. Memory is bounded by what the program held at once, and
//    by four bytes an allocation; the spool itself is mapped, not loaded.
// 2. Addresses. A free, or a resize's first half, takes the address out; an allocation, or the
//    second half, puts it in: the block at an address is known at each moment. In between a block
//    that is resized has no address, and waits with its thread.
// 3. What is missing. A free of an address that is not there (the block is older than the
//    recording) is dropped. An allocation at an address that is there means that a free was lost:
//    it is put in before.
// 4. Threads get numbers again after their end, so that a program with thousands of short-lived
//    threads is a trace of as many as lived at once.

#include "trace/merge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "disk/memory.h"
#include "trace/addresses.h"
#include "trace/binary.h"
#include "trace/runs.h"
#include "trace/spool.h"
#include "trace/store.h"

// A thread of the recorded program.
struct lane {
    uint32_t seat;  // its number in the trace + 1; 0: none yet
    bool resizing;  // between the halves of a resize
    uint32_t block; // then: which one, TRACE_NOWHERE for one from before
    uint64_t address;
};

struct merge {
    struct trace_writer *writer;
    struct trace_recording *recording;
    struct complaint *complaint;
    struct trace_addresses addresses;
    struct trace_numbers numbers;
    struct lane *lanes;
    size_t lane_room;
    uint32_t *seats; // free ones, the last freed on top
    size_t seat_room, seat_count;
    uint32_t seat_next;
};

// ---- operations ---------------------------------------------------------------------------------

static int emit(struct merge *merge, const struct trace_op *op)
{
    const char *wrong = trace_account_add(&merge->recording->account, op);
    if (wrong != NULL) {
        complain(merge->complaint, "the spool is corrupted: %s", wrong);
        return EBADMSG;
    }
    return trace_writer_add(merge->writer, op, merge->complaint);
}

static int emit_free(struct merge *merge, uint32_t block, uint16_t thread, unsigned call)
{
    struct trace_op op = {
        .kind = TRACE_FREE, .call = (uint8_t)call, .thread = thread, .block = block};
    int error = trace_numbers_free(&merge->numbers, block);
    return error != 0 ? error : emit(merge, &op);
}

// The block at an address that is about to be taken again was freed unseen.
static int evict(struct merge *merge, uint64_t address, uint16_t thread)
{
    uint32_t block = trace_addresses_take(&merge->addresses, address);
    if (block == TRACE_NOWHERE) {
        return 0;
    }
    merge->recording->repaired++;
    return emit_free(merge, block, thread, TRACE_CALL_FREE);
}

static int do_alloc(struct merge *merge, const struct trace_run_record *record, uint16_t thread)
{
    int error = evict(merge, record->address, thread);
    if (error != 0) {
        return error;
    }
    struct trace_op op = {.kind = TRACE_ALLOC,
                          .call = record->call,
                          .align_log2 = record->align_log2,
                          .thread = thread,
                          .size = record->size};
    if (record->call == TRACE_CALL_CALLOC) {
        op.kind = TRACE_ALLOC_ZEROED;
    }
    op.block = trace_numbers_predict(&merge->numbers);
    error = trace_numbers_alloc(&merge->numbers, op.block);
    if (error == 0) {
        error = trace_addresses_add(&merge->addresses, record->address, op.block);
    }
    return error != 0 ? error : emit(merge, &op);
}

static int do_free(struct merge *merge, const struct trace_run_record *record, uint16_t thread)
{
    uint32_t block = trace_addresses_take(&merge->addresses, record->address);
    if (block == TRACE_NOWHERE) {
        merge->recording->unknown++;
        return 0;
    }
    return emit_free(merge, block, thread, record->call);
}

static int do_resize_begin(struct merge *merge, const struct trace_run_record *record,
                           struct lane *lane)
{
    lane->resizing = true;
    lane->address = record->address;
    lane->block = trace_addresses_take(&merge->addresses, record->address);
    merge->recording->unknown += lane->block == TRACE_NOWHERE;
    return 0;
}

static int do_resize_end(struct merge *merge, const struct trace_run_record *record,
                         struct lane *lane, uint16_t thread)
{
    if (!lane->resizing) {
        return record->address != 0 ? do_alloc(merge, record, thread) : 0;
    }
    lane->resizing = false;
    if (lane->block == TRACE_NOWHERE) {
        return record->address != 0 ? do_alloc(merge, record, thread) : 0;
    }
    if (record->address == 0 && record->size == 0) {
        return emit_free(merge, lane->block, thread, record->call);
    }
    if (record->address == 0) { // refused: the block is where it was
        return trace_addresses_add(&merge->addresses, lane->address, lane->block);
    }
    int error = evict(merge, record->address, thread);
    if (error == 0) {
        error = trace_addresses_add(&merge->addresses, record->address, lane->block);
    }
    struct trace_op op = {.kind = TRACE_RESIZE,
                          .call = record->call,
                          .thread = thread,
                          .block = lane->block,
                          .size = record->size};
    return error != 0 ? error : emit(merge, &op);
}

// ---- threads ------------------------------------------------------------------------------------

// The lane of a thread, with a seat. NULL: no memory, or too many threads (complained).
static struct lane *lane_of(struct merge *merge, uint32_t thread)
{
    void *lanes = merge->lanes;
    if (trace_store_grow(&lanes, &merge->lane_room, (size_t)thread + 1, sizeof(struct lane)) != 0) {
        return NULL;
    }
    merge->lanes = lanes;
    struct lane *lane = &merge->lanes[thread];
    if (lane->seat == 0) {
        uint32_t seat =
            merge->seat_count > 0 ? merge->seats[--merge->seat_count] : merge->seat_next++;
        if (seat > UINT16_MAX) {
            complain(merge->complaint, "more than 65536 threads at once");
            return NULL;
        }
        lane->seat = seat + 1;
        merge->recording->threads++;
    }
    return lane;
}

static int do_thread_end(struct merge *merge, uint16_t seat)
{
    void *seats = merge->seats;
    int error =
        trace_store_grow(&seats, &merge->seat_room, merge->seat_count + 1, sizeof(uint32_t));
    if (error != 0) {
        return error;
    }
    merge->seats = seats;
    merge->seats[merge->seat_count++] = seat;
    return emit(merge, &(struct trace_op){.kind = TRACE_THREAD_END, .thread = seat});
}

static int do_record(struct merge *merge, const struct trace_run_record *record)
{
    struct lane *lane = lane_of(merge, record->thread);
    if (lane == NULL) {
        return ENOMEM;
    }
    uint16_t thread = (uint16_t)(lane->seat - 1);
    switch (record->kind) {
    case SPOOL_ALLOC:
        return do_alloc(merge, record, thread);
    case SPOOL_FREE:
        return do_free(merge, record, thread);
    case SPOOL_RESIZE_BEGIN:
        return do_resize_begin(merge, record, lane);
    case SPOOL_RESIZE_END:
        return do_resize_end(merge, record, lane, thread);
    case SPOOL_THREAD_START:
        return emit(merge, &(struct trace_op){.kind = TRACE_THREAD_START, .thread = thread});
    default:
        return do_thread_end(merge, thread);
    }
}

// ---- what stands in front -----------------------------------------------------------------------

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("_-./=:,@+%", c) != NULL);
}

static void put_argument(FILE *out, const char *argument)
{
    size_t plain = 0;
    while (is_plain(argument[plain])) {
        plain++;
    }
    if (argument[plain] == '\0' && plain > 0) {
        fputs(argument, out);
        return;
    }
    fputc('\'', out);
    for (const char *c = argument; *c != '\0'; c++) {
        if (*c == '\'') {
            fputs("'\\''", out);
        } else {
            fputc(*c, out);
        }
    }
    fputc('\'', out);
}

// The command line as one would type it. NULL: no memory.
static char *command_text(const struct spool_header *header)
{
    char *text = NULL;
    size_t size = 0, length = header->command_length;
    FILE *out = disk_memory(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    char command[SPOOL_COMMAND + 1];
    length = length < SPOOL_COMMAND ? length : SPOOL_COMMAND;
    memcpy(command, header->command, length);
    command[length] = '\0';
    for (size_t at = 0; at < length; at += strlen(command + at) + 1) {
        if (at > 0) {
            fputc(' ', out);
        }
        put_argument(out, command + at);
    }
    if (length == SPOOL_COMMAND) {
        fputs(" ...", out);
    }
    return fclose(out) == 0 ? text : NULL;
}

// The program's name, fit to be the process in the text form.
static void process_name(const struct spool_header *header, char *name, size_t size)
{
    char first[SPOOL_COMMAND + 1];
    memcpy(first, header->command, SPOOL_COMMAND);
    first[header->command_length < SPOOL_COMMAND ? header->command_length : SPOOL_COMMAND] = '\0';
    const char *slash = strrchr(first, '/');
    snprintf(name, size, "%.60s", slash != NULL ? slash + 1 : first);
    for (char *c = name; *c != '\0'; c++) {
        if (!is_plain(*c) || *c == '/' || *c == '=') {
            *c = '_';
        }
    }
    if (name[0] == '\0') {
        snprintf(name, size, "program");
    }
}

static int writer_open(struct merge *merge, const struct spool_header *header, const char *out)
{
    struct utsname system;
    char host[512] = "", name[64];
    if (uname(&system) == 0) {
        snprintf(host, sizeof(host), "%s %s %s", system.sysname, system.release, system.machine);
    }
    process_name(header, name, sizeof(name));
    char *processes[] = {name};
    char *command = command_text(header);
    if (command == NULL) {
        return ENOMEM;
    }
    const struct trace_front front = {.program = command,
                                      .host = host,
                                      .processes = processes,
                                      .process_count = 1,
                                      .implied = true};
    int error = trace_writer_open(out, &front, &merge->writer, merge->complaint);
    free(command);
    return error;
}

// ---- the whole ----------------------------------------------------------------------------------

static int spool_map(const char *path, void **bytes, size_t *length)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    int error = fstat(fd, &status) != 0 ? errno : 0;
    if (error == 0 && status.st_size < SPOOL_HEADER) {
        error = EBADMSG;
    }
    if (error == 0) {
        *length = (size_t)status.st_size;
        *bytes = mmap(NULL, *length, PROT_READ, MAP_SHARED, fd, 0);
        error = *bytes == MAP_FAILED ? errno : 0;
    }
    close(fd);
    const struct spool_header *header = error == 0 ? *bytes : NULL;
    if (header != NULL && (header->magic != SPOOL_MAGIC || header->version != SPOOL_VERSION)) {
        munmap(*bytes, *length);
        error = EBADMSG;
    }
    return error;
}

int trace_spool_look(const char *path, struct trace_spool *spool)
{
    void *bytes;
    size_t length;
    int error = spool_map(path, &bytes, &length);
    if (error == 0) {
        const struct spool_header *header = bytes;
        spool->pid = header->pid;
        spool->born_ns = header->born_ns;
        munmap(bytes, length);
    }
    return error;
}

static int merge_records(struct merge *merge, struct trace_runs *runs)
{
    struct trace_run_record record;
    uint64_t last = UINT64_MAX;
    while (trace_runs_next(runs, &record)) {
        // A process killed while a chunk was copied leaves its records twice.
        int error = record.sequence != last ? do_record(merge, &record) : 0;
        if (error != 0) {
            return error;
        }
        last = record.sequence;
    }
    return 0;
}

static void merge_fini(struct merge *merge)
{
    trace_addresses_fini(&merge->addresses);
    trace_numbers_fini(&merge->numbers);
    trace_store_free(merge->lanes, merge->lane_room, sizeof(*merge->lanes));
    trace_store_free(merge->seats, merge->seat_room, sizeof(*merge->seats));
}

int trace_spool_merge(const char *path, const char *out, struct trace_recording *recording,
                      struct complaint *complaint)
{
    struct merge merge = {.recording = recording, .complaint = complaint};
    struct trace_runs runs = {0};
    void *bytes;
    size_t length;
    memset(recording, 0, sizeof(*recording));
    trace_account_init(&recording->account);
    int error = spool_map(path, &bytes, &length);
    if (error != 0) {
        complain(complaint, "%s: is no spool: %s", path, strerror(error));
        return error;
    }
    const struct spool_header *header = bytes;
    recording->lost = header->lost;
    recording->stopped = header->stopped;
    error = trace_runs_init(&runs, bytes, length);
    if (error == 0) {
        error = writer_open(&merge, header, out);
    }
    if (error == 0) {
        error = merge_records(&merge, &runs);
    }
    if (error == 0) {
        error = trace_writer_close(merge.writer, complaint);
    } else {
        complain(complaint, "%s: %s", path, strerror(error));
        if (merge.writer != NULL) {
            trace_writer_abandon(merge.writer);
        }
    }
    trace_runs_fini(&runs);
    merge_fini(&merge);
    munmap(bytes, length);
    return error;
}
