// SPDX-License-Identifier: MIT
//
// test_merge.c - spools made by hand: what the merge makes of order, gaps, and what is missing.

#include <errno.h>
#include <unistd.h>

#include "random_trace.h"
#include "trace/addresses.h"
#include "trace/merge.h"
#include "trace/spool.h"

#define CHUNKS 8

static struct {
    struct spool_header header;
    char rest[SPOOL_HEADER - sizeof(struct spool_header)];
    struct spool_chunk chunks[CHUNKS];
} spool;

static void spool_begin(void)
{
    memset(&spool, 0, sizeof(spool));
    spool.header.magic = SPOOL_MAGIC;
    spool.header.version = SPOOL_VERSION;
    const char command[] = "/bin/a b\0it's\0";
    spool.header.command_length = sizeof(command) - 1;
    memcpy(spool.header.command, command, sizeof(command));
}

static void put(unsigned chunk, uint64_t when, uint64_t what)
{
    struct spool_chunk *at = &spool.chunks[chunk];
    at->records[at->count++] = (struct spool_record){when, what};
}

static void mark(unsigned chunk, unsigned thread, uint64_t high)
{
    put(chunk, thread, (uint64_t)SPOOL_MARK << 61 | high);
}

static void record(unsigned chunk, uint32_t sequence, unsigned kind, unsigned call,
                   uint64_t address, uint64_t size)
{
    put(chunk, (uint64_t)sequence << 32 | (uint32_t)size,
        (uint64_t)kind << 61 | (uint64_t)call << 57 | size >> 32 << SPOOL_ADDRESS_BITS | address);
}

static int merge(size_t length, struct trace **trace, struct trace_recording *recording,
                 struct complaint *complaint)
{
    char *path = temporary(), *out = temporary();
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(length, fwrite(&spool, 1, length, file));
    fclose(file);
    int error = trace_spool_merge(path, out, recording, complaint);
    if (error == 0) {
        error = trace_read(out, trace, complaint);
    }
    unlink(path);
    unlink(out);
    free(path);
    free(out);
    return error;
}

static void expect(const struct trace_op *ops, size_t count, struct trace_recording *recording)
{
    struct complaint complaint = {""};
    struct trace *trace = NULL;
    if (merge(sizeof(spool), &trace, recording, &complaint) != 0) {
        fail_msg("%s", complaint.text);
    }
    struct trace_op copy[32];
    memcpy(copy, ops, count * sizeof(*ops));
    const struct trace wanted = {.ops = copy, .op_count = count};
    assert_int_equal(count, trace->op_count);
    same_ops(trace, &wanted, count);
    assert_string_equal("'/bin/a b' 'it'\\''s'", trace->program);
    assert_string_equal("a_b", trace->processes[0]);
    trace_free(trace);
    trace_account_fini(&recording->account);
}

static void test_order(void **state)
{
    (void)state;
    spool_begin();
    mark(0, 0, 0);
    record(0, 1, SPOOL_ALLOC, TRACE_CALL_MALLOC, 0x1000, 10);
    record(0, 5, SPOOL_ALLOC, TRACE_CALL_MALLOC, 0x1000, 30); // the address again
    record(0, 7, SPOOL_FREE, TRACE_CALL_FREE, 0x999, 0);      // older than the recording
    mark(1, 1, 0);
    record(1, 3, SPOOL_ALLOC, TRACE_CALL_CALLOC, 0x2000, UINT64_C(5) << 32 | 7);
    record(1, 4, SPOOL_FREE, TRACE_CALL_FREE, 0x1000, 0);
    record(1, 6, SPOOL_FREE, TRACE_CALL_FREE, 0x2000, 0);
    // The same chunk once more: the process was killed while it was copied.
    spool.chunks[2] = spool.chunks[1];
    const struct trace_op ops[] = {
        {.kind = TRACE_ALLOC, .call = TRACE_CALL_MALLOC, .size = 10},
        {.kind = TRACE_ALLOC_ZEROED,
         .call = TRACE_CALL_CALLOC,
         .size = UINT64_C(5) << 32 | 7,
         .thread = 1,
         .block = 1},
        {.kind = TRACE_FREE, .call = TRACE_CALL_FREE, .thread = 1},
        {.kind = TRACE_ALLOC, .call = TRACE_CALL_MALLOC, .size = 30},
        {.kind = TRACE_FREE, .call = TRACE_CALL_FREE, .thread = 1, .block = 1},
    };
    struct trace_recording recording;
    expect(ops, 5, &recording);
    assert_int_equal(1, recording.unknown);
    assert_int_equal(0, recording.repaired);
}

