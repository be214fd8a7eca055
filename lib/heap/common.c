// SPDX-License-Identifier: MIT
//
// common.c - the front of threads that have none.

#include "heap/common.h"

#include "heap/depot.h"
#include "sync/lock.h"

static struct {
    struct lock lock; // rank LOCK_SPACE
    bool open;
    struct front front;
} common = {.lock = LOCK_READY(LOCK_SPACE, "heap.common")};

static void common_lock(void)
{
    depot_settle();
    lock_lock(&common.lock);
}

void *common_take(unsigned class, bool *zeroed)
{
    common_lock();
    if (!common.open) {
        front_init(&common.front, COMMON_SELF, &front_of_depot);
        common.open = true;
    }
    void *block = front_take(&common.front, class, zeroed);
    lock_unlock(&common.lock);
    return block;
}

void common_trim(void)
{
    common_lock();
    if (common.open) {
        front_trim(&common.front);
    }
    lock_unlock(&common.lock);
}

bool common_is_mine(void)
{
    return lock_is_mine(&common.lock);
}

void common_reset(void)
{
    if (!common_is_mine()) {
        lock_init(&common.lock, LOCK_SPACE, "heap.common", 0);
        common.open = false;
    }
}
