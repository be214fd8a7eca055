// SPDX-License-Identifier: MIT
//
// test_picture.c - pictures of the memory map: that they show what is there, and how an album
// thins.

#include "run/picture.h"

#include <stdlib.h>

#include "support/test.h"

static struct mems_engine *open_engine(const char *policy, const char *options)
{
    const struct mems_config config = {.policy = policy, .options = options};
    struct mems_engine *engine;
    assert_int_equal(mems_engine_open(&config, &engine), 0);
    return engine;
}

static struct picture_album *open_album(unsigned room)
{
    struct picture_album *album = calloc(1, picture_bytes(room));
    assert_non_null(album);
    album->room = room;
    return album;
}

static uint64_t sum(const struct picture *picture)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < picture->piece_count; i++) {
        assert_true(picture->pieces[i].size > 0);
        bytes += picture->pieces[i].size;
    }
    return bytes;
}

static void few_pieces_are_the_engines(void **state)
{
    (void)state;
    static const size_t sizes[] = {256, 512, 128, 1024};
    struct mems_engine *engine =
        open_engine("dynamic", "capacity=64Ki,thread_cache=no,min_block=16");
    struct picture_album *album = open_album(4);
    struct mems_space *space;
    mems_addr addr[4];
    assert_int_equal(mems_space_open(engine, &space), 0);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(mems_alloc(space, sizes[i], 0, &addr[i]), 0);
    }
    assert_int_equal(mems_release(space, addr[1]), 0);
    picture_take(album, engine, 7, 5);
    const struct picture *picture = &album->pictures[0];
    assert_int_equal(album->count, 1);
    assert_true(picture->exact);
    assert_int_equal(picture->at_ns, 7);
    assert_int_equal(picture->operations, 5);
    assert_int_equal(picture->live_blocks, 3);
    assert_int_equal(picture->piece_count, 5);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(picture->pieces[i].size, sizes[i]);
        assert_int_equal(picture->pieces[i].kind,
                         i == 1 ? (int)MEMS_PIECE_HOLE : (int)MEMS_PIECE_BLOCK);
        assert_int_equal(picture->pieces[i].space == 0, i == 1);
    }
    assert_int_equal(picture->memory_bytes, 65536);
    assert_int_equal(sum(picture), picture->memory_bytes);
    free(album);
    mems_engine_close(engine);
}

// Two spaces, one in the lower half, one in the upper half of memory, which has a hole at its end:
// stretches say who is where, however many blocks there are.
static void many_pieces_become_stretches(void **state)
{
    (void)state;
    enum { EACH = 2000, BLOCK = 64 };
    struct mems_engine *engine = open_engine("dynamic", "capacity=512000,thread_cache=no");
    struct picture_album *album = open_album(1);
    struct mems_space *spaces[2];
    mems_addr addr;
    for (unsigned s = 0; s < 2; s++) {
        assert_int_equal(mems_space_open(engine, &spaces[s]), 0);
        for (unsigned i = 0; i < EACH; i++) {
            assert_int_equal(mems_alloc(spaces[s], BLOCK, 0, &addr), 0);
        }
    }
    picture_take(album, engine, 0, 0);
    const struct picture *picture = &album->pictures[0];
    assert_false(picture->exact);
    assert_int_equal(sum(picture), picture->memory_bytes);
    assert_int_equal(picture->piece_count, 3);
    assert_int_equal(picture->pieces[0].kind, MEMS_PIECE_BLOCK);
    assert_int_equal(picture->pieces[1].kind, MEMS_PIECE_BLOCK);
    assert_int_equal(picture->pieces[2].kind, MEMS_PIECE_HOLE);
    assert_true(picture->pieces[0].space != picture->pieces[1].space);
    // Within a stretch of the truth.
    uint64_t stretch = picture->memory_bytes / PICTURE_PIECES + 1024;
    assert_in_range(picture->pieces[0].size, EACH * BLOCK - stretch, EACH * BLOCK + stretch);
    assert_in_range(picture->pieces[1].size, EACH * BLOCK - stretch, EACH * BLOCK + stretch);
    free(album);
    mems_engine_close(engine);
}

static void every_policy_has_a_picture(void **state)
{
    (void)state;
    const struct mems_policy_row *row;
    for (size_t i = 0; (row = mems_policy_at(i)) != NULL; i++) {
        struct mems_engine *engine = open_engine(row->name, NULL);
        struct picture_album *album = open_album(1);
        struct mems_space *space;
        mems_addr addr;
        assert_int_equal(mems_space_open(engine, &space), 0);
        for (unsigned n = 0; n < 500; n++) {
            assert_int_equal(mems_alloc(space, 1 + n * 7 % 3000, 0, &addr), 0);
            assert_int_equal(mems_write(space, addr, "x", 1), 0);
        }
        picture_take(album, engine, 0, 0);
        assert_int_equal(album->count, 1);
        assert_true(album->pictures[0].piece_count > 0);
        assert_int_equal(sum(&album->pictures[0]), album->pictures[0].memory_bytes);
        free(album);
        mems_engine_close(engine);
    }
}

// Whatever a run's length: at most so many, in order, from the first on, evenly far apart.
static void an_album_thins(void **state)
{
    (void)state;
    for (unsigned room = 1; room <= 9; room++) {
        struct mems_engine *engine = open_engine("dynamic", "capacity=64Ki,thread_cache=no");
        struct picture_album *album = open_album(room);
        for (uint64_t i = 0; i < 100; i++) {
            picture_take(album, engine, i, i);
            assert_in_range(album->count, 1, room);
            uint64_t apart = album->count > 1 ? album->pictures[1].at_ns : 0;
            for (uint32_t p = 0; p < album->count; p++) {
                assert_int_equal(album->pictures[p].at_ns, p * apart);
            }
        }
        free(album);
        mems_engine_close(engine);
    }
}

static void no_pictures_no_bytes(void **state)
{
    (void)state;
    assert_int_equal(picture_bytes(0), 0);
    assert_true(picture_bytes(2) - picture_bytes(1) == sizeof(struct picture));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_pieces_are_the_engines),
        cmocka_unit_test(many_pieces_become_stretches),
        cmocka_unit_test(every_policy_has_a_picture),
        cmocka_unit_test(an_album_thins),
        cmocka_unit_test(no_pictures_no_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
