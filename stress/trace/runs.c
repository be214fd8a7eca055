// SPDX-License-Identifier: MIT
//
// runs.c - the records of a spool in the order of their sequence numbers: a heap of its chunks.

#include "trace/runs.h"

#include <errno.h>
#include <string.h>

#include "trace/store.h"
#include "trace/trace.h"

// Unpacks the next record of a run; false at its end, which is also where nonsense begins.
static bool run_advance(struct trace_run *run)
{
    const uint64_t address_mask = (UINT64_C(1) << SPOOL_ADDRESS_BITS) - 1;
    while (run->at < run->end) {
        uint64_t when = run->at->when, what = run->at->what;
        run->at++;
        struct trace_run_record *record = &run->next;
        uint64_t before = record->sequence;
        record->kind = (uint8_t)(what >> 61);
        record->call = what >> 57 & 15;
        record->address = what & address_mask;
        record->size = (uint32_t)when;
        record->align_log2 = 0;
        uint64_t high = what >> SPOOL_ADDRESS_BITS & ((1u << SPOOL_HIGH_BITS) - 1);
        if (record->kind == SPOOL_MARK) {
            run->high = (uint32_t)record->address;
            run->thread = (uint32_t)record->size;
            continue;
        }
        if (record->call >= TRACE_CALL_POSIX_MEMALIGN && record->call <= TRACE_CALL_PVALLOC) {
            record->align_log2 = high & ((1u << SPOOL_ALIGN_BITS) - 1);
            high >>= SPOOL_ALIGN_BITS;
        }
        record->size |= high << 32;
        record->sequence = (uint64_t)run->high << 32 | when >> 32;
        record->thread = run->thread;
        return record->kind != SPOOL_NOTHING && record->sequence >= before;
    }
    return false;
}

static bool is_before(const struct trace_run *a, const struct trace_run *b)
{
    return a->next.sequence < b->next.sequence;
}

static void sink(struct trace_runs *runs, size_t hole, struct trace_run run)
{
    for (;;) {
        size_t child = hole * 2 + 1;
        if (child + 1 < runs->count && is_before(&runs->heap[child + 1], &runs->heap[child])) {
            child++;
        }
        if (child >= runs->count || !is_before(&runs->heap[child], &run)) {
            runs->heap[hole] = run;
            return;
        }
        runs->heap[hole] = runs->heap[child];
        hole = child;
    }
}

int trace_runs_init(struct trace_runs *runs, const void *bytes, size_t length)
{
    size_t most = (length - SPOOL_HEADER + SPOOL_CHUNK - 1) / SPOOL_CHUNK;
    void *heap = NULL;
    memset(runs, 0, sizeof(*runs));
    int error = trace_store_grow(&heap, &runs->room, most + 1, sizeof(*runs->heap));
    if (error != 0) {
        return error;
    }
    runs->heap = heap;
    for (size_t i = 0; i < most; i++) {
        size_t offset = SPOOL_HEADER + i * SPOOL_CHUNK, left = length - offset;
        if (left < offsetof(struct spool_chunk, records)) {
            break; // the file of a killed process may end within a chunk
        }
        const struct spool_chunk *chunk = (const void *)((const char *)bytes + offset);
        size_t whole = (left - offsetof(struct spool_chunk, records)) / sizeof(struct spool_record);
        whole = whole < SPOOL_CHUNK_RECORDS ? whole : SPOOL_CHUNK_RECORDS;
        size_t count = chunk->count < whole ? chunk->count : whole;
        struct trace_run run = {.at = chunk->records, .end = chunk->records + count};
        if (run_advance(&run)) {
            runs->heap[runs->count++] = run;
        }
    }
    for (size_t i = runs->count / 2; i-- > 0;) {
        sink(runs, i, runs->heap[i]);
    }
    return 0;
}

void trace_runs_fini(struct trace_runs *runs)
{
    trace_store_free(runs->heap, runs->room, sizeof(*runs->heap));
    memset(runs, 0, sizeof(*runs));
}

bool trace_runs_next(struct trace_runs *runs, struct trace_run_record *record)
{
    if (runs->count == 0) {
        return false;
    }
    struct trace_run run = runs->heap[0];
    *record = run.next;
    if (!run_advance(&run)) {
        run = runs->heap[--runs->count];
    }
    if (runs->count > 0) {
        sink(runs, 0, run);
    }
    return true;
}
