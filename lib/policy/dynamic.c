// SPDX-License-Identifier: MIT
//
// dynamic.c - dynamic partitioning: a block is exactly as large as asked, holes in between.
//
// 1. Theory. Variable partitions (OS/360 MVT): first, next, best and worst fit over the holes,
//    splitting on allocation and coalescing at once on release (Knuth, TAOCP 1, 2.5). How a hole is
//    found in O(log n) is told in memory/extent.c.
// 2. Arenas. Holes are sharded: each arena has regions, holes, descriptors and a lock of its own. A
//    thread keeps to the arena of its number; when that has no place the others are asked. With
//    arenas=1 this is the textbook's single list.
// 3. Locking. One arena's lock at a time (rank LOCK_POLICY); the table of descriptors and the pool
//    of space records are locked behind it.
// 4. Flat addresses (the MeMS face): the address is the position plus `start`; blocks stand in a
//    tree by position. One space, no caches, nothing moves.
// 5. Blocks that move (movable=yes): dynamic_move.c. Places that a mover has reserved are blocks
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

struct dynamic_space {
    uint32_t id;
    struct list owned[]; // one an arena, [arena's lock]
};

// ---- opening -----------------------------------------------------------------------------------

static bool dynamic_flat(const void *settings)
{
    return ((const struct dynamic_settings *)settings)->addresses == 1;
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
    if (dynamic_move_validate(settings, complaint) != 0) {
        return EINVAL;
    }
    uint64_t page = os_page_size();
    uint64_t least = settings->arenas * (settings->granule > page ? settings->granule : page);
    if (settings->capacity != 0 && settings->capacity < least) {
        print_format(complaint, "capacity=%llu: too small, %llu arenas need at least %llu bytes",
                     (unsigned long long)settings->capacity, (unsigned long long)settings->arenas,
                     (unsigned long long)least);
        return EINVAL;
    }
    return 0;
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

// The memory of a bounded engine: one region an arena. What does not divide goes to the first.
static int dynamic_bound(struct dynamic *dynamic)
{
    uint64_t arenas = dynamic->settings.arenas, page = os_page_size();
    uint64_t pages = (dynamic->settings.capacity + page - 1) / page;
    for (uint64_t i = 0; i < arenas; i++) {
        uint64_t share = pages / arenas + (i < pages % arenas);
        int error = extents_grow(&dynamic->arenas[i].extents, share * page, 1);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

// A granule above 16 leaves only some sizes: its multiples, eight and then four an octave.
static void granule_classes(struct dynamic *dynamic)
{
    uint64_t step = dynamic->settings.granule, size = 0;
    for (size_t i = 0; i < DYNAMIC_CLASSES; i++) {
        size += step;
        dynamic->class_sizes[i] = size;
        step = size == 8 * step ? 2 * step : step;
    }
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
    granule_classes(dynamic);
    lock_init(&dynamic->lock, LOCK_POOL, "dynamic.spaces", 0);
    pool_init(&dynamic->spaces, sizeof(struct dynamic_space) + own.arenas * sizeof(struct list));
    for (uint64_t i = 0; i < own.arenas; i++) {
        struct arena *arena = &dynamic->arenas[i];
        lock_init(&arena->lock, LOCK_POLICY, "dynamic.arena", (uint32_t)i);
        // A bounded arena's region is exactly its share; `step` must not enlarge it.
        extents_init(&arena->extents, (enum extent_fit)own.fit, dynamic->flat, own.granule,
                     own.capacity != 0 ? 0 : own.region);
        descriptor_shelf_init(&arena->shelf, site->table);
    }
    error = own.capacity != 0 ? dynamic_bound(dynamic) : 0;
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
        lock_unlock(&arena->lock);
    }
    lock_lock(&dynamic->lock);
    pool_give(&dynamic->spaces, own);
    lock_unlock(&dynamic->lock);
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
    return error != 0 ? error : extents_grow(&arena->extents, size, align);
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

// Up to `count` blocks from the thread's arena, else from the others. `grows`: for a first one a
// region may be mapped.
static size_t take_anywhere(struct dynamic *dynamic, void *owned, uint64_t rounded, size_t size,
                            size_t align, struct grant *grants, size_t count, bool grows,
                            int *error)
{
    size_t taken = 0;
    uint64_t arenas = dynamic->settings.arenas, home = thread_number() % arenas;
    for (uint64_t i = 0; i < arenas && taken == 0; i++) {
        struct arena *arena = &dynamic->arenas[(home + i) % arenas];
        lock_lock(&arena->lock);
        while (taken < count) {
            struct extent *block;
            uint64_t rover = arena->extents.rover;
            // Only a first block is worth a new region: a batch takes what is there.
            *error =
                arena_take(dynamic, arena, rounded, align, grows && i == 0 && taken == 0, &block);
            if (*error == 0) {
                *error = arena_grant(dynamic, arena, owned, block, size, &grants[taken]);
                arena->extents.rover = *error == 0 ? arena->extents.rover : rover;
            }
            if (*error != 0) {
                break;
            }
            taken++;
        }
        lock_unlock(&arena->lock);
    }
    return taken;
}

static size_t dynamic_take(void *state, void *owned, size_t size, size_t align,
                           struct grant *grants, size_t count, int *error)
{
    struct dynamic *dynamic = state;
    bool moves_first = dynamic->settings.compaction.after != 0;
    uint64_t rounded;
    if (!dynamic_round(dynamic, size, &rounded)) {
        *error = ENOMEM;
        return 0;
    }
    size_t taken =
        take_anywhere(dynamic, owned, rounded, size, align, grants, count, !moves_first, error);
    if (taken == 0 && moves_first && *error == ENOSPC) {
        (void)compaction_for(&dynamic->compaction, rounded);
        taken = take_anywhere(dynamic, owned, rounded, size, align, grants, count, true, error);
    }
    if (*error == ENOSPC && dynamic->settings.capacity == 0) {
        *error = ENOMEM; // the OS refused the home arena, and the others had no hole
    }
    return taken;
}

static void dynamic_give(void *state, const struct grant *grants, size_t count)
{
    struct dynamic *dynamic = state;
    uint64_t bad[POLICY_BATCH];
    size_t bad_count = 0;
    struct arena *arena = NULL;
    for (size_t i = 0; i < count; i++) {
        struct descriptor *descriptor = grants[i].descriptor;
        struct arena *home = &dynamic->arenas[descriptor_arena(descriptor)];
        if (home != arena) {
            if (arena != NULL) {
                lock_unlock(&arena->lock);
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
        lock_unlock(&arena->lock);
    }
    owned_report(bad, bad_count);
}

static int dynamic_resize(void *state, struct descriptor *descriptor, size_t size)
{
    struct dynamic *dynamic = state;
    uint64_t rounded;
    // The address has room for offsets up to what its kind can say.
    uint64_t room = UINT64_C(1) << descriptor_offset_bits(descriptor_addr(descriptor));
    if (!dynamic_round(dynamic, size, &rounded) || rounded > room) {
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
    bool any = dynamic->settings.granule == 16;
    *count = any ? 0 : DYNAMIC_CLASSES;
    return any ? NULL : dynamic->class_sizes;
}

// ---- looking -----------------------------------------------------------------------------------

// The extent from position `from` on.
static void describe(const struct dynamic *dynamic, unsigned arena, const struct extent *extent,
                     uint64_t from, struct mems_extent *piece)
{
    uint64_t seen = from - extent->position;
    *piece = (struct mems_extent){.piece = MEMS_PIECE_HOLE,
                                  .page = MEMS_PAGE_NONE,
                                  .arena = arena,
                                  .region = extent->region->number,
                                  .offset = from - extent->region->start,
                                  .size = extent->size - seen,
                                  .host = extent_host(extent) + seen};
    if (dynamic->flat) {
        piece->addr = from + dynamic->settings.start;
        if (extent->tag == EXTENT_BLOCK) {
            piece->piece = MEMS_PIECE_BLOCK;
            piece->requested = extent->requested;
            piece->space = 1;
        }
    } else if (extent->tag == EXTENT_BLOCK && !extent_is_reserved(extent)) {
        owned_describe(extent->descriptor, piece);
    }
}

static int arena_walk(struct dynamic *dynamic, unsigned number, mems_visitor visit, void *arg)
{
    struct arena *arena = &dynamic->arenas[number];
    struct mems_extent pieces[64];
    struct extent_cursor cursor;
    size_t count;
    int stop = 0;
    lock_lock(&arena->lock);
    extents_cursor_begin(&arena->extents, &cursor);
    do {
        for (count = 0; count < sizeof pieces / sizeof pieces[0]; count++) {
            uint64_t from;
            const struct extent *extent = extents_cursor_next(&arena->extents, &cursor, &from);
            if (extent == NULL) {
                break;
            }
            describe(dynamic, number, extent, from, &pieces[count]);
        }
        lock_unlock(&arena->lock);
        for (size_t i = 0; i < count && stop == 0; i++) {
            stop = visit(&pieces[i], arg);
        }
        lock_lock(&arena->lock);
    } while (count != 0 && stop == 0);
    extents_cursor_end(&cursor);
    lock_unlock(&arena->lock);
    return stop;
}

static int dynamic_walk(void *state, mems_visitor visit, void *arg)
{
    struct dynamic *dynamic = state;
    int stop = 0;
    compaction_walk_begin(&dynamic->compaction);
    for (unsigned i = 0; i < dynamic->settings.arenas && stop == 0; i++) {
        stop = arena_walk(dynamic, i, visit, arg);
    }
    compaction_walk_end(&dynamic->compaction);
    return stop;
}

// every block's descriptor points back at it, is not FREE, and is where the block is           (D1)
static int blocks_check(struct arena *arena, unsigned number, struct mems_violation *first)
{
    struct extent_cursor cursor;
    const struct extent *extent;
    uint64_t from;
    int error = 0;
    extents_cursor_begin(&arena->extents, &cursor);
    while (error == 0 && (extent = extents_cursor_next(&arena->extents, &cursor, &from)) != NULL) {
        if (extent->tag != EXTENT_BLOCK || extent_is_reserved(extent)) {
            continue;
        }
        const struct descriptor *descriptor = extent->descriptor;
        uint64_t word = load_relaxed(&descriptor->word);
        if (descriptor->record != extent || descriptor_state(word) == DESCRIPTOR_FREE ||
            descriptor_host(word) != extent_host(extent) ||
            descriptor_arena(descriptor) != number) {
            struct printer printer;
            first->invariant = "D1";
            print_init(&printer, first->text, sizeof first->text);
            print_format(&printer,
                         "block at position %llu of arena %u has a descriptor that "
                         "does not name it",
                         (unsigned long long)extent->position, number);
            error = EUCLEAN;
        }
    }
    extents_cursor_end(&cursor);
    return error;
}

static int arena_check(struct dynamic *dynamic, unsigned number, struct mems_violation *first)
{
    struct arena *arena = &dynamic->arenas[number];
    const char *broken = extents_check(&arena->extents);
    if (broken != NULL) {
        struct printer printer;
        first->invariant = broken;
        print_init(&printer, first->text, sizeof first->text);
        print_format(&printer, "the chain of arena %u is broken (%llu regions, %llu blocks)",
                     number, (unsigned long long)arena->extents.region_count,
                     (unsigned long long)arena->extents.block_count);
        return EUCLEAN;
    }
    return dynamic->flat ? 0 : blocks_check(arena, number, first);
}

static int dynamic_check(void *state, struct mems_violation *first)
{
    struct dynamic *dynamic = state;
    int error = 0;
    for (unsigned i = 0; i < dynamic->settings.arenas && error == 0; i++) {
        lock_lock(&dynamic->arenas[i].lock);
        error = arena_check(dynamic, i, first);
        lock_unlock(&dynamic->arenas[i].lock);
    }
    return error;
}

static void dynamic_totals(void *state, struct policy_totals *totals)
{
    struct dynamic *dynamic = state;
    *totals = (struct policy_totals){.metadata_bytes = dynamic->mapped};
    for (uint64_t i = 0; i < dynamic->settings.arenas; i++) {
        struct arena *arena = &dynamic->arenas[i];
        lock_lock(&arena->lock);
        uint64_t largest = extents_largest_hole(&arena->extents);
        totals->held_bytes += arena->extents.held_bytes;
        totals->free_bytes += arena->extents.free_bytes + arena->extents.reserved_bytes;
        totals->holes += arena->extents.holes.count;
        totals->largest_hole = largest > totals->largest_hole ? largest : totals->largest_hole;
        totals->regions += arena->extents.region_count;
        totals->blocks += arena->extents.block_count - arena->extents.reserved_count;
        totals->metadata_bytes += extents_metadata(&arena->extents);
        lock_unlock(&arena->lock);
    }
    lock_lock(&dynamic->lock);
    totals->metadata_bytes += dynamic->spaces.bytes;
    lock_unlock(&dynamic->lock);
    compaction_totals(&dynamic->compaction, totals);
}

static const struct lock *dynamic_lock_at(void *state, size_t index)
{
    struct dynamic *dynamic = state;
    uint64_t arenas = dynamic->settings.arenas;
    return index < arenas                                     ? &dynamic->arenas[index].lock
           : index == arenas                                  ? &dynamic->lock
           : index == arenas + 1 && dynamic->settings.movable ? &dynamic->compaction.lock
                                                              : NULL;
}

// ---- the row -----------------------------------------------------------------------------------

static const char *const fits_names[] = {"first", "next", "best", "worst", NULL};
static const char *const addresses_names[] = {"descriptor", "flat", NULL};

#define ARENAS_MOST 64
#define FIELD(name) offsetof(struct dynamic_settings, name)

static const struct option dynamic_options[] = {
    {"fit", OPTION_CHOICE, 0, 0, fits_names, "first|next|best|worst", "first",
     "which hole a block is cut from", FIELD(fit)},
    {"arenas", OPTION_NUMBER, 1, ARENAS_MOST, NULL, "1..64", "1",
     "shards of the holes, each with its own lock; 1 is the textbook's single list", FIELD(arenas)},
    {"capacity", OPTION_SIZE, 0, UINT64_C(1) << 46, NULL, "0..64Ti", "0",
     "memory for blocks; 0: grows a region at a time", FIELD(capacity)},
    {"region", OPTION_SIZE, 1, UINT64_C(1) << 40, NULL, "1..1Ti", "1Mi",
     "least size of a new region, rounded up to pages", FIELD(region)},
    {"granule", OPTION_SIZE, 0, 1 << 20, NULL, "0, or a power of two up to 1Mi", "0",
     "sizes are rounded up to it; 0: 16, or 1 with addresses=flat", FIELD(granule)},
    {"addresses", OPTION_CHOICE, 0, 0, addresses_names, "descriptor|flat", "descriptor",
     "flat: the MeMS face's addresses, which run on from `start`", FIELD(addresses)},
    {"start", OPTION_NUMBER, 0, UINT64_C(1) << 62, NULL, "0..2^62", "1000",
     "first address with addresses=flat", FIELD(start)},
    {"movable", OPTION_FLAG, 0, 0, NULL, "yes|no", "no",
     "blocks may be moved together (implied by mover and compact_after); a release costs more then",
     FIELD(movable)},
    COMPACTION_OPTIONS(FIELD(compaction)),
    {0},
};

const struct policy policy_dynamic = {
    .name = "dynamic",
    .help = "dynamic partitioning: first, next, best or worst fit over coalesced holes",
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
