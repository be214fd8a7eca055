// SPDX-License-Identifier: MIT
//
// test_entry.c - what a document says of itself: faults are told, runs have a name and machines.

#include <errno.h>

#include "made.h"

static const struct made one = {.job = "ci", .started = "2026-11-20T10:00:00Z", .rate = 1000};

// Whoever says no says where and what would be right.
static void test_broken_documents(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value, *says; // no value: the member goes
    } cases[] = {
        {"started", "\"2026-11-31T10:00:00Z\"",
         "\"started\" is \"2026-11-31T10:00:00Z\": a moment"},
        {"started", "\"yesterday\"", "a moment of the calendar"},
        {"started", "\"2026-11-20T10:00:00\"", "a moment of the calendar"},
        {"started", NULL, "a moment of the calendar"},
        {"seconds", "\"long\"", "\"seconds\" is \"long\": a number from 0 on"},
        {"seconds", "-1", "a number from 0 on"},
        {"verdict", "\"fine\"", "\"verdict\" is \"fine\": pass, failed"},
        {"host", "\"here\"", "\"host\": an object"},
        {"job", "{\"title\": \"\", \"sections\": []}", "\"job.title\""},
        {"cells", "{}", "cells"},
        {"schema", NULL, "schema"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct complaint complaint = {{0}};
        struct archive_batch *batch = archive_batch_new();
        json_t *document = made_document(&one);
        if (cases[i].value != NULL) {
            json_t *value = json_loads(cases[i].value, JSON_DECODE_ANY, NULL);
            assert_non_null(value);
            json_object_set_new(document, cases[i].key, value);
        } else {
            json_object_del(document, cases[i].key);
        }
        assert_int_equal(archive_batch_put(batch, "f: line 1", document, &complaint), EINVAL);
        if (strncmp(complaint.text, "f: line 1: ", 11) != 0 ||
            strstr(complaint.text, cases[i].says) == NULL) {
            fail_msg("\"%s\" is not in: %s", cases[i].says, complaint.text);
        }
        assert_int_equal(archive_batch_count(batch), 0);
        archive_batch_free(batch);
        json_decref(document);
    }
}

static void test_cell_twice(void **state)
{
    (void)state;
    struct complaint complaint = {{0}};
    struct archive_run run;
    json_t *document = made_document(&one);
    json_t *cells = json_object_get(document, "cells");
    json_array_append(cells, json_array_get(cells, 1));
    assert_int_equal(archive_identify("f", document, &run, &complaint), EINVAL);
    assert_string_equal(complaint.text,
                        "f: the cell \"small/mems:slab/0\" is there twice: each once is wanted");
    json_decref(document);
}

// What runs without a job file are called, and that a merged result is itself however it was made.
static void test_names(void **state)
{
    (void)state;
    struct complaint complaint = {{0}};
    struct archive_run first, again, other;
    struct made made = one;
    made.job = "--workload";
    json_t *documents[3];
    for (size_t i = 0; i < 3; i++) {
        made.size = i < 2 ? NULL : "1k";
        documents[i] = made_document(&made);
        json_object_set_new(documents[i], "hosts", json_pack("[{s:s}]", "name", "here"));
        json_object_set_new(documents[i], "command", json_pack("[i]", (int)i));
    }
    assert_int_equal(archive_identify("it", documents[0], &first, &complaint), 0);
    assert_int_equal(archive_identify("it", documents[1], &again, &complaint), 0);
    assert_int_equal(archive_identify("it", documents[2], &other, &complaint), 0);
    assert_int_equal(strncmp(first.job, "churn-", 6), 0);
    assert_int_equal(strlen(first.job), 12);
    assert_string_equal(first.job, again.job);
    assert_string_not_equal(first.job, other.job);
    assert_string_equal(other.about, "churn 2, 2 threads size=1k");
    assert_string_equal(first.digest, again.digest);
    assert_string_not_equal(first.digest, other.digest);
    archive_run_fini(&first);
    archive_run_fini(&again);
    archive_run_fini(&other);
    for (size_t i = 0; i < 3; i++) {
        json_decref(documents[i]);
    }
}

// Sections of a merged result are of the machines that their cells name.
static void test_merged(void **state)
{
    (void)state;
    struct complaint complaint = {{0}};
    struct measured measured;
    json_t *document = made_document(&one);
    json_t *cells = json_object_get(document, "cells");
    size_t index;
    json_t *cell;
    json_array_foreach(cells, index, cell)
    {
        json_object_set_new(cell, "host", json_string("b"));
    }
    json_object_set_new(
        document, "hosts",
        json_pack("[{s:s, s:s}, {s:s, s:s}]", "name", "a", "cpu", "A", "name", "b", "cpu", "B"));
    assert_int_equal(measured_of_document("it", document, &measured, &complaint), 0);
    struct machine *machines = archive_machines_of(document, &measured);
    assert_int_equal(strncmp(machines[0].about, "B, ", 3), 0);
    free(machines);
    measured_fini(&measured);
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken_documents),
        cmocka_unit_test(test_cell_twice),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_merged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
