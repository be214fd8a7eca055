// SPDX-License-Identifier: MIT
//
// engine.h - the whole interface of libmems.
//
// Words. An *engine* is one machine: memory, one placement policy, its locks. A *space* is a
// process in the textbook sense: it owns what it allocates, closing it gives everything back, and
// it can translate and release only its own addresses. A *virtual address* (mems_addr) is what an
// allocation returns; it cannot be dereferenced. A *host pointer* is what mems_translate gives.
//
// Errors. Fallible functions return 0 or an errno value, and on failure nothing has changed. A
// caller's mistake is always an error, never luck:
//
//   EALREADY  released twice, and not allocated again since          (double free)
//   ESTALE    the address of a block that is gone; its place or its descriptor serves another
//   EFAULT    never an address of this engine                        (foreign)
//   EINVAL    not the first byte of a block (interior); an argument out of its range
//   EPERM     the address belongs to another space
//   ERANGE    past the end of the block
//   EACCES    the block may not be read, or not be written (mems_protect, mems_share)
//   ENOMEM    the policy has no place and may not grow, or the OS refused
//   EAGAIN    not resident, or a page that must be copied before it is written: call mems_fault
//   ENOSPC    swap is full
//   EIO       swap could not be read or written
//   EBUSY     what is to be closed is still in use
//   ENOTSUP   this policy cannot do that
//
// An address carries a generation of 18 bits next to its index. A stale address is told from a
// live one for certain until its index has been released 2^18 times *and* 65,536 other worn
// indices have been set aside after it (2^34 releases; memory/descriptor.h has the argument).
//
// Threads. Every function may be called from any thread at any time, except that closing an
// engine or a space excludes every other call on it. Two releases of one block that race are
// reported through the corruption hook, at the latest when the second one reaches the policy or,
// where magazines have handed the block out twice, when it is accessed or released.
//
// Processes. An engine belongs to the process that opened it. A child made by fork may read its
// copy, and nothing else: a thread of the parent that was inside a section, or held a lock, is not
// there to end it. A child that needs an engine opens one of its own.

#ifndef MEMS_ENGINE_H
#define MEMS_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef uint64_t mems_addr;

struct mems_engine;
struct mems_space;

enum mems_access { MEMS_READ = 1, MEMS_WRITE = 2 };

// ---- configuration ------------------------------------------------------------------------------

// What an engine is made of, as text, so that a job file, a command line, a test and a program say
// it in the same words: the name of a policy and "key=value,key=value" with the keys of
// mems_option_at(NULL, ..) (every engine has them) and mems_option_at(policy, ..) (its own).
// Sizes take k M G T (powers of 1000) and Ki Mi Gi Ti (powers of 1024).
struct mems_config {
    const char *policy;  // NULL: "dynamic"
    const char *options; // NULL or "": every default
    // The pages that will be referenced, in order, for replacement=opt: numbers as mems_walk gives
    // them (mems_extent.page) of the engine's first space, whose first block begins at page 0. The
    // array lives as long as the engine. NULL: nobody knows.
    const uint64_t *references;
    size_t reference_count;
};

// One key of an option table; everything a user can know about it.
struct mems_option {
    const char *name;
    const char *values;   // what is allowed, for people: "1..64", "first|next|best|worst"
    const char *standard; // the default, as text
    const char *help;     // one line
};

// One row of the policy table.
struct mems_policy_row {
    const char *name;
    const char *help;
};

// The policies, and the options of one (policy NULL: those every engine has), by index.
// Returns NULL past the last. The result is constant.
const struct mems_policy_row *mems_policy_at(size_t index);
const struct mems_option *mems_option_at(const char *policy, size_t index);

// Why the last call that failed on this thread failed: one sentence that names the key or
// argument, what it was and what would be right. Never NULL; valid until this thread's next failing
// call. Set by mems_engine_open and mems_space_open, and by accesses past a block's end or without
// the right to them.
const char *mems_complaint(void);

