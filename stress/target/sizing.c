// SPDX-License-Identifier: MIT
//
// sizing.c - how much memory an engine is given that was not told.
//
// 1. What is bounded. A policy that has the option `partitions` or `frames` has a fixed amount of
//    memory, and so has one with `capacity` and `swap`. The others grow. The table at the end of
//    the file says what each of these gets; the first row that fits is taken.
// 2. How much. Twice the section's peak: a program whose peak is known fits, and what is left over
//    shows as waste.
//    - partitions: in powers of two up to the largest request, twice as many of each as blocks of
//      that class are ever live at once. Told only `partition`, their one size, twice as many as
//      blocks are ever live; told `count` or `capacity`, what these say.
//    - frames, all of them resident: twice the pages at the peak.
//    - frames with swap behind them: half the pages at the peak, so that pages do leave memory;
//      swap for twice the pages at the peak.
//    - segments with swap behind them: half the bytes at the peak, swap for twice as many; with
//      paged=yes pages take the place of bytes.
// 3. Pages. A block takes whole pages. A class of blocks up to 2^i bytes is taken to need as many
//    as its largest.
// 4. Floors. What is swapped keeps SIZING_LEAST_FRAMES frames, and segments twice the largest
//    request for each of many threads: what one access needs must fit beside what others use.

#include "target/sizing.h"

#include <errno.h>
#include <mems/engine.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk/memory.h"
#include "job/number.h"

#define SIZING_LEAST_CLASS   4    // partitions of 16 bytes
#define SIZING_PAGE          4096 // where no page size can be read
#define SIZING_LEAST_FRAMES  64
#define SIZING_LARGE_AT_ONCE 16 // largest requests that fit into memory where segments are swapped

bool sizing_has_option(const char *policy, const char *name)
{
    const struct mems_option *option;
    for (size_t i = 0; (option = mems_option_at(policy, i)) != NULL; i++) {
        if (strcmp(option->name, name) == 0) {
            return true;
        }
    }
    return false;
}

// Where the value of "key=" begins, or NULL.
static const char *sizing_value(const char *options, const char *key)
{
    size_t length = strlen(key);
    for (const char *at = options; at != NULL && (at = strstr(at, key)) != NULL; at += length) {
        bool begins = at == options || at[-1] == ',' || at[-1] == ' ';
        const char *equals = at + length + strspn(at + length, " ");
        if (begins && *equals == '=') {
            return equals + 1 + strspn(equals + 1, " ");
        }
    }
    return NULL;
}

bool sizing_option_given(const char *options, const char *key)
{
    return sizing_value(options, key) != NULL;
}

static uint64_t sizing_size(const char *text, uint64_t standard)
{
    uint64_t size;
    struct complaint ignored = {""};
    return number_parse(text, strcspn(text, ", "), NUMBER_BYTES, &size, &ignored) == 0 ? size
                                                                                       : standard;
}

bool sizing_option_is(const char *options, const char *key, const char *word)
{
    const char *value = sizing_value(options, key);
    return value != NULL && strcspn(value, ", ") == strlen(word) &&
           strncmp(value, word, strlen(word)) == 0;
}

uint64_t sizing_option_size(const char *options, const char *key, uint64_t standard)
{
    const char *value = sizing_value(options, key);
    return value != NULL ? sizing_size(value, standard) : standard;
}

uint64_t sizing_page(const char *policy, const char *options)
{
    uint64_t standard = 0;
    const struct mems_option *option;
    for (size_t i = 0; (option = mems_option_at(policy, i)) != NULL; i++) {
        if (strcmp(option->name, "page") == 0) {
            standard = sizing_size(option->standard, SIZING_PAGE);
        }
    }
    return standard != 0 ? sizing_option_size(options, "page", standard) : 0;
}

static uint64_t sizing_blocks(const struct target_demand *demand)
{
    uint64_t blocks = 0;
    for (unsigned i = 0; i < TARGET_CLASSES; i++) {
        blocks += demand->peak_blocks[i];
    }
    return blocks;
}

static uint64_t sizing_pages(const struct target_demand *demand, uint64_t page)
{
    uint64_t pages = 0;
    page = page != 0 ? page : SIZING_PAGE;
    for (unsigned i = 0; i < TARGET_CLASSES; i++) {
        uint64_t largest = (uint64_t)1 << i;
        largest = largest < demand->largest || demand->largest == 0 ? largest : demand->largest;
        pages += demand->peak_blocks[i] * ((largest + page - 1) / page);
    }
    return pages;
}

static uint64_t sizing_most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

// Appends "key=value" where the policy knows the key and its user has not given it.
static void sizing_add(FILE *out, const char *policy, const char *options, const char *key,
                       uint64_t value)
{
    if (sizing_has_option(policy, key) && !sizing_option_given(options, key)) {
        fprintf(out, "%s%s=%llu", ftell(out) > 0 ? "," : "", key, (unsigned long long)value);
    }
}

