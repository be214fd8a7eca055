// SPDX-License-Identifier: MIT
//
// segmentation.c - simple segmentation: a block is a segment, with a base, a limit and rights.
//
// 1. Theory. An address is (segment, offset) (Burroughs B5000, 1961; Dennis, 1965). The segment
//    table is the table of descriptors: a segment's number is its descriptor's kind and index, its
//    base the descriptor's place, its limit the bytes asked for. An access beyond the limit or
//    without the right is a trap: ERANGE, EACCES, and a sentence with segment, offset and limit
//    (engine/access.c).
// 2. Placement is dynamic partitioning's: holes, a fit, arenas (memory/extent.c). What sets
//    segments apart is that they move. Bases are looked up at each access, so compaction changes
//    them while every other thread goes on (memory/relocation.c; when: policy/compaction.c).
//    Regions that are empty, of themselves or after moves, go back to the OS but for a reserve
//    (policy/regions.c).
// 3. Growing. In place into the hole behind, else by allocating, copying, releasing (engine).
// 4. Sharing. The memory of a shared segment hangs on a *primary* descriptor that no address names;
//    each user's own descriptor is a LINK to it with a limit and rights of its own. So one word
//    moves, whoever looks. The first share turns the giver's descriptor from RESIDENT to LINK by
//    compare-and-swap; it stays one until it is released. The last release frees the memory. A
//    shared segment does not change its size (EBUSY): others rely on it.
// 5. Records. descriptor->record is the extent, or for a LINK a segment_link, told apart by the
//    lowest bit: a descriptor that comes back is CACHED, whatever it was.
// 6. Locking. The mover's lock (rank LOCK_MOVER), then one arena's (rank LOCK_POLICY), then table
//    and pools. All descriptors and records of a segment belong to the arena of its extent.
// 7. If you change this: who changes a block in place calls extent_hold first, in the same critical
//    section; a segment that ends is turned CACHED by compare-and-swap, so that a move in flight
//    fails. Invariants SG1 to SG3 are in segmentation_map.c.

#include "policy/segmentation.h"

#include <errno.h>
#include <string.h>

#include "os/os.h"
#include "policy/owned.h"
#include "sync/thread.h"

_Static_assert(sizeof(struct segmentation_settings) <= POLICY_SETTINGS, "the engine keeps them");

// ---- opening -----------------------------------------------------------------------------------

static int validate(struct segmentation_settings *settings, struct printer *complaint)
{
    uint64_t page = os_page_size();
    uint64_t unit = settings->granule > page ? settings->granule : page;
    uint64_t least = settings->arenas * unit;
    if (!bits_is_power_of_two(settings->granule)) {
        print_format(complaint, "granule=%llu: must be a power of two and at least 16",
                     (unsigned long long)settings->granule);
        return EINVAL;
    }
    if (settings->capacity != 0 && settings->capacity < least) {
        print_format(complaint, "capacity=%llu: too small, %llu arenas need at least %llu bytes",
                     (unsigned long long)settings->capacity, (unsigned long long)settings->arenas,
                     (unsigned long long)least);
        return EINVAL;
    }
    return 0;
}

static void segmentation_close(void *state)
{
    struct segmentation *segmentation = state;
    compaction_fini(&segmentation->compaction);
    for (uint64_t i = 0; i < segmentation->settings.arenas; i++) {
        struct segment_arena *arena = &segmentation->arenas[i];
        extents_fini(&arena->extents);
        pool_fini(&arena->share_pool);
        pool_fini(&arena->link_pool);
    }
    pool_fini(&segmentation->spaces);
    os_unmap(segmentation, segmentation->mapped);
}

