// SPDX-License-Identifier: MIT
//
// vm_paging.c - virtual memory with pages: memory is smaller than what its programs have.
//
// 1. Theory. Demand paging (Atlas, Kilburn et al., 1962): a page gets a frame at its first use and
//    may be without one later; what it held is then in swap. Blocks, tables and frames are those of
//    policy/paged.c; how pages leave is told in vm_reclaim.c, how they come in vm_fault.c, which
//    ones go in policy/replacement/.
// 2. States of a page: ZERO -> RESIDENT (a frame of zeroes) -> MOVING -> SWAPPED -> RESIDENT ..; or
//    MOVING -> ZERO where it was never written.
// 3. Nothing is overcommitted: all blocks together never have more pages than frames and swap hold.
//    A request beyond is refused, so a page that must go always has a place.
// 4. Hits leave a byte (page_trace): the algorithm's mark and whether the page was written. Where
//    an algorithm wants the order of hits, or a TLB is modelled, each hit takes the order lock:
//    that is what LRU costs.
// 5. Watermarks. Reclaim starts when no more than `low` frames are free and evicts until `high`
//    are: one grace period for up to RELOCATION_BATCH pages. low=0,high=1 is the exact mode: one
//    victim when no frame is free, as in the textbooks.
// 6. A frame that two spaces share is pinned: the algorithm does not know it until one page is
// left.
// 7. Locking. As in paged.c; then order (the algorithm, hits, the TLB), which is also taken inside
//    sections and so never held across a grace period; frames and swap behind it.
// 8. Opening. The swap file comes first: a disk that is too full is told before anything is mapped.

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "os/os.h"
#include "policy/vm.h"
#include "sync/thread.h"

_Static_assert(sizeof(struct vm_settings) <= POLICY_SETTINGS, "the engine keeps them");

#define CAPACITY_STANDARD (UINT64_C(64) << 20)
#define FRAMES_LIMIT      (UINT64_C(1) << 30) // the algorithms' own
#define BATCH_STANDARD    64

// ---- settings ----------------------------------------------------------------------------------

static int refuse_number(struct printer *complaint, const char *key, uint64_t value,
                         const char *why)
{
    print_format(complaint, "%s=%llu: %s", key, (unsigned long long)value, why);
    return EINVAL;
}

static int memory_validate(struct vm_settings *own, struct printer *complaint)
{
    if (!bits_is_power_of_two(own->page)) {
        return refuse_number(complaint, "page", own->page, "must be a power of two");
    }
    if (own->frames != 0 && own->capacity != 0) {
        print_text(complaint, "frames and capacity: say one of them, the other follows from page");
        return EINVAL;
    }
    if (own->frames == 0) {
        own->capacity = own->capacity != 0 ? own->capacity : CAPACITY_STANDARD;
        own->frames = own->capacity / own->page;
        if (own->frames > FRAMES_LIMIT) {
            return refuse_number(complaint, "capacity", own->capacity, "more than 2^30 frames");
        }
        if (own->frames < own->arenas) {
            return paged_refuse_capacity(own->capacity, own->arenas, own->page, complaint);
        }
    }
    if (own->frames < own->arenas) {
        return refuse_number(complaint, "frames", own->frames, "fewer than arenas");
    }
    if (own->swap / own->page >= SWAP_SLOTS) {
        return refuse_number(complaint, "swap", own->swap, "more pages than 2^32");
    }
    return 0;
}

// Where high is not said: batches of a sixteenth of memory, at most BATCH_STANDARD pages; one
// victim at a time where memory is small or its use varies.
static int watermarks_validate(struct vm_settings *own, bool variable, struct printer *complaint)
{
    if (own->high == 0) {
        uint64_t batch = own->frames / 16 < BATCH_STANDARD ? own->frames / 16 : BATCH_STANDARD;
        batch = batch == 0 || variable ? 1 : batch;
        own->low = own->low != 0 ? own->low : batch / 4;
        own->high = own->low + batch;
    }
    if (own->low >= own->high) {
        return refuse_number(complaint, "low", own->low, "must be below high");
    }
    if (own->high > own->frames) {
        return refuse_number(complaint, "high", own->high, "more than there are frames");
    }
    return 0;
}

