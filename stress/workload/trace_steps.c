// SPDX-License-Identifier: MIT
//
// trace_steps.c - a trace made ready to be replayed.
//
// The trace is walked twice in the same way: the first walk finds out which operations another
// thread waits for, the second writes the steps.

#include "workload/trace_steps.h"

#include <errno.h>
#include <string.h>

#include "trace/account.h"
#include "trace/store.h"

// Slots that a thread has freed: taken again from the end, by others from the front.
struct pool {
    uint32_t *slots;
    size_t room, first, last;
};

struct use {
    uint64_t op;        // the last operation on the slot
    uint64_t published; // what its thread had published with it (second walk)
    uint16_t thread;
    bool used;
};

struct stream {
    struct trace_step *steps;
    size_t room, count;
    uint64_t published;
    uint32_t space; // process of the step before
};

struct maker {
    const struct trace *trace;
    uint64_t peak_blocks;
    bool writing; // second walk
    struct trace_account account;
    uint32_t *slot_of; // by block
    size_t slot_of_room;
    struct use *uses; // by slot
    size_t use_room;
    uint32_t slot_count;
    struct pool *pools; // by thread
    size_t pool_room;
    struct stream *streams; // by thread
    size_t stream_room;
    uint64_t *seen; // by thread and other thread: how far the first knows the second to be
    size_t seen_room;
    uint8_t *awaited; // a bit an operation: somebody waits for it
    size_t awaited_room;
};

static int grow(void *array, size_t *room, size_t count, size_t size)
{
    void *grown;
    memcpy(&grown, array, sizeof(grown));
    int error = trace_store_grow(&grown, room, count, size);
    memcpy(array, &grown, sizeof(grown));
    return error;
}

// ---- slots --------------------------------------------------------------------------------------

static int pool_push(struct pool *pool, uint32_t slot)
{
    if (pool->last == pool->room && pool->first > pool->room / 2) {
        pool->last -= pool->first;
        memmove(pool->slots, pool->slots + pool->first, pool->last * sizeof(uint32_t));
        pool->first = 0;
    }
    int error = grow(&pool->slots, &pool->room, pool->last + 1, sizeof(uint32_t));
    if (error == 0) {
        pool->slots[pool->last++] = slot;
    }
    return error;
}

static struct pool *pool_fullest(struct maker *maker)
{
    struct pool *fullest = &maker->pools[0];
    for (uint32_t i = 1; i < maker->trace->thread_count; i++) {
        struct pool *pool = &maker->pools[i];
        if (pool->last - pool->first > fullest->last - fullest->first) {
            fullest = pool;
        }
    }
    return fullest;
}

static int slot_take(struct maker *maker, uint16_t thread, uint32_t *slot)
{
    struct pool *own = &maker->pools[thread];
    if (own->last > own->first) {
        *slot = own->slots[--own->last];
        return 0;
    }
    if (maker->slot_count >= TRACE_SPARE * maker->peak_blocks + 65536) {
        struct pool *other = pool_fullest(maker);
        if (other->last > other->first) {
            *slot = other->slots[other->first++];
            return 0;
        }
    }
    *slot = maker->slot_count++;
    return grow(&maker->uses, &maker->use_room, maker->slot_count, sizeof(struct use));
}

// ---- steps --------------------------------------------------------------------------------------

static int step_put(struct maker *maker, uint16_t thread, const struct trace_step *step)
{
    struct stream *stream = &maker->streams[thread];
    int error = maker->writing ? grow(&stream->steps, &stream->room, stream->count + 1,
                                      sizeof(struct trace_step))
                               : 0;
    if (error == 0 && maker->writing) {
        stream->steps[stream->count++] = *step;
    }
    return error;
}

// `thread` is about to use the slot: it waits for the thread that did so last.
static int slot_await(struct maker *maker, uint32_t slot, uint16_t thread)
{
    const struct use *use = &maker->uses[slot];
    if (!use->used || use->thread == thread) {
        return 0;
    }
    maker->awaited[use->op / 8] |= (uint8_t)(1u << use->op % 8);
    uint64_t *seen = &maker->seen[(size_t)thread * maker->trace->thread_count + use->thread];
    if (!maker->writing || *seen >= use->published) {
        return 0;
    }
    *seen = use->published;
    const struct trace_step wait = {
        .kind = STEP_WAIT, .thread = use->thread, .size = use->published};
    return step_put(maker, thread, &wait);
}

