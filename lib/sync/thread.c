// SPDX-License-Identifier: MIT
//
// thread.c - thread numbers, and exit hooks through one pthread key.
//
// 1. States of a thread: NEW -> JOINING -> KNOWN -> ENDING (its hooks run) -> GONE, or JOINING ->
//    GONE when it cannot be registered. In JOINING pthread_setspecific may allocate and come back
//    here: it gets 0.
// 2. The end. pthread calls the key's destructor in the first of at most four rounds in which the
//    key has a value. Other destructors may allocate after that, in the same round or in a later
//    one. Such a thread stays GONE. Registering it again would run its hooks again in the next
//    round, but there is no telling which round is the last (a thread may allocate for the first
//    time in any of them), and what is registered in the last one is never cleared away: a whole
//    cache a thread is what real allocators leak there. Without a number it has no cache and
//    leaves nothing. One case is left: a thread whose very first step here comes in the last round,
//    after this key's turn, keeps its number and what its caches hold; no thread can leave more
//    than that one cache, and numbers end at THREAD_COUNT.
// 3. Numbers. Those given back wait in a bitmap; the smallest is given out first.
// 4. Locking. One lock, never held while a hook or a pthread function runs, but for
//    pthread_key_create, which neither blocks nor allocates.

#include "sync/thread.h"

#include <assert.h>
#include <pthread.h>
#include <stddef.h>

#include "base/bitmap.h"
#include "sync/atomic.h"
#include "sync/lock.h"

enum thread_state { THREAD_NEW, THREAD_JOINING, THREAD_KNOWN, THREAD_ENDING, THREAD_GONE };

// Bits for THREAD_COUNT numbers and the levels above them.
#define BITMAP_WORDS ((THREAD_COUNT + 1) / 64 + (THREAD_COUNT + 1) / 4096 + 1)
static_assert(THREAD_COUNT == 64 * 64 * 16 - 1, "a bitmap of three levels");

static struct {
    struct lock lock;                                    // rank LOCK_THREADS
    enum { KEY_NONE, KEY_READY, KEY_REFUSED } key_state; // [lock]
    pthread_key_t key;                                   // [ro] once key_state is KEY_READY
    uint32_t highest;                                    // [lock] numbers given out so far
    struct bitmap returned; // [lock] of these, given back; bit i is number i + 1
    uint64_t bits[BITMAP_WORDS];
    void (*hooks[THREAD_HOOKS])(void); // [lock] to add; readers go by hook_count
    uint32_t hook_count;               // [atomic]
} registry = {.lock = LOCK_READY(LOCK_THREADS, "threads")};

static __thread enum thread_state self_state;
static __thread uint32_t self_number; // 0 unless THREAD_KNOWN

void thread_registry_lock(void)
{
    lock_lock(&registry.lock);
}

void thread_registry_unlock(void)
{
    lock_unlock(&registry.lock);
}

static void number_put(uint32_t number)
{
    lock_lock(&registry.lock);
    bitmap_insert(&registry.returned, number - 1);
    lock_unlock(&registry.lock);
}

// The pthread key's destructor: this thread ends.
static void thread_end(void *value)
{
    (void)value;
    self_state = THREAD_ENDING;
    for (uint32_t i = load_acquire(&registry.hook_count); i > 0; i--) { // [A:thread hooks]
        registry.hooks[i - 1]();
    }
    uint32_t number = self_number;
    self_number = 0;
    self_state = THREAD_GONE;
    number_put(number);
}

static bool key_ready_locked(void)
{
    if (registry.key_state == KEY_NONE) {
        bitmap_init(&registry.returned, THREAD_COUNT, registry.bits);
        bool made = pthread_key_create(&registry.key, thread_end) == 0;
        registry.key_state = made ? KEY_READY : KEY_REFUSED;
    }
    return registry.key_state == KEY_READY;
}

// A free number, or 0. Makes the key when this is the first thread.
static uint32_t number_get(void)
{
    uint32_t number = 0;
    lock_lock(&registry.lock);
    if (key_ready_locked()) {
        uint64_t bit = bitmap_first(&registry.returned);
        if (bit != BITMAP_NONE) {
            bitmap_remove(&registry.returned, bit);
            number = (uint32_t)bit + 1;
        } else if (registry.highest < THREAD_COUNT) {
            number = ++registry.highest;
        }
    }
    lock_unlock(&registry.lock);
    return number;
}

static void thread_join(void)
{
    self_state = THREAD_JOINING;
    uint32_t number = number_get();
    if (number != 0 && pthread_setspecific(registry.key, &registry) != 0) {
        number_put(number);
        number = 0;
    }
    self_number = number;
    self_state = number != 0 ? THREAD_KNOWN : THREAD_GONE;
}

uint32_t thread_number(void)
{
    if (self_state == THREAD_NEW) {
        thread_join();
    }
    return self_number;
}

bool thread_ending(void)
{
    return self_state == THREAD_ENDING;
}

bool thread_at_exit(void (*hook)(void))
{
    bool there = false;
    lock_lock(&registry.lock);
    uint32_t count = load_relaxed(&registry.hook_count);
    for (uint32_t i = 0; i < count && !there; i++) {
        there = registry.hooks[i] == hook;
    }
    if (!there && count < THREAD_HOOKS) {
        registry.hooks[count] = hook;
        store_release(&registry.hook_count, count + 1); // [R:thread hooks]
        there = true;
    }
    lock_unlock(&registry.lock);
    return there;
}
