// SPDX-License-Identifier: MIT
//
// print.h - text without malloc or stdio: for messages that must work when nothing else does.
//
// A printer fills a buffer that the caller owns and stops, truncated but terminated, at its end.

#ifndef BASE_PRINT_H
#define BASE_PRINT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct printer {
    char *text;
    size_t size;   // of the buffer, > 0
    size_t length; // written so far, < size; text[length] == 0
};

void print_init(struct printer *printer, char *text, size_t size);
void print_text(struct printer *printer, const char *text);
void print_number(struct printer *printer, uint64_t number);
void print_hex(struct printer *printer, uint64_t number); // 0x..
// %s %c %d %u %zu %llu %x %zx %llx %%, without flags or widths; nothing else.
void print_format(struct printer *printer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void print_format_list(struct printer *printer, const char *format, va_list arguments);

#endif
