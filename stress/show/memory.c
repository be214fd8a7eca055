// SPDX-License-Identifier: MIT
//
// memory.c - how large a unit of the trace is, and how much memory an engine gets for it.
//
// 1. The unit. An engine whose addresses carry descriptors rounds sizes up to 16 bytes. A trace
//    that counts in kilobytes, or in nothing in particular, means 200 when it says 200: so 200
//    become 200 times 16 bytes, and what is shown is divided by 16 again.
// 2. The memory. Every policy gets the same: dynamic partitioning and segments one region of it,
//    paging as many frames as it holds, swapping policies twice as much swap behind it. Fixed
//    partitions divide it: all but the last hold the largest request, which is halved again and
//    again down to two sixteenths of the memory; a trace that asks for partitions without a size
//    gets four of 256 KiB.
// 3. Moving. Where the trace compacts and blocks move only on request (movable), it is requested.
// 4. Programs. A trace of more than MEMORY_BLOCKS live blocks, as a recorded program is, gets what
//    the driver's targets get (target/sizing.h), unless the memory is told: twice what it needs.
// 5. Told. Whatever the target's options say is left alone.

#include "show/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk/memory.h"
#include "target/sizing.h"
#include "trace/account.h"

#define MEMORY_GRANULE   16u
#define MEMORY_PAGE      4096u // what an engine's memory is whole pages of
#define MEMORY_LARGE     65536u
#define MEMORY_FRAMES    16u // where neither page nor frames are told
#define MEMORY_PARTITION "256Kix4"
#define MEMORY_BLOCKS    64

// What the trace asks for.
struct memory_wish {
    bool sizes;   // any are given
    bool granule; // all are multiples of it
    bool compact; // blocks are to be moved together
    uint64_t largest;
    uint64_t peak; // most units live at once
    uint64_t peak_blocks;
    struct target_demand demand;
};

static void memory_wish(const struct trace *trace, struct memory_wish *wish)
{
    struct trace_account account;
    trace_account_init(&account);
    *wish = (struct memory_wish){.granule = true};
    for (size_t i = 0; i < trace->op_count; i++) {
        const struct trace_op *op = &trace->ops[i];
        bool sized = trace_kind_allocates(op->kind) || op->kind == TRACE_RESIZE;
        trace_account_add(&account, op);
        wish->compact |= op->kind == TRACE_COMPACT;
        wish->sizes |= sized && op->flag == 0;
        wish->granule &= !sized || op->size % MEMORY_GRANULE == 0;
    }
    wish->largest = account.largest;
    wish->peak =
        account.peak_bytes > account.peak_blocks ? account.peak_bytes : account.peak_blocks;
    wish->peak_blocks = account.peak_blocks;
    wish->demand.peak_bytes = wish->peak;
    wish->demand.largest = account.largest > 0 ? account.largest : 1;
    for (unsigned i = 0; i < TRACE_CLASSES && i < TARGET_CLASSES; i++) {
        wish->demand.peak_blocks[i] = account.peak_class[i];
    }
    trace_account_fini(&account);
}

static uint64_t memory_power(uint64_t least)
{
    uint64_t power = 1;
    while (power < least && power < UINT64_C(1) << 62) {
        power *= 2;
    }
    return power;
}

// Down to the granule, but not to nothing.
static uint64_t memory_round(uint64_t bytes)
{
    return bytes < MEMORY_GRANULE ? MEMORY_GRANULE : bytes / MEMORY_GRANULE * MEMORY_GRANULE;
}

// Whether the policy takes sizes to the byte, as it will be opened.
static bool memory_is_exact(const struct target_spec *spec)
{
    const char *const told[] = {"partition", "partitions", "count", "capacity"};
    bool partitions = sizing_has_option(spec->argument, "partitions");
    bool given = false;
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        given |= sizing_option_given(spec->options, told[i]);
    }
    return sizing_has_option(spec->argument, "frames") || (partitions && given);
}

static uint64_t memory_unit(const struct target_spec *spec, const struct memory_wish *wish,
                            const struct show_memory *memory)
{
    bool counted = memory->partitions && !wish->sizes; // whole partitions are asked for
    if (wish->granule || wish->largest >= MEMORY_LARGE || counted || memory_is_exact(spec)) {
        return 1;
    }
    bool whole = memory->units * MEMORY_GRANULE % MEMORY_PAGE == 0;
    return whole || sizing_option_given(spec->options, "capacity") ? MEMORY_GRANULE : MEMORY_PAGE;
}

static void memory_add(FILE *out, const struct target_spec *spec, const char *key, uint64_t value)
{
    if (sizing_has_option(spec->argument, key) && !sizing_option_given(spec->options, key)) {
        fprintf(out, ",%s=%llu", key, (unsigned long long)value);
    }
}

