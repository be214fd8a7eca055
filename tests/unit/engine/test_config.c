// SPDX-License-Identifier: MIT
//
// test_config.c - the tables of policies, options, counters and errors tell the truth.

#include "support/engine.h"

static const struct mems_policy_row *policy_named(const char *name)
{
    const struct mems_policy_row *row;
    for (size_t i = 0; (row = mems_policy_at(i)) != NULL; i++) {
        if (strcmp(row->name, name) == 0) {
            return row;
        }
    }
    return NULL;
}

static void test_policies(void **state)
{
    (void)state;
    assert_non_null(policy_named("dynamic"));
    assert_non_null(policy_named("fixed"));
    const struct mems_policy_row *row;
    for (size_t i = 0; (row = mems_policy_at(i)) != NULL; i++) {
        assert_ptr_equal(policy_named(row->name), row); // the first of its name
        assert_true(strlen(row->help) > 10);
    }
    assert_null(mems_policy_at(SIZE_MAX));
}

// Opens with one option, and with references to come for those that want some.
static int open_with(const char *policy, const char *key, const char *value)
{
    char options[200];
    snprintf(options, sizeof options, "%s=%s", key, value);
    static const uint64_t references[] = {0, 1};
    const struct mems_config config = {
        .policy = policy, .options = options, .references = references, .reference_count = 2};
    struct mems_engine *engine = NULL;
    int error = mems_engine_open(&config, &engine);
    if (error == 0) {
        mems_engine_close(engine);
    }
    return error;
}

// Opens with each word of "first|next|best".
static void require_choices(const char *policy, const struct mems_option *option)
{
    char words[200];
    snprintf(words, sizeof words, "%s", option->values);
    char *rest = words;
    for (char *word; (word = strsep(&rest, "|")) != NULL;) {
        test_require(open_with(policy, option->name, word) == 0, "%s(%s=%s): %s", policy,
                     option->name, word, mems_complaint());
    }
}

static void require_options(const char *table, const char *policy)
{
    const struct mems_option *option;
    for (size_t i = 0; (option = mems_option_at(table, i)) != NULL; i++) {
        test_require(option->name[0] != '\0' && option->values[0] != '\0' &&
                         option->standard != NULL && strlen(option->help) > 5,
                     "%s: option %s is not fully told", policy, option->name);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(mems_option_at(table, j)->name, option->name);
        }
        if (option->standard[0] != '\0') {
            test_require(open_with(policy, option->name, option->standard) == 0,
                         "%s: the default %s=%s is refused: %s", policy, option->name,
                         option->standard, mems_complaint());
        }
        if (strchr(option->values, '|') != NULL && strchr(option->values, ' ') == NULL) {
            require_choices(policy, option);
        }
    }
    assert_true(option == NULL && mems_option_at(table, SIZE_MAX) == NULL);
}

static void test_options(void **state)
{
    (void)state;
    assert_non_null(mems_option_at(NULL, 0));
    assert_null(mems_option_at("no such policy", 0));
    const struct mems_policy_row *row;
    for (size_t i = 0; (row = mems_policy_at(i)) != NULL; i++) {
        require_options(NULL, row->name);
        require_options(row->name, row->name);
    }
}

// Sizes in an option mean what engine.h says: powers of 1000 and of 1024.
static void test_units(void **state)
{
    (void)state;
    static const struct {
        const char *capacity;
        uint64_t held; // rounded up to pages
    } sizes[] = {{"8192", 8192},   {"8Ki", 8192},   {"10k", 12288},
                 {"1Mi", 1048576}, {"1M", 1003520}, {"5K", 8192}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char options[50];
        snprintf(options, sizeof options, "capacity=%s,thread_cache=no", sizes[i].capacity);
        struct mems_engine *engine = test_engine("dynamic", options);
        test_alloc(test_space(engine), 16);
        assert_int_equal(test_stats(engine).held_bytes, sizes[i].held);
        mems_engine_close(engine);
    }
}

static void test_error_texts(void **state)
{
    (void)state;
    static const int errors[] = {EALREADY, ESTALE, EFAULT, EINVAL, EPERM,   ERANGE, ENOMEM, EACCES,
                                 ENOSPC,   EIO,    EAGAIN, EBUSY,  ENOTSUP, ENOENT, EUCLEAN};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        assert_true(strlen(mems_error_text(errors[i])) > 5);
        assert_string_not_equal(mems_error_text(errors[i]), mems_error_text(12345));
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(mems_error_text(errors[i]), mems_error_text(errors[j]));
        }
    }
    assert_non_null(strstr(mems_error_text(EALREADY), "double free"));
    assert_non_null(strstr(mems_error_text(EFAULT), "foreign"));
    assert_non_null(mems_error_text(0));
    assert_non_null(mems_error_text(-1));
    assert_non_null(mems_error_text(12345));
}

static void test_counters(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t offset;
    } fields[] = {
#define FIELD(name, unit, help) {#name, offsetof(struct mems_stats, name)},
        MEMS_STATS(FIELD)
#undef FIELD
    };
    size_t count = sizeof fields / sizeof fields[0];
    for (size_t i = 0; i < count; i++) {
        const struct mems_stat *stat = mems_stat_at(i);
        assert_non_null(stat);
        assert_string_equal(stat->name, fields[i].name);
        assert_int_equal(stat->offset, fields[i].offset);
        assert_true(strcmp(stat->unit, "count") == 0 || strcmp(stat->unit, "bytes") == 0 ||
                    strcmp(stat->unit, "ns") == 0);
        assert_true(strlen(stat->help) > 5);
    }
    assert_null(mems_stat_at(count));
    assert_null(mems_stat_at(SIZE_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policies), cmocka_unit_test(test_options),
        cmocka_unit_test(test_units),    cmocka_unit_test(test_error_texts),
        cmocka_unit_test(test_counters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
