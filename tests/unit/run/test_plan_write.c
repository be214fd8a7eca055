// SPDX-License-Identifier: MIT
//
// test_plan_write.c - the plan of a plan is the same, byte for byte; and what it says.

#include <inttypes.h>

#include "unit/run/law_plan.h"
#include "workload/random.h"

static void check(const char *text, const struct plan_options *options)
{
    if (!plan_law(text, options)) {
        fail_msg("no plan of\n%s", text);
    }
}

static void test_every_value_is_resolved(void **state)
{
    (void)state;
    setenv("MEMS_TEST_TARGET", "libc", 1);
    char *text = plan_of("[global]\nsize=1Ki-(4Ki+8)\n[a]\nworkload=churn\nremote_share=0.1\n"
                         "target=${MEMS_TEST_TARGET}, ?preload:./none.so\nthreads=2*1,4\n"
                         "prepare=\"true a, b\"\n[b]\nworkload=larson\ntarget=null\nwait_for=a\n",
                         "/folder", &(struct plan_options){.seeded = true, .seed = 9});
    assert_non_null(text);
    static const char *const lines[] = {
        "\n[a threads=2]\n",
        "\n[a threads=4]\n",
        "\nsize = 1024-4104\n",
        "\ntarget = libc, ?preload:/folder/./none.so\n",
        "\nthreads = 2\n",
        "\nremote_share = 0.1\n",
        "\nseed = 9\n",
        "\nprepare = \"true a, b\"\n",
        "\nfolder = /folder\n",
        "\ngroup = a\n",
        "\nwait_for = a\n",
        "\n# 5 cells, in this order:\n",
        "\n# a threads=4/libc/0 seed 9\n",
        "\n# b/null/0 seed 9\n",
        " (its target is not here)\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (!strstr(text, lines[i])) {
            fail_msg("no line %s in\n%s", lines[i], text);
        }
    }
    assert_null(strchr(text, '$'));
    free(text);
}

static void test_chosen_parts_are_read_back(void **state)
{
    (void)state;
    static const char text[] = "[global]\nworkload=churn\ntarget=null,libc\nrepeats=3\n"
                               "[a]\nthreads=1..4\n[b]\nwait_for=a\n[c]\nwait_for=all\n"
                               "[d]\nops=7\ntouch=none,full\ngroup=x\n[e]\ngroup=x\n";
    const char *sections[] = {"b", "e", "d", NULL};
    const char *targets[] = {"mems:dynamic(fit=best,arenas=2)", "?preload:./none.so", NULL};
    check(text, &(struct plan_options){0});
    check(text, &(struct plan_options){.sections = sections});
    check(text, &(struct plan_options){.targets = targets, .repeats = 2});
    check(text, &(struct plan_options){.seeded = true, .seed = UINT64_MAX});
}

static void test_the_hash_is_of_the_content(void **state)
{
    (void)state;
    static const char text[] = "[a]\nworkload=churn\ntarget=null\n";
    char *one = plan_of(text, "/", &(struct plan_options){0});
    char *same = plan_of("# said otherwise\n[a]\ntarget = null\nworkload=churn\nthreads=2/2\n",
                         "/x", &(struct plan_options){0});
    char *other = plan_of(text, "/", &(struct plan_options){.seeded = true, .seed = 2});
    assert_string_equal(one, same);
    const char *hash = strstr(one, "SHA-256");
    assert_non_null(hash);
    size_t length = strcspn(hash, "\n");
    assert_int_equal(strncmp(hash, strstr(same, "SHA-256"), length), 0);
    if (strstr(one, "without libnettle") == NULL) {
        assert_int_not_equal(strncmp(hash, strstr(other, "SHA-256"), length), 0);
    }
    free(one);
    free(same);
    free(other);
}

// Lines that any section of churn may have, alone or with others.
static const char *const lines[] = {
    "threads=1,2,4..16\n",
    "threads=2*$ncpus\n",
    "size=16..1Ki*4\n",
    "size=64/50:4k/40:(1M-1)/10\n",
    "size=log:16-64Ki,invsq:4-32Ki,exp:256@16-8000,zipf:1.25@16-8Ki\n",
    "size=(64*2)-(1Ki*3/2)\n",
    "verify=0..4\n",
    "seed=18446744073709551615\n",
    "seed=1,2\n",
    "repeats=1..3\n",
    "touch=none,first,ends,page,full\n",
    "latency=all,1/32,none\n",
    "sample=5ms*2\n",
    "timeout=1s..3s+1s\n",
    "warmup=0.25s\n",
    "rate=1k,1M\n",
    "rate=100\narrival=poisson,fixed\n",
    "steady=dev:5%\nsteady_window=100ms,200ms\n",
    "decay=0,1s\n",
    "memory_limit=64Mi,0\n",
    "pin=none,spread,compact,0-1/3\n",
    "setup=echo ${MEMS_TEST_WORD} # not this\n",
    "prepare=\"echo a, b; echo \"\"$$MEMS_TARGET\"\"\"\n",
    "cleanup=true,false\n",
    "slots=10..50+20\n",
    "remote_share=0..1+0.125\n",
    "group=together\n",
    "wait_for=all\n",
    "target=null, mems:dynamic(fit=best,arenas=2), ?preload:./none.so\n",
};

enum { LINES = sizeof lines / sizeof lines[0] };

// The key of a line, up to the equals sign, is in what is there already.
static bool has_key(const char *text, const char *line)
{
    char key[40];
    snprintf(key, sizeof key, "\n%.*s", (int)strcspn(line, "=") + 1, line);
    return strstr(text, key) != NULL;
}

static void add_lines(struct random *random, char *text, unsigned most)
{
    size_t start = strlen(text) - 1; // the line break before the first key
    for (uint64_t i = random_below(random, most + 1); i > 0; i--) {
        const char *line = lines[random_below(random, LINES)];
        if (!has_key(text + start, line)) {
            strcat(text, line);
        }
    }
}

static void test_random_jobs(void **state)
{
    (void)state;
    struct random random;
    unsigned planned = 0, rounds = 400 / MEMS_TEST_SCALE;
    setenv("MEMS_TEST_WORD", "a#b \"c\"; $d", 1);
    random_init(&random, test_seed(), 0, 0);
    for (unsigned i = 0; i < rounds; i++) {
        static const char *const workloads[] = {"churn", "churn,larson", "larson"};
        char text[8192] = "[global]\ntarget=libc,null\n";
        add_lines(&random, text, 2);
        for (uint64_t s = 0; s < 1 + random_below(&random, 4); s++) {
            sprintf(text + strlen(text), "[s%" PRIu64 ", %s]\nworkload=%s\n", s,
                    random_below(&random, 2) ? "it's \"one\"" : "two; #",
                    workloads[random_below(&random, 3)]);
            add_lines(&random, text, 3);
        }
        struct plan_options options = {.repeats = (unsigned)random_below(&random, 3)};
        char *once = plan_of(text, "/folder", &options);
        if (once) {
            free(once);
            check(text, &options);
            planned++;
        }
    }
    assert_true(planned > rounds / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_value_is_resolved),
        cmocka_unit_test(test_chosen_parts_are_read_back),
        cmocka_unit_test(test_the_hash_is_of_the_content),
        cmocka_unit_test(test_random_jobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
