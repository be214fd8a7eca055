// SPDX-License-Identifier: MIT
//
// extent_move.c - blocks moved together, a batch at a time.
//
// 1. Theory. Compaction by sliding (Haddon and Waite, 1967) keeps the blocks' order and moves each
//    to the end of the one before; moving the highest block into the lowest hole that it fits moves
//    the fewest, and shuffles them. Here a block's new place must be disjoint from its old one
//    (memory/relocation.c), and old places become free only when a batch is settled.
// 2. Order ADDRESS. The lowest hole is filled with the blocks after it, in their order, until one
//    does not fit; then the batch is settled, and what they left has joined the hole. So the hole
//    travels up and takes in those it meets, and the batches grow with it. A block that is larger
//    than the hole right before it cannot slide. It is *parked* in a hole above, with the blocks
//    behind it that have the same trouble, and comes back down in the next batch; where no such
//    hole is, or its alignment gains nothing, it stays. Where coalescing is deferred each step
//    sweeps first: the hole must take in what it meets. Buddies stand where they must and cannot
//    slide; their extents have no passes.
// 3. Order TOP. From the highest block down: each goes into a hole below it, if there is one: with
//    fit=first or next the lowest in which it fits, with the others the one that the fit picks. A
//    block whose pick lies above it stays: so with best and tlsf, which ask for a size and not for
//    a place, more may be left behind.
// 4. What stays. A CACHED block is never marked (its thread turns it by a plain store), nor is one
//    that was in use at its turn tried twice in a pass. Blocks from above may pass these: they fill
//    the hole that such a block leaves below it.
// 5. Locking. Choosing, reserving and marking is one critical section of the owner's lock, and so
//    is publishing with all that depends on where a block is (its record, its owner's list). In
//    between, without the lock, blocks may be released, resized, shared; each of these changes the
//    word, and then the move is abandoned. A block given up in between is still being copied: its
//    region stays mapped while extents->pinned is not 0. Who unmaps empty regions asks for that
//    (memory/extent_region.c), and looks again when the pass is over.
//    A step looks at STEP_EXTENTS extents at most, so that nobody waits long for the lock.
// 6. Cursors are the ones of walks (memory/extent_cursor.c): a position, and an extent near it that
//    is put right when that extent goes.
// 7. If you change this: the new extent takes over the old one's place in its owner's list and its
//    alignment; `rover` (next fit) is where the last *allocation* ended, not the last move.

#include "memory/extent_move.h"

#include <assert.h>
#include <errno.h>

#include "memory/descriptor.h"
#include "memory/extent_index.h"

#ifdef MEMS_HOSTILE
#define STEP_EXTENTS 64
#else
#define STEP_EXTENTS 4096
#endif

// ---- cursors -----------------------------------------------------------------------------------

static void cursor_put(struct extent_cursor *cursor, struct extent *near, uint64_t position)
{
    cursor->region = near->region;
    cursor->next = near;
    cursor->position = position;
}

// The region after this one (NULL: the first), or NULL.
static struct region *region_after(const struct extents *extents, const struct region *region)
{
    struct list *after = region == NULL ? extents->regions.next : region->link.next;
    return after == &extents->regions ? NULL : container_of(after, struct region, link);
}

static struct region *region_before(const struct extents *extents, const struct region *region)
{
    struct list *before = region->link.previous;
    return before == &extents->regions ? NULL : container_of(before, struct region, link);
}

static struct extent *last_of(const struct region *region)
{
    struct extent *extent = region->first;
    while (extent->next != NULL) {
        extent = extent->next;
    }
    return extent;
}

// The extent that contains the cursor's position, or the first one after it; NULL: the end.
static struct extent *cursor_at(const struct extents *extents, struct extent_cursor *cursor)
{
    struct extent *extent = cursor->next;
    while (extent != NULL && extent->previous != NULL && extent->position > cursor->position) {
        extent = extent->previous;
    }
    while (extent == NULL || extent->position + extent->size <= cursor->position) {
        extent = extent != NULL ? extent->next : NULL;
        if (extent == NULL) {
            struct region *region = region_after(extents, cursor->region);
            if (region == NULL) {
                return NULL;
            }
            cursor->region = region;
            extent = region->first;
        }
        cursor->next = extent;
    }
    cursor->next = extent;
    return extent;
}

