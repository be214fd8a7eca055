// SPDX-License-Identifier: MIT
//
// mems.c - the target "mems": the engine of this project, one policy with its options.
//
// 1. Sizing. A bounded policy that was not told how much memory there is gets what the section's
//    peak needs (sizing.h).
// 2. Access. A pointer is good inside an access section only; a block that is not resident is
//    brought in by mems_fault, outside one.
// 3. Moving. Where the policy swaps or compacts, a block's place on the host is good for one access
//    only: the harness is told (moves), and draws no map of places.

#include <errno.h>
#include <mems/engine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/job.h"
#include "target/rows.h"
#include "target/sizing.h"

struct target_instance {
    struct mems_engine *engine;
    bool moves;
};

static bool mems_policy_known(const char *policy)
{
    const struct mems_policy_row *row;
    for (size_t i = 0; (row = mems_policy_at(i)) != NULL; i++) {
        if (strcmp(row->name, policy) == 0) {
            return true;
        }
    }
    return false;
}

static int mems_complain_policy(const struct target_spec *spec, struct complaint *complaint)
{
    const char *names[64];
    size_t count = 0;
    char list[512] = "";
    const struct mems_policy_row *row;
    for (size_t i = 0; (row = mems_policy_at(i)) != NULL && count < 63; i++) {
        size_t length = strlen(list);
        snprintf(list + length, sizeof list - length, "%s%s", i == 0 ? "" : ", ", row->name);
        names[count++] = row->name;
    }
    names[count] = NULL;
    if (spec->argument == NULL) {
        complain(complaint, "target %s: which policy? write mems:POLICY, one of: %s", spec->name,
                 list);
        return EINVAL;
    }
    const char *near = job_suggest(spec->argument, names);
    complain(complaint, "target %s: no such policy \"%s\"%s%s%s; known: %s", spec->name,
             spec->argument, near != NULL ? " (did you mean \"" : "", near != NULL ? near : "",
             near != NULL ? "\"?)" : "", list);
    return EINVAL;
}

// The options of a policy and of every engine, "a, b, c".
static void mems_list_options(const char *policy, char *list, size_t size)
{
    const char *const tables[] = {policy, NULL};
    list[0] = '\0';
    for (size_t t = 0; t < 2; t++) {
        const struct mems_option *option;
        for (size_t i = 0; (option = mems_option_at(tables[t], i)) != NULL; i++) {
            size_t length = strlen(list);
            snprintf(list + length, size - length, "%s%s", length == 0 ? "" : ", ", option->name);
        }
    }
}

// Opens an engine with the options and closes it again: what the engine itself refuses is refused
// before anything runs, in its own words.
static int mems_resolve(struct target_spec *spec, struct complaint *complaint)
{
    if (spec->argument == NULL || !mems_policy_known(spec->argument)) {
        return mems_complain_policy(spec, complaint);
    }
    struct mems_config config = {.policy = spec->argument, .options = spec->options};
    struct mems_engine *engine;
    int error = mems_engine_open(&config, &engine);
    if (error != 0) {
        char list[768];
        mems_list_options(spec->argument, list, sizeof list);
        complain(complaint, "target %s: %s (options of %s: %s)", spec->name, mems_complaint(),
                 spec->argument, list);
        return EINVAL;
    }
    mems_engine_close(engine);
    return 0;
}

// Blocks are checked to be aligned as malloc's are; flat addresses run on byte by byte.
static bool mems_unaligned(const struct target_spec *spec)
{
    return sizing_option_is(spec->options, "addresses", "flat") &&
           sizing_option_size(spec->options, "granule", 0) < 16;
}

static int mems_open(const struct target_spec *spec, const struct target_demand *demand,
                     struct target_instance **instance, struct complaint *complaint)
{
    char *sized;
    if (mems_unaligned(spec)) {
        complain(complaint,
                 "target %s: blocks with addresses=flat are not aligned as malloc's are; say "
                 "granule=16",
                 spec->name);
        return EINVAL;
    }
    struct target_instance *opened = malloc(sizeof *opened);
    int error =
        opened == NULL ? ENOMEM : sizing_make(spec->argument, spec->options, demand, &sized);
    if (error != 0) {
        complain(complaint, "target %s: out of memory", spec->name);
        free(opened);
        return error;
    }
    struct mems_config config = {.policy = spec->argument,
                                 .options = sized != NULL ? sized : spec->options};
    error = mems_engine_open(&config, &opened->engine);
    if (error != 0) {
        complain(complaint, "target %s: with \"%s\": %s", spec->name,
                 config.options != NULL ? config.options : "", mems_complaint());
        free(opened);
    } else {
        // Nothing is there yet to be moved: the answer is whether something could be.
        opened->moves = sizing_has_option(spec->argument, "swap") ||
                        mems_compact(opened->engine, NULL) != ENOTSUP;
        *instance = opened;
    }
    free(sized);
    return error;
}

static void mems_close(struct target_instance *instance)
{
    mems_engine_close(instance->engine);
    free(instance);
}

