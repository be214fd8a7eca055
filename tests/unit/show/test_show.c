// SPDX-License-Identifier: MIT
//
// test_show.c - the classroom's simulator: what each step says, units, memory, refusals; and on
// random traces, for every policy, that the map is the memory.

#include "show/show.h"

#include <errno.h>
#include <mems/inject.h>
#include <string.h>

#include "support/test.h"
#include "target/sizing.h"

static struct trace *parse(const char *text)
{
    struct complaint complaint = {""};
    struct trace *trace;
    if (trace_parse(text, strlen(text), "t", &trace, NULL, &complaint) != 0) {
        fail_msg("%s", complaint.text);
    }
    return trace;
}

struct stage {
    struct trace *trace;
    struct target_spec spec;
    struct show *show;
};

static void stage_open(struct stage *stage, const char *text, const char *target, uint64_t memory)
{
    struct complaint complaint = {""};
    struct show_settings settings = {.memory = memory};
    stage->trace = parse(text);
    if (target_parse(target, NULL, &stage->spec, &complaint) != 0 ||
        show_open(stage->trace, &stage->spec, &settings, true, &stage->show, &complaint) != 0) {
        fail_msg("%s: %s", target, complaint.text);
    }
}

static void stage_close(struct stage *stage)
{
    struct mems_violation violation;
    if (mems_check(show_engine(stage->show), true, &violation) != 0) {
        fail_msg("%s: %s", violation.invariant, violation.text);
    }
    show_close(stage->show);
    target_spec_fini(&stage->spec);
    trace_free(stage->trace);
}

static void step(struct stage *stage, struct show_step *step)
{
    struct complaint complaint = {""};
    if (show_next(stage->show, step, &complaint) != 0) {
        fail_msg("%s", complaint.text);
    }
}

// What the steps say, to the end of the trace; NULL: not looked at.
static void expect_steps(struct stage *stage, const char *const *said)
{
    struct show_step done;
    struct complaint complaint = {""};
    while (show_next(stage->show, &done, &complaint) == 0) {
        if (*said != NULL && strcmp(done.text, *said) != 0) {
            fail_msg("%s -> \"%s\" instead of \"%s\"", done.operation, done.text, *said);
        }
        said++;
    }
    assert_string_equal(complaint.text, "");
}

// The pieces in units: sizes of blocks, and of holes as negative numbers.
static void expect_map(struct stage *stage, const int64_t *sizes, size_t count)
{
    const struct show_map *map = show_look(stage->show);
    assert_int_equal(map->count, count);
    for (size_t i = 0; i < count; i++) {
        int64_t size = (int64_t)(map->pieces[i].size / show_unit(stage->show));
        assert_int_equal(map->pieces[i].kind == MEMS_PIECE_HOLE ? -size : size, sizes[i]);
    }
}

#define EXPECT_MAP(stage, ...)                                                                     \
    expect_map(stage, (const int64_t[]){__VA_ARGS__},                                              \
               sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

static bool has_policy(const char *name)
{
    const struct mems_policy_row *row;
    for (size_t i = 0; (row = mems_policy_at(i)) != NULL; i++) {
        if (strcmp(row->name, name) == 0) {
            return true;
        }
    }
    return false;
}

// ---- the textbooks' cases -----------------------------------------------------------------------

#define COMPACTION                                                                                 \
    "alloc P1 200\nalloc P2 300\nalloc P3 100\nfree P2\nalloc P4 150\nfree P1\ncompact\n"          \
    "alloc P5 400\n"

static void test_first_fit(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, "alloc P1 200\nalloc P2 300\nalloc P3 100\nfree P2\nalloc P4 150\nfree P1\n",
               "mems:dynamic", 0);
    assert_int_equal(show_unit(stage.show), 16);
    const char *const said[] = {
        "at 0", "at 200", "at 500", "gave back 300 at 200", "at 200", "gave back 200 at 0"};
    expect_steps(&stage, said);
    EXPECT_MAP(&stage, -200, 150, -150, 100, -424); // of 1,024: the peak's power of two
    stage_close(&stage);
}

