// SPDX-License-Identifier: MIT
//
// relocation.c - a mover that is wrong, in memory/relocation.c's place: explore must see it.
//
// BROKEN in the environment says how: grace (it does not wait for accesses), short (it copies too
// little), crash, deadlock, livelock; anything else is right.

#include "memory/relocation.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "os/os.h"
#include "sync/atomic.h"
#include "sync/lock.h"
#include "sync/section.h"

static bool is_broken(const char *how)
{
    const char *broken = getenv("BROKEN");
    return broken != NULL && strcmp(broken, how) == 0;
}

static void take_twice(void)
{
    static struct lock lock = LOCK_READY(LOCK_POOL, "twice");
    (void)lock_try(&lock);
    uint32_t never = 1;
    os_wait(&never, 1, 0);
}

bool relocation_mark(uint64_t *word, uint64_t resident, uint64_t moving)
{
    return cas_acquire(word, &resident, moving);
}

void relocation_wait(void)
{
    if (!is_broken("grace")) {
        section_wait();
    }
    if (is_broken("deadlock")) {
        take_twice();
    }
    while (is_broken("livelock")) {
        os_yield();
    }
}

void relocation_copy(void *to, const void *from, size_t length)
{
    schedule_point("copy", "block");
    memcpy(to, from, is_broken("short") ? length / 2 : length);
}

bool relocation_publish(uint64_t *word, uint64_t moving, uint64_t published)
{
    if (is_broken("crash")) {
        abort();
    }
    return cas_release(word, &moving, published);
}

uint64_t relocation_cancel(uint64_t *word, uint64_t moving, uint64_t resident)
{
    uint64_t found = moving;
    return cas_acq_rel(word, &found, resident) ? resident : found;
}
