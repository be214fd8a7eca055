// SPDX-License-Identifier: MIT
//
// depot.c - the memory that all threads share.
//
// 1. What it holds. Regions of memory from the OS, cut into runs of granules by memory/extent.c
//    (best fit, coalescing): slabs are one granule, large blocks as many as they need. A
//    region grows with the heap, an eighth of what is held, and stands at a multiple of a huge
//    page.
// 2. Locking. One lock. Threads come here once in a slab's worth of blocks, or for a large one.
// 3. Fork. A thread that forks freezes the depot: nobody changes it until the fork is done, and the
//    child finds it whole. Others must not wait for that, for the fork may be waiting for a
//    lock of libc's that one of them holds (stdio's: glibc takes it after all handlers have
//    run). So there is a second depot, which serves while the first is frozen; memory that comes
//    back to a frozen depot waits in `returned`, a list without a lock. The child forgets the
//    second depot, whose lock may be held by a thread that is not there (depot_fork.c).
// 4. Going back to the OS. A granule that is free again is dated in eighths of the decay
//    (granule_age). When a thread comes by and the oldest may be old enough, slabs of ended threads
//    that are empty become holes, and those of idle ones (idle.c), all holes are looked through,
//    and what is older than the decay is purged (MADV_DONTNEED: it reads as zero afterwards, so
//    calloc need not clear it). What is found empty by such a look is young; where nobody has come
//    by for another decay it goes with the rest. Nobody comes by in a process that is wholly idle:
//    the program calls malloc_trim, or sets background=1. Holes keep their addresses, but for
//    regions that have become one hole: those beyond an eighth of all are unmapped. And whatever
//    its age, before the process grows beyond its peak: more than a third of what is used is then
//    not kept for later, but goes back first. A 32nd was measured as well: twenty blocks of 5 to
//    25 MiB then peak at 298 MiB instead of 353 and take a tenth longer.
// 5. Huge pages. Regions stand and grow so that huge pages fit them, and by default the system
//    decides (thp=auto). Asking for them was measured and is not the default: a heap of small
//    blocks was filled half as fast, since a page of 2 MiB is cleared whole when its first block is
//    touched, and 4,096 threads with a few slabs each held 2 MiB each.
// 6. Failure. Whatever is missing, nothing has changed. Where the OS refuses a region of the usual
//    size a smaller one may do.

#include "heap/depot.h"

#include <errno.h>

#include "base/bits.h"
#include "heap/idle.h"
#include "heap/sin.h"
#include "os/os.h"

#define REGION_LEAST (UINT64_C(1) << 22)
#define REGION_MOST  (UINT64_C(1) << 26)
#define REGION_SHARE 8
#define DECAY_TICKS  8
#define PEAK_SHARE   3
#define PEAK_LEAST   (UINT64_C(1) << 20)

struct depot_settings depot_settings = {.decay_ms = 250, .thp = DEPOT_THP_AUTO};

struct depot depots[2] = {
    {.lock = LOCK_READY(LOCK_POLICY, "heap.depot"), .number = 0},
    {.lock = {.rank = LOCK_POLICY, .name = "heap.aside", .number = 1}, .number = 1},
};

static __thread uint64_t signals; // as they were before this thread took the second depot's lock
__thread struct granule *depot_hand;

// ---- the lock ----------------------------------------------------------------------------------

static void depot_init(struct depot *depot)
{
    static const struct extents_settings set = {
        .fit = EXTENT_BEST, .returns = true, .granule = GRANULE_BYTES, .stand = OS_HUGE};
    (void)extents_init(&depot->extents, &set); // best fit has no memory of its own
    for (unsigned lines = 1; lines <= LEDGER_LINES; lines++) {
        pool_init(&depot->ledgers[lines], 2 * 64 * lines);
    }
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        list_init(&depot->orphans[class]);
    }
    depot->tick = 1;
    depot->open = true;
}

static void large_end(struct depot *depot, struct granule *large);

static void take_returned(struct depot *depot)
{
    struct granule *granule = swap_acquire(&depot->returned, NULL); // [A:returned]
    while (granule != NULL) {
        struct granule *next = (struct granule *)granule->ring.next;
        if (granule->kind == GRANULE_SLAB) {
            depot_slab_end(depot, granule);
        } else {
            large_end(depot, granule);
        }
        granule = next;
    }
}

