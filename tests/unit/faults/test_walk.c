// SPDX-License-Identifier: MIT
//
// test_walk.c - reference strings step by step: rule and engine agree on every victim of random
// strings, for each algorithm, and totals are the counts of `faults`.

#include "faults/walk.h"

#include <errno.h>
#include <string.h>

#include "support/test.h"

static struct faults_choice choose(const char *name)
{
    struct faults_choice *choices;
    struct complaint complaint = {""};
    size_t count;
    assert_int_equal(faults_choose(name, &choices, &count, &complaint), 0);
    struct faults_choice choice = choices[0];
    free(choices);
    return choice;
}

static void parse(const char *text, struct references *references)
{
    struct complaint complaint = {""};
    assert_int_equal(references_parse(text, strlen(text), "t", references, &complaint), 0);
}

struct outcome {
    uint64_t faults, initial;
    bool told;
};

static struct outcome run(const struct references *references, const struct faults_choice *choice,
                          uint64_t frames)
{
    struct outcome outcome = {.told = true};
    struct complaint complaint = {""};
    struct walk_step step;
    struct walk *walk;
    if (walk_open(references, choice, frames, 1, &walk, &complaint) != 0) {
        fail_msg("%s: %s", choice->name, complaint.text);
    }
    while (walk_next(walk, &step, &complaint) == 0) {
        size_t count;
        const struct walk_frame *shown = walk_frames(walk, &count);
        outcome.faults += step.fault;
        outcome.initial += step.initial;
        outcome.told &= step.told;
        assert_true(step.frame < count);
        assert_int_equal(shown[step.frame].page, step.page);
        assert_true(!step.told || !step.fault || step.why[0] != '\0');
        for (size_t i = 0; i < step.victim_count; i++) {
            for (size_t n = 0; n < count; n++) {
                assert_true(shown[n].page != step.victims[i]);
            }
        }
    }
    assert_string_equal(complaint.text, "");
    walk_close(walk);
    return outcome;
}

static uint64_t below(uint64_t *seed, uint64_t limit)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (*seed >> 33) % limit;
}

static void test_rule_and_engine_agree(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    const unsigned rounds = 60 / MEMS_TEST_SCALE + 1;
    for (unsigned round = 0; round < rounds; round++) {
        uint64_t names[400], frames = 1 + below(&seed, 9), pages = 2 + below(&seed, 14);
        struct references references;
        size_t count = 20 + (size_t)below(&seed, 380);
        for (size_t i = 0; i < count; i++) {
            uint64_t page = below(&seed, pages);
            names[i] = 100 + (below(&seed, 3) == 0 ? page / 3 : page);
        }
        assert_int_equal(references_make(names, count, &references), 0);
        struct faults_choice ws = choose("ws:7"), pff = choose("pff:3");
        for (size_t i = 0; faults_algorithm_at(i) != NULL; i++) {
            const struct faults_algorithm *algorithm = faults_algorithm_at(i);
            struct complaint complaint = {""};
            bool variable = algorithm->parameter != NULL;
            struct faults_choice choice = strcmp(algorithm->name, "ws") == 0 ? ws
                                          : strcmp(algorithm->name, "pff") == 0
                                              ? pff
                                              : choose(algorithm->name);
            uint64_t faults = 0;
            struct outcome outcome = run(&references, &choice, variable ? 0 : frames);
            assert_int_equal(
                faults_count(&references, &choice, variable ? 0 : frames, 1, &faults, &complaint),
                0);
            if (!outcome.told || outcome.faults != faults) {
                fail_msg("%s, %u frames, round %u: %s, %u faults instead of %u", choice.name,
                         (unsigned)frames, round, outcome.told ? "told" : "rule and engine part",
                         (unsigned)outcome.faults, (unsigned)faults);
            }
        }
        references_fini(&references);
    }
}

static void test_reasons(void **state)
{
    (void)state;
    static const struct {
        const char *algorithm, *why; // of the first page that must go
    } rows[] = {
        {"fifo", "when they came: 7 at 1, 0 at 2, 1 at 3; 7 has been here longest"},
        {"lru", "when they were last used: 7 at 5, 0 at 4, 1 at 3; 1's last use is the oldest"},
        {"opt", "when they are used next: 7 never, 0 at 7, 1 at 8; 7 not any more"},
        {"clock", "the hand passes 7 (R = 1, cleared), 0 (R = 1, cleared), 1 (R = 1, cleared)"
                  " and takes 7, whose R is 0"},
        {"clock0", "the hand passes 7 (R = 1, cleared), 0 (R = 1, cleared) and takes 1, whose R "
                   "is 0"},
    };
    struct references references;
    parse("7 0 1 0 7 2 0 1", &references);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct faults_choice choice = choose(rows[i].algorithm);
        struct complaint complaint = {""};
        struct walk_step step;
        struct walk *walk;
        assert_int_equal(walk_open(&references, &choice, 3, 1, &walk, &complaint), 0);
        for (int n = 0; n < 6; n++) {
            assert_int_equal(walk_next(walk, &step, &complaint), 0);
        }
        assert_true(step.fault && !step.initial);
        assert_string_equal(step.why, rows[i].why);
        walk_close(walk);
    }
    references_fini(&references);
}

// Four pages in memory, as an exercise gives them: (loaded, last use, R, M).
static void test_a_state_as_given(void **state)
{
    (void)state;
    static const struct {
        const char *algorithm;
        uint64_t victim;
    } rows[] = {{"nru", 2}, {"fifo", 3}, {"lru", 1}, {"second-chance", 2}};
    struct references references;
    parse("0 1 2 3", &references);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rule *rule = rule_open(rows[i].algorithm, 0, 4, &references);
        char why[500];
        rule_set(rule, 0, &(struct rule_page){.loaded = 126, .last = 280, .r = true, .frame = 0});
        rule_set(rule, 1, &(struct rule_page){.loaded = 230, .last = 265, .m = true, .frame = 1});
        rule_set(rule, 2, &(struct rule_page){.loaded = 140, .last = 270, .frame = 2});
        rule_set(rule, 3,
                 &(struct rule_page){.loaded = 110, .last = 285, .r = true, .m = true, .frame = 3});
        assert_int_equal(rule_victim(rule, why, sizeof why), rows[i].victim);
        assert_true(why[0] != '\0');
        rule_close(rule);
    }
    references_fini(&references);
}

static void test_too_long(void **state)
{
    (void)state;
    static uint64_t names[WALK_MOST + 1];
    struct references references;
    struct faults_choice choice = choose("fifo");
    struct complaint complaint = {""};
    struct walk *walk;
    assert_int_equal(references_make(names, WALK_MOST + 1, &references), 0);
    assert_int_equal(walk_open(&references, &choice, 3, 1, &walk, &complaint), EINVAL);
    assert_non_null(strstr(complaint.text, "mems-stress faults counts them"));
    references_fini(&references);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule_and_engine_agree),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_a_state_as_given),
        cmocka_unit_test(test_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
