// SPDX-License-Identifier: MIT
//
// test_faults.c - counts of faults: what can be asked for, and the textbooks' answers.

#include "faults/faults.h"

#include <errno.h>
#include <string.h>

#include "support/test.h"

// ---- what is asked for --------------------------------------------------------------------------

static void test_every_algorithm_by_name(void **state)
{
    (void)state;
    struct faults_choice *choices;
    size_t count;
    struct complaint complaint = {""};
    assert_int_equal(faults_choose("fifo,lru,clock,clock0,second-chance,nru,lfu,random,opt,arc,2q,"
                                   "lirs,s3fifo,sieve,ws:10,pff:3k",
                                   &choices, &count, &complaint),
                     0);
    assert_int_equal(count, 16);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(choices[i].algorithm, faults_algorithm_at(i));
    }
    assert_null(faults_algorithm_at(count));
    assert_string_equal(choices[14].name, "ws:10");
    assert_int_equal(choices[14].parameter, 10);
    assert_int_equal(choices[15].parameter, 3000);
    free(choices);
}

static void test_all_that_need_nothing(void **state)
{
    (void)state;
    struct faults_choice *choices;
    size_t count;
    assert_int_equal(faults_choose(NULL, &choices, &count, NULL), 0);
    assert_int_equal(count, 14);
    for (size_t i = 0; i < count; i++) {
        assert_null(choices[i].algorithm->parameter);
        assert_string_equal(choices[i].name, choices[i].algorithm->name);
    }
    free(choices);
}

static void expect_choice_complaint(const char *list, const char *said)
{
    struct faults_choice *choices;
    size_t count;
    struct complaint complaint = {""};
    assert_int_equal(faults_choose(list, &choices, &count, &complaint), EINVAL);
    assert_null(choices);
    if (strstr(complaint.text, said) == NULL) {
        fail_msg("%s: %s", list, complaint.text);
    }
}

static void test_choice_complaints(void **state)
{
    (void)state;
    expect_choice_complaint("lru,fifi", "no algorithm \"fifi\"; did you mean \"fifo\"?; known: ");
    expect_choice_complaint("", "no algorithm \"\"");
    expect_choice_complaint("lru,", "no algorithm \"\"");
    expect_choice_complaint("LRU", "no algorithm \"LRU\"");
    expect_choice_complaint("ws",
                            "ws needs a number of references, at least 1: ws:100, not \"ws\"");
    expect_choice_complaint("pff:0", "pff needs a number of references");
    expect_choice_complaint("ws:ten", "ws needs a number of references");
    expect_choice_complaint("lru:3", "lru takes no parameter: \"lru:3\"");
    expect_choice_complaint(
        "a-name-that-is-longer-than-any-name-of-an-algorithm-could-ever-be-here", "no algorithm ");
}

static void test_frames(void **state)
{
    (void)state;
    uint64_t *frames;
    size_t count;
    struct complaint complaint = {""};
    assert_int_equal(faults_frames("1,16,1k,4294967295", &frames, &count, &complaint), 0);
    assert_int_equal(count, 4);
    assert_int_equal(frames[0], 1);
    assert_int_equal(frames[1], 16);
    assert_int_equal(frames[2], 1000);
    assert_int_equal(frames[3], UINT32_MAX);
    free(frames);
    static const char *const bad[] = {"", "0", "3,", ",3", "3x", "-1", "4294967296", "1.5", "3 4"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct complaint why = {""};
        if (faults_frames(bad[i], &frames, &count, &why) != EINVAL) {
            fail_msg("\"%s\" is taken", bad[i]);
        }
        assert_non_null(strstr(why.text, "is no number of frames: 1 .. 4294967295"));
        assert_null(frames);
    }
}

// ---- the textbooks' answers ---------------------------------------------------------------------

#define SILBERSCHATZ "7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1"
#define BELADY       "1 2 3 4 1 2 5 1 2 3 4 5"
#define STALLINGS    "2 3 2 1 5 2 4 5 3 2 5 2"
#define SWEEP        "1 2 3 4 2 1 5 6 2 1 2 3 7 6 3 2 1 2 3 6"
#define LATE         "7 2 3 1 2 5 3 4 6 7 7 1 0 5 4 6 2 3 0 1"
#define SHORT        "0 1 7 2 3 2 7 1 0 3"
#define WORKING_SET  "2 6 1 5 7 7 7 7 5 1 6 2 3 4 1 2 3 4 4 4 3 4 3 4 4 4"

static uint64_t count_of(const char *text, const char *algorithm, uint64_t frames)
{
    struct references references;
    struct faults_choice *choices;
    size_t count;
    uint64_t faults = 0;
    struct complaint complaint = {""};
    assert_int_equal(references_parse(text, strlen(text), "t", &references, &complaint), 0);
    assert_int_equal(faults_choose(algorithm, &choices, &count, &complaint), 0);
    int error = faults_count(&references, &choices[0], frames, 1, &faults, &complaint);
    if (error != 0) {
        fail_msg("%s, %llu frames: %s", algorithm, (unsigned long long)frames, complaint.text);
    }
    free(choices);
    references_fini(&references);
    return faults;
}