bool depot_lock_this(struct depot *depot)
{
    if (depot == &depots[0]) {
        return lock_lock_unless(&depot->lock, &depot->frozen);
    }
    uint64_t before = os_signals_block();
    lock_lock(&depot->lock);
    signals = before;
    return true; // it is never frozen
}

struct depot *depot_lock(void)
{
    struct depot *depot = &depots[0];
    depot_settle();
    if (!depot_lock_this(depot)) {
        depot = &depots[1];
        (void)depot_lock_this(depot);
    }
    if (!depot->open) {
        depot_init(depot);
    }
    if (depot->survivor != 0) {
        take_returned(depot);
        depot_bury(depot);
    }
    if (load_relaxed(&depot->returned) != NULL) {
        take_returned(depot);
    }
    return depot;
}

void depot_unlock(struct depot *depot)
{
    const void *twice = depot->twice;
    size_t bytes = depot->twice_bytes;
    depot->twice = NULL;
    if (depot == &depots[0]) {
        lock_unlock(&depot->lock);
        if (__builtin_expect(depot_interrupted, 0)) {
            depot_thaw_late();
        }
    } else {
        uint64_t before = signals;
        lock_unlock(&depot->lock);
        os_signals_restore(before);
    }
    if (twice != NULL) { // not before: a handler of the program's may allocate
        sin_twice("free", twice, bytes);
    }
}

void depot_return(struct depot *depot, struct granule *granule)
{
    struct granule *first = load_relaxed(&depot->returned);
    do {
        granule->ring.next = (struct list *)first;
    } while (!cas_release(&depot->returned, &first, granule)); // [R:returned]
}

// The depot that a granule came from, locked. NULL: it is frozen, and will see to it; or a fork has
// done away with it, and only the bytes are of use.
static struct depot *home_lock(struct granule *granule)
{
    struct depot *depot = &depots[granule->depot != 0];
    depot_settle();
    if (depot->number != granule->depot) {
        (void)os_purge(extent_host(granule->extent), granule->extent->size);
        return NULL;
    }
    if (depot_lock_this(depot)) {
        return depot;
    }
    depot_return(depot, granule);
    return NULL;
}

// ---- granules ----------------------------------------------------------------------------------

static uint64_t region_step(const struct depot *depot)
{
    uint64_t step = depot->extents.held_bytes / REGION_SHARE;
    step = step > REGION_MOST ? REGION_MOST : step;
    step &= ~(OS_HUGE - 1);
    return step < REGION_LEAST ? REGION_LEAST : step;
}

// A region whose records could not be had is one block, for ever.
static int region_cover(struct depot *depot)
{
    struct region *region = container_of(depot->extents.regions.previous, struct region, link);
    struct extent *block;
    if (!granule_cover(region->host, region->size)) {
        (void)extents_take_from(&depot->extents, region->first, region->size, 1, &block);
        return ENOMEM;
    }
    if (depot_settings.thp != DEPOT_THP_AUTO) {
        os_want_huge(region->host, region->size, depot_settings.thp == DEPOT_THP_ALWAYS);
    }
    return 0;
}

static int region_open(struct depot *depot, uint64_t bytes, uint64_t align)
{
    struct extents *extents = &depot->extents;
    extents->set.step = region_step(depot);
    extents->set.stand = OS_HUGE;
    int error = extents_grow(extents, bytes, align);
    if (error != 0) { // little is left
        extents->set.step = 0;
        extents->set.stand = 0;
        error = extents_grow(extents, bytes, align);
    }
    uint64_t held_bytes = extents->held_bytes;
    depot->peak_bytes = held_bytes > depot->peak_bytes ? held_bytes : depot->peak_bytes;
    return error != 0 ? error : region_cover(depot);
}

// The part of a hole that is old enough goes back.
static uint64_t purge_hole(struct depot *depot, const struct extent *hole, bool now)
{
    char *host = extent_host(hole);
    uint64_t granules = hole->size / GRANULE_BYTES, purged = 0;
    for (uint64_t i = 0; i < granules;) {
        uint64_t from = i;
        while (i < granules) {
            uint8_t age = *granule_age(host + i * GRANULE_BYTES);
            if (age == 0 || (!now && (depot->tick + 255u - age) % 255 < DECAY_TICKS)) {
                break;
            }
            i++;
        }
        char *start = host + from * GRANULE_BYTES;
        if (i > from && os_purge(start, (i - from) * GRANULE_BYTES)) {
            purged += (i - from) * GRANULE_BYTES;
            for (uint64_t j = from; j < i; j++) {
                *granule_age(host + j * GRANULE_BYTES) = 0;
            }
        }
        i += i == from;
    }
    return purged;
}

