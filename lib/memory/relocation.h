// SPDX-License-Identifier: MIT
//
// relocation.h - moves the bytes behind a word while other threads use them: mark, wait, copy,
// publish. The essay, with the rules that the protocol lives by, is in relocation.c.
//
// A *word* is a descriptor's or a page's (memory/descriptor.h, memory/page_table.h): whatever says
// where bytes are and has a RESIDENT and a MOVING form. One thread at a time moves or evicts in an
// engine (a lock of rank LOCK_MOVER), so marks need no tag.

#ifndef MEMORY_RELOCATION_H
#define MEMORY_RELOCATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Most words that one batch marks: what one grace period is paid for.
#ifdef MEMS_HOSTILE
#define RELOCATION_BATCH 4
#else
#define RELOCATION_BATCH 64
#endif

// Most compare-and-swaps that one access makes on one word: movers + 1. The first may find that the
// batch which it saw has ended and the next one has marked the word again; that next one waits for
// this access's section, so the second try meets no third mark.
#define RELOCATION_CANCELS 2

// Step 1. Marks a word that is still `resident`; false: it has changed. Marked at most once a
// batch. May be called with locks held; never waits.
bool relocation_mark(uint64_t *word, uint64_t resident, uint64_t moving);

// Step 2. Waits until every access section that may have seen a word of this batch before it was
// marked has ended: one grace period, begun after the batch's last mark. Called outside sections
// and without any lock that is taken inside one.
void relocation_wait(void);

// Step 3. Copies while a thread that cancels may write. Nothing may be concluded from the copy
// before step 4 has succeeded. The old place stays mapped.
void relocation_copy(void *to, const void *from, size_t length);

// Step 4. Publishes the new place, or that there is none (swapped). false: an access has cancelled,
// or the block has ended; the new place is then the mover's to give back, the old one is not.
bool relocation_publish(uint64_t *word, uint64_t moving, uint64_t published);

// An access meets MOVING: takes the mark away and goes on at the old place. Returns the word to go
// on with, which is `resident` or what somebody else has made of it meanwhile: at most once another
// MOVING word (RELOCATION_CANCELS).
uint64_t relocation_cancel(uint64_t *word, uint64_t moving, uint64_t resident);

#endif
