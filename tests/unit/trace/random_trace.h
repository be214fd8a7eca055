// SPDX-License-Identifier: MIT
//
// random_trace.h - random legal traces, and whether two traces are the same.

#ifndef TEST_RANDOM_TRACE_H
#define TEST_RANDOM_TRACE_H

#include <string.h>

#include "support/test.h"
#include "trace/trace.h"
#include "workload/random.h"

#define RANDOM_BLOCKS 64

// What a recording can hold, or what a text can (processes, names, touch, show, no sizes).
enum random_style { RANDOM_RECORDED, RANDOM_NUMBERED, RANDOM_NAMED };

static inline uint64_t random_size(struct random *random)
{
    return random_next(random) >> (16 + random_below(random, 48)); // any size, small ones as often
}

static inline void random_alloc(struct random *random, enum random_style style, struct trace_op *op)
{
    static const uint8_t calls[] = {TRACE_CALL_MALLOC,        TRACE_CALL_CALLOC,
                                    TRACE_CALL_REALLOC,       TRACE_CALL_POSIX_MEMALIGN,
                                    TRACE_CALL_ALIGNED_ALLOC, TRACE_CALL_PVALLOC};
    op->call = calls[random_below(random, sizeof(calls))];
    op->kind = op->call == TRACE_CALL_CALLOC ? TRACE_ALLOC_ZEROED : TRACE_ALLOC;
    op->size = random_size(random);
    if (op->call >= TRACE_CALL_POSIX_MEMALIGN) {
        op->align_log2 = (uint8_t)random_below(random, 20);
    }
    if (style != RANDOM_RECORDED && op->kind == TRACE_ALLOC && random_below(random, 4) == 0) {
        op->size = op->flag = 1;
    }
}

struct random_maker {
    struct random random;
    enum random_style style;
    struct trace *trace;
    uint64_t sizes[RANDOM_BLOCKS]; // by block + 1; 0: not live
    uint16_t process[RANDOM_BLOCKS];
    uint32_t free_stack[RANDOM_BLOCKS]; // RANDOM_RECORDED: the last freed is used first
    uint32_t free_count, next;
};

static inline bool random_birth(struct random_maker *maker, struct trace_op *op)
{
    if (maker->style == RANDOM_RECORDED) {
        if (maker->free_count > 0) {
            op->block = maker->free_stack[--maker->free_count];
        } else if (maker->next < RANDOM_BLOCKS) {
            op->block = maker->next++;
        } else {
            return false;
        }
    } else {
        // Names are numbered as they come: a new one only when all before it were used.
        op->block =
            (uint32_t)random_below(&maker->random, maker->next + (maker->next < RANDOM_BLOCKS));
        if (maker->sizes[op->block] != 0) {
            return false;
        }
        maker->next += op->block == maker->next;
    }
    random_alloc(&maker->random, maker->style, op);
    op->process = maker->style == RANDOM_RECORDED ? 0 : (uint16_t)(op->block % 3);
    maker->process[op->block] = op->process;
    maker->sizes[op->block] = op->size + 1;
    return true;
}

static inline bool random_use(struct random_maker *maker, struct trace_op *op)
{
    op->block = (uint32_t)random_below(&maker->random, RANDOM_BLOCKS);
    uint64_t size = maker->sizes[op->block];
    if (size == 0) {
        return false;
    }
    op->process = maker->process[op->block];
    switch (random_below(&maker->random, 4)) {
    case 0:
        op->kind = TRACE_RESIZE;
        op->call = TRACE_CALL_REALLOC;
        op->size = random_size(&maker->random);
        maker->sizes[op->block] = op->size + 1;
        return true;
    case 1:
        op->kind = TRACE_TOUCH;
        op->size = size > 1 ? random_below(&maker->random, size - 1) : 0;
        op->flag = random_below(&maker->random, 2) == 0;
        return true;
    default:
        op->kind = TRACE_FREE;
        op->call = random_below(&maker->random, 5) == 0 ? TRACE_CALL_REALLOC : TRACE_CALL_FREE;
        maker->sizes[op->block] = 0;
        if (maker->style == RANDOM_RECORDED) {
            maker->free_stack[maker->free_count++] = op->block;
        }
        return true;
    }
}

