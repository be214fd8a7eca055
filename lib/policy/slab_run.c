// SPDX-License-Identifier: MIT
//
// slab_run.c - the slab policy's memory, and where its fronts get slabs from: the space's.

#include <errno.h>

#include "base/bits.h"
#include "heap/orphan.h"
#include "os/os.h"
#include "policy/slab.h"
#include "sync/section.h"
#include "sync/thread.h"

#define NAMED_MOST 16 // descriptors that one visit to the depot brings

// ---- the depot, its lock held ------------------------------------------------------------------

static uint32_t class_count(unsigned class)
{
    return (uint32_t)(GRANULE_BYTES / slab_class_size(class));
}

// Where the inbox begins in a record of the class: on a line of cache.
static size_t inbox_offset(unsigned class)
{
    uint64_t offset = 0;
    bits_round_up(sizeof(struct slab_run) + class_count(class) * sizeof(void *), 64, &offset);
    return offset;
}

static size_t ledger_offset(unsigned class)
{
    const struct granule shape = {.count = (uint16_t)class_count(class)};
    return inbox_offset(class) + (size_t)(64 * ledger_lines(&shape));
}

void slab_depot_init(struct slab_depot *depot, const struct slab_settings *settings,
                     struct descriptor_table *table)
{
    bool bounded = settings->capacity != 0;
    struct extents_settings set = {
        .fit = EXTENT_FIRST,
        .returns = !bounded,
        .granule = SLAB_GRANULE,
        .step = bounded ? 0 : settings->region,
        .stand = GRANULE_BYTES,
    };
    lock_init(&depot->lock, LOCK_POLICY, "slab.depot", 1);
    descriptor_shelf_init(&depot->shelf, table);
    list_init(&depot->spaces);
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        size_t inbox = inbox_offset(class), ledger = ledger_offset(class);
        pool_init(&depot->records[class], ledger + (ledger - inbox));
        list_init(&depot->spare[class]);
    }
    pool_init(&depot->space_pool, sizeof(struct slab_space));
    pool_init(&depot->front_pool, sizeof(struct slab_front));
    (void)extents_init(&depot->extents, &set); // first fit has no memory of its own
}

void slab_depot_fini(struct slab_depot *depot)
{
    extents_fini(&depot->extents);
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        pool_fini(&depot->records[class]);
    }
    pool_fini(&depot->space_pool);
    pool_fini(&depot->front_pool);
}

int slab_depot_grow(struct slab_depot *depot, uint64_t size, uint64_t align)
{
    int error = extents_grow(&depot->extents, size, align);
    uint64_t held = depot->extents.held_bytes;
    depot->held_peak = held > depot->held_peak ? held : depot->held_peak;
    return error;
}

void slab_depot_unlock(struct slab_policy *policy)
{
    struct slab_depot *depot = &policy->depot;
    store_relaxed(&depot->surplus, depot->extents.surplus);
    lock_unlock(&depot->lock);
}

void slab_depot_trim(struct slab_policy *policy)
{
    struct slab_depot *depot = &policy->depot;
    if (!load_relaxed(&depot->surplus) || section_inside() || thread_ending()) {
        return; // what is left stays, for a later release to see
    }
    lock_lock(&depot->lock);
    uint64_t mark = depot->extents.emptied;
    bool surplus = depot->extents.surplus;
    lock_unlock(&depot->lock);
    if (surplus) {
        section_wait();
        lock_lock(&depot->lock);
        extents_trim(&depot->extents, mark);
        slab_depot_unlock(policy);
    }
}

int slab_depot_cut(struct slab_policy *policy, uint64_t size, uint64_t align, bool grow,
                   uint64_t block, struct extent **extent)
{
    struct slab_depot *depot = &policy->depot;
    struct grant probe;
    int error = extents_take(&depot->extents, size, align, extent);
    if (error != ENOSPC || !grow || policy->settings.capacity != 0) {
        return error;
    }
    error = extents_reserve(&depot->extents);
    if (error == 0) {
        error = descriptor_take(&depot->shelf, block, NULL, &probe);
    }
    if (error == 0) {
        descriptor_give(&depot->shelf, probe.descriptor);
        // Every region begins as slabs want to stand.
        error = slab_depot_grow(depot, size, align > GRANULE_BYTES ? align : 1);
    }
    return error != 0 ? error : extents_take(&depot->extents, size, align, extent);
}

