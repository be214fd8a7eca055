// SPDX-License-Identifier: MIT
//
// cache.c - magazines of free blocks, owned by one thread, for one space.
//
// 1. Theory. Bonwick and Adams (USENIX 2001): a thread allocates from and frees into a stack of its
//    own; only when it runs empty or full a batch crosses to the shared layer, under its lock once.
//    There is no depot of magazines here: what is behind is the policy itself.
// 2. A block freed by another thread than its allocator goes into the freeing thread's magazine.
// 3. Batches start at one block and double to half a magazine with each refill, so that a thread
//    that allocates little does not hoard. Large classes have small magazines: at most 64 KiB or 4
//    blocks.
//    The block released last waits in front of the magazines, at a fixed place in the cache, for
//    the next release to put it away or an allocation of its class to take it. A release that wrote
//    to its magazine at once would know where only after four dependent loads (chunk, class, top,
//    slot), and the next allocation's loads wait until the processor knows where earlier stores go
//    (measured: that was all of a pair's 39 cycles).
// 4. Ownership. A cache belongs to its thread. Others only read its counters and counts (relaxed),
//    but for two moments that exclude the owner: its thread's end (the exit hook runs in that
//    thread) and the closing of the space (the caller excludes all other calls). The registry lock
//    makes these two exclude each other.
// 5. Finding. A thread finds its cache by the space's serial, which no other space ever had: the
//    last one, one of the recent ones, or in a tree, so that a thread may serve thousands of
//    spaces. An entry left over from a closed space can never match, and is never followed.
// 6. Fronts. What is behind may serve threads in a way of its own (cache_source.open). Then a cache
//    is a thread's record for the space, with its counters and the source's front, and has no
//    blocks.
// 7. A closed space's caches stay with their threads until these make new ones (no more of them
//    than caches in use) or end; the closing thread's own goes at once.
// 8. A thread that can get no cache (no memory, no thread key) goes to the source directly and
//    counts in `shared`; see engine/block.c.

#include "cache/cache.h"

#include <errno.h>
#include <string.h>

#include "os/os.h"
#include "sync/thread.h"

#ifdef MEMS_HOSTILE
#define MAGAZINE_LEAST 1
#define MAGAZINE_BYTES 256
#else
#define MAGAZINE_LEAST 4
#define MAGAZINE_BYTES 65536
#endif
#define BATCH_MOST 64

// Where in its first page a cache begins. The first descriptors of a chunk, the hottest ones, lie
// at the start of a page; a load whose address has the low 12 bits of a store in flight waits for
// it, so counters and magazines keep off those bits (measured: 6 % of a pair).
#define CACHE_COLOUR 1024

_Static_assert(BATCH_MOST <= UINT16_MAX, "a batch fits its counter");

struct cache_chunk {
    struct cache_chunk *next;
    size_t bytes;
};

struct cache cache_none;
_Thread_local struct cache *cache_last = &cache_none;

// Caches used not long ago, by serial.
static _Thread_local struct {
    uint64_t serial;
    struct cache *cache;
} cache_recent[CACHE_RECENT];

static bool before_by_serial(const struct tree_node *a, const struct tree_node *b)
{
    return container_of(a, const struct cache, node)->serial <
           container_of(b, const struct cache, node)->serial;
}

// All of this thread's caches.
static _Thread_local struct tree caches_own = {.before = before_by_serial};
static _Thread_local size_t caches_swept; // how many there were after the last sweep

static uint64_t serial_last; // [atomic] of the spaces
static uint64_t caches_made; // [atomic] caches ever made

// ---- life of a cache ---------------------------------------------------------------------------

void cache_counters_add(struct cache_counters *into, const struct cache_counters *from)
{
    uint64_t *a = (uint64_t *)into;
    const uint64_t *b = (const uint64_t *)from;
    for (size_t i = 0; i < sizeof *into / sizeof *a; i++) {
        a[i] += load_relaxed(&b[i]);
    }
}

// Unmaps a cache. Its blocks are gone already.
static void cache_destroy(struct cache *cache)
{
    for (struct cache_chunk *chunk = cache->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        os_unmap(chunk, chunk->bytes);
    }
}