// Case 16 of the textbooks' answers, on a policy whose blocks move.
static void expect_compaction(const char *target)
{
    struct stage stage;
    struct show_step done;
    struct show_summary summary;
    stage_open(&stage, COMPACTION, target, 0);
    for (unsigned i = 0; i < 7; i++) {
        step(&stage, &done);
    }
    assert_int_equal(done.outcome, SHOW_DONE);
    assert_int_equal(done.move_count, 2);
    assert_int_equal(done.moves[0].from, 200 * 16);
    assert_int_equal(done.moves[0].to, 0);
    assert_int_equal(done.moves[1].from, 500 * 16);
    assert_int_equal(done.moves[1].to, 150 * 16);
    EXPECT_MAP(&stage, 150, 100, -774);
    step(&stage, &done);
    assert_string_equal(done.text, "at 250");
    EXPECT_MAP(&stage, 150, 100, 400, -374);
    show_sum_up(stage.show, &summary);
    assert_int_equal(summary.moved_bytes, 250 * 16);
    assert_int_equal(summary.served, 5);
    stage_close(&stage);
}

static void test_compaction(void **state)
{
    (void)state;
    bool tried = false;
    if (sizing_has_option("dynamic", "movable")) {
        expect_compaction("mems:dynamic");
        tried = true;
    }
    if (has_policy("segmentation")) {
        expect_compaction("mems:segmentation");
        tried = true;
    }
    if (!tried) {
        skip();
    }
}

static void test_nothing_moves(void **state)
{
    (void)state;
    struct stage stage;
    struct show_step done;
    stage_open(&stage, "alloc P1 16\ncompact\n", "mems:fixed", 0);
    step(&stage, &done);
    step(&stage, &done);
    assert_int_equal(done.outcome, SHOW_NOTHING);
    assert_string_equal(done.text, "this policy moves no blocks");
    stage_close(&stage);
}

static void test_partitions(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage,
               "alloc P1\nalloc P2\nfree P1\nalloc P3\nalloc P4\nalloc P5\nalloc P6\nfree P9\n"
               "free P6\nfree P2\nalloc P6\n",
               "mems:fixed", 0);
    const char *const said[] = {"partition 0, 256Ki at 0",       "partition 1, 256Ki at 256Ki",
                                "gave back 256Ki at 0",          "partition 0, 256Ki at 0",
                                "partition 2, 256Ki at 512Ki",   "partition 3, 256Ki at 768Ki",
                                "refused: no partition is free", "not found: it holds nothing",
                                "not found: it holds nothing",   "gave back 256Ki at 256Ki",
                                "partition 1, 256Ki at 256Ki"};
    expect_steps(&stage, said);
    stage_close(&stage);
}

// Case 7: holes 100 500 200 300 600, requests 212 417 112 426.
#define HOLES                                                                                      \
    "alloc h/1 100\nalloc s/1 1\nalloc h/2 500\nalloc s/2 1\nalloc h/3 200\nalloc s/3 1\n"         \
    "alloc h/4 300\nalloc s/4 1\nalloc h/5 600\nfree h\n"                                          \
    "alloc r/1 212\nalloc r/2 417\nalloc r/3 112\nalloc r/4 426\n"
#define HOLES_MEMORY 1704 // no whole pages of 16-byte units: the unit becomes a page

static void expect_fit(const char *target, const int64_t *left, size_t count, const char *last)
{
    struct stage stage;
    struct show_step done = {0};
    struct complaint complaint = {""};
    stage_open(&stage, HOLES, target, HOLES_MEMORY);
    assert_int_equal(show_unit(stage.show), 4096);
    while (show_next(stage.show, &done, &complaint) == 0) {
    }
    assert_string_equal(done.text, last);
    const struct show_map *map = show_look(stage.show);
    for (size_t i = 0; i < map->count; i++) {
        if (map->pieces[i].kind == MEMS_PIECE_HOLE) {
            assert_true(count > 0);
            assert_int_equal(map->pieces[i].size / 4096, *left);
            left++;
            count--;
        }
    }
    assert_int_equal(count, 0);
    stage_close(&stage);
}

