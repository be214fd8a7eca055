// SPDX-License-Identifier: MIT
//
// test_vm_segmentation.c - segments in virtual memory: what the model in property/ does not ask.

#include "support/engine.h"

#include <mems/inject.h>

static void require_complaint(const char *options, const char *word)
{
    struct mems_config config = {.policy = "vm-segmentation", .options = options};
    struct mems_engine *engine = NULL;
    int error = mems_engine_open(&config, &engine);
    test_require(error == EINVAL, "%s: %s", options, strerror(error));
    test_require(strstr(mems_complaint(), word) != NULL, "%s: '%s' does not say '%s'", options,
                 mems_complaint(), word);
}

static void test_complaints(void **state)
{
    (void)state;
    require_complaint("capacity=100", "capacity=100: too small");
    require_complaint("granule=1Mi,capacity=64Ki", "capacity=65536: too small");
    require_complaint("granule=48", "granule=48");
    require_complaint("slot=48", "slot=48");
    require_complaint("swap=10", "swap=10: too small");
    require_complaint("swap=64Ti,slot=16", "swap=70368744177664: too large");
    require_complaint("replacement=belady", "replacement=belady: unknown");
    require_complaint("replacement=belady", "there is fifo, ");
    require_complaint("replacement=lru", "too little trace");
    require_complaint("replacement=sieve", "second-chance");
    require_complaint("swap_file=/nowhere/at/all",
                      "swap_file=/nowhere/at/all: there is no such folder");
    require_complaint("fit=tight", "fit");
    require_complaint("paged=yes,active=0", "active=0: at least one");
    require_complaint("paged=yes,swap=4095", "swap=4095: too small, a page takes 4096");
    require_complaint("paged=yes,page=1000", "page=1000: must be a power of two");
    require_complaint("paged=yes,page=64Ki,capacity=4Ki", "capacity=4096: too small");
    require_complaint("paged=yes,replacement=opt", "replacement=opt");
    require_complaint("paged=yes,replacement=belady", "there is fifo, lru, ");
    require_complaint("paged=yes,swap_file=/nowhere/at/all", "no such folder");
}

// A disk without room for swap is told before anything is allocated.
static void test_disk_full(void **state)
{
    (void)state;
    mems_inject(MEMS_SEAM_SWAP_OPEN, 1, 0);
    require_complaint("swap=1Mi", "swap=1048576: the disk has not that much room");
    mems_inject(MEMS_SEAM_SWAP_OPEN, 0, 0);
}

// Everything there is takes at most `swap`, memory or not.
static void test_bounded(void **state)
{
    (void)state;
    static const char options[] = "capacity=16Ki,swap=64Ki,slot=64,thread_cache=no";
    struct mems_engine *engine = test_engine("vm-segmentation", options);
    struct mems_space *space = test_space(engine);
    mems_addr addr[64], none = 0;
    for (size_t i = 0; i < 64; i++) {
        addr[i] = test_alloc(space, 1024);
    }
    assert_int_equal(mems_alloc(space, 1, 0, &none), ENOMEM);
    struct mems_stats stats = test_stats(engine);
    assert_int_equal(stats.refusals, 1);
    assert_int_equal(stats.absent_bytes, 48 * 1024);
    assert_int_equal(stats.swap_most_bytes, 64 * 1024);
    // What is allocated can be used, all of it, in any order.
    for (size_t i = 0; i < 64; i++) {
        uint64_t stamp = i * 7 % 64;
        assert_int_equal(mems_write(space, addr[i * 7 % 64], &stamp, sizeof stamp), 0);
    }
    for (size_t i = 0; i < 64; i++) {
        uint64_t stamp = 0;
        assert_int_equal(mems_read(space, addr[i], &stamp, sizeof stamp), 0);
        assert_int_equal(stamp, i);
    }
    assert_int_equal(mems_release(space, addr[0]), 0);
    assert_int_equal(mems_alloc(space, 1024, 0, &addr[0]), 0);
    assert_int_equal(mems_alloc(space, 16385, 0, &none), ENOMEM); // larger than memory
    test_checked(engine, true);
    test_conserved(engine);
    mems_engine_close(engine);
}

