// SPDX-License-Identifier: MIT
//
// test_text.c - the text form: what each line means, and what is said of a wrong one.

#include "unit/trace/law_trace.h"

static struct trace *parse(const char *text)
{
    struct complaint complaint = {""};
    struct trace *trace = NULL;
    if (trace_parse(text, strlen(text), "t", &trace, NULL, &complaint) != 0) {
        fail_msg("%s", complaint.text);
    }
    return trace;
}

static void test_lines(void **state)
{
    (void)state;
    struct trace *trace = parse("# a comment\n"
                                "\n"
                                "program  cc -o \\\\x \\x0a\n"
                                "alloc P1/a 2Ki align=64 call=posix_memalign # and another\r\n"
                                "\talloc P2\n"
                                "thread 3 start\n"
                                "resize P1/a 3k\n"
                                "touch P1/a 2999 w\n"
                                "thread 0\n"
                                "touch P1/a 0 r\n"
                                "alloc P2/a 7 call=calloc\n"
                                "free P1/a\n"
                                "alloc P1/a 1\n"
                                "free P2\n"
                                "thread 3 end\n"
                                "show\n"
                                "compact"); // without a newline
    const struct trace_op expected[] = {
        {.kind = TRACE_ALLOC, .call = TRACE_CALL_POSIX_MEMALIGN, .align_log2 = 6, .size = 2048},
        {.kind = TRACE_ALLOC,
         .call = TRACE_CALL_MALLOC,
         .process = 1,
         .block = 1,
         .size = 1,
         .flag = 1},
        {.kind = TRACE_THREAD_START, .thread = 3},
        {.kind = TRACE_RESIZE, .call = TRACE_CALL_REALLOC, .thread = 3, .size = 3000},
        {.kind = TRACE_TOUCH, .thread = 3, .size = 2999, .flag = 1},
        {.kind = TRACE_TOUCH},
        {.kind = TRACE_ALLOC_ZEROED,
         .call = TRACE_CALL_CALLOC,
         .process = 1,
         .block = 2,
         .size = 7},
        {.kind = TRACE_FREE, .call = TRACE_CALL_FREE},
        {.kind = TRACE_ALLOC, .call = TRACE_CALL_MALLOC, .size = 1},
        {.kind = TRACE_FREE_ALL, .process = 1},
        {.kind = TRACE_THREAD_END, .thread = 3},
        {.kind = TRACE_SHOW, .thread = 3},
        {.kind = TRACE_COMPACT, .thread = 3},
    };
    struct trace by_hand = {.op_count = sizeof(expected) / sizeof(expected[0])};
    struct trace_op ops[sizeof(expected) / sizeof(expected[0])];
    memcpy(ops, expected, sizeof(expected));
    by_hand.ops = ops;
    assert_int_equal(by_hand.op_count, trace->op_count);
    same_ops(trace, &by_hand, by_hand.op_count);
    assert_int_equal(4, trace->thread_count);
    assert_int_equal(3, trace->block_count);
    assert_int_equal(2, trace->process_count);
    assert_string_equal("a", trace->block_names[0]);
    assert_null(trace->block_names[1]);
    assert_string_equal("cc -o \\x \n", trace->program);
    struct complaint complaint = {""};
    assert_int_equal(0, trace_check(trace, &complaint));
    trace_free(trace);
}

static void test_numbered(void **state)
{
    (void)state;
    struct trace *trace = parse("numbered 9\nalloc P/8 1\nalloc P/2 1\nfree P/8\nalloc Q/8 3\n");
    assert_int_equal(9, trace->block_count);
    assert_int_equal(8, trace->ops[0].block);
    assert_int_equal(2, trace->ops[1].block);
    assert_int_equal(1, trace->ops[3].process);
    assert_null(trace->block_names);
    trace_free(trace);
}

