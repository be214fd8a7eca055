// SPDX-License-Identifier: MIT
//
// supplier.h - which object answers malloc in this process.

#ifndef RUN_SUPPLIER_H
#define RUN_SUPPLIER_H

#include "run/report.h"

// 0, or ENOENT when no object can be named.
int supplier_find(struct report_supplier *supplier);
// The same of the C library itself.
int supplier_libc(struct report_supplier *supplier);
// Whether it is the system's C library (or, in a sanitizer's build, the sanitizer in its place).
bool supplier_is_libc(const struct report_supplier *supplier);

#endif
