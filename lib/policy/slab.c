// SPDX-License-Identifier: MIT
//
// slab.c - what production allocators do: slabs of one size class, owned by a thread's arena.
//
// 1. Theory. Segregated storage (Bonwick's slab allocator, USENIX 1994; today's size-class heaps):
//    a request is rounded up to its class (memory/slab.h: at most 1/9 unused), and served from a
//    slab that is cut into blocks of that class only. Nothing is split or merged; what is lost is
//    the rounding, and the free blocks of slabs that nobody else may use meanwhile.
// 2. Whose. A slab belongs to one space and, within it, to one arena; a thread keeps to the arena
//    of its number. So a closing space gives back whole slabs, and two threads meet only where
//    there are more of them than arenas, where one releases what another allocated, or where memory
//    is short: then the other arenas' slabs are asked.
// 3. The depot. Slabs are extents of its regions, and so are blocks above slab / 8 (at most 16 KiB)
//    and those aligned beyond a page, rounded up to 1 KiB; first fit (memory/extent.c). A slab
//    that has become empty stays with its arena, for the next request of its class, until
//    SLAB_IDLE_MOST others have become empty after it or somebody finds the depot empty; then its
//    memory is a hole again, for any class, space and large block. A region is mapped only after
//    that.
// 4. A bounded engine in which no slab can be had any more serves a small request from a hole, as
//    if it were a large one, before it refuses.
// 5. Locking. An arena's lock, and the depot's behind it: both of rank LOCK_POLICY, the depot with
//    the highest number. The table of descriptors is locked behind either. No path holds two
//    arenas' locks.
// 6. If you change this: a run is reached from a descriptor only under its arena's lock, and ends
//    only under that lock and the depot's; so who holds either can trust it. A record of a run is
//    reused, never unmapped: its serial tells whether it is still the run one knew.

#include <errno.h>

#include "base/bits.h"
#include "os/os.h"
#include "policy/owned.h"
#include "policy/slab.h"
#include "sync/thread.h"

_Static_assert(sizeof(struct slab_settings) <= POLICY_SETTINGS, "the engine keeps them");

// ---- opening -----------------------------------------------------------------------------------

static int slab_validate(const struct slab_settings *settings, struct printer *complaint)
{
    if (!bits_is_power_of_two(settings->slab)) {
        print_format(complaint, "slab=%llu: must be a power of two, 16Ki to 4Mi",
                     (unsigned long long)settings->slab);
        return EINVAL;
    }
    if (settings->capacity != 0 && settings->capacity < SLAB_GRANULE) {
        print_format(complaint, "capacity=%llu: too small for one block of %u bytes",
                     (unsigned long long)settings->capacity, SLAB_GRANULE);
        return EINVAL;
    }
    return 0;
}

static void slab_policy_close(void *state)
{
    struct slab_policy *policy = state;
    extents_fini(&policy->depot.extents);
    for (unsigned kind = 0; kind < SLAB_KINDS; kind++) {
        pool_fini(&policy->depot.records[kind]);
    }
    pool_fini(&policy->depot.spaces);
    os_unmap(policy, policy->mapped);
}

static int depot_init(struct slab_policy *policy, struct descriptor_table *table)
{
    struct slab_depot *depot = &policy->depot;
    uint32_t arenas = (uint32_t)policy->settings.arenas;
    bool bounded = policy->settings.capacity != 0;
    struct extents_settings set = {
        .fit = EXTENT_FIRST,
        .returns = !bounded,
        .granule = SLAB_GRANULE,
        .step = bounded ? 0 : policy->settings.region,
    };
    lock_init(&depot->lock, LOCK_POLICY, "slab.depot", arenas);
    descriptor_shelf_init(&depot->shelf, table);
    for (unsigned kind = 0; kind < SLAB_KINDS; kind++) {
        uint32_t most = 1u << kind;
        pool_init(&depot->records[kind], sizeof(struct slab_run) +
                                             most * sizeof(struct descriptor *) +
                                             slab_account_bytes(most));
    }
    pool_init(&depot->spaces,
              sizeof(struct slab_space) + arenas * policy->class_count * sizeof(struct list));
    return extents_init(&depot->extents, &set);
}

