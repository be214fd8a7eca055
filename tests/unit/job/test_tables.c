// SPDX-License-Identifier: MIT
//
// test_tables.c - the real key tables: every row is whole, and every default is a good value.

#include <string.h>

#include "job/tables.h"
#include "job/value.h"
#include "support/test.h"
#include "workload/workload.h"

static void check_row(const struct job_key *key)
{
    struct arena arena = {0};
    struct complaint complaint = {{0}};
    struct job_value value;
    assert_non_null(key->help);
    assert_true(key->least <= key->most);
    assert_true(key->kind != JOB_CHOICE || key->choices);
    if (key->standard) {
        struct value_source source = {key->standard, "/", {"default", 1, 1}};
        if (value_parse(key, &source, &arena, &value, &complaint) != 0) {
            fail_msg("the default of key '%s': %s", key->name, complaint.text);
        }
        value_fini(&value);
    }
    arena_fini(&arena);
}

static void test_common_keys(void **state)
{
    (void)state;
    for (const struct job_key *key = job_common_keys; key->name; key++) {
        check_row(key);
        assert_ptr_equal(table_find(job_common_keys, key->name), key); // no name twice
        bool required = strcmp(key->name, "workload") == 0 || strcmp(key->name, "target") == 0;
        assert_int_equal(key->standard == NULL, required);
    }
}

static void test_keys_of_workloads(void **state)
{
    (void)state;
    const struct workload *workload;
    for (size_t i = 0; (workload = workload_at(i)) != NULL; i++) {
        assert_ptr_equal(workload_find(workload->name), workload);
        for (const struct job_key *key = workload->keys; key && key->name; key++) {
            check_row(key);
            assert_ptr_equal(table_find(workload->keys, key->name), key);
            // In the place of a common one: of its kind, and no wider.
            const struct job_key *common = table_find(job_common_keys, key->name);
            if (common && (key->kind != common->kind || key->least < common->least ||
                           key->most > common->most)) {
                fail_msg("key '%s' of workload %s is another than the common one", key->name,
                         workload->name);
            }
        }
        for (const char *const *name = workload->unused; name && *name; name++) {
            if (!table_find(job_common_keys, *name)) {
                fail_msg("workload %s does not use '%s', which is no key", workload->name, *name);
            }
        }
    }
    assert_true(workload_find("churn") && workload_find("larson"));
    assert_null(workload_find("nothing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_common_keys),
        cmocka_unit_test(test_keys_of_workloads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
