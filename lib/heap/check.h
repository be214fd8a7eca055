// SPDX-License-Identifier: MIT
//
// check.h - holds the heap against its invariants.

#ifndef HEAP_CHECK_H
#define HEAP_CHECK_H

#include "heap/front.h"

// G1 to G4 of every slab and large block, D1 to D4 of both depots and H1 to H5 of their extents;
// of `front`, which is this thread's or nobody's (NULL: of none), F1 to F4. NULL, or the label of
// the first broken one. No other thread is inside the heap meanwhile. Takes the depots' locks, but
// of a frozen one. O(granules held).
const char *heap_check(const struct front *front);

#endif