// Three of four fit. Memory is 4 pages here, a segment one of them.
static void access_one(struct mems_space *space, mems_addr addr)
{
    char byte = 0;
    assert_int_equal(mems_read(space, addr, &byte, 1), 0);
}

static bool is_present(struct mems_space *space, mems_addr addr)
{
    void *host;
    struct mems_stats stats;
    (void)stats;
    mems_access_begin();
    int error = mems_translate(space, addr, MEMS_READ, &host, NULL);
    mems_access_end();
    test_require(error == 0 || error == EAGAIN, "translate: %s", strerror(error));
    return error == 0;
}

// fifo sends the oldest away whatever was used; second-chance passes those that were used since it
// looked at them last.
static void test_reference_bit(void **state)
{
    (void)state;
    static const char *const names[] = {"fifo", "second-chance", "clock"};
    for (size_t r = 0; r < 3; r++) {
        char options[100];
        snprintf(options, sizeof options, "capacity=16Ki,swap=1Mi,thread_cache=no,replacement=%s",
                 names[r]);
        struct mems_engine *engine = test_engine("vm-segmentation", options);
        struct mems_space *space = test_space(engine);
        mems_addr a[4], more[2];
        for (size_t i = 0; i < 4; i++) {
            a[i] = test_alloc(space, 4096);
        }
        more[0] = test_alloc(space, 4096); // all were new: each is looked at, a[0] goes
        assert_int_equal(test_stats(engine).evictions, 1);
        access_one(space, a[1]);
        more[1] = test_alloc(space, 4096); // a[1] was used, a[2] was not
        assert_int_equal(test_stats(engine).evictions, 2);
        assert_int_equal(is_present(space, a[0]), false);
        assert_int_equal(is_present(space, a[1]), r != 0);
        assert_int_equal(is_present(space, a[2]), r == 0);
        assert_int_equal(is_present(space, a[3]), true);
        access_one(space, more[0]);
        access_one(space, more[1]);
        test_checked(engine, true);
        mems_engine_close(engine);
    }
}

// Rights, limits and misuse of what is away are told as of what is there.
static void test_absent_misuse(void **state)
{
    (void)state;
    struct mems_engine *engine =
        test_engine("vm-segmentation", "capacity=16Ki,swap=1Mi,thread_cache=no,replacement=fifo");
    struct mems_space *space = test_space(engine), *other = test_space(engine);
    mems_addr a = test_alloc(space, 4000);
    void *host;
    assert_int_equal(mems_protect(space, a, MEMS_READ), 0);
    mems_addr big = test_alloc(space, 16384);
    assert_int_equal(is_present(space, a), false);
    mems_access_begin();
    assert_int_equal(mems_translate(space, a, MEMS_READ, &host, NULL), EAGAIN);
    assert_int_equal(mems_translate(space, a, MEMS_WRITE, &host, NULL), EACCES);
    assert_int_equal(mems_translate(space, a + 4000, MEMS_READ, &host, NULL), ERANGE);
    assert_int_equal(mems_translate(other, a, MEMS_READ, &host, NULL), EPERM);
    assert_int_equal(mems_fault(space, a, MEMS_READ), EBUSY); // inside a section
    mems_access_end();
    assert_int_equal(mems_fault(space, a, MEMS_WRITE), EACCES);
    assert_int_equal(mems_fault(other, a, MEMS_READ), EPERM);
    assert_int_equal(mems_fault(space, a, MEMS_READ), 0);
    assert_int_equal(mems_translate(space, a, MEMS_READ, &host, NULL), 0);
    mems_access_end();
    assert_int_equal(is_present(space, big), false);
    assert_int_equal(mems_release(space, big), 0); // from where it is
    assert_int_equal(mems_release(space, big), EALREADY);
    assert_int_equal(mems_fault(space, big, MEMS_READ), EALREADY);
    assert_int_equal(test_stats(engine).swap_bytes, 0);
    test_checked(engine, true);
    mems_engine_close(engine);
}

