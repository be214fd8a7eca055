// SPDX-License-Identifier: MIT
//
// fixed.c - fixed partitioning: memory is cut once, at the start; a block is a whole partition.
//
// 1. Theory. OS/360 MFT: equal partitions, or unequal ones from a list. Internal fragmentation is
//    what a block does not use of its partition; there is no external one, yet a request may be
//    refused though enough is free in partitions that are too small.
// 2. Queues. One queue (queue=one): the smallest free partition that is large enough, whatever its
//    size. A queue a size (queue=size): only partitions of the smallest size that is large enough;
//    the request is refused when these are taken.
// 3. Finding. Each size keeps its free partitions in a bitmap with summaries: the lowest-numbered
//    free one is found in at most six steps, O(1). Partitions of one size lie together, in the
//    order of the list.
// 4. Locking. A lock a size (rank LOCK_POLICY), one at a time.

#include <errno.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bits.h"
#include "memory/pool.h"
#include "os/os.h"
#include "policy/owned.h"
#include "policy/partition_list.h"

struct fixed_settings {
    uint64_t partition, count, capacity;
    struct option_text partitions;
    unsigned queue; // 0 one, 1 a queue a size
};

_Static_assert(sizeof(struct fixed_settings) <= POLICY_SETTINGS, "the engine keeps them");

struct partition {
    struct list owned;             // taken: in its owner's list
    struct descriptor *descriptor; // taken; else NULL
};

// free.count + taken == count                                                                  (F1)
// partition i is free in the bitmap == its descriptor is NULL                                  (F2)
struct bank {
    struct lock lock;            // rank LOCK_POLICY
    uint64_t size;               // [ro] of a partition
    uint64_t count;              // [ro]
    uint64_t offset;             // [ro] of partition 0 within the memory
    char *host;                  // [ro] of partition 0
    struct bitmap free;          // [lock]
    struct partition *partition; // [lock]
    uint64_t taken;              // [lock]
    struct descriptor_shelf shelf;
    size_t mapped; // [ro] bitmap and records
} __attribute__((aligned(64)));

struct fixed {
    size_t mapped;     // [ro] this struct
    char *memory;      // [ro]
    uint64_t bytes;    // [ro] of it
    bool queue_a_size; // [ro]
    struct lock lock;  // rank LOCK_POOL
    struct pool spaces;
    uint32_t bank_count;
    uint8_t rising[PARTITION_SIZES_MOST];       // [ro] banks by size, then by place in the list
    uint64_t class_sizes[PARTITION_SIZES_MOST]; // [ro] the different sizes, rising
    size_t class_count;
    struct bank banks[];
};

struct fixed_space {
    uint32_t id;
    struct list owned[]; // one a bank, [bank's lock]
};

// ---- settings ----------------------------------------------------------------------------------

// What the memory is cut into: the list, or equal partitions.
static int fixed_cuts(const struct fixed_settings *settings, struct partition_cut *cuts,
                      size_t *count, uint64_t *total, struct printer *complaint)
{
    if (settings->partitions.length != 0) {
        int error = partition_list_parse(settings->partitions, cuts, count, complaint);
        if (error != 0) {
            return error;
        }
    } else {
        cuts[0] = (struct partition_cut){settings->partition, settings->count};
        *count = 1;
        if (settings->count == 0) {
            cuts[0].count =
                settings->capacity != 0 ? settings->capacity / settings->partition : 1024;
        }
        if (cuts[0].count == 0) {
            print_format(complaint, "capacity=%llu: too small for one partition of %llu bytes",
                         (unsigned long long)settings->capacity,
                         (unsigned long long)settings->partition);
            return EINVAL;
        }
    }
    return partition_list_check(cuts, *count, settings->capacity, total, complaint);
}

// ---- opening -----------------------------------------------------------------------------------