static int slab_policy_open(const void *settings, struct policy_site *site, void **state,
                            struct printer *complaint)
{
    const struct slab_settings *own = settings;
    int error = slab_validate(own, complaint);
    uint64_t bytes = 0, page = os_page_size(), capacity = 0;
    if (error != 0) {
        return error;
    }
    bits_round_up(sizeof(struct slab_policy) + own->arenas * sizeof(struct slab_arena), page,
                  &bytes);
    struct slab_policy *policy = os_map(bytes, 0);
    if (policy == NULL) {
        return ENOMEM;
    }
    policy->settings = *own;
    policy->mapped = bytes;
    policy->class_count = slab_class_count(own->slab / 8);
    for (unsigned class = 0; class < policy->class_count; class ++) {
        policy->class_sizes[class] = slab_class_size(class);
    }
    policy->largest = policy->class_sizes[policy->class_count - 1];
    error = depot_init(policy, site->table);
    for (uint32_t i = 0; i < own->arenas; i++) {
        lock_init(&policy->arenas[i].lock, LOCK_POLICY, "slab.arena", i);
        descriptor_shelf_init(&policy->arenas[i].shelf, site->table);
        list_init(&policy->arenas[i].runs);
        list_init(&policy->arenas[i].idle);
    }
    bits_round_up(own->capacity, page, &capacity);
    if (error == 0 && capacity != 0) {
        error = slab_depot_grow(&policy->depot, capacity, 1);
    }
    if (error != 0) {
        slab_policy_close(policy);
        return error;
    }
    *state = policy;
    return 0;
}

// ---- taking ------------------------------------------------------------------------------------

struct demand {
    struct slab_space *own;
    uint64_t size, align;
    unsigned class;
    struct grant *grants;
    size_t count, taken;
};

enum reach { REACH_OPEN, REACH_HOLES, REACH_REGION }; // open runs; new ones from holes; from the OS

static int arena_take(struct slab_policy *policy, uint64_t number, struct demand *demand,
                      enum reach reach)
{
    struct slab_arena *arena = &policy->arenas[number];
    struct list *bin = &demand->own->bins[number * policy->class_count + demand->class];
    int error = 0;
    lock_lock(&arena->lock);
    while (error == 0 && demand->taken < demand->count) {
        struct slab_run *run =
            list_empty(bin) ? NULL : container_of(bin->next, struct slab_run, of_bin);
        if (run == NULL || slab_full(&run->slab)) {
            // Only a first block is worth a new region: a batch takes what is there.
            bool grow = reach == REACH_REGION && demand->taken == 0;
            error = reach == REACH_OPEN
                        ? ENOSPC
                        : slab_run_open(policy, arena, bin, demand->class, grow, &run);
        }
        if (error == 0) {
            error = slab_run_take(arena, run, demand->own->id, &demand->grants[demand->taken]);
            demand->taken += error == 0;
        }
    }
    slab_arena_trim(policy, arena, SLAB_IDLE_MOST);
    lock_unlock(&arena->lock);
    return error;
}

// Blocks that are extents of their own.
static int depot_take(struct slab_policy *policy, struct demand *demand, enum reach reach)
{
    struct slab_depot *depot = &policy->depot;
    struct extent *extent;
    int error = 0;
    lock_lock(&depot->lock);
    while (error == 0 && demand->taken < demand->count) {
        struct grant *grant = &demand->grants[demand->taken];
        bool grow = reach == REACH_REGION && demand->taken == 0;
        error = slab_depot_cut(policy, demand->size, demand->align, grow, &depot->shelf,
                               demand->size, &extent);
        if (error != 0) {
            break;
        }
        error = descriptor_take(&depot->shelf, extent->size, extent_host(extent), grant);
        if (error != 0) {
            extents_give(&depot->extents, extent);
            break;
        }
        grant->descriptor->record = extent;
        descriptor_own(grant->descriptor, demand->own->id, (unsigned)policy->settings.arenas);
        extent->descriptor = grant->descriptor;
        list_push_front(&demand->own->large, &extent->owned);
        demand->taken++;
    }
    lock_unlock(&depot->lock);
    return error;
}