// Inside an access section nothing can leave: a request that would need it is refused.
static void test_alloc_in_section(void **state)
{
    (void)state;
    struct mems_engine *engine =
        test_engine("vm-segmentation", "capacity=16Ki,swap=1Mi,thread_cache=no");
    struct mems_space *space = test_space(engine);
    mems_addr a = test_alloc(space, 16384), b = 0;
    mems_access_begin();
    assert_int_equal(mems_alloc(space, 16, 0, &b), ENOMEM);
    mems_access_end();
    assert_int_equal(mems_alloc(space, 16, 0, &b), 0);
    access_one(space, a);
    mems_engine_close(engine);
}

// Closing a space gives back what it has in memory and on swap, and only that.
static void test_space_close(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("vm-segmentation", "capacity=16Ki,swap=1Mi");
    struct mems_space *one = test_space(engine), *two = test_space(engine);
    mems_addr kept[8];
    for (size_t i = 0; i < 8; i++) {
        kept[i] = test_alloc(one, 1500);
        uint64_t stamp = i;
        assert_int_equal(mems_write(one, kept[i], &stamp, sizeof stamp), 0);
        test_alloc(two, 1500);
        test_alloc(two, 100);
    }
    mems_space_close(two);
    test_checked(engine, true);
    assert_int_equal(test_stats(engine).live_blocks, 8);
    for (size_t i = 0; i < 8; i++) {
        uint64_t stamp = 0;
        assert_int_equal(mems_read(one, kept[i], &stamp, sizeof stamp), 0);
        assert_int_equal(stamp, i);
    }
    struct mems_space_stats stats;
    mems_space_snapshot(one, &stats);
    assert_true(stats.faults > 0 && stats.faults == test_stats(engine).faults);
    test_checked(engine, true);
    mems_engine_close(engine);
}

// More in use than memory holds, in turn: every turnover is one of thrashing. What fits is not.
static void test_thrashing(void **state)
{
    (void)state;
    struct mems_engine *engine =
        test_engine("vm-segmentation", "capacity=64Ki,swap=1Mi,thread_cache=no,replacement=fifo");
    struct mems_space *space = test_space(engine);
    mems_addr a[20];
    for (size_t i = 0; i < 20; i++) {
        a[i] = test_alloc(space, 4096);
    }
    for (size_t i = 0; i < 1000; i++) {
        access_one(space, a[i % 10 + 10]);
    }
    assert_int_equal(test_stats(engine).thrashing, 0);
    for (size_t i = 0; i < 1600; i++) {
        access_one(space, a[i % 20]);
    }
    struct mems_stats stats = test_stats(engine);
    test_require(stats.thrashing > 90 && stats.thrashing <= stats.evictions / 16,
                 "%" PRIu64 " turnovers of %" PRIu64 " evictions", stats.thrashing,
                 stats.evictions);
    mems_engine_close(engine);
}

// What lies in magazines makes room when it is wanted: its place goes, nothing is written. When it
// is allocated again it is away, and comes in at its first use as zeroes.
static void test_magazines(void **state)
{
    (void)state;
    static const char *const options[] = {
        "capacity=64Ki,swap=1Mi,replacement=second-chance",
        "paged=yes,page=4Ki,capacity=64Ki,swap=1Mi,active=4,replacement=fifo"};
    for (size_t o = 0; o < 2; o++) {
        struct mems_engine *engine = test_engine("vm-segmentation", options[o]);
        struct mems_space *space = test_space(engine);
        mems_addr large = test_alloc(space, 60000), small[12];
        char bytes[4096];
        memset(bytes, 1, sizeof bytes);
        assert_int_equal(mems_write(space, large, bytes, sizeof bytes), 0);
        for (size_t i = 0; i < 12; i++) {
            small[i] = test_alloc(space, 4096);
            assert_int_equal(mems_write(space, small[i], bytes, sizeof bytes), 0);
        }
        for (size_t i = 0; i < 12; i++) {
            assert_int_equal(mems_release(space, small[i]), 0);
        }
        struct mems_stats before = test_stats(engine);
        assert_true(before.cached_blocks > 0); // what was away goes to the policy
        access_one(space, large);
        struct mems_stats after = test_stats(engine);
        assert_int_equal(after.cached_blocks, before.cached_blocks);
        assert_int_equal(after.write_backs, before.write_backs);
        test_checked(engine, true);
        test_conserved(engine);
        for (size_t i = 0; i < 12; i++) {
            small[i] = test_alloc(space, 4096);
            assert_int_equal(mems_write(space, small[i], bytes, sizeof bytes), 0);
        }
        assert_true(test_stats(engine).zero_faults > before.zero_faults);
        assert_int_equal(mems_read(space, large, bytes, 1), 0);
        assert_int_equal(bytes[0], 1);
        test_checked(engine, true);
        test_conserved(engine);
        mems_engine_close(engine);
    }
}