static int tlb_validate(struct vm_settings *own, struct printer *complaint)
{
    if (own->tlb_ways > own->tlb_entries) {
        return refuse_number(complaint, "tlb_ways", own->tlb_ways, "more than tlb_entries");
    }
    own->tlb_ways = own->tlb_ways != 0 ? own->tlb_ways : own->tlb_entries;
    if (own->tlb_entries != 0 && own->tlb_entries % own->tlb_ways != 0) {
        return refuse_number(complaint, "tlb_ways", own->tlb_ways, "must divide tlb_entries");
    }
    return 0;
}

static int vm_validate(struct vm_settings *own, const struct policy_site *site,
                       struct printer *complaint)
{
    const struct replacement *replacement = replacement_at(own->replacement);
    if (replacement == &replacement_opt && site->references == NULL) {
        print_text(complaint,
                   "replacement=opt: needs the references to come (mems_config.references "
                   "in a program; 'mems-stress faults' gives them)");
        return EINVAL;
    }
    int error = memory_validate(own, complaint);
    error = error != 0 ? error : watermarks_validate(own, replacement->variable, complaint);
    error = error != 0 ? error : tlb_validate(own, complaint);
    own->tau = own->tau != 0 ? own->tau : 4 * own->frames;
    return error;
}

// ---- what differs from simple paging -----------------------------------------------------------

bool vm_admit(struct paged *paged, uint64_t pages)
{
    struct vm *vm = (struct vm *)paged;
    uint64_t admitted = load_relaxed(&vm->admitted);
    do {
        if (pages > paged->most_pages - admitted) {
            return false;
        }
    } while (!cas_relaxed(&vm->admitted, &admitted, admitted + pages));
    return true;
}

void vm_dismiss(struct paged *paged, uint64_t pages)
{
    add_relaxed(&((struct vm *)paged)->admitted, -pages);
}

void vm_frame_ended(struct paged *paged, uint32_t frame)
{
    struct vm *vm = (struct vm *)paged;
    vm_unload(vm, frame);
    vm_unkeep(vm, frame);
}

static void vm_frame_alone(struct paged *paged, uint32_t frame)
{
    const struct frame *use = &paged->frames.frame[frame];
    vm_load((struct vm *)paged, frame, use->block, use->index, false);
}

static void vm_slot_shared(struct paged *paged, uint64_t number)
{
    swap_share(&((struct vm *)paged)->swap, (uint32_t)number);
}

void vm_slot_ended(struct paged *paged, uint64_t number)
{
    swap_leave(&((struct vm *)paged)->swap, (uint32_t)number);
}

static const struct paged_kind vm_kind = {
    .demand = true,
    .admit = vm_admit,
    .dismiss = vm_dismiss,
    .frame_ended = vm_frame_ended,
    .frame_shared = vm_frame_ended, // pinned, and its bytes are nowhere else
    .frame_alone = vm_frame_alone,
    .slot_shared = vm_slot_shared,
    .slot_ended = vm_slot_ended,
};

// ---- opening -----------------------------------------------------------------------------------

void vm_close(void *state)
{
    struct vm *vm = state;
    tlb_close(&vm->tlb);
    paged_close(&vm->paged);
    if (vm->frame != NULL) {
        os_unmap(vm->frame, vm->mapped);
    }
    swap_close(&vm->swap);
    os_unmap(vm, vm->paged.mapped);
}