static bool is_clean(const struct extent *hole)
{
    const char *host = extent_host(hole);
    uint64_t offset = 0;
    while (offset < hole->size && *granule_age(host + offset) == 0) {
        offset += GRANULE_BYTES;
    }
    return offset == hole->size;
}

// Empty regions go back when they are all clean: one that the OS does not take is a hole again, of
// which the pages must be what its granules say. Bytes that became clean.
static uint64_t trim(struct depot *depot)
{
    struct extents *extents = &depot->extents;
    uint64_t purged = 0, mark = 0;
    for (struct list *i = extents->empty.next; i != &extents->empty; i = i->next) {
        struct region *region = container_of(i, struct region, empty);
        purged += purge_hole(depot, region->first, true);
        if (!is_clean(region->first)) {
            break;
        }
        mark = region->emptied;
    }
    (void)extents_trim(extents, mark);
    return purged;
}

static uint64_t purge(struct depot *depot, bool now)
{
    uint64_t purged = 0;
    struct extents *extents = &depot->extents;
    for (struct extent *i = extents_first(extents); i != NULL; i = extents_next(extents, i)) {
        purged += i->tag == EXTENT_HOLE ? purge_hole(depot, i, now) : 0;
    }
    depot->dirty_bytes -= purged;
    if (extents_may_trim(extents)) {
        uint64_t bytes = trim(depot);
        depot->dirty_bytes -= bytes;
        purged += bytes;
    }
    depot->purged_bytes += purged;
    return purged;
}

// Notes that granules are used. Bytes of them that the OS has yet to give.
static uint64_t use(struct depot *depot, const char *host, uint64_t bytes)
{
    uint64_t clean_bytes = 0;
    for (uint64_t offset = 0; offset < bytes; offset += GRANULE_BYTES) {
        clean_bytes += *granule_age(host + offset) == 0 ? GRANULE_BYTES : 0;
    }
    depot->dirty_bytes -= bytes - clean_bytes;
    return clean_bytes;
}

// Before the process becomes larger than it ever was: what is dirty beyond a small part goes back.
static void keep_peak(struct depot *depot, uint64_t clean_bytes)
{
    uint64_t used = depot->extents.held_bytes - depot->extents.free_bytes;
    uint64_t touched = used + depot->dirty_bytes;
    if (clean_bytes != 0 && touched > depot->touched_peak &&
        depot_settings.decay_ms != DEPOT_DECAY_NEVER) {
        if (depot->dirty_bytes > used / PEAK_SHARE + PEAK_LEAST) {
            (void)purge(depot, true);
            touched = used + depot->dirty_bytes;
        }
        depot->touched_peak = touched > depot->touched_peak ? touched : depot->touched_peak;
    }
}

// And before that, what idle threads have no use for comes back.
static void keep_small(struct depot *depot, uint64_t bytes)
{
    uint64_t used = depot->extents.held_bytes - depot->extents.free_bytes;
    if (depot->dirty_bytes < bytes && used + depot->dirty_bytes + bytes > depot->touched_peak) {
        idle_grow(depot, bytes / GRANULE_BYTES);
    }
}

static struct extent *granules_take(struct depot *depot, uint64_t bytes, uint64_t align)
{
    struct extent *extent = NULL;
    keep_small(depot, bytes);
    int error = extents_reserve(&depot->extents);
    if (error == 0) {
        error = extents_take(&depot->extents, bytes, align, &extent);
    }
    if (error == ENOSPC) {
        error = region_open(depot, bytes, align);
        error = error != 0 ? error : extents_take(&depot->extents, bytes, align, &extent);
    }
    if (error != 0) {
        return NULL;
    }
    keep_peak(depot, use(depot, extent_host(extent), extent->size));
    return extent;
}

// Looks at the clock. What is freed next is dated by it.
static uint64_t tell_time(struct depot *depot)
{
    uint64_t now_ms = os_clock_coarse_ms(), decay_ms = depot_settings.decay_ms;
    if (decay_ms != DEPOT_DECAY_NEVER) {
        depot->tick = (uint8_t)(now_ms * DECAY_TICKS / (decay_ms + 1) % 255 + 1);
    }
    return now_ms;
}