// Two spaces see one segment, in memory, on swap, and back at another place; it lives until the
// last of them releases it.
static void test_share(void **state)
{
    (void)state;
    static const char options[] = "capacity=16Ki,swap=1Mi,thread_cache=no,replacement=fifo";
    for (unsigned away = 0; away < 2; away++) { // shared where it is on swap, and in memory
        struct mems_engine *engine = test_engine("vm-segmentation", options);
        struct mems_space *one = test_space(engine), *two = test_space(engine);
        mems_addr a = test_alloc(one, 4000), b = 0, c = 0;
        uint64_t stamp = 7, seen = 0;
        assert_int_equal(mems_write(one, a, &stamp, sizeof stamp), 0);
        if (away != 0) {
            test_alloc(one, 16384);
        }
        assert_int_equal(mems_share(one, a, two, MEMS_READ, &b), 0);
        assert_int_equal(mems_share(two, b, one, MEMS_READ | MEMS_WRITE, &c), 0);
        struct mems_stats stats = test_stats(engine);
        assert_int_equal(stats.live_blocks, 3 + away);
        assert_int_equal(stats.absent_bytes, (2 + away) * 4000);
        test_checked(engine, true);
        test_conserved(engine);
        for (uint64_t round = 8; round < 20; round++) {
            mems_addr big = test_alloc(one, 16384); // sends it away
            assert_int_equal(is_present(two, b), false);
            test_checked(engine, true);
            assert_int_equal(mems_read(two, b, &seen, sizeof seen), 0);
            assert_int_equal(seen, stamp);
            assert_int_equal(is_present(one, a), true);
            stamp = round;
            assert_int_equal(mems_write(one, a, &stamp, sizeof stamp), 0);
            assert_int_equal(mems_read(one, c, &seen, sizeof seen), 0);
            assert_int_equal(seen, stamp);
            assert_int_equal(mems_release(one, big), 0);
            test_checked(engine, true);
            test_conserved(engine);
        }
        assert_int_equal(mems_write(two, b, &stamp, sizeof stamp), EACCES);
        assert_int_equal(mems_write(one, c, &stamp, sizeof stamp), EACCES); // never more than had
        assert_int_equal(mems_resize(one, &a, 100), EBUSY);
        assert_int_equal(mems_release(one, a), 0);
        assert_int_equal(mems_read(one, a, &seen, sizeof seen), EALREADY);
        assert_int_equal(mems_read(two, b, &seen, sizeof seen), 0);
        assert_int_equal(seen, stamp);
        test_checked(engine, true);
        mems_space_close(two);
        assert_int_equal(mems_read(one, c, &seen, sizeof seen), 0);
        if (away != 0) {
            assert_int_equal(mems_resize(one, &c, 3999), 0); // by a copy: nobody else sees it
            assert_int_equal(mems_read(one, c, &seen, sizeof seen), 0);
            assert_int_equal(seen, stamp);
            test_alloc(one, 16384);
        }
        assert_int_equal(mems_release(one, c), 0); // the last one, where it is
        test_checked(engine, true);
        test_conserved(engine);
        assert_int_equal(test_stats(engine).live_blocks, 2 * away);
        mems_engine_close(engine);
    }
}

