// SPDX-License-Identifier: MIT
//
// rule_pick.c - one function an algorithm: which page goes, and why.

#include <inttypes.h>

#include "faults/rule_inner.h"

#define PICK_TOLD 12 // pages that a reason names, at most

// ---- lists --------------------------------------------------------------------------------------

// What is said of each page: "7 at 1".
static void pick_list(struct rule *rule, struct rule_text *why, const char *lead,
                      void (*say)(struct rule *rule, struct rule_text *why, uint64_t page))
{
    rule_say(why, "%s", lead);
    for (size_t i = 0; i < rule->count && i < PICK_TOLD; i++) {
        rule_say(why, "%s%" PRIu64, i > 0 ? ", " : "", rule_name(rule, rule->order[i]));
        say(rule, why, rule->order[i]);
    }
    if (rule->count > PICK_TOLD) {
        rule_say(why, " and %zu more", rule->count - PICK_TOLD);
    }
}

// The page for which `key` is the least, the first in order of arrival of equals.
static uint64_t pick_least(struct rule *rule, uint64_t (*key)(struct rule *rule, uint64_t page),
                           size_t *equals)
{
    uint64_t least = RULE_NONE, best = 0;
    *equals = 0;
    for (size_t i = 0; i < rule->count; i++) {
        uint64_t value = key(rule, rule->order[i]);
        *equals = least == RULE_NONE || value < best ? 1 : *equals + (value == best);
        if (least == RULE_NONE || value < best) {
            least = rule->order[i];
            best = value;
        }
    }
    return least;
}

// ---- fifo, lru, lfu -----------------------------------------------------------------------------

static void say_loaded(struct rule *rule, struct rule_text *why, uint64_t page)
{
    rule_say(why, " at %" PRIu64, rule->pages[page].loaded);
}

static uint64_t pick_fifo(struct rule *rule, struct rule_text *why)
{
    pick_list(rule, why, "when they came: ", say_loaded);
    rule_say(why, "; %" PRIu64 " has been here longest", rule_name(rule, rule->order[0]));
    return rule->order[0];
}

static void say_last(struct rule *rule, struct rule_text *why, uint64_t page)
{
    rule_say(why, " at %" PRIu64, rule->pages[page].last);
}

static uint64_t key_last(struct rule *rule, uint64_t page)
{
    return rule->pages[page].last;
}

static uint64_t pick_lru(struct rule *rule, struct rule_text *why)
{
    size_t equals;
    uint64_t page = pick_least(rule, key_last, &equals);
    pick_list(rule, why, "when they were last used: ", say_last);
    rule_say(why, "; %" PRIu64 "'s last use is the oldest", rule_name(rule, page));
    return page;
}

static void say_count(struct rule *rule, struct rule_text *why, uint64_t page)
{
    rule_say(why, " x %" PRIu64, rule->pages[page].count);
}

// A page came to its count at its last reference.
static uint64_t key_count(struct rule *rule, uint64_t page)
{
    return rule->pages[page].count << 32 | rule->pages[page].last;
}

static uint64_t pick_lfu(struct rule *rule, struct rule_text *why)
{
    size_t equals;
    uint64_t page = pick_least(rule, key_count, &equals);
    pick_list(rule, why, "how often they were used since they came: ", say_count);
    rule_say(why, "; %" PRIu64 " least often (of equals the one that came to its count first)",
             rule_name(rule, page));
    return page;
}

// ---- opt, random --------------------------------------------------------------------------------

// The next reference to the page, or RULE_NONE.
static uint64_t pick_next(const struct rule *rule, uint64_t page)
{
    const struct references *references = rule->references;
    for (size_t i = rule->now; i < references->count; i++) {
        if (references->pages[i] == page) {
            return i + 1;
        }
    }
    return RULE_NONE;
}

static void say_next(struct rule *rule, struct rule_text *why, uint64_t page)
{
    uint64_t next = pick_next(rule, page);
    if (next == RULE_NONE) {
        rule_say(why, " never");
    } else {
        rule_say(why, " at %" PRIu64, next);
    }
}

static uint64_t key_next(struct rule *rule, uint64_t page)
{
    return RULE_NONE - pick_next(rule, page);
}

static uint64_t pick_opt(struct rule *rule, struct rule_text *why)
{
    size_t equals;
    uint64_t page = pick_least(rule, key_next, &equals), next = pick_next(rule, page);
    bool other = rule->hint != RULE_NONE && rule->pages[rule->hint].in &&
                 pick_next(rule, rule->hint) == next;
    page = other ? rule->hint : page;
    pick_list(rule, why, "when they are used next: ", say_next);
    rule_say(why, "; %" PRIu64 " %s", rule_name(rule, page),
             next == RULE_NONE ? "not any more" : "last of all");
    if (equals > 1) {
        rule_say(why, " (like %zu other%s: any of them would do)", equals - 1,
                 equals == 2 ? "" : "s");
    }
    return page;
}

