// SPDX-License-Identifier: MIT
//
// slab.c - what production allocators do: slabs of one size class, owned by threads.
//
// 1. Theory. Segregated storage (Bonwick's slab allocator, USENIX 1994; today's size-class heaps):
//    a request is rounded up to its class (memory/slab.h: at most 1/9 unused), and served from a
//    slab, 64 KiB that are cut into blocks of that class only. Nothing is split or merged; what is
//    lost is the rounding, and the free blocks of slabs that nobody else may use meanwhile.
// 2. Whose. A slab belongs to one space and, within it, to one thread's front: the code is that of
//    the drop-in malloc (heap/front.c, heap/ledger.c), and so is what is said there of where the
//    next block comes from and of strangers' releases. The source of its slabs is the space
//    (slab_run.c). What is added here is a descriptor for each block: a slab has an array of them,
//    filled as blocks are first used, and they stay with their blocks until the slab ends. So an
//    address says exactly what it names, and the bit in the ledger is a second account of it.
// 3. The common front. Threads that can have no front, and all of them where thread_cache=no, share
//    one front a space, under one lock: the textbook's single lock, and the same placement.
// 4. The depot. Slabs are extents of its regions, and so are blocks above 16 KiB and those aligned
//    beyond a page, rounded up to 1 KiB; first fit (memory/extent.c). A slab that is empty is a
//    hole again, for any class, space and large block, but for those that fronts keep: the one they
//    take from, and one a class. A thread that ends leaves its slabs to the space: orphans, which
//    its other threads take over when they need one of the class, and which end with their last
//    block.
// 5. A bounded engine that has no slab to give empties the front that asks, and takes what others
//    have spare, before it serves a small request from a hole, as if it were a large one; and only
//    then it refuses.
// 6. Locking. The way in line (engine/front.h) takes none. The lock of the common fronts, and the
//    depot's behind it, both of rank LOCK_POLICY. The table of descriptors is locked behind either.
// 7. If you change this: a slab, its record and its descriptors change only under the depot's lock,
//    but for what its owner and strangers do in the ledger; so who holds that lock can look at
//    every slab. A front belongs to its thread, or to who holds the common lock.

#include "policy/slab.h"

#include <errno.h>

#include "base/bits.h"
#include "os/os.h"
#include "policy/owned.h"

_Static_assert(sizeof(struct slab_settings) <= POLICY_SETTINGS, "the engine keeps them");

// ---- opening -----------------------------------------------------------------------------------

static void slab_policy_close(void *state)
{
    struct slab_policy *policy = state;
    slab_depot_fini(&policy->depot);
    os_unmap(policy, policy->mapped);
}

static int slab_policy_open(const void *settings, struct policy_site *site, void **state,
                            struct printer *complaint)
{
    const struct slab_settings *own = settings;
    uint64_t bytes = 0, page = os_page_size(), capacity = 0;
    if (own->capacity != 0 && own->capacity < SLAB_GRANULE) {
        print_format(complaint, "capacity=%llu: too small for one block of %u bytes",
                     (unsigned long long)own->capacity, SLAB_GRANULE);
        return EINVAL;
    }
    bits_round_up(sizeof(struct slab_policy), page, &bytes);
    struct slab_policy *policy = os_map(bytes, 0);
    if (policy == NULL) {
        return ENOMEM;
    }
    policy->settings = *own;
    policy->mapped = bytes;
    lock_init(&policy->common, LOCK_POLICY, "slab.common", 0);
    slab_depot_init(&policy->depot, own, site->table);
    bits_round_up(own->capacity, page, &capacity);
    if (capacity != 0 && slab_depot_grow(&policy->depot, capacity, 1) != 0) {
        slab_policy_close(policy);
        return ENOMEM;
    }
    *state = policy;
    return 0;
}

// ---- fronts ------------------------------------------------------------------------------------

// What strangers have returned twice is reported when no lock is held.
static mems_addr twice_of(struct slab_front *front)
{
    mems_addr twice = front->twice;
    front->twice = 0;
    return twice;
}

static void visit_end(struct slab_policy *policy, mems_addr twice)
{
    slab_depot_trim(policy);
    owned_report(&twice, twice != 0);
}

static struct slab_front *front_make(struct slab_space *own)
{
    struct slab_depot *depot = &own->policy->depot;
    lock_lock(&depot->lock);
    struct slab_front *front = pool_take(&depot->front_pool);
    if (front != NULL) {
        front_init(&front->front, (uint64_t)(uintptr_t)front, &slab_source);
        front->own = own;
        front->error = 0;
        front->twice = 0;
        list_push_back(&own->fronts, &front->link);
        (void)add_relaxed(&front_count, 1);
    }
    lock_unlock(&depot->lock);
    return front;
}

