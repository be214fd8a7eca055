// SPDX-License-Identifier: MIT
//
// own.h - the harness's own memory, which a limit on the target's must not count.

#ifndef MEASURE_OWN_H
#define MEASURE_OWN_H

#include <stddef.h>

// Says that the harness is about to map so many private bytes: where the process runs under a soft
// limit of RLIMIT_DATA, the limit moves up by as much. Any thread, at any time.
void own_memory(size_t bytes);

#endif
