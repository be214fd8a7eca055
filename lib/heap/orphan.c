// SPDX-License-Identifier: MIT
//
// orphan.c - slabs that nobody owns (see orphan.h).

#include "heap/orphan.h"

#include "base/container.h"
#include "heap/ledger.h"

#define ORPHANS_SEEN 4

bool orphan_make(struct granule *slab)
{
    // [R:orphan]: and what strangers say stays
    return (and_acq_rel(&slab->owner, GRANULE_MAIL) & GRANULE_MAIL) != 0;
}

void orphan_push(struct list *orphans, uint32_t *count, struct granule *slab)
{
    list_push_back(orphans, &slab->ring);
    store_relaxed(count, *count + 1);
}

void orphan_remove(uint32_t *count, struct granule *slab)
{
    list_remove(&slab->ring);
    store_relaxed(count, *count - 1);
}

struct granule *orphan_adopt(struct list *orphans, uint32_t *count, uint64_t self)
{
    for (unsigned i = 0; i < ORPHANS_SEEN && !list_empty(orphans); i++) {
        struct granule *slab = container_of(orphans->next, struct granule, ring);
        if (ledger_count(slab, 1) != 0 || granule_has_mail(slab)) {
            orphan_remove(count, slab);
            (void)or_acq_rel(&slab->owner, self); // it was nobody's
            return slab;                          // [A:orphan]: under the lock
        }
        list_remove(&slab->ring);
        list_push_back(orphans, &slab->ring);
    }
    return NULL;
}
