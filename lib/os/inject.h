// SPDX-License-Identifier: MIT
//
// inject.h - the seam's side of mems/inject.h: counts the calls, says which one is to fail.

#ifndef OS_INJECT_H
#define OS_INJECT_H

#include <stdbool.h>

#include "mems/inject.h"

// Counts one call on the seam; true: this one must fail.
bool inject_fails(enum mems_seam seam);

#endif
