// SPDX-License-Identifier: MIT
//
// check.h - is every byte right? Levels of checking, each with all below it.
//
//   0  nothing
//   1  pointer rules: not null, aligned, the block is no smaller than asked for, calloc's bytes are
//      zero, resizing keeps the first min(old, new) bytes (their first and last 256, as stamped
//      just before it)
//   2  the first and last 32 bytes of every block are stamped, and compared before it is freed
//   3  the whole block is, and of what the target calls usable beyond the request (target_ops'
//      usable) 256 bytes, or all of it in one block of 64: they are the caller's, and in no
//      neighbour's way. A resize need not keep them
//   4  a map of live blocks, all usable bytes of them: no byte is in two (shadow.h)
//
// Bytes are reached through the target's access_begin/access_end, piece by piece, so that engines
// that page or move memory are served. The map of level 4 holds host addresses, and blocks that are
// contiguous there; it takes for granted that such a block stays where it is while it lives. Where
// live blocks move (target->moves) level 4 is level 3: two blocks on one byte spoil a stamp.
// A target whose blocks have no bytes (no_memory) is not checked.
//
// Each check has a name (job/checks.h) and can be switched off (checks = all,-NAME): its question
// is then not asked, and what it would have compared is not compared by another one instead. So
// `stamp` has the ends of a block and `whole` what lies between; `resize` has the ends of what a
// resize keeps, which are written anew where it is off, and `whole` the rest. A byte that cannot be
// reached (`access`) and a call that fails (`target`) end the cell whatever is off: there is
// nothing to go on with.
//
// Everything here works under NDEBUG. What is found ends the cell: check_fail does not return.

#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "job/checks.h"
#include "run/run.h"
#include "workload/op.h"

// What a level is called; worker->check is a set of checks, job_checks_of_level of one less those
// that the job switches off.
enum check_level { CHECK_NONE, CHECK_POINTER, CHECK_EDGES, CHECK_WHOLE, CHECK_OVERLAP };

// What an application would do with its new block, whatever is checked.
enum check_touch {
    CHECK_TOUCH_NONE,
    CHECK_TOUCH_FIRST, // its first byte
    CHECK_TOUCH_ENDS,  // and its last
    CHECK_TOUCH_PAGE,  // a word in each 4 KiB
    CHECK_TOUCH_FULL,
    CHECK_TOUCHES
};

// By enum check_touch, NULL-terminated: the words of the key `touch`.
extern const char *const check_touch_names[];

// The common row of how blocks are touched, for a workload with a default of its own: one whose
// figures are of the resident set is to use what it asks for, or a foreign allocator seems to hold
// next to nothing.
#define CHECK_TOUCH_KEY                                                                            \
    .name = "touch", .kind = JOB_CHOICE, .choices = check_touch_names,                             \
    .values = "none, first (byte), ends (first and last), page (a word a page), full",             \
    .help = "what is written to a block after its allocation, and to what it grows by"

// After an allocation: the slot is full. `align` as asked for (0: the usual).
void check_allocated(struct worker *worker, struct slot *slot, size_t align, bool zeroed);
// Before a release.
void check_freeing(struct worker *worker, struct slot *slot);
// Before and after a resize to `wanted` bytes. Between the two slot->block and slot->size change,
// or nothing does when it is refused; generation and owner, and so the stamp, stay.
void check_resizing(struct worker *worker, struct slot *slot, size_t wanted);
void check_resized(struct worker *worker, struct slot *slot, size_t old_size, size_t wanted);
// Contents of a full slot, where they are stamped.
void check_contents(struct worker *worker, struct slot *slot);
// One byte read or written: a write leaves the stamp's byte, a read is compared where the level
// stamps that byte.
void check_byte(struct worker *worker, struct slot *slot, size_t offset, bool write);
// Each byte read.
void check_read(struct worker *worker, struct slot *slot);
// Each byte inverted and inverted back, `times` times: two reads and two writes in memory each,
// which no compiler may merge. Who else writes there spoils the stamp.
void check_rewrite(struct worker *worker, struct slot *slot, uint64_t times);
// Touches by policy, with the stamp's bytes. A resize does so with what the block grew by.
void check_touch(struct worker *worker, struct slot *slot);

// What the map of level 4 has in memory, in bytes. It is part of the process's resident set.
uint64_t check_resident(void);

// Ends the cell: `check` is one word for the kind, the rest one sentence. Uses no malloc.
_Noreturn void check_fail(struct worker *worker, const struct slot *slot, const char *check,
                          uint64_t expected, uint64_t found, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

#endif