// Who has come by looks now and then at what is free, first of all.
static void keep_time(struct depot *depot)
{
    uint64_t decay_ms = depot_settings.decay_ms;
    if (!depot->open || decay_ms == DEPOT_DECAY_NEVER) {
        return;
    }
    uint64_t now_ms = tell_time(depot);
    depot->purge_ms = depot->purge_ms == 0 ? now_ms + decay_ms : depot->purge_ms;
    if (now_ms >= depot->purge_ms) {
        bool late = now_ms - depot->purge_ms >= decay_ms; // nobody else came by meanwhile
        depot_orphans_end(depot);
        (void)idle_look(depot, late);
        (void)purge(depot, late || decay_ms == 0);
        depot->purge_ms = now_ms + decay_ms / 2 + 1;
    }
}

// Dates what has become free; where there is no decay the OS has it at once.
static void date(struct depot *depot, char *host, uint64_t bytes)
{
    uint64_t now_ms = tell_time(depot);
    uint8_t age = depot->tick;
    depot->purge_ms = depot->purge_ms == 0 ? now_ms + depot_settings.decay_ms : depot->purge_ms;
    if (depot_settings.decay_ms == 0 && os_purge(host, bytes)) {
        depot->purged_bytes += bytes;
        age = 0;
    }
    for (uint64_t offset = 0; offset < bytes; offset += GRANULE_BYTES) {
        *granule_age(host + offset) = age;
    }
    depot->dirty_bytes += age != 0 ? bytes : 0;
}

// The granules of a block are free.
static void granules_give(struct depot *depot, struct extent *extent)
{
    date(depot, extent_host(extent), extent->size);
    extents_give(&depot->extents, extent);
}

// ---- slabs -------------------------------------------------------------------------------------

// A ledger's record begins with its inbox.
static struct ledger *ledger_take(struct depot *depot, const struct granule *slab)
{
    unsigned lines = ledger_lines(slab);
    char *record = pool_take(&depot->ledgers[lines]);
    return record != NULL ? (struct ledger *)(record + (size_t)(64 * lines)) : NULL;
}

static void ledger_give(struct depot *depot, const struct granule *slab)
{
    pool_give(&depot->ledgers[ledger_lines(slab)], ledger_returned(slab));
}

// A stranger that has returned the last block of what was here may still be about to say that there
// is mail: so `owner` is stored by itself.
static void record_set(struct granule *record, const struct granule *shape, uint64_t self)
{
    store_relaxed(&record->owner, self);
    record->reciprocal = shape->reciprocal;
    record->ledger = shape->ledger;
    record->size = shape->size;
    record->count = shape->count;
    record->class = shape->class;
    record->extent = shape->extent;
    record->depot = shape->depot;
    record->zeroed = shape->zeroed;
}

struct granule *depot_slab_open(unsigned class, uint64_t self)
{
    struct granule *slab = NULL;
    uint32_t size = slab_class_size(class);
    struct granule shape = {.size = size,
                            .count = (uint16_t)(GRANULE_BYTES / size),
                            .reciprocal = PLACE_RECIPROCAL(size),
                            .class = (uint8_t) class};
    struct depot *depot = depot_lock();
    keep_time(depot);
    shape.depot = depot->number;
    shape.ledger = ledger_take(depot, &shape);
    if (shape.ledger != NULL) {
        shape.extent = granules_take(depot, GRANULE_BYTES, 1);
        if (shape.extent == NULL) {
            ledger_give(depot, &shape);
        }
    }
    if (shape.extent != NULL) {
        slab = granule_at(extent_host(shape.extent));
        shape.zeroed = *granule_age(extent_host(shape.extent)) == 0;
        shape.extent->holder = slab;
        shape.extent->held = true;
        record_set(slab, &shape, self);
        ledger_init(slab);
        store_release(&slab->kind, GRANULE_SLAB); // [R:granule]
        depot->slabs[class]++;
    }
    depot_unlock(depot);
    return slab;
}

void depot_slab_end(struct depot *depot, struct granule *slab)
{
    struct extent *extent = slab->extent;
    store_relaxed(&slab->owner, 0);
    store_relaxed(&slab->kind, GRANULE_PAST_SLAB);
    depot->slabs[slab->class]--;
    ledger_give(depot, slab);
    granules_give(depot, extent);
}

