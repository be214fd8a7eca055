// SPDX-License-Identifier: MIT
//
// rule.c - the state that rules go by, and one reference after the other.

#include "faults/rule.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults/rule_inner.h"

void rule_say(struct rule_text *text, const char *format, ...)
{
    va_list arguments;
    size_t room = text->size - text->length;
    va_start(arguments, format);
    int length = vsnprintf(text->text + text->length, room, format, arguments);
    va_end(arguments);
    text->length += length < 0 ? 0 : (size_t)length < room ? (size_t)length : room - 1;
}

uint64_t rule_name(const struct rule *rule, uint64_t page)
{
    return rule->references->names[page];
}

struct rule *rule_open(const char *algorithm, uint64_t parameter, uint64_t frames,
                       const struct references *references)
{
    struct rule *rule = calloc(1, sizeof *rule);
    const struct rule_algorithm *row = rule_algorithms;
    if (rule == NULL) {
        return NULL;
    }
    while (row->name != NULL && strcmp(row->name, algorithm) != 0) {
        row++;
    }
    rule->algorithm = row;
    rule->references = references;
    rule->parameter = parameter;
    rule->frames = frames;
    rule->hint = RULE_NONE;
    rule->pages = calloc(references->page_count, sizeof *rule->pages);
    rule->order = calloc(references->page_count + 1, sizeof *rule->order);
    if (rule->pages == NULL || rule->order == NULL) {
        rule_close(rule);
        return NULL;
    }
    return rule;
}

void rule_close(struct rule *rule)
{
    if (rule != NULL) {
        free(rule->pages);
        free(rule->order);
        free(rule);
    }
}

bool rule_is_told(const struct rule *rule)
{
    return rule->algorithm->name != NULL;
}

bool rule_has_bits(const struct rule *rule)
{
    return rule->algorithm->bit != NULL;
}

bool rule_has_hand(const struct rule *rule)
{
    return rule->algorithm->hand;
}

const struct rule_page *rule_page(const struct rule *rule, uint64_t page)
{
    return &rule->pages[page];
}

uint64_t rule_hand(const struct rule *rule)
{
    if (!rule->algorithm->hand || rule->count == 0) {
        return RULE_NONE;
    }
    return rule->order[rule->hand < rule->count ? rule->hand : 0];
}

bool rule_keeps(const struct rule *rule, uint64_t page)
{
    const struct rule_page *of = &rule->pages[page];
    bool ws = rule->algorithm->name != NULL && strcmp(rule->algorithm->name, "ws") == 0;
    return of->in && (!ws || rule->now - of->last < rule->parameter);
}

// ---- coming and going ---------------------------------------------------------------------------

void rule_remove(struct rule *rule, uint64_t page)
{
    size_t at = 0;
    while (at < rule->count && rule->order[at] != page) {
        at++;
    }
    if (at == rule->count) {
        return;
    }
    rule->count--;
    memmove(&rule->order[at], &rule->order[at + 1], (rule->count - at) * sizeof *rule->order);
    rule->hand -= rule->hand > at;
    if (rule->hand == rule->count && rule->algorithm->load != NULL) {
        rule->hand = 0; // of a queue that grows at its end, not at the hand
    }
    rule->pages[page].in = false;
}

// A ring takes the new page just behind the hand, a queue at its end.
static void rule_insert(struct rule *rule, uint64_t page)
{
    bool ring = rule->algorithm->hand && rule->algorithm->load == NULL && rule->hand < rule->count;
    size_t at = ring ? rule->hand : rule->count;
    memmove(&rule->order[at + 1], &rule->order[at], (rule->count - at) * sizeof *rule->order);
    rule->order[at] = page;
    rule->count++;
    rule->hand += ring || (rule->algorithm->hand && rule->algorithm->load == NULL);
}

void rule_set(struct rule *rule, uint64_t page, const struct rule_page *as)
{
    size_t at = rule->count++;
    rule->pages[page] = *as;
    rule->pages[page].in = true;
    for (; at > 0 && rule->pages[rule->order[at - 1]].loaded > as->loaded; at--) {
        rule->order[at] = rule->order[at - 1];
    }
    rule->order[at] = page;
    rule->now = as->last > rule->now ? as->last : rule->now;
}

static void rule_load(struct rule *rule, uint64_t page, uint64_t frame)
{
    struct rule_page *of = &rule->pages[page];
    if (of->in) { // a hit that was refused: it comes again
        rule_remove(rule, page);
    }
    *of = (struct rule_page){
        .in = true, .loaded = rule->now, .last = rule->now, .count = 1, .frame = frame};
    of->r = rule->algorithm->load_ref;
    rule_insert(rule, page);
    if (rule->algorithm->load != NULL) {
        rule->algorithm->load(rule, page);
    }
}

