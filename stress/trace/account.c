// SPDX-License-Identifier: MIT
//
// account.c - what a trace holds at each moment.

#include "trace/account.h"

#include <string.h>

#include "trace/store.h"

unsigned trace_class(uint64_t size)
{
    if (size <= 1) {
        return 0;
    }
    unsigned class = 64u - (unsigned)__builtin_clzll(size - 1);
    return class < TRACE_CLASSES ? class : TRACE_CLASSES - 1;
}

void trace_account_init(struct trace_account *account)
{
    memset(account, 0, sizeof(*account));
}

void trace_account_fini(struct trace_account *account)
{
    trace_store_free(account->blocks, account->block_room, sizeof(*account->blocks));
    trace_store_free(account->first, account->first_room, sizeof(*account->first));
    trace_store_free(account->thread_ops, account->thread_room, sizeof(*account->thread_ops));
    memset(account, 0, sizeof(*account));
}

static void raise_to(uint64_t *peak, uint64_t value)
{
    if (value > *peak) {
        *peak = value;
    }
}

static void live_add(struct trace_account *account, uint64_t size)
{
    unsigned class = trace_class(size);
    account->live_blocks++;
    account->live_bytes += size;
    account->live_class[class]++;
    raise_to(&account->peak_blocks, account->live_blocks);
    raise_to(&account->peak_bytes, account->live_bytes);
    raise_to(&account->peak_class[class], account->live_class[class]);
    raise_to(&account->largest, size);
}

static void live_remove(struct trace_account *account, uint64_t size)
{
    account->live_blocks--;
    account->live_bytes -= size;
    account->live_class[trace_class(size)]--;
}

static void link_block(struct trace_account *account, uint32_t number)
{
    struct trace_account_block *block = &account->blocks[number];
    uint32_t *first = &account->first[block->process];
    block->next = *first;
    block->previous = 0;
    if (*first != 0) {
        account->blocks[*first - 1].previous = number + 1;
    }
    *first = number + 1;
}

static void unlink_block(struct trace_account *account, uint32_t number)
{
    struct trace_account_block *block = &account->blocks[number];
    if (block->next != 0) {
        account->blocks[block->next - 1].previous = block->previous;
    }
    if (block->previous != 0) {
        account->blocks[block->previous - 1].next = block->next;
    } else {
        account->first[block->process] = block->next;
    }
}

static const char *add_alloc(struct trace_account *account, const struct trace_op *op)
{
    void *blocks = account->blocks;
    if (trace_store_grow(&blocks, &account->block_room, (size_t)op->block + 1,
                         sizeof(*account->blocks)) != 0) {
        return "no memory for its block number";
    }
    account->blocks = blocks;
    struct trace_account_block *block = &account->blocks[op->block];
    if (block->live) {
        return "the block is live already";
    }
    *block = (struct trace_account_block){
        .size = op->size, .process = op->process, .thread = op->thread, .live = true};
    link_block(account, op->block);
    live_add(account, op->size);
    account->allocated_bytes += op->size;
    account->allocs_class[trace_class(op->size)]++;
    return NULL;
}

static void add_free(struct trace_account *account, uint32_t number, uint16_t thread)
{
    struct trace_account_block *block = &account->blocks[number];
    unlink_block(account, number);
    live_remove(account, block->size);
    account->frees++;
    account->remote_frees += block->thread != thread;
    block->live = false;
}

// Where a resize moves the block, the new place is taken before the old one is given back: the
// classes' peaks count both.
static void add_resize(struct trace_account *account, const struct trace_op *op)
{
    struct trace_account_block *block = &account->blocks[op->block];
    unsigned from = trace_class(block->size), to = trace_class(op->size);
    if (from != to) {
        account->live_class[to]++;
        raise_to(&account->peak_class[to], account->live_class[to]);
        account->live_class[from]--;
    }
    if (op->size > block->size) {
        account->allocated_bytes += op->size - block->size;
    }
    account->live_bytes += op->size - block->size;
    raise_to(&account->peak_bytes, account->live_bytes);
    raise_to(&account->largest, op->size);
    block->size = op->size;
}