static int take_small(struct slab_policy *policy, struct demand *demand)
{
    uint64_t arenas = policy->settings.arenas, home = thread_number() % arenas;
    bool bounded = policy->settings.capacity != 0;
    int error = arena_take(policy, home, demand, REACH_HOLES);
    if (error == ENOSPC && demand->taken == 0 && (slab_trim_all(policy) || !bounded)) {
        error = arena_take(policy, home, demand, REACH_REGION);
    }
    for (uint64_t i = 1; i < arenas && error != 0 && demand->taken == 0; i++) {
        int other = arena_take(policy, (home + i) % arenas, demand, REACH_OPEN);
        error = other != ENOSPC ? other : error;
    }
    if (error != 0 && demand->taken == 0) {
        demand->count = 1;
        error = depot_take(policy, demand, REACH_HOLES);
    }
    return error;
}

static int take_large(struct slab_policy *policy, struct demand *demand)
{
    int error = depot_take(policy, demand, REACH_HOLES);
    if (error == ENOSPC && demand->taken == 0) {
        slab_trim_all(policy);
        error = depot_take(policy, demand, REACH_REGION);
    }
    return error;
}

// The class whose blocks have room for the request and stand where it wants: SLAB_CLASSES for none.
static unsigned class_for(const struct slab_policy *policy, uint64_t size, uint64_t align)
{
    uint64_t least = size > align ? size : align;
    if (least > policy->largest || align > os_page_size()) {
        return SLAB_CLASSES;
    }
    unsigned class = slab_class(least);
    while (class < policy->class_count && (slab_class_size(class) & (align - 1)) != 0) {
        class ++;
    }
    return class < policy->class_count ? class : SLAB_CLASSES;
}

static size_t slab_policy_take(void *state, void *owned, size_t size, size_t align,
                               struct grant *grants, size_t count, int *error)
{
    struct slab_policy *policy = state;
    struct demand demand = {
        .own = owned, .align = align == 0 ? 1 : align, .grants = grants, .count = count};
    if (!bits_round_up(size, SLAB_GRANULE, &demand.size) || demand.size > PTRDIFF_MAX) {
        *error = ENOMEM;
        return 0;
    }
    demand.class = class_for(policy, size, demand.align);
    *error =
        demand.class < SLAB_CLASSES ? take_small(policy, &demand) : take_large(policy, &demand);
    if (*error == ENOSPC && policy->settings.capacity == 0) {
        *error = ENOMEM; // the OS refused, and there was no hole
    }
    return demand.taken;
}

// ---- giving ------------------------------------------------------------------------------------

static struct lock *lock_of(struct slab_policy *policy, unsigned arena)
{
    return arena < policy->settings.arenas ? &policy->arenas[arena].lock : &policy->depot.lock;
}

// The depot's lock held; the descriptor is CACHED.
static void large_give(struct slab_policy *policy, struct descriptor *descriptor)
{
    struct extent *extent = descriptor->record;
    list_remove(&extent->owned);
    descriptor_give(&policy->depot.shelf, descriptor);
    extents_give(&policy->depot.extents, extent);
}

static void small_give(struct slab_arena *arena, struct descriptor *descriptor)
{
    struct slab_run *run = descriptor->record;
    const char *host = descriptor_host(load_relaxed(&descriptor->word));
    slab_run_give(arena, run, slab_index(&run->slab, host));
}