// The frames' records, the bounce page and the algorithm's state, in one mapping.
static int vm_map(struct vm *vm)
{
    uint64_t frames = vm->paged.frames.count, bytes = 0;
    uint64_t marks = (frames + 63) & ~UINT64_C(63);
    uint64_t records = (frames * sizeof(struct vm_frame) + 63) & ~UINT64_C(63);
    uint64_t page = (paged_page_bytes(&vm->paged) + 63) & ~UINT64_C(63);
    uint64_t order = vm->replacement->bytes(&vm->config);
    bits_round_up(records + 2 * marks + page + order, os_page_size(), &bytes);
    char *mapping = os_map(bytes, 0);
    if (mapping == NULL) {
        return ENOMEM;
    }
    vm->mapped = bytes;
    vm->frame = (struct vm_frame *)(void *)mapping;
    vm->touch = (uint8_t *)mapping + records;
    vm->dirty = vm->touch + marks;
    vm->bounce = (char *)vm->dirty + marks;
    vm->order_state = vm->bounce + page;
    vm->config.touch = vm->touch;
    vm->config.dirty = vm->dirty;
    vm->replacement->init(vm->order_state, &vm->config);
    return 0;
}

// What a hit leaves behind. FRESH is taken away and nothing else is done.
static void trace_make(struct vm *vm)
{
    enum replacement_touch touch = vm->replacement->touch;
    uint64_t bit = 0x01010101, count = 0x03030201;
    if (touch == REPLACEMENT_TOUCH_BIT || touch == REPLACEMENT_TOUCH_COUNT) {
        vm->trace.touch = vm->touch;
        vm->trace.next =
            UINT64_C(0x0302010000000000) | (touch == REPLACEMENT_TOUCH_BIT ? bit : count);
    }
    vm->trace.dirty = vm->dirty;
    vm->trace.policy = vm;
    if (touch == REPLACEMENT_TOUCH_ORDER || vm->tlb.sets != 0) {
        vm->trace.hit = vm_hit;
    }
}

static void vm_configure(struct vm *vm, const struct vm_settings *own,
                         const struct policy_site *site)
{
    vm->replacement = replacement_at(own->replacement);
    vm->config = (struct replacement_config){.frames = (uint32_t)own->frames,
                                             .clock_load_ref = own->clock_load_ref,
                                             .tau = own->tau,
                                             .interval = own->pff_interval,
                                             .seed = own->seed,
                                             .future = site->references,
                                             .future_count = site->reference_count};
    vm->costs = (struct tlb_costs){own->tlb_ns, own->memory_ns, own->table_levels, own->fault_ns};
    vm->low = (uint32_t)own->low;
    vm->high = (uint32_t)own->high;
    vm->paged.trace = &vm->trace;
    vm->paged.most_pages = own->frames + own->swap / own->page;
    lock_init(&vm->order, LOCK_ORDER, "vm.order", 1);
}

static int vm_parts_open(struct vm *vm, const struct vm_settings *own,
                         const struct policy_site *site)
{
    vm_configure(vm, own, site);
    int error = paged_open(&vm->paged, site->table, own->frames, bits_log2(own->page),
                           (uint32_t)own->arenas, 0);
    if (error == 0) {
        error = vm_map(vm);
    }
    if (error == 0 && own->tlb_entries != 0) {
        error = tlb_open(&vm->tlb, (uint32_t)own->tlb_entries, (uint32_t)own->tlb_ways);
    }
    if (error == 0) {
        trace_make(vm);
    }
    return error;
}

int vm_swap_refused(uint64_t swap, const struct option_text *folder, int error,
                    struct printer *complaint)
{
    if (error == ENOMEM) {
        return ENOMEM;
    }
    bool size = error == ENOSPC || error == EDQUOT || error == EFBIG;
    const char *why = error == EFBIG                        ? "larger than a file may be"
                      : size                                ? "the disk has not that much room"
                      : error == ENOENT || error == ENOTDIR ? "there is no such folder"
                      : error == EACCES || error == EROFS   ? "no right to make a file there"
                                                            : "no file can be made there";
    char text[100];
    size_t length = folder->length < sizeof text ? folder->length : sizeof text - 1;
    memcpy(text, folder->text, length);
    text[length] = '\0';
    const char *where = length != 0 ? text : "(TMPDIR, else /tmp)";
    if (size) {
        print_format(complaint, "swap=%llu: %s (error %d): swap_file=%s; say less, or another",
                     (unsigned long long)swap, why, error, where);
    } else {
        print_format(complaint, "swap_file=%s: %s (error %d), for swap=%llu", where, why, error,
                     (unsigned long long)swap);
    }
    return EINVAL;
}

