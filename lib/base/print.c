// SPDX-License-Identifier: MIT
//
// print.c - a printf that needs nothing: no malloc, no locale, no lock, safe in a signal handler.

#include "base/print.h"

#include <stdbool.h>
#include <string.h>

static void print_bytes(struct printer *printer, const char *text, size_t length)
{
    size_t room = printer->size - 1 - printer->length;
    if (length > room) {
        length = room;
    }
    memcpy(printer->text + printer->length, text, length);
    printer->length += length;
    printer->text[printer->length] = 0;
}

void print_init(struct printer *printer, char *text, size_t size)
{
    *printer = (struct printer){.text = text, .size = size};
    text[0] = 0;
}

void print_text(struct printer *printer, const char *text)
{
    print_bytes(printer, text, strlen(text));
}

static void print_digits(struct printer *printer, uint64_t number, unsigned base)
{
    char digits[20]; // 2^64 has 20 decimal digits
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number != 0);
    print_bytes(printer, digits + at, sizeof digits - at);
}

void print_number(struct printer *printer, uint64_t number)
{
    print_digits(printer, number, 10);
}

void print_hex(struct printer *printer, uint64_t number)
{
    print_text(printer, "0x");
    print_digits(printer, number, 16);
}

static void print_int(struct printer *printer, int number)
{
    if (number < 0) {
        print_text(printer, "-");
    }
    print_number(printer, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

void print_format(struct printer *printer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_format_list(printer, format, arguments);
    va_end(arguments);
}

void print_format_list(struct printer *printer, const char *format, va_list arguments)
{
    while (*format != 0) {
        const char *percent = strchrnul(format, '%');
        print_bytes(printer, format, (size_t)(percent - format));
        if (*percent == 0) {
            return;
        }
        format = percent + 1;
        bool size = *format == 'z';
        bool longlong = strncmp(format, "ll", 2) == 0;
        format += size ? 1 : longlong ? 2 : 0;
        char kind = *format;
        if (kind == 0) {
            return;
        }
        format++;
        if (kind == 's') {
            const char *text = va_arg(arguments, const char *);
            print_text(printer, text != NULL ? text : "(null)");
        } else if (kind == 'c') {
            char character = (char)va_arg(arguments, int);
            print_bytes(printer, &character, 1);
        } else if (kind == 'd') {
            print_int(printer, va_arg(arguments, int));
        } else if (kind == '%') {
            print_bytes(printer, "%", 1);
        } else if (kind == 'u' || kind == 'x') {
            uint64_t number = longlong ? va_arg(arguments, unsigned long long)
                              : size   ? va_arg(arguments, size_t)
                                       : va_arg(arguments, unsigned);
            print_digits(printer, number, kind == 'x' ? 16 : 10);
        }
    }
}