// ---- runs --------------------------------------------------------------------------------------

static struct slab_run *record_take(struct slab_depot *depot, unsigned class)
{
    struct list *spare = &depot->spare[class];
    if (list_empty(spare)) {
        return pool_take(&depot->records[class]);
    }
    struct granule *granule = container_of(spare->next, struct granule, ring);
    list_remove(&granule->ring);
    return container_of(granule, struct slab_run, granule);
}

static void record_give(struct slab_depot *depot, struct slab_run *run, unsigned class)
{
    list_push_front(&depot->spare[class], &run->granule.ring);
}

static int run_open(struct slab_front *front, unsigned class, struct slab_run **result)
{
    struct slab_space *own = front->own;
    struct slab_depot *depot = &own->policy->depot;
    uint32_t size = slab_class_size(class), count = class_count(class);
    struct extent *extent;
    struct slab_run *run = record_take(depot, class);
    if (run == NULL) {
        return ENOMEM;
    }
    int error = slab_depot_cut(own->policy, GRANULE_BYTES, GRANULE_BYTES, true, size, &extent);
    if (error != 0) {
        record_give(depot, run, class);
        return error;
    }
    struct granule *slab = &run->granule;
    store_relaxed(&slab->owner, front->front.self);
    slab->reciprocal = PLACE_RECIPROCAL(size);
    slab->ledger = (struct ledger *)(void *)((char *)run + ledger_offset(class));
    slab->size = size;
    slab->count = (uint16_t)count;
    slab->class = (uint8_t) class;
    slab->kind = GRANULE_SLAB;
    slab->extent = extent;
    slab->zeroed = false;
    ledger_init(slab);
    for (uint32_t slot = 0; slot < count; slot++) {
        store_relaxed(&run->descriptor[slot], NULL);
    }
    run->own = own;
    run->serial = ++depot->last_serial;
    run->orphan = false;
    list_push_back(&own->runs, &run->of_space);
    extent->held = true;
    extent->holder = run;
    depot->run_count++;
    *result = run;
    return 0;
}

void slab_run_end(struct slab_policy *policy, struct slab_run *run)
{
    struct slab_depot *depot = &policy->depot;
    struct granule *slab = &run->granule;
    for (uint32_t slot = 0; slot < slab->count; slot++) {
        struct descriptor *descriptor = load_relaxed(&run->descriptor[slot]);
        if (descriptor != NULL) {
            descriptor_give(&depot->shelf, descriptor);
        }
    }
    store_relaxed(&slab->owner, 0);
    run->serial = 0;
    run->orphan = false;
    list_remove(&run->of_space);
    depot->run_count--;
    extents_give(&depot->extents, slab->extent);
    record_give(depot, run, slab->class);
}

int slab_run_name(struct slab_policy *policy, struct slab_run *run, uint32_t slot)
{
    struct slab_depot *depot = &policy->depot;
    const struct granule *slab = &run->granule;
    uint32_t end = slot + NAMED_MOST < slab->count ? slot + NAMED_MOST : slab->count;
    int error = 0;
    lock_lock(&depot->lock);
    for (uint32_t i = slot; i < end && error == 0; i++) {
        struct grant grant;
        if (load_relaxed(&run->descriptor[i]) != NULL) {
            continue;
        }
        error = descriptor_take(&depot->shelf, slab->size, slab_host(run, i), &grant);
        if (error == 0) {
            grant.descriptor->record = run;
            descriptor_own(grant.descriptor, run->own->id, SLAB_SMALL);
            store_relaxed(&run->descriptor[i], grant.descriptor);
        }
    }
    lock_unlock(&depot->lock);
    return load_relaxed(&run->descriptor[slot]) != NULL ? 0 : error;
}

void slab_run_unname(struct slab_policy *policy, struct slab_run *run, uint32_t slot)
{
    struct slab_depot *depot = &policy->depot;
    lock_lock(&depot->lock);
    descriptor_give(&depot->shelf, load_relaxed(&run->descriptor[slot]));
    store_relaxed(&run->descriptor[slot], NULL);
    lock_unlock(&depot->lock);
}

// ---- orphans, the depot's lock held ------------------------------------------------------------