int vm_open_as(const struct vm_settings *settings, const struct paged_kind *kind, size_t size,
               struct policy_site *site, void **state, struct printer *complaint)
{
    struct vm_settings own = *settings;
    struct swap swap;
    uint64_t bytes = 0, slots = own.swap / own.page;
    int error = vm_validate(&own, site, complaint);
    if (error != 0) {
        return error;
    }
    error = swap_open(&swap, own.swap_file.text, own.swap_file.length,
                      slots == 0 ? 0 : (uint32_t)slots + 1, bits_log2(own.page));
    if (error != 0) {
        return vm_swap_refused(own.swap, &own.swap_file, error, complaint);
    }
    bits_round_up(size, os_page_size(), &bytes);
    struct vm *vm = os_map(bytes, 0);
    if (vm == NULL) {
        swap_close(&swap);
        return ENOMEM;
    }
    vm->swap = swap;
    vm->paged.mapped = bytes;
    vm->paged.kind = kind;
    error = vm_parts_open(vm, &own, site);
    if (error != 0) {
        vm_close(vm);
        return error;
    }
    *state = vm;
    return 0;
}

static int vm_open(const void *settings, struct policy_site *site, void **state,
                   struct printer *complaint)
{
    return vm_open_as(settings, &vm_kind, sizeof(struct vm), site, state, complaint);
}

// Pages of the space may be in a mover's hands.
void vm_space_close(void *state, void *owned, struct policy_closed *closed)
{
    struct vm *vm = state;
    uint32_t home = thread_number(); // before any lock: it may take one itself
    lock_lock(&vm->paged.mover);
    paged_space_end(&vm->paged, owned, home, closed);
    lock_unlock(&vm->paged.mover);
}

// ---- looking -----------------------------------------------------------------------------------

static const char *frames_known(struct vm *vm)
{
    const char *broken = vm->replacement->check(vm->order_state);
    for (uint32_t i = 0; i < vm->paged.frames.count && broken == NULL; i++) {
        const struct frame *use = &vm->paged.frames.frame[i];
        uint64_t resident = page_entry(PAGE_RESIDENT, i);
        bool alone =
            use->users == 1 && load_relaxed(paged_entry(use->block, use->index)) == resident;
        if (vm->frame[i].loaded != alone ||
            (alone && (vm->frame[i].entry != paged_entry(use->block, use->index) ||
                       vm->frame[i].key != vm_key(use->block, use->index)))) {
            broken = "V1";
        }
    }
    return broken;
}

int vm_check(void *state, struct mems_violation *first)
{
    struct vm *vm = state;
    uint64_t pages = 0;
    int error = paged_check(&vm->paged, first);
    if (error != 0) {
        return error;
    }
    lock_lock(&vm->paged.mover);
    paged_lock_all(&vm->paged);
    lock_lock(&vm->paged.shares);
    lock_lock(&vm->order);
    for (uint32_t i = 0; i < vm->paged.arena_count; i++) {
        pages += vm->paged.arenas[i].pages;
    }
    const char *broken = frames_known(vm);
    broken = broken != NULL ? broken : pages != load_relaxed(&vm->admitted) ? "V2" : NULL;
    broken = broken != NULL ? broken : swap_check(&vm->swap);
    lock_unlock(&vm->order);
    lock_unlock(&vm->paged.shares);
    paged_unlock_all(&vm->paged);
    lock_unlock(&vm->paged.mover);
    if (broken == NULL) {
        return 0;
    }
    struct printer printer;
    first->invariant = broken;
    print_init(&printer, first->text, sizeof first->text);
    print_text(&printer, "frames, swap and the replacement algorithm disagree");
    return EUCLEAN;
}

