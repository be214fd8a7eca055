// SPDX-License-Identifier: MIT
//
// test_picture.c - pictures of the memory map: that they show what is there, however much it is.

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

static struct picture_album *open_album(unsigned pieces)
{
    struct picture_album *album = calloc(1, picture_bytes(1, pieces));
    assert_non_null(album);
    album->room = 1;
    album->pieces = pieces;
    return album;
}

static uint64_t sum(const struct picture_album *album)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < album->pictures[0].piece_count; i++) {
        assert_true(picture_pieces(album, 0)[i].size > 0);
        bytes += picture_pieces(album, 0)[i].size;
    }
    return bytes;
}

static void few_pieces_are_the_engines(void **state)
{
    (void)state;
    static const size_t sizes[] = {256, 512, 128, 1024};
    struct mems_engine *engine =
        open_engine("dynamic", "capacity=64Ki,thread_cache=no,min_block=16");
    struct picture_album *album = open_album(16);
    struct mems_space *space;
    mems_addr addr[4];
    assert_int_equal(mems_space_open(engine, &space), 0);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(mems_alloc(space, sizes[i], 0, &addr[i]), 0);
    }
    assert_int_equal(mems_release(space, addr[1]), 0);
    assert_true(picture_draw(album, 0, engine));
    const struct picture *picture = &album->pictures[0];
    const struct picture_piece *pieces = picture_pieces(album, 0);
    assert_int_equal(picture->drawn, PICTURE_EACH);
    assert_int_equal(picture->live_blocks, 3);
    assert_int_equal(picture->counters.allocs, 4);
    assert_int_equal(picture->counters.releases, 1);
    assert_int_equal(picture->frame_bytes, 0);
    assert_int_equal(picture->piece_count, 5);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(pieces[i].size, sizes[i]);
        assert_int_equal(pieces[i].kind, i == 1 ? (int)MEMS_PIECE_HOLE : (int)MEMS_PIECE_BLOCK);
        assert_int_equal(pieces[i].space == 0, i == 1);
    }
    assert_int_equal(picture->memory_bytes, 65536);
    assert_int_equal(sum(album), picture->memory_bytes);
    free(album);
    mems_engine_close(engine);
}

#define EACH  2000
#define BLOCK 64

// Two spaces, one in the lower half, one in the upper half of memory, which has a hole at its end;
// of every `every`-th block of the first a hole is made.
static struct mems_engine *two_halves(unsigned every)
{
    struct mems_engine *engine = open_engine("dynamic", "capacity=512000,thread_cache=no");
    struct mems_space *spaces[2];
    static mems_addr addr[2][EACH];
    for (unsigned s = 0; s < 2; s++) {
        assert_int_equal(mems_space_open(engine, &spaces[s]), 0);
        for (unsigned i = 0; i < EACH; i++) {
            assert_int_equal(mems_alloc(spaces[s], BLOCK, 0, &addr[s][i]), 0);
        }
    }
    for (unsigned i = 1; every > 0 && i < EACH; i += every) {
        assert_int_equal(mems_release(spaces[0], addr[0][i]), 0);
    }
    return engine;
}

// However many blocks there are: boundaries between owners stay, and every hole.
static void more_pieces_become_runs(void **state)
{
    (void)state;
    for (unsigned every = 0; every <= 4; every += 4) {
        struct mems_engine *engine = two_halves(every);
        struct picture_album *album = open_album(1200);
        assert_true(picture_draw(album, 0, engine));
        const struct picture *picture = &album->pictures[0];
        assert_int_equal(picture->drawn, PICTURE_RUNS);
        assert_int_equal(sum(album), picture->memory_bytes);
        uint64_t holes = 0, blocks = 0, largest = 0, owned[2] = {0};
        uint32_t first = picture_pieces(album, 0)[0].space;
        for (uint32_t i = 0; i < picture->piece_count; i++) {
            const struct picture_piece *piece = &picture_pieces(album, 0)[i];
            if (piece->kind == MEMS_PIECE_HOLE) {
                holes++;
                largest = piece->size > largest ? piece->size : largest;
            } else {
                blocks += piece->count;
                owned[piece->space != first] += piece->size;
            }
        }
        assert_int_equal(holes, picture->holes);
        assert_int_equal(holes, every > 0 ? EACH / 4 + 1 : 1);
        assert_int_equal(largest, picture->largest_hole);
        assert_int_equal(blocks, picture->live_blocks);
        assert_int_equal(owned[0], (EACH - (every > 0 ? EACH / 4 : 0)) * BLOCK);
        assert_int_equal(owned[1], EACH * BLOCK);
        assert_int_equal(picture->piece_count, every > 0 ? 2 * EACH / 4 + 3 : 3);
        free(album);
        mems_engine_close(engine);
    }
}

