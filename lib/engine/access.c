// SPDX-License-Identifier: MIT
//
// access.c - from a virtual address to its bytes.
//
// 1. mems_translate: one look-up of the descriptor (two loads of chunk and word, hot in cache), one
//    compare for state and generation, one for the owner, one for the limit, one for the rights.
//    Where memory is paged the descriptor's place is a page number, and the space's page table says
//    which frame that is (translate_paged).
// 2. Ordering. Another thread may release the block at any step, and then its descriptor serves
//    another block. So the word is read after owner and limit (and again after the page): these are
//    stored with release after the word has left the old generation [R:limit], and who reads a new
//    one of them [A:limit] reads a new word too. A generation never comes back to its address.
// 3. Movers (memory/relocation.c). An access that meets MOVING takes the mark away and goes on: at
//    most RELOCATION_CANCELS compare-and-swaps a word. What is not in memory is EAGAIN; mems_fault
//    brings it in, outside the section.
// 4. A hit of a paged block leaves its trace (touch, dirty) before the pointer is handed out: a
//    page written in a section is dirty before the section ends, and so before a mover looks.

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "engine/engine.h"
#include "memory/relocation.h"
#include "sync/section.h"

void mems_access_begin(void)
{
    section_begin();
}

void mems_access_end(void)
{
    section_end();
}

// ---- the long way ------------------------------------------------------------------------------

// Names segment, offset and limit, as the textbooks' trap does.
static int violation(mems_addr addr, uint64_t limit, const char *what, int error)
{
    struct complaint complaint;
    complaint_init(&complaint);
    print_format(
        &complaint.printer, "segment %llu (kind %u), offset %llu, limit %llu: %s",
        (unsigned long long)((addr & DESCRIPTOR_PLACE_MASK) >> descriptor_offset_bits(addr)),
        (unsigned)(addr >> 61), (unsigned long long)descriptor_offset(addr),
        (unsigned long long)limit, what);
    return complaint_fail(&complaint, error);
}

// What the block forbids, if anything.
static int rights_check(const struct descriptor *descriptor, mems_addr addr, enum mems_access mode)
{
    uint64_t limit = load_acquire(&descriptor->limit); // [A:limit]
    unsigned denied = descriptor_denied(descriptor) & mode;
    if (descriptor_offset(addr) >= limit) {
        return violation(addr, limit, "past the end", ERANGE);
    }
    if (denied != 0) {
        return violation(addr, limit,
                         (denied & MEMS_WRITE) != 0 ? "no right to write" : "no right to read",
                         EACCES);
    }
    return 0;
}

// Takes a mover's mark away, whatever it finds then. Bounded: see relocation.h.
static uint64_t cancel_move(struct descriptor *descriptor, uint64_t word)
{
    unsigned tries = 0;
    do {
        assert(tries < RELOCATION_CANCELS);               // [model:bound]
        word = relocation_cancel(&descriptor->word, word, // [model:cancel]
                                 descriptor_turned(word, DESCRIPTOR_RESIDENT));
        tries++;
    } while (descriptor_state(word) == DESCRIPTOR_MOVING);
    return word;
}

// The bytes behind an allocated block's word, whatever its state. A shared block has
// two words.
static int translate_word(struct descriptor *descriptor, char **base)
{
    uint64_t word = load_acquire(&descriptor->word); // [A:place]
    if (descriptor_state(word) == DESCRIPTOR_MOVING) {
        word = cancel_move(descriptor, word); // or what it has become: a link, too
    }
    if (descriptor_state(word) == DESCRIPTOR_LINK) {
        descriptor = descriptor_linked(word);
        word = load_acquire(&descriptor->word); // [A:place]
        if (descriptor_state(word) == DESCRIPTOR_MOVING) {
            word = cancel_move(descriptor, word);
        }
    }
    *base = descriptor_host(word);
    return descriptor_state(word) == DESCRIPTOR_RESIDENT ? 0 : EAGAIN;
}

static __attribute__((noinline)) int translate_slow(struct mems_space *space, mems_addr addr,
                                                    enum mems_access mode, void **host,
                                                    size_t *span)
{
    struct descriptor *descriptor;
    char *base = NULL;
    if (space->flat) {
        int error = block_find_flat(space, addr, host, span);
        return error != 0 ? block_misused(space, error) : 0;
    }
    int error = block_find(space, addr, &descriptor);
    if (error == 0) {
        error = rights_check(descriptor, addr, mode);
    }
    if (error != 0) {
        return block_misused(space, error);
    }
    uint64_t limit = load_acquire(&descriptor->limit); // [A:limit]
    error = space->pages != NULL ? EAGAIN : translate_word(descriptor, &base);
    int gone = block_find(space, addr, &descriptor); // released meanwhile? [model:generation]
    if (gone != 0) {
        return block_misused(space, gone);
    }
    if (error == 0) {
        *host = base + descriptor_offset(addr);
        if (span != NULL) {
            *span = limit - descriptor_offset(addr);
        }
    }
    return error;
}

// ---- pages -------------------------------------------------------------------------------------