// Frames, unless the memory is said as frames or as bytes.
static void sizing_add_frames(FILE *out, const char *policy, const char *options, uint64_t frames)
{
    if (!sizing_option_given(options, "capacity")) {
        sizing_add(out, policy, options, "frames", sizing_most(frames, SIZING_LEAST_FRAMES));
    }
}

// ---- one function a kind of memory --------------------------------------------------------------

static void sizing_partitions(FILE *out, const char *policy, const char *options,
                              const struct target_demand *demand)
{
    if (sizing_option_given(options, "partition")) {
        sizing_add(out, policy, options, "count", 2 * sizing_blocks(demand) + 1);
        return;
    }
    uint64_t small = 0;
    const char *comma = "";
    fprintf(out, "%spartitions=", ftell(out) > 0 ? "," : "");
    for (unsigned i = 0; i < TARGET_CLASSES; i++) {
        uint64_t blocks = demand->peak_blocks[i];
        if (i < SIZING_LEAST_CLASS) {
            small += blocks;
            continue;
        }
        blocks += i == SIZING_LEAST_CLASS ? small : 0;
        bool largest = ((uint64_t)1 << i) >= demand->largest &&
                       (i == SIZING_LEAST_CLASS || ((uint64_t)1 << (i - 1)) < demand->largest);
        if (blocks > 0 || largest) {
            fprintf(out, "%s%llux%llu", comma, 1ull << i, 2ull * blocks + 1);
            comma = ",";
        }
    }
}

static void sizing_swapped_frames(FILE *out, const char *policy, const char *options,
                                  const struct target_demand *demand)
{
    uint64_t page = sizing_page(policy, options), pages = sizing_pages(demand, page);
    sizing_add_frames(out, policy, options, pages / 2);
    sizing_add(out, policy, options, "swap",
               sizing_most(2 * pages, SIZING_LEAST_FRAMES) * (page != 0 ? page : SIZING_PAGE));
}

static void sizing_frames(FILE *out, const char *policy, const char *options,
                          const struct target_demand *demand)
{
    uint64_t pages = sizing_pages(demand, sizing_page(policy, options));
    sizing_add_frames(out, policy, options, 2 * pages);
}

static void sizing_swapped_segments(FILE *out, const char *policy, const char *options,
                                    const struct target_demand *demand)
{
    // A segment is rounded up to 16 bytes, or to pages.
    bool paged = sizing_option_is(options, "paged", "yes");
    uint64_t page = sizing_page(policy, options);
    uint64_t bytes =
        paged ? sizing_pages(demand, page) * page : demand->peak_bytes + 16 * sizing_blocks(demand);
    uint64_t least = paged ? SIZING_LEAST_FRAMES * page
                           : sizing_most(demand->largest * SIZING_LARGE_AT_ONCE, 1u << 16);
    sizing_add(out, policy, options, "capacity", sizing_most(bytes / 2, least));
    sizing_add(out, policy, options, "swap", sizing_most(2 * bytes, 2 * least));
}

// `has`: the options that make a policy one of this kind. `told`: where the user has given one of
// these, nothing more is said.
static const struct sizing_row {
    const char *has[2];
    const char *told[4];
    void (*size)(FILE *out, const char *policy, const char *options,
                 const struct target_demand *demand);
} sizing_rows[] = {
    {{"partitions"}, {"partitions", "count", "capacity"}, sizing_partitions},
    {{"frames", "swap"}, {NULL}, sizing_swapped_frames},
    {{"frames"}, {NULL}, sizing_frames},
    {{"capacity", "swap"}, {NULL}, sizing_swapped_segments},
};

static bool sizing_fits(const struct sizing_row *row, const char *policy)
{
    for (size_t i = 0; i < sizeof row->has / sizeof row->has[0] && row->has[i] != NULL; i++) {
        if (!sizing_has_option(policy, row->has[i])) {
            return false;
        }
    }
    return true;
}

static bool sizing_told(const struct sizing_row *row, const char *options)
{
    for (size_t i = 0; row->told[i] != NULL; i++) {
        if (sizing_option_given(options, row->told[i])) {
            return true;
        }
    }
    return false;
}

int sizing_make(const char *policy, const char *options, const struct target_demand *demand,
                char **sized)
{
    const struct sizing_row *row = NULL;
    *sized = NULL;
    for (size_t i = 0; i < sizeof sizing_rows / sizeof sizing_rows[0] && row == NULL; i++) {
        row = sizing_fits(&sizing_rows[i], policy) ? &sizing_rows[i] : NULL;
    }
    if (row == NULL || sizing_told(row, options)) {
        return 0;
    }
    size_t length;
    FILE *out = disk_memory(sized, &length);
    if (out == NULL) {
        return ENOMEM;
    }
    fputs(options != NULL ? options : "", out);
    row->size(out, policy, options, demand);
    if (fclose(out) != 0) {
        free(*sized);
        *sized = NULL;
        return ENOMEM;
    }
    return 0;
}
