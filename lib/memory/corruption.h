// SPDX-License-Identifier: MIT
//
// corruption.h - the one way out when memory is found corrupt (see mems_on_corruption).

#ifndef MEMORY_CORRUPTION_H
#define MEMORY_CORRUPTION_H

#include <stdint.h>

typedef void (*corruption_hook)(const char *what, uint64_t addr);

// Calls the hook; the default prints one line and aborts. Called with no lock of a policy
// held (at a thread's end the registry's is). Where a hook
// returns, the caller leaves the thing alone and goes on.
void corruption_report(const char *what, uint64_t addr);
corruption_hook corruption_on(corruption_hook hook); // returns the one before; NULL: the default

#endif