static const char *add_block_op(struct trace_account *account, const struct trace_op *op)
{
    if (op->block >= account->block_room || !account->blocks[op->block].live) {
        return "the block is not live";
    }
    const struct trace_account_block *block = &account->blocks[op->block];
    if (block->process != op->process) {
        return "the block belongs to another process";
    }
    if (op->kind == TRACE_FREE) {
        add_free(account, op->block, op->thread);
    } else if (op->kind == TRACE_RESIZE) {
        add_resize(account, op);
    } else if (op->size >= (block->size != 0 ? block->size : 1)) {
        return "the offset is past the end of the block";
    }
    return NULL;
}

static bool call_fits(const struct trace_op *op)
{
    switch (op->kind) {
    case TRACE_ALLOC:
        return op->call >= TRACE_CALL_MALLOC && op->call <= TRACE_CALL_PVALLOC &&
               op->call != TRACE_CALL_CALLOC;
    case TRACE_ALLOC_ZEROED:
        return op->call == TRACE_CALL_CALLOC;
    case TRACE_FREE:
        return (op->call >= TRACE_CALL_FREE && op->call < TRACE_CALLS) ||
               op->call == TRACE_CALL_REALLOC || op->call == TRACE_CALL_REALLOCARRAY;
    case TRACE_RESIZE:
        return op->call == TRACE_CALL_REALLOC || op->call == TRACE_CALL_REALLOCARRAY;
    default:
        return op->call == TRACE_CALL_NONE;
    }
}

static const char *add_by_kind(struct trace_account *account, const struct trace_op *op)
{
    if (trace_kind_allocates(op->kind)) {
        return add_alloc(account, op);
    }
    if (trace_kind_has_block(op->kind)) {
        return add_block_op(account, op);
    }
    if (op->kind == TRACE_FREE_ALL) {
        while (account->first[op->process] != 0) {
            add_free(account, account->first[op->process] - 1, op->thread);
        }
    }
    return NULL;
}

// Each field says something, or nothing: what a kind has no use for is 0.
static const char *details_wrong(const struct trace_op *op)
{
    if (op->flag != 0 && op->kind == TRACE_ALLOC_ZEROED) {
        return "calloc without a size";
    }
    if (op->flag > 1 || (op->flag != 0 && op->kind != TRACE_ALLOC && op->kind != TRACE_TOUCH)) {
        return "a flag that means nothing";
    }
    if (op->flag != 0 && op->kind == TRACE_ALLOC && op->size != 1) {
        return "a size, and none";
    }
    if (op->size > INT64_MAX) {
        return "a size or an offset above 2^63 - 1";
    }
    if (op->align_log2 > 47) {
        return "an alignment above 2^47";
    }
    if (op->align_log2 != 0 && !trace_kind_allocates(op->kind)) {
        return "an alignment where nothing is allocated";
    }
    if (op->process != 0 && op->kind >= TRACE_THREAD_START) {
        return "a process where none belongs";
    }
    return NULL;
}

const char *trace_account_add(struct trace_account *account, const struct trace_op *op)
{
    if (op->kind >= TRACE_KINDS) {
        return "no such kind of operation";
    }
    if (!call_fits(op)) {
        return "a call that does not do this";
    }
    const char *odd = details_wrong(op);
    if (odd != NULL) {
        return odd;
    }
    void *first = account->first, *thread_ops = account->thread_ops;
    int error = trace_store_grow(&first, &account->first_room, op->process + 1u, sizeof(uint32_t));
    account->first = first;
    if (error == 0) {
        error =
            trace_store_grow(&thread_ops, &account->thread_room, op->thread + 1u, sizeof(uint64_t));
        account->thread_ops = thread_ops;
    }
    const char *wrong = error != 0 ? "no memory" : add_by_kind(account, op);
    if (wrong == NULL) {
        account->ops++;
        account->kind[op->kind]++;
        account->call[op->call]++;
        account->thread_ops[op->thread]++;
    }
    return wrong;
}
