// SPDX-License-Identifier: MIT
//
// words.pml - how large the model is, and what an address names.

// ---- how large ---------------------------------------------------------------------------------

#ifndef BLOCKS
#define BLOCKS 2 // descriptors
#endif
#ifndef PLACES
#define PLACES 3 // where bytes can be: at least BLOCKS + 1
#endif
#ifndef ACCESSORS
#define ACCESSORS 2
#endif
#ifndef SECTIONS
#define SECTIONS 1 // of each accessor
#endif
#ifndef TOUCHES
#define TOUCHES 1 // translates a section
#endif
#ifndef MOVERS
#define MOVERS 1
#endif
#ifndef BATCHES
#define BATCHES 2 // of each mover
#endif
#ifndef RELEASES
#define RELEASES 0 // of block 0, by its owner; at most 3
#endif
#ifndef TRIMS
#define TRIMS 0 // how often a region is given back to the system
#endif
#ifndef SWAP
#define SWAP 0 // 1: batches may evict
#endif
#ifndef TAGS
#define TAGS 0 // 1: marks are tagged, and there is no mover's lock
#endif

// ---- words -------------------------------------------------------------------------------------

#define GONE     0
#define CACHED   1
#define RESIDENT 2
#define MOVING   3
#define SWAPPED  4

#define NOWHERE 7

#define WORD(state, place, generation, tag) ((state) | (place) << 3 | (generation) << 6 | (tag) << 8)
#define STATE(word)         ((word) & 7)
#define PLACE(word)         (((word) >> 3) & 7)
#define GENERATION(word)    (((word) >> 6) & 3)
#define TURNED(word, state) ((((word) >> 3) & 31) << 3 | (state))
#define ALLOCATED(word)     (STATE(word) >= RESIDENT)
#define IS_BLOCK(word, g)   (ALLOCATED(word) && GENERATION(word) == (g))

#if TAGS
#define MARKED(word, m) (TURNED(word, MOVING) | ((m) + 1) << 8)
#else
#define MARKED(word, m) TURNED(word, MOVING)
#endif

#if TAGS || defined(NO_TAG)
#define CANCELS (MOVERS + 1)
#else
#define CANCELS 2
#endif

short word[BLOCKS];
byte at[BLOCKS];     // the address that the program knows: its generation
byte known[BLOCKS];  // and which block that was
