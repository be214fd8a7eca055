// SPDX-License-Identifier: MIT
//
// player.c - one schedule of a list of operations, in a process of its own that ends with it.
//
// 1. The harness has no schedule points, so that everything it does between two calls of the engine
//    is one step: its tables need no lock, and what it notes is exact.
// 2. A slot is taken for the time of an operation: by one thread that changes the block, or by
//    several that read it. Two threads never misuse a block together; what they do meet in is the
//    engine, and a mover, which asks nobody.
// 3. What must hold. Errors are the ones that the interface promises, exactly: a block that is gone
//    is EALREADY or ESTALE, a live one is nothing but 0; ENOMEM is a refusal. Bytes carry the stamp
//    of their block (check/stamp.h) and are compared before each change of it. No two live blocks
//    have one address, nor, where blocks stay in their place, one byte (check/shadow.h). Between
//    phases: mems_check with everything quiescent, and as many live blocks and requested bytes as
//    the harness knows of. After the drain: nothing is left, not in magazines either.
// 4. Threads end with blocks left; the next phase's threads, and at last thread 0, release them.

#include "explore/player.h"

#include <errno.h>
#include <inttypes.h>
#include <mems/engine.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/shadow.h"
#include "check/stamp.h"

#define PIECE 256u // bytes that are stamped at once; of longer blocks both ends and the middle

struct player_slot {
    bool full, changing;
    unsigned readers;
    mems_addr addr, gone; // gone: an address that the slot's block had once; 0: none yet
    uint64_t size, stamp;
    void *host; // in the map of places; NULL: not in it
};

struct player_thread {
    struct player *player;
    unsigned number; // from 1
    unsigned scheduled;
    char text[96]; // the operation under way
};

struct player {
    const struct operation_list *list;
    const struct player_setup *setup;
    struct player_report *report;
    struct mems_engine *engine;
    struct mems_space *space;
    struct player_slot *slots;
    struct shadow shadow;
    uint64_t stamps;
    unsigned phase;
};

static struct player the_player; // one a process; the corruption hook has no argument

static _Noreturn void player_end(struct player *player, enum player_end end, const char *check,
                                 const char *text)
{
    struct player_report *report = player->report;
    mems_schedule_look(&report->totals);
    snprintf(report->check, sizeof report->check, "%s", check);
    snprintf(report->text, sizeof report->text, "%s", text);
    report->end = end;
    _exit(0);
}

