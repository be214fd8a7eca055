// SPDX-License-Identifier: MIT
//
// test_replacement.c - the textbooks' reference strings, exactly, and what each algorithm is known
// for.

#include "support/references.h"

static const uint64_t string_1[] = {7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1};
static const uint64_t string_2[] = {1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5};
static const uint64_t string_3[] = {2, 3, 2, 1, 5, 2, 4, 5, 3, 2, 5, 2};
static const uint64_t string_4[] = {1, 2, 3, 4, 2, 1, 5, 6, 2, 1, 2, 3, 7, 6, 3, 2, 1, 2, 3, 6};
static const uint64_t string_5a[] = {7, 2, 3, 1, 2, 5, 3, 4, 6, 7, 7, 1, 0, 5, 4, 6, 2, 3, 0, 1};
static const uint64_t string_5b[] = {0, 1, 7, 2, 3, 2, 7, 1, 0, 3};
static const uint64_t string_14[] = {2, 6, 1, 5, 7, 7, 7, 7, 5, 1, 6, 2, 3,
                                     4, 1, 2, 3, 4, 4, 4, 3, 4, 3, 4, 4, 4};

struct textbook {
    const char *name;
    uint32_t frames;
    bool load_ref;
    uint64_t faults;
};

#define FAULTS(string, ...)                                                                        \
    do {                                                                                           \
        const struct textbook lines[] = {__VA_ARGS__};                                             \
        expect_faults(string, sizeof string / sizeof string[0], lines,                             \
                      sizeof lines / sizeof lines[0]);                                             \
    } while (0)

static void expect_faults(const uint64_t *string, size_t count, const struct textbook *lines,
                          size_t lines_count)
{
    for (size_t i = 0; i < lines_count; i++) {
        struct replacement_config config = {.frames = lines[i].frames,
                                            .clock_load_ref = lines[i].load_ref};
        uint64_t faults = references_faults(lines[i].name, &config, string, count, 16);
        test_require(faults == lines[i].faults, "%s, %u frames: %" PRIu64 " faults, not %" PRIu64,
                     lines[i].name, lines[i].frames, faults, lines[i].faults);
    }
}

static void test_case_1(void **unused)
{
    (void)unused;
    FAULTS(string_1, {"fifo", 3, false, 15}, {"lru", 3, false, 12}, {"opt", 3, false, 9},
           {"clock", 3, true, 14}, {"clock", 3, false, 11}, {"second-chance", 3, true, 14},
           {"second-chance", 3, false, 11}, {"fifo", 4, false, 10}, {"lru", 4, false, 8},
           {"opt", 4, false, 8});
}

static void test_case_2(void **unused)
{
    (void)unused;
    FAULTS(string_2, {"fifo", 3, false, 9}, {"fifo", 4, false, 10}, {"lru", 3, false, 10},
           {"lru", 4, false, 8}, {"opt", 3, false, 7}, {"opt", 4, false, 6}, {"clock", 3, true, 9},
           {"clock", 4, true, 10});
}

static void test_case_3(void **unused)
{
    (void)unused;
    // Counted after the frames fill: three fewer.
    FAULTS(string_3, {"opt", 3, false, 3 + 3}, {"lru", 3, false, 4 + 3}, {"fifo", 3, false, 6 + 3},
           {"clock", 3, true, 5 + 3}, {"clock", 3, false, 6});
}

static void test_case_4(void **unused)
{
    (void)unused;
    static const uint64_t lru[] = {20, 18, 15, 10, 8, 7, 7};
    static const uint64_t fifo[] = {20, 18, 16, 14, 10, 10, 7};
    static const uint64_t opt[] = {20, 15, 11, 8, 7, 7, 7};
    for (uint32_t frames = 1; frames <= 7; frames++) {
        FAULTS(string_4, {"lru", frames, false, lru[frames - 1]},
               {"fifo", frames, false, fifo[frames - 1]}, {"opt", frames, false, opt[frames - 1]});
    }
}

static void test_case_5(void **unused)
{
    (void)unused;
    FAULTS(string_5a, {"lru", 3, false, 18}, {"fifo", 3, false, 17}, {"opt", 3, false, 13});
    FAULTS(string_5b, {"fifo", 4, false, 6}, {"lru", 4, false, 7});
}

