// SPDX-License-Identifier: MIT
//
// test_info.c - the figures add up, whatever the heap has gone through; what is trimmed is gone,
// and what is in use is not; sizes that a block can have been asked for with.

#include "support/test.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <string.h>

#include "base/rng.h"
#include "heap/look.h"
#include "malloc/malloc.h"
#include "memory/slab.h"

enum { BLOCKS = 3000, ROUNDS = 20 };

static struct {
    unsigned char *host;
    size_t size;
} blocks[BLOCKS];

static struct rng rng;

static size_t any_size(void)
{
    unsigned bits = (unsigned)rng_below(&rng, 18);
    return (size_t)rng_below(&rng, UINT64_C(1) << bits) + 1;
}

// ---- figures ------------------------------------------------------------------------------------

static void check_sums(const struct look *look)
{
    assert_int_equal(look->mapped_bytes,
                     look->slab_bytes + look->large_bytes + look->dirty_bytes + look->clean_bytes);
    assert_true(look->peak_bytes >= look->mapped_bytes);
    assert_true(look->used_bytes + look->free_bytes <= look->slab_bytes);
    uint64_t used = 0, slabs = 0, bytes = 0;
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        assert_true(look->class[class].used <= look->class[class].blocks);
        used += look->class[class].used;
        slabs += look->class[class].slabs;
        bytes += look->class[class].used * slab_class_size(class);
    }
    assert_int_equal(used, look->used_blocks);
    assert_int_equal(bytes, look->used_bytes);
    assert_int_equal(slabs, look->slabs);
}

static void churn(void)
{
    for (unsigned i = 0; i < BLOCKS; i++) {
        size_t at = rng_below(&rng, BLOCKS);
        free(blocks[at].host);
        blocks[at].size = any_size();
        blocks[at].host = malloc(blocks[at].size);
        assert_non_null(blocks[at].host);
        memset(blocks[at].host, (int)(at & 255), blocks[at].size);
    }
}

static void check_blocks(void)
{
    for (unsigned at = 0; at < BLOCKS; at++) {
        for (size_t i = 0; i < blocks[at].size && blocks[at].host != NULL; i++) {
            assert_int_equal(blocks[at].host[i], at & 255);
        }
    }
}

static void free_all(void)
{
    for (unsigned at = 0; at < BLOCKS; at++) {
        free(blocks[at].host);
        blocks[at].host = NULL;
    }
}

// The figures move by what is asked for and given back, byte by byte.
static void test_figures_follow(void **state)
{
    (void)state;
    struct look before, now;
    rng_init(&rng, test_seed());
    look_take(&before);
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t small = 0, small_bytes = 0, large = 0;
        churn();
        for (unsigned at = 0; at < BLOCKS; at++) {
            size_t usable = malloc_usable_size(blocks[at].host);
            small += usable != 0 && usable <= SLAB_LARGEST;
            small_bytes += usable <= SLAB_LARGEST ? usable : 0;
            large += usable > SLAB_LARGEST;
        }
        look_take(&now);
        check_sums(&now);
        assert_int_equal(now.used_blocks, before.used_blocks + small);
        assert_int_equal(now.used_bytes, before.used_bytes + small_bytes);
        assert_int_equal(now.large_blocks, before.large_blocks + large);
        if (round % 4 == 3) {
            (void)malloc_trim(0);
            look_take(&now);
            check_sums(&now);
            assert_int_equal(now.dirty_bytes, 0);
            assert_int_equal(now.used_bytes, before.used_bytes + small_bytes);
        }
        check_blocks();
    }
    free_all();
    look_take(&now);
    assert_int_equal(now.used_blocks, before.used_blocks);
    assert_int_equal(now.large_bytes, before.large_bytes);
}

static void test_mallinfo(void **state)
{
    (void)state;
    rng_init(&rng, test_seed());
    churn();
    struct look look;
    struct mallinfo2 info = mallinfo2();
    look_take(&look);
    assert_int_equal(info.uordblks, look.used_bytes);
    assert_int_equal(info.arena, info.uordblks + info.fordblks);
    assert_int_equal(info.arena + info.hblkhd, look.mapped_bytes);
    assert_int_equal(info.keepcost, look.dirty_bytes);
    free_all();
}

