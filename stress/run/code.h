// SPDX-License-Identifier: MIT
//
// code.h - the program's own files in memory, before anything is measured.

#ifndef RUN_CODE_H
#define RUN_CODE_H

// Makes resident what the program and its libraries have loaded. As far as the system can: without
// it their pages come when they are first used.
void code_populate(void);

#endif