static _Noreturn void __attribute__((format(printf, 3, 4)))
player_fail(struct player *player, const char *check, const char *format, ...)
{
    char text[1000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    player_end(player, PLAYER_CHECK, check, text);
}

static void player_corrupted(const char *what, mems_addr addr)
{
    char text[200];
    snprintf(text, sizeof text, "%s: %#" PRIx64, what, addr);
    player_end(&the_player, PLAYER_CORRUPTION, "corruption", text);
}

static void player_stuck(void *arg, enum mems_schedule_failure failure, const char *text)
{
    static const enum player_end ends[] = {
        [MEMS_SCHEDULE_DEADLOCK] = PLAYER_DEADLOCK,
        [MEMS_SCHEDULE_LOST_WAKE] = PLAYER_LOST_WAKE,
        [MEMS_SCHEDULE_LIVELOCK] = PLAYER_LIVELOCK,
    };
    static const char *const names[] = {
        [MEMS_SCHEDULE_DEADLOCK] = "deadlock",
        [MEMS_SCHEDULE_LOST_WAKE] = "lost wake-up",
        [MEMS_SCHEDULE_LIVELOCK] = "livelock",
    };
    player_end(arg, ends[failure], names[failure], text);
}

// A line a step, written at once: what kills the process loses none.
static void player_trace(void *arg, const struct mems_schedule_event *event)
{
    const struct player *player = arg;
    char line[400], number[24] = "", next[32] = "";
    if (event->number >= 0) {
        snprintf(number, sizeof number, ".%" PRId64, event->number);
    }
    if (event->next >= 0) {
        snprintf(next, sizeof next, "  -> thread %" PRId32, event->next);
    }
    const char *file = event->file != NULL ? event->file : "";
    for (const char *at = file; (at = strstr(at, "lib/")) != NULL; at++) {
        file = strncmp(at + 4, "./", 2) == 0 ? at + 6 : at + 4;
    }
    char place[120] = "";
    if (file[0] != '\0' && event->line > 0) {
        snprintf(place, sizeof place, "  %s:%u", file, event->line);
    }
    int length = snprintf(line, sizeof line, "%6" PRIu64 "  thread %u  %s%s %s%s%s%s\n",
                          event->point, event->thread, event->file == NULL ? "" : "    ",
                          event->step, event->what, number, place, next);
    ssize_t written = write(player->setup->trace, line, (size_t)length);
    (void)written;
}

// ---- bytes -------------------------------------------------------------------------------------

// An error that no operation on a live block may have.
static void player_expect_ok(struct player *player, const char *call, int error)
{
    if (error != 0) {
        player_fail(player, "error", "%s of a live block: %s", call, strerror(error));
    }
}

static void player_compare(struct player *player, const struct player_slot *slot,
                           const uint8_t *bytes, uint64_t offset, size_t length)
{
    size_t right = stamp_compare(bytes, slot->stamp, offset, length);
    if (right != length) {
        player_fail(
            player, "stamp", "byte %" PRIu64 " of a block of %" PRIu64 " bytes is %#x, and not %#x",
            offset + right, slot->size, bytes[right], stamp_byte(slot->stamp, offset + right));
    }
}

// One piece of a block; `host`: where it is, NULL: by mems_read and mems_write.
static void player_piece(struct player *player, const struct player_slot *slot, uint8_t *host,
                         bool put, uint64_t offset, size_t length)
{
    uint8_t bytes[PIECE];
    mems_addr addr = slot->addr + offset;
    if (host != NULL && put) {
        stamp_fill(host, slot->stamp, offset, length);
    } else if (host != NULL) {
        player_compare(player, slot, host, offset, length);
    } else if (put) {
        stamp_fill(bytes, slot->stamp, offset, length);
        player_expect_ok(player, "write", mems_write(player->space, addr, bytes, length));
    } else {
        player_expect_ok(player, "read", mems_read(player->space, addr, bytes, length));
        player_compare(player, slot, bytes, offset, length);
    }
}

// Those pieces of the first `size` bytes that lie within `span` (host != NULL), or that do not.
static void player_pieces(struct player *player, const struct player_slot *slot, uint8_t *host,
                          bool put, uint64_t size, size_t span)
{
    uint64_t last = size > PIECE ? size - PIECE : 0;
    const uint64_t ends[] = {0, size / 2 / 64 * 64, last};
    bool whole = size <= 3 * (uint64_t)PIECE;
    uint64_t count = whole ? (size + PIECE - 1) / PIECE : 3;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at = whole ? i * PIECE : ends[i];
        size_t length = size - at < PIECE ? (size_t)(size - at) : PIECE;
        length = !whole && i == 1 ? 64 : length;
        if ((at + length <= span) == (host != NULL)) {
            player_piece(player, slot, host != NULL ? host + at : NULL, put, at, length);
        }
    }
}

// A pointer to the block's first byte, in a section that has begun.
static uint8_t *player_pin(struct player *player, const struct player_slot *slot,
                           enum mems_access mode, size_t *span)
{
    void *host = NULL;
    mems_access_begin();
    int error = mems_translate(player->space, slot->addr, mode, &host, span);
    if (error == EAGAIN) {
        mems_access_end();
        player_expect_ok(player, "fault", mems_fault(player->space, slot->addr, mode));
        error = mems_translate(player->space, slot->addr, mode, &host, span);
    }
    player_expect_ok(player, "translate", error);
    mems_schedule_point("access", "through a pointer");
    return host;
}

// The first `size` bytes, in one section as far as they run on.
static void player_get(struct player *player, const struct player_slot *slot, uint64_t size)
{
    size_t span;
    uint8_t *host = player_pin(player, slot, MEMS_READ, &span);
    player_pieces(player, slot, host, false, size, span);
    mems_access_end();
    player_pieces(player, slot, NULL, false, size, span);
}

// ---- where blocks are --------------------------------------------------------------------------