// Its memory goes back. The depot's lock is held.
static void front_end(struct slab_policy *policy, struct slab_front *front)
{
    list_remove(&front->link);
    pool_give(&policy->depot.front_pool, front);
    (void)add_relaxed(&front_count, UINT32_MAX);
}

static struct front *slab_front_open(void *state, void *owned)
{
    (void)state;
    struct slab_front *front = front_make(owned);
    return front != NULL ? &front->front : NULL;
}

static void slab_front_close(void *state, struct front *front)
{
    struct slab_policy *policy = state;
    struct slab_front *self = container_of(front, struct slab_front, front);
    front_leave(front);
    mems_addr twice = twice_of(self);
    lock_lock(&policy->depot.lock);
    front_end(policy, self);
    lock_unlock(&policy->depot.lock);
    visit_end(policy, twice);
}

static void slab_front_trim(void *state, struct front *front)
{
    front_trim(front);
    visit_end(state, twice_of(container_of(front, struct slab_front, front)));
}

static void slab_front_look(void *state, struct front *front, struct granule *slab)
{
    front_look(front, slab);
    slab_depot_trim(state);
}

// ---- taking ------------------------------------------------------------------------------------

// The owner's release. false: the slot is free, or returned.
static bool own_give(struct front *front, struct granule *slab, struct place place, uint32_t slot)
{
    if (ledger_is_free(slab, slot)) {
        return false;
    }
    (void)ledger_put(slab->ledger, place);
    if (--slab->ledger->left == 0) {
        front_look(front, slab);
    }
    return true;
}

// The front's next block of the class.
static int front_grant(struct slab_front *front, unsigned class, struct grant *grant)
{
    bool zeroed;
    void *block = front_take(&front->front, class, &zeroed);
    if (block == NULL) {
        return front->error;
    }
    struct granule *slab = front->front.bin[class].current;
    struct slab_run *run = container_of(slab, struct slab_run, granule);
    uint32_t slot = granule_slot(slab, block);
    int error = 0;
    if (load_relaxed(&run->descriptor[slot]) == NULL) {
        error = slab_run_name(front->own->policy, run, slot);
    }
    if (error != 0) {
        (void)own_give(&front->front, slab, place_of(slab, block), slot); // nobody has seen it
        return error;
    }
    grant->descriptor = load_relaxed(&run->descriptor[slot]);
    grant->addr = descriptor_addr(grant->descriptor);
    return 0;
}

// A block that is an extent of its own.
static int depot_take(struct slab_space *own, uint64_t size, uint64_t align, bool grow,
                      struct grant *grant)
{
    struct slab_policy *policy = own->policy;
    struct slab_depot *depot = &policy->depot;
    struct extent *extent;
    lock_lock(&depot->lock);
    int error = slab_depot_cut(policy, size, align, grow, size, &extent);
    if (error == 0) {
        error = descriptor_take(&depot->shelf, extent->size, extent_host(extent), grant);
        if (error != 0) {
            extents_give(&depot->extents, extent);
        }
    }
    if (error == 0) {
        grant->descriptor->record = extent;
        descriptor_own(grant->descriptor, own->id, SLAB_LARGE);
        extent->descriptor = grant->descriptor;
        list_push_front(&own->large, &extent->owned);
    }
    lock_unlock(&depot->lock);
    return error;
}

// The class whose blocks have room for the request and stand where it wants: SLAB_CLASSES for none.
static unsigned class_for(uint64_t size, uint64_t align)
{
    uint64_t least = size > align ? size : align;
    if (least > SLAB_LARGEST || align > os_page_size()) {
        return SLAB_CLASSES;
    }
    unsigned class = slab_class(least);
    while (class < SLAB_CLASSES && (slab_class_size(class) & (align - 1)) != 0) {
        class ++;
    }
    return class;
}

// Empties the common front, whose lock is held.
static void common_trim(struct slab_space *own)
{
    if (own->common != NULL) {
        front_trim(&own->common->front);
    }
}

// One block for who has `front`. What the common front keeps of empty slabs is asked as well, and
// the lock of that is held if it is `front`.
static int take_one(struct slab_front *front, size_t size, size_t align, struct grant *grant)
{
    struct slab_space *own = front->own;
    unsigned class = class_for(size, align);
    bool small = class < SLAB_CLASSES, bounded = own->policy->settings.capacity != 0;
    uint64_t rounded;
    if (!bits_round_up(size, SLAB_GRANULE, &rounded) || rounded > PTRDIFF_MAX) {
        return ENOMEM;
    }
    int error =
        small ? front_grant(front, class, grant) : depot_take(own, rounded, align, !bounded, grant);
    if (error == 0) {
        return 0;
    }
    front_trim(&front->front);
    if (front != own->common && load_relaxed(&own->common) != NULL) {
        lock_lock(&own->policy->common);
        common_trim(own);
        lock_unlock(&own->policy->common);
    }
    if (bounded) {
        slab_spares_end(own->policy);
    }
    if (small && front_grant(front, class, grant) == 0) {
        return 0;
    }
    return depot_take(own, rounded, align, false, grant) == 0 ? 0 : error;
}

