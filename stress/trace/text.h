// SPDX-License-Identifier: MIT
//
// text.h - the text form, inside. FORMAT.md is its page.

#ifndef TRACE_TEXT_H
#define TRACE_TEXT_H

#include <stddef.h>

#include "trace/trace.h"

int trace_text_parse(const char *text, size_t length, const char *name, struct trace **trace,
                     struct complaint *complaint);

// A name can stand in the text form: not empty, no blank or control character, no '/', '#', '='.
bool trace_text_name_fits(const char *name, size_t length);

#endif