// Memory for slots: from the cache's own chunks. NULL: the OS refused.
static void *cache_carve(struct cache *cache, size_t bytes)
{
    bytes = (bytes + 15) & ~(size_t)15;
    if (cache->arena_left < bytes) {
        size_t page = os_page_size();
        size_t size = (sizeof(struct cache_chunk) + bytes + page - 1) & ~(page - 1);
        struct cache_chunk *chunk = os_map(size, 0);
        if (chunk == NULL) {
            return NULL;
        }
        *chunk = (struct cache_chunk){.next = cache->chunks, .bytes = size};
        cache->chunks = chunk;
        cache->arena = (char *)(chunk + 1);
        cache->arena_left = size - sizeof *chunk;
        count_own(&cache->bytes, size);
    }
    void *memory = cache->arena;
    cache->arena += bytes;
    cache->arena_left -= bytes;
    return memory;
}

static struct cache *cache_create(struct cache_space *space)
{
    size_t page = os_page_size();
    size_t used = CACHE_COLOUR + sizeof(struct cache);
    size_t size = (used + 1024 + page - 1) & ~(page - 1);
    struct cache_chunk *chunk = os_map(size, 0);
    if (chunk == NULL) {
        return NULL;
    }
    chunk->bytes = size;
    struct cache *cache = (struct cache *)(void *)((char *)chunk + CACHE_COLOUR);
    cache->chunks = chunk;
    cache->bytes = size;
    cache->arena = (char *)(cache + 1);
    cache->arena_left = size - used;
    cache->serial = space->serial;
    cache->latest_class = CACHE_NONE;
    cache->thread = (uint16_t)(add_relaxed(&caches_made, 1) % UINT16_MAX + 1);
    cache->space = space;
    if (space->source.open != NULL && !space->source.open(space->source.backend, cache)) {
        cache_destroy(cache);
        return NULL;
    }
    return cache;
}

static struct cache *cache_of(struct tree_node *node)
{
    return node == NULL ? NULL : container_of(node, struct cache, node);
}

static struct cache *cache_after(struct cache *cache)
{
    return cache_of(tree_next(&cache->node));
}

// At a thread's end: hands its blocks back and leaves its counters behind.
static void cache_thread_end(void)
{
    thread_registry_lock();
    struct cache *next;
    for (struct cache *cache = cache_of(tree_first(&caches_own)); cache != NULL; cache = next) {
        struct cache_space *space = cache->space;
        next = cache_after(cache);
        tree_remove(&caches_own, &cache->node);
        if (space != NULL) { // else the space closed before
            cache_flush(cache);
            if (cache->front != NULL) {
                space->source.close(space->source.backend, cache);
            }
            lock_lock(&space->lock);
            list_remove(&cache->of_space);
            cache_counters_add(&space->ended, &cache->counters);
            lock_unlock(&space->lock);
        }
        cache_destroy(cache);
    }
    memset(cache_recent, 0, sizeof cache_recent);
    cache_last = &cache_none;
    thread_registry_unlock();
}

// Frees this thread's caches whose space has closed.
static void cache_sweep(void)
{
    thread_registry_lock();
    cache_last = &cache_none; // may be one of them
    struct cache *next;
    for (struct cache *cache = cache_of(tree_first(&caches_own)); cache != NULL; cache = next) {
        next = cache_after(cache);
        if (cache->space == NULL) {
            tree_remove(&caches_own, &cache->node);
            cache_destroy(cache);
        }
    }
    caches_swept = caches_own.count;
    thread_registry_unlock();
}

static struct cache *cache_make(struct cache_space *space)
{
    if (caches_own.count >= 2 * caches_swept) { // so the sweeps' cost is shared out
        cache_sweep();
    }
    if (!thread_at_exit(cache_thread_end) || thread_number() == 0) {
        return NULL;
    }
    struct cache *cache = cache_create(space);
    if (cache != NULL) {
        lock_lock(&space->lock);
        list_push_back(&space->caches, &cache->of_space);
        lock_unlock(&space->lock);
        tree_insert(&caches_own, &cache->node);
    }
    return cache;
}

static bool serial_at_least(const struct tree_node *node, const void *key)
{
    return container_of(node, const struct cache, node)->serial >= *(const uint64_t *)key;
}

// This thread's cache of that serial, or NULL.
static struct cache *cache_found(uint64_t serial)
{
    struct cache *cache = cache_of(tree_lower_bound(&caches_own, serial_at_least, &serial));
    return cache != NULL && cache->serial == serial ? cache : NULL;
}

// Frees one of this thread's caches, whose space has closed.
static void cache_forget(struct cache *cache)
{
    uint64_t recent = cache->serial % CACHE_RECENT;
    if (cache_recent[recent].serial == cache->serial) {
        cache_recent[recent].serial = 0; // of no space
    }
    if (cache_last == cache) {
        cache_last = &cache_none;
    }
    tree_remove(&caches_own, &cache->node);
    cache_destroy(cache);
}