static void fixed_close(void *state)
{
    struct fixed *fixed = state;
    for (uint32_t i = 0; i < fixed->bank_count; i++) {
        if (fixed->banks[i].partition != NULL) {
            os_unmap(fixed->banks[i].partition, fixed->banks[i].mapped);
        }
    }
    if (fixed->memory != NULL) {
        uint64_t bytes = 0;
        bits_round_up(fixed->bytes, os_page_size(), &bytes);
        os_unmap(fixed->memory, bytes);
    }
    pool_fini(&fixed->spaces);
    os_unmap(fixed, fixed->mapped);
}

static int bank_open(struct bank *bank, uint32_t number, const struct partition_cut *cut,
                     struct descriptor_table *table)
{
    uint64_t records = cut->count * sizeof(struct partition);
    bits_round_up(records + bitmap_bytes(cut->count), os_page_size(), &bank->mapped);
    bank->partition = os_map(bank->mapped, 0);
    if (bank->partition == NULL) {
        return ENOMEM;
    }
    lock_init(&bank->lock, LOCK_POLICY, "fixed.size", number);
    bank->size = cut->size;
    bank->count = cut->count;
    bitmap_init(&bank->free, cut->count, (char *)bank->partition + records);
    for (uint64_t i = 0; i < cut->count; i++) {
        bitmap_insert(&bank->free, i);
    }
    descriptor_shelf_init(&bank->shelf, table);
    return 0;
}

// Orders the banks by size; equal sizes keep the order of the list.
static void fixed_order(struct fixed *fixed)
{
    for (uint32_t i = 0; i < fixed->bank_count; i++) {
        uint32_t j = i;
        while (j > 0 && fixed->banks[fixed->rising[j - 1]].size > fixed->banks[i].size) {
            fixed->rising[j] = fixed->rising[j - 1];
            j--;
        }
        fixed->rising[j] = (uint8_t)i;
    }
    for (uint32_t i = 0; i < fixed->bank_count; i++) {
        uint64_t size = fixed->banks[fixed->rising[i]].size;
        if (fixed->class_count == 0 || fixed->class_sizes[fixed->class_count - 1] != size) {
            fixed->class_sizes[fixed->class_count++] = size;
        }
    }
}

static int fixed_map(struct fixed *fixed, const struct partition_cut *cuts, size_t count,
                     struct descriptor_table *table)
{
    uint64_t offset = 0, bytes = 0;
    bits_round_up(fixed->bytes, os_page_size(), &bytes);
    fixed->memory = os_map(bytes, 0);
    if (fixed->memory == NULL) {
        return ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        struct bank *bank = &fixed->banks[i];
        int error = bank_open(bank, (uint32_t)i, &cuts[i], table);
        if (error != 0) {
            return error;
        }
        fixed->bank_count++;
        bank->offset = offset;
        bank->host = fixed->memory + offset;
        offset += cuts[i].size * cuts[i].count;
    }
    fixed_order(fixed);
    return 0;
}

static int fixed_open(const void *settings, struct policy_site *site, void **state,
                      struct printer *complaint)
{
    const struct fixed_settings *own = settings;
    struct partition_cut cuts[PARTITION_SIZES_MOST];
    size_t count;
    uint64_t total, bytes = 0;
    int error = fixed_cuts(own, cuts, &count, &total, complaint);
    if (error != 0) {
        return error;
    }
    bits_round_up(sizeof(struct fixed) + count * sizeof(struct bank), os_page_size(), &bytes);
    struct fixed *fixed = os_map(bytes, 0);
    if (fixed == NULL) {
        return ENOMEM;
    }
    fixed->mapped = bytes;
    fixed->bytes = total;
    fixed->queue_a_size = own->queue == 1;
    lock_init(&fixed->lock, LOCK_POOL, "fixed.spaces", 0);
    pool_init(&fixed->spaces, sizeof(struct fixed_space) + count * sizeof(struct list));
    error = fixed_map(fixed, cuts, count, site->table);
    if (error != 0) {
        fixed_close(fixed);
        return error;
    }
    *state = fixed;
    return 0;
}

