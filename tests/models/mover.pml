// SPDX-License-Identifier: MIT
//
// mover.pml - how blocks move under load, checked by Spin in every interleaving.
//
// 1. What is modelled. lib/memory/relocation.c and who calls it: a word {state, place, generation}
//    a block; accessors that begin a section, translate, use what they got (a read, or an addition
//    of one), and end it; movers that mark a batch, wait for a grace period, copy or write to swap,
//    and publish; accessors that find a block on swap and bring it back; an owner who releases a
//    block and begins another one under its descriptor, at the same place (a magazine) or at another
//    one (the policy); a trimmer that gives empty regions back to the system. A segment's mark that
//    stays for a later batch, and a block that loses its place in a magazine, are in it, too
//    (lib/policy/vm_segmentation.c, 5).
// 2. What is claimed. Whoever uses what a translate of his section named finds the bytes as they are
//    at that moment, at a place that is mapped (use). No address is good for another block, none of
//    a block that is there is refused. An access makes RELOCATION_CANCELS compare-and-swaps at most,
//    and what a fault has brought in stays until the section ends. In the end no addition is lost
//    and each place is one block's or a hole. Nobody waits for ever: a state with no way on is an
//    error to Spin.
// 3. Steps. What stands between two semicolons is one step, a d_step or an atomic is one: a
//    compare-and-swap is, and so is what is done with a lock that all others who could see it would
//    need (finding a place, giving it back). Bytes are one number, the additions so far; a hole's
//    are POISON. A grace period is what liburcu promises and no more: the sections that have begun
//    when it begins will have ended when it ends.
// 4. What is not. Weak memory: Spin's steps are in one order that everybody sees. Which order each
//    access needs is argued in lib/memory/relocation.c, 4; the labels [R:x] and [A:x] at both ends
//    are paired by tests/architecture, ThreadSanitizer runs the same code under the tests in
//    tests/concurrency, and tests/concurrency/test_torture.c runs it on the processor there is.
//    Pages are words like descriptors here (a block of one page); shared blocks, rights and resizing
//    are left out: tests/concurrency/test_mover.c, test_vm.c and test_share.c have them. Threads,
//    blocks and rounds are few: what needs more than two batches, sections or releases in a row
//    is not found.
// 5. Rules. Each with the code that keeps it (a line with the label, or the one after it, has that
//    text; x3: three lines have), and what the model is without it. tests/models/models.py finds that line, and that Spin
//    finds an error in each of these models. Here the label stands where the rule is kept.
//
//    [model:mark] A mark is one compare-and-swap, from RESIDENT. CACHED is its thread's.
//        lib/memory/relocation.c: return cas_acquire(word, &resident, moving);
//        lib/memory/extent_move.c: descriptor_state(load_relaxed(&block->descriptor->word)) == DESCRIPTOR_RESIDENT
//        without: MARK_CACHED
//    [model:grace] All marks come before the grace period begins, and it ends before the copy.
//        lib/memory/relocation.c: section_wait();
//        lib/memory/extent_move.c: relocation_wait();
//        lib/policy/vm_reclaim.c: relocation_wait();
//        lib/policy/vm_segment_evict.c: relocation_wait();
//        without: NO_GRACE JOIN_GRACE
//    [model:publish] A publish is one compare-and-swap, from the word that was marked.
//        lib/memory/relocation.c: return cas_release(word, &moving, published);
//        without: STORE_PUBLISH
//    [model:cancel] Who meets MOVING uses the place only when a compare-and-swap has taken the mark away.
//        lib/memory/relocation.c: return cas_acq_rel(word, &found, resident) ? resident : found;
//        lib/engine/access.c: word = relocation_cancel(&descriptor->word, word,
//        lib/engine/access.c: *found = relocation_cancel(entry, *found, page_turned(*found, PAGE_RESIDENT));
//        without: NO_CANCEL STORE_CANCEL
//    [model:bound] It does so movers + 1 times at most (an assertion, here and there).
//        lib/engine/access.c: assert(tries < RELOCATION_CANCELS); x2
//    [model:one mover] Who marks, publishes or brings in is alone, by a lock; or marks have tags (TAGS).
//        lib/policy/compaction.c: lock_lock(&compaction->lock); x3
//        lib/policy/vm_fault.c: lock_lock(&vm->paged.mover);
//        lib/policy/vm_segment_evict.c: lock_lock(&segments->compaction.lock);
//        without: NO_TAG FAULT_UNLOCKED
//    [model:place] The old place is a hole when the publish has succeeded, not before.
//        lib/memory/extent_move.c: extents_give(pass->extents, old);
//        lib/policy/vm_reclaim.c: leavers->freed[leavers->freed_count++] = leaver->frame;
//        lib/policy/vm_segment_evict.c: leave(segments, segment);
//        without: REUSE_EARLY
//    [model:release] A release is one compare-and-swap, and what the replaced word named goes with it.
//        lib/engine/block.c: } while (!cas_release(&descriptor->word, &word, ended));
//        without: STORE_RELEASE
//    [model:generation] It ends the address's generation, and each look at a word compares it.
//        lib/engine/block.c: (descriptor_generation(addr) + 1) & DESCRIPTOR_GENERATION_MASK;
//        lib/engine/access.c: int gone = block_find(space, addr, &descriptor);
//        without: KEEP_GENERATION
//    [model:begin] Where blocks in magazines lose their places, beginning one is a compare-and-swap.
//        lib/engine/block.c: } while (!cas_release(&descriptor->word, &word, begun));
//        without: STORE_BEGIN
//    [model:outside] Nobody waits for the mover inside a section.
//        lib/engine/access.c: section_end();
//        without: FAULT_INSIDE
//    [model:fault] What a fault brings in is published when it is there, and in a section.
//        lib/policy/vm_fault.c: page_publish(vm, spot, frame);
//        lib/policy/vm_segment_evict.c: section_begin();
//        without: FAULT_EARLY
//    [model:dirty] Who writes says so before he does; the mover asks after the grace period.
//        lib/engine/access.c: store_relaxed(&trace->dirty[frame], 1);
//        lib/policy/vm_reclaim.c: written = load_relaxed(&vm->dirty[leaver->frame]) != 0;
//        without: DIRTY_EARLY
//    [model:unmap] A region that is empty goes back after a grace period in which it stayed so ..
//        lib/policy/regions.c: section_wait();
//        without: TRIM_EARLY
//    [model:pinned] .. and while no batch is in flight, which may be copying what was released.
//        lib/memory/extent_region.c: if (extents->pinned != 0) {
//        lib/memory/extent_move.c: pass->extents->pinned++;
//        without: TRIM_PINNED
//
// 6. By hand: spin -run -DBLOCKS=1 -DPLACES=2 mover.pml; with -DNO_GRACE there is an error, and
//    spin -t -T -DNO_GRACE -DBLOCKS=1 -DPLACES=2 mover.pml tells its way in words.
// 7. If you change this: a line break ends a statement for Spin, so a guard stands on one line. A
//    variable that keeps a value nobody needs multiplies the states: set it back.