// Too many runs: cells of equal length, which say what is in them.
static void too_many_runs_become_cells(void **state)
{
    (void)state;
    struct mems_engine *engine = two_halves(4);
    struct picture_album *album = open_album(100);
    assert_true(picture_draw(album, 0, engine));
    const struct picture *picture = &album->pictures[0];
    assert_int_equal(picture->drawn, PICTURE_CELLS);
    assert_int_equal(sum(album), picture->memory_bytes);
    assert_in_range(picture->piece_count, 50, 100);
    uint64_t live = 0, holes = 0, largest = 0, several = 0;
    for (uint32_t i = 0; i < picture->piece_count; i++) {
        const struct picture_piece *cell = &picture_pieces(album, 0)[i];
        assert_int_equal(cell->kind, PICTURE_CELL);
        assert_true(i + 1 == picture->piece_count || cell->size == picture_pieces(album, 0)->size);
        assert_true(cell->live + cell->cached <= cell->size);
        live += cell->live;
        holes += cell->count;
        largest = cell->largest > largest ? cell->largest : largest;
        several += cell->space == 0 && cell->live > 0;
    }
    assert_int_equal(live, picture->block_bytes);
    assert_int_equal(holes, picture->holes);
    assert_int_equal(largest, picture->largest_hole);
    assert_in_range(several, 0, 1); // the cell between the two owners
    // A quarter of the first owner's part is free, and its cells say so.
    const struct picture_piece *cell = picture_pieces(album, 0);
    assert_in_range(cell->live, cell->size * 3 / 4 - BLOCK, cell->size * 3 / 4 + BLOCK);
    assert_int_equal(cell->largest, BLOCK);
    free(album);
    mems_engine_close(engine);
}

// Paged memory: pieces are frames, each with its page.
static void frames_have_pages(void **state)
{
    (void)state;
    struct mems_engine *engine =
        open_engine("vm-paging", "frames=4,page=4Ki,swap=64Ki,thread_cache=no");
    struct picture_album *album = open_album(16);
    struct mems_space *space;
    mems_addr addr;
    assert_int_equal(mems_space_open(engine, &space), 0);
    assert_int_equal(mems_alloc(space, 6 * 4096, 0, &addr), 0);
    for (uint64_t page = 0; page < 6; page++) {
        assert_int_equal(mems_write(space, addr + page * 4096, "x", 1), 0);
    }
    assert_true(picture_draw(album, 0, engine));
    const struct picture *picture = &album->pictures[0];
    assert_int_equal(picture->drawn, PICTURE_EACH);
    assert_int_equal(picture->frame_bytes, 4096);
    assert_int_equal(picture->piece_count, 4);
    for (uint32_t i = 0; i < picture->piece_count; i++) {
        const struct picture_piece *piece = &picture_pieces(album, 0)[i];
        assert_true(piece->kind == MEMS_PIECE_HOLE || piece->page != MEMS_PAGE_NONE);
    }
    assert_true(picture->counters.evictions >= 2);
    assert_true(picture->counters.absent_bytes >= 2 * 4096);
    free(album);
    mems_engine_close(engine);
}

static void every_policy_has_a_picture(void **state)
{
    (void)state;
    const struct mems_policy_row *row;
    for (size_t i = 0; (row = mems_policy_at(i)) != NULL; i++) {
        for (unsigned pieces = 4; pieces <= 4096; pieces *= 32) {
            struct mems_engine *engine = open_engine(row->name, NULL);
            struct picture_album *album = open_album(pieces);
            struct mems_space *space;
            mems_addr addr;
            assert_int_equal(mems_space_open(engine, &space), 0);
            for (unsigned n = 0; n < 500; n++) {
                assert_int_equal(mems_alloc(space, 1 + n * 7 % 3000, 0, &addr), 0);
                assert_int_equal(mems_write(space, addr, "x", 1), 0);
            }
            assert_true(picture_draw(album, 0, engine));
            assert_true(album->pictures[0].piece_count > 0);
            assert_int_equal(sum(album), album->pictures[0].memory_bytes);
            free(album);
            mems_engine_close(engine);
        }
    }
}

static void no_pictures_no_bytes(void **state)
{
    (void)state;
    assert_int_equal(picture_bytes(0, 100), 0);
    assert_true(picture_bytes(2, 10) - picture_bytes(1, 10) ==
                sizeof(struct picture) + 10 * sizeof(struct picture_piece));
    assert_int_equal(picture_pieces_of(0), 0);
    assert_int_equal(picture_pieces_of(1), PICTURE_PIECES);
    assert_in_range(picture_pieces_of(200), 500, PICTURE_PIECES); // thousands of holes in a few
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_pieces_are_the_engines), cmocka_unit_test(more_pieces_become_runs),
        cmocka_unit_test(too_many_runs_become_cells), cmocka_unit_test(frames_have_pages),
        cmocka_unit_test(every_policy_has_a_picture), cmocka_unit_test(no_pictures_no_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
