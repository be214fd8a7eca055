// SPDX-License-Identifier: MIT
//
// test_binary.c - the binary form: there and back, through the text form too; damage is found.

#include <errno.h>

#include "unit/trace/law_trace.h"

// More than one frame; more than two where there is time.
#define SEVERAL_FRAMES (MEMS_TEST_SCALE > 1 ? 140000 : 300000)

static void test_round_trip(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (unsigned i = 0; i < 60 / MEMS_TEST_SCALE; i++) {
        for (unsigned style = RANDOM_RECORDED; style <= RANDOM_NAMED; style++) {
            struct trace *trace = random_trace(seed + i, style, i * 13);
            assert_true(trace_law(trace));
            trace_free(trace);
        }
    }
}

// More operations than one frame holds.
static void test_frames(void **state)
{
    (void)state;
    struct trace *trace = random_trace(test_seed(), RANDOM_RECORDED, SEVERAL_FRAMES);
    assert_true(trace_law(trace));
    trace_free(trace);
}

struct file {
    struct trace *trace;
    char *bytes;
    size_t length;
};

static void file_make(struct file *file, size_t ops)
{
    struct complaint complaint = {""};
    char *path = temporary();
    file->trace = random_trace(3, RANDOM_RECORDED, ops);
    assert_int_equal(0, trace_write_binary(file->trace, path, &complaint));
    file->bytes = slurp(path, &file->length);
    unlink(path);
    free(path);
}

static void file_free(struct file *file)
{
    trace_free(file->trace);
    free(file->bytes);
}

// Reads the first `length` bytes, from a block of just that size; returns the operations before
// the damage, which must be the trace's first.
static size_t readable(const struct file *file, size_t length)
{
    struct complaint complaint = {""};
    struct trace *trace = NULL, *part = NULL;
    char *bytes = malloc(length + 1);
    memcpy(bytes, file->bytes, length);
    int error = trace_parse(bytes, length, "t", &trace, &part, &complaint);
    free(bytes);
    assert_null(trace);
    assert_int_not_equal(0, error);
    assert_memory_equal(complaint.text, "t: ", 3);
    size_t count = 0;
    if (part != NULL) {
        count = part->op_count;
        same_ops(file->trace, part, count);
        char told[128];
        snprintf(told, sizeof(told), "truncated; %zu of ", count);
        assert_non_null(strstr(complaint.text, told));
    }
    trace_free(part);
    return count;
}

static void test_truncated_anywhere(void **state)
{
    (void)state;
    struct file file;
    file_make(&file, 200);
    for (size_t length = 1; length < file.length; length++) {
        size_t count = readable(&file, length);
        // Only the end mark may lack.
        assert_int_equal(length + 24 < file.length ? 0 : 200, count);
    }
    file_free(&file);
}

static void test_truncated_between_frames(void **state)
{
    (void)state;
    struct file file;
    file_make(&file, SEVERAL_FRAMES);
    size_t last = 0;
    bool seen[3] = {false};
    for (size_t length = 1; length < file.length;
         length += 1 + file.length / (MEMS_TEST_SCALE > 1 ? 15 : 50)) {
        size_t count = readable(&file, length);
        assert_int_equal(0, count % 131072);
        assert_true(count >= last);
        last = count;
        seen[count / 131072] = true;
    }
    assert_true(seen[0] && seen[1] && (seen[2] || SEVERAL_FRAMES < 262144));
    file_free(&file);
}

static void test_flipped_anywhere(void **state)
{
    (void)state;
    struct file file;
    file_make(&file, 200);
    for (size_t i = 0; i < file.length * 8; i += MEMS_TEST_SCALE) {
        struct complaint complaint = {""};
        struct trace *trace = NULL, *part = NULL;
        file.bytes[i / 8] ^= (char)(1 << i % 8);
        int error = trace_parse(file.bytes, file.length, "t", &trace, &part, &complaint);
        file.bytes[i / 8] ^= (char)(1 << i % 8);
        if (error == 0 || trace != NULL || complaint.text[0] == '\0') {
            fail_msg("bit %zu of byte %zu may be changed", i % 8, i / 8);
        }
        if (part != NULL) {
            same_ops(file.trace, part, part->op_count);
        }
        trace_free(part);
    }
    file_free(&file);
}

static void refused(const void *bytes, size_t length, int error, const char *text)
{
    struct complaint complaint = {""};
    struct trace *trace = NULL;
    assert_int_equal(error, trace_parse(bytes, length, "t", &trace, NULL, &complaint));
    assert_string_equal(complaint.text, text);
    assert_null(trace);
}

static void test_refused(void **state)
{
    (void)state;
    struct file file;
    file_make(&file, 200);
    refused("\177ELF\0\0\0", 7, EINVAL, "t: is not a trace: neither the binary form nor text");
    char *longer = malloc(file.length + 1);
    memcpy(longer, file.bytes, file.length);
    longer[file.length] = 'x';
    refused(longer, file.length + 1, EBADMSG,
            "t: the trace is followed by other bytes; 200 of 200 operations are readable");
    free(longer);
    file_free(&file);
}

static void test_illegal_is_not_written(void **state)
{
    (void)state;
    struct complaint complaint = {""};
    struct trace *trace = trace_new();
    const struct trace_op free_first = {.kind = TRACE_FREE, .call = TRACE_CALL_FREE};
    assert_int_equal(0, trace_add_process(trace, "P1", 2));
    assert_int_equal(0, trace_append(trace, &free_first));
    assert_int_equal(EINVAL, trace_write_binary(trace, "/nonexistent/x", &complaint));
    assert_string_equal(complaint.text,
                        "operation 0 (free, thread 0, block 0): the block is not live");
    trace_free(trace);
}

static void test_place_that_is_not_there(void **state)
{
    (void)state;
    struct complaint complaint = {""};
    struct trace *trace = random_trace(1, RANDOM_RECORDED, 10);
    assert_int_equal(ENOENT, trace_write_binary(trace, "/nonexistent/x", &complaint));
    assert_string_equal(complaint.text,
                        "/nonexistent/x: cannot be written: No such file or directory");
    trace_free(trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_truncated_anywhere),
        cmocka_unit_test(test_truncated_between_frames),
        cmocka_unit_test(test_flipped_anywhere),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_illegal_is_not_written),
        cmocka_unit_test(test_place_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
