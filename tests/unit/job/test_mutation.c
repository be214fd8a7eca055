// SPDX-License-Identifier: MIT
//
// test_mutation.c - whatever is done to a job's text, reading it ends in a job or in a complaint
// with a place; and a job that is read can be written and read again.

#include <ctype.h>
#include <string.h>

#include "job/job.h"
#include "support/test.h"
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

// FILE:LINE:COLUMN: and then something.
static bool has_place(const char *text)
{
    if (strncmp(text, "job:", 4) != 0) {
        return false;
    }
    const char *at = text + 4;
    for (int i = 0; i < 2; i++) {
        size_t digits = strspn(at, "0123456789");
        if (digits == 0 || *at == '0' || at[digits] != ':') {
            return false;
        }
        at += digits + 1;
    }
    return at[0] == ' ' && at[1] != 0;
}

// What the command line may say over it; telling or not, the answer has a place.
static const char *const overrides[] = {
    "threads=2",     "threads=1..4", "churn.slots=3", "larson.rounds=1,2", "size=16,32",
    "note=\"a, b\"", "ops=1,0",      "runtime=1ms",   "workload=churn",    "trace.trace=x,y",
};

static void check_override(const char *text, size_t length, struct random *random)
{
    struct complaint complaint = {{0}};
    struct job *job = NULL;
    const char *set[3] = {NULL};
    for (size_t i = 0; i < 2; i++) {
        set[i] = overrides[random_below(random, sizeof overrides / sizeof overrides[0])];
    }
    if (job_parse_set(text, length, "job", "/folder", set, &job, &complaint) == 0) {
        assert_string_equal(complaint.text, "");
        job_free(job);
    } else if (!has_place(complaint.text) && strncmp(complaint.text, "--set ", 6) != 0) {
        fail_msg("complaint without a place: %s", complaint.text);
    }
}

static void check_text(const char *text, size_t length, unsigned *read)
{
    struct complaint complaint = {{0}};
    struct job *job = NULL;
    // A copy without room to spare: a read past the end is found by AddressSanitizer.
    char *tight = malloc(length ? length : 1);
    assert_non_null(tight);
    memcpy(tight, text, length);
    int error = job_parse(tight, length, "job", "/folder", &job, &complaint);
    free(tight);
    if (error) {
        if (!has_place(complaint.text)) {
            fail_msg("complaint without a place: %s", complaint.text);
        }
        return;
    }
    (*read)++;
    for (size_t i = 0; i < job->section_count; i++) {
        struct job *back = NULL;
        char *written = job_section_text(&job->sections[i]);
        assert_non_null(written);
        if (job_parse(written, strlen(written), "job", "/folder", &back, &complaint) != 0) {
            fail_msg("not read back: %s\n%s", complaint.text, written);
        }
        char *again = job_section_text(&back->sections[0]);
        assert_int_equal(back->section_count, 1); // what is resolved sweeps no more
        assert_string_equal(written, again);
        free(written);
        free(again);
        job_free(back);
    }
    job_free(job);
}

static void test_mutations(void **state)
{
    (void)state;
    struct random random;
    unsigned read = 0;
    const unsigned rounds = 6000 / MEMS_TEST_SCALE;
    unsetenv("MEMS_UNSET");
    random_init(&random, test_seed(), 0, 0);
    for (unsigned i = 0; i < rounds; i++) {
        char text[ROOM];
        size_t length = sizeof original - 1;
        memcpy(text, original, length);
        uint64_t changes = random_below(&random, 8);
        for (uint64_t j = 0; j < changes; j++) {
            length = mutate(&random, text, length);
        }
        check_text(text, length, &read);
        check_override(text, length, &random);
    }
    assert_true(read > rounds / 10); // or nothing past the first error is tested
    assert_true(read < rounds);
}

// Every beginning of a job is a text of its own.
static void test_truncations(void **state)
{
    (void)state;
    unsigned read = 0;
    for (size_t length = 0; length < sizeof original; length++) {
        check_text(original, length, &read);
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