// A short fixed text for an error value of this interface ("double free", "foreign address").
const char *mems_error_text(int error);

// ---- engines and spaces -------------------------------------------------------------------------

// Opens an engine. EINVAL: a configuration that cannot work (mems_complaint says which key and
// why); ENOMEM: the OS refused.
int mems_engine_open(const struct mems_config *config, struct mems_engine **engine);

// Closes an engine, every space still open in it included. Never fails. NULL is ignored. Call it
// outside an access section: a mover of its own may be waiting for that.
void mems_engine_close(struct mems_engine *engine);

int mems_space_open(struct mems_engine *engine, struct mems_space **space);

// Gives back everything the space holds, in time proportional to what it holds. NULL is ignored.
// Call it outside an access section.
void mems_space_close(struct mems_space *space);

// A number that identifies the space within its engine's lifetime; never 0.
uint32_t mems_space_id(const struct mems_space *space);

// One space's account, as of about this moment (exact when no call on it is under way).
struct mems_space_stats {
    uint64_t allocs, releases; // that succeeded
    uint64_t live_blocks;
    uint64_t requested_bytes; // of the live blocks
    uint64_t cached_blocks;   // free, in threads' magazines
    uint64_t refusals, misuses;
    uint64_t faults; // pages or segments brought in for it
};
int mems_space_snapshot(struct mems_space *space, struct mems_space_stats *stats);

// ---- blocks -------------------------------------------------------------------------------------

// Allocates `size` bytes (at least 1) at an alignment that is a power of two, or 0 for the
// policy's own (16, or 1 where addresses are flat).
// EINVAL: size 0, alignment not a power of two.
// ENOMEM: no place (a bounded engine counts a refusal), or a size or an alignment that no memory
// could hold.
int mems_alloc(struct mems_space *space, size_t size, size_t align, mems_addr *addr);

// Releases a block by the address that mems_alloc returned.
// EALREADY, ESTALE, EFAULT, EINVAL, EPERM as above.
int mems_release(struct mems_space *space, mems_addr addr);

// Changes a block's size. The first min(old, new) bytes keep their contents. The address may
// change: *addr is updated, and then the old address is stale. Host pointers into the block are
// invalid afterwards. On failure the block is as it was. Shrinking a live block never fails: one
// that can neither be cut nor moved keeps its place. A block that moves has the policy's own
// alignment afterwards, whatever it was asked for with.
// EINVAL: size 0. EBUSY: a segment that others share (mems_share). EAGAIN: inside an access
// section, and the block would have to be brought in. ENOMEM, and EALREADY, ESTALE, EFAULT, EINVAL,
// EPERM as above.
int mems_resize(struct mems_space *space, mems_addr *addr, size_t size);

// The bytes a block was asked for, and the bytes it takes (its difference is internal
// fragmentation). Either result may be NULL.
int mems_block_size(struct mems_space *space, mems_addr addr, size_t *requested, size_t *size);

// Says how a block may be used from now on: MEMS_READ, MEMS_WRITE, both or 0. Translate, read and
// write then answer EACCES to the rest, and mems_complaint names segment, offset and limit. Returns
// after every access section that had begun before has ended: call it outside one. ENOTSUP: the
// policy has no rights (dynamic, fixed and slab have none).
int mems_protect(struct mems_space *space, mems_addr addr, unsigned rights);

// Gives another space of the same engine a block that shows the same bytes, with its own address
// and rights (never more than the giver has). The memory lives until the last of them is released.
//   segmentation, vm-segmentation  one segment in two spaces: what one writes the other reads
//                                  (not with paged=yes)
//   paging, vm-paging              the frames are shared until one side writes; then it gets a copy
// ENOTSUP elsewhere. EBUSY: called inside an access section.
int mems_share(struct mems_space *space, mems_addr addr, struct mems_space *with, unsigned rights,
               mems_addr *shared);