// The highest extent that starts below the cursor's position, or NULL.
static struct extent *cursor_below(const struct extents *extents, struct extent_cursor *cursor)
{
    struct extent *extent = cursor->next;
    if (extent == NULL && cursor->region != NULL) {
        extent = last_of(cursor->region); // the region above has gone
    }
    while (extent != NULL && extent->next != NULL && extent->next->position < cursor->position) {
        extent = extent->next;
    }
    while (extent != NULL && extent->position >= cursor->position) {
        extent = extent->previous;
    }
    while (extent == NULL && cursor->region != NULL) {
        struct region *region = region_before(extents, cursor->region);
        if (region == NULL) {
            return NULL;
        }
        cursor->region = region;
        extent = last_of(region);
    }
    cursor->next = extent;
    return extent;
}

// ---- reserving ---------------------------------------------------------------------------------

static uint64_t align_of(const struct extent *block)
{
    return UINT64_C(1) << block->align_bits;
}

// Where the block would stand in the hole.
static uint64_t target_in(const struct extent *hole, const struct extent *block)
{
    return hole->position + extent_gap(hole, align_of(block));
}

static bool fits_in(const struct extent *hole, const struct extent *block)
{
    return extent_fits(hole, block->size, align_of(block));
}

static bool movable(const struct extent *block)
{
    return !extent_is_reserved(block) &&
           // [model:mark]
           descriptor_state(load_relaxed(&block->descriptor->word)) == DESCRIPTOR_RESIDENT;
}

// The place is the block's now, if the block is still there to be marked.
static bool mark(struct extent_pass *pass, struct extent *block, struct extent *place)
{
    struct descriptor *descriptor = block->descriptor;
    uint64_t word = load_relaxed(&descriptor->word);
    uint64_t moving = descriptor_turned(word, DESCRIPTOR_MOVING);
    if (descriptor_state(word) != DESCRIPTOR_RESIDENT ||
        !relocation_mark(&descriptor->word, word, moving)) {
        extents_give(pass->extents, place);
        return false;
    }
    place->descriptor = NULL; // reserved
    pass->extents->reserved_bytes += place->size;
    pass->extents->reserved_count++;
    pass->moves[pass->count++] = (struct extent_move){.descriptor = descriptor,
                                                      .block = block,
                                                      .place = place,
                                                      .moving = moving,
                                                      .from = extent_host(block),
                                                      .size = block->size};
    pass->tried++;
    return true;
}

// Reserves a place in the hole and marks the block. NULL: no record, or it was released.
static struct extent *reserve(struct extent_pass *pass, struct extent *hole, struct extent *block)
{
    struct extents *extents = pass->extents;
    struct extent *place;
    uint64_t rover = extents->rover;
    int error = extents_take_from(extents, hole, block->size, align_of(block), &place);
    extents->rover = rover;
    if (error != 0) {
        pass->error = error;
        return NULL;
    }
    return mark(pass, block, place) ? place : NULL;
}

// ---- order ADDRESS -----------------------------------------------------------------------------

// The first hole at or after the cursor; NULL: none, or the step has looked at enough (steps is 0).
static struct extent *find_hole(struct extent_pass *pass)
{
    struct extent *extent;
    while (pass->steps > 0 && (extent = cursor_at(pass->extents, &pass->hole)) != NULL) {
        if (extent->tag == EXTENT_HOLE) {
            return extent;
        }
        pass->hole.position = extent->position + extent->size;
        pass->steps--;
    }
    return NULL;
}

// The first block that starts at or after the cursor, likewise.
static struct extent *find_block(struct extent_pass *pass)
{
    struct extent *extent;
    while (pass->steps > 0 && (extent = cursor_at(pass->extents, &pass->block)) != NULL) {
        if (extent->tag == EXTENT_BLOCK && extent->position >= pass->block.position) {
            return extent;
        }
        pass->block.position = extent->position + extent->size;
        pass->steps--;
    }
    return NULL;
}

static void pass_by(struct extent_cursor *cursor, const struct extent *extent)
{
    cursor->position = extent->position + extent->size;
}

