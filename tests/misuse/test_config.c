// SPDX-License-Identifier: MIT
//
// test_config.c - configurations that cannot work: refused, with a sentence that says which key,
// what it was and what would be right.

#include "support/engine.h"

struct bad {
    const char *policy;
    const char *options;
    const char *words[4]; // what the sentence must hold
};

static const struct bad BAD[] = {
    {"dynamik", "", {"dynamik", "dynamic", "fixed"}},
    {"", "", {"dynamic"}},
    {"dynamic", "colour=red", {"colour", "fit"}},
    {"dynamic", "fitt=first", {"fitt", "fit"}},
    {"dynamic", "fit=tight", {"fit", "tight", "first"}},
    {"dynamic", "fit=", {"fit", "first"}},
    {"dynamic", "fit", {"fit"}},
    {"dynamic", "fit=first,fit=best", {"fit"}},
    {"dynamic", "arenas=0", {"arenas", "0", "1"}},
    {"dynamic", "arenas=100000000", {"arenas", "100000000"}},
    {"dynamic", "arenas=-1", {"arenas", "-1"}},
    {"dynamic", "arenas=two", {"arenas", "two"}},
    {"dynamic", "capacity=4parsecs", {"capacity", "4parsecs", "Ki"}},
    {"dynamic", "capacity=99999999999999999999", {"capacity", "99999999999999999999"}},
    {"dynamic", "capacity=20000000T", {"capacity", "20000000T"}},
    {"dynamic", "capacity=8", {"capacity", "8"}},
    {"dynamic", "granule=3", {"granule", "3"}},
    {"dynamic", "thread_cache=perhaps", {"thread_cache", "perhaps", "yes", "no"}},
    {"dynamic", "addresses=round", {"addresses", "round", "descriptor", "flat"}},
    {"dynamic", "partition=64,count=2", {"partition"}},
    {"fixed", "fit=first", {"fit"}},
    {"fixed", "partition=0,count=4", {"partition", "0"}},
    {"dynamic", "granule=8", {"granule", "8", "16"}},
    {"dynamic", "addresses=flat,arenas=4", {"arenas", "4", "flat"}},
    {"dynamic", "arenas=64,capacity=4Ki", {"capacity", "64"}},
    {"dynamic", "fit=bestt", {"bestt", "best", "buddy", "tlsf"}},
    {"dynamic", "coalesce=never", {"coalesce", "never", "eager", "deferred"}},
    {"dynamic", "min_block=2Ti", {"min_block", "2Ti"}},
    {"dynamic", "min_block=2Mi", {"min_block", "2097152", "region", "1048576"}},
    {"dynamic", "min_block=64Ki,capacity=32Ki", {"capacity", "32768", "65536"}},
    {"dynamic", "min_block=20Ki,capacity=64Ki,arenas=4", {"capacity", "65536", "20480", "81920"}},
    {"dynamic", "fit=buddy,min_block=10Ki,capacity=12Ki", {"capacity", "12288", "16384"}},
    {"dynamic", "fit=buddy,granule=48", {"granule", "48"}},
    {"dynamic", "cache_blocks=0", {"cache_blocks", "0"}},
    {"fixed", "partition=20", {"partition", "20", "16"}},
    {"fixed", "partition=64Ki,count=10,capacity=64Ki", {"capacity", "65536", "655360"}},
    {"fixed", "partitions=1Mix2,64Kix1,capacity=2Mi", {"capacity"}},
    {"fixed", "partition=64Ki,capacity=4Ki", {"capacity", "4096", "65536"}},
    {"fixed", "partitions=64y4", {"partitions", "64y4"}},
    {"fixed", "partitions=64x", {"partitions", "64x"}},
    {"fixed", "partitions=x4", {"partitions", "x4"}},
    {"fixed", "partitions=64x4,,32x2", {"partitions"}},
    {"fixed", "partitions=0x4", {"partition", "0", "16"}},
    {"fixed", "partitions=64x0", {"partitions", "64", "0", "1"}},
    {"fixed", "partitions=1Tix99999999999", {"partitions"}},
    {"fixed", "partition=8Ti,count=16Mi", {"partition"}},
    {"fixed", "queue=bus", {"queue", "bus", "one", "size"}},
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        const struct mems_config config = {.policy = BAD[i].policy, .options = BAD[i].options};
        struct mems_engine *engine = NULL;
        int error = mems_engine_open(&config, &engine);
        test_require(error == EINVAL, "%s(%s): %d, should be EINVAL", BAD[i].policy, BAD[i].options,
                     error);
        assert_null(engine);
        const char *complaint = mems_complaint();
        for (size_t w = 0; w < 4 && BAD[i].words[w] != NULL; w++) {
            test_require(strstr(complaint, BAD[i].words[w]) != NULL,
                         "%s(%s): the complaint does not say '%s': %s", BAD[i].policy,
                         BAD[i].options, BAD[i].words[w], complaint);
        }
        assert_null(strchr(complaint, '\n'));
    }
}

// A complaint belongs to its thread and lasts until the thread's next one.
static void test_complaint_stays(void **state)
{
    (void)state;
    struct mems_config config = {.policy = "dynamic", .options = "arenas=0"};
    struct mems_engine *engine = NULL;
    assert_int_equal(mems_engine_open(&config, &engine), EINVAL);
    char complaint[500];
    snprintf(complaint, sizeof complaint, "%s", mems_complaint());
    engine = test_engine("dynamic", "");
    struct mems_space *space = test_space(engine);
    mems_addr addr = test_alloc(space, 8);
    assert_int_equal(mems_release(space, addr), 0);
    assert_string_equal(mems_complaint(), complaint);
    mems_engine_close(engine);
}

static void test_good(void **state)
{
    (void)state;
    static const struct bad good[] = {
        {"dynamic", NULL, {NULL}},
        {NULL, NULL, {NULL}},
        {NULL, "", {NULL}},
        {"dynamic", "capacity=1Mi,fit=worst,arenas=1,thread_cache=on", {NULL}},
        {"dynamic", "capacity=1M", {NULL}},
        {"dynamic", "arenas=4,region=1Mi", {NULL}},
        {"dynamic", "fit=buddy,min_block=10Ki,capacity=16Ki", {NULL}},
        {"dynamic", "fit=tlsf,coalesce=deferred,min_block=1Mi", {NULL}},
        {"dynamic", "fit=buddy,addresses=flat,region=5000", {NULL}},
        {"dynamic", "cache_blocks=1,cache_limit=16", {NULL}},
        {"fixed", "", {NULL}},
        {"fixed", "partition=64Ki,count=10,capacity=640Ki", {NULL}},
        {"fixed", "partition=64Ki,capacity=256Ki", {NULL}},
        {"fixed", "partitions=64Kix10,1Mix2", {NULL}},
        {"fixed", "queue=size,partitions=16x1", {NULL}},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct mems_engine *engine = test_engine(good[i].policy, good[i].options);
        struct mems_space *space = test_space(engine);
        test_alloc(space, 16);
        mems_engine_close(engine);
    }
}

// No configuration at all is the default one.
static void test_none(void **state)
{
    (void)state;
    struct mems_engine *engine = NULL;
    assert_int_equal(mems_engine_open(NULL, &engine), 0);
    test_alloc(test_space(engine), 100);
    mems_engine_close(engine);
    mems_engine_close(NULL);
    mems_space_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_complaint_stays),
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