static mems_addr block_addr(const struct slab_run *run, uint32_t slot)
{
    const struct descriptor *descriptor = load_relaxed(&run->descriptor[slot]);
    return descriptor != NULL ? descriptor_addr(descriptor) : 0;
}

// Takes in what was returned to a run that nobody owns. Whether it is empty.
static bool run_collect(struct slab_run *run, mems_addr *twice)
{
    uint32_t slot;
    (void)ledger_collect(&run->granule, &slot);
    if (slot != SLOT_NONE) {
        *twice = block_addr(run, slot);
    }
    return ledger_is_empty(&run->granule);
}

void slab_run_look(struct slab_policy *policy, struct slab_run *run, mems_addr *twice)
{
    lock_lock(&policy->depot.lock);
    if (run->orphan && run_collect(run, twice)) { // else another was here
        orphan_remove(&run->own->orphan_count[run->granule.class], &run->granule);
        slab_run_end(policy, run);
    }
    slab_depot_unlock(policy);
}

void slab_spares_end(struct slab_policy *policy)
{
    struct slab_depot *depot = &policy->depot;
    lock_lock(&depot->lock);
    for (struct list *i = depot->spaces.next; i != &depot->spaces; i = i->next) {
        struct slab_space *own = container_of(i, struct slab_space, link);
        for (struct list *k = own->fronts.next; k != &own->fronts; k = k->next) {
            struct front *front = &container_of(k, struct slab_front, link)->front;
            for (struct granule *slab; (slab = front_borrow(front)) != NULL;) {
                slab_run_end(policy, container_of(slab, struct slab_run, granule));
            }
        }
    }
    slab_depot_unlock(policy);
}

// ---- what is behind a front --------------------------------------------------------------------

static struct granule *source_open(struct front *front, unsigned class)
{
    struct slab_front *self = container_of(front, struct slab_front, front);
    struct slab_depot *depot = &self->own->policy->depot;
    struct slab_run *run = NULL;
    lock_lock(&depot->lock);
    self->error = run_open(self, class, &run);
    lock_unlock(&depot->lock);
    return run != NULL ? &run->granule : NULL;
}

static void source_close(struct front *front, struct granule *slab)
{
    struct slab_policy *policy = container_of(front, struct slab_front, front)->own->policy;
    lock_lock(&policy->depot.lock);
    slab_run_end(policy, container_of(slab, struct slab_run, granule));
    slab_depot_unlock(policy);
}

static struct granule *source_orphan_get(struct front *front, unsigned class)
{
    struct slab_space *own = container_of(front, struct slab_front, front)->own;
    if (load_relaxed(&own->orphan_count[class]) == 0) {
        return NULL;
    }
    struct slab_depot *depot = &own->policy->depot;
    lock_lock(&depot->lock);
    struct granule *slab =
        orphan_adopt(&own->orphans[class], &own->orphan_count[class], front->self);
    if (slab != NULL) {
        container_of(slab, struct slab_run, granule)->orphan = false;
    }
    lock_unlock(&depot->lock);
    return slab;
}

// Where there is mail the last block may have come meanwhile: who brought it has seen an owner.
static void source_orphans_put(struct front *front, struct list *slabs)
{
    struct slab_front *self = container_of(front, struct slab_front, front);
    struct slab_space *own = self->own;
    struct slab_policy *policy = own->policy;
    lock_lock(&policy->depot.lock);
    while (!list_empty(slabs)) {
        struct granule *slab = container_of(slabs->next, struct granule, ring);
        struct slab_run *run = container_of(slab, struct slab_run, granule);
        list_remove(&slab->ring);
        if (orphan_make(slab) && run_collect(run, &self->twice)) {
            slab_run_end(policy, run);
        } else {
            run->orphan = true;
            orphan_push(&own->orphans[slab->class], &own->orphan_count[slab->class], slab);
        }
    }
    slab_depot_unlock(policy);
}

static void source_twice(struct front *front, const struct granule *slab, uint32_t slot)
{
    container_of(front, struct slab_front, front)->twice =
        block_addr(container_of(slab, struct slab_run, granule), slot);
}

const struct front_source slab_source = {
    .slab_open = source_open,
    .slab_close = source_close,
    .orphan_get = source_orphan_get,
    .orphans_put = source_orphans_put,
    .twice = source_twice,
    .tags = offsetof(struct slab_run, descriptor),
};
