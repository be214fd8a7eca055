// SPDX-License-Identifier: MIT
//
// op.c - the slow half of an operation: sampled, touched, checked; and what happens seldom.

#include "workload/op.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "check/check.h"
#include "measure/clock.h"
#include "run/album.h"
#include "workload/pace.h"

_Static_assert(OP_KINDS <= (unsigned)HISTORY_TOUCH,
               "the history's own kinds follow the operations");

// One operation in so many is measured where blocks are not checked.
#define OP_SAMPLE_EVERY 128u

// What a slow operation has to do.
struct op_plan {
    bool careful; // its block is checked or touched
    bool timed;
    bool measured;
    bool paced;
    bool pictured; // album_take is due at its end
    uint64_t began;
};

// The next slow operation is at the latest the one to be pictured, but not the one under way.
static void op_await_mark(struct worker *worker, uint64_t under_way)
{
    uint64_t left = album_left(worker->album);
    uint64_t count = worker->history->count;
    if (left == ALBUM_NEVER || count + left >= worker->slow_at) {
        return;
    }
    uint64_t at = left > under_way ? count + left : count + under_way;
    if (at < worker->slow_at) {
        worker->stride -= (uint32_t)(worker->slow_at - at);
        worker->slow_at = at;
    }
}

static __attribute__((noinline)) void op_take(struct worker *worker, enum decision_kind kind,
                                              uint64_t addr, uint64_t asked)
{
    album_take(worker->album, kind, addr, asked);
    op_await_mark(worker, 0);
}

// Called once by each slow operation: is it a sampled one, and when is the next slow one? The
// stream that decides is a plain linear congruence, of which the high bits serve. `freed`: the
// block that is to go, or 0.
static inline struct op_plan op_plan(struct worker *worker, uint64_t freed)
{
    uint32_t every = worker->latency_every != 0 ? worker->latency_every : OP_SAMPLE_EVERY;
    bool careful = !worker->ops->no_memory && (worker->check | worker->touch) != 0;
    struct op_plan plan = {.careful = careful, .measured = careful && worker->check != 0};
    plan.paced = worker->pace != NULL;
    if (worker->latency_left > worker->stride) {
        worker->latency_left -= worker->stride;
    } else {
        // A sampled one; a worker's first operation is, too. The next is 1 .. 2 * every - 1 on.
        worker->timing = worker->timing * 1664525u + 2 * worker->number + 1013904223u;
        uint64_t roll = worker->timing;
        worker->latency_left = 1 + (uint32_t)((roll * (2 * (uint64_t)every - 1)) >> 32);
        plan.timed = worker->latency_every != 0;
        plan.measured |= roll * OP_SAMPLE_EVERY < (uint64_t)every << 32;
    }
    worker->stride = careful || plan.paced ? 1 : worker->latency_left;
    worker->slow_at = worker->history->count + worker->stride;
    if (worker->album != NULL) {
        plan.pictured = album_begin_try(worker->album, true, freed);
        op_await_mark(worker, 1);
    }
    return plan;
}

static inline void op_begin(struct worker *worker, struct op_plan *plan)
{
    if (plan->paced) {
        pace_wait(worker->pace);
    }
    if (plan->timed) {
        plan->began = clock_begin();
    }
}

static __attribute__((noinline)) void op_note_response(const struct worker *worker,
                                                       struct histogram *latency, uint64_t service,
                                                       enum op_kind kind)
{
    histogram_add(&latency[OP_KINDS + kind], worker->pace->lag_ns + service);
}

static OP_INLINE void op_note(struct worker *worker, uint64_t began, uint64_t ended,
                              enum op_kind kind)
{
    struct histogram *latency = __atomic_load_n(&worker->latency, __ATOMIC_ACQUIRE); // [A:curves]
    uint64_t service = clock_elapsed_ns(began, ended);
    histogram_add(&latency[kind], service);
    if (__builtin_expect(worker->pace != NULL, 0) && !worker->pace->inside) {
        op_note_response(worker, latency, service, kind);
    }
}

