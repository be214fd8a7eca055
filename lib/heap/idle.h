// SPDX-License-Identifier: MIT
//
// idle.h - memory that idle threads sit on.
//
// The essay is in idle.c.

#ifndef HEAP_IDLE_H
#define HEAP_IDLE_H

#include <stdbool.h>
#include <stdint.h>

struct depot;

// Gives back what threads that are idle have no use for; all threads, when `now`. Bytes of which
// the pages went to the OS at once. Takes the depot's lock; the second form has it.
uint64_t idle_purge(bool now);
uint64_t idle_look(struct depot *depot, bool now);

// The lock held: the process is about to grow by so many granules. Some of what idle threads have
// no use for becomes the depot's.
void idle_grow(struct depot *depot, uint64_t granules);

// The lock held, in a child: fronts but this owner's have no spare slabs, the depot has them.
void idle_forget(struct depot *depot, uint64_t survivor);

#endif