static int space_enter(struct maker *maker, uint16_t thread, uint16_t process)
{
    if (maker->streams[thread].space == process) {
        return 0;
    }
    maker->streams[thread].space = process;
    return step_put(maker, thread, &(const struct trace_step){.kind = STEP_SPACE, .slot = process});
}

// One step on a slot: with what must come before and after it.
static int use_slot(struct maker *maker, uint64_t op, uint16_t thread, uint16_t process,
                    const struct trace_step *step)
{
    int error = slot_await(maker, step->slot, thread);
    if (error == 0) {
        error = space_enter(maker, thread, process);
    }
    if (error == 0) {
        error = step_put(maker, thread, step);
    }
    struct use *use = &maker->uses[step->slot];
    struct stream *stream = &maker->streams[thread];
    use->used = true;
    use->thread = thread;
    use->op = op;
    if (error == 0 && maker->writing && maker->awaited[op / 8] & 1u << op % 8) {
        use->published = ++stream->published;
        error = step_put(maker, thread, &(const struct trace_step){.kind = STEP_PUBLISH});
    }
    return error;
}

// ---- operations ---------------------------------------------------------------------------------

static int do_free(struct maker *maker, uint64_t op, uint16_t thread, uint32_t block)
{
    const struct trace_step step = {.kind = STEP_FREE, .slot = maker->slot_of[block]};
    int error = use_slot(maker, op, thread, maker->account.blocks[block].process, &step);
    return error != 0 ? error : pool_push(&maker->pools[thread], step.slot);
}

static int do_free_all(struct maker *maker, uint64_t index, const struct trace_op *op)
{
    int error = 0;
    uint32_t next = op->process < maker->account.first_room ? maker->account.first[op->process] : 0;
    while (next != 0 && error == 0) {
        error = do_free(maker, index, op->thread, next - 1);
        next = maker->account.blocks[next - 1].next;
    }
    return error;
}

static int do_block_op(struct maker *maker, uint64_t index, const struct trace_op *op)
{
    static const uint8_t steps[] = {[TRACE_ALLOC] = STEP_ALLOC,
                                    [TRACE_ALLOC_ZEROED] = STEP_ALLOC_ZEROED,
                                    [TRACE_RESIZE] = STEP_RESIZE,
                                    [TRACE_TOUCH] = STEP_READ};
    struct trace_step step = {.kind = steps[op->kind], .align_log2 = op->align_log2};
    step.size = op->size > 0 || op->kind == TRACE_TOUCH ? op->size : 1;
    if (op->kind == TRACE_TOUCH && op->flag) {
        step.kind = STEP_WRITE;
    }
    int error = 0;
    if (trace_kind_allocates(op->kind)) {
        error = grow(&maker->slot_of, &maker->slot_of_room, op->block + 1u, sizeof(uint32_t));
        if (error == 0) {
            error = slot_take(maker, op->thread, &maker->slot_of[op->block]);
        }
    }
    if (error == 0) {
        step.slot = maker->slot_of[op->block];
        error = use_slot(maker, index, op->thread, op->process, &step);
    }
    return error;
}

static int do_op(struct maker *maker, uint64_t index, const struct trace_op *op)
{
    int error = 0;
    if (op->kind == TRACE_FREE) {
        error = do_free(maker, index, op->thread, op->block);
    } else if (op->kind == TRACE_FREE_ALL) {
        error = do_free_all(maker, index, op);
    } else if (trace_kind_has_block(op->kind)) {
        error = do_block_op(maker, index, op);
    }
    if (error == 0 && trace_account_add(&maker->account, op) != NULL) {
        error = EINVAL;
    }
    return error;
}