static struct cache *cache_search(struct cache_space *space)
{
    uint64_t serial = space->serial;
    if (cache_recent[serial % CACHE_RECENT].serial == serial) {
        return cache_recent[serial % CACHE_RECENT].cache;
    }
    struct cache *cache = cache_found(serial);
    if (cache == NULL) {
        cache = cache_make(space);
        if (cache == NULL) {
            return NULL;
        }
    }
    cache_recent[serial % CACHE_RECENT].serial = serial;
    cache_recent[serial % CACHE_RECENT].cache = cache;
    return cache;
}

struct cache *cache_here_slow(struct cache_space *space)
{
    struct cache *cache = cache_search(space);
    if (cache != NULL) {
        cache_last = cache;
    }
    return cache;
}

// ---- a space's caches --------------------------------------------------------------------------

void cache_space_init(struct cache_space *space, const struct cache_classes *classes, unsigned room,
                      const struct cache_source *source)
{
    *space = (struct cache_space){.serial = add_relaxed(&serial_last, 1) + 1,
                                  .classes = classes,
                                  .room = room,
                                  .source = *source};
    lock_init(&space->lock, LOCK_SPACE, "space.caches", 0);
    list_init(&space->caches);
}

void cache_space_fini(struct cache_space *space)
{
    thread_registry_lock();
    lock_lock(&space->lock);
    while (!list_empty(&space->caches)) {
        struct cache *cache = container_of(space->caches.next, struct cache, of_space);
        list_remove(&cache->of_space);
        cache->space = NULL; // its thread frees it, in a sweep or at its end
    }
    lock_unlock(&space->lock);
    thread_registry_unlock();
    struct cache *own = cache_found(space->serial);
    if (own != NULL) {
        cache_forget(own);
    }
}

// ---- magazines ---------------------------------------------------------------------------------

