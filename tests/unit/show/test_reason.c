// SPDX-License-Identifier: MIT
//
// test_reason.c - reasons of steps: on random traces, by every fit, the hole that a reason names is
// the one that a model of this file picks, and no allocation goes without one; and what reasons
// say.

#include <string.h>

#include "show/show.h"
#include "support/test.h"

enum { BLOCKS = 40, TEXT = 40 * 400, HOLES = 200 };

static struct trace *parse(const char *text)
{
    struct complaint complaint = {""};
    struct trace *trace;
    if (trace_parse(text, strlen(text), "t", &trace, NULL, &complaint) != 0) {
        fail_msg("%s", complaint.text);
    }
    return trace;
}

static struct show *open_show(struct trace *trace, struct target_spec *spec, const char *target,
                              uint64_t memory)
{
    struct complaint complaint = {""};
    struct show_settings settings = {.memory = memory, .unit = 16, .reasons = true};
    struct show *show = NULL;
    if (target_parse(target, NULL, spec, &complaint) != 0 ||
        show_open(trace, spec, &settings, true, &show, &complaint) != 0) {
        fail_msg("%s: %s", target, complaint.text);
    }
    return show;
}

static uint64_t below(uint64_t *seed, uint64_t limit)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (*seed >> 33) % limit;
}

// Blocks come and go; many requests do not fit.
static char *random_text(uint64_t *seed)
{
    static char text[TEXT];
    bool live[BLOCKS] = {false};
    size_t length = 0;
    for (unsigned i = 0; i < 390; i++) {
        unsigned block = (unsigned)below(seed, BLOCKS);
        uint64_t size = 1 + below(seed, below(seed, 4) == 0 ? 400 : 60);
        length +=
            (size_t)(live[block] ? snprintf(text + length, TEXT - length, "free P%u/b\n", block)
                                 : snprintf(text + length, TEXT - length, "alloc P%u/b %u\n", block,
                                            (unsigned)size));
        live[block] = !live[block];
    }
    return text;
}

// ---- a model of its own -------------------------------------------------------------------------

struct hole {
    uint64_t at, size;
};

struct model {
    const char *fit;
    uint64_t rover;
    struct hole holes[HOLES];
    size_t count;
};

static void model_look(struct model *model, struct show *show)
{
    const struct show_map *map = show_look(show);
    model->count = 0;
    for (size_t i = 0; i < map->count; i++) {
        if (map->pieces[i].kind == MEMS_PIECE_HOLE) {
            assert_true(model->count < HOLES);
            model->holes[model->count++] = (struct hole){map->pieces[i].at, map->pieces[i].size};
        }
    }
}

// The hole for `want`, or NULL.
static const struct hole *model_pick(const struct model *model, uint64_t want)
{
    const struct hole *smallest = NULL, *largest = NULL, *lowest = NULL, *next = NULL;
    for (size_t i = 0; i < model->count; i++) {
        const struct hole *hole = &model->holes[i];
        if (hole->size < want) {
            continue;
        }
        lowest = lowest == NULL ? hole : lowest;
        next = next == NULL && hole->at >= model->rover ? hole : next;
        smallest = smallest == NULL || hole->size < smallest->size ? hole : smallest;
        largest = largest == NULL || hole->size > largest->size ? hole : largest;
    }
    return strcmp(model->fit, "first") == 0   ? lowest
           : strcmp(model->fit, "worst") == 0 ? largest
           : strcmp(model->fit, "next") == 0  ? (next != NULL ? next : lowest)
                                              : smallest;
}

static uint64_t model_want(const struct model *model, uint64_t size)
{
    uint64_t power = 16;
    while (power < size) {
        power *= 2;
    }
    return strcmp(model->fit, "buddy") == 0 ? power : size;
}

static void check_step(struct model *model, const struct show_step *step, uint64_t unit)
{
    const struct hole *hole = model_pick(model, model_want(model, step->op->size * unit));
    if (step->reason[0] == '\0') {
        fail_msg("%s: step %zu, %s -> %s: no reason", model->fit, step->number, step->operation,
                 step->text);
    }
    if (step->op->kind != TRACE_ALLOC) {
        return;
    }
    assert_true((hole != NULL) == (step->outcome == SHOW_DONE));
    if (hole == NULL) {
        assert_false(step->choice.made);
        return;
    }
    assert_true(step->choice.made);
    assert_int_equal(step->choice.size, hole->size);
    if (strcmp(model->fit, "buddy") != 0) { // of equals it takes the one that came last
        assert_int_equal(step->choice.at, hole->at);
    }
    model->rover = step->choice.at + step->op->size * unit;
}

static void walk(const char *target, const char *fit, const char *text)
{
    struct trace *trace = parse(text);
    struct target_spec spec;
    struct show *show = open_show(trace, &spec, target, 1024);
    static struct model model;
    struct complaint complaint = {""};
    struct show_step step;
    unsigned refused = 0;
    model = (struct model){.fit = fit};
    model_look(&model, show);
    while (show_next(show, &step, &complaint) == 0) {
        if (step.outcome != SHOW_SKIPPED && step.outcome != SHOW_NOTHING) {
            check_step(&model, &step, show_unit(show));
        }
        refused += step.outcome == SHOW_REFUSED;
        model_look(&model, show);
    }
    assert_string_equal(complaint.text, "");
    assert_true(refused > 0); // the trace is one that does not fit
    show_close(show);
    target_spec_fini(&spec);
    trace_free(trace);
}