static void test_resize(void **state)
{
    (void)state;
    spool_begin();
    mark(0, 0, 0);
    record(0, 1, SPOOL_ALLOC, TRACE_CALL_MALLOC, 0x1000, 10);
    record(0, 2, SPOOL_RESIZE_BEGIN, TRACE_CALL_REALLOC, 0x1000, 90);
    record(0, 4, SPOOL_RESIZE_END, TRACE_CALL_REALLOC, 0x3000, 90);
    record(0, 6, SPOOL_RESIZE_BEGIN, TRACE_CALL_REALLOC, 0x3000, 99); // refused
    record(0, 7, SPOOL_RESIZE_END, TRACE_CALL_REALLOC, 0, 99);
    record(0, 8, SPOOL_RESIZE_BEGIN, TRACE_CALL_REALLOC, 0x3000, 0); // a free
    record(0, 9, SPOOL_RESIZE_END, TRACE_CALL_REALLOC, 0, 0);
    record(0, 10, SPOOL_RESIZE_BEGIN, TRACE_CALL_REALLOC, 0x7000, 5); // of a block from before
    record(0, 11, SPOOL_RESIZE_END, TRACE_CALL_REALLOC, 0x7000, 5);
    mark(1, 1, 0);
    record(1, 3, SPOOL_ALLOC, TRACE_CALL_MALLOC, 0x1000, 20); // while the other is moving
    const struct trace_op ops[] = {
        {.kind = TRACE_ALLOC, .call = TRACE_CALL_MALLOC, .size = 10},
        {.kind = TRACE_ALLOC, .call = TRACE_CALL_MALLOC, .size = 20, .thread = 1, .block = 1},
        {.kind = TRACE_RESIZE, .call = TRACE_CALL_REALLOC, .size = 90},
        {.kind = TRACE_FREE, .call = TRACE_CALL_REALLOC},
        {.kind = TRACE_ALLOC, .call = TRACE_CALL_REALLOC, .size = 5},
    };
    struct trace_recording recording;
    expect(ops, 5, &recording);
    assert_int_equal(1, recording.unknown);
}

// A free that was not seen is put in, before the address serves again.
static void test_lost_free(void **state)
{
    (void)state;
    spool_begin();
    mark(0, 0, 0);
    record(0, 1, SPOOL_ALLOC, TRACE_CALL_MALLOC, 0x1000, 10);
    record(0, 2, SPOOL_ALLOC, TRACE_CALL_MALLOC, 0x1000, 20);
    const struct trace_op ops[] = {
        {.kind = TRACE_ALLOC, .call = TRACE_CALL_MALLOC, .size = 10},
        {.kind = TRACE_FREE, .call = TRACE_CALL_FREE},
        {.kind = TRACE_ALLOC, .call = TRACE_CALL_MALLOC, .size = 20},
    };
    struct trace_recording recording;
    expect(ops, 3, &recording);
    assert_int_equal(1, recording.repaired);
}