// Gives a magazine its slots. false: the OS refused.
static bool magazine_open(struct cache *cache, unsigned class)
{
    struct magazine *magazine = &cache->magazine[class];
    uint64_t room = MAGAZINE_BYTES / cache->space->classes->size[class];
    room = room < MAGAZINE_LEAST ? MAGAZINE_LEAST : room;
    room = room > cache->space->room ? cache->space->room : room;
    struct grant *slots = cache_carve(cache, room * sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    magazine->end = slots + room;
    magazine->batch = 1;
    store_relaxed(&magazine->base, slots);
    store_release(&magazine->top, slots); // [R:magazine]
    return true;
}

static size_t magazine_count(const struct magazine *magazine)
{
    const struct grant *top = load_acquire(&magazine->top); // [A:magazine]
    return top == NULL ? 0 : (size_t)(top - load_relaxed(&magazine->base));
}

int cache_pop_slow(struct cache *cache, unsigned class, struct grant *grant)
{
    struct magazine *magazine = &cache->magazine[class];
    const struct cache_source *source = &cache->space->source;
    struct grant grants[BATCH_MOST];
    size_t wanted = 1;
    if (magazine->top != NULL || magazine_open(cache, class)) {
        size_t half = (size_t)(magazine->end - magazine->base) / 2;
        half = half < BATCH_MOST ? half : BATCH_MOST;
        wanted = magazine->batch;
        magazine->batch = wanted * 2 < half ? wanted * 2 : half > 1 ? half : 1;
    }
    int error = 0;
    size_t got = source->refill(source->backend, class, grants, wanted, &error);
    if (got == 0) {
        return error;
    }
    count_own(&cache->counters.misses, 1);
    count_own(&cache->counters.refills, 1);
    count_own(&cache->counters.refilled, got);
    *grant = grants[0];
    if (got > 1) {
        for (size_t i = 1; i < got; i++) { // the first one on top: the policy's order
            magazine->base[got - 1 - i] = grants[i];
        }
        store_relaxed(&magazine->top, magazine->base + got - 1);
    }
    return 0;
}

// Hands the `count` oldest blocks of a magazine back.
static void magazine_drain(struct cache *cache, struct magazine *magazine, size_t count)
{
    const struct cache_source *source = &cache->space->source;
    size_t held = magazine_count(magazine);
    for (size_t done = 0; done < count;) {
        size_t batch = count - done < BATCH_MOST ? count - done : BATCH_MOST;
        source->drain(source->backend, magazine->base + done, batch);
        count_own(&cache->counters.drains, 1);
        count_own(&cache->counters.drained, batch);
        done += batch;
    }
    memmove(magazine->base, magazine->base + count, (held - count) * sizeof *magazine->base);
    store_relaxed(&magazine->top, magazine->base + held - count);
}

// Puts the latest block into its magazine, which is full or not open, or hands it back.
static void latest_settle(struct cache *cache)
{
    unsigned class = (unsigned)cache->latest_class;
    struct magazine *magazine = &cache->magazine[class];
    store_relaxed(&cache->latest_class, CACHE_NONE);
    if (magazine->top == NULL && !magazine_open(cache, class)) {
        const struct cache_source *source = &cache->space->source;
        source->drain(source->backend, &cache->latest, 1);
        return;
    }
    if (magazine->top == magazine->end) {
        magazine_drain(cache, magazine, (magazine_count(magazine) + 1) / 2);
    }
    *magazine->top = cache->latest;
    store_relaxed(&magazine->top, magazine->top + 1);
}

void cache_push_slow(struct cache *cache, unsigned class, struct grant grant)
{
    count_own(&cache->counters.misses, 1);
    if (cache->latest_class != CACHE_NONE) {
        latest_settle(cache);
    }
    cache->latest = grant;
    store_relaxed(&cache->latest_class, class);
}

void cache_flush(struct cache *cache)
{
    if (cache->front != NULL) {
        cache->space->source.trim(cache->space->source.backend, cache);
        return;
    }
    if (cache->latest_class != CACHE_NONE) {
        latest_settle(cache);
    }
    for (unsigned class = 0; class < CLASSES_MOST; class ++) {
        size_t count = magazine_count(&cache->magazine[class]);
        if (count != 0) {
            magazine_drain(cache, &cache->magazine[class], count);
        }
    }
}

void cache_flush_thread(void)
{
    thread_registry_lock(); // a space may be closing
    for (struct cache *cache = cache_of(tree_first(&caches_own)); cache != NULL;
         cache = cache_after(cache)) {
        if (cache->space != NULL) {
            cache_flush(cache);
        }
    }
    thread_registry_unlock();
}

// ---- looking -----------------------------------------------------------------------------------

void cache_totals(struct cache_space *space, struct cache_totals *totals)
{
    memset(totals, 0, sizeof *totals);
    lock_lock(&space->lock);
    cache_counters_add(&totals->counters, &space->ended);
    cache_counters_add(&totals->counters, &space->shared);
    for (struct list *i = space->caches.next; i != &space->caches; i = i->next) {
        const struct cache *cache = container_of(i, struct cache, of_space);
        cache_counters_add(&totals->counters, &cache->counters);
        totals->metadata += load_relaxed(&cache->bytes);
        for (unsigned c = 0; space->classes != NULL && c < space->classes->count; c++) {
            uint64_t count = magazine_count(&cache->magazine[c]);
            totals->blocks += count;
            totals->bytes += count * space->classes->size[c];
        }
        uint64_t latest = load_relaxed(&cache->latest_class);
        if (latest != CACHE_NONE) {
            totals->blocks++;
            totals->bytes += space->classes->size[latest];
        }
    }
    lock_unlock(&space->lock);
}

static bool grant_check(const struct grant *grant, uint64_t class)
{
    uint64_t word = load_relaxed(&grant->descriptor->word);
    return descriptor_state(word) == DESCRIPTOR_CACHED &&
           descriptor_generation(word) == descriptor_generation(grant->addr) &&
           load_relaxed(&grant->descriptor->class) == class;
}

static const char *magazine_check(const struct magazine *magazine, unsigned class)
{
    if (magazine->top < magazine->base || magazine->top > magazine->end) {
        return "M1";
    }
    for (const struct grant *grant = magazine->base; grant != magazine->top; grant++) {
        if (!grant_check(grant, class)) {
            return "M2";
        }
    }
    return NULL;
}

const char *cache_check(struct cache_space *space)
{
    const char *broken = NULL;
    lock_lock(&space->lock);
    for (struct list *i = space->caches.next; i != &space->caches && broken == NULL; i = i->next) {
        const struct cache *cache = container_of(i, struct cache, of_space);
        if (cache->latest_class != CACHE_NONE &&
            !grant_check(&cache->latest, cache->latest_class)) {
            broken = "M2";
        }
        for (unsigned c = 0; c < CLASSES_MOST && broken == NULL; c++) {
            broken = magazine_check(&cache->magazine[c], c);
        }
    }
    lock_unlock(&space->lock);
    return broken;
}
