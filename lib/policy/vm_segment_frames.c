// SPDX-License-Identifier: MIT
//
// vm_segment_frames.c - the small numbers by which the replacement knows segments in memory.
//
// A replacement algorithm works on frames 0 .. n - 1, a number that is fixed when it begins. How
// many segments fit memory depends on their sizes, so the numbers grow: with twice as many a new
// state begins, and what the old one holds is loaded into it in the order in which it would have
// gone. That keeps fifo's queue and clock's ring exactly, since the bits that clock asks for are
// not here but in the descriptors' words (vm_segmentation.c). O(1) amortised.

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "os/os.h"
#include "policy/vm_segment.h"

#ifdef MEMS_HOSTILE
#define FRAMES_FIRST 4u
#else
#define FRAMES_FIRST 512u
#endif
#define FRAMES_MOST (1u << 30)

static void *cut(uintptr_t *at, size_t bytes)
{
    uintptr_t array = *at;
    *at = (array + bytes + 63) & ~(uintptr_t)63;
    return (void *)array; // NOLINT
}

// Cuts a mapping of `room` numbers at `base` into arrays; returns the bytes before the algorithm's.
static size_t frames_cut(struct vm_segment_frames *frames, struct replacement_config *config,
                         uintptr_t base)
{
    uintptr_t at = base;
    size_t room = frames->room;
    frames->config = cut(&at, sizeof *config);
    frames->resident = cut(&at, room * sizeof *frames->resident);
    frames->free = cut(&at, room * sizeof *frames->free);
    config->touch = cut(&at, room);
    config->dirty = cut(&at, room);
    frames->state = (void *)at; // NOLINT
    return at - base;
}

// What is loaded is loaded again, in the order in which it would go.
static void frames_move(const struct replacement *replacement, const struct vm_segment_frames *old,
                        struct vm_segment_frames *new)
{
    if (old->bytes == 0) {
        return;
    }
    uint32_t frame;
    memcpy(new->resident, old->resident, old->room * sizeof *old->resident);
    memcpy(new->free, old->free, old->room * sizeof *old->free);
    while ((frame = replacement->victim(old->state, REPLACEMENT_ANY)) != REPLACEMENT_NONE) {
        replacement->load(new->state, frame, new->resident[frame]->key);
    }
    os_unmap(old->config, old->bytes);
}

static int frames_grow(struct vm_segments *segments)
{
    const struct replacement *replacement = segments->replacement;
    struct vm_segment_frames *frames = &segments->frames, new = *frames;
    new.room = frames->room == 0 ? FRAMES_FIRST : frames->room * 2;
    struct replacement_config config = {.frames = new.room, .seed = segments->settings.seed};
    size_t arrays = frames_cut(&new, &config, 0);
    if (new.room > FRAMES_MOST ||
        !bits_round_up(arrays + replacement->bytes(&config), os_page_size(), &new.bytes)) {
        return ENOMEM;
    }
    void *base = os_map(new.bytes, 0);
    if (base == NULL) {
        return ENOMEM;
    }
    frames_cut(&new, &config, (uintptr_t)base);
    *new.config = config;
    replacement->init(new.state, new.config);
    frames_move(replacement, frames, &new);
    *frames = new;
    return 0;
}

void vm_segment_frames_close(struct vm_segments *segments)
{
    if (segments->frames.bytes != 0) {
        os_unmap(segments->frames.config, segments->frames.bytes);
    }
}

int vm_segment_frame_take(struct vm_segments *segments, struct vm_segment *segment)
{
    struct vm_segment_frames *frames = &segments->frames;
    if (frames->free_count > 0) {
        segment->frame = frames->free[--frames->free_count];
    } else {
        if (frames->given == frames->room && frames_grow(segments) != 0) {
            return ENOMEM;
        }
        segment->frame = frames->given++;
    }
    frames->resident[segment->frame] = segment;
    return 0;
}

void vm_segment_frame_give(struct vm_segments *segments, struct vm_segment *segment)
{
    struct vm_segment_frames *frames = &segments->frames;
    frames->resident[segment->frame] = NULL;
    frames->free[frames->free_count++] = segment->frame;
}

void vm_segment_load(struct vm_segments *segments, struct vm_segment *segment)
{
    segments->replacement->load(segments->frames.state, segment->frame, segment->key);
}