static void test_info_and_options(void **state)
{
    (void)state;
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    assert_non_null(stream);
    assert_int_equal(malloc_info(1, stream), EINVAL);
    assert_int_equal(malloc_info(0, stream), 0);
    assert_int_equal(fclose(stream), 0);
    assert_int_equal(strncmp(text, "<malloc version=\"1\">\n", 21), 0);
    assert_string_equal(text + length - 10, "</malloc>\n");
    free(text);
    assert_int_equal(mallopt(M_TRIM_THRESHOLD, -1), 1);
    assert_int_equal(mallopt(M_MMAP_THRESHOLD, 1 << 20), 1);
    assert_int_equal(mallopt(99, 1), 0);
}

// ---- what was returned to an idle thread --------------------------------------------------------

enum { IDLE_BYTES = 4 << 20, IDLE_SIZE = 200, IDLE_BLOCKS = IDLE_BYTES / IDLE_SIZE };

static unsigned char *idle[IDLE_BLOCKS];
static pthread_barrier_t filled, released;

static void *fill(void *unused)
{
    for (unsigned i = 0; i < IDLE_BLOCKS; i++) {
        idle[i] = malloc(IDLE_SIZE);
        memset(idle[i], (int)(i & 255), IDLE_SIZE);
    }
    pthread_barrier_wait(&filled);
    pthread_barrier_wait(&released);
    // It goes on: what is kept is whole, what was returned can be had again.
    for (unsigned i = 0; i < IDLE_BLOCKS; i++) {
        unsigned char *block = malloc(IDLE_SIZE);
        assert_non_null(block);
        memset(block, 0xa5, IDLE_SIZE);
        for (unsigned j = 0; idle[i] != NULL && j < IDLE_SIZE; j++) {
            assert_int_equal(idle[i][j], i & 255);
        }
        free(block);
    }
    return unused;
}

// Every 100th block stays, the pages of the others go back, once.
static void test_idle_thread(void **state)
{
    (void)state;
    pthread_t thread;
    struct look before, after;
    assert_int_equal(pthread_barrier_init(&filled, NULL, 2), 0);
    assert_int_equal(pthread_barrier_init(&released, NULL, 2), 0);
    assert_int_equal(pthread_create(&thread, NULL, fill, NULL), 0);
    pthread_barrier_wait(&filled);
    for (unsigned i = 0; i < IDLE_BLOCKS; i++) {
        if (i % 100 != 0) {
            free(idle[i]);
            idle[i] = NULL;
        }
    }
    look_take(&before);
    assert_int_equal(malloc_trim(0), 1);
    look_take(&after);
    assert_int_equal(after.used_bytes, before.used_bytes);
    assert_true(after.purged_bytes - before.purged_bytes >= IDLE_BYTES / 2);
    assert_int_equal(malloc_trim(0), 0);
    pthread_barrier_wait(&released);
    pthread_join(thread, NULL);
    for (unsigned i = 0; i < IDLE_BLOCKS; i += 100) {
        free(idle[i]);
    }
}

// ---- sizes --------------------------------------------------------------------------------------

// Whatever was asked for fits; a byte more than there is does not, nor half of it.
static void test_size_fits(void **state)
{
    (void)state;
    for (size_t align = 1; align <= 8192; align *= 2) {
        for (size_t size = 0; size < 70000; size += 1 + size / 37) {
            void *block = aligned_alloc(align, size);
            assert_non_null(block);
            size_t usable = malloc_usable_size(block);
            assert_true(malloc_size_fits(usable, align, size));
            assert_true(malloc_size_fits(usable, align, usable));
            assert_false(malloc_size_fits(usable, align, usable + 1));
            assert_false(malloc_size_fits(usable, align, SIZE_MAX));
            if (usable > SLAB_STEP && align <= SLAB_STEP) {
                assert_false(malloc_size_fits(usable, align, usable / 2));
            }
            free(block);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures_follow),   cmocka_unit_test(test_mallinfo),
        cmocka_unit_test(test_info_and_options), cmocka_unit_test(test_idle_thread),
        cmocka_unit_test(test_size_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