// Pages 0 to 3, loaded in the order of time 110, 126, 140, 230; last used 265, 270, 280, 285.
static uint64_t case_6_victim(const char *name)
{
    static const uint64_t loaded[] = {3, 0, 2, 1}, used[] = {1, 2, 0, 3};
    static const uint8_t referenced[] = {1, 0, 0, 1}, written[] = {0, 1, 0, 1};
    // More frames than pages, so that no R is cleared while these are loaded.
    struct replacement_config config = {.frames = 8, .clock_load_ref = true};
    const struct replacement *replacement = replacement_find(name);
    struct references *r = references_open(replacement, &config, 4);
    for (size_t i = 0; i < 4; i++) {
        references_to(r, loaded[i], false);
    }
    for (size_t i = 0; i < 4 && replacement->hit != NULL; i++) {
        references_to(r, used[i], false);
    }
    for (uint64_t page = 0; page < 4; page++) {
        r->config.touch[r->frame_of[page]] = referenced[page];
        r->dirty[r->frame_of[page]] = written[page];
    }
    uint64_t page;
    references_victim(r, REPLACEMENT_ANY, &page);
    references_close(r);
    return page;
}

static void test_case_6(void **unused)
{
    (void)unused;
    assert_int_equal(case_6_victim("nru"), 2);
    assert_int_equal(case_6_victim("fifo"), 3);
    assert_int_equal(case_6_victim("lru"), 1);
    assert_int_equal(case_6_victim("second-chance"), 2);
    assert_int_equal(case_6_victim("clock"), 2);
}

// The working set after so many references of string_14: pages a hit on which would not fault.
static void expect_working_set(size_t count, const bool expected[8])
{
    for (uint64_t page = 0; page < 8; page++) {
        struct replacement_config config = {.frames = 16, .tau = 10};
        struct references *r = references_open(&replacement_ws, &config, 8);
        for (size_t i = 0; i < count; i++) {
            references_to(r, string_14[i], false);
        }
        test_require(references_to(r, page, false) == !expected[page],
                     "page %" PRIu64 " after %zu references", page, count);
        references_close(r);
    }
}

static void test_case_14(void **unused)
{
    (void)unused;
    static const bool after_10[8] = {[1] = true, [2] = true, [5] = true, [6] = true, [7] = true};
    static const bool after_26[8] = {[3] = true, [4] = true};
    expect_working_set(10, after_10);
    expect_working_set(26, after_26);
}

// All classes, and the order within one: at or after the hand, in order of frames.
static void test_nru_classes(void **unused)
{
    (void)unused;
    struct replacement_config config = {.frames = 20};
    struct references *r = references_open(&replacement_nru, &config, 20);
    for (uint64_t page = 0; page < 19; page++) {
        references_to(r, page, false);
    }
    for (uint32_t frame = 0; frame < 19; frame++) {
        r->config.touch[frame] = frame % 4 >= 2 ? 1 : 0;
        r->dirty[frame] = (uint8_t)(frame % 2 * 0x80); // any value but 0 means written
    }
    static const uint64_t expected[] = {0,  4,  8, 12, 16, 17, 1,  5, 9, 13,
                                        14, 18, 2, 6,  10, 11, 15, 3, 7};
    for (size_t i = 0; i < 19; i++) {
        uint64_t page;
        references_victim(r, REPLACEMENT_ANY, &page);
        test_require(page == expected[i], "victim %zu is %" PRIu64 ", not %" PRIu64, i, page,
                     expected[i]);
        references_checked(r);
    }
    assert_int_equal(r->replacement->victim(r->state, REPLACEMENT_ANY), REPLACEMENT_NONE);
    references_close(r);
}

// A sweep must leave the mark of a page whose first reference is still to come.
static void test_fresh_survives(void **unused)
{
    (void)unused;
    static const char *const names[] = {"clock", "second-chance", "sieve", "s3fifo", "nru"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct replacement_config config = {.frames = 2, .clock_load_ref = true};
        struct references *r = references_open(replacement_find(names[i]), &config, 3);
        references_to(r, 0, false);
        r->config.touch[r->frame_of[0]] = 3;
        references_load(r, r->free[--r->free_count], 1);
        r->config.touch[r->frame_of[1]] |= 3;
        uint64_t page;
        uint32_t frame = references_victim(r, REPLACEMENT_ANY, &page);
        assert_int_equal(page, 0);
        assert_true(r->config.touch[r->frame_of[1]] & REPLACEMENT_FRESH);
        references_load(r, frame, 2);
        references_checked(r);
        references_close(r);
    }
}

