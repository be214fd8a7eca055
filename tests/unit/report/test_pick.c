// SPDX-License-Identifier: MIT
//
// test_pick.c - what of a result goes onto a page, and that what stays says the same.

#include "report/pick.h"

#include <jansson.h>

#include "support/test.h"

static json_t *column(size_t count, json_int_t scale, size_t peak)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_int_t value = i == peak ? 1000000 : (json_int_t)i;
        json_array_append_new(array, json_integer(scale * value));
    }
    return array;
}

// A result with one cell of so many samples, most held in `peak`, and so many operations.
static json_t *result(size_t samples, size_t peak, size_t operations)
{
    json_t *root = json_pack("{s:[{s:{s:{s:o, s:o, s:o, s:i}, s:{s:i}, s:{s:[{s:s, s:[i]}]}},"
                             " s:{s:[{s:o}]}}]}",
                             "cells", "report", "samples", "at_ns", column(samples, 10, SIZE_MAX),
                             "held_bytes", column(samples, 1, peak), "pss_bytes",
                             column(samples, 1, SIZE_MAX), "every_ns", 5, "engine_drained",
                             "allocs", 1, "contention", "locks", "name", "a", "wait_buckets", 1,
                             "evidence", "threads", "last", column(operations, 1, SIZE_MAX));
    assert_non_null(root);
    return root;
}

static json_t *cell(json_t *root, const char *first, const char *second)
{
    json_t *only = json_array_get(json_object_get(root, "cells"), 0);
    return json_object_get(json_object_get(only, first), second);
}

static void few_samples_stay(void **state)
{
    (void)state;
    json_t *root = result(PICK_SAMPLES, 7, 3);
    pick_shown(&root, 1);
    json_t *samples = cell(root, "report", "samples");
    assert_int_equal(json_array_size(json_object_get(samples, "held_bytes")), PICK_SAMPLES);
    assert_int_equal(json_array_size(json_object_get(samples, "at_ns")), PICK_SAMPLES);
    assert_null(json_object_get(root, "thinned"));
    json_decref(root);
}

static void what_no_view_shows_goes(void **state)
{
    (void)state;
    json_t *root = result(2, 0, 3);
    pick_shown(&root, 1);
    assert_null(json_object_get(cell(root, "report", "samples"), "pss_bytes"));
    assert_null(cell(root, "report", "engine_drained"));
    json_t *lock = json_array_get(json_object_get(cell(root, "report", "contention"), "locks"), 0);
    assert_null(json_object_get(lock, "wait_buckets"));
    assert_string_equal(json_string_value(json_object_get(lock, "name")), "a");
    json_decref(root);
}

static void many_samples_keep_ends_and_peaks(void **state)
{
    (void)state;
    static const size_t counts[] = {PICK_SAMPLES + 1, 500, 1024};
    for (size_t n = 0; n < 3; n++) {
        for (size_t peak = 0; peak < counts[n]; peak += 13) {
            json_t *root = result(counts[n], peak, 3);
            pick_shown(&root, 1);
            const json_t *samples = cell(root, "report", "samples");
            const json_t *at = json_object_get(samples, "at_ns");
            const json_t *held = json_object_get(samples, "held_bytes");
            assert_int_equal(json_array_size(held), PICK_SAMPLES);
            assert_int_equal(json_array_size(at), PICK_SAMPLES);
            json_int_t before = -1;
            json_int_t most = 0;
            for (size_t i = 0; i < PICK_SAMPLES; i++) {
                json_int_t time = json_integer_value(json_array_get(at, i));
                json_int_t bytes = json_integer_value(json_array_get(held, i));
                assert_true(time > before);
                assert_true(bytes == time / 10 || bytes == 1000000);
                before = time;
                most = bytes > most ? bytes : most;
            }
            assert_int_equal(most, 1000000);
            assert_int_equal(json_integer_value(json_array_get(at, 0)), 0);
            assert_int_equal(before, 10 * (counts[n] - 1));
            json_decref(root);
        }
    }
}

static void the_last_operations_stay(void **state)
{
    (void)state;
    json_t *root = result(2, 0, 1000);
    pick_shown(&root, 1);
    const json_t *thread = json_array_get(cell(root, "evidence", "threads"), 0);
    const json_t *last = json_object_get(thread, "last");
    assert_int_equal(json_array_size(last), PICK_OPERATIONS);
    assert_int_equal(json_integer_value(json_array_get(last, PICK_OPERATIONS - 1)), 999);
    json_decref(root);
}