// What is in memory moves together; what is marked, what is on swap and what was moved before can
// still be used.
static void test_compact(void **state)
{
    (void)state;
    static const char options[] = "capacity=64Ki,swap=1Mi,thread_cache=no,fit=first";
    struct mems_engine *engine = test_engine("vm-segmentation", options);
    struct mems_space *space = test_space(engine);
    struct mems_compaction done;
    mems_addr a[40];
    for (uint64_t i = 0; i < 40; i++) {
        a[i] = test_alloc(space, 2048);
        assert_int_equal(mems_write(space, a[i], &i, sizeof i), 0);
    }
    for (size_t i = 0; i < 40; i += 2) {
        assert_int_equal(mems_release(space, a[i]), 0);
    }
    assert_true(test_stats(engine).holes > 8);
    assert_int_equal(mems_compact(engine, &done), 0);
    struct mems_stats stats = test_stats(engine);
    assert_int_equal(stats.holes, 1);
    assert_int_equal(done.holes, 1);
    assert_int_equal(done.abandoned, 0);
    assert_true(done.moved > 8 && stats.moved_bytes == done.moved_bytes);
    test_checked(engine, true);
    for (uint64_t i = 1; i < 40; i += 2) {
        uint64_t stamp = 0;
        assert_int_equal(mems_read(space, a[i], &stamp, sizeof stamp), 0);
        assert_int_equal(stamp, i);
    }
    test_checked(engine, true);
    test_conserved(engine);
    mems_engine_close(engine);
}

// compact_after: a request finds room without sending anybody away.
static void test_compact_after(void **state)
{
    (void)state;
    for (int after = 0; after < 2; after++) {
        struct mems_engine *engine = test_engine(
            "vm-segmentation", after ? "capacity=64Ki,swap=1Mi,thread_cache=no,compact_after=10"
                                     : "capacity=64Ki,swap=1Mi,thread_cache=no");
        struct mems_space *space = test_space(engine);
        mems_addr a[32];
        for (size_t i = 0; i < 32; i++) {
            a[i] = test_alloc(space, 2048);
        }
        for (size_t i = 0; i < 32; i += 2) {
            assert_int_equal(mems_release(space, a[i]), 0);
        }
        test_alloc(space, 16384);
        struct mems_stats stats = test_stats(engine);
        assert_int_equal(stats.evictions != 0, !after);
        assert_int_equal(stats.moved_bytes != 0, after);
        test_checked(engine, true);
        mems_engine_close(engine);
    }
}

// Two kinds of fault: a segment's first access makes it active and brings a page, the next one a
// page only; what is active no more keeps its bytes.
static void test_segment_faults(void **state)
{
    (void)state;
    static const char options[] =
        "paged=yes,page=1Ki,capacity=8Ki,swap=1Mi,active=2,thread_cache=no,replacement=lru";
    struct mems_engine *engine = test_engine("vm-segmentation", options);
    struct mems_space *space = test_space(engine);
    mems_addr a[3];
    char bytes[3000];
    for (size_t i = 0; i < 3; i++) {
        a[i] = test_alloc(space, 3000);
    }
    assert_int_equal(test_stats(engine).absent_bytes, 9 * 1024);
    for (size_t i = 0; i < 3; i++) {
        memset(bytes, (int)i + 1, sizeof bytes);
        assert_int_equal(mems_write(space, a[i], bytes, sizeof bytes), 0);
        assert_int_equal(test_stats(engine).segment_faults, i + 1);
        assert_int_equal(test_stats(engine).zero_faults, 3 * (i + 1));
    }
    assert_int_equal(test_stats(engine).evictions, 3); // with the first segment
    assert_int_equal(is_present(space, a[0]), false);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(mems_read(space, a[i], bytes, sizeof bytes), 0);
        assert_int_equal(bytes[0], i + 1);
        assert_int_equal(bytes[2999], i + 1);
    }
    assert_int_equal(mems_protect(space, a[0], MEMS_READ), 0);
    access_one(space, a[1]);
    access_one(space, a[2]);
    assert_int_equal(mems_write(space, a[0], bytes, 1), EACCES); // active or not
    assert_int_equal(mems_share(space, a[0], space, MEMS_READ, &a[1]), ENOTSUP);
    struct mems_stats stats = test_stats(engine);
    assert_int_equal(stats.faults, stats.segment_faults + stats.zero_faults + stats.swap_faults);
    test_checked(engine, true);
    test_conserved(engine);
    mems_engine_close(engine);
}

