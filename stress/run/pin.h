// SPDX-License-Identifier: MIT
//
// pin.h - which CPU each worker stays on: the key `pin`.

#ifndef RUN_PIN_H
#define RUN_PIN_H

#include <stddef.h>

#include "job/job.h"

#define PIN_TEXT 128

// Resolves a section's `pin` for this machine into CPUs in the order of the workers: "0-3/8", ""
// where nothing is pinned. In the driver: what a cell is told must not depend on its own mask.
// EINVAL with a complaint: not a way to pin, a CPU that is not there or not allowed, or an order
// that does not fit PIN_TEXT.
int pin_resolve(const struct job_section *section, char text[PIN_TEXT],
                struct complaint *complaint);
// Pins the calling thread, worker `number`, to its CPU of a resolved text; more workers than CPUs
// begin again. 0 (also for ""), or errno.
int pin_thread(const char *text, unsigned number);

#endif