// ---- access -------------------------------------------------------------------------------------

// An access section. A host pointer from mems_translate is good until the section ends. Sections
// nest. Inside one: no mems_fault, no mems_compact, no mems_check, no waiting for another thread.
void mems_access_begin(void);
void mems_access_end(void);

// The host pointer behind an address, which may lie inside a block, and how many bytes run on from
// there (span may be NULL). Call it inside a section. Never waits, takes no lock (flat addresses,
// which are found through an index, do take one). EAGAIN: not resident, see mems_fault.
int mems_translate(struct mems_space *space, mems_addr addr, enum mems_access mode, void **host,
                   size_t *span);

// In C the name is a macro: what is found at once is found without a call (mems/translate.h). The
// function is there too.

// Brings the block in. Call it outside a section; on success a section has begun and the block
// stays resident in it. Where everything is resident it only checks the address.
int mems_fault(struct mems_space *space, mems_addr addr, enum mems_access mode);

// Copies across pages and segments, whatever the length. Begins and ends sections by itself, one
// for each page. ERANGE, EACCES: nothing was copied; ENOSPC, EIO, ENOMEM: a part may have been.
int mems_read(struct mems_space *space, mems_addr addr, void *buffer, size_t length);
int mems_write(struct mems_space *space, mems_addr addr, const void *bytes, size_t length);

// ---- moving -------------------------------------------------------------------------------------

// What a compaction did.
struct mems_compaction {
    uint64_t tried, moved, abandoned; // blocks; abandoned: in use when it was their turn
    uint64_t moved_bytes;
    uint64_t pinned;      // blocks in the way that cannot move: in threads' magazines
    uint64_t holes;       // left
    uint64_t free_bytes;  // in them
    uint64_t grace_waits; // grace periods waited for: one a batch
};

// Moves blocks together, while other threads go on using them: nobody ever waits for it. Two at
// once are done one after the other. Call it outside an access section (EBUSY inside). `done` may
// be NULL. ENOTSUP: blocks of this policy do not move. ENOMEM: a record was refused; what had moved
// by then has moved, and is counted.
int mems_compact(struct mems_engine *engine, struct mems_compaction *done);

// ---- what is going on inside --------------------------------------------------------------------

