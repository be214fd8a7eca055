// SPDX-License-Identifier: MIT
//
// trace.c - a trace in memory: making, freeing, the names of kinds and calls, legality.

#include "trace/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trace/account.h"
#include "trace/store.h"

struct kind_row {
    const char *name;
    bool allocates;
    bool has_block;
    enum trace_call usual;
};

static const struct kind_row kinds[TRACE_KINDS] = {
    [TRACE_ALLOC] = {"alloc", true, true, TRACE_CALL_MALLOC},
    [TRACE_ALLOC_ZEROED] = {"alloc zeroed", true, true, TRACE_CALL_CALLOC},
    [TRACE_FREE] = {"free", false, true, TRACE_CALL_FREE},
    [TRACE_RESIZE] = {"resize", false, true, TRACE_CALL_REALLOC},
    [TRACE_TOUCH] = {"touch", false, true, TRACE_CALL_NONE},
    [TRACE_FREE_ALL] = {"free all", false, false, TRACE_CALL_NONE},
    [TRACE_THREAD_START] = {"thread start", false, false, TRACE_CALL_NONE},
    [TRACE_THREAD_END] = {"thread end", false, false, TRACE_CALL_NONE},
    [TRACE_SHOW] = {"show", false, false, TRACE_CALL_NONE},
    [TRACE_COMPACT] = {"compact", false, false, TRACE_CALL_NONE},
};

static const char *const calls[TRACE_CALLS] = {
    [TRACE_CALL_NONE] = "none",
    [TRACE_CALL_MALLOC] = "malloc",
    [TRACE_CALL_CALLOC] = "calloc",
    [TRACE_CALL_REALLOC] = "realloc",
    [TRACE_CALL_REALLOCARRAY] = "reallocarray",
    [TRACE_CALL_POSIX_MEMALIGN] = "posix_memalign",
    [TRACE_CALL_ALIGNED_ALLOC] = "aligned_alloc",
    [TRACE_CALL_MEMALIGN] = "memalign",
    [TRACE_CALL_VALLOC] = "valloc",
    [TRACE_CALL_PVALLOC] = "pvalloc",
    [TRACE_CALL_FREE] = "free",
    [TRACE_CALL_FREE_SIZED] = "free_sized",
    [TRACE_CALL_FREE_ALIGNED_SIZED] = "free_aligned_sized",
};

bool trace_kind_allocates(unsigned kind)
{
    return kind < TRACE_KINDS && kinds[kind].allocates;
}

bool trace_kind_has_block(unsigned kind)
{
    return kind < TRACE_KINDS && kinds[kind].has_block;
}

const char *trace_kind_name(unsigned kind)
{
    return kind < TRACE_KINDS ? kinds[kind].name : "?";
}

enum trace_call trace_call_usual(unsigned kind)
{
    return kind < TRACE_KINDS ? kinds[kind].usual : TRACE_CALL_NONE;
}

const char *trace_call_name(unsigned call)
{
    return call < TRACE_CALLS ? calls[call] : "?";
}

struct trace *trace_new(void)
{
    return calloc(1, sizeof(struct trace));
}

void trace_free(struct trace *trace)
{
    if (trace == NULL) {
        return;
    }
    trace_store_free(trace->ops, trace->op_room, sizeof(*trace->ops));
    for (size_t i = 0; i < trace->process_count; i++) {
        free(trace->processes[i]);
    }
    for (size_t i = 0; trace->block_names != NULL && i < trace->block_count; i++) {
        free(trace->block_names[i]);
    }
    free(trace->processes);
    free(trace->block_names);
    free(trace->program);
    free(trace->host);
    free(trace);
}

int trace_append(struct trace *trace, const struct trace_op *op)
{
    void *ops = trace->ops;
    int error = trace_store_grow(&ops, &trace->op_room, trace->op_count + 1, sizeof(*op));
    if (error != 0) {
        return error;
    }
    trace->ops = ops;
    trace->ops[trace->op_count++] = *op;
    if (op->thread >= trace->thread_count) {
        trace->thread_count = op->thread + 1u;
    }
    if (trace_kind_has_block(op->kind) && op->block >= trace->block_count) {
        trace->block_count = op->block + 1;
    }
    return 0;
}

int trace_add_process(struct trace *trace, const char *name, size_t length)
{
    char **grown = realloc(trace->processes, (trace->process_count + 1) * sizeof(char *));
    if (grown == NULL) {
        return ENOMEM;
    }
    trace->processes = grown;
    grown[trace->process_count] = strndup(name, length);
    if (grown[trace->process_count] == NULL) {
        return ENOMEM;
    }
    trace->process_count++;
    return 0;
}

int trace_check(const struct trace *trace, struct complaint *complaint)
{
    struct trace_account account;
    trace_account_init(&account);
    int error = 0;
    for (size_t i = 0; i < trace->op_count && error == 0; i++) {
        const struct trace_op *op = &trace->ops[i];
        const char *wrong = NULL;
        if (op->thread >= trace->thread_count) {
            wrong = "the thread is out of range";
        } else if (op->process >= trace->process_count && op->kind < TRACE_THREAD_START) {
            wrong = "the process is out of range";
        } else if (trace_kind_has_block(op->kind) && op->block >= trace->block_count) {
            wrong = "the block is out of range";
        } else {
            wrong = trace_account_add(&account, op);
        }
        if (wrong != NULL) {
            complain(complaint, "operation %zu (%s, thread %u, block %u): %s", i,
                     trace_kind_name(op->kind), op->thread, op->block, wrong);
            error = EINVAL;
        }
    }
    trace_account_fini(&account);
    return error;
}
