// SPDX-License-Identifier: MIT
//
// text_write.c - the text form, written so that reading it gives the same trace.

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "disk/disk.h"
#include "trace/names.h"
#include "trace/place.h"
#include "trace/text.h"

static void put_remark(FILE *out, const char *word, const char *text)
{
    if (text == NULL) {
        return;
    }
    fprintf(out, "%s ", word);
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        // A blank at an end, and a '#' that would begin a comment, would be lost.
        bool hidden = c < ' ' || c == 0x7f || ((i == 0 || i + 1 == length) && c == ' ') ||
                      (i == 0 && c == '#');
        if (hidden) {
            fprintf(out, "\\x%02x", c);
        } else if (c == '\\') {
            fputs("\\\\", out);
        } else {
            fputc(c, out);
        }
    }
    fputc('\n', out);
}

// Do processes and blocks get their numbers again by the order in which they come?
static bool processes_in_order(const struct trace *trace)
{
    size_t seen = 0;
    for (size_t i = 0; i < trace->op_count; i++) {
        const struct trace_op *op = &trace->ops[i];
        if (op->kind < TRACE_THREAD_START && op->process >= seen) {
            if (op->process != seen) {
                return false;
            }
            seen++;
        }
    }
    return seen == trace->process_count;
}

static void put_front(FILE *out, const struct trace *trace)
{
    put_remark(out, "program", trace->program);
    put_remark(out, "host", trace->host);
    if (trace->block_names == NULL && trace->block_count > 0) {
        fprintf(out, "numbered %u\n", trace->block_count);
    }
    if (!processes_in_order(trace)) {
        for (size_t i = 0; i < trace->process_count; i++) {
            fprintf(out, "process %s\n", trace->processes[i]);
        }
    }
}

static void put_place(FILE *out, const struct trace *trace, const struct trace_op *op)
{
    fputs(trace->processes[op->process], out);
    if (trace->block_names == NULL) {
        fprintf(out, "/%u", op->block);
    } else if (trace->block_names[op->block] != NULL) {
        fprintf(out, "/%s", trace->block_names[op->block]);
    }
}

static void put_extras(FILE *out, const struct trace_op *op)
{
    if (op->align_log2 != 0) {
        fprintf(out, " align=%llu", 1ull << op->align_log2);
    }
    if (op->call != trace_call_usual(op->kind) || op->kind == TRACE_ALLOC_ZEROED) {
        fprintf(out, " call=%s", trace_call_name(op->call));
    }
}

static void put_block_op(FILE *out, const struct trace *trace, const struct trace_op *op)
{
    static const char *const words[] = {[TRACE_ALLOC] = "alloc ",
                                        [TRACE_ALLOC_ZEROED] = "alloc ",
                                        [TRACE_FREE] = "free ",
                                        [TRACE_RESIZE] = "resize ",
                                        [TRACE_TOUCH] = "touch "};
    fputs(words[op->kind], out);
    put_place(out, trace, op);
    if (op->kind == TRACE_TOUCH) {
        fprintf(out, " %llu%s", (unsigned long long)op->size, op->flag ? " w" : "");
    } else if (op->kind != TRACE_FREE && !(op->kind == TRACE_ALLOC && op->flag)) {
        fprintf(out, " %llu", (unsigned long long)op->size);
    }
    put_extras(out, op);
    fputc('\n', out);
}

static void put_op(FILE *out, const struct trace *trace, const struct trace_op *op,
                   unsigned *thread)
{
    bool tells = op->kind == TRACE_THREAD_START || op->kind == TRACE_THREAD_END;
    if (op->thread != *thread && !tells) {
        fprintf(out, "thread %u\n", op->thread);
    }
    *thread = op->thread;
    if (trace_kind_has_block(op->kind)) {
        put_block_op(out, trace, op);
    } else if (tells) {
        fprintf(out, "thread %u %s\n", op->thread,
                op->kind == TRACE_THREAD_START ? "start" : "end");
    } else if (op->kind == TRACE_FREE_ALL) {
        fprintf(out, "free %s\n", trace->processes[op->process]);
    } else {
        fputs(op->kind == TRACE_SHOW ? "show\n" : "compact\n", out);
    }
}

// ---- what this form cannot say ------------------------------------------------------------------

