// SPDX-License-Identifier: MIT
//
// reason_inner.h - what the rules of reason.h share.

#ifndef SHOW_REASON_INNER_H
#define SHOW_REASON_INNER_H

#include "show/show.h"

// A page or a segment that was in memory once.
struct reason_page {
    uint32_t block;
    uint64_t page;
    size_t loaded, used; // steps
};

struct reason {
    const struct trace *trace;
    const char *policy, *options;
    uint64_t unit;
    uint64_t frame;            // bytes of one, or 0
    size_t step;               // under way
    struct show_piece *pieces; // before it
    size_t count, room;
    uint64_t rover;  // next fit: the end of the last allocation
    bool rover_lost; // something has moved since
    struct reason_page *pages;
    size_t page_count, page_room;
};

// The reason of a step as it is being said.
struct reason_line {
    struct reason *reason;
    struct show_step *step;
    size_t length;
};

void reason_say(struct reason_line *line, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void reason_amount(struct reason_line *line, uint64_t bytes);
void reason_place(struct reason_line *line, const struct show_piece *piece); // "200 at 500"
void reason_name(struct reason_line *line, uint32_t process, uint32_t block);
void reason_unsay(struct reason_line *line);

// The value of an option of the engine, where it was given.
bool reason_option(const struct reason *reason, const char *key, char *value, size_t size);
// Where a block begins, or NULL; what is at a position, or NULL.
const struct show_piece *reason_block(const struct show_piece *pieces, size_t count,
                                      uint32_t block);
const struct show_piece *reason_at(const struct show_piece *pieces, size_t count, uint64_t at);

// reason_place.c: holes and partitions
void reason_alloc_fit(struct reason_line *line, const struct show_map *map);
void reason_resize_fit(struct reason_line *line, const struct show_map *map);
void reason_free_merge(struct reason_line *line, const struct show_map *map);
void reason_alloc_partition(struct reason_line *line, const struct show_map *map);
void reason_free_partition(struct reason_line *line, const struct show_map *map);
void reason_alloc_slab(struct reason_line *line, const struct show_map *map);

// reason_access.c: frames, and where an address leads
void reason_alloc_frames(struct reason_line *line, const struct show_map *map);
void reason_alloc_demand(struct reason_line *line, const struct show_map *map);
void reason_free_frames(struct reason_line *line, const struct show_map *map);
void reason_touch_segment(struct reason_line *line, const struct show_map *map);
void reason_touch_page(struct reason_line *line, const struct show_map *map);
void reason_touch_demand(struct reason_line *line, const struct show_map *map);

#endif
