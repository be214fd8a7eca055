// SPDX-License-Identifier: MIT
//
// law_conformance.h - operations on any policy, with thread caches and without, against a shadow.
//
// The shadow knows of each block what was asked for, its stamp and what may be done with it. Each
// step allocates, releases, resizes, reads or writes a part (over whatever borders there are, by
// mems_read and mems_write or span by span), and where the policy can, protects, shares and
// compacts. Every so often the map must show the shadow's blocks, whole and once, and each byte of
// memory once; the counters must agree with both.

#ifndef PROPERTY_LAW_CONFORMANCE_H
#define PROPERTY_LAW_CONFORMANCE_H

#include "support/policies.h"
#include "support/source.h"

enum { SLOTS = 160, SETTLE = 4000 };

struct slot {
    bool live, shared;
    mems_addr addr;
    uint64_t size, seed;
    unsigned rights;
    uint64_t seen; // bytes of it on the map
};

struct trial {
    struct policy_stage *stage;
    struct slot slots[SLOTS]; // even ones in stage->space, odd ones in stage->other
    struct source source;
    uint64_t operation, live, requested, allocs, resizes;
};

static struct trial trial;
#define trial_require(condition, ...)                                                              \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "operation %" PRIu64 " of ", trial.operation);                         \
            stage_require(trial.stage, condition, __VA_ARGS__);                                    \
        }                                                                                          \
    } while (0)

static struct mems_space *space_of(const struct slot *slot)
{
    return (slot - trial.slots) % 2 == 0 ? trial.stage->space : trial.stage->other;
}

static uint64_t draw_size(void)
{
    uint64_t largest = trial.stage->it->largest;
    switch (source_below(&trial.source, 40)) {
    case 0:
        return 1 + source_below(&trial.source, largest);
    case 1:
    case 2:
    case 3:
        return 1 + source_below(&trial.source, largest < 12000 ? largest : 12000);
    case 4: {
        uint64_t edge = (uint64_t)1 << source_below(&trial.source, 14);
        edge = edge > largest / 2 ? largest / 2 : edge;
        return edge + source_below(&trial.source, 3) - (edge > 1);
    }
    default:
        return 1 + source_below(&trial.source, 300);
    }
}

// ---- operations
// ----------------------------------------------------------------------------------

static void born(struct slot *slot, mems_addr addr, uint64_t size)
{
    *slot = (struct slot){.live = true,
                          .addr = addr,
                          .size = size,
                          .seed = source_noise(&trial.source),
                          .rights = MEMS_READ | MEMS_WRITE};
    trial.live++;
    trial.requested += size;
    trial.allocs++;
}

static void step_alloc(struct slot *slot)
{
    uint64_t size = draw_size(), align = 0;
    if (source_below(&trial.source, 10) == 0) {
        align = (uint64_t)1 << source_below(&trial.source, 13);
    }
    mems_addr addr = 42;
    int error = mems_alloc(space_of(slot), size, align, &addr);
    if (error != 0) {
        trial_require((error == ENOMEM || error == EINVAL) && addr == 42,
                      "alloc of %" PRIu64 ": %s", size, strerror(error));
        return;
    }
    born(slot, addr, size);
    access_stamp(space_of(slot), addr, size, slot->seed);
}

static void step_release(struct slot *slot)
{
    if ((slot->rights & MEMS_READ) != 0) {
        access_stamped(space_of(slot), slot->addr, slot->size, slot->seed);
    }
    stage_release(trial.stage, space_of(slot), slot->addr);
    slot->live = false;
    trial.live--;
    trial.requested -= slot->size;
}

// Rights stay with a block that is resized, wherever it is then; nothing is read or written by it
// for whoever may not.
static void rights_kept(const struct slot *slot)
{
    static const unsigned each[] = {MEMS_READ, MEMS_WRITE};
    for (unsigned i = 0; i < 2; i++) {
        trial_require((slot->rights & each[i]) != 0 ||
                          access_error(space_of(slot), slot->addr, each[i]) == EACCES,
                      "right %u came with a resize", each[i]);
    }
}

static void step_resize(struct slot *slot)
{
    uint64_t size = draw_size();
    mems_addr before = slot->addr;
    unsigned both = MEMS_READ | MEMS_WRITE;
    int error = mems_resize(space_of(slot), &slot->addr, size);
    if (error != 0) {
        trial_require(slot->addr == before && ((error == ENOMEM && size > slot->size) ||
                                               (error == EBUSY && slot->shared)),
                      "resize of %" PRIu64 " to %" PRIu64 ": %s", slot->size, size,
                      strerror(error));
        return;
    }
    uint64_t kept = size < slot->size ? size : slot->size;
    rights_kept(slot);
    if (slot->rights != both) {
        trial_require(mems_protect(space_of(slot), slot->addr, both) == 0, "protect");
    }
    access_stamped(space_of(slot), slot->addr, kept, slot->seed);
    trial.requested += size - slot->size;
    trial.resizes++;
    slot->size = size;
    access_stamp(space_of(slot), slot->addr, size, slot->seed);
    if (slot->rights != both) {
        trial_require(mems_protect(space_of(slot), slot->addr, slot->rights) == 0, "protect");
    }
}

