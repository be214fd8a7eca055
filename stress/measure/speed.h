// SPDX-License-Identifier: MIT
//
// speed.h - how fast the machine is just now: a fixed piece of work, timed.

#ifndef MEASURE_SPEED_H
#define MEASURE_SPEED_H

#include <stdint.h>

// Nanoseconds that the piece took: the least of three, about half a millisecond each. One thread
// at a time.
uint64_t speed_measure_ns(void);

// The piece itself. The result depends on `rounds` alone.
uint64_t speed_work(uint32_t rounds);

#endif