// The frame's entry to go on with, where the page is not simply resident. false: it is not there,
// or is to be written and shared.
static __attribute__((noinline)) bool page_settle(uint64_t *entry, enum mems_access mode,
                                                  uint64_t *found)
{
    for (unsigned tries = 0; page_state(*found) == PAGE_MOVING; tries++) {
        assert(tries < RELOCATION_CANCELS); // [model:bound]
        // [model:cancel]
        *found = relocation_cancel(entry, *found, page_turned(*found, PAGE_RESIDENT));
    }
    return page_state(*found) == PAGE_RESIDENT &&
           ((*found & PAGE_SHARED) == 0 || (mode & MEMS_WRITE) == 0);
}

// false: the page is gone by the policy's rule.
static inline bool page_touch(const struct page_trace *trace, uint64_t page, uint32_t frame,
                              enum mems_access mode)
{
    if (trace->touch != NULL) {
        uint8_t before = load_relaxed(&trace->touch[frame]);
        uint8_t after = (uint8_t)(trace->next >> (8 * page_trace_index(before)));
        if (after != before) {
            store_relaxed(&trace->touch[frame], after);
        }
    }
    if ((mode & MEMS_WRITE) != 0 && load_relaxed(&trace->dirty[frame]) == 0) {
        store_relaxed(&trace->dirty[frame], 1); // [model:dirty]
    }
    return trace->hit == NULL || trace->hit(trace->policy, page, frame);
}

static __attribute__((noinline)) int translate_paged(struct mems_space *space, mems_addr addr,
                                                     enum mems_access mode, void **host,
                                                     size_t *span)
{
    const struct page_table *pages = space->pages;
    struct descriptor *descriptor = descriptor_find(space->table, addr);
    if (__builtin_expect(descriptor == NULL, 0)) {
        return translate_slow(space, addr, mode, host, span);
    }
    uint64_t word = load_acquire(&descriptor->word); // [A:begin]
    if (__builtin_expect(descriptor_state(word) == DESCRIPTOR_MOVING, 0) &&
        descriptor_is_block(word, addr)) {
        word = cancel_move(descriptor, word); // its page table was about to go
    }
    uint64_t offset = descriptor_offset(addr);
    uint64_t limit = load_acquire(&descriptor->limit); // [A:limit]
    uint64_t page = (word & DESCRIPTOR_PLACE_MASK) + (offset >> pages->page_bits);
    if (__builtin_expect(!descriptor_is_live(word, addr) || offset >= limit ||
                             (descriptor_denied(descriptor) & mode) != 0 ||
                             load_acquire(&descriptor->space) != space->id,
                         0)) {
        return translate_slow(space, addr, mode, host, span);
    }
    uint64_t *entry = page_table_at(pages, page);
    uint64_t found = entry == NULL ? 0 : load_acquire(entry); // [A:place]
    bool plain = page_state(found) == PAGE_RESIDENT &&
                 ((found & PAGE_SHARED) == 0 || (mode & MEMS_WRITE) == 0);
    if (__builtin_expect(!plain, 0) && (entry == NULL || !page_settle(entry, mode, &found))) {
        return translate_slow(space, addr, mode, host, span);
    }
    uint64_t again = load_relaxed(&descriptor->word); // marked meanwhile is as good
    if (__builtin_expect(again != word, 0) && again != descriptor_turned(word, DESCRIPTOR_MOVING)) {
        return translate_slow(space, addr, mode, host, span);
    }
    if (pages->trace != NULL &&
        !page_touch(pages->trace, page, (uint32_t)page_number(found), mode)) {
        return EAGAIN;
    }
    uint64_t within = offset & ((UINT64_C(1) << pages->page_bits) - 1);
    *host = page_host(pages, found) + within;
    if (span != NULL) {
        uint64_t run = (UINT64_C(1) << pages->page_bits) - within;
        *span = run < limit - offset ? run : limit - offset;
    }
    return 0;
}

// ---- the short way -----------------------------------------------------------------------------

// Blocks above 4 KiB: the same with shifts that depend on the address.
static __attribute__((noinline)) int translate_large(struct mems_space *space, mems_addr addr,
                                                     enum mems_access mode, void **host,
                                                     size_t *span)
{
    if (space->pages != NULL) {
        return translate_paged(space, addr, mode, host, span);
    }
    const struct descriptor *descriptor = descriptor_find(space->table, addr);
    if (descriptor == NULL) {
        return translate_slow(space, addr, mode, host, span);
    }
    uint64_t offset = descriptor_offset(addr);
    uint64_t limit = load_acquire(&descriptor->limit); // [A:limit]
    bool ours = load_acquire(&descriptor->space) == space->id;
    unsigned denied = descriptor_denied(descriptor) & mode;
    uint64_t word = load_acquire(&descriptor->word); // [A:begin] [A:place]
    if (!descriptor_is_live(word, addr) || offset >= limit || denied != 0 || !ours) {
        return translate_slow(space, addr, mode, host, span);
    }
    *host = descriptor_host(word) + offset;
    if (span != NULL) {
        *span = limit - offset;
    }
    return 0;
}