// A part of the block, over whatever borders it has.
static void step_read(const struct slot *slot)
{
    if ((slot->rights & MEMS_READ) == 0) {
        trial_require(access_error(space_of(slot), slot->addr, MEMS_READ) == EACCES, "no right");
        return;
    }
    uint64_t from = source_below(&trial.source, slot->size);
    uint64_t to = from + 1 + source_below(&trial.source, slot->size - from);
    access_stamped_part(space_of(slot), slot->addr, from, to, slot->seed);
    if (source_below(&trial.source, 4) == 0) {
        access_stamped_spans(space_of(slot), slot->addr, slot->size, slot->seed);
    }
}

static void step_write(struct slot *slot)
{
    if ((slot->rights & MEMS_WRITE) == 0) {
        trial_require(access_error(space_of(slot), slot->addr, MEMS_WRITE) == EACCES, "no right");
        return;
    }
    slot->seed = source_noise(&trial.source);
    if (source_below(&trial.source, 2) == 0) {
        access_stamp(space_of(slot), slot->addr, slot->size, slot->seed);
    } else {
        access_stamp_spans(space_of(slot), slot->addr, slot->size, slot->seed);
    }
}

static void step_protect(struct slot *slot)
{
    unsigned rights = (unsigned)source_below(&trial.source, 4);
    int error = mems_protect(space_of(slot), slot->addr, rights);
    if ((trial.stage->it->can & CAN_PROTECT) == 0) {
        trial_require(error == ENOTSUP, "protect: %s", strerror(error));
        return;
    }
    trial_require(error == 0, "protect: %s", strerror(error));
    slot->rights = rights;
}

// Shares a block with the other space for the time of one step.
static void step_share(struct slot *slot)
{
    struct mems_space *with = slot[1].live ? NULL : space_of(slot + 1);
    mems_addr shared = 42;
    if (with == NULL || slot->rights != (MEMS_READ | MEMS_WRITE)) {
        return;
    }
    int error = mems_share(space_of(slot), slot->addr, with, MEMS_READ | MEMS_WRITE, &shared);
    if ((trial.stage->it->can & (CAN_SHARE | CAN_COPY)) == 0 || error != 0) {
        bool can = (trial.stage->it->can & (CAN_SHARE | CAN_COPY)) != 0;
        trial_require(error == (can ? ENOMEM : ENOTSUP), "share: %s", strerror(error));
        return;
    }
    slot->shared = true;
    trial.allocs++;
    access_stamped(with, shared, slot->size, slot->seed);
    if (source_below(&trial.source, 2) == 0) {
        int written = mems_write(with, shared + slot->size / 2, "x", 1);
        char byte = 0;
        trial_require(written == 0 || written == ENOMEM || written == ENOSPC, "write: %s",
                      strerror(written));
        assert_int_equal(mems_read(space_of(slot), slot->addr + slot->size / 2, &byte, 1), 0);
        bool seen = written == 0 && (trial.stage->it->can & CAN_SHARE) != 0;
        trial_require((unsigned char)byte ==
                          (seen ? 'x' : test_stamp_byte(slot->seed, slot->size / 2)),
                      "the sharer sees %#x", byte);
    }
    stage_release(trial.stage, with, shared);
    access_stamp(space_of(slot), slot->addr, slot->size, slot->seed);
}

static void step_compact(void)
{
    struct mems_compaction done;
    int error = mems_compact(trial.stage->engine, &done);
    trial_require(error == ((trial.stage->it->can & CAN_COMPACT) != 0 ? 0 : ENOTSUP), "compact: %s",
                  strerror(error));
}

static void step(void)
{
    struct slot *slot = &trial.slots[source_below(&trial.source, SLOTS)];
    uint64_t choice = source_below(&trial.source, 100);
    if (!slot->live) {
        step_alloc(slot);
    } else if (choice < 35) {
        step_release(slot);
    } else if (choice < 50) {
        step_resize(slot);
    } else if (choice < 75) {
        step_read(slot);
    } else if (choice < 95) {
        step_write(slot);
    } else if (choice < 97) {
        step_protect(slot);
    } else if (choice < 99 && (slot - trial.slots) % 2 == 0) {
        step_share(slot);
    } else if (source_below(&trial.source, 50) == 0) {
        step_compact();
    }
}

// ---- the map
// -------------------------------------------------------------------------------------

struct map {
    bool started;
    uint32_t arena, region;
    uint64_t end, held, blocks, requested, cached_bytes, free_bytes, absent_bytes;
};

