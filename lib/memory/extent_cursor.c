// SPDX-License-Identifier: MIT
//
// extent_cursor.c - goes through extents that change between two steps.
//
// The cursor keeps the position up to which everything was seen, and an extent at or near it, which
// extent.c puts right when that extent is dropped, and extent_region.c when its region goes. From
// there it finds its way: back over what was cut in front, on over what has been seen.

#include <stddef.h>

#include "memory/extent.h"

void extents_cursor_begin(struct extents *extents, struct extent_cursor *cursor)
{
    *cursor = (struct extent_cursor){.position = 0};
    list_push_back(&extents->cursors, &cursor->link);
}

// The first extent of the cursor's region that was not seen, or NULL.
static struct extent *cursor_find(const struct extent_cursor *cursor)
{
    struct extent *extent = cursor->next;
    while (extent != NULL && extent->previous != NULL && extent->position > cursor->position) {
        extent = extent->previous; // cut from what has not been seen yet
    }
    while (extent != NULL &&
           (extent->position + extent->size <= cursor->position ||
            (extent->tag == EXTENT_BLOCK && extent->position < cursor->position))) {
        extent = extent->next;
    }
    return extent;
}

struct extent *extents_cursor_next(struct extents *extents, struct extent_cursor *cursor,
                                   uint64_t *from)
{
    struct extent *extent;
    while ((extent = cursor_find(cursor)) == NULL) {
        struct list *after =
            cursor->region == NULL ? extents->regions.next : cursor->region->link.next;
        cursor->next = NULL;
        if (after == &extents->regions) {
            return NULL;
        }
        cursor->region = container_of(after, struct region, link);
        cursor->next = cursor->region->first;
    }
    *from = extent->position > cursor->position ? extent->position : cursor->position;
    cursor->position = extent->position + extent->size;
    cursor->next = extent->next;
    return extent;
}

void extents_cursor_end(struct extent_cursor *cursor)
{
    list_remove(&cursor->link);
}
