// SPDX-License-Identifier: MIT
//
// target.h - what is hammered. One file a kind of target, each ending in one `const struct target`.
//
// A target is named in a job as KIND, KIND:ARGUMENT or KIND:ARGUMENT(key=value,...), with a '?' in
// front where it may be missing: "libc", "preload:jemalloc", "mems:dynamic(fit=best,arenas=2)".
//
// Blocks are 64-bit names: a pointer for a malloc, a virtual address for the engine. Bytes are
// reached through access_begin/access_end, so that an engine that moves memory is used as its
// users must.

#ifndef TARGET_TARGET_H
#define TARGET_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "job/complaint.h"

#define TARGET_CLASSES 48

// What a section will ask of a target, so that a bounded one can be given a fitting size.
struct target_demand {
    uint64_t peak_bytes;                  // most requested bytes live at once
    uint64_t largest;                     // largest request
    uint64_t peak_blocks[TARGET_CLASSES]; // most blocks live at once with size in (2^(i-1), 2^i]
};

struct target_spec {
    const struct target *target;
    char *name;                // as written without '?': what tables and results show
    char *argument;            // "dynamic", "jemalloc", NULL
    char *options;             // "fit=best,arenas=2", NULL
    const char *folder;        // where relative paths start; NULL: the working folder. Not owned.
    bool optional;             // '?'
    char *preload;             // file for LD_PRELOAD in the cell's process, NULL
    struct target_spec *inner; // of a target around another one; NULL. Owned.
};

// Operations, the same for every thread. `space` is what space_open gave. Sizes are at least 1.
// They return 0 or an errno value: ENOMEM is a refusal and is counted, anything else is a failure
// of the target.
struct target_ops {
    int (*alloc)(void *space, size_t size, size_t align, uint64_t *block); // align 0: the usual
    int (*alloc_zeroed)(void *space, size_t size, uint64_t *block);
    int (*release)(void *space, uint64_t block);
    int (*resize)(void *space, uint64_t *block, size_t size);
    // A pointer to byte `offset` of the block and how many bytes run on. NULL: a failure,
    // and nothing has begun. Each other call is followed by access_end before the next operation on
    // the target.
    void *(*access_begin)(void *space, uint64_t block, size_t offset, bool write, size_t *span);
    void (*access_end)(void *space);
    size_t (*block_size)(void *space, uint64_t block); // bytes it takes; 0: cannot tell
    bool usable;    // and all of them are the caller's to use, as malloc_usable_size says
    bool no_memory; // the null target: blocks have no bytes, checks are off
};

// What the target says of itself at the end and now and then (all 0 where it cannot tell).
struct target_usage {
    uint64_t held_bytes; // from the OS, for blocks
    uint64_t free_bytes; // inside held, in holes
    uint64_t largest_hole;
    uint64_t holes;
    uint64_t live_blocks;
    uint64_t metadata_bytes;
    bool known;
};

// Takes one statistic.
typedef void (*target_statistic)(void *arg, const char *name, double value);

// Takes one name of a target, as a job may have it, and what it is.
typedef void (*target_word)(void *arg, const char *word, const char *help);

struct target_instance; // open target in the cell's process

struct target {
    const char *name; // KIND
    const char *form; // "mems:POLICY(key=value,...)"
    const char *help;
    // The names that are known without looking. NULL: the kind's alone.
    void (*each_word)(target_word take, void *arg);
    bool process_malloc; // it is the malloc of the cell's process
    // Completes a spec in the driver's process, before anything runs: finds the library, checks
    // the options. 0; ENOENT: not here (a '?' target is then skipped); EINVAL: never right.
    int (*resolve)(struct target_spec *spec, struct complaint *complaint);
    // In the cell's process.
    int (*open)(const struct target_spec *spec, const struct target_demand *demand,
                struct target_instance **instance, struct complaint *complaint);
    void (*close)(struct target_instance *instance);
    int (*space_open)(struct target_instance *instance, void **space);
    void (*space_close)(struct target_instance *instance, void *space); // what it holds goes too
    const struct target_ops *ops;
    void (*usage)(struct target_instance *instance, struct target_usage *usage);
    // Every invariant the target can check of itself, at a quiescent point. 0 or EUCLEAN; ENOTSUP
    // where it turns out to have none.
    int (*check)(struct target_instance *instance, struct complaint *complaint);
    // Whether a live block's bytes may change their place on the host. NULL: they never do.
    bool (*moves)(struct target_instance *instance);
    // What a foreign allocator says of itself, one call of `take` for each figure. While no other
    // thread uses it. NULL: nothing beyond `usage`.
    void (*native)(struct target_instance *instance, target_statistic take, void *arg);
    // Bytes that it says are in use, under the same condition; of these *cached at most may be its
    // own, or free ones in a cache of this thread that nobody can have emptied. false: it cannot
    // tell. NULL: the engine's account says more.
    bool (*in_use)(struct target_instance *instance, uint64_t *bytes, uint64_t *cached);
    // Its engine, for lock and cache statistics; NULL, or it returns NULL, for foreign allocators.
    struct mems_engine *(*engine)(struct target_instance *instance);
};

// Parses and resolves one target of a job; relative paths start at `folder` (NULL: the working
// folder). ENOENT and EINVAL as in resolve. After ENOENT of an optional target the spec holds its
// name, and is to be finished too; after any other failure it is empty.
int target_parse(const char *text, const char *folder, struct target_spec *spec,
                 struct complaint *complaint);
// How long the first target of a list is: commas inside parentheses do not separate.
size_t target_list_piece(const char *list);
void target_spec_fini(struct target_spec *spec);
// The target that does the work: spec itself, or what it is around.
const struct target_spec *target_spec_base(const struct target_spec *spec);

// What a target may be called, of every kind; for those who type.
void target_each_word(target_word take, void *arg);

// The table of kinds, by index; NULL past the last.
const struct target *target_at(size_t index);

#endif