#undef mems_translate
int mems_translate(struct mems_space *space, mems_addr addr, enum mems_access mode, void **host,
                   size_t *span)
{
    const struct descriptor *descriptor;
    if (__builtin_expect(!descriptor_is_small(addr) || space->pages != NULL, 0) ||
        __builtin_expect((descriptor = descriptor_find_small(space->table, addr)) == NULL, 0)) {
        return translate_large(space, addr, mode, host, span);
    }
    uint64_t offset = descriptor_offset_small(addr);
    uint64_t limit = load_acquire(&descriptor->limit); // [A:limit]
    bool ours = load_acquire(&descriptor->space) == space->id;
    unsigned denied = descriptor_denied(descriptor) & mode;
    uint64_t word = load_acquire(&descriptor->word); // [A:begin] [A:place]
    if (__builtin_expect(
            !descriptor_is_live_small(word, addr) || offset >= limit || denied != 0 || !ours, 0)) {
        return translate_slow(space, addr, mode, host, span);
    }
    *host = descriptor_host(word) + offset;
    if (span != NULL) {
        *span = limit - offset;
    }
    return 0;
}

// ---- what is not there -------------------------------------------------------------------------

// A policy without faults: checks the address and begins a section.
static int fault_check(struct mems_space *space, mems_addr addr, enum mems_access mode)
{
    void *host;
    section_begin();
    int error = mems_translate(space, addr, mode, &host, NULL);
    if (error != 0) {
        section_end();
    }
    return error;
}

int mems_fault(struct mems_space *space, mems_addr addr, enum mems_access mode)
{
    struct mems_engine *engine = space->engine;
    struct descriptor *descriptor;
    if (section_inside()) {
        return EBUSY;
    }
    if (engine->policy->fault == NULL) {
        return fault_check(space, addr, mode);
    }
    int error = block_find(space, addr, &descriptor);
    if (error == 0) {
        error = rights_check(descriptor, addr, mode);
    }
    if (error != 0) {
        return block_misused(space, error);
    }
    error = engine->policy->fault(engine->state, space->owned, descriptor, addr, mode);
    if (error == ENOMEM && block_unhoard(space)) {
        error = engine->policy->fault(engine->state, space->owned, descriptor, addr, mode);
    }
    if (error == ESTALE) { // gone while we came here
        error = block_find(space, addr, &descriptor);
        return block_misused(space, error != 0 ? error : ESTALE);
    }
    return error;
}

// Begins a section in which the bytes from addr on can be reached, as many as *span says. On
// failure there is none.
static int reach(struct mems_space *space, mems_addr addr, enum mems_access mode, void **host,
                 size_t *span)
{
    section_begin();
    int error = mems_translate(space, addr, mode, host, span);
    while (error == EAGAIN && !section_nested()) {
        section_end(); // [model:outside]
        error = mems_fault(space, addr, mode);
        if (error != 0) {
            return error;
        }
        error = mems_translate(space, addr, mode, host, span);
    }
    if (error != 0) {
        section_end();
    }
    return error;
}

// Whether the block reaches `length` bytes beyond the address. The block has more than one span.
static int length_check(struct mems_space *space, mems_addr addr, size_t length)
{
    struct descriptor *descriptor = NULL;
    int error = space->pages == NULL ? ERANGE : block_find(space, addr, &descriptor);
    if (error == 0) {
        uint64_t limit = load_acquire(&descriptor->limit); // [A:limit]
        uint64_t offset = descriptor_offset(addr);
        if (offset >= limit || length > limit - offset) {
            error = violation(addr, limit, "past the end", ERANGE);
        }
    }
    return error != 0 ? block_misused(space, error) : 0;
}

// Copies between a buffer and memory; the one that is not NULL is the buffer.
static int copy_through(struct mems_space *space, mems_addr addr, enum mems_access mode, char *into,
                        const char *from, size_t length)
{
    size_t done = 0;
    do {
        void *host;
        size_t span;
        int error = reach(space, addr + done, mode, &host, &span);
        if (error == 0 && done == 0 && length > span) {
            error = length_check(space, addr, length);
            if (error != 0) {
                section_end();
            }
        }
        if (error != 0) {
            return error;
        }
        span = span < length - done ? span : length - done;
        if (into != NULL) {
            memcpy(into + done, host, span);
        } else {
            memcpy(host, from + done, span);
        }
        section_end();
        done += span;
    } while (done < length);
    return 0;
}

int mems_read(struct mems_space *space, mems_addr addr, void *buffer, size_t length)
{
    return copy_through(space, addr, MEMS_READ, buffer, NULL, length);
}

int mems_write(struct mems_space *space, mems_addr addr, const void *bytes, size_t length)
{
    return copy_through(space, addr, MEMS_WRITE, NULL, bytes, length);
}

int block_read(struct mems_space *space, mems_addr addr, void *buffer, size_t length)
{
    return copy_through(space, addr, (enum mems_access)0, buffer, NULL, length);
}
