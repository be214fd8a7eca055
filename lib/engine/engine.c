// SPDX-License-Identifier: MIT
//
// engine.c - engines and spaces: opening and closing.
//
// Locking. The engine's lock (rank LOCK_ENGINE) guards its list of spaces. A closing space's caches
// are forgotten first (registry lock, so that an ending thread is either before or after), then the
// policy takes back what it owned, then the space leaves the list and its counters join `closed`.

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/bits.h"
#include "engine/engine.h"
#include "os/os.h"
#include "sync/thread.h"

int mems_engine_open(const struct mems_config *config, struct mems_engine **engine)
{
    static const struct mems_config standard;
    _Alignas(16) char policy_settings[POLICY_SETTINGS];
    struct engine_settings settings;
    const struct policy *policy;
    struct complaint complaint;
    complaint_init(&complaint);
    int error = config_parse(config != NULL ? config : &standard, &settings, policy_settings,
                             &policy, &complaint.printer);
    if (error != 0) {
        return complaint_fail(&complaint, error);
    }
    uint64_t bytes = 0;
    bits_round_up(sizeof(struct mems_engine), os_page_size(), &bytes);
    struct mems_engine *new = os_map(bytes, 0);
    if (new == NULL) {
        return complaint_raise("no memory for the engine's records", ENOMEM);
    }
    new->mapped = bytes;
    new->policy = policy;
    new->settings = settings;
    new->flat = policy->flat != NULL && policy->flat(policy_settings);
    new->front = settings.thread_cache ? policy->front : NULL;
    new->cached = settings.thread_cache && !new->flat &&new->front == NULL;
    lock_init(&new->lock, LOCK_ENGINE, "engine.spaces", 0);
    pool_init(&new->space_pool, sizeof(struct mems_space));
    list_init(&new->spaces);
    descriptor_table_init(&new->table);
    struct policy_site site = {.table = &new->table,
                               .references = config != NULL ? config->references : NULL,
                               .reference_count = config != NULL ? config->reference_count : 0};
    error = policy->open(policy_settings, &site, &new->state, &complaint.printer);
    if (error != 0) {
        if (complaint.printer.length == 0) {
            print_text(&complaint.printer, "the operating system has no memory for such an engine");
        }
        os_unmap(new, new->mapped);
        return complaint_fail(&complaint, error);
    }
    policy = new->policy = site.instead != NULL ? site.instead : policy;
    new->moves = site.moves;
    new->drops = site.drops;
    size_t count = 0;
    const uint64_t *sizes = policy->classes != NULL ? policy->classes(new->state, &count) : NULL;
    if (new->cached) {
        cache_classes_init(&new->classes, sizes, count, settings.cache_limit);
    }
    *engine = new;
    return 0;
}

void mems_engine_close(struct mems_engine *engine)
{
    if (engine == NULL) {
        return;
    }
    while (!list_empty(&engine->spaces)) {
        mems_space_close(container_of(engine->spaces.next, struct mems_space, link));
    }
    engine->policy->close(engine->state);
    descriptor_table_fini(&engine->table);
    pool_fini(&engine->space_pool);
    os_unmap(engine, engine->mapped);
}

// Called with the engine's lock held.
static int space_make_locked(struct mems_engine *engine, struct mems_space **space)
{
    if (engine->flat && !list_empty(&engine->spaces)) {
        return complaint_raise("addresses=flat: such an engine has one space only", ENOTSUP);
    }
    if (engine->last_space == DESCRIPTOR_NOBODY - 1 ||
        (*space = pool_take(&engine->space_pool)) == NULL) {
        return complaint_raise("no memory for the space's records", ENOMEM);
    }
    memset(*space, 0, sizeof **space);
    (*space)->id = ++engine->last_space;
    return 0;
}

int mems_space_open(struct mems_engine *engine, struct mems_space **space)
{
    struct mems_space *new = NULL;
    lock_lock(&engine->lock);
    int error = space_make_locked(engine, &new);
    if (error == 0) {
        new->engine = engine;
        new->table = &engine->table;
        new->small = engine->table.directory;
        new->flat = engine->flat;
        new->cached_most = engine->classes.largest;
        struct cache_source source = engine->front != NULL ? block_front_source : block_source;
        source.backend = new;
        cache_space_init(&new->cache, engine->cached ? &engine->classes : NULL,
                         (unsigned)engine->settings.cache_blocks, &source);
        new->release_serial = engine->moves ? CACHE_NONE : new->cache.serial;
        new->alloc_serial = engine->drops ? CACHE_NONE : new->cache.serial;
        new->front_serial = CACHE_NONE;
        if (engine->front != NULL) {
            new->front_serial = new->cache.serial;
            new->alloc_serial = new->release_serial = CACHE_NONE;
        }
        list_push_back(&engine->spaces, &new->link);
    }
    lock_unlock(&engine->lock);
    if (error != 0) {
        return error;
    }
    error = engine->policy->space_open(engine->state, new->id, &new->owned);
    if (error != 0) {
        lock_lock(&engine->lock);
        list_remove(&new->link);
        pool_give(&engine->space_pool, new);
        lock_unlock(&engine->lock);
        return complaint_raise("no memory for the space's records", error);
    }
    if (engine->policy->pages != NULL) {
        new->pages = engine->policy->pages(new->owned);
    }
    new->direct = new->pages == NULL ? new->id : 0;
    *space = new;
    return 0;
}

void mems_space_close(struct mems_space *space)
{
    if (space == NULL) {
        return;
    }
    struct mems_engine *engine = space->engine;
    struct policy_closed closed = {0};
    struct cache_totals totals;
    cache_totals(&space->cache, &totals);
    cache_space_fini(&space->cache);
    engine->policy->space_close(engine->state, space->owned, &closed);
    totals.counters.releases += closed.blocks;
    totals.counters.direct += closed.blocks;
    totals.counters.requested -= closed.requested;
    lock_lock(&engine->lock);
    list_remove(&space->link);
    cache_counters_add(&engine->closed, &totals.counters);
    pool_give(&engine->space_pool, space);
    lock_unlock(&engine->lock);
}

uint32_t mems_space_id(const struct mems_space *space)
{
    return space->id;
}

void mems_thread_flush(void)
{
    cache_flush_thread();
}

mems_corruption_hook mems_on_corruption(mems_corruption_hook hook)
{
    return corruption_on(hook);
}