static int names_fit(const struct trace *trace, struct complaint *complaint)
{
    struct trace_names seen = {0};
    int error = 0;
    for (size_t i = 0; i < trace->process_count && error == 0; i++) {
        const char *name = trace->processes[i];
        size_t length = strlen(name);
        if (!trace_text_name_fits(name, length)) {
            complain(complaint, "process %zu has a name that a text cannot hold", i);
            error = EINVAL;
        } else if (trace_names_find(&seen, 0, name, length) != TRACE_NAME_NONE) {
            complain(complaint, "two processes are called %s, which a text cannot say", name);
            error = EINVAL;
        } else {
            error = trace_names_add(&seen, 0, name, length, (uint32_t)i);
        }
    }
    trace_names_fini(&seen);
    for (uint32_t i = 0; trace->block_names != NULL && i < trace->block_count && error == 0; i++) {
        const char *name = trace->block_names[i];
        if (name != NULL && !trace_text_name_fits(name, strlen(name))) {
            complain(complaint, "block %u has a name that a text cannot hold", i);
            error = EINVAL;
        }
    }
    return error;
}

// The number that the reader of a text will give the operation's block: that of process and name,
// else the next. TRACE_NAME_NONE: it can give none.
static uint32_t number_read(const struct trace *trace, const struct trace_op *op,
                            struct trace_names *seen, uint32_t *next)
{
    const char *name = trace->block_names[op->block];
    bool allocates = trace_kind_allocates(op->kind);
    uint32_t number = TRACE_NAME_NONE;
    if (name != NULL) {
        number = trace_names_find(seen, op->process, name, strlen(name));
    }
    if (number != TRACE_NAME_NONE || !allocates) {
        return number;
    }
    if (name != NULL && trace_names_add(seen, op->process, name, strlen(name), *next) != 0) {
        return TRACE_NAME_NONE;
    }
    return (*next)++;
}

// Blocks with names are numbered as they come, one number a process and name; a block without a
// name comes once, and goes with its process.
static int numbers_fit(const struct trace *trace, struct complaint *complaint)
{
    struct trace_names seen = {0};
    uint32_t next = 0;
    bool fit = true;
    for (size_t i = 0; i < trace->op_count && fit; i++) {
        const struct trace_op *op = &trace->ops[i];
        fit = !trace_kind_has_block(op->kind) || number_read(trace, op, &seen, &next) == op->block;
        if (!fit) {
            complain(complaint, "operation %zu uses block %u in a way that a text cannot say", i,
                     op->block);
        }
    }
    trace_names_fini(&seen);
    if (fit && next != trace->block_count) {
        complain(complaint, "block %u is never used, which a text cannot say", next);
        fit = false;
    }
    return fit ? 0 : EINVAL;
}

static int expressible(const struct trace *trace, struct complaint *complaint)
{
    int error = names_fit(trace, complaint);
    return error == 0 && trace->block_names != NULL ? numbers_fit(trace, complaint) : error;
}

// ---- the whole ----------------------------------------------------------------------------------

static int put_all(FILE *out, const struct trace *trace)
{
    unsigned thread = 0;
    put_front(out, trace);
    if (trace->op_count == 0) { // an empty file would be no trace
        fputs("# no operations\n", out);
    }
    for (size_t i = 0; i < trace->op_count; i++) {
        put_op(out, trace, &trace->ops[i], &thread);
    }
    errno = 0;
    return fflush(out) != 0 || ferror(out) ? (errno != 0 ? errno : EIO) : 0;
}

// To standard output, or to `path`: whole or not at all.
static int put_file(const struct trace *trace, const char *path)
{
    struct disk_file file;
    int error = disk_open(path, &file);
    if (error != 0) {
        return error;
    }
    int copy = dup(file.fd); // the stream's own: closing it must not end the lock on the part
    FILE *out = copy >= 0 ? fdopen(copy, "w") : NULL;
    error = out != NULL ? put_all(out, trace) : errno;
    if (out != NULL && fclose(out) != 0 && error == 0) {
        error = errno;
    }
    if (error == 0) {
        return disk_close(&file);
    }
    disk_abandon(&file);
    return error;
}

int trace_write_text(const struct trace *trace, const char *path, struct complaint *complaint)
{
    int error = trace_check(trace, complaint);
    if (error == 0) {
        error = expressible(trace, complaint);
    }
    if (error == 0 && path != NULL) {
        error = trace_place_check(path, complaint);
    }
    if (error != 0) {
        return error;
    }
    error = path != NULL ? put_file(trace, path) : put_all(stdout, trace);
    if (error != 0) {
        complain(complaint, "%s: cannot be written: %s", path != NULL ? path : "standard output",
                 strerror(error));
    }
    return error;
}
