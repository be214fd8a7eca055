// SPDX-License-Identifier: MIT
//
// draw_frames.c - memory in frames: a grid, and the page table of each process.
//
// A cell of the grid is a frame: its number and the page in it, "12 P1:3"; a dot: free. A line of
// a page table says page>frame; a dash: the page is not in memory.

#include "show/draw_frames.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "job/complaint.h"
#include "show/words.h"

#define FRAMES_MOST 256 // cells drawn

// The text of a cell without the frame's number.
static void frames_cell(const struct show *show, const struct show_piece *piece, char *text,
                        size_t size)
{
    if (piece->kind == MEMS_PIECE_HOLE) {
        snprintf(text, size, ".");
    } else if (piece->kind == MEMS_PIECE_CACHED) {
        snprintf(text, size, "~");
    } else {
        char name[64];
        words_name(show_trace(show), piece->process, SHOW_NOBODY, name, sizeof name);
        snprintf(text, size, "%s:%" PRIu64, name, piece->page);
    }
}

static void frames_grid(FILE *out, const struct show *show, const struct show_map *map,
                        unsigned width)
{
    char text[100];
    size_t longest = 1, frames = 0, cells = 0, before = 0;
    for (size_t i = 0; i < map->count; i++) {
        frames_cell(show, &map->pieces[i], text, sizeof text);
        longest = strlen(text) > longest ? strlen(text) : longest;
        frames += map->pieces[i].absent ? 0 : map->pieces[i].size / map->frame;
    }
    size_t cell = 5 + longest + 2, row = (width - 2) / cell;
    row = row == 0 ? 1 : row;
    fprintf(out, "  %zu frames of ", frames);
    words_amount(map->frame, show_unit(show), text, sizeof text);
    fprintf(out, "%s; a dot is a free one", text);
    for (size_t i = 0; i < map->count && cells < FRAMES_MOST; i++) {
        const struct show_piece *piece = &map->pieces[i];
        frames_cell(show, piece, text, sizeof text);
        uint64_t first = piece->at / map->frame, last = first + piece->size / map->frame;
        for (uint64_t frame = first; !piece->absent && frame < last && cells < FRAMES_MOST;
             frame++) {
            bool first_of_row = cells++ % row == 0;
            fprintf(out, "%*s%s%5" PRIu64 " %s", first_of_row ? 0 : (int)(longest - before), "",
                    first_of_row ? "\n  " : " ", frame, text);
            before = strlen(text);
        }
    }
    if (frames > cells) {
        fprintf(out, "\n  .. and %zu frames more", frames - cells);
    }
    fprintf(out, "\n");
}

static int frames_compare(const void *a, const void *b)
{
    const struct show_piece *left = *(const struct show_piece *const *)a;
    const struct show_piece *right = *(const struct show_piece *const *)b;
    if (left->process != right->process) {
        return left->process < right->process ? -1 : 1;
    }
    return (left->page > right->page) - (left->page < right->page);
}

// The pages of one process, pieces[0 .. count), wrapped.
static void frames_table(FILE *out, const struct show *show, const struct show_map *map,
                         const struct show_piece *const *pieces, size_t count, unsigned width)
{
    char text[100];
    words_name(show_trace(show), pieces[0]->process, SHOW_NOBODY, text, sizeof text);
    int indent = (int)strlen(text) + 3;
    size_t column = (size_t)fprintf(out, "  %s:", text);
    for (size_t i = 0; i < count && i < FRAMES_MOST; i++) {
        if (pieces[i]->absent) {
            snprintf(text, sizeof text, " %" PRIu64 ">-", pieces[i]->page);
        } else {
            snprintf(text, sizeof text, " %" PRIu64 ">%" PRIu64, pieces[i]->page,
                     pieces[i]->at / map->frame);
        }
        if (column + strlen(text) > width) {
            column = (size_t)fprintf(out, "\n%*s", indent, "") - 1;
        }
        column += (size_t)fprintf(out, "%s", text);
    }
    if (count > FRAMES_MOST) {
        fprintf(out, " .. and %zu pages more", count - FRAMES_MOST);
    }
    fprintf(out, "\n");
}

static void frames_tables(FILE *out, const struct show *show, const struct show_map *map,
                          unsigned width)
{
    const struct show_piece **pieces = calloc(map->count + 1, sizeof *pieces);
    size_t count = 0;
    if (pieces == NULL) {
        complain_exhausted();
    }
    for (size_t i = 0; i < map->count; i++) {
        if (map->pieces[i].block != SHOW_NOBODY) {
            pieces[count++] = &map->pieces[i];
        }
    }
    qsort(pieces, count, sizeof *pieces, frames_compare);
    if (count > 0) {
        fprintf(out, "  page tables, page>frame (-: not in memory)\n");
    }
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i; end < count && pieces[end]->process == pieces[i]->process; end++) {
        }
        frames_table(out, show, map, pieces + i, end - i, width);
    }
    free(pieces);
}

void draw_frames(FILE *out, const struct show *show, const struct show_map *map, unsigned width)
{
    frames_grid(out, show, map, width);
    frames_tables(out, show, map, width);
}
