// SPDX-License-Identifier: MIT
//
// reason.c - why a step came out as it did; which rule speaks for which policy.

#include "show/reason.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/complaint.h"
#include "show/reason_inner.h"
#include "show/words.h"

struct reason *reason_open(const struct trace *trace, const char *policy, const char *options,
                           uint64_t unit)
{
    struct reason *reason = calloc(1, sizeof *reason);
    if (reason != NULL) {
        reason->trace = trace;
        reason->policy = policy;
        reason->options = options;
        reason->unit = unit;
    }
    return reason;
}

void reason_close(struct reason *reason)
{
    if (reason != NULL) {
        free(reason->pieces);
        free(reason->pages);
        free(reason);
    }
}

void reason_before(struct reason *reason, const struct show_map *map)
{
    if (map->count > reason->room) {
        struct show_piece *pieces =
            reallocarray(reason->pieces, map->count * 2, sizeof *reason->pieces);
        if (pieces == NULL) {
            complain_exhausted();
        }
        reason->pieces = pieces;
        reason->room = map->count * 2;
    }
    if (map->count > 0) {
        memcpy(reason->pieces, map->pieces, map->count * sizeof *map->pieces);
    }
    reason->count = map->count;
}

// ---- saying it ----------------------------------------------------------------------------------

void reason_say(struct reason_line *line, const char *format, ...)
{
    va_list arguments;
    size_t room = sizeof line->step->reason - line->length;
    va_start(arguments, format);
    int length = vsnprintf(line->step->reason + line->length, room, format, arguments);
    va_end(arguments);
    line->length += length < 0 ? 0 : (size_t)length < room ? (size_t)length : room - 1;
}

void reason_amount(struct reason_line *line, uint64_t bytes)
{
    char text[32];
    words_amount(bytes, line->reason->unit, text, sizeof text);
    reason_say(line, "%s", text);
}

void reason_place(struct reason_line *line, const struct show_piece *piece)
{
    reason_amount(line, piece->size);
    reason_say(line, " at ");
    reason_amount(line, piece->at);
}

void reason_name(struct reason_line *line, uint32_t process, uint32_t block)
{
    char name[100];
    words_name(line->reason->trace, process, block, name, sizeof name);
    reason_say(line, "%s", name);
}

void reason_unsay(struct reason_line *line)
{
    line->length = 0;
    line->step->reason[0] = '\0';
}

// ---- looking ------------------------------------------------------------------------------------

bool reason_option(const struct reason *reason, const char *key, char *value, size_t size)
{
    size_t length = strlen(key);
    for (const char *at = reason->options; at != NULL && *at != '\0';) {
        if (strncmp(at, key, length) == 0 && at[length] == '=') {
            at += length + 1;
            snprintf(value, size, "%.*s", (int)strcspn(at, ","), at);
            return true;
        }
        at = strchr(at, ',');
        at = at != NULL ? at + 1 : NULL;
    }
    return false;
}

const struct show_piece *reason_block(const struct show_piece *pieces, size_t count, uint32_t block)
{
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].block == block && !pieces[i].more && !pieces[i].absent) {
            return &pieces[i];
        }
    }
    return NULL;
}

const struct show_piece *reason_at(const struct show_piece *pieces, size_t count, uint64_t at)
{
    for (size_t i = 0; i < count; i++) {
        if (!pieces[i].absent && pieces[i].at <= at && at - pieces[i].at < pieces[i].size) {
            return &pieces[i];
        }
    }
    return NULL;
}

// ---- which rule ---------------------------------------------------------------------------------

static const struct {
    const char *policy;
    void (*alloc)(struct reason_line *line, const struct show_map *map);
    void (*release)(struct reason_line *line, const struct show_map *map);
    void (*touch)(struct reason_line *line, const struct show_map *map);
} reason_rules[] = {
    {"dynamic", reason_alloc_fit, reason_free_merge, reason_touch_segment},
    {"segmentation", reason_alloc_fit, reason_free_merge, reason_touch_segment},
    {"fixed", reason_alloc_partition, reason_free_partition, reason_touch_segment},
    {"paging", reason_alloc_frames, reason_free_frames, reason_touch_page},
    {"vm-paging", reason_alloc_demand, reason_free_frames, reason_touch_page},
    {"vm-segmentation", reason_alloc_demand, reason_free_merge, reason_touch_demand},
    {"slab", reason_alloc_slab, NULL, NULL},
};

static void reason_compact(struct reason_line *line)
{
    char order[16] = "address";
    reason_option(line->reason, "compact_order", order, sizeof order);
    if (line->step->outcome != SHOW_DONE) {
        return;
    }
    reason_say(line,
               strcmp(order, "top") == 0
                   ? "the highest block goes into a hole below that holds it, again and again"
                   : "blocks slide down in order of address, each to the end of the one below: the "
                     "holes run together above them");
}

void reason_after(struct reason *reason, const struct show_map *map, struct show_step *step)
{
    struct reason_line line = {.reason = reason, .step = step};
    size_t i = 0, rules = sizeof reason_rules / sizeof reason_rules[0];
    step->reason[0] = '\0';
    reason->step = step->number;
    reason->frame = map->frame;
    while (i < rules && strcmp(reason_rules[i].policy, reason->policy) != 0) {
        i++;
    }
    if (i == rules || step->outcome == SHOW_SKIPPED || step->outcome == SHOW_SILENT) {
        return;
    }
    switch (step->op->kind) {
    case TRACE_ALLOC:
    case TRACE_ALLOC_ZEROED:
        reason_rules[i].alloc(&line, map);
        break;
    case TRACE_FREE:
    case TRACE_FREE_ALL:
        if (reason_rules[i].release != NULL && step->outcome == SHOW_DONE) {
            reason_rules[i].release(&line, map);
        }
        break;
    case TRACE_TOUCH:
        if (reason_rules[i].touch != NULL) {
            reason_rules[i].touch(&line, map);
        }
        break;
    case TRACE_COMPACT:
        reason_compact(&line);
        reason->rover_lost = true;
        break;
    case TRACE_RESIZE:
        if (reason_rules[i].release == reason_free_merge) {
            reason_resize_fit(&line, map);
        }
        reason->rover_lost = true;
        break;
    default:
        break;
    }
}