// A result of so many cells of one section and target, with so many pictures of so many pieces.
static json_t *pictured(size_t cells, size_t pictures, size_t pieces)
{
    json_t *array = json_array();
    for (size_t c = 0; c < cells; c++) {
        json_t *map = json_array();
        for (size_t p = 0; p < pictures; p++) {
            json_t *drawn = json_array();
            for (size_t i = 0; i < pieces; i++) {
                json_array_append_new(drawn, json_pack("[s,i,i]", "block", (int)(16 + i), 1));
            }
            json_array_append_new(map, json_pack("{s:i,s:{s:i,s:i},s:o}", "operations", (int)p,
                                                 "decision", "at_bytes", 0, "frames", 2, "pieces",
                                                 drawn));
        }
        json_array_append_new(array, json_pack("{s:s,s:s,s:{s:o}}", "section", "a", "target", "b",
                                               "report", "map", map));
    }
    return json_pack("{s:o}", "cells", array);
}

static json_t *map_of(json_t *root, size_t index)
{
    json_t *of = json_array_get(json_object_get(root, "cells"), index);
    return json_object_get(json_object_get(of, "report"), "map");
}

static void pieces_are_packed(void **state)
{
    (void)state;
    json_t *root = pictured(1, 1, 0);
    json_t *picture = json_array_get(map_of(root, 0), 0);
    json_object_set_new(picture, "pieces",
                        json_pack("[[s,i,i],[s,i],[s,i],[s,i,i,i,i,i,i],[s,i]]", "block", 64, 1,
                                  "hole", 32, "hole", 32, "cell", 9, 8, 0, 1, 5, 2, "cached", 3));
    pick_shown(&root, 1);
    assert_string_equal(json_string_value(json_object_get(picture, "pieces")),
                        "b64,1 h32*2 ce9,8,0,1,5,2 c3");
    json_t *decision = json_object_get(picture, "decision");
    assert_null(json_object_get(decision, "at_bytes"));
    assert_int_equal(json_integer_value(json_object_get(decision, "frames")), 2);
    json_decref(root);
}

// Three results of which each alone would do: of one repeat only, fewer pictures, their first and
// last, and that is said.
static void a_page_has_a_budget(void **state)
{
    (void)state;
    json_t *roots[3];
    size_t size = 0;
    for (size_t i = 0; i < 3; i++) {
        roots[i] = pictured(2, 40, 4000);
    }
    pick_shown(roots, 3);
    for (size_t i = 0; i < 3; i++) {
        json_t *map = map_of(roots[i], 0);
        size_t count = json_array_size(map);
        size_t told = (size_t)json_integer_value(
            json_object_get(json_object_get(roots[i], "thinned"), "pictures"));
        size += json_dumpb(roots[i], NULL, 0, JSON_COMPACT);
        assert_in_range(count, 10, 39);
        assert_int_equal(count, told);
        assert_null(map_of(roots[i], 1));
        json_int_t last =
            json_integer_value(json_object_get(json_array_get(map, count - 1), "operations"));
        assert_int_equal(json_integer_value(json_object_get(json_array_get(map, 0), "operations")),
                         0);
        assert_int_equal(last, 39);
        json_decref(roots[i]);
    }
    assert_in_range(size, PICK_BUDGET / 4, PICK_BUDGET);
}

static void other_documents_are_left_alone(void **state)
{
    (void)state;
    json_t *root = json_pack("{s:s, s:[{s:i}]}", "schema", "x", "targets", "samples", 1);
    json_t *copy = json_deep_copy(root);
    pick_shown(&root, 1);
    assert_true(json_equal(root, copy));
    json_decref(root);
    json_decref(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_samples_stay),
        cmocka_unit_test(what_no_view_shows_goes),
        cmocka_unit_test(many_samples_keep_ends_and_peaks),
        cmocka_unit_test(the_last_operations_stay),
        cmocka_unit_test(pieces_are_packed),
        cmocka_unit_test(a_page_has_a_budget),
        cmocka_unit_test(other_documents_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