static int mems_open_space(struct target_instance *instance, void **space)
{
    struct mems_space *opened;
    int error = mems_space_open(instance->engine, &opened);
    if (error == 0) {
        *space = opened;
    }
    return error;
}

static void mems_close_space(struct target_instance *instance, void *space)
{
    (void)instance;
    mems_space_close(space);
}

static int mems_target_alloc(void *space, size_t size, size_t align, uint64_t *block)
{
    return mems_alloc(space, size, align, block);
}

// Zeroes what runs on from byte `offset`, `length` at most. 0 and how much it was.
static int mems_zero(void *space, uint64_t block, size_t offset, size_t length, size_t *done)
{
    void *host;
    size_t span;
    mems_access_begin();
    int error = mems_translate(space, block + offset, MEMS_WRITE, &host, &span);
    if (error == EAGAIN) {
        mems_access_end();
        error = mems_fault(space, block + offset, MEMS_WRITE);
        if (error != 0) {
            return error;
        }
        error = mems_translate(space, block + offset, MEMS_WRITE, &host, &span);
    }
    if (error == 0) {
        *done = span < length ? span : length;
        memset(host, 0, *done);
    }
    mems_access_end();
    return error;
}

// A block whose pages find no place is refused as a whole.
static int mems_target_alloc_zeroed(void *space, size_t size, uint64_t *block)
{
    int error = mems_alloc(space, size, 0, block);
    if (error != 0) {
        return error;
    }
    size_t length = 0;
    for (size_t done = 0; done < size && error == 0; done += length) {
        error = mems_zero(space, *block, done, size - done, &length);
    }
    if (error != 0) {
        mems_release(space, *block);
    }
    return error == ENOSPC ? ENOMEM : error;
}

static int mems_target_release(void *space, uint64_t block)
{
    return mems_release(space, block);
}

static int mems_target_resize(void *space, uint64_t *block, size_t size)
{
    return mems_resize(space, block, size);
}

static void *mems_target_access_begin(void *space, uint64_t block, size_t offset, bool write,
                                      size_t *span)
{
    enum mems_access mode = write ? MEMS_WRITE : MEMS_READ;
    void *host;
    mems_access_begin();
    int error = mems_translate(space, block + offset, mode, &host, span);
    if (error == EAGAIN) {
        mems_access_end();
        if (mems_fault(space, block + offset, mode) != 0) {
            return NULL;
        }
        error = mems_translate(space, block + offset, mode, &host, span);
    }
    if (error != 0 || host == NULL) { // a block that says it is there, and has no place
        mems_access_end();
        return NULL;
    }
    return host;
}

static void mems_target_access_end(void *space)
{
    (void)space;
    mems_access_end();
}

static size_t mems_target_block_size(void *space, uint64_t block)
{
    size_t size;
    return mems_block_size(space, block, NULL, &size) == 0 ? size : 0;
}

static void mems_usage(struct target_instance *instance, struct target_usage *usage)
{
    struct mems_stats stats;
    memset(usage, 0, sizeof *usage);
    if (mems_snapshot(instance->engine, &stats) == 0) {
        usage->held_bytes = stats.held_bytes;
        usage->free_bytes = stats.free_bytes;
        usage->largest_hole = stats.largest_hole;
        usage->holes = stats.holes;
        usage->live_blocks = stats.live_blocks;
        usage->metadata_bytes = stats.metadata_bytes;
        usage->known = true;
    }
}

static int mems_target_check(struct target_instance *instance, struct complaint *complaint)
{
    struct mems_violation violation;
    int error = mems_check(instance->engine, true, &violation);
    if (error != 0) {
        complain(complaint, "invariant %s: %s", violation.invariant, violation.text);
    }
    return error;
}

static bool mems_moves(struct target_instance *instance)
{
    return instance->moves;
}

static struct mems_engine *mems_engine_of(struct target_instance *instance)
{
    return instance->engine;
}

static const struct target_ops mems_ops = {
    .alloc = mems_target_alloc,
    .alloc_zeroed = mems_target_alloc_zeroed,
    .release = mems_target_release,
    .resize = mems_target_resize,
    .access_begin = mems_target_access_begin,
    .access_end = mems_target_access_end,
    .block_size = mems_target_block_size,
};

static void mems_each_word(target_word take, void *arg)
{
    const struct mems_policy_row *policy;
    for (size_t i = 0; (policy = mems_policy_at(i)) != NULL; i++) {
        char word[64];
        snprintf(word, sizeof word, "mems:%s", policy->name);
        take(arg, word, policy->help);
    }
}

const struct target target_mems = {
    .name = "mems",
    .form = "mems:POLICY(key=value,...)",
    .help = "the MeMS engine: one placement policy behind per-thread caches",
    .each_word = mems_each_word,
    .resolve = mems_resolve,
    .open = mems_open,
    .close = mems_close,
    .space_open = mems_open_space,
    .space_close = mems_close_space,
    .ops = &mems_ops,
    .usage = mems_usage,
    .check = mems_target_check,
    .moves = mems_moves,
    .engine = mems_engine_of,
};