#include "words.pml"
#include "machine.pml"
#include "accesses.pml"
#include "movers.pml"
#include "owners.pml"

init
{
    byte b, n, held;
    atomic {
        b = 0;
        do
        :: b < BLOCKS ->
            word[b] = WORD(RESIDENT, b, 0, 0);
            place[b] = TAKEN;
            dirty[b] = true;
            b++
        :: else -> break
        od;
        n = 0;
        do
        :: n < PLACES ->
            if
            :: place[n] == HOLE -> bytes[n] = POISON
            :: else
            fi;
            n++
        :: else -> break
        od;
        run accessor(0);
#if ACCESSORS > 1
        run accessor(1);
#endif
#if ACCESSORS > 2
        run accessor(2);
#endif
        run mover(0);
#if MOVERS > 1
        run mover(1);
#endif
#if RELEASES > 0
        run owner();
#endif
#if TRIMS > 0
        run trimmer();
#endif
    }
    _nr_pr == 1; // all have ended: no addition is lost, no place is
    d_step {
        b = 0;
        do
        :: b < BLOCKS ->
            if
            :: STATE(word[b]) == SWAPPED -> assert(slot[b] == truth[b])
            :: else ->
                assert(place[PLACE(word[b])] == TAKEN);
                assert(bytes[PLACE(word[b])] == truth[b]);
                held++
            fi;
            b++
        :: else -> break
        od;
        n = 0;
        do
        :: n < PLACES ->
            held = held - (place[n] == TAKEN);
            n++
        :: else -> break
        od;
        assert(held == 0)
    }
}