// The memory of a bounded engine: one region an arena. What does not divide goes to the first.
static int bound(struct segmentation *segmentation)
{
    uint64_t arenas = segmentation->settings.arenas, page = os_page_size();
    uint64_t pages = (segmentation->settings.capacity + page - 1) / page;
    for (uint64_t i = 0; i < arenas; i++) {
        uint64_t share = pages / arenas + (i < pages % arenas);
        int error =
            regions_map(&segmentation->regions, &segmentation->arenas[i].extents, share * page, 1);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

static int arena_init(struct segmentation *segmentation, uint64_t number,
                      struct descriptor_table *table)
{
    const struct segmentation_settings *settings = &segmentation->settings;
    struct segment_arena *arena = &segmentation->arenas[number];
    struct extents_settings set = {
        .fit = (enum extent_fit)settings->fit,
        .returns = settings->capacity == 0,
        .granule = settings->granule,
        // A bounded arena's region is exactly its share; `step` must not enlarge it.
        .step = settings->capacity != 0 ? 0 : settings->region,
    };
    lock_init(&arena->lock, LOCK_POLICY, "segmentation.arena", (uint32_t)number);
    descriptor_shelf_init(&arena->shelf, table);
    pool_init(&arena->share_pool, sizeof(struct segment_share));
    pool_init(&arena->link_pool, sizeof(struct segment_link));
    list_init(&arena->links);
    return extents_init(&arena->extents, &set);
}

static void arena_at(void *state, size_t index, struct compaction_arena *arena)
{
    struct segmentation *segmentation = state;
    arena->lock = &segmentation->arenas[index].lock;
    arena->extents = &segmentation->arenas[index].extents;
}

static int segmentation_open(const void *settings, struct policy_site *site, void **state,
                             struct printer *complaint)
{
    struct segmentation_settings own = *(const struct segmentation_settings *)settings;
    int error = validate(&own, complaint);
    if (error != 0) {
        return error;
    }
    uint64_t bytes = 0;
    bits_round_up(sizeof(struct segmentation) + own.arenas * sizeof(struct segment_arena),
                  os_page_size(), &bytes);
    struct segmentation *segmentation = os_map(bytes, 0);
    if (segmentation == NULL) {
        return ENOMEM;
    }
    segmentation->settings = own;
    segmentation->mapped = bytes;
    extents_sizes(own.granule, segmentation->class_sizes, SEGMENTATION_CLASSES);
    lock_init(&segmentation->lock, LOCK_POOL, "segmentation.spaces", 0);
    pool_init(&segmentation->spaces,
              sizeof(struct segment_space) + own.arenas * 2 * sizeof(struct list));
    for (uint64_t i = 0; i < own.arenas; i++) {
        int failed = arena_init(segmentation, i, site->table);
        error = failed != 0 ? failed : error;
    }
    compaction_init(&segmentation->compaction, &own.compaction, arena_at, segmentation, own.arenas,
                    &segmentation->regions);
    if (error == 0 && own.capacity != 0) {
        error = bound(segmentation);
    }
    if (error == 0) {
        error = compaction_start(&segmentation->compaction, complaint);
    }
    if (error != 0) {
        segmentation_close(segmentation);
        return error;
    }
    site->moves = true;
    *state = segmentation;
    return 0;
}

// ---- spaces ------------------------------------------------------------------------------------

// Unlocks an arena into which segments were given.
static void arena_unlock(struct segmentation *segmentation, struct segment_arena *arena,
                         uint64_t *surplus)
{
    regions_unlock(&arena->lock, &arena->extents, (size_t)(arena - segmentation->arenas), surplus);
}

static void arenas_trim(struct segmentation *segmentation, uint64_t surplus)
{
    for (; surplus != 0; surplus &= surplus - 1) {
        struct segment_arena *arena = &segmentation->arenas[__builtin_ctzll(surplus)];
        regions_trim(&segmentation->regions, &arena->lock, &arena->extents);
    }
}

static int segmentation_space_open(void *state, uint32_t space, void **owned)
{
    struct segmentation *segmentation = state;
    lock_lock(&segmentation->lock);
    struct segment_space *own = pool_take(&segmentation->spaces);
    lock_unlock(&segmentation->lock);
    if (own == NULL) {
        return ENOMEM;
    }
    own->id = space;
    for (uint64_t i = 0; i < segmentation->settings.arenas; i++) {
        list_init(&own->arena[i].owned);
        list_init(&own->arena[i].links);
    }
    *owned = own;
    return 0;
}

// A segment that is not shared: its descriptor, which is CACHED, and its place.
static void segment_free(struct segment_arena *arena, struct extent *block)
{
    list_remove(&block->owned);
    descriptor_give(&arena->shelf, block->descriptor);
    extents_give(&arena->extents, block);
}

static void segmentation_space_close(void *state, void *owned, struct policy_closed *closed)
{
    struct segmentation *segmentation = state;
    struct segment_space *own = owned;
    uint64_t surplus = 0;
    for (uint64_t i = 0; i < segmentation->settings.arenas; i++) {
        struct segment_arena *arena = &segmentation->arenas[i];
        struct list *blocks = &own->arena[i].owned, *links = &own->arena[i].links;
        lock_lock(&arena->lock);
        while (!list_empty(blocks)) {
            struct extent *block = container_of(blocks->next, struct extent, owned);
            owned_end(block->descriptor, closed);
            segment_free(arena, block);
        }
        while (!list_empty(links)) {
            struct segment_link *link = container_of(links->next, struct segment_link, owned);
            owned_end(link->descriptor, closed);
            segmentation_unlink(arena, link);
        }
        arena_unlock(segmentation, arena, &surplus);
    }
    lock_lock(&segmentation->lock);
    pool_give(&segmentation->spaces, own);
    lock_unlock(&segmentation->lock);
    arenas_trim(segmentation, surplus);
}

// ---- take and give -----------------------------------------------------------------------------

// Maps a region, once everything else that the block needs is at hand: a request that fails must
// not leave a region behind.
static int arena_grow(struct segmentation *segmentation, struct segment_arena *arena, uint64_t size,
                      size_t align)
{
    struct grant probe;
    int error = extents_reserve(&arena->extents);
    if (error == 0) {
        error = descriptor_take(&arena->shelf, size, NULL, &probe);
    }
    if (error == 0) {
        descriptor_give(&arena->shelf, probe.descriptor);
        error = regions_map(&segmentation->regions, &arena->extents, size, align);
    }
    return error;
}

static int arena_grant(struct segment_arena *arena, unsigned number, struct segment_space *own,
                       struct extent *block, struct grant *grant)
{
    int error = descriptor_take(&arena->shelf, block->size, extent_host(block), grant);
    if (error != 0) {
        extents_give(&arena->extents, block);
        return error;
    }
    grant->descriptor->record = block;
    descriptor_own(grant->descriptor, own->id, number);
    block->descriptor = grant->descriptor;
    list_push_front(&own->arena[number].owned, &block->owned);
    return 0;
}

// Up to `count` segments from one arena. `grow`: for a first one a region may be mapped.
static size_t arena_take(struct segmentation *segmentation, unsigned number,
                         struct segment_space *own, uint64_t size, size_t align,
                         struct grant *grants, size_t count, bool grow, int *error)
{
    struct segment_arena *arena = &segmentation->arenas[number];
    size_t taken = 0;
    *error = 0;
    lock_lock(&arena->lock);
    while (taken < count && *error == 0) {
        struct extent *block;
        uint64_t rover = arena->extents.rover;
        *error = extents_take(&arena->extents, size, align, &block);
        if (*error == ENOSPC && grow && taken == 0) {
            *error = arena_grow(segmentation, arena, size, align);
            if (*error == 0) {
                *error = extents_take(&arena->extents, size, align, &block);
            }
        }
        if (*error == 0) {
            *error = arena_grant(arena, number, own, block, &grants[taken]);
            arena->extents.rover = *error == 0 ? arena->extents.rover : rover;
        }
        taken += *error == 0;
    }
    lock_unlock(&arena->lock);
    return taken;
}

// From the thread's arena, else from the others.
static size_t take_anywhere(struct segmentation *segmentation, struct segment_space *own,
                            uint64_t size, size_t align, struct grant *grants, size_t count,
                            bool grow, int *error)
{
    uint64_t arenas = segmentation->settings.arenas, home = thread_number() % arenas;
    size_t taken = 0;
    for (uint64_t i = 0; i < arenas && taken == 0; i++) {
        taken = arena_take(segmentation, (unsigned)((home + i) % arenas), own, size, align, grants,
                           count, grow && i == 0, error);
    }
    return taken;
}

static size_t segmentation_take(void *state, void *owned, size_t size, size_t align,
                                struct grant *grants, size_t count, int *error)
{
    struct segmentation *segmentation = state;
    bool grows = segmentation->settings.capacity == 0;
    bool compacts = segmentation->settings.compaction.after != 0;
    uint64_t rounded;
    if (!bits_round_up(size, segmentation->settings.granule, &rounded) || rounded > PTRDIFF_MAX) {
        *error = ENOMEM;
        return 0;
    }
    size_t taken = take_anywhere(segmentation, owned, rounded, align, grants, count,
                                 grows && !compacts, error);
    if (taken == 0 && compacts && *error == ENOSPC) {
        bool again = compaction_for(&segmentation->compaction, rounded);
        if (again || grows) {
            taken = take_anywhere(segmentation, owned, rounded, align, grants, count, grows, error);
        }
        compaction_trim(&segmentation->compaction);
    }
    if (*error == ENOSPC && grows) {
        *error = ENOMEM; // the OS refused the home arena, and the others had no hole
    }
    return taken;
}

static void arena_give(struct segment_arena *arena, struct descriptor *descriptor)
{
    struct segment_link *link = segment_link_of(descriptor);
    if (link != NULL) {
        segmentation_unlink(arena, link);
    } else {
        segment_free(arena, descriptor->record);
    }
}

static void segmentation_give(void *state, const struct grant *grants, size_t count)
{
    struct segmentation *segmentation = state;
    uint64_t bad[POLICY_BATCH], surplus = 0;
    size_t bad_count = 0;
    struct segment_arena *arena = NULL;
    for (size_t i = 0; i < count; i++) {
        struct descriptor *descriptor = grants[i].descriptor;
        struct segment_arena *home = &segmentation->arenas[descriptor_arena(descriptor)];
        if (home != arena) {
            if (arena != NULL) {
                arena_unlock(segmentation, arena, &surplus);
            }
            arena = home;
            lock_lock(&arena->lock);
        }
        if (owned_may_return(&grants[i])) {
            arena_give(arena, descriptor);
        } else {
            bad[bad_count++] = grants[i].addr;
        }
    }
    if (arena != NULL) {
        arena_unlock(segmentation, arena, &surplus);
    }
    owned_report(bad, bad_count);
    arenas_trim(segmentation, surplus);
}

// ---- sizes -------------------------------------------------------------------------------------

static int segmentation_resize(void *state, struct descriptor *descriptor, size_t size)
{
    struct segmentation *segmentation = state;
    uint64_t rounded;
    // The address has room for offsets up to what its kind can say.
    uint64_t room = UINT64_C(1) << descriptor_offset_bits(descriptor_addr(descriptor));
    bool fits = bits_round_up(size, segmentation->settings.granule, &rounded) && rounded <= room;
    struct segment_arena *arena = &segmentation->arenas[descriptor_arena(descriptor)];
    int error = ENOMEM;
    lock_lock(&arena->lock);
    const struct segment_link *link = segment_link_of(descriptor);
    if (link != NULL) { // its last user may have a copy
        error = link->share->user_count > 1 ? EBUSY : ENOMEM;
    } else if (fits) {
        extent_hold(descriptor);
        error = extents_resize(&arena->extents, descriptor->record, rounded);
    }
    lock_unlock(&arena->lock);
    return error;
}

// Asked for blocks that are CACHED and not shared: nobody moves them.
static size_t segmentation_block_size(void *state, const struct descriptor *descriptor)
{
    (void)state;
    return segment_extent_of(descriptor)->size;
}

static size_t segmentation_measure(void *state, const struct descriptor *descriptor)
{
    struct segmentation *segmentation = state;
    struct segment_arena *arena = &segmentation->arenas[descriptor_arena(descriptor)];
    lock_lock(&arena->lock);
    bool taken = descriptor_state(load_relaxed(&descriptor->word)) != DESCRIPTOR_FREE;
    size_t size = taken ? segment_extent_of(descriptor)->size : 0;
    lock_unlock(&arena->lock);
    return size;
}

static const uint64_t *segmentation_classes(void *state, size_t *count)
{
    struct segmentation *segmentation = state;
    bool any = segmentation->settings.granule == 16;
    *count = any ? 0 : SEGMENTATION_CLASSES;
    return any ? NULL : segmentation->class_sizes;
}

static int segmentation_compact(void *state, struct mems_compaction *done)
{
    return compaction_run(&((struct segmentation *)state)->compaction, done);
}

static const struct lock *segmentation_lock_at(void *state, size_t index)
{
    struct segmentation *segmentation = state;
    uint64_t arenas = segmentation->settings.arenas;
    return index < arenas        ? &segmentation->arenas[index].lock
           : index == arenas     ? &segmentation->lock
           : index == arenas + 1 ? &segmentation->compaction.lock
                                 : NULL;
}

// ---- the row -----------------------------------------------------------------------------------

static const char *const fits_names[] = {"first", "next", "best", "worst", NULL};

_Static_assert(REGIONS_ARENAS == 64, "the options say so");

#define FIELD(name) offsetof(struct segmentation_settings, name)

static const struct option segmentation_options[] = {
    {"fit", OPTION_CHOICE, 0, 0, fits_names, "first|next|best|worst", "first",
     "which hole a segment is cut from", FIELD(fit)},
    {"arenas", OPTION_NUMBER, 1, REGIONS_ARENAS, NULL, "1..64", "1",
     "shards of the holes, each with its own lock; 1 is the textbook's single list", FIELD(arenas)},
    {"capacity", OPTION_SIZE, 0, UINT64_C(1) << 46, NULL, "0..64Ti", "0",
     "memory for segments; 0: grows a region at a time, and gives empty ones back",
     FIELD(capacity)},
    {"region", OPTION_SIZE, 1, UINT64_C(1) << 40, NULL, "1..1Ti", "1Mi",
     "least size of a new region, rounded up to pages", FIELD(region)},
    {"granule", OPTION_SIZE, 16, 1 << 20, NULL, "a power of two, 16..1Mi", "16",
     "sizes are rounded up to it", FIELD(granule)},
    COMPACTION_OPTIONS(FIELD(compaction)),
    {0},
};

const struct policy policy_segmentation = {
    .name = "segmentation",
    .help = "segments with limit and rights, moved together under load and shared between spaces",
    .options = segmentation_options,
    .rights = true,
    .open = segmentation_open,
    .close = segmentation_close,
    .space_open = segmentation_space_open,
    .space_close = segmentation_space_close,
    .take = segmentation_take,
    .give = segmentation_give,
    .resize = segmentation_resize,
    .block_size = segmentation_block_size,
    .measure = segmentation_measure,
    .classes = segmentation_classes,
    .share = segmentation_share,
    .compact = segmentation_compact,
    .walk = segmentation_walk,
    .check = segmentation_check,
    .totals = segmentation_totals,
    .lock_at = segmentation_lock_at,
};