static void player_mark(struct player *player, struct player_slot *slot, unsigned number,
                        void *host, size_t span)
{
    struct shadow_conflict conflict = {0};
    slot->host = NULL;
    if (player->setup->still && span >= slot->size) {
        if (shadow_insert(&player->shadow, (uintptr_t)host, slot->size, number, &conflict) != 0) {
            player_fail(player, "overlap", "the block of slot %u lies on that of slot %u", number,
                        conflict.owner);
        }
        slot->host = host;
    }
}

// A block that is new, or was resized: its address and place are its own, and it gets a new stamp.
static void player_settle(struct player *player, struct player_slot *slot, unsigned number)
{
    size_t span;
    for (unsigned i = 0; i < player->list->slots; i++) {
        const struct player_slot *other = &player->slots[i];
        if (other != slot && other->full && other->addr == slot->addr) {
            player_fail(player, "overlap", "slots %u and %u have the same address, %#" PRIx64, i,
                        number, slot->addr);
        }
    }
    slot->stamp = random_mix(++player->stamps);
    uint8_t *host = player_pin(player, slot, MEMS_WRITE, &span);
    player_mark(player, slot, number, host, span);
    player_pieces(player, slot, host, true, slot->size, span);
    mems_access_end();
    player_pieces(player, slot, NULL, true, slot->size, span);
}

static void player_unmark(struct player *player, struct player_slot *slot)
{
    struct shadow_conflict conflict = {0};
    if (slot->host != NULL &&
        shadow_remove(&player->shadow, (uintptr_t)slot->host, slot->size, &conflict) != 0) {
        player_fail(player, "overlap", "another block's release has unmarked this one's place");
    }
    slot->host = NULL;
}

// ---- operations --------------------------------------------------------------------------------

static void player_alloc(struct player *player, struct player_slot *slot, uint64_t size,
                         unsigned number)
{
    mems_addr addr;
    int error = mems_alloc(player->space, size, 0, &addr);
    if (error == ENOMEM) {
        return;
    }
    player_expect_ok(player, "alloc", error);
    slot->addr = addr;
    slot->size = size;
    player_settle(player, slot, number);
    slot->full = true;
}

static void player_release(struct player *player, struct player_slot *slot)
{
    player_get(player, slot, slot->size);
    player_unmark(player, slot);
    player_expect_ok(player, "release", mems_release(player->space, slot->addr));
    slot->full = false;
    slot->gone = slot->addr;
}

static void player_resize(struct player *player, struct player_slot *slot, uint64_t size,
                          unsigned number)
{
    mems_addr addr = slot->addr;
    uint64_t old = slot->size;
    player_get(player, slot, old);
    player_unmark(player, slot);
    int error = mems_resize(player->space, &addr, size);
    if (error != 0 && (error != ENOMEM || size <= old)) {
        player_expect_ok(player, "resize", error);
    }
    if (error == 0) {
        if (addr != slot->addr) {
            slot->gone = slot->addr;
        }
        slot->addr = addr;
        slot->size = size;
    }
    uint64_t kept = old < slot->size ? old : slot->size;
    if (old > 3 * (uint64_t)PIECE && kept > PIECE) { // of a long one only the ends were stamped
        kept = PIECE;
    }
    player_get(player, slot, kept);
    player_settle(player, slot, number);
}

static void player_hold(struct player *player, struct player_slot *slot, bool write)
{
    size_t span;
    uint8_t *host = player_pin(player, slot, write ? MEMS_WRITE : MEMS_READ, &span);
    size_t length = slot->size < PIECE ? (size_t)slot->size : PIECE;
    length = span < length ? span : length;
    player_compare(player, slot, host, 0, length);
    if (write) {
        for (size_t i = 0; i < length; i++) {
            host[i] = (uint8_t)~host[i];
        }
    }
    mems_schedule_point("access", "through a pointer");
    if (write) {
        for (size_t i = 0; i < length; i++) {
            host[i] = (uint8_t)~host[i];
        }
    }
    player_compare(player, slot, host, 0, length);
    mems_schedule_point("access", "through a pointer");
    player_compare(player, slot, host, 0, length);
    mems_access_end();
}

