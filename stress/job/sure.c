// SPDX-License-Identifier: MIT
//
// sure.c - texts of their own, for whom there is memory or no driver.

#include "job/sure.h"

#include <stdio.h>

#include "job/complaint.h"

char *sure_print_list(const char *format, va_list arguments)
{
    char *text;
    if (vasprintf(&text, format, arguments) < 0) {
        complain_exhausted();
    }
    return text;
}

char *sure_print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = sure_print_list(format, arguments);
    va_end(arguments);
    return text;
}
