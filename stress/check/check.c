// SPDX-License-Identifier: MIT
//
// check.c - what each level asks of a block, at each step of its life.

#include "check/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "check/shadow.h"
#include "check/stamp.h"

#define CHECK_EDGE        32u  // bytes stamped at either end by level 2
#define CHECK_RESIZE_EDGE 256u // bytes compared at either end of what a resize keeps, levels 1, 2
#define CHECK_PAGE        4096u
#define CHECK_SPARE       256u // bytes beyond the request that level 3 stamps in every block,
#define CHECK_SPARE_ALL   64u  // all of them in one block of so many

const char *const check_touch_names[] = {"none", "first", "ends", "page", "full", NULL};

static struct shadow check_shadow;

void check_fail(struct worker *worker, const struct slot *slot, const char *check,
                uint64_t expected, uint64_t found, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    struct run_failure failure = {
        .check = check,
        .text = text,
        .block = slot->block,
        .size = slot->size,
        .slot = slot->id,
        .generation = slot->generation,
        .expected = expected,
        .found = found,
        .owner = slot->owner,
    };
    run_fail(worker, &failure);
}

// ---- bytes --------------------------------------------------------------------------------------

// CHECK_KEPT compares what a resize was to keep.
enum check_deed { CHECK_FILL, CHECK_COMPARE, CHECK_KEPT, CHECK_ZEROES };

static bool check_makes(const struct worker *worker, enum job_check check)
{
    return job_checks_have(worker->check, check);
}

// Whether every byte of a block is stamped.
static bool check_is_full(const struct worker *worker)
{
    return check_makes(worker, JOB_CHECK_STAMP) && check_makes(worker, JOB_CHECK_WHOLE);
}

static bool check_is_end(const struct slot *slot, size_t offset)
{
    return offset < CHECK_EDGE || slot->size - offset <= CHECK_EDGE;
}

// Whose byte that is.
static enum job_check check_of_byte(const struct slot *slot, enum check_deed deed, size_t offset)
{
    return deed == CHECK_ZEROES         ? JOB_CHECK_CALLOC
           : deed == CHECK_KEPT         ? JOB_CHECK_RESIZE
           : check_is_end(slot, offset) ? JOB_CHECK_STAMP
                                        : JOB_CHECK_WHOLE;
}

static _Noreturn void check_fail_byte(struct worker *worker, struct slot *slot,
                                      enum check_deed deed, uint64_t seed, size_t offset,
                                      uint8_t found)
{
    bool zero = deed == CHECK_ZEROES;
    uint8_t expected = zero ? 0 : stamp_byte(seed, offset);
    if (offset >= slot->size) {
        check_fail(worker, slot, job_checks[JOB_CHECK_USABLE].name, expected, found,
                   "byte %zu of %" PRIu32 " that the target calls usable, of %" PRIu64
                   " requested, is 0x%02x where its owner wrote 0x%02x",
                   offset, slot->block_size, slot->size, found, expected);
    }
    check_fail(worker, slot, job_checks[check_of_byte(slot, deed, offset)].name, expected, found,
               "byte %zu of %" PRIu64 " is 0x%02x where %s 0x%02x", offset, slot->size, found,
               zero ? "calloc promises" : "its owner wrote", expected);
}

// Does one thing to bytes [offset, offset + length) of the block, piece by piece.
static void check_bytes(struct worker *worker, struct slot *slot, enum check_deed deed,
                        size_t offset, size_t length)
{
    const struct target_ops *ops = worker->ops;
    uint64_t seed = stamp_seed(slot);
    while (length > 0) {
        size_t span = 0;
        uint8_t *bytes =
            ops->access_begin(worker->space, slot->block, offset, deed == CHECK_FILL, &span);
        if (bytes == NULL || span == 0) {
            check_fail(worker, slot, "access", 0, 0, "byte %zu of %" PRIu64 " cannot be reached",
                       offset, slot->size);
        }
        span = span < length ? span : length;
        size_t right = deed == CHECK_FILL     ? stamp_fill(bytes, seed, offset, span)
                       : deed == CHECK_ZEROES ? stamp_zeroes(bytes, span)
                                              : stamp_compare(bytes, seed, offset, span);
        uint8_t found = right < span ? bytes[right] : 0;
        ops->access_end(worker->space);
        if (right < span) {
            check_fail_byte(worker, slot, deed, seed, offset + right, found);
        }
        offset += span;
        length -= span;
    }
}