static void see_block(struct map *map, const struct mems_extent *piece)
{
    struct slot *found = NULL;
    for (size_t i = 0; i < SLOTS && found == NULL; i++) {
        struct slot *slot = &trial.slots[i];
        found = slot->live && slot->addr == piece->addr ? slot : NULL;
    }
    trial_require(found != NULL && piece->space == mems_space_id(space_of(found)),
                  "the map shows a block %#" PRIx64 " that nobody has", piece->addr);
    found->seen += piece->size;
    map->blocks += !piece->more;
    map->requested += piece->requested;
}

static int see_piece(const struct mems_extent *piece, void *arg)
{
    struct map *map = arg;
    if (!piece->absent) {
        bool same = map->started && piece->arena == map->arena && piece->region == map->region;
        trial_require(piece->offset == (same ? map->end : 0),
                      "a piece at %u.%u+%" PRIu64 " after one that ends at %u.%u+%" PRIu64,
                      piece->arena, piece->region, piece->offset, map->arena, map->region,
                      map->end);
        map->started = true;
        map->arena = piece->arena;
        map->region = piece->region;
        map->end = piece->offset + piece->size;
        map->held += piece->size;
    }
    trial_require(piece->size > 0, "an empty piece");
    map->absent_bytes += piece->absent ? piece->size : 0;
    map->cached_bytes += piece->piece == MEMS_PIECE_CACHED ? piece->size : 0;
    map->free_bytes += piece->piece == MEMS_PIECE_HOLE ? piece->size : 0;
    if (piece->piece == MEMS_PIECE_BLOCK) {
        see_block(map, piece);
    }
    return 0;
}

static void require_counters(const struct map *map)
{
    struct mems_stats stats = test_stats(trial.stage->engine);
    const struct {
        const char *what;
        uint64_t counter, expected;
    } pairs[] = {
        {"live blocks", stats.live_blocks, trial.live},
        {"live blocks on the map", map->blocks, trial.live},
        {"requested", stats.requested_bytes, trial.requested},
        {"requested on the map", map->requested, trial.requested},
        {"allocs", stats.allocs, trial.allocs},
        {"resizes", stats.resizes, trial.resizes},
        {"held", stats.held_bytes, map->held},
        {"cached", stats.cached_bytes, map->cached_bytes},
        {"free", stats.free_bytes, map->free_bytes},
        {"absent", stats.absent_bytes, map->absent_bytes},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        trial_require(pairs[i].counter == pairs[i].expected, "%s: %" PRIu64 " should be %" PRIu64,
                      pairs[i].what, pairs[i].counter, pairs[i].expected);
    }
}

// Resizes that move count an allocation and a release of their own; the shadow learns of them here.
static void learn_moves(void)
{
    struct mems_stats stats = test_stats(trial.stage->engine);
    trial_require(stats.allocs >= trial.allocs && stats.allocs - trial.allocs <= trial.resizes,
                  "%" PRIu64 " allocs, %" PRIu64 " asked for", stats.allocs, trial.allocs);
    trial.allocs = stats.allocs;
}

static void settle(void)
{
    struct map map = {.started = false};
    for (size_t i = 0; i < SLOTS; i++) {
        trial.slots[i].seen = 0;
    }
    assert_int_equal(mems_walk(trial.stage->engine, see_piece, &map), 0);
    for (size_t i = 0; i < SLOTS; i++) {
        const struct slot *slot = &trial.slots[i];
        size_t requested = 0, size = 0;
        if (slot->live) {
            assert_int_equal(mems_block_size(space_of(slot), slot->addr, &requested, &size), 0);
            trial_require(requested == slot->size && size == slot->seen,
                          "block %#" PRIx64 " takes %zu, on the map %" PRIu64, slot->addr, size,
                          slot->seen);
        }
    }
    learn_moves();
    require_counters(&map);
    stage_checked(trial.stage);
}

static void conformance_law(struct policy_stage *stage, uint64_t operations, struct source source)
{
    struct mems_stats before = test_stats(stage->engine);
    memset(&trial, 0, sizeof trial);
    trial.stage = stage;
    trial.source = source;
    for (; trial.operation < operations && source_more(&trial.source); trial.operation++) {
        step();
        uint64_t every = source_every(&trial.source, SETTLE);
        if (trial.operation % every == every - 1) {
            settle();
        }
    }
    for (size_t i = 0; i < SLOTS; i++) {
        if (trial.slots[i].live) {
            step_release(&trial.slots[i]);
        }
    }
    settle();
    stage_empty(stage, &before);
    bool denied = (stage->it->can & CAN_PROTECT) != 0; // then some were meant
    assert_true(denied || test_stats(stage->engine).misuses == 0);
}

static inline void conformance_property(const uint8_t *bytes, size_t size)
{
    struct source source = source_bytes(bytes, size);
    const struct policy_case *it = &POLICY_CASES[source_below(&source, POLICY_CASE_COUNT)];
    struct policy_stage stage;
    stage_open(&stage, it, source_below(&source, 2) == 1);
    conformance_law(&stage, UINT64_MAX, source);
    mems_engine_close(stage.engine);
}

#endif