// Parks the block behind the hole, which is too small for it, and those behind it that are as well.
// Returns whether any was.
static bool park(struct extent_pass *pass, const struct extent *hole, struct extent *block)
{
    const struct extents *extents = pass->extents;
    while (block != NULL && block->tag == EXTENT_BLOCK && movable(block) &&
           pass->count < RELOCATION_BATCH && !fits_in(hole, block) &&
           target_in(hole, block) < block->position) {
        uint64_t end = block->position + block->size;
        struct extent *above =
            extents->index->choose_after(extents, end, block->size, align_of(block));
        if (above == NULL || reserve(pass, above, block) == NULL) {
            break;
        }
        pass->block.position = end;
        block = block->next;
        if (block != NULL && block->tag == EXTENT_BLOCK && block->align_bits != 0) {
            break; // whether it can come down shows when those before it have
        }
    }
    pass->parking = pass->count > 0;
    return pass->parking;
}

// The hole has no block for this batch: what is next?
static bool pass_hole(struct extent_pass *pass, struct extent *hole, struct extent *block)
{
    bool behind = hole->next == block;
    if (pass->count > 0 || (behind && park(pass, hole, block))) {
        return false; // settle first
    }
    if (behind) {
        pass_by(&pass->block, block); // it stays
    }
    pass_by(&pass->hole, hole);
    return pass->error == 0;
}

static bool plan_address(struct extent_pass *pass, uint64_t most)
{
    uint64_t bytes = 0;
    while (pass->count < RELOCATION_BATCH && bytes < most && pass->steps > 0) {
        struct extent *hole = find_hole(pass);
        if (hole == NULL) {
            break;
        }
        if (pass->block.position < hole->position + hole->size) {
            cursor_put(&pass->block, hole, hole->position + hole->size);
        }
        struct extent *block = find_block(pass);
        if (block == NULL) {
            break;
        }
        if (!movable(block)) {
            pass->pinned += !extent_is_reserved(block);
            pass_by(&pass->block, block);
            pass->steps--;
        } else if (fits_in(hole, block)) {
            uint64_t size = block->size;
            pass_by(&pass->block, block);
            struct extent *place = reserve(pass, hole, block);
            if (place != NULL) {
                bytes += size;
                cursor_put(&pass->hole, place, place->position + size);
            }
            if (pass->error != 0 ||
                (place != NULL && (place->next == NULL || place->next->tag != EXTENT_HOLE))) {
                break; // the hole is used up
            }
        } else if (!pass_hole(pass, hole, block)) {
            break;
        }
    }
    return pass->count > 0 || pass->steps == 0;
}

// Those that were parked come back down, in their order.
static void plan_return(struct extent_pass *pass, struct extent *const *parked, size_t count)
{
    struct extent *hole = cursor_at(pass->extents, &pass->hole);
    for (size_t i = 0; i < count; i++) {
        if (!movable(parked[i])) {
            continue;
        }
        while (hole != NULL && (hole->tag != EXTENT_HOLE || !fits_in(hole, parked[i]))) {
            hole = hole->next;
        }
        if (hole == NULL || hole->position > parked[i]->position) {
            return;
        }
        uint64_t low = hole->position;
        struct extent *place = reserve(pass, hole, parked[i]);
        if (pass->error != 0) {
            return;
        }
        if (place != NULL) {
            cursor_put(&pass->hole, place, low);
            hole = place;
        } else { // released: where the hole is now the cursor knows
            hole = cursor_at(pass->extents, &pass->hole);
        }
    }
}

// ---- order TOP ---------------------------------------------------------------------------------

// Moves the block down if the fit finds a hole below it. false: there can be no more such moves.
static bool take_below(struct extent_pass *pass, struct extent *block, uint64_t *bytes)
{
    struct extents *extents = pass->extents;
    uint64_t size = block->size, rover = extents->rover;
    extents->rover = 0;
    struct extent *hole = extents->index->choose(extents, size, align_of(block));
    extents->rover = rover;
    if (hole == NULL || hole->position > block->position) {
        return true; // a smaller one may fit
    }
    *bytes += reserve(pass, hole, block) != NULL ? size : 0;
    return pass->error == 0;
}

static bool plan_top(struct extent_pass *pass, uint64_t most)
{
    uint64_t bytes = 0;
    while (pass->count < RELOCATION_BATCH && bytes < most && pass->steps > 0) {
        struct extent *block = cursor_below(pass->extents, &pass->block);
        if (block == NULL || pass->extents->hole_count == 0) {
            return pass->count > 0;
        }
        pass->block.position = block->position;
        pass->steps--;
        if (block->tag != EXTENT_BLOCK) {
            continue;
        }
        if (!movable(block)) {
            pass->pinned += !extent_is_reserved(block);
        } else if (!take_below(pass, block, &bytes)) {
            return pass->count > 0;
        }
    }
    return true;
}

