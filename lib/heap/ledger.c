// SPDX-License-Identifier: MIT
//
// ledger.c - which blocks of a slab are free: bitmaps out of line, instead of lists in the blocks.
//
// 1. Theory. Allocators link free blocks through the blocks themselves (Weinstock and Wulf's quick
//    fit, 1988, and all that followed). A program that writes to a block it has released then
//    writes to the allocator; and a second release can be seen only by guessing. Here a block's
//    state is one bit, far from it: taking a block clears the lowest set bit of a word, releasing
//    sets it, and finding it set is a double release, exactly. A released block is not touched,
//    so releasing cold memory costs one line in 512 bytes of bits, not one a block.
// 2. The last bit. The way in line (heap.h) never takes the last bit of a word, so that one test
//    says both "none" and "last". That makes room for the slot that is none (G2): where the class's
//    size does not divide the granule, the rest behind the last block has a slot number too. Its
//    bit is always set, so that a release of it is refused as every other free slot; and it is the
//    highest of its word, so that the way in line cannot take it.
// 3. Strangers. A thread that does not own the slab sets the block's bit in the inbox with one
//    atomic or; a bit that was set says that it was returned twice. The owner empties the inbox
//    with one exchange a word, 64 blocks at a time, when it has nothing else. No links are
//    followed and no block is touched. [R:inbox] [A:inbox]: what the program did with the block
//    happens before it is handed out again.
//    GRANULE_MAIL spares the owner the look at each word. The stranger sets the bit and then looks
//    for the mail; the owner takes the mail away and then reads the bits: one sees the other's
//    step, because both first steps are locked instructions, which on x86 no later read overtakes.
// 4. Twice, by two. Where there is mail the owner's release is not in line, and looks for the block
//    in the inbox too; a stranger's looks at the owner's bits. So a second release is found whoever
//    did the first one, unless the two race: then it is found when the inbox is emptied, if the
//    block has not been handed out by then.
// 5. `fresh`. Blocks are taken lowest first, so those from the highest one ever taken on are as the
//    slab was when it was cut: if that was zero, calloc has nothing to do. It is kept to the block
//    where that pays, above 1 KiB, and to the word below, where it keeps pages untouched.
// 6. `left`. Whether a slab is empty need not be looked at on each release: a slab from which
//    nothing is taken becomes empty with the used-th release from now.

#include "heap/ledger.h"

void ledger_init(const struct granule *slab)
{
    struct ledger *ledger = slab->ledger;
    struct ledger_inbox *inbox = ledger_inbox(slab);
    unsigned words = ledger_words(slab), slots = (unsigned)((GRANULE_BYTES - 1) / slab->size) + 1;
    ledger->left = LEDGER_FAR;
    ledger->fresh = words > 1 || slab->zeroed ? 0 : UINT32_MAX;
    inbox->looked = 0;
    for (unsigned word = 0; word < words; word++) {
        unsigned rest = slots > 64 * word ? slots - 64 * word : 0;
        store_relaxed(&ledger->free[word], rest >= 64 ? UINT64_MAX : (UINT64_C(1) << rest) - 1);
        store_relaxed(&ledger_returned(slab)[word], 0);
    }
}

// Three words at a time, whose sums by fours are added before they are: 12 is less than 16, and 192
// less than 256.
unsigned ledger_count_words(const struct granule *slab, unsigned enough)
{
    const uint64_t *free = slab->ledger->free;
    unsigned full = slab->count >> 6, word = 0, count = 0;
    for (; word + 3 <= full && count < enough; word += 3) {
        uint64_t sum = ledger_fours(peek(&free[word])) + ledger_fours(peek(&free[word + 1])) +
                       ledger_fours(peek(&free[word + 2]));
        sum = (sum & UINT64_C(0x0f0f0f0f0f0f0f0f)) + (sum >> 4 & UINT64_C(0x0f0f0f0f0f0f0f0f));
        count += (unsigned)(sum * UINT64_C(0x0101010101010101) >> 56);
    }
    for (; word <= full && count < enough; word++) {
        count += ledger_bits(ledger_real(slab, word));
    }
    return count;
}

unsigned ledger_used(const struct granule *slab, unsigned enough)
{
    const struct ledger *ledger = slab->ledger;
    unsigned last = slab->count >> 6, used = 0;
    unsigned end = last == 0 || ledger->fresh > last ? last + 1 : ledger->fresh;
    for (unsigned word = 0; word < end && used < enough; word++) {
        uint64_t bits = ~peek(&ledger->free[word]);
        bits &= word == last ? (UINT64_C(1) << (slab->count & 63)) - 1 : UINT64_MAX;
        used += bits != 0 ? ledger_bits(bits) : 0;
    }
    return used;
}

unsigned ledger_collect(struct granule *slab, uint32_t *twice)
{
    struct ledger *ledger = slab->ledger;
    unsigned words = ledger_words(slab), count = 0;
    *twice = SLOT_NONE;
    if (!granule_has_mail(slab)) {
        return 0;
    }
    (void)and_acq_rel(&slab->owner, ~GRANULE_MAIL); // [A:mail]: what comes now sets it again
    for (unsigned word = 0; word < words; word++) {
        if (load_relaxed(&ledger_returned(slab)[word]) == 0) {
            continue;
        }
        uint64_t bits = swap_acquire(&ledger_returned(slab)[word], 0); // [A:inbox]
        uint64_t both = bits & ledger->free[word];
        if (both != 0) {
            *twice = 64 * word + (unsigned)__builtin_ctzll(both);
        }
        count += ledger_bits(bits);
        poke(&ledger->free[word], ledger->free[word] | bits);
    }
    return count;
}

void ledger_announce(struct granule *slab)
{
    if (!granule_has_mail(slab)) {
        (void)or_acq_rel(&slab->owner, GRANULE_MAIL); // [R:mail]
    }
}

bool ledger_return(struct granule *slab, uint32_t slot)
{
    uint64_t bit = UINT64_C(1) << (slot & 63);
    if ((load_relaxed(&slab->ledger->free[slot >> 6]) & bit) != 0 ||
        (or_acq_rel(&ledger_returned(slab)[slot >> 6], bit) & bit) != 0) { // [R:inbox]
        return false;
    }
    ledger_announce(slab);
    return true;
}
