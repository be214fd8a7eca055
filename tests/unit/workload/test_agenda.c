// SPDX-License-Identifier: MIT
//
// test_agenda.c - what is due comes out in order, whatever the order in which it went in.

#include "workload/agenda.h"

#include "support/test.h"
#include "workload/random.h"

static void check(const struct agenda *agenda)
{
    for (uint64_t i = 1; i < agenda->count; i++) {
        assert_false(agenda_before(&agenda->entries[i], &agenda->entries[(i - 1) / 2])); // G1
    }
}

// Against a list in which the least is looked for.
static void test_the_earliest_first(void **state)
{
    (void)state;
    enum { ROOM = 300 };
    struct agenda_entry entries[ROOM], model[ROOM];
    struct agenda agenda = {.entries = entries};
    struct random random;
    random_init(&random, test_seed(), 0, 0);
    for (unsigned i = 0; i < 50000 / MEMS_TEST_SCALE; i++) {
        bool full = agenda.count == ROOM, empty = agenda.count == 0;
        if (!full && (empty || random_below(&random, 100) < 50 + i / 1000 % 2 * 4 - 2)) {
            struct agenda_entry entry = {random_below(&random, 50), i};
            model[agenda.count] = entry;
            agenda_put(&agenda, entry.when, entry.what);
        } else {
            uint64_t least = 0;
            for (uint64_t j = 1; j < agenda.count; j++) {
                least = agenda_before(&model[j], &model[least]) ? j : least;
            }
            assert_true(agenda_is_due(&agenda, model[least].when));
            assert_true(model[least].when == 0 || !agenda_is_due(&agenda, model[least].when - 1));
            struct agenda_entry entry = agenda_take(&agenda);
            assert_int_equal(entry.when, model[least].when);
            assert_int_equal(entry.what, model[least].what);
            model[least] = model[agenda.count];
        }
        check(&agenda);
    }
    agenda.count = 0;
    assert_false(agenda_is_due(&agenda, UINT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_earliest_first)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