static int slab_front_take(void *state, struct front *front, size_t size, size_t align,
                           struct grant *grant)
{
    struct slab_front *self = container_of(front, struct slab_front, front);
    int error = take_one(self, size, align == 0 ? 1 : align, grant);
    visit_end(state, twice_of(self));
    return error;
}

// The common front, its lock held; NULL: ENOMEM.
static struct slab_front *common_of(struct slab_space *own)
{
    if (own->common == NULL) {
        store_release(&own->common, front_make(own)); // [R:common]
    }
    return own->common;
}

static size_t slab_policy_take(void *state, void *owned, size_t size, size_t align,
                               struct grant *grants, size_t count, int *error)
{
    struct slab_policy *policy = state;
    size_t taken = 0;
    mems_addr twice = 0;
    lock_lock(&policy->common);
    struct slab_front *front = common_of(owned);
    *error = front != NULL ? 0 : ENOMEM;
    while (*error == 0 && taken < count) {
        *error = take_one(front, size, align == 0 ? 1 : align, &grants[taken]);
        taken += *error == 0;
    }
    if (front != NULL) {
        twice = twice_of(front);
    }
    lock_unlock(&policy->common);
    visit_end(policy, twice);
    return taken;
}

// ---- giving ------------------------------------------------------------------------------------

// The depot's lock held; the descriptor is CACHED.
static void large_give(struct slab_policy *policy, struct descriptor *descriptor)
{
    struct extent *extent = descriptor->record;
    list_remove(&extent->owned);
    descriptor_give(&policy->depot.shelf, descriptor);
    extents_give(&policy->depot.extents, extent);
}

// A stranger's. Behind ledger_return the slab may be gone, but for its record.
static bool strange_give(struct slab_policy *policy, struct slab_run *run, uint32_t slot,
                         mems_addr *twice)
{
    if (!ledger_return(&run->granule, slot)) {
        return false;
    }
    if (granule_owner(&run->granule) == 0) {
        slab_run_look(policy, run, twice);
    }
    return true;
}

// `front` is this thread's; NULL: it has none.
static mems_addr small_give(struct slab_policy *policy, struct front *front,
                            const struct grant *grant)
{
    struct slab_run *run = grant->descriptor->record;
    struct granule *slab = &run->granule;
    struct slab_front *common = load_acquire(&run->own->common); // [A:common]
    const char *host = descriptor_host(load_relaxed(&grant->descriptor->word));
    struct place place = place_of(slab, host);
    uint32_t slot = granule_slot(slab, host);
    uint64_t owner = granule_owner(slab);
    mems_addr twice = 0;
    bool given;
    if (descriptor_generation(grant->addr) == 0) {
        slab_run_unname(policy, run, slot);
    }
    if (front != NULL && owner == front->self) {
        given = own_give(front, slab, place, slot);
    } else if (front == NULL && common != NULL && owner == common->front.self) {
        lock_lock(&policy->common);
        given = own_give(&common->front, slab, place, slot);
        lock_unlock(&policy->common);
    } else {
        given = strange_give(policy, run, slot, &twice);
    }
    return given ? twice : grant->addr;
}

static void give_one(struct slab_policy *policy, struct front *front, const struct grant *grant)
{
    struct descriptor *descriptor = grant->descriptor;
    mems_addr twice = 0;
    if (descriptor_arena(descriptor) == SLAB_SMALL) {
        twice = owned_may_return(grant) ? small_give(policy, front, grant) : grant->addr;
    } else {
        lock_lock(&policy->depot.lock);
        if (owned_may_return(grant)) {
            large_give(policy, descriptor);
        } else {
            twice = grant->addr;
        }
        slab_depot_unlock(policy);
    }
    visit_end(policy, twice);
}

static void slab_front_give(void *state, struct front *front, const struct grant *grant)
{
    give_one(state, front, grant);
}

static void slab_policy_give(void *state, const struct grant *grants, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        give_one(state, NULL, &grants[i]);
    }
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
    bool leaves = rounded < extent->size && size <= SLAB_LARGEST;
    int error = leaves ? ENOMEM : extents_resize(&policy->depot.extents, extent, rounded);
    lock_unlock(&policy->depot.lock);
    return error;
}