static void end_visit(struct slab_policy *policy, unsigned number)
{
    if (number < policy->settings.arenas) {
        slab_arena_trim(policy, &policy->arenas[number], SLAB_IDLE_MOST);
    }
    if (number < policy->settings.arenas) {
        lock_unlock(&policy->arenas[number].lock);
    } else {
        slab_depot_unlock(policy);
    }
}

static void slab_policy_give(void *state, const struct grant *grants, size_t count)
{
    struct slab_policy *policy = state;
    uint64_t bad[POLICY_BATCH];
    size_t bad_count = 0;
    unsigned number = DESCRIPTOR_ARENAS; // none
    for (size_t i = 0; i < count; i++) {
        struct descriptor *descriptor = grants[i].descriptor;
        unsigned home = descriptor_arena(descriptor);
        if (home != number) {
            if (number != DESCRIPTOR_ARENAS) {
                end_visit(policy, number);
            }
            number = home;
            lock_lock(lock_of(policy, number));
        }
        if (!owned_may_return(&grants[i])) {
            bad[bad_count++] = grants[i].addr;
        } else if (number < policy->settings.arenas) {
            small_give(&policy->arenas[number], descriptor);
        } else {
            large_give(policy, descriptor);
        }
    }
    if (number != DESCRIPTOR_ARENAS) {
        end_visit(policy, number);
    }
    slab_depot_trim(policy);
    owned_report(bad, bad_count);
}

// ---- sizes -------------------------------------------------------------------------------------

// A large block that should become a small one, or much smaller in any way, moves to a slab.
static int large_resize(struct slab_policy *policy, struct descriptor *descriptor, size_t size)
{
    uint64_t room = UINT64_C(1) << descriptor_offset_bits(descriptor_addr(descriptor)), rounded;
    if (!bits_round_up(size, SLAB_GRANULE, &rounded) || rounded > PTRDIFF_MAX || rounded > room) {
        return ENOMEM;
    }
    struct extent *extent = descriptor->record;
    lock_lock(&policy->depot.lock);
    bool leaves = rounded < extent->size && size <= policy->largest;
    int error = leaves ? ENOMEM : extents_resize(&policy->depot.extents, extent, rounded);
    lock_unlock(&policy->depot.lock);
    return error;
}

// A small block stays while its class fits it, and half of it is used or no smaller class would do.
static int slab_policy_resize(void *state, struct descriptor *descriptor, size_t size)
{
    struct slab_policy *policy = state;
    if (descriptor_arena(descriptor) == policy->settings.arenas) {
        return large_resize(policy, descriptor, size);
    }
    const struct slab *slab = &((const struct slab_run *)descriptor->record)->slab;
    bool stays = size <= slab->size && (size > slab->size / 2 || slab_class(size) == slab->class);
    return stays ? 0 : ENOMEM;
}

static size_t slab_policy_block_size(void *state, const struct descriptor *descriptor)
{
    const struct slab_policy *policy = state;
    return descriptor_arena(descriptor) == policy->settings.arenas
               ? ((const struct extent *)descriptor->record)->size
               : ((const struct slab_run *)descriptor->record)->slab.size;
}

static size_t slab_policy_measure(void *state, const struct descriptor *descriptor)
{
    struct slab_policy *policy = state;
    struct lock *lock = lock_of(policy, descriptor_arena(descriptor));
    lock_lock(lock);
    bool taken = descriptor_state(load_relaxed(&descriptor->word)) != DESCRIPTOR_FREE;
    size_t size = taken ? slab_policy_block_size(state, descriptor) : 0;
    lock_unlock(lock);
    return size;
}

static const uint64_t *slab_policy_classes(void *state, size_t *count)
{
    const struct slab_policy *policy = state;
    *count = policy->class_count;
    return policy->class_sizes;
}

// ---- spaces ------------------------------------------------------------------------------------

