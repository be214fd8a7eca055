// SPDX-License-Identifier: MIT
//
// vm_segment_swap.c - a segment's place on swap: a chain of slots.
//
// Slots are much smaller than most segments, so that a small one does not take a page of swap. Any
// slots will do for any segment: what is reserved by number can always be had. Each slot names the
// next one of its segment; those that follow each other in the file too are written and read at
// once. swap gives the lowest free ones, so that there are few pieces.

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "memory/relocation.h"
#include "os/os.h"
#include "policy/vm.h"
#include "policy/vm_segment.h"

int vm_segment_swap_open(struct vm_segments *segments, struct printer *complaint)
{
    const struct vm_segment_settings *settings = &segments->settings;
    uint64_t slots = settings->swap / settings->slot, bytes = 0;
    if (slots > SWAP_SLOTS) {
        print_format(complaint, "swap=%llu: too large, at most %llu slots of %llu bytes",
                     (unsigned long long)settings->swap, (unsigned long long)SWAP_SLOTS,
                     (unsigned long long)settings->slot);
        return EINVAL;
    }
    segments->slot_bytes = settings->slot;
    segments->buffer = os_map(VM_SEGMENT_BUFFER, 0);
    bits_round_up(slots * sizeof *segments->next_slot, os_page_size(), &bytes);
    segments->next_slot = os_map(bytes, 0);
    segments->next_bytes = bytes;
    if (segments->buffer == NULL || segments->next_slot == NULL) {
        return ENOMEM;
    }
    int error = swap_open(&segments->swap, settings->swap_file.text, settings->swap_file.length,
                          (uint32_t)slots, bits_log2(settings->slot));
    if (error != 0) {
        return vm_swap_refused(settings->swap, &settings->swap_file, error, complaint);
    }
    segments->slots = slots;
    return 0;
}

void vm_segment_swap_close(struct vm_segments *segments)
{
    if (segments->slots != 0) {
        swap_close(&segments->swap);
    }
    if (segments->next_slot != NULL) {
        os_unmap(segments->next_slot, segments->next_bytes);
    }
    if (segments->buffer != NULL) {
        os_unmap(segments->buffer, VM_SEGMENT_BUFFER);
    }
}

uint64_t vm_segment_swap_metadata(const struct vm_segments *segments)
{
    return VM_SEGMENT_BUFFER + segments->next_bytes + segments->swap.mapped;
}

uint64_t vm_segment_slots_used(struct vm_segments *segments)
{
    return swap_used(&segments->swap);
}

void vm_segment_slots_take(struct vm_segments *segments, struct vm_segment *segment)
{
    uint32_t *link = &segment->slot;
    for (uint64_t i = vm_segment_slots(segments, segment->size); i > 0; i--) {
        *link = swap_take(&segments->swap); // reserved, so never SWAP_NONE
        link = &segments->next_slot[*link];
    }
    *link = SWAP_NONE;
}

void vm_segment_slots_give(struct vm_segments *segments, struct vm_segment *segment)
{
    uint32_t slot = segment->slot;
    segment->slot = SWAP_NONE;
    while (slot != SWAP_NONE) {
        uint32_t next = segments->next_slot[slot];
        swap_leave(&segments->swap, slot);
        slot = next;
    }
}

uint64_t vm_segment_slots_held(const struct vm_segments *segments, const struct vm_segment *segment)
{
    uint64_t count = 0;
    for (uint32_t slot = segment->slot; slot != SWAP_NONE; slot = segments->next_slot[slot]) {
        count++;
    }
    return count;
}

// ---- reading and writing -----------------------------------------------------------------------

// The slots from `slot` on that follow each other in the file, at most as many as hold `size`
// bytes. Returns their bytes; *slot becomes the one after them.
static uint64_t run(const struct vm_segments *segments, uint32_t *slot, uint64_t size)
{
    uint64_t bytes = 0;
    uint32_t last;
    do {
        last = *slot;
        *slot = segments->next_slot[last];
        bytes += segments->slot_bytes;
    } while (bytes < size && *slot == last + 1);
    return bytes < size ? bytes : size;
}

int vm_segment_write(struct vm_segments *segments, const struct vm_segment *segment,
                     const char *from, uint64_t size)
{
    int error = 0;
    for (uint32_t slot = segment->slot; size > 0 && error == 0;) {
        uint32_t first = slot;
        uint64_t most = size < VM_SEGMENT_BUFFER ? size : VM_SEGMENT_BUFFER;
        uint64_t bytes = run(segments, &slot, most);
        relocation_copy(segments->buffer, from, bytes);
        error = os_file_write(segments->swap.file, segments->buffer, bytes,
                              first * segments->slot_bytes);
        from += bytes;
        size -= bytes;
    }
    return error;
}

int vm_segment_read(struct vm_segments *segments, const struct vm_segment *segment, char *to,
                    uint64_t size)
{
    int error = 0;
    for (uint32_t slot = segment->slot; size > 0 && error == 0;) {
        uint32_t first = slot;
        uint64_t bytes = run(segments, &slot, size);
        error = os_file_read(segments->swap.file, to, bytes, first * segments->slot_bytes);
        to += bytes;
        size -= bytes;
    }
    return error;
}