static inline void op_end(struct worker *worker, const struct op_plan *plan, enum op_kind kind)
{
    if (plan->timed) {
        op_note(worker, plan->began, clock_end(), kind);
    }
}

// Enters the block into the account of measured ones, where the target can tell.
static void op_measure(struct worker *worker, struct slot *slot)
{
    size_t size =
        worker->ops->block_size == NULL ? 0 : worker->ops->block_size(worker->space, slot->block);
    if (size == 0 || size > UINT32_MAX) {
        return;
    }
    slot->block_size = (uint32_t)size;
    op_count(&worker->measured_bytes, slot->size);
    op_count(&worker->taken_bytes, size);
}

static void op_unmeasure(struct worker *worker, struct slot *slot)
{
    if (slot->block_size != 0) {
        op_count(&worker->measured_bytes, -slot->size);
        op_count(&worker->taken_bytes, -(uint64_t)slot->block_size);
        slot->block_size = 0;
    }
}

// What was noted last is no operation.
static void op_aside_end(struct worker *worker)
{
    history_end(worker->history);
    worker->slow_at++;
}

static enum op_kind op_free_kind(const struct worker *worker, const struct slot *slot)
{
    bool own = slot->owner == worker->number && (slot->flags & SLOT_INHERITED) == 0;
    return own ? OP_FREE : OP_FREE_REMOTE;
}

static void op_emptied(struct worker *worker, struct slot *slot, enum op_kind kind)
{
    op_count(&worker->count[kind], 1);
    op_count(&worker->freed_bytes, slot->size);
    op_unmeasure(worker, slot);
    slot->size = 0;
}

static int op_refused(struct worker *worker)
{
    struct history *history = worker->history;
    history_become(history, HISTORY_REFUSED, history_read(history, history->count).block);
    history_end(history);
    op_count(&worker->refused, 1);
    return ENOMEM;
}

static _Noreturn void op_fail(struct worker *worker, const struct slot *slot, const char *call,
                              int error)
{
    check_fail(worker, slot, "target", 0, (uint64_t)error, "%s failed: %s", call,
               strerrordesc_np(error) != NULL ? strerrordesc_np(error) : "unknown error");
}

int op_alloc_refused(struct worker *worker, struct slot *slot, size_t size, int error)
{
    if (error != ENOMEM) {
        slot->size = size; // for the report
        op_fail(worker, slot, "alloc", error);
    }
    slot->generation--;
    return op_refused(worker);
}

void op_free_failed(struct worker *worker, const struct slot *slot, int error)
{
    op_fail(worker, slot, "release", error);
}

static int op_alloc_with(struct worker *worker, struct slot *slot, size_t size, size_t align,
                         bool zeroed)
{
    struct op_plan plan = op_plan(worker, 0);
    struct history_entry *entry = op_alloc_begin(worker, slot, size);
    uint64_t block;
    op_begin(worker, &plan);
    int error = zeroed ? worker->ops->alloc_zeroed(worker->space, size, &block)
                       : worker->ops->alloc(worker->space, size, align, &block);
    if (error != 0) {
        error = op_alloc_refused(worker, slot, size, error);
        if (plan.pictured) {
            op_take(worker, DECISION_ALLOC, 0, size);
        }
        return error;
    }
    op_end(worker, &plan, OP_ALLOC);
    op_alloc_end(worker, slot, entry, block, size);
    if (plan.measured) {
        op_measure(worker, slot);
    }
    if (plan.careful) {
        check_allocated(worker, slot, align, zeroed);
        check_touch(worker, slot);
    }
    if (plan.pictured) {
        op_take(worker, DECISION_ALLOC, block, size);
    }
    return 0;
}

int op_alloc_slow(struct worker *worker, struct slot *slot, size_t size, size_t align)
{
    return op_alloc_with(worker, slot, size, align, false);
}