static void test_fits(void **state)
{
    (void)state;
    static const int64_t first[] = {100, 176, 200, 300, 183};
    static const int64_t best[] = {100, 83, 88, 88, 174};
    static const int64_t worst[] = {100, 83, 200, 300, 276};
    expect_fit("mems:dynamic(fit=first)", first, 5,
               "refused: 426 wanted, 5 holes, the largest 300, 959 free in all");
    expect_fit("mems:dynamic(fit=best)", best, 5, "at 1104");
    expect_fit("mems:dynamic(fit=worst)", worst, 5,
               "refused: 426 wanted, 5 holes, the largest 300, 959 free in all");
}

// 8 pages of 128: P1 asks 300, P2 asks 128, P1 leaves.
static void test_pages(void **state)
{
    (void)state;
    struct stage stage;
    struct show_step done;
    if (!has_policy("paging")) {
        skip();
    }
    stage_open(&stage, "alloc P1 300\nalloc P2 128\nfree P1\nalloc P3 769\n",
               "mems:paging(page=128,frames=8)", 0);
    step(&stage, &done);
    assert_string_equal(done.text, "3 pages in frames 0 1 2; 84 unused");
    step(&stage, &done);
    assert_string_equal(done.text, "1 page in frame 3; 0 unused");
    step(&stage, &done);
    step(&stage, &done);
    assert_int_equal(done.outcome, SHOW_DONE); // any seven frames do
    stage_close(&stage);
}

// ---- what a step says ---------------------------------------------------------------------------

static void test_refused_and_skipped(void **state)
{
    (void)state;
    struct stage stage;
    struct show_summary summary;
    stage_open(&stage,
               "alloc P1/a 100\nalloc P2/b 200\nfree P2/b\nresize P1/a 300\n"
               "touch P1/a 250\nresize P1/a 50\ntouch P1/a 49 w\nalloc P2/b 100\nfree P1/a\n",
               "mems:dynamic", 256);
    const char *const said[] = {"at 0",
                                "refused: 200 wanted, 1 hole, the largest 156, 156 free in all",
                                "skipped: it was refused",
                                "refused: 300 wanted, 1 hole, the largest 156, 156 free in all",
                                "past the end of the block",
                                "at 0",
                                "in memory",
                                "at 50",
                                "was at 0"};
    expect_steps(&stage, said);
    show_sum_up(stage.show, &summary);
    assert_int_equal(summary.served, 3);
    assert_int_equal(summary.refused, 2);
    stage_close(&stage);
}

