// SPDX-License-Identifier: MIT
//
// paging.c - simple paging: all pages of a block are in memory, each in any frame.
//
// 1. Theory. The textbook's simple paging: frames of one size, a page table a process, internal
//    fragmentation in the last page only. policy/paged.c has the rest.
// 2. Bounded. Memory is as many frames as were asked for, mapped at once and touched when used. A
//    request that finds too few free ones, wherever they are, is refused.
// 3. Faults. Only copies of shared pages (policy/paged_share.c); they need a free frame: ENOMEM.

#include <errno.h>

#include "base/bits.h"
#include "os/os.h"
#include "policy/paged.h"
#include "sync/section.h"

#define PAGE_STANDARD     "4Ki"
#define CAPACITY_STANDARD (UINT64_C(1) << 30)

struct paging_settings {
    uint64_t page, frames, capacity, arenas, frame_cache;
};

_Static_assert(sizeof(struct paging_settings) <= POLICY_SETTINGS, "the engine keeps them");

// ---- opening -----------------------------------------------------------------------------------

static bool paging_admit(struct paged *paged, uint64_t pages)
{
    return frames_reserve(&paged->frames, pages);
}

static void paging_dismiss(struct paged *paged, uint64_t pages)
{
    frames_unreserve(&paged->frames, pages);
}

static const struct paged_kind paging_kind = {.admit = paging_admit, .dismiss = paging_dismiss};

// How many frames are wanted.
static int paging_frames(const struct paging_settings *own, uint64_t *frames,
                         struct printer *complaint)
{
    if (!bits_is_power_of_two(own->page)) {
        print_format(complaint, "page=%llu: must be a power of two", (unsigned long long)own->page);
        return EINVAL;
    }
    if (own->frames != 0 && own->capacity != 0) {
        print_text(complaint, "frames and capacity: say one of them, the other follows from page");
        return EINVAL;
    }
    uint64_t capacity = own->capacity != 0 ? own->capacity : CAPACITY_STANDARD;
    *frames = own->frames != 0 ? own->frames : capacity / own->page;
    if (*frames < own->arenas && own->frames == 0) {
        return paged_refuse_capacity(capacity, own->arenas, own->page, complaint);
    }
    if (*frames < own->arenas) {
        print_format(complaint, "frames=%llu: too few, arenas=%llu need one each",
                     (unsigned long long)*frames, (unsigned long long)own->arenas);
        return EINVAL;
    }
    if (*frames > FRAMES_MOST || *frames > (UINT64_C(1) << 46) / own->page) {
        print_format(complaint, "%llu frames of %llu bytes: at most %llu, and 64Ti together",
                     (unsigned long long)*frames, (unsigned long long)own->page,
                     (unsigned long long)FRAMES_MOST);
        return EINVAL;
    }
    return 0;
}

static void paging_close(void *state)
{
    struct paged *paged = state;
    paged_close(paged);
    os_unmap(paged, paged->mapped);
}

static int paging_open(const void *settings, struct policy_site *site, void **state,
                       struct printer *complaint)
{
    const struct paging_settings *own = settings;
    uint64_t frames = 0, bytes = 0;
    int error = paging_frames(own, &frames, complaint);
    if (error != 0) {
        return error;
    }
    bits_round_up(sizeof(struct paged), os_page_size(), &bytes);
    struct paged *paged = os_map(bytes, 0);
    if (paged == NULL) {
        return ENOMEM;
    }
    paged->mapped = bytes;
    paged->kind = &paging_kind;
    paged->most_pages = frames;
    error = paged_open(paged, site->table, frames, bits_log2(own->page), (uint32_t)own->arenas,
                       (uint32_t)own->frame_cache);
    if (error != 0) {
        paging_close(paged);
        return error;
    }
    *state = paged;
    return 0;
}

// ---- copies ------------------------------------------------------------------------------------

// Copies a page that is shared and to be written. The mover's lock is held.
static int paging_copy(struct paged *paged, struct paged_spot *spot)
{
    uint32_t frame;
    bool used;
    if (!frames_reserve(&paged->frames, 1)) {
        return ENOMEM;
    }
    frames_take(&paged->frames, 0, &frame, 1);
    int error = paged_unshare(paged, spot, frame, &used);
    if (!used) {
        frames_give(&paged->frames, 0, &frame, 1);
    }
    return error;
}

static int paging_fault(void *state, void *owned, struct descriptor *descriptor, mems_addr addr,
                        enum mems_access mode)
{
    struct paged *paged = state;
    struct paged_space *space = owned;
    struct paged_spot spot;
    int error;
    paged_fault_begin();
    lock_lock(&paged->mover);
    do { // once more if the page was released, or left alone by who shared it
        lock_lock(&space->arena->lock);
        error = paged_spot(space, descriptor, addr, &spot);
        lock_unlock(&space->arena->lock);
        if (error == 0 && (mode & MEMS_WRITE) != 0 && (spot.found & PAGE_SHARED) != 0) {
            error = paging_copy(paged, &spot);
        } else if (error == 0) {
            section_begin();
        }
    } while (error == EAGAIN);
    lock_unlock(&paged->mover);
    return error;
}

static void paging_totals(void *state, struct policy_totals *totals)
{
    *totals = (struct policy_totals){0};
    paged_totals(state, totals);
}

// ---- the row -----------------------------------------------------------------------------------

#define FIELD(name) offsetof(struct paging_settings, name)

static const struct option paging_options[] = {
    {"page", OPTION_SIZE, 64, UINT64_C(1) << 21, NULL, "a power of two, 64..2Mi", PAGE_STANDARD,
     "size of a page and of a frame", FIELD(page)},
    {"frames", OPTION_NUMBER, 1, FRAMES_MOST, NULL, "1..4294967294", "",
     "number of frames; not said: as many as capacity holds", FIELD(frames)},
    {"capacity", OPTION_SIZE, 1, UINT64_C(1) << 46, NULL, "1..64Ti", "",
     "memory there is, in place of frames; neither said: 1Gi", FIELD(capacity)},
    {"arenas", OPTION_NUMBER, 1, PAGED_ARENAS, NULL, "1..64", "1",
     "shards of the free frames and of the spaces, each with its own lock", FIELD(arenas)},
    {"frame_cache", OPTION_NUMBER, 0, FRAME_CACHED_MOST, NULL, "0..64", "32",
     "free frames that a thread keeps at hand; 0: the lowest free frame is always next",
     FIELD(frame_cache)},
    {0},
};

const struct policy policy_paging = {
    .name = "paging",
    .help = "simple paging: a block is pages in any frames; sharing with copy on write",
    .options = paging_options,
    .rights = true,
    .open = paging_open,
    .close = paging_close,
    .space_open = paged_space_open,
    .pages = paged_pages,
    .space_close = paged_space_close,
    .take = paged_take,
    .give = paged_give,
    .resize = paged_resize,
    .block_size = paged_block_size,
    .measure = paged_measure,
    .classes = paged_classes,
    .fault = paging_fault,
    .share = paged_share,
    .space_stats = paged_space_stats,
    .walk = paged_walk,
    .check = paged_check,
    .totals = paging_totals,
    .lock_at = paged_lock_at,
};
