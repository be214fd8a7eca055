// SPDX-License-Identifier: MIT
//
// rows.h - the rows of the table of targets: one a file.

#ifndef TARGET_ROWS_H
#define TARGET_ROWS_H

#include "target/target.h"

extern const struct target target_null;
extern const struct target target_libc;
extern const struct target target_preload;
extern const struct target target_mems;
extern const struct target target_delay;

#endif