void depot_slab_close(struct granule *slab)
{
    depot_hand = slab;
    store_relaxed(&slab->owner, 0);
    struct depot *depot = home_lock(slab);
    if (depot != NULL) {
        keep_time(depot);
        depot_slab_end(depot, slab);
        depot_unlock(depot);
    }
    depot_hand = NULL;
}

// ---- large blocks ------------------------------------------------------------------------------

static uint64_t usable_of(uint64_t size)
{
    uint64_t usable = 0;
    bits_round_up(size, os_page_size(), &usable);
    return usable;
}

struct granule *depot_large_open(uint64_t size, uint64_t align)
{
    uint64_t bytes;
    if (!bits_round_up(size, GRANULE_BYTES, &bytes) || bytes > PTRDIFF_MAX) {
        return NULL;
    }
    struct granule *large = NULL;
    struct depot *depot = depot_lock();
    keep_time(depot);
    struct extent *extent = granules_take(depot, bytes, align);
    if (extent != NULL) {
        large = granule_at(extent_host(extent));
        struct granule shape = {
            .usable = usable_of(size), .extent = extent, .depot = depot->number};
        record_set(large, &shape, 0);
        extent->holder = large;
        extent->held = true;
        depot->large_count++;
        depot->large_bytes += bytes;
        store_release(&large->kind, GRANULE_LARGE); // [R:granule]
    }
    depot_unlock(depot);
    return large;
}

static void large_end(struct depot *depot, struct granule *large)
{
    struct extent *extent = large->extent;
    depot->large_count--;
    depot->large_bytes -= extent->size;
    granules_give(depot, extent);
}

bool depot_large_close(struct granule *large)
{
    uint8_t kind = GRANULE_LARGE;
    depot_hand = large;
    bool closed = cas_relaxed(&large->kind, &kind, GRANULE_PAST_LARGE);
    struct depot *depot = closed ? home_lock(large) : NULL;
    if (depot != NULL) {
        keep_time(depot);
        large_end(depot, large);
        depot_unlock(depot);
    }
    depot_hand = NULL;
    return closed;
}

static void resized(struct depot *depot, const struct granule *large, uint64_t before,
                    uint64_t bytes)
{
    char *host = extent_host(large->extent);
    if (bytes < before) {
        date(depot, host + bytes, before - bytes);
    } else {
        keep_peak(depot, use(depot, host + before, bytes - before));
    }
    depot->large_bytes += bytes - before;
}

bool depot_large_resize(struct granule *large, uint64_t size)
{
    uint64_t bytes, before = large->extent->size;
    if (!bits_round_up(size, GRANULE_BYTES, &bytes) || bytes > PTRDIFF_MAX) {
        return false;
    }
    bool done = bytes == before;
    struct depot *depot = &depots[large->depot != 0];
    depot_settle();
    if (!done && depot->number == large->depot && depot_lock_this(depot)) {
        keep_time(depot);
        done = extents_resize(&depot->extents, large->extent, bytes) == 0;
        if (done) {
            resized(depot, large, before, bytes);
        }
        depot_unlock(depot);
    }
    if (done) {
        large->usable = usable_of(size);
    }
    return done;
}

bool depot_large_dirty(const struct granule *large)
{
    const struct extent *extent = large->extent;
    char *host = extent_host(extent);
    bool dirty = false;
    for (uint64_t offset = 0; offset < extent->size && !dirty; offset += GRANULE_BYTES) {
        dirty = *granule_age(host + offset) != 0;
    }
    return dirty;
}

// ---- giving back -------------------------------------------------------------------------------

static uint64_t purge_held(struct depot *depot, bool now)
{
    uint64_t decay_ms = depot_settings.decay_ms, purged = 0;
    if (depot->open && (now || decay_ms != DEPOT_DECAY_NEVER)) {
        (void)tell_time(depot);
        depot_orphans_end(depot);
        purged = purge(depot, now || decay_ms == 0);
    }
    depot_unlock(depot);
    return purged;
}

// The second one's too, which threads come to only while the first is frozen.
uint64_t depot_purge(bool now)
{
    struct depot *depot = depot_lock();
    uint64_t purged = purge_held(depot, now);
    if (depot == &depots[0]) {
        (void)depot_lock_this(&depots[1]);
        purged += purge_held(&depots[1], now);
    }
    return purged;
}