static void player_stale(struct player *player, mems_addr gone)
{
    void *host;
    mems_access_begin();
    int access = mems_translate(player->space, gone, MEMS_READ, &host, NULL);
    mems_access_end();
    int release = mems_release(player->space, gone);
    if ((access != EALREADY && access != ESTALE) || (release != EALREADY && release != ESTALE)) {
        player_fail(player, "stale",
                    "a block that is gone: translate says \"%s\", release \"%s\"; EALREADY or "
                    "ESTALE is right",
                    strerror(access), strerror(release));
    }
}

static void player_check(struct player *player, bool quiescent)
{
    struct mems_violation violation;
    if (mems_check(player->engine, quiescent, &violation) != 0) {
        player_end(player, PLAYER_INVARIANT, violation.invariant, violation.text);
    }
}

// Those that are not about a block.
static void player_do_engine(struct player *player, enum operation_kind kind)
{
    struct mems_stats stats;
    int error = 0;
    switch (kind) {
    case OPERATION_COMPACT:
        error = mems_compact(player->engine, NULL);
        error = error == ENOTSUP ? 0 : error;
        break;
    case OPERATION_CHECK:
        player_check(player, false);
        break;
    case OPERATION_LOOK:
        error = mems_snapshot(player->engine, &stats);
        break;
    default:
        mems_thread_flush();
        break;
    }
    if (error != 0) {
        player_fail(player, "error", "%s: %s", operation_name(kind), strerror(error));
    }
}

static void player_change(struct player *player, const struct operation *operation,
                          struct player_slot *slot)
{
    slot->changing = true;
    switch ((enum operation_kind)operation->kind) {
    case OPERATION_ALLOC:
        player_alloc(player, slot, operation->size, operation->slot);
        break;
    case OPERATION_RELEASE:
        player_release(player, slot);
        break;
    case OPERATION_RESIZE:
        player_resize(player, slot, operation->size, operation->slot);
        break;
    case OPERATION_WRITE:
        slot->stamp = random_mix(++player->stamps);
        player_pieces(player, slot, NULL, true, slot->size, 0);
        break;
    default:
        player_hold(player, slot, true);
        break;
    }
    slot->changing = false;
}

static void player_look(struct player *player, struct player_slot *slot, bool holds)
{
    slot->readers++;
    if (holds) {
        player_hold(player, slot, false);
    } else {
        player_pieces(player, slot, NULL, false, slot->size, 0);
    }
    slot->readers--;
}

static bool operation_looks(const struct operation *operation)
{
    return operation->kind == OPERATION_READ ||
           (operation->kind == OPERATION_HOLD && operation->size % 2 != 0);
}

// Whether its slot is in a state for it.
static bool player_can(const struct player_slot *slot, const struct operation *operation)
{
    if (operation->kind >= OPERATION_COMPACT) {
        return true;
    }
    if (operation->kind == OPERATION_STALE) {
        return slot->gone != 0;
    }
    return !slot->changing && slot->full == (operation->kind != OPERATION_ALLOC) &&
           (operation_looks(operation) || slot->readers == 0);
}

static void player_do(struct player *player, const struct operation *operation)
{
    struct player_slot *slot = &player->slots[operation->slot];
    if (operation->kind >= OPERATION_COMPACT) {
        player_do_engine(player, (enum operation_kind)operation->kind);
    } else if (operation->kind == OPERATION_STALE) {
        player_stale(player, slot->gone);
    } else if (operation_looks(operation)) {
        player_look(player, slot, operation->kind == OPERATION_HOLD);
    } else {
        player_change(player, operation, slot);
    }
}

// ---- threads and phases ------------------------------------------------------------------------

static void player_work(void *arg)
{
    struct player_thread *thread = arg;
    struct player *player = thread->player;
    for (size_t i = 0; i < player->list->count; i++) {
        const struct operation *operation = &player->list->operations[i];
        if (operation->thread == thread->number && operation->phase == player->phase &&
            operation->kept && player_can(&player->slots[operation->slot], operation)) {
            player->report->begun[i] = true;
            mems_schedule_look(&player->report->totals); // what a crash leaves
            player->report->at[thread->number].thread = thread->number;
            player->report->at[thread->number].index = operation->index;
            if (player->setup->trace >= 0) {
                char text[64];
                operation_text(operation, text, sizeof text);
                snprintf(thread->text, sizeof thread->text, "operation %u.%u: %s", thread->number,
                         operation->index, text);
                mems_schedule_note("==", thread->text, -1);
            }
            player_do(player, operation);
        }
    }
    player->report->at[thread->number].index = 0;
}