// The first and last `edge` bytes of the first `size`, each byte once.
static void check_ends(struct worker *worker, struct slot *slot, enum check_deed deed, size_t size,
                       size_t edge)
{
    if (size <= 2 * edge) {
        check_bytes(worker, slot, deed, 0, size);
    } else {
        check_bytes(worker, slot, deed, 0, edge);
        check_bytes(worker, slot, deed, size - edge, edge);
    }
}

// Those between the two.
static void check_middle(struct worker *worker, struct slot *slot, enum check_deed deed,
                         size_t size, size_t edge)
{
    if (size > 2 * edge) {
        check_bytes(worker, slot, deed, edge, size - 2 * edge);
    }
}

// Where the bytes end that the caller may use: what was said of the block when it was measured, as
// every checked one is, or what was asked for.
static size_t check_usable(const struct worker *worker, const struct slot *slot)
{
    bool more = worker->ops->usable && slot->block_size > slot->size;
    return more ? slot->block_size : slot->size;
}

// The bytes beyond the request that the caller may use: the first of them, and in some blocks all.
// Which ones is told by the stamp, so that both ends of a block's life agree.
static void check_spare(struct worker *worker, struct slot *slot, enum check_deed deed)
{
    size_t spare = check_usable(worker, slot) - slot->size;
    if (spare > CHECK_SPARE && stamp_seed(slot) % CHECK_SPARE_ALL != 0) {
        spare = CHECK_SPARE;
    }
    check_bytes(worker, slot, deed, slot->size, spare);
}

static void check_stamp(struct worker *worker, struct slot *slot, enum check_deed deed)
{
    if (check_is_full(worker)) {
        check_bytes(worker, slot, deed, 0, slot->size);
    } else if (check_makes(worker, JOB_CHECK_STAMP)) {
        check_ends(worker, slot, deed, slot->size, CHECK_EDGE);
    } else if (check_makes(worker, JOB_CHECK_WHOLE)) {
        check_middle(worker, slot, deed, slot->size, CHECK_EDGE);
    }
    if (check_makes(worker, JOB_CHECK_USABLE)) {
        check_spare(worker, slot, deed);
    }
}

// ---- pointers and the map -----------------------------------------------------------------------

static size_t check_usual_align(uint64_t size)
{
    return size >= 16 ? 16 : (size_t)1 << (63 - __builtin_clzll(size));
}

// The block's first byte on the host and how far the bytes run on from it. 0 without memory, which
// is for `null` to say.
static uint64_t check_place(struct worker *worker, struct slot *slot, size_t *span)
{
    void *host = worker->ops->access_begin(worker->space, slot->block, 0, false, span);
    if (host == NULL) {
        if (check_makes(worker, JOB_CHECK_MEMORY)) {
            check_fail(worker, slot, "null", 0, 0, "a block of %" PRIu64 " bytes without memory",
                       slot->size);
        }
        *span = 0;
        return 0;
    }
    worker->ops->access_end(worker->space);
    return (uint64_t)(uintptr_t)host;
}

static void check_pointer(struct worker *worker, struct slot *slot, size_t align)
{
    size_t span;
    uint64_t host = check_place(worker, slot, &span);
    if (host == 0) {
        return;
    }
    size_t need = align != 0 ? align : check_usual_align(slot->size);
    // Beyond a page, memory in pieces is aligned in the block's addresses, not in the host's.
    uint64_t place = need > CHECK_PAGE && span < slot->size ? slot->block : host;
    if (place % need != 0 && check_makes(worker, JOB_CHECK_ALIGNMENT)) {
        check_fail(worker, slot, "alignment", 0, place % need,
                   "address 0x%" PRIx64 " is not a multiple of %zu", place, need);
    }
    size_t size =
        worker->ops->block_size == NULL ? 0 : worker->ops->block_size(worker->space, slot->block);
    if (size != 0 && size < slot->size && check_makes(worker, JOB_CHECK_SIZE)) {
        check_fail(worker, slot, "size", slot->size, size,
                   "a block of %zu bytes for a request of %" PRIu64, size, slot->size);
    }
}