int op_alloc_zeroed(struct worker *worker, struct slot *slot, size_t size)
{
    if (op_is_slow(worker)) {
        return op_alloc_with(worker, slot, size, 0, true);
    }
    struct history_entry *entry = op_alloc_begin(worker, slot, size);
    uint64_t block;
    int error = worker->ops->alloc_zeroed(worker->space, size, &block);
    if (error != 0) {
        return op_alloc_refused(worker, slot, size, error);
    }
    op_alloc_end(worker, slot, entry, block, size);
    return 0;
}

void op_free_slow(struct worker *worker, struct slot *slot)
{
    struct op_plan plan = op_plan(worker, slot->block);
    enum op_kind kind = op_free_kind(worker, slot);
    uint64_t size = slot->size;
    history_begin(worker->history, kind, slot->id, slot->generation, slot->block, slot->size);
    if (plan.careful) {
        check_freeing(worker, slot);
    }
    op_begin(worker, &plan);
    int error = worker->ops->release(worker->space, slot->block);
    if (error != 0) {
        op_free_failed(worker, slot, error);
    }
    op_end(worker, &plan, kind);
    history_end(worker->history);
    op_emptied(worker, slot, kind);
    if (plan.pictured) {
        op_take(worker, DECISION_FREE, 0, size);
    }
}

void op_free_other(struct worker *worker, struct slot *slot)
{
    enum op_kind kind = op_free_kind(worker, slot);
    history_begin(worker->history, kind, slot->id, slot->generation, slot->block, slot->size);
    int error = worker->ops->release(worker->space, slot->block);
    if (error != 0) {
        op_free_failed(worker, slot, error);
    }
    history_end(worker->history);
    op_emptied(worker, slot, kind);
}

void op_abandon(struct worker *worker, struct slot *slot)
{
    history_begin(worker->history, HISTORY_VERIFY, slot->id, slot->generation, slot->block,
                  slot->size);
    check_freeing(worker, slot);
    op_aside_end(worker);
    op_unmeasure(worker, slot);
    op_count(&worker->freed_bytes, slot->size);
    slot->size = 0;
}

static void op_resized(struct worker *worker, struct slot *slot, uint64_t block, size_t size,
                       bool measured)
{
    op_unmeasure(worker, slot);
    if (size > slot->size) {
        op_count(&worker->allocated_bytes, size - slot->size);
    } else {
        op_count(&worker->freed_bytes, slot->size - size);
    }
    op_count(&worker->count[OP_RESIZE], 1);
    slot->block = block;
    slot->size = size;
    if (measured) {
        op_measure(worker, slot);
    }
}

int op_resize(struct worker *worker, struct slot *slot, size_t size)
{
    struct op_plan plan = {0};
    bool slow = op_is_slow(worker);
    if (slow) {
        plan = op_plan(worker, 0);
    }
    history_begin(worker->history, OP_RESIZE, slot->id, slot->generation, slot->block, size);
    if (slow) {
        check_resizing(worker, slot, size);
    }
    size_t old_size = slot->size;
    bool measured = plan.measured || slot->block_size != 0;
    uint64_t block = slot->block;
    op_begin(worker, &plan);
    int error = worker->ops->resize(worker->space, &block, size);
    if (error == 0) {
        op_end(worker, &plan, OP_RESIZE);
        history_become(worker->history, OP_RESIZE, block);
        history_end(worker->history);
        op_resized(worker, slot, block, size, measured);
    } else if (error == ENOMEM) {
        op_refused(worker);
    } else {
        op_fail(worker, slot, "resize", error);
    }
    if (slow) {
        check_resized(worker, slot, old_size, size);
    }
    if (plan.pictured) {
        op_take(worker, DECISION_RESIZE, slot->block, size);
    }
    return error;
}