size_t vm_candidates(void *state, struct mems_candidate *list, size_t most)
{
    struct vm *vm = state;
    const struct replacement *replacement = vm->replacement;
    uint32_t frame = REPLACEMENT_NONE;
    size_t count = 0;
    if (replacement->next == NULL) {
        return 0;
    }
    lock_lock(&vm->order);
    while (count < most &&
           (frame = replacement->next(vm->order_state, frame)) != REPLACEMENT_NONE) {
        uint64_t key = vm->frame[frame].key;
        list[count++] = (struct mems_candidate){
            .page = (uint32_t)key,
            .space = (uint32_t)(key >> 32) + 1,
            .referenced = replacement_touched(&vm->config, frame) != 0,
            .modified = load_relaxed(&vm->dirty[frame]) != 0,
        };
    }
    lock_unlock(&vm->order);
    return count;
}

static void references_total(struct vm *vm, struct policy_totals *totals)
{
    lock_lock(&vm->order);
    uint64_t references = vm->references;
    totals->tlb_hits = vm->tlb.hits;
    totals->tlb_misses = vm->tlb.now - vm->tlb.hits;
    lock_unlock(&vm->order);
    if (references != 0) {
        double hit_rate = vm->tlb.sets != 0 ? (double)totals->tlb_hits / (double)references : 0;
        double fault_rate = (double)totals->faults / (double)references;
        struct tlb_costs costs = vm->costs;
        costs.tlb_ns = vm->tlb.sets != 0 ? costs.tlb_ns : 0;
        totals->eat_ns =
            (uint64_t)(tlb_effective_ns(&costs, hit_rate, fault_rate < 1 ? fault_rate : 1) + 0.5);
    }
}

void vm_totals(void *state, struct policy_totals *totals)
{
    struct vm *vm = state;
    *totals = (struct policy_totals){
        .moves_tried = load_relaxed(&vm->tried),
        .moves_done = load_relaxed(&vm->done),
        .moves_abandoned = load_relaxed(&vm->abandoned),
        .faults = load_relaxed(&vm->faults),
        .zero_faults = load_relaxed(&vm->zero_faults),
        .swap_faults = load_relaxed(&vm->swap_faults),
        .evictions = load_relaxed(&vm->evictions),
        .write_backs = load_relaxed(&vm->write_backs),
        .swap_bytes = (uint64_t)swap_used(&vm->swap) << vm->paged.page_bits,
        .swap_most_bytes = (uint64_t)vm->swap.count << vm->paged.page_bits,
        .working_set_pages = vm_working_set(vm),
        .thrashing = load_relaxed(&vm->window.thrashing),
        .metadata_bytes = vm->mapped + vm->tlb.mapped + vm->swap.mapped,
    };
    references_total(vm, totals);
    paged_totals(&vm->paged, totals);
}

const struct lock *vm_lock_at(void *state, size_t index)
{
    struct vm *vm = state;
    const struct lock *const own[] = {&vm->order, &vm->swap.lock};
    return index < 2 ? own[index] : paged_lock_at(state, index - 2);
}

// ---- the row -----------------------------------------------------------------------------------

// In the order of replacement_at.
static const char *const replacement_names[] = {
    "fifo", "lru", "clock", "second-chance", "nru",   "lfu", "random", "opt",
    "arc",  "2q",  "lirs",  "s3fifo",        "sieve", "ws",  "pff",    NULL};

#define FIELD(name) offsetof(struct vm_settings, name)
#define EXACT_NS    UINT64_C(1000000000000)