static int slab_policy_space_open(void *state, uint32_t space, void **owned)
{
    struct slab_policy *policy = state;
    lock_lock(&policy->depot.lock);
    struct slab_space *own = pool_take(&policy->depot.spaces);
    lock_unlock(&policy->depot.lock);
    if (own == NULL) {
        return ENOMEM;
    }
    own->id = space;
    list_init(&own->large);
    for (uint64_t i = 0; i < policy->settings.arenas * policy->class_count; i++) {
        list_init(&own->bins[i]);
    }
    *owned = own;
    return 0;
}

static void bin_close(struct slab_policy *policy, struct slab_arena *arena, struct list *bin,
                      struct policy_closed *closed)
{
    while (!list_empty(bin)) {
        struct slab_run *run = container_of(bin->next, struct slab_run, of_bin);
        for (uint32_t i = 0; i < run->slab.fresh && run->slab.used != 0; i++) {
            if (slab_is_used(&run->slab, i)) {
                owned_end(run->descriptor[i], closed);
                slab_run_give(arena, run, i);
            }
        }
        slab_run_close(policy, arena, run);
    }
}

static void slab_policy_space_close(void *state, void *owned, struct policy_closed *closed)
{
    struct slab_policy *policy = state;
    struct slab_space *own = owned;
    for (uint64_t i = 0; i < policy->settings.arenas; i++) {
        lock_lock(&policy->arenas[i].lock);
        for (unsigned class = 0; class < policy->class_count; class ++) {
            bin_close(policy, &policy->arenas[i], &own->bins[i * policy->class_count + class],
                      closed);
        }
        lock_unlock(&policy->arenas[i].lock);
    }
    lock_lock(&policy->depot.lock);
    while (!list_empty(&own->large)) {
        struct extent *extent = container_of(own->large.next, struct extent, owned);
        owned_end(extent->descriptor, closed);
        large_give(policy, extent->descriptor);
    }
    pool_give(&policy->depot.spaces, own);
    slab_depot_unlock(policy);
    slab_depot_trim(policy);
}

static const struct lock *slab_policy_lock_at(void *state, size_t index)
{
    const struct slab_policy *policy = state;
    return index < policy->settings.arenas    ? &policy->arenas[index].lock
           : index == policy->settings.arenas ? &policy->depot.lock
                                              : NULL;
}

// ---- the row -----------------------------------------------------------------------------------

#define FIELD(name) offsetof(struct slab_settings, name)

static const struct option slab_options[] = {
    {"arenas", OPTION_NUMBER, 1, SLAB_ARENAS_MOST, NULL, "1..32", "4",
     "shards of the slabs, each with its own lock; a thread keeps to the one of its number",
     FIELD(arenas)},
    {"slab", OPTION_SIZE, 16384, SLAB_MOST_BYTES, NULL, "a power of two, 16Ki..4Mi", "64Ki",
     "bytes of a slab; blocks above an eighth of it (16Ki at most) are extents of their own",
     FIELD(slab)},
    {"capacity", OPTION_SIZE, 0, UINT64_C(1) << 46, NULL, "0..64Ti", "0",
     "memory for slabs and large blocks; 0: grows a region at a time", FIELD(capacity)},
    {"region", OPTION_SIZE, 1, UINT64_C(1) << 40, NULL, "1..1Ti", "1Mi",
     "least size of a new region, rounded up to pages", FIELD(region)},
    {0},
};

const struct policy policy_slab = {
    .name = "slab",
    .help = "size-class slabs, each owned by a thread's arena; large blocks from extents",
    .options = slab_options,
    .open = slab_policy_open,
    .close = slab_policy_close,
    .space_open = slab_policy_space_open,
    .space_close = slab_policy_space_close,
    .take = slab_policy_take,
    .give = slab_policy_give,
    .resize = slab_policy_resize,
    .block_size = slab_policy_block_size,
    .measure = slab_policy_measure,
    .classes = slab_policy_classes,
    .walk = slab_policy_walk,
    .check = slab_policy_check,
    .totals = slab_policy_totals,
    .lock_at = slab_policy_lock_at,
};