// A small block stays while its class fits it, and half of it is used or no smaller class would do.
static int slab_policy_resize(void *state, struct descriptor *descriptor, size_t size)
{
    if (descriptor_arena(descriptor) == SLAB_LARGE) {
        return large_resize(state, descriptor, size);
    }
    const struct granule *slab = &((const struct slab_run *)descriptor->record)->granule;
    bool stays = size <= slab->size && (size > slab->size / 2 || slab_class(size) == slab->class);
    return stays ? 0 : ENOMEM;
}

static size_t slab_policy_block_size(void *state, const struct descriptor *descriptor)
{
    (void)state;
    return descriptor_arena(descriptor) == SLAB_LARGE
               ? ((const struct extent *)descriptor->record)->size
               : ((const struct slab_run *)descriptor->record)->granule.size;
}

static size_t slab_policy_measure(void *state, const struct descriptor *descriptor)
{
    struct slab_policy *policy = state;
    lock_lock(&policy->depot.lock);
    bool taken = descriptor_state(load_relaxed(&descriptor->word)) != DESCRIPTOR_FREE;
    size_t size = taken ? slab_policy_block_size(state, descriptor) : 0;
    lock_unlock(&policy->depot.lock);
    return size;
}

// ---- spaces ------------------------------------------------------------------------------------

static int slab_policy_space_open(void *state, uint32_t space, void **owned)
{
    struct slab_policy *policy = state;
    lock_lock(&policy->depot.lock);
    struct slab_space *own = pool_take(&policy->depot.space_pool);
    if (own != NULL) {
        *own = (struct slab_space){.id = space, .policy = policy};
        list_init(&own->large);
        list_init(&own->runs);
        list_init(&own->fronts);
        for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
            list_init(&own->orphans[class]);
        }
        list_push_back(&policy->depot.spaces, &own->link);
    }
    lock_unlock(&policy->depot.lock);
    *owned = own;
    return own != NULL ? 0 : ENOMEM;
}

static void run_close(struct slab_policy *policy, struct slab_run *run,
                      struct policy_closed *closed)
{
    for (uint32_t slot = 0; slot < run->granule.count; slot++) {
        if (!ledger_is_free(&run->granule, slot)) {
            owned_end(load_relaxed(&run->descriptor[slot]), closed);
        }
    }
    slab_run_end(policy, run);
}

static void slab_policy_space_close(void *state, void *owned, struct policy_closed *closed)
{
    struct slab_policy *policy = state;
    struct slab_space *own = owned;
    lock_lock(&policy->depot.lock);
    while (!list_empty(&own->runs)) {
        run_close(policy, container_of(own->runs.next, struct slab_run, of_space), closed);
    }
    while (!list_empty(&own->large)) {
        struct extent *extent = container_of(own->large.next, struct extent, owned);
        owned_end(extent->descriptor, closed);
        large_give(policy, extent->descriptor);
    }
    while (!list_empty(&own->fronts)) {
        front_end(policy, container_of(own->fronts.next, struct slab_front, link));
    }
    list_remove(&own->link);
    pool_give(&policy->depot.space_pool, own);
    slab_depot_unlock(policy);
    slab_depot_trim(policy);
}

static const struct lock *slab_policy_lock_at(void *state, size_t index)
{
    const struct slab_policy *policy = state;
    return index == 0 ? &policy->common : index == 1 ? &policy->depot.lock : NULL;
}

// ---- the row -----------------------------------------------------------------------------------

#define FIELD(name) offsetof(struct slab_settings, name)

static const struct option slab_options[] = {
    {"capacity", OPTION_SIZE, 0, UINT64_C(1) << 46, NULL, "0..64Ti", "0",
     "memory for slabs and large blocks; 0: grows a region at a time", FIELD(capacity)},
    {"region", OPTION_SIZE, 1, UINT64_C(1) << 40, NULL, "1..1Ti", "1Mi",
     "least size of a new region, rounded up to pages", FIELD(region)},
    {0},
};

static const struct policy_front slab_front = {
    .open = slab_front_open,
    .close = slab_front_close,
    .trim = slab_front_trim,
    .take = slab_front_take,
    .give = slab_front_give,
    .look = slab_front_look,
    .check = slab_policy_check_fronts,
};

const struct policy policy_slab = {
    .name = "slab",
    .help = "size-class slabs, each owned by a thread; large blocks from extents",
    .options = slab_options,
    .front = &slab_front,
    .open = slab_policy_open,
    .close = slab_policy_close,
    .space_open = slab_policy_space_open,
    .space_close = slab_policy_space_close,
    .take = slab_policy_take,
    .give = slab_policy_give,
    .resize = slab_policy_resize,
    .block_size = slab_policy_block_size,
    .measure = slab_policy_measure,
    .walk = slab_policy_walk,
    .check = slab_policy_check,
    .totals = slab_policy_totals,
    .lock_at = slab_policy_lock_at,
};