static void memory_partitions(FILE *out, const struct target_spec *spec,
                              const struct memory_wish *wish, const struct show_memory *memory,
                              uint64_t bytes)
{
    if (memory_is_exact(spec)) {
        return;
    }
    if (!wish->sizes) {
        fprintf(out, ",partitions=%s", MEMORY_PARTITION);
        return;
    }
    uint64_t largest = memory_power(wish->largest * memory->unit);
    largest = largest < MEMORY_GRANULE ? MEMORY_GRANULE : largest;
    largest = largest > bytes ? memory_round(bytes) : largest;
    uint64_t count = bytes / largest > 1 ? bytes / largest - 1 : 1;
    uint64_t rest = bytes > count * largest ? bytes - count * largest : 0;
    fprintf(out, ",partitions=%" PRIu64 "x%" PRIu64, largest, count);
    while (rest > bytes / 8 && rest >= 2 * MEMORY_GRANULE) {
        uint64_t half = memory_round(rest / 2);
        fprintf(out, ",%" PRIu64 "x1", half);
        rest -= half;
    }
    if (rest >= 2 * MEMORY_GRANULE) {
        fprintf(out, ",%" PRIu64 "x2", memory_round(rest / 2));
    }
}

static void memory_frames(FILE *out, const struct target_spec *spec, uint64_t bytes,
                          struct show_memory *memory)
{
    uint64_t page = sizing_page(spec->argument, spec->options);
    bool told = sizing_option_given(spec->options, "frames") ||
                sizing_option_given(spec->options, "capacity");
    if (!sizing_option_given(spec->options, "page") && !told) {
        page = memory_power(bytes / MEMORY_FRAMES);
        page = page < 64 ? 64 : page > MEMORY_PAGE ? MEMORY_PAGE : page;
        memory_add(out, spec, "page", page);
    }
    uint64_t frames = (bytes + page - 1) / page;
    frames = frames > MEMORY_FRAMES ? frames : MEMORY_FRAMES;
    if (!told) {
        memory_add(out, spec, "frames", frames);
    }
    memory_add(out, spec, "swap", 2 * frames * page);
    memory->frame = page;
}

// What every show says: no caches, the lowest free frame next, and blocks that move where the trace
// wants them moved.
static void memory_common(FILE *out, const struct target_spec *spec, const struct memory_wish *wish)
{
    bool given = spec->options != NULL && *spec->options != '\0';
    bool cached = sizing_option_given(spec->options, "thread_cache");
    fprintf(out, "%s%s%s", given ? spec->options : "", given && !cached ? "," : "",
            cached ? "" : "thread_cache=no");
    if (wish->compact && sizing_has_option(spec->argument, "movable") &&
        !sizing_option_given(spec->options, "movable")) {
        fprintf(out, ",movable=yes");
    }
    memory_add(out, spec, "frame_cache", 0);
}

static void memory_classroom(FILE *out, const struct target_spec *spec,
                             const struct memory_wish *wish, struct show_memory *memory)
{
    uint64_t bytes = memory->units * memory->unit;
    if (memory->partitions) {
        memory_partitions(out, spec, wish, memory, bytes);
    } else if (sizing_has_option(spec->argument, "frames")) {
        memory_frames(out, spec, bytes, memory);
    } else {
        uint64_t page = sizing_page(spec->argument, spec->options);
        uint64_t whole = (bytes + MEMORY_PAGE - 1) / MEMORY_PAGE * MEMORY_PAGE;
        memory_add(out, spec, "capacity", whole);
        memory_add(out, spec, "swap", 2 * (whole > page ? whole : page));
    }
}

// As the driver's targets are sized. ENOMEM.
static int memory_program(const struct target_spec *spec, const struct memory_wish *wish,
                          struct show_memory *memory)
{
    char *sized;
    int error = sizing_make(spec->argument, memory->options, &wish->demand, &sized);
    if (error == 0 && sized != NULL) {
        free(memory->options);
        memory->options = sized;
    }
    if (sizing_has_option(spec->argument, "frames")) {
        memory->frame = sizing_page(spec->argument, memory->options);
    }
    return error;
}

static int memory_options(const struct target_spec *spec, const struct memory_wish *wish,
                          bool program, struct show_memory *memory)
{
    size_t length;
    FILE *out = disk_memory(&memory->options, &length);
    if (out == NULL) {
        return ENOMEM;
    }
    memory_common(out, spec, wish);
    if (!program) {
        memory_classroom(out, spec, wish, memory);
    }
    if (fclose(out) != 0) {
        free(memory->options);
        memory->options = NULL;
        return ENOMEM;
    }
    return program ? memory_program(spec, wish, memory) : 0;
}

int memory_choose(const struct trace *trace, const struct target_spec *spec,
                  const struct show_settings *settings, struct show_memory *memory,
                  struct complaint *complaint)
{
    struct memory_wish wish;
    memory_wish(trace, &wish);
    *memory = (struct show_memory){.partitions = sizing_has_option(spec->argument, "partitions")};
    memory->units = settings->memory != 0 ? settings->memory : memory_power(wish.peak);
    memory->unit = settings->unit != 0 ? settings->unit : memory_unit(spec, &wish, memory);
    uint64_t most = wish.largest > memory->units ? wish.largest : memory->units;
    if (most > (UINT64_C(1) << 40) / memory->unit) {
        complain(complaint,
                 "%llu units of %llu bytes are more than the 1 TiB that can be looked at",
                 (unsigned long long)most, (unsigned long long)memory->unit);
        return EINVAL;
    }
    bool program = settings->memory == 0 && memory->unit == 1 && wish.peak_blocks > MEMORY_BLOCKS;
    int error = memory_options(spec, &wish, program, memory);
    if (error != 0) {
        complain(complaint, "out of memory");
    }
    return error;
}
