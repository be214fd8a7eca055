// SPDX-License-Identifier: MIT
//
// test_draw.c - maps in a terminal: bars, lists, frames; nothing is wider than asked for.

#include "show/draw.h"

#include <errno.h>
#include <string.h>

#include "show/draw_frames.h"
#include "support/test.h"

struct stage {
    struct trace *trace;
    struct target_spec spec;
    struct show *show;
};

static void stage_open(struct stage *stage, const char *text, const char *target, uint64_t memory)
{
    struct complaint complaint = {""};
    struct show_settings settings = {.memory = memory};
    struct show_step step;
    if (trace_parse(text, strlen(text), "t", &stage->trace, NULL, &complaint) != 0 ||
        target_parse(target, NULL, &stage->spec, &complaint) != 0 ||
        show_open(stage->trace, &stage->spec, &settings, true, &stage->show, &complaint) != 0) {
        fail_msg("%s", complaint.text);
    }
    while (show_next(stage->show, &step, &complaint) != ENOENT) {
        assert_string_equal(complaint.text, "");
    }
}

static void stage_close(struct stage *stage)
{
    show_close(stage->show);
    target_spec_fini(&stage->spec);
    trace_free(stage->trace);
}

// The map, cut before `end` where that is not NULL. The caller frees it.
static char *drawn(struct stage *stage, unsigned width, const char *end)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    draw_map(out, stage->show, width);
    fclose(out);
    char *cut = end != NULL ? strstr(text, end) : text + strlen(text);
    assert_non_null(cut);
    *cut = '\0';
    return text;
}

static void expect_narrow(const char *text, size_t width)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        if (length > width) {
            fail_msg("%zu columns: %.*s", length, (int)length, text);
        }
        text += length + (text[length] == '\n');
    }
}

// 56 columns: two for each of five pieces, 46 shared by size: 11, 9, 8, 7 and 21.
static void test_bar(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage,
               "alloc P1 200\nalloc P2 300\nalloc P3/x 100\nfree P2\nalloc P4 150\nfree P1\n",
               "mems:dynamic", 1024);
    char *text = drawn(&stage, 60, NULL);
    static const char expected[] =
        "  memory: 1024\n"
        "  |....200....[P4#####]..150...[P3/x#].........424.........|\n"
        "   0          200      350     500    600\n"
        "          at       size  what\n"
        "           0        200  free\n"
        "         200        150  P4\n"
        "         350        150  free\n"
        "         500        100  P3/x\n"
        "         600        424  free\n"
        "  live: 2 blocks, 250 asked for, 250 taken; internal fragmentation 0.0 %\n"
        "  free: 774 in 3 holes, the largest 424; external fragmentation 45.2 %\n"
        "  refused: 0, 0 of them though enough was free in all\n\n";
    assert_string_equal(text, expected);
    free(text);
    stage_close(&stage);
}

static void test_waste_is_told(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, "alloc P1 100\n", "mems:fixed(partition=128,count=2)", 0);
    char *text = drawn(&stage, 60, NULL);
    assert_non_null(strstr(text, "           0        128  P1 (asked for 100)\n"));
    assert_non_null(strstr(text, "100 asked for, 128 taken; internal fragmentation 21.9 %\n"));
    free(text);
    stage_close(&stage);
}

// As many pieces as there are: a row, several rows, samples.
static void test_many_pieces(void **state)
{
    (void)state;
    for (unsigned blocks = 1; blocks <= 1000; blocks *= 10) {
        for (unsigned width = 40; width <= 100; width += 20) {
            struct stage stage;
            char *trace = NULL;
            size_t size;
            FILE *out = open_memstream(&trace, &size);
            for (unsigned i = 0; i < blocks; i++) {
                fprintf(out, "alloc P%u/%u %u\n", i % 2, i, 1 + i % 7);
            }
            fprintf(out, "free P0\n");
            fclose(out);
            stage_open(&stage, trace, "mems:dynamic", 4096);
            char *text = drawn(&stage, width, "          at"); // below: names and sums
            expect_narrow(text, width);
            unsigned rows = 0;
            for (const char *at = text; (at = strstr(at, "  |")) != NULL; at++) {
                rows++;
            }
            assert_in_range(rows, 1, 8);
            assert_true(blocks < 100 || rows == 8);
            free(text);
            free(trace);
            stage_close(&stage);
        }
    }
}

// A map made by hand: 8 frames, two processes, a page that is not in memory.
static void test_frames(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, "alloc P1 16\nalloc P2 16\n", "mems:dynamic", 0);
    struct show_piece pieces[] = {
        {.kind = MEMS_PIECE_BLOCK, .page = 1, .process = 0, .block = 0, .at = 0, .size = 128},
        {.kind = MEMS_PIECE_HOLE,
         .page = MEMS_PAGE_NONE,
         .process = SHOW_NOBODY,
         .block = SHOW_NOBODY,
         .at = 128,
         .size = 256},
        {.kind = MEMS_PIECE_BLOCK, .page = 0, .process = 1, .block = 1, .at = 384, .size = 128},
        {.kind = MEMS_PIECE_BLOCK,
         .page = 0,
         .process = 0,
         .block = 0,
         .at = 512,
         .size = 128,
         .more = true},
        {.kind = MEMS_PIECE_BLOCK,
         .page = 2,
         .process = 0,
         .block = 0,
         .absent = true,
         .size = 128},
    };
    struct show_map map = {.pieces = pieces, .count = 5, .memory = 640, .frame = 128};
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    draw_frames(out, stage.show, &map, 40);
    fclose(out);
    assert_string_equal(text, "  5 frames of 128; a dot is a free one\n"
                              "      0 P1:1     1 .        2 .\n"
                              "      3 P2:0     4 P1:0\n"
                              "  page tables, page>frame (-: not in memory)\n"
                              "  P1: 0>4 1>0 2>-\n"
                              "  P2: 0>3\n");
    free(text);
    stage_close(&stage);
}

static void test_table(void **state)
{
    (void)state;
    const struct draw_row rows[] = {
        {"mems:dynamic",
         {.served = 5,
          .refused = 2,
          .refused_enough = 1,
          .internal = 0,
          .external = 0.4652,
          .holes = 3,
          .largest_hole = 3200},
         16},
        {"mems:vm-paging(frames=8,page=64)",
         {.served = 7, .internal = 0.25, .external = -1, .faults = 12},
         1},
    };
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    draw_table(out, rows, 2);
    fclose(out);
    expect_narrow(text, 80);
    assert_non_null(strstr(text,
                           "\nmems:dynamic                5       2       1   0.0  46.5      3"
                           "      200      0\n"));
    assert_non_null(strstr(text, "\nmems:vm-paging(frames=8,page=64)\n"));
    assert_non_null(strstr(text, "       7       0       0  25.0     -      0        0     12\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bar),         cmocka_unit_test(test_waste_is_told),
        cmocka_unit_test(test_many_pieces), cmocka_unit_test(test_frames),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