// ---- a pass ------------------------------------------------------------------------------------

void extent_pass_begin(struct extent_pass *pass, struct extents *extents, enum extent_order order)
{
    *pass = (struct extent_pass){.extents = extents, .order = order};
    extents_cursor_begin(extents, &pass->hole);
    extents_cursor_begin(extents, &pass->block);
    if (order == EXTENT_ORDER_TOP && !list_empty(&extents->regions)) {
        struct region *last = container_of(extents->regions.previous, struct region, link);
        const struct tree_node *top = tree_last(&extents->holes); // by position: near the end
        struct extent *near = top != NULL ? container_of(top, struct extent, node) : last->first;
        cursor_put(&pass->block, near->region == last ? near : last->first,
                   last->start + last->size);
    }
}

void extent_pass_end(struct extent_pass *pass)
{
    assert(pass->count == 0);
    extents_cursor_end(&pass->hole);
    extents_cursor_end(&pass->block);
}

// The block is at its new place.
static void block_moved(struct extent_pass *pass, const struct extent_move *move)
{
    struct extent *old = move->block, *place = move->place;
    place->descriptor = move->descriptor;
    list_insert_after(old->owned.previous, &place->owned);
    list_remove(&old->owned);
    if (pass->extents->moved != NULL) {
        pass->extents->moved(move->descriptor, place);
    } else {
        move->descriptor->record = place;
    }
    extents_give(pass->extents, old); // [model:place]
    pass->moved++;
    pass->moved_bytes += move->size;
}

static void block_abandoned(struct extent_pass *pass, const struct extent_move *move)
{
    if (pass->order == EXTENT_ORDER_ADDRESS && move->place->position < pass->hole.position) {
        cursor_put(&pass->hole, move->place, move->place->position); // a later one may have it
    }
    extents_give(pass->extents, move->place);
    pass->abandoned++;
}

// Publishes what is in flight. Returns how many of those that were to be parked are, in `parked`.
static size_t settle(struct extent_pass *pass, struct extent **parked)
{
    size_t count = 0;
    for (size_t i = 0; i < pass->count; i++) {
        const struct extent_move *move = &pass->moves[i];
        uint64_t host = (uint64_t)(uintptr_t)extent_host(move->place);
        uint64_t word =
            descriptor_word(DESCRIPTOR_RESIDENT, descriptor_generation(move->moving), host >> 4);
        pass->extents->reserved_bytes -= move->place->size;
        pass->extents->reserved_count--;
        if (relocation_publish(&move->descriptor->word, move->moving, word)) {
            block_moved(pass, move);
            parked[count] = move->place;
            count += pass->parking;
        } else {
            block_abandoned(pass, move);
        }
    }
    if (pass->count > 0) {
        pass->extents->pinned--;
    }
    pass->count = 0;
    pass->parking = false;
    return count;
}

bool extent_pass_step(struct extent_pass *pass, uint64_t most)
{
    struct extent *parked[RELOCATION_BATCH];
    size_t count = settle(pass, parked);
    extents_sweep(pass->extents); // what moves meets its neighbours at once
    bool more = pass->error == 0;
    pass->steps = STEP_EXTENTS;
    if (count > 0) {
        plan_return(pass, parked, count);
    }
    if (pass->count == 0 && more && most > 0) {
        more =
            pass->order == EXTENT_ORDER_ADDRESS ? plan_address(pass, most) : plan_top(pass, most);
    }
    if (pass->count > 0) {
        pass->extents->pinned++; // [model:pinned]
    }
    return more || pass->count > 0;
}

void extent_pass_move(struct extent_pass *pass)
{
    if (pass->count == 0) {
        return;
    }
    relocation_wait(); // [model:grace]
    pass->waits++;
    for (size_t i = 0; i < pass->count; i++) {
        const struct extent_move *move = &pass->moves[i];
        relocation_copy(extent_host(move->place), move->from, move->size);
    }
}

void extent_hold(struct descriptor *descriptor)
{
    uint64_t word = load_relaxed(&descriptor->word);
    if (descriptor_state(word) == DESCRIPTOR_MOVING) {
        relocation_cancel(&descriptor->word, word, descriptor_turned(word, DESCRIPTOR_RESIDENT));
    }
}
