// SPDX-License-Identifier: MIT
//
// test_album.c - when pictures are taken: at which operations, how many are kept, what is told of
// the last operation.

#include "run/album.h"

#include <stdlib.h>
#include <string.h>

#include "support/test.h"
#include "workload/op.h"

struct scene {
    struct mems_engine *engine;
    struct mems_space *space;
    struct picture_album *pictures;
    struct album *album;
    struct worker worker;
    mems_addr addr[600];
};

static void scene_open_of(struct scene *scene, const char *policy, unsigned room,
                          const char *options, uint64_t operations)
{
    const struct mems_config config = {.policy = policy, .options = options};
    memset(scene, 0, sizeof *scene);
    assert_int_equal(mems_engine_open(&config, &scene->engine), 0);
    assert_int_equal(mems_space_open(scene->engine, &scene->space), 0);
    scene->pictures = calloc(1, picture_bytes(room, 2000));
    scene->album = calloc(1, sizeof *scene->album);
    assert_non_null(scene->pictures);
    assert_non_null(scene->album);
    scene->pictures->room = room;
    scene->pictures->pieces = 2000;
    album_init(scene->album, scene->pictures, scene->engine, &scene->worker, 1, operations);
    album_begin(scene->album, 0, 0);
}

static void scene_open(struct scene *scene, unsigned room, const char *options, uint64_t operations)
{
    scene_open_of(scene, "dynamic", room, options, operations);
}

static void scene_close(struct scene *scene)
{
    mems_engine_close(scene->engine);
    free(scene->pictures);
    free(scene->album);
}

// As op.c does it. Returns what is told of it; NULL: no picture.
static const struct picture_decision *do_alloc(struct scene *scene, unsigned i, size_t size)
{
    uint32_t before = scene->pictures->count;
    bool pictured = album_begin_try(scene->album, true, 0);
    int error = mems_alloc(scene->space, size, 0, &scene->addr[i]);
    scene->worker.count[OP_ALLOC] += error == 0;
    if (pictured) {
        album_take(scene->album, DECISION_ALLOC, error == 0 ? scene->addr[i] : 0, size);
    }
    return scene->pictures->count > before ? &scene->pictures->pictures[before].decision : NULL;
}

static const struct picture_decision *do_free(struct scene *scene, unsigned i)
{
    uint32_t before = scene->pictures->count;
    bool pictured = album_begin_try(scene->album, true, scene->addr[i]);
    assert_int_equal(mems_release(scene->space, scene->addr[i]), 0);
    scene->worker.count[OP_FREE]++;
    if (pictured) {
        album_take(scene->album, DECISION_FREE, 0, 0);
    }
    return scene->pictures->count > before ? &scene->pictures->pictures[before].decision : NULL;
}

static const struct picture_decision *do_touch(struct scene *scene, uint64_t page, bool write)
{
    uint32_t before = scene->pictures->count;
    bool pictured = album_begin_try(scene->album, true, 0);
    char byte = 1;
    mems_addr addr = scene->addr[0] + page * 4096;
    assert_int_equal(write ? mems_write(scene->space, addr, &byte, 1)
                           : mems_read(scene->space, addr, &byte, 1),
                     0);
    scene->worker.count[OP_ALLOC]++; // an operation, whatever its name
    if (pictured) {
        album_take(scene->album, DECISION_TOUCH, 0, 0);
    }
    return scene->pictures->count > before ? &scene->pictures->pictures[before].decision : NULL;
}

#define PLAIN "capacity=1Mi,thread_cache=no,min_block=16,fit="

// With a number of operations the marks are known before, and are met to the operation.
static void marks_are_of_operations(void **state)
{
    (void)state;
    for (unsigned room = 1; room <= 12; room++) {
        struct scene scene;
        scene_open(&scene, room, PLAIN "first", 600);
        for (unsigned i = 0; i < 600; i++) {
            do_alloc(&scene, i, 64);
        }
        album_end(scene.album);
        const struct picture_album *pictures = scene.pictures;
        uint64_t every = scene.album->every;
        assert_in_range(pictures->count, room < 4 ? 1 : room - 2, room);
        for (uint32_t p = 0; p < pictures->count; p++) {
            const struct picture *picture = &pictures->pictures[p];
            assert_int_equal(picture->operations, picture->mark);
            assert_int_equal(picture->counters.allocs, picture->operations);
            assert_true(picture->mark == 1 || picture->mark == 600 || picture->mark % every == 0);
        }
        assert_int_equal(pictures->pictures[pictures->count - 1].operations, 600);
        assert_true(room == 1 || pictures->pictures[0].mark == 1);
        scene_close(&scene);
    }
}

// Without, the distance doubles; two allocators' marks are of one grid whatever their speed.
static void distances_double(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 6, PLAIN "first", 0);
    scene.album->timed = false; // cost is not the question here
    for (unsigned i = 0; i < 5000; i++) {
        do_alloc(&scene, i % 600, 64);
        scene.worker.count[OP_FREE]++;
        assert_int_equal(mems_release(scene.space, scene.addr[i % 600]), 0);
        assert_in_range(scene.pictures->count, 1, 5);
    }
    assert_int_equal(scene.album->every & (scene.album->every - 1), 0);
    for (uint32_t p = 1; p < scene.pictures->count; p++) {
        assert_int_equal(scene.pictures->pictures[p].mark % scene.album->every, 0);
    }
    scene_close(&scene);
}