void op_touch(struct worker *worker, struct slot *slot, size_t offset, bool write)
{
    // A reference is such an access, and no more: what is to be pictured may be one.
    bool pictured = worker->album != NULL && album_begin_try(worker->album, false, 0);
    history_begin(worker->history, HISTORY_TOUCH, slot->id, slot->generation, slot->block, offset);
    check_byte(worker, slot, offset, write);
    op_aside_end(worker);
    if (pictured) {
        op_take(worker, DECISION_TOUCH, 0, 0);
    }
}

void op_verify(struct worker *worker, struct slot *slot)
{
    history_begin(worker->history, HISTORY_VERIFY, slot->id, slot->generation, slot->block,
                  slot->size);
    check_contents(worker, slot);
    op_aside_end(worker);
}

uint64_t op_place(struct worker *worker, const struct slot *slot)
{
    size_t span = 0;
    if (worker->ops->no_memory) {
        return slot->block;
    }
    void *host = worker->ops->access_begin(worker->space, slot->block, 0, false, &span);
    if (host == NULL) {
        check_fail(worker, slot, "access", 0, 0, "byte 0 of %" PRIu64 " cannot be reached",
                   slot->size);
    }
    worker->ops->access_end(worker->space);
    return span >= slot->size ? (uint64_t)(uintptr_t)host : slot->block;
}

void op_read(struct worker *worker, struct slot *slot)
{
    history_begin(worker->history, HISTORY_TOUCH, slot->id, slot->generation, slot->block, 0);
    check_read(worker, slot);
    op_aside_end(worker);
}

void op_rewrite(struct worker *worker, struct slot *slot, uint64_t times)
{
    history_begin(worker->history, HISTORY_TOUCH, slot->id, slot->generation, slot->block, 0);
    check_rewrite(worker, slot, times);
    op_aside_end(worker);
}

uint64_t op_step_begin(struct worker *worker)
{
    if (worker->pace != NULL) {
        worker->pace->inside = false; // of a step that failed
        pace_wait(worker->pace);
        worker->pace->inside = true;
    }
    return worker->latency_every != 0 ? clock_begin() : 0;
}

void op_step_end(struct worker *worker, uint64_t began)
{
    uint64_t ended = worker->latency_every != 0 ? clock_end() : 0;
    if (worker->pace != NULL) {
        worker->pace->inside = false;
    }
    if (worker->latency_every != 0) {
        op_note(worker, began, ended, OP_STEP);
    }
    op_step(worker, 1);
}

void op_measured(struct worker *worker)
{
    if (worker->album != NULL) {
        op_await_mark(worker, 0);
    }
}

static uint64_t op_counter(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

void op_total(const struct worker *workers, unsigned count, struct op_totals *totals)
{
    *totals = (struct op_totals){0};
    uint64_t measured = 0, taken = 0, freed = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct worker *worker = &workers[i];
        for (unsigned kind = 0; kind < OP_KINDS; kind++) {
            totals->count[kind] += op_counter(&worker->count[kind]);
        }
        totals->refused += op_counter(&worker->refused);
        // Freed first: a block freed between the two reads must not be missing from the other.
        freed += op_counter(&worker->freed_bytes);
        totals->allocated_bytes += op_counter(&worker->allocated_bytes);
        measured += op_counter(&worker->measured_bytes);
        taken += op_counter(&worker->taken_bytes);
    }
    for (unsigned kind = 0; kind < OP_KINDS; kind++) {
        totals->operations += totals->count[kind];
    }
    // Running threads are not read at one instant: a sum may come out below zero.
    bool settled = totals->allocated_bytes >= freed;
    totals->requested_bytes = settled ? totals->allocated_bytes - freed : 0;
    bool known = (int64_t)measured > 0 && (int64_t)taken >= (int64_t)measured;
    totals->taken_bytes = totals->requested_bytes;
    if (known) {
        double share = (double)taken / (double)measured;
        totals->taken_bytes = (uint64_t)((double)totals->requested_bytes * share);
    }
    if (known && measured == totals->requested_bytes) {
        totals->taken_bytes = taken;
    }
}