static bool player_has_work(const struct player *player, unsigned number)
{
    for (size_t i = 0; i < player->list->count; i++) {
        const struct operation *operation = &player->list->operations[i];
        if (operation->thread == number && operation->phase == player->phase && operation->kept) {
            return true;
        }
    }
    return false;
}

static _Noreturn void player_broken(struct player *player, const char *what, int error)
{
    char text[400];
    snprintf(text, sizeof text, "%s: %s (%s)", what, strerror(error), mems_complaint());
    player_end(player, PLAYER_BROKEN, "engine", text);
}

static void player_phase(struct player *player)
{
    struct player_thread threads[OPERATION_THREADS_MOST];
    for (unsigned i = 0; i < player->list->threads; i++) {
        threads[i] = (struct player_thread){.player = player, .number = i + 1};
        if (player_has_work(player, i + 1)) {
            int error = mems_schedule_start(player_work, &threads[i], &threads[i].scheduled);
            if (error != 0) {
                player_broken(player, "starting a thread", error);
            }
        }
    }
    for (unsigned i = 0; i < player->list->threads; i++) {
        if (threads[i].scheduled != 0) {
            mems_schedule_join(threads[i].scheduled);
        }
    }
}

// What the engine counts against what the harness knows.
static void player_balance(struct player *player)
{
    struct mems_stats stats;
    uint64_t blocks = 0, bytes = 0;
    for (unsigned i = 0; i < player->list->slots; i++) {
        blocks += player->slots[i].full;
        bytes += player->slots[i].full ? player->slots[i].size : 0;
    }
    player_check(player, true);
    int error = mems_snapshot(player->engine, &stats);
    if (error != 0 || stats.live_blocks != blocks || stats.requested_bytes != bytes) {
        player_fail(player, "conservation",
                    "the engine counts %" PRIu64 " live blocks of %" PRIu64
                    " bytes; there are %" PRIu64 " of %" PRIu64,
                    stats.live_blocks, stats.requested_bytes, blocks, bytes);
    }
    if (blocks == 0 && (stats.block_bytes != 0 || stats.cached_blocks != 0)) {
        player_fail(player, "conservation",
                    "after the drain %" PRIu64 " bytes are in blocks and %" PRIu64
                    " blocks in magazines",
                    stats.block_bytes, stats.cached_blocks);
    }
}

static void player_drain(struct player *player)
{
    for (unsigned i = 0; i < player->list->slots; i++) {
        if (player->slots[i].full) {
            player_release(player, &player->slots[i]);
        }
    }
    mems_thread_flush();
    player_balance(player);
}

static void player_open(struct player *player)
{
    const struct mems_config config = {.policy = player->setup->policy,
                                       .options = player->setup->options};
    struct mems_schedule schedule = player->setup->schedule;
    schedule.failed = player_stuck;
    schedule.trace = player->setup->trace >= 0 ? player_trace : NULL;
    schedule.arg = player;
    (void)mems_on_corruption(player_corrupted);
    int error = mems_schedule_begin(&schedule);
    error = error != 0 ? error : mems_engine_open(&config, &player->engine);
    error = error != 0 ? error : mems_space_open(player->engine, &player->space);
    if (error != 0) {
        player_broken(player, "opening the engine", error);
    }
}

void player_run(const struct operation_list *list, const struct player_setup *setup,
                struct player_report *report)
{
    struct player *player = &the_player;
    *player = (struct player){.list = list, .setup = setup, .report = report};
    player->slots = calloc(list->slots, sizeof *player->slots);
    if (player->slots == NULL) {
        abort();
    }
    player_open(player);
    for (player->phase = 0; player->phase < list->phases; player->phase++) {
        player_phase(player);
        if (player->phase + 1 < list->phases) {
            mems_thread_flush();
            player_balance(player);
        }
    }
    player_drain(player);
    mems_space_close(player->space);
    mems_engine_close(player->engine);
    mems_schedule_end(&report->totals);
    report->end = PLAYER_PASSED;
}