// A picture that comes too soon after dear ones is left out, and the distance doubles.
static void time_is_kept(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 9, PLAIN "first", 0);
    do_alloc(&scene, 0, 64);
    scene.album->spent_ns = UINT64_MAX / 64;
    for (unsigned i = 1; i < 600; i++) {
        do_alloc(&scene, i, 64);
    }
    assert_int_equal(scene.pictures->count, 1);
    assert_true(scene.album->every > 64);
    scene_close(&scene);
}

// Five holes of 96, 160, 64, 256 and 112 bytes, and the rest: which one takes 80?
static void a_hole_is_weighed(void **state)
{
    (void)state;
    static const struct {
        const char *fit;
        uint64_t hole, lower, smaller;
    } rows[] = {{PLAIN "first", 96, 0, 0}, {PLAIN "best", 96, 0, 0}, {PLAIN "worst", 0, 4, 4}};
    static const unsigned sizes[] = {96, 160, 64, 256, 112};
    for (unsigned row = 0; row < 3; row++) {
        struct scene scene;
        scene_open(&scene, 600, rows[row].fit, 300);
        for (unsigned i = 0; i < 10; i++) {
            do_alloc(&scene, i, i % 2 == 0 ? sizes[i / 2] : 32);
        }
        for (unsigned i = 0; i < 10; i += 2) {
            const struct picture_decision *told = do_free(&scene, i);
            assert_int_equal(told->deed, DEED_FREE_HOLE);
            assert_int_equal(told->size, sizes[i / 2]);
            assert_int_equal(told->hole_size, sizes[i / 2]);
        }
        const struct picture_decision *told = do_alloc(&scene, 0, 80);
        assert_int_equal(told->deed, DEED_ALLOC_HOLE);
        assert_int_equal(told->size, 80);
        assert_int_equal(told->holes, 6);
        assert_int_equal(told->fitting, 5);
        assert_int_equal(told->lower, rows[row].lower);
        assert_int_equal(told->smaller, rows[row].smaller);
        assert_true(rows[row].hole == 0 || told->hole_size == rows[row].hole);
        assert_true(rows[row].hole != 0 || told->larger == 0);
        assert_int_equal(told->at, told->hole_at);
        // The block between the first two holes joins both.
        told = do_free(&scene, 1);
        assert_int_equal(told->deed, DEED_FREE_HOLE);
        assert_int_equal(told->above, 160);
        assert_int_equal(told->below, row < 2 ? 16 : 96);
        scene_close(&scene);
    }
}

static void caches_decide_nothing(void **state)
{
    (void)state;
    struct scene scene;
    unsigned seen[DEEDS] = {0};
    scene_open(&scene, 200, "capacity=1Mi", 200);
    for (unsigned i = 0; i < 100; i++) {
        const struct picture_decision *told = do_alloc(&scene, i, 64);
        seen[told != NULL ? told->deed : DEED_UNKNOWN]++;
    }
    const struct picture_decision *told = do_free(&scene, 0);
    assert_true(told == NULL || told->deed == DEED_FREE_MAGAZINE);
    assert_true(seen[DEED_ALLOC_MAGAZINE] > 0 && seen[DEED_ALLOC_REFILL] > 0);
    assert_int_equal(seen[DEED_ALLOC_HOLE], 0);
    scene_close(&scene);
}

// Pages 0 to 3 come in, 0 is written, 1 read again; whose place does 4 take?
static void a_victim_is_judged(void **state)
{
    (void)state;
    static const struct {
        const char *replacement;
        uint64_t victim, candidates, used, passed, passed_used, dirty, lower;
    } rows[] = {
        {"fifo", 0, 4, 0, 0, 0, 1, 3},  {"lru", 0, 4, 0, 0, 0, 1, 3},
        {"clock", 0, 4, 4, 0, 0, 1, 3}, {"sieve", 0, 4, 1, 0, 0, 1, 2},
        {"nru", 2, 4, 2, 2, 1, 0, 0},   {"arc", 0, 0, 0, 0, 0, 0, 0},
    };
    for (unsigned row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        struct scene scene;
        char options[200];
        snprintf(options, sizeof options,
                 "page=4Ki,frames=4,swap=1Mi,low=0,high=1,thread_cache=no,replacement=%s",
                 rows[row].replacement);
        scene_open_of(&scene, "vm-paging", 100, options, 40);
        do_alloc(&scene, 0, 8 * 4096);
        for (uint64_t page = 0; page < 4; page++) {
            do_touch(&scene, page, page == 0);
        }
        const struct picture_decision *told = do_touch(&scene, 1, false);
        assert_int_equal(told->deed, DEED_TOUCH_HIT);
        told = do_touch(&scene, 4, false);
        assert_int_equal(told->deed, DEED_TOUCH_FAULT);
        assert_int_equal(told->page, 4);
        assert_true(rows[row].candidates == 0 || told->victim_page == rows[row].victim);
        assert_int_equal(told->candidates, rows[row].candidates);
        assert_int_equal(told->used, rows[row].used);
        assert_int_equal(told->passed, rows[row].passed);
        assert_int_equal(told->passed_used, rows[row].passed_used);
        assert_int_equal(told->victim_dirty, rows[row].dirty);
        assert_int_equal(told->lower_class, rows[row].lower);
        scene_close(&scene);
    }
}

static void a_refusal_is_told(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, 20, PLAIN "first", 10);
    const struct picture_decision *told = do_alloc(&scene, 0, 4u << 20);
    assert_non_null(told);
    assert_int_equal(told->deed, DEED_REFUSED);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_are_of_operations),
        cmocka_unit_test(distances_double),
        cmocka_unit_test(time_is_kept),
        cmocka_unit_test(a_hole_is_weighed),
        cmocka_unit_test(caches_decide_nothing),
        cmocka_unit_test(a_victim_is_judged),
        cmocka_unit_test(a_refusal_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
