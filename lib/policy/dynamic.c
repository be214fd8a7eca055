// SPDX-License-Identifier: MIT
//
// dynamic.c - dynamic partitioning: a block is exactly as large as asked, holes in between.
//
// 1. Theory. Variable partitions (OS/360 MVT): first, next, best and worst fit over the holes,
//    binary buddies, or TLSF's good fit; splitting on allocation, coalescing at once on release or
//    deferred (Knuth, TAOCP 1, 2.5). How a hole is found in O(log n) or O(1) is told in
//    memory/extent.c and the files it names.
// 2. Arenas. Holes are sharded: each arena has regions, holes, descriptors and a lock of its own. A
//    thread keeps to the arena of its number; when that has no place the others are asked. With
//    arenas=1 this is the textbook's single list.
// 3. Locking. One arena's lock at a time (rank LOCK_POLICY); the table of descriptors and the pool
//    of space records are locked behind it.
// 4. Flat addresses (the MeMS face): the address is the position plus `start`; blocks stand in a
//    tree by position. One space, no caches, nothing moves, no region is given back.
// 5. Blocks of other sizes. With min_block a block may be larger than was asked for, by what would
//    have been left. Magazines hold blocks of one size, so a batch ends before such a block; one
//    that comes first is handed out by itself and never cached.
// 6. Regions that are empty go back to the OS but for a reserve (policy/regions.c).
// 7. Blocks that move (movable=yes): dynamic_move.c. Places that a mover has reserved are blocks
//    without a descriptor, and holes to everyone who looks.

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "memory/extent.h"
#include "os/os.h"
#include "policy/dynamic.h"
#include "policy/owned.h"
#include "sync/thread.h"

_Static_assert(sizeof(struct dynamic_settings) <= POLICY_SETTINGS, "the engine keeps them");

// What is asked for, and what a block for it takes at least.
struct request {
    size_t size, align;
    uint64_t rounded;
};

struct dynamic_space {
    uint32_t id;
    struct list owned[]; // one an arena, [arena's lock]
};

// ---- opening -----------------------------------------------------------------------------------

static bool dynamic_flat(const void *settings)
{
    return ((const struct dynamic_settings *)settings)->addresses == 1;
}

static uint64_t pages_up(uint64_t bytes)
{
    return (bytes + os_page_size() - 1) / os_page_size();
}

// The pages of arena `i`'s share of a bounded engine's memory. What does not divide goes to the
// first ones.
static uint64_t share_pages(const struct dynamic_settings *settings, uint64_t i)
{
    uint64_t pages = pages_up(settings->capacity);
    return pages / settings->arenas + (i < pages % settings->arenas);
}

// Whether memory can hold the smallest block: its own room, and a region's as far as it goes.
static int dynamic_validate_memory(const struct dynamic_settings *settings,
                                   struct printer *complaint)
{
    uint64_t page = os_page_size();
    uint64_t least =
        settings->granule > settings->min_block ? settings->granule : settings->min_block;
    least = settings->fit == EXTENT_BUDDY ? UINT64_C(1) << bits_log2_up(least) : least;
    uint64_t block = least;
    least = settings->arenas * (least > page ? pages_up(least) * page : page);
    if (settings->capacity != 0 && settings->capacity < least) {
        print_format(complaint,
                     "capacity=%llu: too small, %llu arenas with blocks of %llu need at least %llu "
                     "bytes",
                     (unsigned long long)settings->capacity, (unsigned long long)settings->arenas,
                     (unsigned long long)block, (unsigned long long)least);
        return EINVAL;
    }
    if (settings->capacity == 0 && settings->min_block > pages_up(settings->region) * page) {
        print_format(complaint, "min_block=%llu: larger than a region (region=%llu)",
                     (unsigned long long)settings->min_block, (unsigned long long)settings->region);
        return EINVAL;
    }
    return 0;
}

static int dynamic_validate(struct dynamic_settings *settings, struct printer *complaint)
{
    bool flat = dynamic_flat(settings);
    if (settings->granule == 0) {
        settings->granule = flat ? 1 : 16;
    }
    if (!bits_is_power_of_two(settings->granule) || (!flat && settings->granule < 16)) {
        print_format(complaint, "granule=%llu: must be a power of two%s",
                     (unsigned long long)settings->granule,
                     flat ? "" : " and at least 16 (1 with addresses=flat)");
        return EINVAL;
    }
    if (flat && settings->arenas != 1) {
        print_format(complaint, "arenas=%llu: addresses=flat has one arena only",
                     (unsigned long long)settings->arenas);
        return EINVAL;
    }
    int error = dynamic_move_validate(settings, complaint);
    return error != 0 ? error : dynamic_validate_memory(settings, complaint);
}

