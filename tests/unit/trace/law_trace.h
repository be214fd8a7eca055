// SPDX-License-Identifier: MIT
//
// law_trace.h - the law of traces: any bytes are a trace, or a complaint; a text that numbers its
// blocks has as many as it says; and a trace is the same after it has been written and read, in
// either form, through the other.

#ifndef TRACE_LAW_TRACE_H
#define TRACE_LAW_TRACE_H

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "unit/trace/random_trace.h"

// Writes it as binary, reads it. Returns the bytes, to be freed.
static inline char *trace_law_binary(const struct trace *trace, const char *path, size_t *length)
{
    struct complaint complaint = {""};
    struct trace *again = NULL;
    if (trace_write_binary(trace, path, &complaint) != 0 ||
        trace_read(path, &again, &complaint) != 0) {
        fail_msg("%s", complaint.text);
    }
    same_trace(trace, again);
    trace_free(again);
    return slurp(path, length);
}

// Returns whether the text form can hold it: names may be too odd for that.
static inline bool trace_law(const struct trace *trace)
{
    struct complaint complaint = {""};
    struct trace *from_text = NULL;
    size_t first_length, second_length;
    char *path = temporary();
    char *first = trace_law_binary(trace, path, &first_length);
    int error = trace_write_text(trace, path, &complaint);
    if (error == 0) {
        if (trace_read(path, &from_text, &complaint) != 0) {
            fail_msg("%s", complaint.text);
        }
        same_trace(trace, from_text);
        char *second = trace_law_binary(from_text, path, &second_length);
        assert_int_equal(first_length, second_length);
        assert_memory_equal(first, second, first_length);
        trace_free(from_text);
        free(second);
    } else if (error != EINVAL || strstr(complaint.text, "a text c") == NULL) {
        fail_msg("%s", complaint.text);
    }
    unlink(path);
    free(first);
    free(path);
    return error == 0;
}

// The number behind a text's "numbered", of digits only. False: there is none.
static inline bool trace_law_numbered(const char *bytes, size_t length, uint64_t *count)
{
    static const char word[] = "numbered";
    const char *end = bytes + length;
    for (const char *at = bytes, *next; at < end && *bytes != '\x89'; at = next) {
        next = memchr(at, '\n', (size_t)(end - at));
        next = next == NULL ? end : next + 1;
        while (at < next && (*at == ' ' || *at == '\t' || *at == '\r')) {
            at++;
        }
        if ((size_t)(next - at) > sizeof word && memcmp(at, word, sizeof word - 1) == 0 &&
            at[sizeof word - 1] == ' ') {
            char digits[12] = "";
            int used = 0;
            snprintf(digits, sizeof digits, "%.*s", (int)(next - at - (long)sizeof word),
                     at + sizeof word);
            return sscanf(digits, "%9" SCNu64 "%n", count, &used) == 1 &&
                   strspn(digits, "0123456789") == (size_t)used &&
                   (digits[used] == '\n' || digits[used] == '\0');
        }
    }
    return false;
}

// Reads the bytes from a block of just that size. Returns the trace, or NULL after a complaint.
static inline struct trace *trace_law_parse(const void *bytes, size_t length)
{
    struct complaint complaint = {""};
    struct trace *trace = NULL, *part = NULL;
    char *tight = malloc(length + (length == 0));
    assert_non_null(tight);
    memcpy(tight, bytes, length);
    int error = trace_parse(tight, length, "t", &trace, &part, &complaint);
    free(tight);
    assert_int_equal(error != 0, complaint.text[0] != '\0');
    assert_int_equal(error == 0, trace != NULL);
    assert_true(error == 0 || strncmp(complaint.text, "t:", 2) == 0);
    assert_true(part == NULL || error == EBADMSG);
    struct trace *got = trace != NULL ? trace : part;
    if (got != NULL && trace_check(got, &complaint) != 0) {
        fail_msg("an illegal trace: %s", complaint.text);
    }
    uint64_t count;
    if (trace != NULL && trace_law_numbered(bytes, length, &count)) {
        assert_int_equal(trace->block_count, count);
    }
    trace_free(part);
    return trace;
}

#endif