static inline bool random_other(struct random_maker *maker, struct trace_op *op)
{
    static const uint8_t kinds[] = {TRACE_THREAD_START, TRACE_THREAD_END, TRACE_SHOW, TRACE_COMPACT,
                                    TRACE_FREE_ALL};
    bool recorded = maker->style == RANDOM_RECORDED;
    op->kind = kinds[random_below(&maker->random, recorded ? 2 : sizeof(kinds))];
    if (op->kind == TRACE_FREE_ALL) {
        op->process = (uint16_t)random_below(&maker->random, 3);
        for (uint32_t i = 0; i < RANDOM_BLOCKS; i++) {
            if (maker->process[i] == op->process) {
                maker->sizes[i] = 0;
            }
        }
    }
    return true;
}

static inline void random_names(struct trace *trace, enum random_style style)
{
    const char *const processes[] = {"P1", "second", "3."};
    for (unsigned i = 0; i < (style == RANDOM_RECORDED ? 1 : 3); i++) {
        assert_int_equal(0, trace_add_process(trace, processes[i], strlen(processes[i])));
    }
    if (style == RANDOM_NAMED && trace->block_count > 0) {
        trace->block_names = calloc(trace->block_count, sizeof(char *));
        assert_non_null(trace->block_names);
        for (uint32_t i = 0; i < trace->block_count; i++) {
            char name[32];
            snprintf(name, sizeof(name), "b%u", i);
            trace->block_names[i] = strdup(name);
        }
    } else {
        trace->program = strdup(" odd \\ \n program\x7f ");
        trace->host = strdup("");
    }
}

static inline struct trace *random_trace(uint64_t seed, enum random_style style, size_t ops)
{
    struct random_maker maker = {.style = style, .trace = trace_new()};
    random_init(&maker.random, seed, style, ops);
    assert_non_null(maker.trace);
    uint16_t thread = 0;
    while (maker.trace->op_count < ops) {
        if (random_below(&maker.random, 8) == 0) {
            thread = (uint16_t)random_below(&maker.random, 5);
        }
        struct trace_op op = {.thread = thread};
        uint64_t which = random_below(&maker.random, 20);
        bool made = which == 0   ? random_other(&maker, &op)
                    : which < 10 ? random_birth(&maker, &op)
                                 : random_use(&maker, &op);
        if (made) {
            assert_int_equal(0, trace_append(maker.trace, &op));
        }
    }
    random_names(maker.trace, style);
    return maker.trace;
}

static inline void same_text(const char *a, const char *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a != NULL) {
        assert_string_equal(a, b);
    }
}

// The first `count` operations.
static inline void same_ops(const struct trace *a, const struct trace *b, size_t count)
{
    assert_true(a->op_count >= count && b->op_count >= count);
    for (size_t i = 0; i < count; i++) {
        const struct trace_op *x = &a->ops[i], *y = &b->ops[i];
        if (x->kind != y->kind || x->align_log2 != y->align_log2 || x->flag != y->flag ||
            x->call != y->call || x->thread != y->thread || x->process != y->process ||
            x->block != y->block || x->size != y->size) {
            fail_msg("operation %zu: kind %u %u, block %u %u, thread %u %u, size %llu %llu", i,
                     x->kind, y->kind, x->block, y->block, x->thread, y->thread,
                     (unsigned long long)x->size, (unsigned long long)y->size);
        }
    }
}

static inline void same_trace(const struct trace *a, const struct trace *b)
{
    assert_int_equal(a->op_count, b->op_count);
    same_ops(a, b, a->op_count);
    assert_int_equal(a->thread_count, b->thread_count);
    assert_int_equal(a->block_count, b->block_count);
    assert_int_equal(a->process_count, b->process_count);
    for (size_t i = 0; i < a->process_count; i++) {
        assert_string_equal(a->processes[i], b->processes[i]);
    }
    assert_int_equal(a->block_names == NULL, b->block_names == NULL);
    for (uint32_t i = 0; a->block_names != NULL && i < a->block_count; i++) {
        same_text(a->block_names[i], b->block_names[i]);
    }
    same_text(a->program, b->program);
    same_text(a->host, b->host);
}

static inline char *slurp(const char *path, size_t *length)
{
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    fseek(in, 0, SEEK_END);
    *length = (size_t)ftell(in);
    rewind(in);
    char *bytes = malloc(*length + 1);
    assert_non_null(bytes);
    assert_int_equal(*length, fread(bytes, 1, *length, in));
    bytes[*length] = '\0';
    fclose(in);
    return bytes;
}

// A name for a file of this test's own; the caller frees and removes.
static inline char *temporary(void)
{
    const char *folder = getenv("TMPDIR");
    char *path = NULL;
    assert_true(asprintf(&path, "%s/mems-trace-XXXXXX", folder != NULL ? folder : "/tmp") > 0);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    fclose(fdopen(fd, "w"));
    return path;
}

#endif