// A page that comes back is still remembered when it comes in, though other faults that began after
// its own have evicted pages and come in meanwhile: a scan that follows does not take it.
static void test_returning_is_kept(void **unused)
{
    (void)unused;
    // Page `oldest` is the oldest ghost, and there are as many as may be, once `loaded` pages have
    // come in, of which eight are used twice where `twice` says so.
    static const struct {
        const char *name;
        bool twice;
        uint32_t frames;
        uint64_t loaded, oldest;
    } lines[] = {{"2q", false, 16, 24, 0},
                 {"s3fifo", false, 16, 30, 0},
                 {"arc", true, 16, 24, 0},
                 {"lirs", false, 300, 900, 297}};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct replacement_config config = {.frames = lines[i].frames};
        struct references *r = references_open(replacement_find(lines[i].name), &config, 2000);
        for (uint64_t page = 0; page < lines[i].loaded; page++) {
            references_to(r, page, false);
            for (uint64_t again = 8; again < 16 && page == 15 && lines[i].twice; again++) {
                references_to(r, again, false);
            }
        }
        uint64_t gone;
        uint32_t frame = references_victim(r, lines[i].oldest, &gone);
        uint32_t other = references_victim(r, 1000, &gone);
        uint32_t third = references_victim(r, REPLACEMENT_ANY, &gone);
        references_load(r, third, 1001);
        references_load(r, other, 1000);
        references_load(r, frame, lines[i].oldest);
        references_checked(r);
        for (uint64_t page = 1600; page < 2000; page++) {
            references_to(r, page, false);
        }
        test_require(references_resident(r, lines[i].oldest), "%s forgot the page", lines[i].name);
        test_require(!references_resident(r, 1000), "%s keeps a page of a scan", lines[i].name);
        references_checked(r);
        references_close(r);
    }
}

// A loop one page larger than memory: LRU and FIFO miss always; LIRS, 2Q, and OPT do not.
static void test_loop(void **unused)
{
    (void)unused;
    enum { FRAMES = 50, ROUNDS = 40 };
    static uint64_t string[(FRAMES + 1) * ROUNDS];
    size_t count = sizeof string / sizeof string[0];
    for (size_t i = 0; i < count; i++) {
        string[i] = i % (FRAMES + 1);
    }
    struct replacement_config config = {.frames = FRAMES, .seed = 1};
    assert_int_equal(references_faults("lru", &config, string, count, FRAMES + 1), count);
    assert_int_equal(references_faults("fifo", &config, string, count, FRAMES + 1), count);
    assert_true(references_faults("random", &config, string, count, FRAMES + 1) < count / 2);
    assert_true(references_faults("lirs", &config, string, count, FRAMES + 1) < count / 10);
    uint64_t opt = references_faults("opt", &config, string, count, FRAMES + 1);
    assert_true(opt < FRAMES + 1 + ROUNDS + 1);
}

static void test_table(void **unused)
{
    (void)unused;
    size_t count = 0;
    for (const struct replacement *r; (r = replacement_at(count)) != NULL; count++) {
        assert_ptr_equal(replacement_find(r->name), r);
        assert_true((r->touch == REPLACEMENT_TOUCH_ORDER) == (r->hit != NULL));
        assert_true(r->variable == (r->surplus != NULL));
        assert_true(r->help != NULL && r->check != NULL);
    }
    assert_int_equal(count, 15);
    assert_null(replacement_find("clock1"));
}

// With one page loaded and then none.
static void test_empty(void **unused)
{
    (void)unused;
    for (size_t i = 0; replacement_at(i) != NULL; i++) {
        struct replacement_config config = {.frames = 1};
        struct references *r = references_open(replacement_at(i), &config, 2);
        assert_int_equal(r->replacement->victim(r->state, 1), REPLACEMENT_NONE);
        references_to(r, 0, false);
        references_release(r, 0);
        assert_int_equal(r->replacement->victim(r->state, REPLACEMENT_ANY), REPLACEMENT_NONE);
        references_to(r, 0, false);
        references_to(r, 1, true);
        references_checked(r);
        references_close(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_case_1),         cmocka_unit_test(test_case_2),
        cmocka_unit_test(test_case_3),         cmocka_unit_test(test_case_4),
        cmocka_unit_test(test_case_5),         cmocka_unit_test(test_case_6),
        cmocka_unit_test(test_case_14),        cmocka_unit_test(test_nru_classes),
        cmocka_unit_test(test_fresh_survives), cmocka_unit_test(test_returning_is_kept),
        cmocka_unit_test(test_loop),           cmocka_unit_test(test_table),
        cmocka_unit_test(test_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