static uint64_t pick_random(struct rule *rule, struct rule_text *why)
{
    bool known = rule->hint != RULE_NONE && rule->pages[rule->hint].in;
    uint64_t page = known ? rule->hint : rule->order[0];
    rule_say(why, "any of the %zu pages may go; the draw fell on %" PRIu64, rule->count,
             rule_name(rule, page));
    return page;
}

// ---- R bits -------------------------------------------------------------------------------------

// From the hand on: R set is cleared and passed, R clear is taken.
static uint64_t pick_hand(struct rule *rule, struct rule_text *why)
{
    const char *bit = rule->algorithm->bit;
    size_t passed = 0;
    rule_say(why, "the hand ");
    for (;;) {
        rule->hand = rule->hand < rule->count ? rule->hand : 0;
        uint64_t page = rule->order[rule->hand];
        if (!rule->pages[page].r) {
            rule_say(why, "%s %" PRIu64 ", whose %s is 0", passed == 0 ? "is at" : " and takes",
                     rule_name(rule, page), bit);
            return page;
        }
        rule->pages[page].r = false;
        if (passed < 2 * PICK_TOLD) {
            rule_say(why, "%s%" PRIu64 " (%s = 1, cleared)", passed == 0 ? "passes " : ", ",
                     rule_name(rule, page), bit);
        }
        passed++;
        rule->hand++;
    }
}

static uint64_t pick_second_chance(struct rule *rule, struct rule_text *why)
{
    size_t passed = 0;
    rule_say(why, "from the head of the queue: ");
    for (;;) {
        uint64_t page = rule->order[0];
        if (!rule->pages[page].r) {
            rule_say(why, "%" PRIu64 " has R = 0: it goes", rule_name(rule, page));
            return page;
        }
        rule->pages[page].r = false;
        if (passed++ < 2 * PICK_TOLD) {
            rule_say(why, "%" PRIu64 " has R = 1: cleared, to the tail; ", rule_name(rule, page));
        }
        for (size_t i = 1; i < rule->count; i++) {
            rule->order[i - 1] = rule->order[i];
        }
        rule->order[rule->count - 1] = page;
    }
}

static void say_class(struct rule *rule, struct rule_text *why, uint64_t page)
{
    const struct rule_page *of = &rule->pages[page];
    rule_say(why, " (%d,%d)", of->r, of->m);
}

// Lowest class first, then in order of frames from the hand on.
static uint64_t key_class(struct rule *rule, uint64_t page)
{
    const struct rule_page *of = &rule->pages[page];
    uint64_t behind = (of->frame + rule->frames - rule->nru_hand) % rule->frames;
    return (uint64_t)(2 * of->r + of->m) << 32 | behind;
}

static uint64_t pick_nru(struct rule *rule, struct rule_text *why)
{
    size_t equals;
    uint64_t page = pick_least(rule, key_class, &equals);
    const struct rule_page *of = &rule->pages[page];
    pick_list(rule, why, "(R,M): ", say_class);
    rule_say(why, "; %" PRIu64 " is in the lowest class, %d", rule_name(rule, page),
             2 * of->r + of->m);
    rule->nru_hand = (of->frame + 1) % rule->frames;
    return page;
}

// Every as many loads as there are frames R is cleared: the textbooks' clock interrupt.
static void load_nru(struct rule *rule, uint64_t page)
{
    if (++rule->loads == rule->frames) {
        rule->loads = 0;
        for (size_t i = 0; i < rule->count; i++) {
            rule->pages[rule->order[i]].r = false;
        }
    }
    rule->pages[page].r = true;
}

// SIEVE's queue takes new pages at its end; the hand stays where it is.
static void load_sieve(struct rule *rule, uint64_t page)
{
    rule->pages[page].r = false;
}

const struct rule_algorithm rule_algorithms[] = {
    {.name = "fifo", .hit = "a hit changes nothing: only arrival counts", .pick = pick_fifo},
    {.name = "lru", .hit = "it is the most recently used page now", .pick = pick_lru},
    {.name = "lfu", .hit = "it counts one use more", .pick = pick_lfu},
    {.name = "opt", .hit = "a hit changes nothing: only what comes counts", .pick = pick_opt},
    {.name = "random", .hit = "a hit changes nothing", .pick = pick_random},
    {.name = "clock",
     .hit = "its R is set; the hand stays",
     .bit = "R",
     .hand = true,
     .load_ref = true,
     .pick = pick_hand},
    {.name = "clock0",
     .hit = "its R is set; the hand stays",
     .bit = "R",
     .hand = true,
     .pick = pick_hand},
    {.name = "second-chance",
     .hit = "its R is set; it keeps its place in the queue",
     .bit = "R",
     .load_ref = true,
     .pick = pick_second_chance},
    {.name = "nru",
     .hit = "its R is set",
     .bit = "R",
     .load_ref = true,
     .pick = pick_nru,
     .load = load_nru},
    {.name = "sieve",
     .hit = "it is marked as visited; the queue stays",
     .bit = "visited",
     .hand = true,
     .pick = pick_hand,
     .load = load_sieve},
    {.name = "ws", .hit = "it is in the window, and the window goes on with it", .variable = true},
    {.name = "pff", .hit = "no fault: nothing changes", .variable = true},
    {.name = NULL},
};
