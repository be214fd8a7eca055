// SPDX-License-Identifier: MIT
//
// process.h - what a driver's process sees to before anything else.

#ifndef CLI_PROCESS_H
#define CLI_PROCESS_H

void process_hold_streams(void);
void process_outlive_limit(void);

#endif