static void test_complaints(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } rows[] = {
        {"alloc P1 5\nalocate P1", "t:2:1: unknown operation 'alocate'"},
        {"", "t: is empty, not a trace"},
        {"alloc P1/a call=calloc", "t:1:7: 'P1/a': calloc without a size"},
        {"aloc P1", "t:1:1: unknown operation 'aloc'; did you mean 'alloc'?"},
        {"alloc", "t:1:6: PROCESS[/NAME] is missing"},
        {"alloc P1/ 5", "t:1:10: '' cannot name a block"},
        {"alloc /a 5", "t:1:7: '' cannot name a process"},
        {"alloc P1/a/b 5", "t:1:10: 'a/b' cannot name a block"},
        {"  alloc P1 five", "t:1:12: 'five' is no size: digits, then nothing or k M G Ki Mi Gi"},
        {"alloc P1 5kb", "t:1:10: '5kb' is no size: digits, then nothing or k M G Ki Mi Gi"},
        {"alloc P1 99999999999999999999", "t:1:10: '99999999999999999999' is no size: digits, "
                                          "then nothing or k M G Ki Mi Gi"},
        {"alloc P1 9223372036854775808",
         "t:1:10: size 9223372036854775808 is out of range: 0 .. 9223372036854775807"},
        {"alloc P1 5 6", "t:1:12: '6': nothing more belongs on this line"},
        {"alloc P1 5 align=3", "t:1:18: '3' is no alignment: a power of two"},
        {"alloc P1 5 call=maloc",
         "t:1:17: 'maloc' is not of the malloc family; did you mean 'malloc'?"},
        {"alloc P1 5 call=free", "t:1:7: 'P1': a call that does not do this"},
        {"alloc P1 5 colour=red", "t:1:12: 'colour=red': nothing more belongs on this line"},
        {"free P1/a", "t:1:6: 'P1/a' has never been allocated"},
        {"alloc P1/a 5\nfree P1/a\nfree P1/a", "t:3:6: 'P1/a': the block is not live"},
        {"alloc P1/a 5\nalloc P1/a 5", "t:2:7: 'P1/a': the block is live already"},
        {"alloc P1/a 5\nfree P1\ntouch P1/a 0", "t:3:7: 'P1/a': the block is not live"},
        {"alloc P1 5\nresize P1 6", "t:2:8: which block? resize PROCESS/NAME SIZE"},
        {"alloc P1/a 5\nresize P1/a", "t:2:12: size is missing"},
        {"alloc P1/a 5\ntouch P1/a 5", "t:2:7: 'P1/a': the offset is past the end of the block"},
        {"alloc P1/a 5\ntouch P1/a 0 x", "t:2:14: 'x' should be r (read) or w (write)"},
        {"thread", "t:1:7: thread number is missing"},
        {"thread 65536", "t:1:8: thread number 65536 is out of range: 0 .. 65535"},
        {"thread 1 begin", "t:1:10: 'begin' should be start or end, or nothing"},
        {"show me", "t:1:6: 'me': nothing more belongs on this line"},
        {"program a\nprogram b", "t:2:1: given twice"},
        {"program a\\nb", "t:1:10: a backslash stands before another, or before xHH"},
        {"alloc P1 1\nnumbered 3", "t:2:1: 'numbered' stands once, before the operations"},
        {"numbered 3\nalloc P/3 1",
         "t:2:9: block '3' should be a number below 3, as 'numbered' says"},
        {"numbered 3\nalloc P 1", "t:2:7: after 'numbered' every block is PROCESS/NUMBER"},
        {"numbered 3\nalloc P/1 1\nfree Q/1", "t:3:6: 'Q/1': the block belongs to another process"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct complaint complaint = {""};
        struct trace *trace = NULL;
        size_t length = strlen(rows[i].text);
        int error = trace_parse(rows[i].text, length, "t", &trace, NULL, &complaint);
        assert_int_equal(EINVAL, error);
        assert_null(trace);
        if (strncmp(complaint.text, rows[i].said, strlen(rows[i].said)) != 0) {
            fail_msg("\n said: %s\n want: %s", complaint.text, rows[i].said);
        }
    }
}

// Bytes are more than text: what a text cannot say is told, not lost.
static void test_unsaid(void **state)
{
    (void)state;
    static const struct {
        uint32_t blocks[3];
        uint16_t processes[3];
        const char *names[3];
        const char *said;
    } rows[] = {
        {{0, 1, 2}, {0, 0, 0}, {"a", "b", NULL}, ""},
        {{1, 0, 2}, {0, 0, 0}, {"a", "b", "c"}, "operation 0 uses block 1 in a way that"},
        {{0, 1, 2}, {0, 0, 0}, {"a", "a", "c"}, "operation 1 uses block 1 in a way that"},
        {{0, 1, 2}, {0, 1, 0}, {"a", "a", "c"}, ""},
        {{0, 1, 2}, {0, 0, 0}, {"a", "b/", "c"}, "block 1 has a name that a text cannot hold"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct complaint complaint = {""};
        struct trace *trace = trace_new();
        char *path = temporary();
        assert_int_equal(0, trace_add_process(trace, "P", 1));
        assert_int_equal(0, trace_add_process(trace, "Q", 1));
        trace->block_names = calloc(3, sizeof(char *));
        for (size_t b = 0; b < 3; b++) {
            const struct trace_op op = {.kind = TRACE_ALLOC,
                                        .call = TRACE_CALL_MALLOC,
                                        .block = rows[i].blocks[b],
                                        .process = rows[i].processes[b],
                                        .size = 8};
            trace->block_names[b] = rows[i].names[b] != NULL ? strdup(rows[i].names[b]) : NULL;
            assert_int_equal(0, trace_append(trace, &op));
        }
        int error = trace_write_text(trace, path, &complaint);
        assert_int_equal(error, rows[i].said[0] != '\0' ? EINVAL : 0);
        assert_int_equal(strncmp(complaint.text, rows[i].said, strlen(rows[i].said)), 0);
        unlink(path);
        free(path);
        trace_free(trace);
    }
}

// An empty file would be no trace.
static void test_no_operations(void **state)
{
    (void)state;
    struct trace *trace = trace_new();
    assert_true(trace_law(trace));
    trace_free(trace);
}

// Every prefix of every text, and texts with bytes changed: never more than a complaint.
static void test_any_bytes(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, test_seed(), 0, 0);
    struct complaint complaint = {""};
    char *path = temporary();
    struct trace *trace = random_trace(5, RANDOM_NAMED, 60);
    assert_int_equal(0, trace_write_text(trace, path, &complaint));
    trace_free(trace);
    size_t length;
    char *text = slurp(path, &length);
    for (unsigned i = 0; i < 20000 / MEMS_TEST_SCALE; i++) {
        size_t cut = random_below(&random, length + 1);
        char *copy = malloc(cut + 1);
        memcpy(copy, text, cut);
        for (unsigned n = (unsigned)random_below(&random, 4); n > 0 && cut > 0; n--) {
            copy[random_below(&random, cut)] = (char)random_next(&random);
        }
        trace_free(trace_law_parse(copy, cut));
        free(copy);
    }
    unlink(path);
    free(path);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),         cmocka_unit_test(test_numbered),
        cmocka_unit_test(test_complaints),    cmocka_unit_test(test_unsaid),
        cmocka_unit_test(test_no_operations), cmocka_unit_test(test_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