// ---- failures -----------------------------------------------------------------------------------

enum { SWEPT = 12 };

// Fills memory twice over, uses everything, resizes, and closes; whatever fails says so, and what
// was written is read. Returns whether the seam's call was never reached.
static bool sweep_once(const char *options, enum mems_seam seam, uint64_t nth, int from_then_on)
{
    struct mems_config config = {.policy = "vm-segmentation", .options = options};
    struct mems_engine *engine = NULL;
    struct mems_space *space = NULL;
    mems_addr addr[SWEPT];
    bool there[SWEPT] = {false}, stamped[SWEPT] = {false};
    mems_inject(seam, nth, from_then_on);
    int error = mems_engine_open(&config, &engine);
    if (error == 0) {
        error = mems_space_open(engine, &space);
    }
    for (uint64_t i = 0; i < SWEPT && error == 0; i++) {
        error = mems_alloc(space, 3000 + i, 0, &addr[i]);
        there[i] = error == 0;
        if (there[i]) {
            stamped[i] = mems_write(space, addr[i], &i, sizeof i) == 0;
        }
        error = 0;
    }
    mems_addr twin = 0;
    bool twinned = there[1] && mems_share(space, addr[1], space, MEMS_READ, &twin) == 0;
    for (size_t i = 0; i < SWEPT && engine != NULL && space != NULL; i += 3) {
        if (there[i]) {
            error = mems_resize(space, &addr[i], 5000);
            test_require(error == 0 || error == ENOMEM || error == ENOSPC || error == EIO,
                         "resize: %s", strerror(error));
        }
    }
    bool clean = mems_inject_hits(seam) == 0;
    mems_inject(seam, 0, 0);
    for (uint64_t i = 0; i < SWEPT && space != NULL; i++) {
        uint64_t stamp = 0;
        if (there[i]) { // nothing is lost
            error = mems_read(space, addr[i], &stamp, sizeof stamp);
            test_require(error == 0 && (!stamped[i] || stamp == i),
                         "seam %d, call %" PRIu64 ": segment %" PRIu64 ": %s, %" PRIu64, seam, nth,
                         i, strerror(error), stamp);
        }
    }
    if (twinned) {
        uint64_t stamp = 0;
        error = mems_read(space, twin, &stamp, sizeof stamp);
        test_require(error == 0 && (!stamped[1] || stamp == 1), "twin: %s", strerror(error));
    }
    if (engine != NULL) {
        test_checked(engine, true);
        test_conserved(engine);
        mems_engine_close(engine);
    }
    return clean;
}

static void test_failures(void **state)
{
    (void)state;
    static const enum mems_seam seams[] = {MEMS_SEAM_MAP, MEMS_SEAM_SWAP_OPEN, MEMS_SEAM_SWAP_READ,
                                           MEMS_SEAM_SWAP_WRITE};
    for (size_t s = 0; s < sizeof seams / sizeof seams[0]; s++) {
        for (int kind = 0; kind < 4; kind++) {
            uint64_t nth = 1;
            const char *options = kind < 2 ? "capacity=16Ki,swap=256Ki,thread_cache=no"
                                           : "paged=yes,capacity=16Ki,swap=256Ki,active=3,page=1Ki";
            while (!sweep_once(options, seams[s], nth, kind % 2)) {
                nth++;
            }
            test_require(nth > 1, "seam %d was never passed", seams[s]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complaints),     cmocka_unit_test(test_disk_full),
        cmocka_unit_test(test_bounded),        cmocka_unit_test(test_reference_bit),
        cmocka_unit_test(test_absent_misuse),  cmocka_unit_test(test_alloc_in_section),
        cmocka_unit_test(test_space_close),    cmocka_unit_test(test_thrashing),
        cmocka_unit_test(test_magazines),      cmocka_unit_test(test_share),
        cmocka_unit_test(test_compact),        cmocka_unit_test(test_compact_after),
        cmocka_unit_test(test_segment_faults), cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
