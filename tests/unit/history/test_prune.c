// SPDX-License-Identifier: MIT
//
// test_prune.c - what goes is what was foreseen, with all that was drawn from it.

#include "made.h"

static const struct made many[] = {
    {.job = "a", .started = "2026-11-01T10:00:00Z", .rate = 1, .cpu = "Old"},
    {.job = "a", .started = "2026-11-02T10:00:00Z", .rate = 2, .cpu = "Old"},
    {.job = "a", .started = "2026-11-03T10:00:00Z", .rate = 3, .cpu = "New"},
    {.job = "a", .started = "2026-11-04T10:00:00Z", .rate = 4, .cpu = "New"},
    {.job = "b", .started = "2019-11-01T10:00:00Z", .rate = 5, .cpu = "Old"},
};

static size_t prune(const char *path, struct archive_prune wanted, size_t foreseen)
{
    struct complaint complaint = {{0}};
    struct archive_runs runs;
    size_t gone;
    struct archive *archive = made_open(path, ARCHIVE_READ);
    assert_int_equal(archive_prunable(archive, &wanted, &runs, &complaint), 0);
    assert_int_equal(runs.count, foreseen);
    archive_runs_fini(&runs);
    assert_int_equal(archive_prune(archive, &wanted, &gone, &complaint), 0);
    archive_close(archive);
    return gone;
}

static void test_pruned(void **state)
{
    (void)state;
    struct made_place place;
    made_place(&place);
    struct archive *archive = made_open(place.path, ARCHIVE_ADD);
    for (size_t i = 0; i < sizeof many / sizeof many[0]; i++) {
        made_add(archive, &many[i]);
    }
    archive_close(archive);
    assert_int_equal(prune(place.path, (struct archive_prune){.keep = 2}, 0), 0);
    // The newest of each machine: 1 and 3 go.
    assert_int_equal(prune(place.path, (struct archive_prune){.job = "a", .keep = 1}, 2), 2);
    expect_answer(place.path, "SELECT group_concat(id) FROM (SELECT id FROM run ORDER BY id)",
                  "2,4,5");
    // More days than there were: nothing. b's is of 2019, long before a thousand days.
    assert_int_equal(prune(place.path, (struct archive_prune){.days = 1000000}, 0), 0);
    assert_int_equal(prune(place.path, (struct archive_prune){.job = "b", .days = 1000}, 1), 1);
    expect_answer(place.path, "SELECT group_concat(id) FROM (SELECT id FROM run ORDER BY id)",
                  "2,4");
    // Nothing is left of what went.
    expect_answer(place.path, "SELECT count(*) FROM figure", "8");
    expect_answer(place.path, "SELECT count(*) FROM series", "8");
    expect_answer(place.path, "SELECT count(*) FROM series WHERE job = 'b'", "0");
    expect_answer(place.path, "PRAGMA freelist_count", "0"); // and the file is small
    expect_answer(place.path, "PRAGMA integrity_check", "ok");
    expect_answer(place.path, "PRAGMA user_version", "3");
    made_gone(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pruned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