// ---- one reference ------------------------------------------------------------------------------

static void rule_goes(struct rule *rule, uint64_t page, struct rule_verdict *verdict)
{
    rule_remove(rule, page);
    if (verdict->victim_count < sizeof verdict->victims / sizeof verdict->victims[0]) {
        verdict->victims[verdict->victim_count++] = page;
    }
}

// ws and pff: what is not to stay leaves at a fault.
static void rule_shrink(struct rule *rule, uint64_t incoming, struct rule_text *why,
                        struct rule_verdict *verdict)
{
    bool ws = strcmp(rule->algorithm->name, "ws") == 0;
    uint64_t passed = rule->now - rule->fault;
    if (!ws) {
        rule_say(why, "%" PRIu64 " reference%s since the last fault, F = %" PRIu64 ": %s", passed,
                 passed == 1 ? "" : "s", rule->parameter,
                 passed > rule->parameter ? "pages not used since it leave"
                                          : "it gets one frame more");
    }
    for (size_t i = 0; i < rule->count;) {
        uint64_t page = rule->order[i];
        const struct rule_page *of = &rule->pages[page];
        bool out = ws ? rule->now - of->last >= rule->parameter
                      : passed > rule->parameter && of->last < rule->fault;
        if (!out || page == incoming) {
            i++;
            continue;
        }
        rule_say(why, "%s%" PRIu64 " (last used %" PRIu64 " references ago)",
                 verdict->victim_count > 0 ? ", "
                 : ws                      ? "out of the window: "
                                           : ": ",
                 rule_name(rule, page), rule->now - of->last);
        rule_goes(rule, page, verdict);
    }
    if (ws && verdict->victim_count == 0) {
        rule_say(why, "nothing is out of the window of %" PRIu64 " references", rule->parameter);
    }
    rule->fault = rule->now;
}

static bool rule_is_fault(const struct rule *rule, uint64_t page, bool engine)
{
    const struct rule_page *of = &rule->pages[page];
    if (rule->algorithm->name == NULL) {
        return engine;
    }
    bool ws = strcmp(rule->algorithm->name, "ws") == 0;
    return !of->in || (ws && rule->now - of->last > rule->parameter);
}

static void rule_fault(struct rule *rule, uint64_t page, const uint64_t *took, size_t took_count,
                       struct rule_text *why, struct rule_verdict *verdict)
{
    rule->hint = took_count > 0 ? took[0] : RULE_NONE;
    if (rule->algorithm->name == NULL) {
        for (size_t i = 0; i < took_count; i++) {
            const struct rule_page *of = &rule->pages[took[i]];
            rule_say(why,
                     "its lists cannot be seen from outside; %" PRIu64 " came at %" PRIu64
                     " and was used %" PRIu64 " time%s, the last at %" PRIu64,
                     rule_name(rule, took[i]), of->loaded, of->count, of->count == 1 ? "" : "s",
                     of->last);
            rule_goes(rule, took[i], verdict);
        }
    } else if (rule->algorithm->variable) {
        rule_shrink(rule, page, why, verdict);
    } else if (rule->count == rule->frames) {
        rule_goes(rule, rule->algorithm->pick(rule, why), verdict);
    }
    if (why->length == 0) {
        rule_say(why, "a frame is free: nothing has to leave");
    }
}

void rule_use(struct rule *rule, size_t index, const uint64_t *took, size_t took_count,
              uint64_t frame, bool fault, char *why, size_t size, struct rule_verdict *verdict)
{
    struct rule_text text = {why, size, 0};
    uint64_t page = rule->references->pages[index];
    struct rule_page *of = &rule->pages[page];
    why[0] = '\0';
    *verdict = (struct rule_verdict){0};
    rule->now = index + 1;
    verdict->fault = rule_is_fault(rule, page, fault);
    if (verdict->fault) {
        rule_fault(rule, page, took, took_count, &text, verdict);
        rule_load(rule, page, frame);
        return;
    }
    of->last = rule->now;
    of->count++;
    of->r |= rule->algorithm->bit != NULL;
    if (rule->algorithm->hit != NULL) {
        rule_say(&text, "%s", rule->algorithm->hit);
    }
}

uint64_t rule_victim(struct rule *rule, char *why, size_t size)
{
    struct rule_text text = {why, size, 0};
    why[0] = '\0';
    return rule->count > 0 && rule->algorithm->pick != NULL ? rule->algorithm->pick(rule, &text)
                                                            : RULE_NONE;
}
