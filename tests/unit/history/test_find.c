// SPDX-License-Identifier: MIT
//
// test_find.c - the run that "last", a revision and a date mean.

#include <errno.h>

#include "made.h"

struct place {
    struct made_place place;
    struct archive *archive;
};

static const struct made runs[] = {
    // in the order of their ids, 1 and on
    {.job = "ci", .started = "2026-11-20T10:00:00Z", .revision = "aaaa00000001", .rate = 1},
    {.job = "ci", .started = "2026-11-20T22:00:00Z", .revision = "aaaa00000002", .rate = 2},
    {.job = "ci", .started = "2026-11-21T10:00:00Z", .revision = "v1.0-3-gbbbb00000003", .rate = 3},
    {.job = "ci", .started = "2026-11-22T10:00:00Z", .revision = "cccc00000004-dirty", .rate = 4},
    {.job = "ci", .started = "2026-11-22T11:00:00Z", .revision = "cccc00000004", .rate = 5},
    {.job = "ci", .started = "2026-11-22T12:00:00Z", .revision = "cccc00000004-dirty", .rate = 6},
    {.job = "other", .started = "2026-11-23T09:00:00Z", .revision = "dddd00000005", .rate = 7},
    // less than all of it, and other work
    {.job = "ci",
     .started = "2026-11-23T10:00:00Z",
     .revision = "eeee00000006",
     .rate = 8,
     .only = "libc"},
    {.job = "ci",
     .started = "2026-11-23T11:00:00Z",
     .revision = "eeee00000007",
     .rate = 9,
     .size = "1k"},
    {.job = "ci", .started = "2026-11-23T12:00:00Z", .revision = "ffff00000008-dirty", .rate = 10},
};

static const struct made now = {
    .job = "ci", .started = "2026-11-24T10:00:00Z", .revision = "aaaa00000009", .rate = 11};

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    made_place(&place->place);
    place->archive = made_open(place->place.path, ARCHIVE_ADD);
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        made_add(place->archive, &runs[i]);
    }
    made_add(place->archive, &now);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    archive_close(place->archive);
    made_gone(&place->place);
    free(place);
    return 0;
}

// The id that is found for a result; 0: none, and `complaint` says why.
static char left_out[256];

static int64_t find_on(const struct place *place, const struct made *made, const char *against,
                       const char *machine, struct complaint *complaint)
{
    struct archive_run own;
    struct archive_found found = {.elsewhere = 0};
    struct measured measured;
    json_t *document = made_document(made);
    memset(complaint, 0, sizeof *complaint);
    assert_int_equal(archive_identify("it", document, &own, complaint), 0);
    assert_int_equal(measured_of_document("it", document, &measured, complaint), 0);
    struct machine *machines = archive_machines_of(document, &measured);
    const struct archive_wish wish = {against,   own.job,  own.digest, own.started,
                                      &measured, machines, machine};
    int error = archive_find(place->archive, &wish, &found, complaint);
    assert_int_equal(error == 0, complaint->text[0] == '\0');
    int64_t id = found.run.id;
    archive_left_out(&found, left_out, sizeof left_out);
    free(machines);
    archive_run_fini(&found.run);
    archive_run_fini(&own);
    measured_fini(&measured);
    json_decref(document);
    return id;
}

static int64_t find(const struct place *place, const struct made *made, const char *against,
                    struct complaint *complaint)
{
    return find_on(place, made, against, NULL, complaint);
}

static void expect(void **state, const struct made *made, const char *against, int64_t id)
{
    struct complaint complaint;
    int64_t found = find(*state, made, against, &complaint);
    if (found != id) {
        fail_msg("%s: run %lld and not %lld %s", against, (long long)found, (long long)id,
                 complaint.text);
    }
}

static void test_last(void **state)
{
    expect(state, &now, "last", 10);
    expect(state, &runs[9], "last", 6); // 8 and 9 lack some of its work
    expect(state, &runs[7], "last", 6); // what has more is as good
    expect(state, &runs[8], "last", 8); // nobody did its work: the newest
    expect(state, &runs[1], "last", 1);
    expect(state, &runs[6], "last", 0); // the only one of its job
    expect(state, &runs[0], "last", 0);
    struct made before = now;
    before.started = "2019-01-01T00:00:00Z";
    expect(state, &before, "last", 0);
}

static void test_dates(void **state)
{
    expect(state, &now, "2026-11-20", 2);
    expect(state, &now, "2026-11-20T21:59", 1);
    expect(state, &now, "2026-11-20T22", 2);
    expect(state, &now, "2026-11-20T22:00:00", 2);
    expect(state, &now, "2026-11-20 22:00:00", 2);
    expect(state, &now, "2026-11-20T21:59:59Z", 1);
    expect(state, &now, "2026-11-20T10:00Z", 1);
    expect(state, &now, "2026-11-19", 0);
    expect(state, &now, "2030-01-01", 10);
    expect(state, &runs[0], "2030-01-01", 11); // of any time but its own
}

