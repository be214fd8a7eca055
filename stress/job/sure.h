// SPDX-License-Identifier: MIT
//
// sure.h - texts of their own, for whom there is memory or no driver (complain_exhausted).

#ifndef JOB_SURE_H
#define JOB_SURE_H

#include <stdarg.h>

// As asprintf and vasprintf, but never NULL; the caller frees it.
char *sure_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *sure_print_list(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

#endif
