// SPDX-License-Identifier: MIT
//
// test_mutation.c - whatever is done to a job's text, reading it ends in a job or in a complaint
// with a place; and a job that is read can be written and read again.

#include "support/chance.h"
#include "unit/job/law_job.h"
#include "workload/random.h"

static const char original[] =
    "# a job\r\n[global]\ntarget = libc, mems:dynamic(fit=best,arenas=2), ?preload:jemalloc\n"
    "seed = 7\nruntime = ${MEMS_UNSET:-250ms}\n\n[churn] ; the first\nworkload = churn\n"
    "slots = 2*$ncpus\nsize = 64/50:4k/40:1M/10\nnote = \"a \"\"quoted\"\" $$ #text\"\n"
    "lifetime = exp:256@16-8000\nremote = 0.25\norder = fifo\nlimit = 64Ki\nlatency = 1/8\n"
    "[larson]\nworkload=larson\nrounds=5\nops=10k\nsize=log:16-65536\n"
    "[trace]\nworkload=trace\ntrace=some/file.trace\nverify=4\n"
    "[kinds]\nworkload=churn,larson\nops=5\nsize=zipf:1.2@16-8000,zipf:1@1-64\n[sweep]\nworkload="
    "churn\nthreads=1,2,4..8\nlimit=(1+3)*"
    "4Ki-64/2\n"
    "touch=none,full\nprepare=\"echo a, b\"\n[after]\nworkload=churn\nwait_for=sweep\n"
    "remote=0..0.5+0.25\nrate=1k\narrival=poisson\n";

static const char *const pieces[] = {
    "[",
    "]",
    "=",
    "\n",
    "#",
    ";",
    "\"",
    "$",
    "${",
    "}",
    ":-",
    "${A:-",
    "*",
    "0",
    "18446744073709551615",
    "-",
    "/",
    ":",
    "@",
    "log:",
    "exp:",
    "zipf:",
    "zipf:1@1-1Ti",
    "1Ti",
    "(",
    ")",
    ",",
    "\xff",
    "\r",
    "\t ",
    "[global]\n",
    "include=.\n",
    "workload=churn\n",
    "ops=1\n",
    "target=null\n",
    "[x]\n",
    ".",
    "1e308",
    "Ki",
    "$pagesize",
    "\xe2\x82\xac",
    "1/",
    ",",
    "..",
    "..8*2",
    "1,2,4..",
    "-1",
    "+",
    "/0",
    "\"1,2\"",
    "threads=1,2\n",
    "group=g\n",
    "",
};

enum { ROOM = 4096 };

// One change: a byte, a hole, a copied stretch or a telling piece.
static size_t mutate(struct random *random, char *text, size_t length)
{
    size_t at = random_below(random, length + 1);
    size_t count = random_below(random, 1 + random_below(random, 40));
    char copied[64];
    const char *added = copied;
    switch (random_below(random, 4)) {
    case 0:
        if (at < length) {
            text[at] = (char)random_next(random);
        }
        return length;
    case 1:
        count = count < length - at ? count : length - at;
        memmove(text + at, text + at + count, length - at - count);
        return length - count;
    case 2: {
        size_t from = random_below(random, length + 1);
        count = count < length - from ? count : length - from;
        memcpy(copied, text + from, count);
        break;
    }
    default:
        added = pieces[random_below(random, sizeof pieces / sizeof pieces[0])];
        count = strlen(added);
    }
    if (length + count > ROOM) {
        return length;
    }
    memmove(text + at + count, text + at, length - at);
    memcpy(text + at, added, count);
    return length + count;
}

static bool enough_are_read(const void *what, size_t tries, double beyond, unsigned look)
{
    struct random random;
    size_t read = 0;
    (void)beyond;
    random_init(&random, *(const uint64_t *)what, look, 0);
    for (size_t i = 0; i < tries; i++) {
        char text[ROOM];
        size_t length = sizeof original - 1;
        memcpy(text, original, length);
        uint64_t changes = random_below(&random, 8);
        for (uint64_t j = 0; j < changes; j++) {
            length = mutate(&random, text, length);
        }
        read += job_law(text, length);
        job_law_set(text, length, random_next(&random));
    }
    assert_true(read < tries);
    return read > tries / 10; // or nothing past the first error is tested
}

// Of 600 texts 95 are read, and 60 or less once in 30,000 times.
static void test_mutations(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    unsetenv("MEMS_UNSET");
    assert_true(chance_holds(enough_are_read, &seed, 6000 / MEMS_TEST_SCALE));
}

// Every beginning of a job is a text of its own.
static void test_truncations(void **state)
{
    (void)state;
    unsigned read = 0;
    for (size_t length = 0; length < sizeof original; length++) {
        read += job_law(original, length);
    }
    assert_true(read > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_truncations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
