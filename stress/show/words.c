// SPDX-License-Identifier: MIT
//
// words.c - names, operations and amounts as the trace's author would say them.

#include "show/words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WORDS_LARGE 65536u // from here on multiples of 1024 are said in Ki

void words_name(const struct trace *trace, uint32_t process, uint32_t block, char *text,
                size_t size)
{
    const char *owner = process < trace->process_count ? trace->processes[process] : "?";
    if (block == SHOW_NOBODY) {
        snprintf(text, size, "%s", owner);
    } else if (trace->block_names == NULL) {
        snprintf(text, size, "%s%s%" PRIu32, trace->process_count > 1 ? owner : "",
                 trace->process_count > 1 ? "/" : "", block);
    } else if (trace->block_names[block] == NULL) {
        snprintf(text, size, "%s", owner);
    } else {
        snprintf(text, size, "%s/%s", owner, trace->block_names[block]);
    }
}

void words_operation(const struct trace *trace, const struct trace_op *op, char *text, size_t size)
{
    char name[100];
    bool block = trace_kind_has_block(op->kind);
    words_name(trace, op->process, block ? op->block : SHOW_NOBODY, name, sizeof name);
    switch (op->kind) {
    case TRACE_ALLOC:
    case TRACE_ALLOC_ZEROED:
        if (op->flag != 0) {
            snprintf(text, size, "alloc %s", name);
            return;
        }
        snprintf(text, size, "alloc %s %" PRIu64, name, op->size);
        return;
    case TRACE_RESIZE:
        snprintf(text, size, "resize %s %" PRIu64, name, op->size);
        return;
    case TRACE_TOUCH:
        snprintf(text, size, "touch %s %" PRIu64 "%s", name, op->size, op->flag != 0 ? " w" : "");
        return;
    case TRACE_FREE:
    case TRACE_FREE_ALL:
        snprintf(text, size, "free %s", name);
        return;
    default:
        snprintf(text, size, "%s", trace_kind_name(op->kind));
    }
}

void words_amount(uint64_t bytes, uint64_t unit, char *text, size_t size)
{
    uint64_t units = bytes / unit;
    if (bytes % unit != 0) {
        snprintf(text, size, "%.2f", (double)bytes / (double)unit);
    } else if (units >= WORDS_LARGE && units % (1u << 20) == 0) {
        snprintf(text, size, "%" PRIu64 "Mi", units >> 20);
    } else if (units >= WORDS_LARGE && units % 1024 == 0) {
        snprintf(text, size, "%" PRIu64 "Ki", units >> 10);
    } else {
        snprintf(text, size, "%" PRIu64, units);
    }
}

void words_say(struct show_step *step, const char *format, ...)
{
    char text[sizeof step->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    memcpy(step->text, text, sizeof text);
}

void words_wrap_from(FILE *out, unsigned at, unsigned indent, unsigned width, const char *text)
{
    size_t column = at;
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (column > indent && column + 1 + length > width) {
            fprintf(out, "\n");
            column = 0;
        }
        fprintf(out, "%*s%.*s", column == 0 ? (int)indent : 1, "", (int)length, text);
        column += (column == 0 ? indent : 1) + length;
        text += length;
        text += strspn(text, " ");
    }
    if (column > 0) {
        fprintf(out, "\n");
    }
}

void words_wrap(FILE *out, unsigned indent, unsigned width, const char *text)
{
    words_wrap_from(out, 0, indent, width, text);
}

const char *words_outcome(enum show_outcome outcome)
{
    static const char *const names[SHOW_OUTCOMES] = {
        [SHOW_DONE] = "done",       [SHOW_REFUSED] = "refused", [SHOW_SKIPPED] = "skipped",
        [SHOW_NOTHING] = "nothing", [SHOW_MAP] = "show",        [SHOW_SILENT] = "silent",
    };
    return names[outcome];
}
