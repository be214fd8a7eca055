// SPDX-License-Identifier: MIT
//
// thread.c - which front a thread allocates from.
//
// 1. States of a thread: NEW (front_here is front_none) -> KNOWN (it has a front) -> GONE.
// 2. The end. pthread calls the destructors of keys in at most four rounds, and other libraries'
//    destructors allocate and release in all of them. The front is closed in the first round in
//    which this key has its turn; afterwards the thread allocates from the common front
//    (heap/common.h), and never gets another of its own, which nobody would take away. One case is
//    left: a thread whose first allocation comes in the last round, after this key's turn. Its
//    front stays, and is the next thread's that has the same thread control block (front_open).
// 3. The first thread makes the key. Another that comes meanwhile does not wait; it uses the common
//    front until it comes again.
// 4. Keys and their values need no memory up to the 32nd; for those beyond, pthread_setspecific
//    calls calloc the first time in a thread, and overwrites what was set below it in that call. So
//    where this key came so late, a thread's first calloc does not make a front: it may be that
//    one.
// 5. An IFUNC resolver of the program may call malloc before the thread's initial values are there,
//    when front_here is still NULL. An IFUNC of this library, which is resolved before the
//    program's, sets it.

#include <pthread.h>

#include "heap/common.h"
#include "heap/depot.h"
#include "malloc/conf.h"
#include "malloc/malloc.h"
#include "sync/atomic.h"
#include "sync/thread.h"

#define KEYS_WITHOUT_MEMORY 32 // glibc's

enum malloc_key { KEY_NONE, KEY_MAKING, KEY_READY, KEY_REFUSED };

static uint32_t key_state; // [atomic] enum malloc_key
static pthread_key_t key;  // [ro] once KEY_READY
static __thread bool gone;

// ---- threads -----------------------------------------------------------------------------------

static void thread_end(void *value)
{
    gone = true;
    front_close(value);
    front_here = &front_none;
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
        front_close(front);
        front_here = &front_none;
        return NULL;
    }
    return front;
}

bool malloc_enter_late(void)
{
    return key_ready() && key >= KEYS_WITHOUT_MEMORY;
}

// A static program has no such values at all at that point, and ThreadSanitizer not its own.
#if !defined(MALLOC_STATIC) && !defined(MEMS_TSAN)
static void early(void)
{
}

// Called by the dynamic linker only, a use that not every compiler sees, and before a sanitizer is
// there.
__attribute__((used, no_sanitize_address)) static void (*early_resolve(void))(void)
{
    if (front_here == NULL) {
        front_here = &front_none;
    }
    return early;
}

static void early_call(void) __attribute__((ifunc("early_resolve")));
void (*const volatile malloc_early)(void) = early_call; // so that it is resolved
#endif