// ---- take and give -----------------------------------------------------------------------------

static int bank_take(struct bank *bank, uint32_t number, struct fixed_space *own, uint64_t align,
                     struct grant *grant)
{
    uint64_t i = bitmap_first(&bank->free);
    while (i != BITMAP_NONE && ((uintptr_t)(bank->host + i * bank->size) & (align - 1)) != 0) {
        i = bitmap_first_from(&bank->free, i + 1);
    }
    if (i == BITMAP_NONE) {
        return ENOSPC;
    }
    int error = descriptor_take(&bank->shelf, bank->size, bank->host + i * bank->size, grant);
    if (error != 0) {
        return error;
    }
    struct partition *partition = &bank->partition[i];
    bitmap_remove(&bank->free, i);
    bank->taken++;
    partition->descriptor = grant->descriptor;
    grant->descriptor->record = partition;
    descriptor_own(grant->descriptor, own->id, number);
    list_push_front(&own->owned[number], &partition->owned);
    return 0;
}

// The lock held; the descriptor is CACHED.
static void bank_give(struct bank *bank, struct descriptor *descriptor)
{
    struct partition *partition = descriptor->record;
    list_remove(&partition->owned);
    partition->descriptor = NULL;
    bitmap_insert(&bank->free, (uint64_t)(partition - bank->partition));
    bank->taken--;
    descriptor_give(&bank->shelf, descriptor);
}

static size_t fixed_take(void *state, void *owned, size_t size, size_t align, struct grant *grants,
                         size_t count, int *error)
{
    struct fixed *fixed = state;
    uint64_t served = 0; // size of the partitions that are asked
    size_t taken = 0;
    align = align != 0 ? align : 1; // any partition's place will do
    *error = ENOSPC;
    for (uint32_t i = 0; i < fixed->bank_count && taken < count; i++) {
        uint32_t number = fixed->rising[i];
        struct bank *bank = &fixed->banks[number];
        if (bank->size < size) {
            continue;
        }
        // A batch is of one size; a queue a size never looks further than the first that fits.
        if (served != 0 && bank->size != served && (fixed->queue_a_size || taken != 0)) {
            break;
        }
        served = bank->size;
        lock_lock(&bank->lock);
        while (taken < count &&
               (*error = bank_take(bank, number, owned, align, &grants[taken])) == 0) {
            taken++;
        }
        lock_unlock(&bank->lock);
        if (*error == ENOMEM) {
            break; // no descriptor: a larger partition would not be the right one
        }
    }
    return taken;
}

static void fixed_give(void *state, const struct grant *grants, size_t count)
{
    struct fixed *fixed = state;
    uint64_t bad[POLICY_BATCH];
    size_t bad_count = 0;
    struct bank *bank = NULL;
    for (size_t i = 0; i < count; i++) {
        struct descriptor *descriptor = grants[i].descriptor;
        struct bank *home = &fixed->banks[descriptor_arena(descriptor)];
        if (home != bank) {
            if (bank != NULL) {
                lock_unlock(&bank->lock);
            }
            bank = home;
            lock_lock(&bank->lock);
        }
        if (owned_may_return(&grants[i])) {
            bank_give(bank, descriptor);
        } else {
            bad[bad_count++] = grants[i].addr;
        }
    }
    if (bank != NULL) {
        lock_unlock(&bank->lock);
    }
    owned_report(bad, bad_count);
}

// A partition is as large as it is: a block may grow up to its end.
static int fixed_resize(void *state, struct descriptor *descriptor, size_t size)
{
    struct fixed *fixed = state;
    return size <= fixed->banks[descriptor_arena(descriptor)].size ? 0 : ENOMEM;
}

static size_t fixed_block_size(void *state, const struct descriptor *descriptor)
{
    struct fixed *fixed = state;
    return fixed->banks[descriptor_arena(descriptor)].size;
}