// Every counter, once: name, unit, meaning. Feeds the struct, mems_stat_at, the JSON and the docs.
// Relations, exact whenever no call is under way:
//   held_bytes + absent_bytes = block_bytes + cached_bytes + free_bytes                        (S1)
//   allocs - releases = live_blocks                                                            (S2)
#define MEMS_STATS(X)                                                                              \
    X(allocs, "count", "allocations that succeeded")                                               \
    X(releases, "count", "releases that succeeded, closed spaces' blocks included")                \
    X(resizes, "count", "resizes that succeeded")                                                  \
    X(refusals, "count", "allocations refused because a bounded engine had no place")              \
    X(refusals_enough_free, "count", "of these, refused though enough bytes were free in all")     \
    X(misuses, "count",                                                                            \
      "calls answered with EALREADY, ESTALE, EFAULT, EPERM, ERANGE or interior EINVAL")            \
    X(live_blocks, "count", "blocks allocated and not released")                                   \
    X(requested_bytes, "bytes", "what the live blocks were asked for")                             \
    X(block_bytes, "bytes", "what the live blocks take")                                           \
    X(cached_blocks, "count", "free blocks in threads' magazines")                                 \
    X(cached_bytes, "bytes", "what those take")                                                    \
    X(free_bytes, "bytes", "bytes in holes or free partitions")                                    \
    X(holes, "count", "holes or free partitions")                                                  \
    X(largest_hole, "bytes", "the largest of them")                                                \
    X(held_bytes, "bytes", "memory mapped for blocks")                                             \
    X(held_peak_bytes, "bytes", "the most that held_bytes has been")                               \
    X(metadata_bytes, "bytes", "memory mapped for the engine's own records")                       \
    X(regions, "count", "mappings that hold blocks")                                               \
    X(cache_hits, "count", "allocations and releases served by a magazine")                        \
    X(cache_misses, "count", "allocations and releases that found theirs empty or full")           \
    X(refills, "count", "batches fetched from the policy")                                         \
    X(refilled_blocks, "count", "blocks in those batches")                                         \
    X(drains, "count", "batches handed back to the policy")                                        \
    X(drained_blocks, "count", "blocks in those batches")                                          \
    X(remote_releases, "count", "releases by another thread than the one that allocated")          \
    X(absent_bytes, "bytes", "of blocks, not in memory: on swap, not touched yet, or shared")      \
    X(table_bytes, "bytes", "page tables (part of metadata_bytes)")                                \
    X(compactions, "count", "times that blocks were moved together")                               \
    X(moves_tried, "count", "blocks and pages marked to be moved or evicted")                      \
    X(moves_done, "count", "of these, moved or evicted")                                           \
    X(moves_abandoned, "count", "of these, left in place because an access came first")            \
    X(moved_bytes, "bytes", "what compaction has moved")                                           \
    X(faults, "count", "pages and segments brought in")                                            \
    X(zero_faults, "count", "of these, at their first use: demand-zero")                           \
    X(swap_faults, "count", "of these, read back from swap")                                       \
    X(segment_faults, "count", "segments made active (vm-segmentation with paged=yes)")            \
    X(copy_faults, "count", "pages copied because one side of a share wrote")                      \
    X(evictions, "count", "pages and segments that left memory")                                   \
    X(write_backs, "count", "of these, written to swap")                                           \
    X(swap_bytes, "bytes", "swap in use")                                                          \
    X(swap_most_bytes, "bytes", "swap there is")                                                   \
    X(tlb_hits, "count", "references that the TLB model answered")                                 \
    X(tlb_misses, "count", "references that it did not")                                           \
    X(eat_ns, "ns", "effective access time by the model: TLB, table and faults")                   \
    X(working_set_pages, "count", "pages referenced lately, all spaces together")                  \
    X(thrashing, "count", "times that the working sets were found larger than memory")

struct mems_stats {
#define MEMS_STATS_FIELD(name, unit, help) uint64_t name;
    MEMS_STATS(MEMS_STATS_FIELD)
#undef MEMS_STATS_FIELD
};

struct mems_stat {
    const char *name;
    const char *unit;
    const char *help;
    size_t offset; // into struct mems_stats
};

// The counters' table, by index; NULL past the last.
const struct mems_stat *mems_stat_at(size_t index);

// Every counter at about this moment. Exact when no other call is under way.
int mems_snapshot(struct mems_engine *engine, struct mems_stats *stats);

// Buckets of a lock's histograms, two to a power of two: bucket 2e holds times from 2^e up to
// 1.5 * 2^e ns, bucket 2e + 1 those from there up to 2^(e+1); 0 ns is in bucket 0, and whatever is
// longer than 2^32 ns (4.3 s) in the last one.
#define MEMS_LOCK_BUCKETS 64

// The least time of a bucket, in ns.
static inline uint64_t mems_lock_bucket_least(unsigned bucket)
{
    uint64_t power = UINT64_C(1) << bucket / 2;
    return bucket == 0 ? 0 : power + (bucket % 2 != 0 ? power / 2 : 0);
}

// One lock's account, in jemalloc's terms. Hold time is measured on one acquisition in
// hold_sample; wait times on every acquisition that had to sleep.
struct mems_lock_stats {
    char name[32];
    uint64_t acquisitions;
    uint64_t contended;     // not free at the first try
    uint64_t spin_acquired; // of these, got it while spinning
    uint64_t waited;        // of these, slept
    uint64_t wait_ns;       // total time asleep or queueing for it
    uint64_t max_wait_ns;
    uint64_t max_waiting;             // most threads asleep at once
    uint64_t owner_switches;          // taken by another thread than the last one
    uint64_t hold_sample;             // N: one acquisition in N is timed
    uint64_t hold_sampled;            // acquisitions timed
    uint64_t hold_ns;                 // their total
    uint64_t max_hold_ns;             // their longest
    uint64_t wait[MEMS_LOCK_BUCKETS]; // of those that slept, by how long; the sum is `waited`
    uint64_t hold[MEMS_LOCK_BUCKETS]; // of those timed, by how long; the sum is `hold_sampled`
};

