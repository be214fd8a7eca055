// SPDX-License-Identifier: MIT
//
// idle.h - memory that idle threads sit on.

#ifndef HEAP_IDLE_H
#define HEAP_IDLE_H

#include <stdbool.h>
#include <stdint.h>

// Pages whose blocks were all returned to threads that do not take them in go back to the OS: of
// slabs whose inbox has not changed since the last look; `now`: of all. Takes the depot's lock.
// Bytes.
uint64_t idle_purge(bool now);

#endif