// The blocks that live at the end, each freed by the thread that used it last.
static int do_rest(struct maker *maker)
{
    int error = 0;
    for (size_t block = 0; block < maker->account.block_room && error == 0; block++) {
        if (maker->account.blocks[block].live) {
            uint16_t thread = maker->uses[maker->slot_of[block]].thread;
            error = do_free(maker, maker->trace->op_count, thread, (uint32_t)block);
        }
    }
    for (uint32_t i = 0; i < maker->trace->thread_count && error == 0; i++) {
        // A pass ends in the space in which it began.
        error = space_enter(maker, (uint16_t)i, 0);
        if (error == 0) {
            error = step_put(maker, (uint16_t)i, &(const struct trace_step){.kind = STEP_END});
        }
    }
    return error;
}

// ---- walks --------------------------------------------------------------------------------------

static void walk_fini(struct maker *maker)
{
    for (uint32_t i = 0; maker->pools != NULL && i < maker->trace->thread_count; i++) {
        trace_store_free(maker->pools[i].slots, maker->pools[i].room, sizeof(uint32_t));
        maker->pools[i] = (struct pool){0};
    }
    trace_account_fini(&maker->account);
    trace_store_free(maker->uses, maker->use_room, sizeof(struct use));
    maker->uses = NULL;
    maker->use_room = 0;
}

static int walk(struct maker *maker, bool writing)
{
    int error = 0;
    maker->writing = writing;
    maker->slot_count = 0;
    trace_account_init(&maker->account);
    for (uint32_t i = 0; i < maker->trace->thread_count; i++) {
        maker->streams[i].space = 0;
    }
    for (uint64_t i = 0; i < maker->trace->op_count && error == 0; i++) {
        error = do_op(maker, i, &maker->trace->ops[i]);
    }
    if (error == 0) {
        error = do_rest(maker);
    }
    return error;
}

static int peak_find(struct maker *maker)
{
    struct trace_account account;
    int error = 0;
    trace_account_init(&account);
    for (size_t i = 0; i < maker->trace->op_count && error == 0; i++) {
        error = trace_account_add(&account, &maker->trace->ops[i]) != NULL ? EINVAL : 0;
    }
    maker->peak_blocks = account.peak_blocks;
    trace_account_fini(&account);
    return error;
}

static int take_out(struct maker *maker, struct trace_steps *steps)
{
    size_t threads = maker->trace->thread_count, room = 0, published_room = 0;
    memset(steps, 0, sizeof(*steps));
    int error = grow(&steps->threads, &room, threads, sizeof(*steps->threads));
    if (error == 0) {
        error = grow(&steps->published, &published_room, threads, sizeof(uint64_t));
    }
    for (size_t i = 0; i < threads && error == 0; i++) {
        steps->threads[i] = maker->streams[i].steps;
        steps->published[i] = maker->streams[i].published;
    }
    steps->thread_count = (uint32_t)threads;
    steps->slot_count = maker->slot_count;
    steps->process_count = (uint32_t)maker->trace->process_count;
    return error;
}

int trace_steps_make(const struct trace *trace, struct trace_steps *steps)
{
    struct maker maker = {.trace = trace};
    size_t threads = trace->thread_count;
    int error = peak_find(&maker);
    if (error == 0) {
        error = grow(&maker.pools, &maker.pool_room, threads, sizeof(struct pool));
    }
    if (error == 0) {
        error = grow(&maker.streams, &maker.stream_room, threads, sizeof(struct stream));
    }
    if (error == 0) {
        error = grow(&maker.seen, &maker.seen_room, threads * threads, sizeof(uint64_t));
    }
    if (error == 0) {
        error = grow(&maker.awaited, &maker.awaited_room, trace->op_count / 8 + 1, 1);
    }
    if (error == 0) {
        error = walk(&maker, false);
    }
    walk_fini(&maker);
    if (error == 0) {
        error = walk(&maker, true);
    }
    if (error == 0) {
        error = take_out(&maker, steps);
    }
    walk_fini(&maker);
    trace_store_free(maker.slot_of, maker.slot_of_room, sizeof(uint32_t));
    trace_store_free(maker.pools, maker.pool_room, sizeof(struct pool));
    trace_store_free(maker.streams, maker.stream_room, sizeof(struct stream));
    trace_store_free(maker.seen, maker.seen_room, sizeof(uint64_t));
    trace_store_free(maker.awaited, maker.awaited_room, 1);
    return error;
}
