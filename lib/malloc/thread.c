// SPDX-License-Identifier: MIT
//
// thread.c - which front a thread allocates from.
//
// 1. States of a thread: NEW (front_here is front_none) -> KNOWN (it has a front) -> GONE.
// 2. The end. pthread calls the destructors of keys in at most four rounds, and other libraries'
//    destructors allocate and release in all of them. So this one asks for another round as long as
//    there is one, and takes the front away in the last. What comes after that in the same round
//    allocates from the common front: a thread that is gone never gets another, which nobody
//    would take away.
// 3. The common front has no thread. Its slabs belong to COMMON_SELF, which no thread is: everybody
//    releases its blocks as a stranger does, also who took them; taking is under a lock.
// 4. The first thread makes the key. Another that comes meanwhile does not wait; it uses the common
//    front until it comes again. Keys and their values need no memory up to the 32nd key; beyond,
//    pthread_setspecific calls calloc, which finds front_here set already.

#include <limits.h>
#include <pthread.h>

#include "heap/depot.h"
#include "malloc/conf.h"
#include "malloc/malloc.h"
#include "sync/lock.h"
#include "sync/thread.h"

#define COMMON_SELF 1 // no address of a thread control block

// ThreadSanitizer takes its own state of a thread away in the last round.
#ifdef MEMS_TSAN
#define LAST_ROUND (PTHREAD_DESTRUCTOR_ITERATIONS - 1)
#else
#define LAST_ROUND PTHREAD_DESTRUCTOR_ITERATIONS
#endif

enum malloc_key { KEY_NONE, KEY_MAKING, KEY_READY, KEY_REFUSED };

static uint32_t key_state; // [atomic] enum malloc_key
static pthread_key_t key;  // [ro] once KEY_READY
static __thread bool gone;
static __thread unsigned rounds;

static struct {
    struct lock lock; // rank LOCK_SPACE: taken before a depot's
    bool open;
    struct front front;
} common = {.lock = LOCK_READY(LOCK_SPACE, "heap.common")};

// ---- threads -----------------------------------------------------------------------------------

static void thread_end(void *value)
{
    struct front *front = value;
    if (++rounds < LAST_ROUND && pthread_setspecific(key, front) == 0) {
        return;
    }
    gone = true;
    front_here = &front_none;
    front_close(front);
}

static bool key_ready(void)
{
    uint32_t state = load_acquire(&key_state);                              // [A:key]
    if (state == KEY_NONE && cas_acquire(&key_state, &state, KEY_MAKING)) { // [A:key]
        bool made = pthread_key_create(&key, thread_end) == 0;
        malloc_fork_init();
        conf_read();
        state = made ? KEY_READY : KEY_REFUSED;
        store_release(&key_state, state); // [R:key]
    }
    return state == KEY_READY;
}

struct front *malloc_enter(void)
{
    if (gone || !key_ready()) {
        return NULL;
    }
    struct front *front = front_open(thread_self());
    if (front == NULL) {
        return NULL;
    }
    front_here = front;
    if (pthread_setspecific(key, front) != 0) {
        gone = true;
        front_here = &front_none;
        front_close(front);
        return NULL;
    }
    return front;
}

// ---- the common front --------------------------------------------------------------------------

void *malloc_common_take(unsigned class, bool *zeroed)
{
    lock_lock(&common.lock);
    if (!common.open) {
        front_init(&common.front, COMMON_SELF);
        common.open = true;
    }
    void *block = front_take(&common.front, class, zeroed);
    lock_unlock(&common.lock);
    return block;
}

void malloc_common_trim(void)
{
    lock_lock(&common.lock);
    if (common.open) {
        front_trim(&common.front);
    }
    lock_unlock(&common.lock);
}

void malloc_common_reset(void)
{
    lock_init(&common.lock, LOCK_SPACE, "heap.common", 0);
    common.open = false;
}