static const struct option vm_options[] = {
    {"page", OPTION_SIZE, 64, UINT64_C(1) << 21, NULL, "a power of two, 64..2Mi", "4Ki",
     "size of a page, a frame and a slot of swap", FIELD(page)},
    {"frames", OPTION_NUMBER, 1, FRAMES_LIMIT, NULL, "1..2^30", "",
     "number of frames; not said: as many as capacity holds", FIELD(frames)},
    {"capacity", OPTION_SIZE, 1, UINT64_C(1) << 46, NULL, "1..64Ti", "",
     "memory there is, in place of frames; neither said: 64Mi", FIELD(capacity)},
    {"arenas", OPTION_NUMBER, 1, PAGED_ARENAS, NULL, "1..64", "1",
     "shards of the spaces and of the free frames, each with its own lock", FIELD(arenas)},
    {"swap", OPTION_SIZE, 0, UINT64_C(1) << 46, NULL, "0..64Ti", "256Mi",
     "what pages without a frame may take, reserved on disk at once", FIELD(swap)},
    {"swap_file", OPTION_TEXT, 0, 0, NULL, "a folder", "",
     "where the swap file is made, without a name; not said: TMPDIR, else /tmp", FIELD(swap_file)},
    {"replacement", OPTION_CHOICE, 0, 0, replacement_names,
     "fifo|lru|clock|second-chance|nru|lfu|random|opt|arc|2q|lirs|s3fifo|sieve|ws|pff", "sieve",
     "which page goes when a frame is needed", FIELD(replacement)},
    {"clock_load_ref", OPTION_FLAG, 0, 0, NULL, "yes|no", "yes",
     "clock, second-chance: R is set on load (textbooks) or not (cache simulators)",
     FIELD(clock_load_ref)},
    {"tau", OPTION_NUMBER, 1, UINT64_MAX, NULL, "1..", "",
     "ws: references that a page stays after its last; not said: four times the frames",
     FIELD(tau)},
    {"pff_interval", OPTION_NUMBER, 1, UINT64_MAX, NULL, "1..", "100",
     "pff: references between faults above which memory shrinks", FIELD(pff_interval)},
    {"seed", OPTION_NUMBER, 0, UINT64_MAX, NULL, "0..", "1", "random: of its generator",
     FIELD(seed)},
    {"low", OPTION_NUMBER, 0, FRAMES_LIMIT, NULL, "0..2^30, below high", "",
     "free frames at which reclaim starts; low=0,high=1: one victim when none is free", FIELD(low)},
    {"high", OPTION_NUMBER, 1, FRAMES_LIMIT, NULL, "1..2^30", "",
     "free frames at which it ends; not said: a batch above low, or 1 where memory is small",
     FIELD(high)},
    {"tlb_entries", OPTION_NUMBER, 0, TLB_MOST, NULL, "0..65536", "0",
     "entries of the TLB model; 0: none. Each reference then takes a lock and looks at all ways",
     FIELD(tlb_entries)},
    {"tlb_ways", OPTION_NUMBER, 0, TLB_MOST, NULL, "0..65536", "0",
     "entries of a set; 0: all, fully associative", FIELD(tlb_ways)},
    {"tlb_ns", OPTION_NUMBER, 0, EXACT_NS, NULL, "0..10^12", "1",
     "effective access time: a look into the TLB", FIELD(tlb_ns)},
    {"memory_ns", OPTION_NUMBER, 0, EXACT_NS, NULL, "0..10^12", "100",
     "effective access time: an access to memory", FIELD(memory_ns)},
    {"table_levels", OPTION_NUMBER, 0, 16, NULL, "0..16", "2",
     "effective access time: accesses to page tables where the TLB misses", FIELD(table_levels)},
    {"fault_ns", OPTION_NUMBER, 0, EXACT_NS, NULL, "0..10^12", "8000000",
     "effective access time: the service of a fault", FIELD(fault_ns)},
    {0},
};

const struct policy policy_vm_paging = {
    .name = "vm-paging",
    .help = "virtual memory with pages: demand-zero, swap on a file, replacement algorithms",
    .options = vm_options,
    .rights = true,
    .open = vm_open,
    .close = vm_close,
    .space_open = paged_space_open,
    .pages = paged_pages,
    .space_close = vm_space_close,
    .take = paged_take,
    .give = paged_give,
    .resize = paged_resize,
    .block_size = paged_block_size,
    .measure = paged_measure,
    .classes = paged_classes,
    .fault = vm_fault,
    .share = paged_share,
    .space_stats = paged_space_stats,
    .walk = paged_walk,
    .candidates = vm_candidates,
    .check = vm_check,
    .totals = vm_totals,
    .lock_at = vm_lock_at,
};