static size_t fixed_measure(void *state, const struct descriptor *descriptor)
{
    return fixed_block_size(state, descriptor); // which bank a descriptor is of only its taker says
}

static const uint64_t *fixed_classes(void *state, size_t *count)
{
    struct fixed *fixed = state;
    *count = fixed->class_count;
    return fixed->class_sizes;
}

// ---- spaces ------------------------------------------------------------------------------------

static int fixed_space_open(void *state, uint32_t space, void **owned)
{
    struct fixed *fixed = state;
    lock_lock(&fixed->lock);
    struct fixed_space *own = pool_take(&fixed->spaces);
    lock_unlock(&fixed->lock);
    if (own == NULL) {
        return ENOMEM;
    }
    own->id = space;
    for (uint32_t i = 0; i < fixed->bank_count; i++) {
        list_init(&own->owned[i]);
    }
    *owned = own;
    return 0;
}

static void fixed_space_close(void *state, void *owned, struct policy_closed *closed)
{
    struct fixed *fixed = state;
    struct fixed_space *own = owned;
    for (uint32_t i = 0; i < fixed->bank_count; i++) {
        struct bank *bank = &fixed->banks[i];
        lock_lock(&bank->lock);
        while (!list_empty(&own->owned[i])) {
            struct partition *partition = container_of(own->owned[i].next, struct partition, owned);
            owned_end(partition->descriptor, closed);
            bank_give(bank, partition->descriptor);
        }
        lock_unlock(&bank->lock);
    }
    lock_lock(&fixed->lock);
    pool_give(&fixed->spaces, own);
    lock_unlock(&fixed->lock);
}

// ---- looking -----------------------------------------------------------------------------------

// There is one mapping, so one arena and one region, however many locks.
static int bank_walk(struct bank *bank, mems_visitor visit, void *arg)
{
    struct mems_extent pieces[64];
    int stop = 0;
    for (uint64_t i = 0; i < bank->count && stop == 0;) {
        size_t count = 0;
        lock_lock(&bank->lock);
        for (; count < sizeof pieces / sizeof pieces[0] && i < bank->count; count++, i++) {
            pieces[count] = (struct mems_extent){.piece = MEMS_PIECE_HOLE,
                                                 .page = MEMS_PAGE_NONE,
                                                 .offset = bank->offset + i * bank->size,
                                                 .size = bank->size,
                                                 .host = bank->host + i * bank->size};
            if (bank->partition[i].descriptor != NULL) {
                owned_describe(bank->partition[i].descriptor, &pieces[count]);
            }
        }
        lock_unlock(&bank->lock);
        for (size_t k = 0; k < count && stop == 0; k++) {
            stop = visit(&pieces[k], arg);
        }
    }
    return stop;
}

static int fixed_walk(void *state, mems_visitor visit, void *arg)
{
    struct fixed *fixed = state;
    int stop = 0;
    for (uint32_t i = 0; i < fixed->bank_count && stop == 0; i++) {
        stop = bank_walk(&fixed->banks[i], visit, arg);
    }
    return stop;
}

// The label of the first invariant that does not hold, or NULL. The lock held.
static const char *bank_check(const struct bank *bank, uint32_t number, uint64_t *where)
{
    *where = 0;
    if (!bitmap_check(&bank->free) || bank->free.count + bank->taken != bank->count) {
        return "F1";
    }
    for (uint64_t i = 0; i < bank->count; i++) {
        const struct descriptor *descriptor = bank->partition[i].descriptor;
        *where = i;
        if (bitmap_has(&bank->free, i) != (descriptor == NULL)) {
            return "F2";
        }
        if (descriptor == NULL) {
            continue;
        }
        uint64_t word = load_relaxed(&descriptor->word);
        if (descriptor->record != &bank->partition[i] || descriptor_arena(descriptor) != number ||
            descriptor_state(word) == DESCRIPTOR_FREE ||
            descriptor_host(word) != bank->host + i * bank->size) {
            return "D1";
        }
    }
    return NULL;
}