static const struct {
    const char *text, *algorithm;
    uint64_t frames, faults;
} answers[] = {
    {SILBERSCHATZ, "fifo", 3, 15},
    {SILBERSCHATZ, "lru", 3, 12},
    {SILBERSCHATZ, "opt", 3, 9},
    {SILBERSCHATZ, "clock", 3, 14},
    {SILBERSCHATZ, "clock0", 3, 11},
    {SILBERSCHATZ, "second-chance", 3, 14},
    {SILBERSCHATZ, "fifo", 4, 10},
    {SILBERSCHATZ, "lru", 4, 8},
    {SILBERSCHATZ, "opt", 4, 8},
    {BELADY, "fifo", 3, 9},
    {BELADY, "fifo", 4, 10},
    {BELADY, "lru", 3, 10},
    {BELADY, "lru", 4, 8},
    {BELADY, "opt", 3, 7},
    {BELADY, "opt", 4, 6},
    {BELADY, "clock", 3, 9},
    {BELADY, "clock", 4, 10},
    {BELADY, "second-chance", 3, 9},
    {BELADY, "second-chance", 4, 10},
    {STALLINGS, "opt", 3, 6},
    {STALLINGS, "lru", 3, 7},
    {STALLINGS, "fifo", 3, 9},
    {STALLINGS, "clock", 3, 8},
    {STALLINGS, "clock0", 3, 6},
    {SWEEP, "lru", 1, 20},
    {SWEEP, "lru", 2, 18},
    {SWEEP, "lru", 3, 15},
    {SWEEP, "lru", 4, 10},
    {SWEEP, "lru", 5, 8},
    {SWEEP, "lru", 6, 7},
    {SWEEP, "lru", 7, 7},
    {SWEEP, "fifo", 1, 20},
    {SWEEP, "fifo", 2, 18},
    {SWEEP, "fifo", 3, 16},
    {SWEEP, "fifo", 4, 14},
    {SWEEP, "fifo", 5, 10},
    {SWEEP, "fifo", 6, 10},
    {SWEEP, "fifo", 7, 7},
    {SWEEP, "opt", 1, 20},
    {SWEEP, "opt", 2, 15},
    {SWEEP, "opt", 3, 11},
    {SWEEP, "opt", 4, 8},
    {SWEEP, "opt", 5, 7},
    {SWEEP, "opt", 6, 7},
    {SWEEP, "opt", 7, 7},
    {LATE, "lru", 3, 18},
    {LATE, "fifo", 3, 17},
    {LATE, "opt", 3, 13},
    {SHORT, "fifo", 4, 6},
    {SHORT, "lru", 4, 7},
};

static void test_answers(void **state)
{
    (void)state;
    if (!faults_possible()) {
        skip();
    }
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        uint64_t faults = count_of(answers[i].text, answers[i].algorithm, answers[i].frames);
        if (faults != answers[i].faults) {
            fail_msg("%s with %llu frames: %llu faults instead of %llu on %s", answers[i].algorithm,
                     (unsigned long long)answers[i].frames, (unsigned long long)faults,
                     (unsigned long long)answers[i].faults, answers[i].text);
        }
    }
}

// Every algorithm: at least one fault a page, at most one a reference; with a frame for each page
// exactly one; opt is the least of those with as many frames.
static void test_bounds(void **state)
{
    (void)state;
    if (!faults_possible()) {
        skip();
    }
    for (uint64_t frames = 1; frames <= 8; frames++) {
        uint64_t best = count_of(SWEEP, "opt", frames);
        for (size_t i = 0; i < 14; i++) {
            uint64_t faults = count_of(SWEEP, faults_algorithm_at(i)->name, frames);
            assert_in_range(faults, best, 20);
            assert_true(frames < 7 || faults == 7);
        }
    }
}

// A fault iff the page is not among the last tau references (Denning).
static uint64_t working_set(const uint64_t *pages, size_t count, size_t tau)
{
    uint64_t faults = 0;
    for (size_t i = 0; i < count; i++) {
        bool found = false;
        for (size_t back = 1; back <= tau && back <= i; back++) {
            found |= pages[i - back] == pages[i];
        }
        faults += !found;
    }
    return faults;
}

static void test_working_set(void **state)
{
    (void)state;
    struct references references;
    uint64_t before = UINT64_MAX;
    if (!faults_possible()) {
        skip();
    }
    assert_int_equal(references_parse(WORKING_SET, strlen(WORKING_SET), "t", &references, NULL), 0);
    for (size_t tau = 1; tau <= 12; tau++) {
        char name[16];
        snprintf(name, sizeof name, "ws:%zu", tau);
        uint64_t faults = count_of(WORKING_SET, name, 0);
        assert_int_equal(faults, working_set(references.pages, references.count, tau));
        assert_true(faults <= before); // they never rise with tau
        before = faults;
    }
    references_fini(&references);
}

static void test_without_the_policy(void **state)
{
    (void)state;
    struct references references;
    struct faults_choice *choices;
    size_t count;
    uint64_t faults;
    struct complaint complaint = {""};
    if (faults_possible()) {
        skip();
    }
    assert_int_equal(references_parse("1 2", 3, "t", &references, &complaint), 0);
    assert_int_equal(faults_choose("lru", &choices, &count, &complaint), 0);
    assert_int_equal(faults_count(&references, choices, 3, 1, &faults, &complaint), ENOTSUP);
    assert_string_equal(complaint.text, "this engine has no policy vm-paging");
    free(choices);
    references_fini(&references);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_algorithm_by_name),
        cmocka_unit_test(test_all_that_need_nothing),
        cmocka_unit_test(test_choice_complaints),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_working_set),
        cmocka_unit_test(test_without_the_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
