// SPDX-License-Identifier: MIT
//
// mems.c - the six MeMS calls, on a default engine with flat addresses.
//
// 1. The engine: dynamic partitioning, first fit, one arena, no caches, regions of one page at
//    least. Its regions are the course's MAIN nodes, its extents the sub-chains.
// 2. Locking. One lock (rank LOCK_FACE) around every call: mems_init and mems_finish may come at
//    any time, from any thread, and a printed chain is one moment's. The course's single chain has
//    a single lock anyway.
// 3. This file is the one in lib/engine that uses stdio: mems_print_stats's interface is stdout.

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"
#include "engine/engine.h"
#include "mems/mems.h"
#include "os/os.h"
#include "sync/lock.h"

#undef mems_init

#define START_STANDARD 1000

static struct lock face_lock = LOCK_READY(LOCK_FACE, "mems.h");
static struct mems_engine *face_engine; // [face_lock]
static struct mems_space *face_space;   // [face_lock]

// ---- coming and going --------------------------------------------------------------------------

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
    char text[256];
    struct printer printer;
    va_list arguments;
    print_init(&printer, text, sizeof text);
    va_start(arguments, format);
    print_format_list(&printer, format, arguments);
    va_end(arguments);
    os_complain(text, printer.length);
}

static unsigned long start_from_environment(void)
{
    const char *text = os_environment("MEMS_START_VA");
    if (text == NULL || text[0] == '\0') {
        return START_STANDARD;
    }
    char *end;
    errno = 0;
    unsigned long start = strtoul(text, &end, 0);
    if (errno != 0 || *end != '\0' || text[0] == '-' || start > LONG_MAX) {
        say("mems: MEMS_START_VA=%s is not an address; %d is used\n", text, START_STANDARD);
        return START_STANDARD;
    }
    return start;
}

static void face_close_locked(void)
{
    mems_engine_close(face_engine);
    face_engine = NULL;
    face_space = NULL;
}

static int face_open_locked(unsigned long start)
{
    char options[128];
    struct printer printer;
    print_init(&printer, options, sizeof options);
    print_format(&printer, "addresses=flat,region=%d,thread_cache=no,start=%llu", PAGE_SIZE,
                 (unsigned long long)start);
    struct mems_config config = {.policy = "dynamic", .options = options};
    int error = mems_engine_open(&config, &face_engine);
    if (error == 0) {
        error = mems_space_open(face_engine, &face_space);
        if (error != 0) {
            face_close_locked();
        }
    }
    return error;
}

// The space, opened if need be. NULL: no memory for it.
static struct mems_space *face_space_locked(void)
{
    if (face_space == NULL) {
        face_open_locked(start_from_environment());
    }
    return face_space;
}

void mems_init_at(unsigned long start_va)
{
    lock_lock(&face_lock);
    face_close_locked();
    int error = face_open_locked(start_va);
    lock_unlock(&face_lock);
    if (error != 0) {
        say("mems: mems_init: %s\n", mems_complaint());
    }
}

void mems_init(void)
{
    mems_init_at(start_from_environment());
}

void mems_finish(void)
{
    lock_lock(&face_lock);
    face_close_locked();
    lock_unlock(&face_lock);
}

// ---- blocks ------------------------------------------------------------------------------------

void *mems_malloc(size_t size)
{
    mems_addr addr = 0;
    int error = ENOMEM;
    lock_lock(&face_lock);
    struct mems_space *space = face_space_locked();
    if (space != NULL) {
        error = mems_alloc(space, size, 0, &addr);
    }
    lock_unlock(&face_lock);
    if (error != 0) {
        errno = error;
        return NULL;
    }
    return (void *)(uintptr_t)addr; // NOLINT: a virtual address, by the course's interface
}

void mems_free(void *virtual_address)
{
    mems_addr addr = (mems_addr)(uintptr_t)virtual_address;
    int error = EFAULT;
    lock_lock(&face_lock);
    struct mems_space *space = face_space_locked();
    if (space != NULL) {
        error = mems_release(space, addr);
    }
    lock_unlock(&face_lock);
    if (error != 0) {
        const char *why = error == EINVAL     ? "inside a block, not its first byte"
                          : error == EALREADY ? "in a hole: freed before, or never handed out"
                                              : "not an address of this system";
        say("mems: mems_free(%llu): %s\n", (unsigned long long)addr, why);
    }
}

void *mems_get(void *virtual_address)
{
    void *host = NULL;
    lock_lock(&face_lock);
    struct mems_space *space = face_space_locked();
    if (space != NULL) {
        int error = block_find_flat(space, (mems_addr)(uintptr_t)virtual_address, &host, NULL);
        host = error == 0 ? host : NULL;
    }
    lock_unlock(&face_lock);
    return host;
}

// ---- printing ----------------------------------------------------------------------------------

// A MAIN node: a region.
struct main_node {
    uint64_t size, pieces;
};

struct chains {
    struct main_node *nodes;
    size_t count;   // of them
    size_t printed; // MAIN nodes begun
    uint64_t pages, unused;
};

static int measure_piece(const struct mems_extent *piece, void *arg)
{
    struct chains *chains = arg;
    chains->nodes[piece->region].size += piece->size;
    chains->nodes[piece->region].pieces++;
    return 0;
}

static int print_piece(const struct mems_extent *piece, void *arg)
{
    struct chains *chains = arg;
    unsigned long long first = piece->addr, last = piece->addr + piece->size - 1;
    if (piece->region == chains->printed) {
        uint64_t size = chains->nodes[piece->region].size;
        printf("%sMAIN[%llu:%llu]-> ", chains->printed == 0 ? "" : "NULL\n", first,
               first + size - 1);
        chains->printed++;
        chains->pages += size / PAGE_SIZE;
    }
    bool hole = piece->piece == MEMS_PIECE_HOLE;
    printf("%c[%llu:%llu] <-> ", hole ? 'H' : 'P', first, last);
    chains->unused += hole ? piece->size : 0;
    return 0;
}

static void print_chains(struct mems_engine *engine, struct chains *chains)
{
    printf("----- MeMS SYSTEM STATS -----\n");
    if (chains->count != 0) {
        mems_walk(engine, measure_piece, chains);
        mems_walk(engine, print_piece, chains);
        printf("NULL\n");
    }
    // "unsued" is the course's own spelling; programs are compared byte for byte.
    printf("Pages used:\t%llu\nSpace unsued:\t%llu\nMain Chain Length:\t%zu\n",
           (unsigned long long)chains->pages, (unsigned long long)chains->unused, chains->count);
    printf("Sub-chain Length array: [");
    for (size_t i = 0; i < chains->count; i++) {
        printf("%llu, ", (unsigned long long)chains->nodes[i].pieces);
    }
    printf("]\n-----------------------------\n");
}

void mems_print_stats(void)
{
    struct chains chains = {0};
    uint64_t bytes = 0;
    lock_lock(&face_lock);
    struct mems_space *space = face_space_locked();
    if (space != NULL) {
        struct mems_stats stats;
        mems_snapshot(face_engine, &stats);
        chains.count = stats.regions;
        bits_round_up(chains.count * sizeof(struct main_node) + 1, os_page_size(), &bytes);
        chains.nodes = os_map(bytes, 0);
    }
    if (chains.nodes != NULL) {
        print_chains(face_engine, &chains);
        os_unmap(chains.nodes, bytes);
    }
    lock_unlock(&face_lock);
    if (chains.nodes == NULL) {
        say("mems: mems_print_stats: out of memory\n");
    }
}
