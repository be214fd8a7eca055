// SPDX-License-Identifier: MIT
//
// relocation.c - moves bytes under load.
//
// 1. Theory. A mover never blocks an access (after the pauseless collectors; prior art: the CHICKEN
//    copying collector, Alaska's handles, Mesh). For a batch: (1) compare-and-swap each word
//    RESIDENT(old) -> MOVING(old); (2) wait for one RCU grace period, so that every access section
//    that saw an old base unmarked has ended; (3) copy to a private new place, or to swap; (4)
//    compare-and-swap MOVING(old) -> RESIDENT(new) or SWAPPED(slot). The old place is free at once:
//    whoever used it without a mark has ended, whoever came after the mark has cancelled it, and
//    then step 4 has failed.
// 2. An access that meets MOVING swaps it back to RESIDENT(old) and goes on. So accesses are
//    wait-free, writers lose nothing, and a block in use is exactly a block not moved. An access
//    that fails its compare-and-swap uses the word it gets back. That may be MOVING once more: when
//    the batch that it saw had begun its grace period before the access's section, it may end, and
//    the next one mark the word again. The next one has to wait for the section, so with one mover
//    there are two compare-and-swaps at most (RELOCATION_CANCELS).
// 3. Rules.
//    - Every change of the word is one full-word strong compare-and-swap, never check-then-store.
//    - One mover an engine, no tag: a second mover's mark could be taken for the first's.
//    - A word is marked at most once a batch; joining a grace period already running is wrong.
//    - The new place is disjoint from the old and private until step 4.
//    - Release is a compare-and-swap from whatever the word is to CACHED; step 4 then fails.
//    - No wait for a grace period, a frame or a lock of the mover's inside a section.
// 4. Ordering. For accesses the mark may be relaxed: the grace period orders it (membarrier makes
//    every running reader execute a fence, sync/section.c). It acquires what the block's taker did
//    before the block began [A:begin]: the taker reads the block's record without a lock while it
//    is CACHED, and a move writes it. The cancel acquires on success and failure; a publish
//    releases the copy [R:place], and every load of a word acquires it [A:place].
// 5. Step 3 reads bytes that a cancelling thread may be writing. It is one machine instruction, of
//    which the compiler assumes nothing; whatever it read then is thrown away by step 4.
// 6. If you change this: tests/models has the protocol for Spin, whose rules name the lines that
//    keep them by labels (model:); change both. tests/concurrency/test_mover.c holds stamped
//    blocks against it, with 2 and 16 threads, under TSan and in the hostile build, and
//    test_torture.c measures how old is what a reader sees.

#include "memory/relocation.h"

#include "sync/atomic.h"
#include "sync/section.h"

bool relocation_mark(uint64_t *word, uint64_t resident, uint64_t moving)
{
    schedule_step("mark");
    return cas_acquire(word, &resident, moving); // [A:begin] [model:mark]
}

void relocation_wait(void)
{
    schedule_step("wait");
    section_wait(); // [model:grace]
}

void relocation_copy(void *to, const void *from, size_t length)
{
    schedule_point("copy", "block");
#if defined(__x86_64__)
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(length) : : "memory");
#else
    for (size_t i = 0; i < length; i++) {
        ((char *)to)[i] = load_relaxed(&((const char *)from)[i]);
    }
#endif
}

bool relocation_publish(uint64_t *word, uint64_t moving, uint64_t published)
{
    schedule_step("publish");
    return cas_release(word, &moving, published); // [R:place] [model:publish]
}

uint64_t relocation_cancel(uint64_t *word, uint64_t moving, uint64_t resident)
{
    schedule_step("cancel");
    uint64_t found = moving;
    return cas_acq_rel(word, &found, resident) ? resident : found; // [A:place] [model:cancel]
}