static void test_holes(void **state)
{
    (void)state;
    static const char *const fits[] = {"first", "next", "best", "worst", "buddy"};
    uint64_t seed = test_seed();
    for (unsigned round = 0; round < 12 / MEMS_TEST_SCALE + 1; round++) {
        const char *text = random_text(&seed);
        for (size_t i = 0; i < sizeof fits / sizeof fits[0]; i++) {
            char target[60];
            snprintf(target, sizeof target, "mems:dynamic(fit=%s)", fits[i]);
            walk(target, fits[i], text);
            if (strcmp(fits[i], "buddy") != 0) {
                snprintf(target, sizeof target, "mems:segmentation(fit=%s)", fits[i]);
                walk(target, fits[i], text);
            }
        }
        walk("mems:fixed(partitions=512x9,1024x6,6400x1,queue=one)", "best", text);
    }
}

// ---- what is said -------------------------------------------------------------------------------

// The reason of the last step.
static void expect(const char *target, uint64_t memory, const char *text, const char *reason)
{
    struct trace *trace = parse(text);
    struct target_spec spec;
    struct show *show = open_show(trace, &spec, target, memory);
    struct complaint complaint = {""};
    struct show_step step, last = {0};
    while (show_next(show, &step, &complaint) == 0) {
        last = step;
    }
    assert_string_equal(last.reason, reason);
    show_close(show);
    target_spec_fini(&spec);
    trace_free(trace);
}

#define THREE "alloc A 100\nalloc B 56\nalloc C 50\nalloc D 50\nfree A\nfree C\n"

static void test_words(void **state)
{
    (void)state;
    expect("mems:dynamic", 256, THREE "alloc E 40\n",
           "first fit begins at the lowest address: 100 at 0 is the first that holds 40; 60 of it "
           "stay free at 40");
    expect("mems:dynamic(fit=best)", 256, THREE "alloc E 40\n",
           "best fit looks at every hole: 50 at 156 is the smallest that holds 40 (the others that "
           "do: 100 at 0); 10 of it stay free at 196");
    expect("mems:dynamic(fit=next)", 256, THREE "alloc E 40\n",
           "next fit goes on from 256, where the last allocation ended: 100 at 0, round again from "
           "the start, is the first that holds 40; 60 of it stay free at 40");
    expect("mems:dynamic", 256, THREE "alloc E 120\n",
           "no hole holds 120: 100 at 0, 50 at 156; 150 are free in all, but not in one piece "
           "(external fragmentation): it must wait");
    expect("mems:dynamic", 256, THREE "alloc E 160\n",
           "no hole holds 160: 100 at 0, 50 at 156; 150 are free in all: no fit could place it");
    expect("mems:dynamic", 256, THREE "free B\n",
           "joined with the free 100 before it and the 50 behind it: one hole, 206 at 0");
    expect("mems:dynamic(fit=buddy)", 256, "alloc A 60\nalloc B 50\nfree A\nfree B\n",
           "the buddy of 64 at 64 is at 0 (XOR), free and whole: together 128 at 0; the buddy of "
           "128 at 0 is at 128 (XOR), free and whole: together 256 at 0; that is all of memory");
    expect("mems:dynamic", 256, "alloc A/x 60\nalloc B 40\nresize A/x 20\n",
           "it shrinks in place: 40 behind it are free now");
    expect("mems:dynamic", 256, "alloc A/x 60\nresize A/x 90\n",
           "it grows in place, into what was free behind it");
    expect("mems:dynamic", 256, "alloc A/x 60\nalloc B 40\nresize A/x 90\n",
           "not enough is free behind it: it moves, and 60 at 0 is free again");
    expect("mems:paging(page=64,frames=8)", 32, "alloc A 10\n",
           "10 = 2 x 4 + 2: 3 pages, and 2 of the last are wasted (internal fragmentation); any "
           "frames will do, and the lowest free ones are taken");
    expect("mems:segmentation", 256, "alloc A 30\nalloc B/s 50\ntouch B/s 7\n",
           "7 is below the limit 50: base 30 + 7 = 37");
}

// What left for a segment or a page is told by name, with when it was used.
static void test_victims(void **state)
{
    (void)state;
    expect("mems:vm-paging(page=64,frames=2,low=0,high=1,replacement=fifo)", 8,
           "alloc A/x 12\ntouch A/x 0 w\ntouch A/x 4 w\ntouch A/x 1\ntouch A/x 8 w\n",
           "8 is page 2, offset 0; not in memory, a fault; now in frame 0: 0 x 4 + 0 = 0; for it "
           "page 0 of A/x (brought in at step 2, last used at 4) had to leave, as fifo chose");
}

// Where a segment was is where it was just before, not where it was seen first.
static void test_moved_between(void **state)
{
    (void)state;
    struct trace *trace = parse("alloc A/x 100\nalloc A/y 100\nalloc B/z 100\ntouch A/x 5\n"
                                "touch B/z 9\ntouch A/y 0\nresize A/x 150\n");
    struct target_spec spec;
    struct show *show = open_show(trace, &spec, "mems:vm-segmentation(capacity=4096)", 256);
    struct complaint complaint = {""};
    struct show_step step, last = {0};
    while (show_next(show, &step, &complaint) == 0) {
        last = step;
    }
    assert_string_equal(last.text, "at 100");
    assert_string_equal(last.reason, "it grows in place, into what was free behind it");
    show_close(show);
    target_spec_fini(&spec);
    trace_free(trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holes),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_victims),
        cmocka_unit_test(test_moved_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