static void test_revisions(void **state)
{
    expect(state, &now, "aaaa00000001", 1);
    expect(state, &now, "aaaa000000021234567890abcdef0123456789ab", 2); // all 40 of its digits
    expect(state, &now, "bbbb", 3);                                     // of `git describe`
    expect(state, &now, "v1.0-3-gbbbb00000003", 3);
    expect(state, &now, "v1.0", 3);
    expect(state, &now, "cccc", 5); // the clean tree, though others are newer
    expect(state, &now, "cccc00000004-dirty", 6);
    expect(state, &now, "ffff", 10); // none was clean
    expect(state, &now, "ffff00000008-dirty", 10);
    expect(state, &now, "eeee00000006", 8);
    expect(state, &now, "dddd", 0); // another job's
    struct complaint complaint;
    assert_int_equal(find(*state, &now, "aaaa", &complaint), 0);
    assert_non_null(strstr(complaint.text, "aaaa00000001"));
    assert_non_null(strstr(complaint.text, "longer"));
    assert_int_equal(find(*state, &now, "aa", &complaint), 0);
    assert_int_equal(find(*state, &now, "", &complaint), 0);
    assert_int_equal(find(*state, &now, "2026-11-2", &complaint), 0);
    assert_int_equal(find(*state, &now, "lats", &complaint), 0);
    assert_non_null(strstr(complaint.text, "\"last\""));
}

static void test_no_such_dates(void **state)
{
    static const char *const words[] = {"2026-02-29",          "2026-13-01",       "2026-11-31",
                                        "2026-11-20T24",       "2026-11-20T10:60", "0000-01-01",
                                        "2026-11-20T10:00:60", "2026-00-10"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct complaint complaint;
        assert_int_equal(find(*state, &now, words[i], &complaint), 0);
        if (strstr(complaint.text, "the calendar has no such day") == NULL) {
            fail_msg("%s: %s", words[i], complaint.text);
        }
    }
    struct complaint complaint;
    assert_int_equal(find(*state, &now, "2024-02-29", &complaint), 0); // there is one
    assert_non_null(strstr(complaint.text, "the first is of 2026-11-20"));
}

// The same job on machines of another kind, between those of the first.
static void test_machines(void **state)
{
    struct place *place = *state;
    struct complaint complaint;
    static const struct made others[] = {
        {.job = "m", .started = "2026-11-20T10:00:00Z", .rate = 1, .cpu = "Old"},
        {.job = "m", .started = "2026-11-21T10:00:00Z", .rate = 2, .cpu = "New"},
        {.job = "m", .started = "2026-11-22T10:00:00Z", .rate = 3, .cpu = "New", .size = "1k"},
        {.job = "m", .started = "2026-11-23T10:00:00Z", .rate = 4, .cpu = "New"},
    };
    struct made old = {.job = "m", .started = "2026-11-24T10:00:00Z", .rate = 5, .cpu = "Old"};
    struct made third = old;
    struct archive_machines machines;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        made_add(place->archive, &others[i]); // 12 and on
    }
    assert_int_equal(find(place, &old, "last", &complaint), 12);
    assert_string_equal(left_out, "3 of other machines (--machine all takes them)");
    assert_int_equal(find(place, &others[3], "last", &complaint), 13);
    assert_string_equal(left_out, "1 of other work");
    assert_int_equal(find_on(place, &old, "last", "", &complaint), 15);
    assert_string_equal(left_out, "");
    third.cpu = "Third";
    assert_int_equal(find(place, &third, "last", &complaint), 0);
    assert_non_null(strstr(complaint.text, "left out: 4 of other machines"));
    assert_int_equal(archive_machines(place->archive, "m", &machines, &complaint), 0);
    assert_int_equal(machines.count, 2);
    const char *name = machines.items[0].machine.name; // of the newest
    assert_int_equal(find_on(place, &third, "last", name, &complaint), 15);
    assert_int_equal(find_on(place, &third, "2026-11-21", name, &complaint), 13);
    assert_ptr_equal(archive_machine_named(&machines, name, &complaint), &machines.items[0]);
    assert_null(archive_machine_named(&machines, "here", &complaint)); // two of that name
    assert_non_null(strstr(complaint.text, "several machines"));
    assert_null(archive_machine_named(&machines, "there", &complaint));
    archive_machines_fini(&machines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_last),      cmocka_unit_test(test_dates),
        cmocka_unit_test(test_revisions), cmocka_unit_test(test_no_such_dates),
        cmocka_unit_test(test_machines),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
