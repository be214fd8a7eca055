// SPDX-License-Identifier: MIT
//
// words.h - names, operations and amounts as the trace's author would say them.

#ifndef SHOW_WORDS_H
#define SHOW_WORDS_H

#include <stdio.h>

#include "show/show.h"

// "P1" or "P1/a".
void words_name(const struct trace *trace, uint32_t process, uint32_t block, char *text,
                size_t size);
// "alloc P1/a 200", as a line of the text form.
void words_operation(const struct trace *trace, const struct trace_op *op, char *text, size_t size);
// Bytes of the engine in units: a fraction where they are not whole, 256Ki from there on.
void words_amount(uint64_t bytes, uint64_t unit, char *text, size_t size);
// Sets step->text, which may be among the arguments.
void words_say(struct show_step *step, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// A paragraph in lines of `width` columns, each indented; nothing for "".
void words_wrap(FILE *out, unsigned indent, unsigned width, const char *text);
// The same, where the line has `at` columns already: its first word comes behind a blank.
void words_wrap_from(FILE *out, unsigned at, unsigned indent, unsigned width, const char *text);
const char *words_outcome(enum show_outcome outcome);

#endif