static void test_units(void **state)
{
    (void)state;
    static const struct {
        const char *text, *target;
        uint64_t memory, unit;
    } cases[] = {
        {"alloc P 200\n", "mems:dynamic", 0, 16},
        {"alloc P 208\n", "mems:dynamic", 0, 1},
        {"alloc P 70001\n", "mems:dynamic", 0, 1},
        {"alloc P 200\n", "mems:dynamic", 300, 4096},
        {"alloc P 200\n", "mems:dynamic(capacity=64Ki)", 0, 16},
        {"alloc P\n", "mems:fixed", 0, 1},
        {"alloc P 200\n", "mems:fixed", 0, 16},
        {"alloc P 200\n", "mems:fixed(partition=256,count=4)", 0, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct stage stage;
        struct show_step done;
        stage_open(&stage, cases[i].text, cases[i].target, cases[i].memory);
        if (show_unit(stage.show) != cases[i].unit) {
            fail_msg("%s on %s: a unit of %llu", cases[i].text, cases[i].target,
                     (unsigned long long)show_unit(stage.show));
        }
        step(&stage, &done);
        assert_int_equal(done.outcome, SHOW_DONE);
        stage_close(&stage);
    }
}

static void test_too_large(void **state)
{
    (void)state;
    struct trace *trace = parse("alloc P 200\n");
    struct target_spec spec;
    struct show *show;
    struct complaint complaint = {""};
    struct show_settings settings = {.memory = UINT64_C(1) << 62};
    assert_int_equal(target_parse("mems:dynamic", NULL, &spec, &complaint), 0);
    assert_int_equal(show_open(trace, &spec, &settings, true, &show, &complaint), EINVAL);
    assert_non_null(strstr(complaint.text, "more than the 1 TiB that can be looked at"));
    target_spec_fini(&spec);
    trace_free(trace);
}

// ---- laws, for every policy ---------------------------------------------------------------------

#define LAW_BLOCKS 24

static char *random_text(uint64_t *seed, unsigned count)
{
    char *text = NULL;
    size_t size;
    bool live[LAW_BLOCKS] = {false};
    FILE *out = open_memstream(&text, &size);
    for (unsigned i = 0; i < count; i++) {
        *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        unsigned roll = (unsigned)(*seed >> 40), block = roll % LAW_BLOCKS;
        unsigned process = block % 4, bytes = 1 + (roll >> 8) % 400;
        if (!live[block]) {
            fprintf(out, "alloc P%u/%u %u\n", process, block, bytes);
        } else if (roll >> 5 & 1) {
            fprintf(out, "resize P%u/%u %u\n", process, block, bytes);
        } else {
            fprintf(out, "free P%u/%u\n", process, block);
        }
        live[block] = !live[block] || (roll >> 5 & 1);
        if (roll % 97 == 0) {
            fprintf(out, "free P%u\ncompact\n", process);
            for (unsigned b = process; b < LAW_BLOCKS; b += 4) {
                live[b] = false;
            }
        }
    }
    fclose(out);
    return text;
}

// Pieces in order without overlap, each live block's bytes there exactly once.
static void expect_lawful(struct show *show)
{
    const struct show_map *map = show_look(show);
    uint64_t end = 0, requested = 0, present = 0;
    size_t blocks = 0;
    for (size_t i = 0; i < map->count; i++) {
        const struct show_piece *piece = &map->pieces[i];
        if (!piece->absent) {
            assert_true(piece->at >= end);
            end = piece->at + piece->size;
            present += piece->size;
        }
        if (piece->kind == MEMS_PIECE_BLOCK) {
            assert_true(piece->block != SHOW_NOBODY);
            // A page says what of the request is in it, any other piece all of it.
            requested += !piece->more || piece->page != MEMS_PAGE_NONE ? piece->requested : 0;
            blocks += !piece->more;
        }
    }
    assert_int_equal(present, map->memory);
    assert_int_equal(requested, map->stats.requested_bytes);
    assert_int_equal(blocks, map->stats.live_blocks);
}

static void test_laws(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    const struct mems_policy_row *row;
    for (size_t p = 0; (row = mems_policy_at(p)) != NULL; p++) {
        char target[64];
        struct stage stage;
        struct show_step done;
        struct show_summary summary;
        struct complaint complaint = {""};
        uint64_t asked = 0;
        char *text = random_text(&seed, 2000 / MEMS_TEST_SCALE);
        snprintf(target, sizeof target, "mems:%s", row->name);
        stage_open(&stage, text, target, 1024);
        for (int error; (error = show_next(stage.show, &done, &complaint)) != ENOENT;) {
            if (error != 0) {
                fail_msg("%s: %s", target, complaint.text);
            }
            bool sized = trace_kind_allocates(done.op->kind) || done.op->kind == TRACE_RESIZE;
            asked += sized && done.outcome != SHOW_SKIPPED;
            expect_lawful(stage.show);
        }
        show_sum_up(stage.show, &summary);
        assert_int_equal(summary.served + summary.refused, asked);
        stage_close(&stage);
        free(text);
    }
}

// The machine's lack of memory is no refusal of the policy's: it is told, not drawn.
static void test_no_memory(void **state)
{
    (void)state;
    struct stage stage;
    struct show_step step;
    struct complaint complaint = {""};
    stage_open(&stage, "alloc P1 200\n", "mems:segmentation", 1024);
    mems_inject(MEMS_SEAM_MAP, 1, 1);
    int error = show_next(stage.show, &step, &complaint);
    uint64_t hits = mems_inject_hits(MEMS_SEAM_MAP);
    mems_inject(MEMS_SEAM_MAP, 0, 0);
    assert_true(hits > 0);
    assert_int_equal(error, ENOMEM);
    assert_string_equal(complaint.text, "operation 1, alloc P1 200: out of memory");
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_memory),  cmocka_unit_test(test_first_fit),
        cmocka_unit_test(test_compaction), cmocka_unit_test(test_nothing_moves),
        cmocka_unit_test(test_partitions), cmocka_unit_test(test_fits),
        cmocka_unit_test(test_pages),      cmocka_unit_test(test_refused_and_skipped),
        cmocka_unit_test(test_units),      cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_laws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