static void dynamic_close(void *state)
{
    struct dynamic *dynamic = state;
    compaction_fini(&dynamic->compaction);
    for (uint64_t i = 0; i < dynamic->settings.arenas; i++) {
        extents_fini(&dynamic->arenas[i].extents);
    }
    pool_fini(&dynamic->spaces);
    os_unmap(dynamic, dynamic->mapped);
}

// The memory of a bounded engine: one region an arena.
static int dynamic_bound(struct dynamic *dynamic)
{
    uint64_t page = os_page_size();
    for (uint64_t i = 0; i < dynamic->settings.arenas; i++) {
        uint64_t share = share_pages(&dynamic->settings, i) * page;
        int error = regions_map(&dynamic->regions, &dynamic->arenas[i].extents, share, 1);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

// Sizes for magazines where not every size will do: a granule's, or a buddy's, one an octave.
static void size_classes(struct dynamic *dynamic)
{
    uint64_t least = 0;
    if (dynamic->settings.fit != EXTENT_BUDDY) {
        extents_sizes(dynamic->settings.granule, dynamic->class_sizes, DYNAMIC_CLASSES);
        return;
    }
    (void)dynamic_round(dynamic, 1, 1, &least);
    for (size_t i = 0; i < DYNAMIC_CLASSES; i++) {
        dynamic->class_sizes[i] = least << i;
    }
}

static int arena_init(struct dynamic *dynamic, uint64_t number, struct descriptor_table *table)
{
    const struct dynamic_settings *settings = &dynamic->settings;
    struct arena *arena = &dynamic->arenas[number];
    struct extents_settings set = {
        .fit = (enum extent_fit)settings->fit,
        .flat = dynamic->flat,
        .deferred = settings->coalesce == 1,
        .returns = !dynamic->flat && settings->capacity == 0,
        .granule = settings->granule,
        // A bounded arena's region is exactly its share; `step` must not enlarge it.
        .step = settings->capacity != 0 ? 0 : settings->region,
        .min_block = settings->min_block,
    };
    lock_init(&arena->lock, LOCK_POLICY, "dynamic.arena", (uint32_t)number);
    descriptor_shelf_init(&arena->shelf, table);
    return extents_init(&arena->extents, &set);
}

static int dynamic_open(const void *settings, struct policy_site *site, void **state,
                        struct printer *complaint)
{
    struct dynamic_settings own = *(const struct dynamic_settings *)settings;
    int error = dynamic_validate(&own, complaint);
    if (error != 0) {
        return error;
    }
    uint64_t bytes = 0;
    bits_round_up(sizeof(struct dynamic) + own.arenas * sizeof(struct arena), os_page_size(),
                  &bytes);
    struct dynamic *dynamic = os_map(bytes, 0);
    if (dynamic == NULL) {
        return ENOMEM;
    }
    dynamic->settings = own;
    dynamic->flat = dynamic_flat(&own);
    dynamic->mapped = bytes;
    lock_init(&dynamic->lock, LOCK_POOL, "dynamic.spaces", 0);
    pool_init(&dynamic->spaces, sizeof(struct dynamic_space) + own.arenas * sizeof(struct list));
    for (uint64_t i = 0; i < own.arenas; i++) {
        int failed = arena_init(dynamic, i, site->table);
        error = failed != 0 ? failed : error;
    }
    size_classes(dynamic);
    if (error == 0 && own.capacity != 0) {
        error = dynamic_bound(dynamic);
    }
    if (error == 0) {
        error = dynamic_move_open(dynamic, site, complaint);
    }
    if (error != 0) {
        dynamic_close(dynamic);
        return error;
    }
    *state = dynamic;
    return 0;
}

// ---- spaces ------------------------------------------------------------------------------------

static int dynamic_space_open(void *state, uint32_t space, void **owned)
{
    struct dynamic *dynamic = state;
    lock_lock(&dynamic->lock);
    struct dynamic_space *own = pool_take(&dynamic->spaces);
    lock_unlock(&dynamic->lock);
    if (own == NULL) {
        return ENOMEM;
    }
    own->id = space;
    for (uint64_t i = 0; i < dynamic->settings.arenas; i++) {
        list_init(&own->owned[i]);
    }
    *owned = own;
    return 0;
}

// Unlocks an arena into which blocks were given.
static void arena_unlock(struct dynamic *dynamic, struct arena *arena, uint64_t *surplus)
{
    regions_unlock(&arena->lock, &arena->extents, (size_t)(arena - dynamic->arenas), surplus);
}

static void arenas_trim(struct dynamic *dynamic, uint64_t surplus)
{
    for (; surplus != 0; surplus &= surplus - 1) {
        struct arena *arena = &dynamic->arenas[__builtin_ctzll(surplus)];
        regions_trim(&dynamic->regions, &arena->lock, &arena->extents);
    }
}

// Flat engines have one space; what it holds is what there is.
static void flat_clear(struct extents *extents, struct policy_closed *closed)
{
    for (struct tree_node *node; (node = tree_first(&extents->blocks)) != NULL;) {
        struct extent *block = container_of(node, struct extent, node);
        closed->blocks++;
        closed->requested += block->requested;
        extents_give(extents, block);
    }
}

static void dynamic_space_close(void *state, void *owned, struct policy_closed *closed)
{
    struct dynamic *dynamic = state;
    struct dynamic_space *own = owned;
    uint64_t surplus = 0;
    for (uint64_t i = 0; i < dynamic->settings.arenas; i++) {
        struct arena *arena = &dynamic->arenas[i];
        lock_lock(&arena->lock);
        if (dynamic->flat) {
            flat_clear(&arena->extents, closed);
        }
        while (!list_empty(&own->owned[i])) {
            struct extent *block = container_of(own->owned[i].next, struct extent, owned);
            struct descriptor *descriptor = block->descriptor;
            list_remove(&block->owned);
            owned_end(descriptor, closed);
            descriptor_give(&arena->shelf, descriptor);
            extents_give(&arena->extents, block);
        }
        arena_unlock(dynamic, arena, &surplus);
    }
    lock_lock(&dynamic->lock);
    pool_give(&dynamic->spaces, own);
    lock_unlock(&dynamic->lock);
    arenas_trim(dynamic, surplus);
}

// ---- take and give -----------------------------------------------------------------------------

// Maps a region, once everything else that the block needs is at hand: a request that fails must
// not leave a region behind.
static int arena_grow(struct dynamic *dynamic, struct arena *arena, uint64_t size, size_t align)
{
    struct grant probe;
    int error = extents_reserve(&arena->extents);
    if (error == 0 && !dynamic->flat) {
        error = descriptor_take(&arena->shelf, size, NULL, &probe);
        if (error == 0) {
            descriptor_give(&arena->shelf, probe.descriptor);
        }
    }
    return error != 0 ? error : regions_map(&dynamic->regions, &arena->extents, size, align);
}

// One block from an arena, its lock held. `grow`: where no hole fits a region may be mapped.
static int arena_take(struct dynamic *dynamic, struct arena *arena, uint64_t size, size_t align,
                      bool grow, struct extent **block)
{
    int error = extents_take(&arena->extents, size, align, block);
    if (error == ENOSPC && grow && dynamic->settings.capacity == 0) {
        error = arena_grow(dynamic, arena, size, align);
        if (error == 0) {
            error = extents_take(&arena->extents, size, align, block);
        }
    }
    return error;
}

static int arena_grant(struct dynamic *dynamic, struct arena *arena, struct dynamic_space *own,
                       struct extent *block, size_t requested, struct grant *grant)
{
    if (dynamic->flat) {
        block->requested = requested;
        *grant = (struct grant){.addr = block->position + dynamic->settings.start};
        return 0;
    }
    int error = descriptor_take(&arena->shelf, block->size, extent_host(block), grant);
    if (error != 0) {
        extents_give(&arena->extents, block);
        return error;
    }
    unsigned number = (unsigned)(arena - dynamic->arenas);
    grant->descriptor->record = block;
    descriptor_own(grant->descriptor, own->id, number);
    block->descriptor = grant->descriptor;
    list_push_front(&own->owned[number], &block->owned);
    return 0;
}

// Blocks of one size from an arena, its lock held: a block of another size ends the batch, or is
// all of it. Only a first block is worth a new region (`grow`): a batch takes what is there.
static size_t arena_batch(struct dynamic *dynamic, struct arena *arena, struct dynamic_space *own,
                          const struct request *request, bool grow, struct grant *grants,
                          size_t count, int *error)
{
    size_t taken = 0;
    while (taken < count) {
        struct extent *block;
        uint64_t rover = arena->extents.rover;
        *error = arena_take(dynamic, arena, request->rounded, request->align, grow && taken == 0,
                            &block);
        if (*error != 0) {
            break;
        }
        bool other = block->size != request->rounded;
        if (other && taken > 0) {
            extents_give(&arena->extents, block);
            arena->extents.rover = rover;
            break;
        }
        *error = arena_grant(dynamic, arena, own, block, request->size, &grants[taken]);
        if (*error != 0) {
            arena->extents.rover = rover;
            break;
        }
        taken++;
        if (other) {
            break;
        }
    }
    return taken;
}

// The same from the thread's arena, else from the others. `grows`: a region may be mapped.
static size_t take_anywhere(struct dynamic *dynamic, struct dynamic_space *own,
                            const struct request *request, bool grows, struct grant *grants,
                            size_t count, int *error)
{
    size_t taken = 0;
    uint64_t arenas = dynamic->settings.arenas, home = thread_number() % arenas;
    for (uint64_t i = 0; i < arenas && taken == 0; i++) {
        struct arena *arena = &dynamic->arenas[(home + i) % arenas];
        lock_lock(&arena->lock);
        taken = arena_batch(dynamic, arena, own, request, grows && i == 0, grants, count, error);
        lock_unlock(&arena->lock);
    }
    return taken;
}

static size_t dynamic_take(void *state, void *owned, size_t size, size_t align,
                           struct grant *grants, size_t count, int *error)
{
    struct dynamic *dynamic = state;
    bool moves_first = dynamic->settings.compaction.after != 0;
    struct request request = {.size = size, .align = align};
    if (!dynamic_round(dynamic, size, align, &request.rounded)) {
        *error = ENOMEM;
        return 0;
    }
    size_t taken = take_anywhere(dynamic, owned, &request, !moves_first, grants, count, error);
    if (taken == 0 && moves_first && *error == ENOSPC) {
        (void)compaction_for(&dynamic->compaction, request.rounded);
        taken = take_anywhere(dynamic, owned, &request, true, grants, count, error);
        compaction_trim(&dynamic->compaction);
    }
    if (*error == ENOSPC && dynamic->settings.capacity == 0) {
        *error = ENOMEM; // the OS refused the home arena, and the others had no hole
    }
    return taken;
}

static void dynamic_give(void *state, const struct grant *grants, size_t count)
{
    struct dynamic *dynamic = state;
    uint64_t bad[POLICY_BATCH], surplus = 0;
    size_t bad_count = 0;
    struct arena *arena = NULL;
    for (size_t i = 0; i < count; i++) {
        struct descriptor *descriptor = grants[i].descriptor;
        struct arena *home = &dynamic->arenas[descriptor_arena(descriptor)];
        if (home != arena) {
            if (arena != NULL) {
                arena_unlock(dynamic, arena, &surplus);
            }
            arena = home;
            lock_lock(&arena->lock);
        }
        if (!owned_may_return(&grants[i])) {
            bad[bad_count++] = grants[i].addr;
            continue;
        }
        struct extent *block = descriptor->record;
        list_remove(&block->owned);
        descriptor_give(&arena->shelf, descriptor);
        extents_give(&arena->extents, block);
    }
    if (arena != NULL) {
        arena_unlock(dynamic, arena, &surplus);
    }
    owned_report(bad, bad_count);
    arenas_trim(dynamic, surplus);
}

static int dynamic_resize(void *state, struct descriptor *descriptor, size_t size)
{
    struct dynamic *dynamic = state;
    uint64_t rounded;
    // The address has room for offsets up to what its kind can say.
    uint64_t room = UINT64_C(1) << descriptor_offset_bits(descriptor_addr(descriptor));
    if (!dynamic_round(dynamic, size, 1, &rounded) || rounded > room) {
        return ENOMEM;
    }
    struct arena *arena = &dynamic->arenas[descriptor_arena(descriptor)];
    lock_lock(&arena->lock);
    extent_hold(descriptor);
    int error = extents_resize(&arena->extents, descriptor->record, rounded);
    lock_unlock(&arena->lock);
    return error;
}

static size_t dynamic_block_size(void *state, const struct descriptor *descriptor)
{
    (void)state;
    return ((const struct extent *)descriptor->record)->size;
}

static size_t dynamic_measure(void *state, const struct descriptor *descriptor)
{
    struct dynamic *dynamic = state;
    struct arena *arena = &dynamic->arenas[descriptor_arena(descriptor)];
    lock_lock(&arena->lock);
    bool taken = descriptor_state(load_relaxed(&descriptor->word)) != DESCRIPTOR_FREE;
    size_t size = taken ? ((const struct extent *)descriptor->record)->size : 0;
    lock_unlock(&arena->lock);
    return size;
}

static const uint64_t *dynamic_classes(void *state, size_t *count)
{
    struct dynamic *dynamic = state;
    bool any = dynamic->settings.granule == 16 && dynamic->settings.fit != EXTENT_BUDDY;
    *count = any ? 0 : DYNAMIC_CLASSES;
    return any ? NULL : dynamic->class_sizes;
}

// ---- the row -----------------------------------------------------------------------------------

static const char *const fits_names[] = {"first", "next", "best", "worst", "buddy", "tlsf", NULL};
static const char *const coalesce_names[] = {"eager", "deferred", NULL};
static const char *const addresses_names[] = {"descriptor", "flat", NULL};

_Static_assert(DYNAMIC_ARENAS == 64, "the options say so");

#define FIELD(name) offsetof(struct dynamic_settings, name)

static const struct option dynamic_options[] = {
    {"fit", OPTION_CHOICE, 0, 0, fits_names, "first|next|best|worst|buddy|tlsf", "first",
     "which hole a block is cut from", FIELD(fit)},
    {"coalesce", OPTION_CHOICE, 0, 0, coalesce_names, "eager|deferred", "eager",
     "when holes merge: on release, or when no hole fits or more holes wait than blocks live",
     FIELD(coalesce)},
    {"min_block", OPTION_SIZE, 0, UINT64_C(1) << 40, NULL, "0..1Ti", "0",
     "a smaller remainder is not split off but stays with the block; 0: the granule",
     FIELD(min_block)},
    {"arenas", OPTION_NUMBER, 1, DYNAMIC_ARENAS, NULL, "1..64", "1",
     "shards of the holes, each with its own lock; 1 is the textbook's single list", FIELD(arenas)},
    {"capacity", OPTION_SIZE, 0, UINT64_C(1) << 46, NULL, "0..64Ti", "0",
     "memory for blocks; 0: grows a region at a time, and gives empty ones back", FIELD(capacity)},
    {"region", OPTION_SIZE, 1, UINT64_C(1) << 40, NULL, "1..1Ti", "1Mi",
     "least size of a new region, rounded up to pages (buddy: to a power of two)", FIELD(region)},
    {"granule", OPTION_SIZE, 0, 1 << 20, NULL, "0, or a power of two up to 1Mi", "0",
     "sizes are rounded up to it; 0: 16, or 1 with addresses=flat", FIELD(granule)},
    {"addresses", OPTION_CHOICE, 0, 0, addresses_names, "descriptor|flat", "descriptor",
     "flat: the MeMS face's addresses, which run on from `start`", FIELD(addresses)},
    {"start", OPTION_NUMBER, 0, UINT64_C(1) << 62, NULL, "0..2^62", "1000",
     "first address with addresses=flat", FIELD(start)},
    {"movable", OPTION_FLAG, 0, 0, NULL, "yes|no", "no",
     "blocks may be moved together (not fit=buddy); mover and compact_after imply it; a release "
     "costs "
     "more then",
     FIELD(movable)},
    COMPACTION_OPTIONS(FIELD(compaction)),
    {0},
};

const struct policy policy_dynamic = {
    .name = "dynamic",
    .help = "dynamic partitioning: first, next, best or worst fit, buddies or TLSF",
    .options = dynamic_options,
    .flat = dynamic_flat,
    .open = dynamic_open,
    .close = dynamic_close,
    .space_open = dynamic_space_open,
    .space_close = dynamic_space_close,
    .take = dynamic_take,
    .give = dynamic_give,
    .resize = dynamic_resize,
    .block_size = dynamic_block_size,
    .measure = dynamic_measure,
    .classes = dynamic_classes,
    .compact = dynamic_compact,
    .flat_release = dynamic_flat_release,
    .flat_resize = dynamic_flat_resize,
    .flat_find = dynamic_flat_find,
    .walk = dynamic_walk,
    .check = dynamic_check,
    .totals = dynamic_totals,
    .lock_at = dynamic_lock_at,
};