static int fixed_check(void *state, struct mems_violation *first)
{
    struct fixed *fixed = state;
    for (uint32_t i = 0; i < fixed->bank_count; i++) {
        struct bank *bank = &fixed->banks[i];
        uint64_t where;
        lock_lock(&bank->lock);
        const char *broken = bank_check(bank, i, &where);
        lock_unlock(&bank->lock);
        if (broken != NULL) {
            struct printer printer;
            first->invariant = broken;
            print_init(&printer, first->text, sizeof first->text);
            print_format(&printer, "partition %llu of %llu bytes: bitmap and record disagree",
                         (unsigned long long)where, (unsigned long long)bank->size);
            return EUCLEAN;
        }
    }
    return 0;
}

static void fixed_totals(void *state, struct policy_totals *totals)
{
    struct fixed *fixed = state;
    *totals = (struct policy_totals){
        .held_bytes = fixed->bytes, .regions = 1, .metadata_bytes = fixed->mapped};
    for (uint32_t i = 0; i < fixed->bank_count; i++) {
        struct bank *bank = &fixed->banks[i];
        lock_lock(&bank->lock);
        totals->free_bytes += bank->free.count * bank->size;
        totals->holes += bank->free.count;
        if (bank->free.count != 0 && bank->size > totals->largest_hole) {
            totals->largest_hole = bank->size;
        }
        totals->blocks += bank->taken;
        totals->metadata_bytes += bank->mapped;
        lock_unlock(&bank->lock);
    }
    lock_lock(&fixed->lock);
    totals->metadata_bytes += fixed->spaces.bytes;
    lock_unlock(&fixed->lock);
}

static const struct lock *fixed_lock_at(void *state, size_t index)
{
    struct fixed *fixed = state;
    return index < fixed->bank_count    ? &fixed->banks[index].lock
           : index == fixed->bank_count ? &fixed->lock
                                        : NULL;
}

// ---- the row -----------------------------------------------------------------------------------

static const char *const queue_names[] = {"one", "size", NULL};

#define FIELD(name) offsetof(struct fixed_settings, name)

static const struct option fixed_options[] = {
    {"partition", OPTION_SIZE, 16, DESCRIPTOR_LARGEST, NULL, "16..1Ti, a multiple of 16", "4Ki",
     "size of equal partitions", FIELD(partition)},
    {"count", OPTION_NUMBER, 0, PARTITION_COUNT_MOST, NULL, "0..4294967296", "0",
     "number of equal partitions; 0: as many as capacity holds, 1024 without one", FIELD(count)},
    {"partitions", OPTION_TEXT, 0, 0, NULL, "SIZExCOUNT,...", "",
     "unequal partitions, in order; takes the place of partition and count", FIELD(partitions)},
    {"queue", OPTION_CHOICE, 0, 0, queue_names, "one|size", "one",
     "one: the smallest free partition that fits; size: only the smallest size that fits",
     FIELD(queue)},
    {"capacity", OPTION_SIZE, 0, UINT64_C(1) << 46, NULL, "0..64Ti", "0",
     "memory there is; 0: what the partitions need", FIELD(capacity)},
    {0},
};

const struct policy policy_fixed = {
    .name = "fixed",
    .help = "fixed partitioning: equal or unequal partitions, one queue or a queue a size",
    .options = fixed_options,
    .open = fixed_open,
    .close = fixed_close,
    .space_open = fixed_space_open,
    .space_close = fixed_space_close,
    .take = fixed_take,
    .give = fixed_give,
    .resize = fixed_resize,
    .block_size = fixed_block_size,
    .measure = fixed_measure,
    .classes = fixed_classes,
    .walk = fixed_walk,
    .check = fixed_check,
    .totals = fixed_totals,
    .lock_at = fixed_lock_at,
};