static void check_map(struct worker *worker, struct slot *slot)
{
    size_t span;
    uint64_t host = check_place(worker, slot, &span);
    if (span < slot->size) {
        return;
    }
    struct shadow_conflict conflict = {0};
    size_t size = check_usable(worker, slot);
    int error = shadow_insert(&check_shadow, host, size, slot->id, &conflict);
    if (error == EEXIST && conflict.begins && conflict.address == host) {
        check_fail(worker, slot, "overlap", host, conflict.address,
                   "0x%" PRIx64 " is handed out twice: it is the live block of slot %" PRIu32, host,
                   conflict.owner);
    } else if (error == EEXIST && conflict.known != 0) {
        check_fail(worker, slot, "overlap", host, conflict.address,
                   "0x%" PRIx64 " .. 0x%" PRIx64 " overlaps the live block of slot %" PRIu32
                   " at 0x%" PRIx64,
                   host, host + size, conflict.owner, conflict.address);
    } else if (error == EEXIST) {
        check_fail(worker, slot, "overlap", host, conflict.address,
                   "0x%" PRIx64 " .. 0x%" PRIx64 " overlaps a live block at 0x%" PRIx64, host,
                   host + size, conflict.address);
    } else if (error == EFAULT) {
        check_fail(worker, slot, "overlap", 0, host, "0x%" PRIx64 " is no address of a program",
                   host);
    } else if (error != 0) {
        check_fail(worker, slot, RUN_HARNESS, 0, host, "out of memory for the map of live blocks");
    }
    slot->flags |= SLOT_MAPPED;
}

static void check_unmap(struct worker *worker, struct slot *slot)
{
    if ((slot->flags & SLOT_MAPPED) == 0) {
        return;
    }
    size_t span;
    uint64_t host = check_place(worker, slot, &span);
    struct shadow_conflict conflict = {0};
    size_t size = check_usable(worker, slot);
    if (shadow_remove(&check_shadow, host, size, &conflict) != 0) {
        check_fail(worker, slot, "overlap", host, conflict.address,
                   "the place of 0x%" PRIx64 " .. 0x%" PRIx64
                   " was freed by another while the block was live (at 0x%" PRIx64 ")",
                   host, host + size, conflict.address);
    }
    slot->flags &= (uint16_t)~SLOT_MAPPED;
}

// ---- a block's life -----------------------------------------------------------------------------

static bool check_is_off(const struct worker *worker)
{
    return worker->check == CHECK_NONE || worker->ops->no_memory;
}

void check_allocated(struct worker *worker, struct slot *slot, size_t align, bool zeroed)
{
    if (check_is_off(worker)) {
        return;
    }
    check_pointer(worker, slot, align);
    if (check_makes(worker, JOB_CHECK_OVERLAP)) {
        check_map(worker, slot);
    }
    if (zeroed && check_makes(worker, JOB_CHECK_CALLOC)) {
        check_bytes(worker, slot, CHECK_ZEROES, 0, slot->size);
    }
    check_stamp(worker, slot, CHECK_FILL);
}

void check_contents(struct worker *worker, struct slot *slot)
{
    if (!check_is_off(worker)) {
        check_stamp(worker, slot, CHECK_COMPARE);
    }
}

void check_freeing(struct worker *worker, struct slot *slot)
{
    if (!check_is_off(worker)) {
        check_stamp(worker, slot, CHECK_COMPARE);
        check_unmap(worker, slot);
    }
}

void check_resizing(struct worker *worker, struct slot *slot, size_t wanted)
{
    if (check_is_off(worker)) {
        return;
    }
    check_stamp(worker, slot, CHECK_COMPARE);
    check_unmap(worker, slot);
    if (check_makes(worker, JOB_CHECK_RESIZE) && !check_is_full(worker)) {
        size_t kept = wanted < slot->size ? wanted : slot->size;
        check_ends(worker, slot, CHECK_FILL, kept, CHECK_RESIZE_EDGE);
    }
}

static void check_kept(struct worker *worker, struct slot *slot, size_t old_size, size_t wanted)
{
    bool resize = check_makes(worker, JOB_CHECK_RESIZE);
    size_t kept = old_size < wanted ? old_size : wanted;
    check_pointer(worker, slot, 0);
    if (check_makes(worker, JOB_CHECK_OVERLAP)) {
        check_map(worker, slot);
    }
    if (resize) {
        check_ends(worker, slot, CHECK_KEPT, kept, CHECK_RESIZE_EDGE);
    }
    if (check_makes(worker, JOB_CHECK_WHOLE)) {
        check_middle(worker, slot, CHECK_COMPARE, kept, CHECK_RESIZE_EDGE);
    }
    if (resize && check_is_full(worker)) {
        size_t stamped = old_size < slot->size ? old_size : slot->size;
        check_bytes(worker, slot, CHECK_FILL, stamped, slot->size - stamped);
        if (check_makes(worker, JOB_CHECK_USABLE)) {
            check_spare(worker, slot, CHECK_FILL);
        }
    } else {
        check_stamp(worker, slot, CHECK_FILL);
    }
}

