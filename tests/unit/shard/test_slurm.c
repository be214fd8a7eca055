// SPDX-License-Identifier: MIT
//
// test_slurm.c - the scripts of a job array: what they say, and that a shell takes them.

#include "shard/slurm.h"

#include <string.h>

#include "support/test.h"

// The script as text; the caller frees it.
static char *script_of(const struct slurm *slurm, void (*write)(FILE *, const struct slurm *))
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    write(out, slurm);
    assert_int_equal(fclose(out), 0);
    return text;
}

static struct slurm some_slurm(void)
{
    return (struct slurm){
        .program = "/opt/it's here/mems-stress",
        .folder = "/shared/50% of \"it\"",
        .title = "night job/2",
        .hash = "0123",
        .tasks = 3,
        .minutes = 12,
        .environment = "env MALLOC_CONF=a:b ",
        .options = " --filter 'a b'",
        .outputs = " --json /out.json",
    };
}

static void check_has(const char *script, const char *line)
{
    if (strstr(script, line) == NULL) {
        fail_msg("no %s in\n%s", line, script);
    }
}

static void test_shards(void **state)
{
    (void)state;
    const char *const lines[] = {
        "--partition=long",      "--mail-type=END", "--comment=#1 \"of\" it's",
        "--comment another one", "-p short",        NULL};
    struct slurm slurm = some_slurm();
    slurm.lines = lines;
    slurm.open = 2;
    char *script = script_of(&slurm, slurm_write_shards);
    check_has(script, "\n#SBATCH --array=1-3\n");
    check_has(script, "\n#SBATCH --requeue\n");
    check_has(script, "\n#SBATCH --time=12\n");
    check_has(script, "\n#SBATCH --exclusive\n");
    check_has(script, "\n#SBATCH --partition=long\n#SBATCH --mail-type=END\n");
    check_has(script, "\n#SBATCH --comment=\"#1 \\\"of\\\" it's\"\n"
                      "#SBATCH --comment \"another one\"\n#SBATCH -p short\n");
    check_has(script, "\n#SBATCH --job-name=mems-night_job_2\n");
    check_has(script, "\n#SBATCH --output=\"/shared/50%% of \\\"it\\\"/shard-%a.log\"\n");
    check_has(script, "2 cells have no runtime");
    check_has(script, "\nexec env MALLOC_CONF=a:b '/opt/it'\\''s here/mems-stress' run ");
    check_has(script, " --shard \"$task/3\" --json '/shared/50% of \"it\"/shard-'\"$task\".json "
                      "--filter 'a b'\n");
    free(script);
    slurm.shared = true;
    script = script_of(&slurm, slurm_write_shards);
    assert_null(strstr(script, "--exclusive"));
    free(script);
}

static void test_merge(void **state)
{
    (void)state;
    struct slurm slurm = some_slurm();
    char *script = script_of(&slurm, slurm_write_merge);
    check_has(script, "\nexec '/opt/it'\\''s here/mems-stress' merge \\\n");
    check_has(script, "shard-1.json' \\\n");
    check_has(script, "shard-3.json' \\\n    --json /out.json\n");
    assert_null(strstr(script, "shard-4"));
    free(script);
}

static void test_minutes(void **state)
{
    (void)state;
    assert_int_equal(slurm_minutes(0), 10);
    assert_int_equal(slurm_minutes(1), 11);
    assert_int_equal(slurm_minutes(3600), 130);
}

static void test_numbers(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "\n", "x17", "17x", "Submitted batch job 17", "123456789012"};
    char number[12];
    assert_true(slurm_job_number("17\n", number, sizeof number));
    assert_string_equal(number, "17");
    assert_true(slurm_job_number("18;cluster\n", number, sizeof number));
    assert_string_equal(number, "18");
    assert_true(slurm_job_number("19", number, sizeof number));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(slurm_job_number(bad[i], number, sizeof number));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shards),
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_minutes),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