// The engine's locks, by index; ENOENT past the last.
int mems_lock_at(struct mems_engine *engine, size_t index, struct mems_lock_stats *stats);

enum mems_piece { MEMS_PIECE_BLOCK, MEMS_PIECE_CACHED, MEMS_PIECE_HOLE };

#define MEMS_PAGE_NONE UINT64_MAX

// One piece of the memory map: a block, a hole, or where memory is paged a frame. A paged block is
// as many pieces as it has pages, wherever their frames are; those without a frame of their own
// come last.
struct mems_extent {
    enum mems_piece piece;
    bool absent;   // a block's piece that takes no memory: on swap, not touched yet, or in a
                   // frame that another space's piece stands for (shared)
    bool more;     // not the first piece of its block
    uint64_t page; // its number within the space, or MEMS_PAGE_NONE
    uint32_t arena;
    uint32_t region; // number of the mapping within its arena, in order of growth; of one that was
                     // given back the number is not used again
    uint64_t offset; // from the region's start
    uint64_t size;   // bytes it takes
    uint64_t requested; // block: bytes asked for
    uint32_t space;     // block: its owner's id
    mems_addr addr;     // block: its address (of all its pieces); flat hole: its address; else 0
    void *host;         // where it is now
};

// Called for each piece in order of arena, region, offset. No lock is held meanwhile. Return
// non-zero to stop; the walk returns that value.
typedef int (*mems_visitor)(const struct mems_extent *extent, void *arg);

// The memory map. Pieces that change while it runs are seen before or after the change.
int mems_walk(struct mems_engine *engine, mems_visitor visit, void *arg);

// A page in memory that may have to go.
struct mems_candidate {
    uint64_t page;   // its number within its space, as in struct mems_extent
    uint32_t space;  // its owner's id
    bool referenced; // R: used since replacement cleared its mark; false where it keeps none
    bool modified;   // M: written since it came in, so that it costs a write to swap
};

// What replacement looks at next when it needs a frame, in its order: from its hand, or from the
// front of its queue, on. Writes at most `most` of them and returns how many; 0 where pages are
// not swapped, and where an algorithm goes by more than one order and these marks (random, opt,
// arc, 2q, lirs, s3fifo). Pages that go meanwhile are seen before. Takes a lock; safe from any
// thread.
size_t mems_candidates(struct mems_engine *engine, struct mems_candidate *list, size_t most);

struct mems_violation {
    const char *invariant; // its label in the sources ("H2")
    char text[200];        // what was found, with numbers
};

// Checks every invariant of policy and memory under their locks. Returns 0, or EUCLEAN with the
// first violation. Magazines are checked as well where the caller says that no other thread is
// inside a call (quiescent), and then S1 and S2 too. Call it outside an access section (EBUSY
// inside).
int mems_check(struct mems_engine *engine, bool quiescent, struct mems_violation *first);

// Hands this thread's cached blocks (of every space) back to the policies.
void mems_thread_flush(void);

// What to do when memory is found corrupt (a double free that raced, a broken list). The default
// prints one line to stderr and aborts. Returns the hook that was there. A hook may return: the
// engine then leaves the offending block alone and goes on. The text is stable:
//   "mems: corruption: <what>: <address in hex>".
typedef void (*mems_corruption_hook)(const char *what, mems_addr addr);
mems_corruption_hook mems_on_corruption(mems_corruption_hook hook);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#include <mems/translate.h>

#endif