static bool check_is_stamped(const struct worker *worker, const struct slot *slot, size_t offset)
{
    return check_makes(worker, check_of_byte(slot, CHECK_COMPARE, offset));
}

// The block's bytes from `offset` on, `*span` of them; access_end is to follow.
static volatile uint8_t *check_reach(struct worker *worker, struct slot *slot, size_t offset,
                                     bool write, size_t *span)
{
    *span = 0;
    volatile uint8_t *bytes =
        worker->ops->access_begin(worker->space, slot->block, offset, write, span);
    if (bytes == NULL || *span == 0) {
        check_fail(worker, slot, "access", 0, 0, "byte %zu of %" PRIu64 " cannot be reached",
                   offset, slot->size);
    }
    *span = *span < slot->size - offset ? *span : slot->size - offset;
    return bytes;
}

void check_byte(struct worker *worker, struct slot *slot, size_t offset, bool write)
{
    if (worker->ops->no_memory) {
        return;
    }
    if (write) {
        check_bytes(worker, slot, CHECK_FILL, offset, 1);
    } else if (check_is_stamped(worker, slot, offset)) {
        check_bytes(worker, slot, CHECK_COMPARE, offset, 1);
    } else {
        size_t span;
        (void)*check_reach(worker, slot, offset, false, &span);
        worker->ops->access_end(worker->space);
    }
}

void check_read(struct worker *worker, struct slot *slot)
{
    size_t span;
    for (size_t offset = 0; offset < slot->size && !worker->ops->no_memory; offset += span) {
        const volatile uint8_t *bytes = check_reach(worker, slot, offset, false, &span);
        for (size_t i = 0; i < span; i++) {
            (void)bytes[i];
        }
        worker->ops->access_end(worker->space);
    }
}

void check_rewrite(struct worker *worker, struct slot *slot, uint64_t times)
{
    size_t span;
    for (size_t offset = 0; offset < slot->size && !worker->ops->no_memory; offset += span) {
        volatile uint8_t *bytes = check_reach(worker, slot, offset, true, &span);
        for (uint64_t pass = 0; pass < 2 * times; pass++) {
            for (size_t i = 0; i < span; i++) {
                bytes[i] = (uint8_t)~bytes[i];
            }
        }
        worker->ops->access_end(worker->space);
    }
}

// The bytes of the block from `from` on; all before are touched.
static void check_touch_from(struct worker *worker, struct slot *slot, size_t from)
{
    size_t size = slot->size;
    if (worker->touch == CHECK_TOUCH_NONE || worker->ops->no_memory || from >= size) {
        return;
    }
    if (worker->touch == CHECK_TOUCH_FULL) {
        check_bytes(worker, slot, CHECK_FILL, from, size - from);
    } else if (worker->touch == CHECK_TOUCH_PAGE) {
        size_t first = (from + CHECK_PAGE - 1) / CHECK_PAGE * CHECK_PAGE;
        for (size_t offset = first; offset < size; offset += CHECK_PAGE) {
            size_t rest = size - offset;
            check_bytes(worker, slot, CHECK_FILL, offset, rest < 8 ? rest : 8);
        }
    } else {
        if (from == 0) {
            check_bytes(worker, slot, CHECK_FILL, 0, 1);
        }
        if (worker->touch == CHECK_TOUCH_ENDS) {
            check_bytes(worker, slot, CHECK_FILL, size - 1, 1);
        }
    }
}

void check_touch(struct worker *worker, struct slot *slot)
{
    check_touch_from(worker, slot, 0);
}

void check_resized(struct worker *worker, struct slot *slot, size_t old_size, size_t wanted)
{
    if (!check_is_off(worker)) {
        check_kept(worker, slot, old_size, wanted);
    }
    check_touch_from(worker, slot, old_size);
}

uint64_t check_resident(void)
{
    return shadow_resident(&check_shadow);
}