static void test_threads(void **state)
{
    (void)state;
    spool_begin();
    mark(0, 0, 0);
    record(0, 0, SPOOL_THREAD_START, 0, 0, 0);
    mark(1, 1, 0);
    record(1, 1, SPOOL_THREAD_START, 0, 0, 0);
    record(1, 2, SPOOL_THREAD_END, 0, 0, 0);
    mark(1, 2, 0); // the next thread goes on in its chunk, and has its number
    record(1, 3, SPOOL_THREAD_START, 0, 0, 0);
    mark(1, 2, 1); // the sequence has passed 2^32
    record(1, 0, SPOOL_ALLOC, TRACE_CALL_MALLOC, 0x1000, 10);
    const struct trace_op ops[] = {
        {.kind = TRACE_THREAD_START},
        {.kind = TRACE_THREAD_START, .thread = 1},
        {.kind = TRACE_THREAD_END, .thread = 1},
        {.kind = TRACE_THREAD_START, .thread = 1},
        {.kind = TRACE_ALLOC, .call = TRACE_CALL_MALLOC, .size = 10, .thread = 1},
    };
    struct trace_recording recording;
    expect(ops, 5, &recording);
    assert_int_equal(3, recording.threads);
}

// A process that died early: at every length there is a trace, or a complaint.
static void test_any_length(void **state)
{
    (void)state;
    spool_begin();
    mark(0, 0, 0);
    for (uint32_t i = 0; i < 200; i++) {
        record(0, i, SPOOL_ALLOC, TRACE_CALL_MALLOC, 0x1000 + i * 64, i);
    }
    for (size_t length = 0; length < SPOOL_HEADER + 4096; length += 1 + length / 40) {
        struct complaint complaint = {""};
        struct trace_recording recording;
        struct trace *trace = NULL;
        int error = merge(length, &trace, &recording, &complaint);
        assert_int_equal(length < SPOOL_HEADER ? EBADMSG : 0, error);
        size_t whole = length < SPOOL_HEADER + 80 ? 0 : (length - SPOOL_HEADER - 64) / 16 - 1;
        assert_int_equal(whole < 200 ? whole : 200, trace != NULL ? trace->op_count : 0);
        trace_account_fini(&recording.account);
        trace_free(trace);
    }
}

// Nonsense in place of records is not more than a complaint either.
static void test_nonsense(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, test_seed(), 0, 0);
    for (unsigned i = 0; i < 200 / MEMS_TEST_SCALE; i++) {
        spool_begin();
        for (unsigned chunk = 0; chunk < CHUNKS; chunk++) {
            mark(chunk, (unsigned)random_below(&random, 3), 0);
            for (uint32_t n = 0; n < 50; n++) {
                uint64_t what = random_next(&random) & ~(UINT64_C(0xffffff) << 12);
                put(chunk, (uint64_t)n << 34 | random_below(&random, 1000),
                    what >> 61 == SPOOL_MARK ? SPOOL_FREE : what);
            }
            spool.chunks[chunk].count += random_below(&random, 20) == 0 ? 1000000 : 0;
        }
        struct complaint complaint = {""};
        struct trace_recording recording;
        struct trace *trace = NULL;
        int error = merge(sizeof(spool), &trace, &recording, &complaint);
        assert_int_equal(error != 0, complaint.text[0] != '\0');
        trace_account_fini(&recording.account);
        trace_free(trace);
    }
}

// Against a plain array.
static void test_addresses(void **state)
{
    (void)state;
    enum { PLACES = 3000 };
    static uint32_t model[PLACES]; // block + 1
    struct trace_addresses addresses = {0};
    struct random random;
    random_init(&random, test_seed(), 0, 0);
    for (unsigned i = 0; i < 200000 / MEMS_TEST_SCALE; i++) {
        size_t place = random_below(&random, PLACES);
        // Clusters: many addresses share the low bits that a weak hash would use.
        uint64_t address = (place + 1) << (place % 3 == 0 ? 20 : 4);
        uint32_t found = trace_addresses_take(&addresses, address);
        assert_int_equal(model[place] != 0 ? model[place] - 1 : TRACE_NOWHERE, found);
        model[place] = random_below(&random, 3) > 0 ? i + 1 : 0;
        if (model[place] != 0) {
            assert_int_equal(0, trace_addresses_add(&addresses, address, i));
        }
    }
    trace_addresses_fini(&addresses);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),      cmocka_unit_test(test_resize),
        cmocka_unit_test(test_lost_free),  cmocka_unit_test(test_threads),
        cmocka_unit_test(test_any_length), cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
