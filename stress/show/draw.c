// SPDX-License-Identifier: MIT
//
// draw.c - steps, maps and the side-by-side table, in a terminal.
//
// A region is a bar: "[P4###][P3#]...." Blocks stand in brackets, holes are dots, blocks in a
// thread's magazine waves; each piece has at least two columns, and what is left is shared by size.
// Many pieces take several rows; more than that are sampled: each column then says what is most
// of it. Frames are a grid (draw_frames.c).

#include "show/draw.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "job/complaint.h"
#include "show/draw_frames.h"
#include "show/words.h"

#define DRAW_PIECE_COLUMNS 8  // wanted for a piece before a bar gets another row
#define DRAW_ROWS          8  // of a bar, at most
#define DRAW_LINES         40 // of the list of pieces, at most
#define DRAW_HEAD          2  // columns before what a target was opened with
#define DRAW_STEP          7  // before a step that goes on in another line
#define DRAW_REASON        9  // before a reason
#define DRAW_TARGET        21 // columns for a name in the table

void draw_head(FILE *out, const struct show *show, const struct target_spec *spec, unsigned width)
{
    char text[1000], unit[80] = "";
    if (show_unit(show) != 1) {
        snprintf(unit, sizeof unit, "; one unit is %" PRIu64 " bytes of the engine",
                 show_unit(show));
    }
    snprintf(text, sizeof text, "opened with %s%s", show_options(show), unit);
    fprintf(out, "%s\n", spec->name);
    words_wrap(out, DRAW_HEAD, width, text);
}

void draw_step(FILE *out, const struct show *show, const struct show_step *step, unsigned width)
{
    char text[sizeof step->operation + sizeof step->text + 4], name[100], from[32], to[32];
    if (step->outcome == SHOW_SILENT || step->outcome == SHOW_MAP) {
        return;
    }
    snprintf(text, sizeof text, "%s%s%s", step->operation, step->text[0] != '\0' ? " -> " : "",
             step->text);
    fprintf(out, "%5zu ", step->number);
    words_wrap_from(out, DRAW_STEP - 1, DRAW_STEP, width, text);
    words_wrap(out, DRAW_REASON, width, step->reason);
    for (size_t i = 0; i < step->move_count; i++) {
        const struct show_move *move = &step->moves[i];
        words_name(show_trace(show), move->process, move->block, name, sizeof name);
        words_amount(move->from, show_unit(show), from, sizeof from);
        words_amount(move->to, show_unit(show), to, sizeof to);
        fprintf(out, "       %s moved %s -> %s\n", name, from, to);
    }
}

// ---- bars ---------------------------------------------------------------------------------------

struct draw_bar {
    const struct trace *trace;
    uint64_t unit;
    const struct show_piece *pieces; // of one region
    size_t count;
    uint64_t from, bytes;
    unsigned width; // of a row
    unsigned columns;
    char *cells; // of all rows
    char *ruler; // positions below them
};

static void draw_put(char *row, size_t from, size_t room, const char *text)
{
    size_t length = strlen(text);
    memcpy(row + from, text, length < room ? length : room);
}

static const char draw_fill[] = {
    [MEMS_PIECE_BLOCK] = '#', [MEMS_PIECE_CACHED] = '~', [MEMS_PIECE_HOLE] = '.'};

static void draw_piece(struct draw_bar *bar, const struct show_piece *piece, size_t from,
                       size_t end)
{
    char text[100];
    memset(bar->cells + from, draw_fill[piece->kind], end - from);
    if (piece->kind == MEMS_PIECE_HOLE) {
        words_amount(piece->size, bar->unit, text, sizeof text);
        size_t length = strlen(text);
        if (end - from >= length + 4) {
            draw_put(bar->cells, from + (end - from - length) / 2, length, text);
        }
    } else {
        bar->cells[from] = '[';
        bar->cells[end - 1] = ']';
        words_name(bar->trace, piece->process, piece->block, text, sizeof text);
        if (piece->kind == MEMS_PIECE_BLOCK) {
            draw_put(bar->cells, from + 1, end - from - 2, text);
        }
    }
    // The position below, where the one before leaves room.
    words_amount(piece->at, bar->unit, text, sizeof text);
    size_t row_end = (from / bar->width + 1) * bar->width;
    bool room =
        from + strlen(text) <= row_end && (from % bar->width == 0 || bar->ruler[from - 1] == ' ');
    if (room) {
        draw_put(bar->ruler, from, strlen(text), text);
    }
}

static void draw_pieces(struct draw_bar *bar)
{
    size_t from = 0;
    double rest = bar->columns - 2 * (double)bar->count;
    for (size_t i = 0; i < bar->count; i++) {
        const struct show_piece *piece = &bar->pieces[i];
        double share = (double)(piece->at + piece->size - bar->from) / (double)bar->bytes;
        size_t end = 2 * (i + 1) + (size_t)(rest * share + 0.5);
        end = i + 1 == bar->count || end > bar->columns ? bar->columns : end;
        draw_piece(bar, piece, from, end);
        from = end;
    }
}

static void draw_sampled(struct draw_bar *bar)
{
    size_t next = 0;
    for (unsigned column = 0; column < bar->columns; column++) {
        uint64_t kinds[3] = {0};
        double share = (double)(column + 1) / bar->columns;
        uint64_t end = bar->from + (uint64_t)((double)bar->bytes * share);
        for (; next < bar->count && bar->pieces[next].at < end; next++) {
            kinds[bar->pieces[next].kind] += bar->pieces[next].size;
        }
        if (kinds[0] + kinds[1] + kinds[2] == 0) { // all of it belongs to the piece before
            kinds[bar->pieces[next > 0 ? next - 1 : 0].kind] = 1;
        }
        unsigned most = kinds[1] > kinds[0] ? 1 : 0;
        most = kinds[2] > kinds[most] ? 2 : most;
        bar->cells[column] = draw_fill[most];
    }
}

static void draw_bar(FILE *out, struct draw_bar *bar)
{
    size_t rows = (bar->count * DRAW_PIECE_COLUMNS + bar->width - 1) / bar->width;
    rows = rows < 1 ? 1 : rows > DRAW_ROWS ? DRAW_ROWS : rows;
    bar->columns = (unsigned)rows * bar->width;
    bar->cells = malloc(bar->columns);
    bar->ruler = malloc(bar->columns);
    if (bar->cells == NULL || bar->ruler == NULL) {
        complain_exhausted();
    }
    memset(bar->ruler, ' ', bar->columns);
    if (2 * bar->count <= bar->columns) {
        draw_pieces(bar);
    } else {
        draw_sampled(bar);
    }
    for (size_t row = 0; row < rows; row++) {
        const char *ruler = bar->ruler + row * bar->width;
        size_t length = bar->width;
        while (length > 0 && ruler[length - 1] == ' ') {
            length--;
        }
        fprintf(out, "  |%.*s|\n", (int)bar->width, bar->cells + row * bar->width);
        if (length > 0) {
            fprintf(out, "   %.*s\n", (int)length, ruler);
        }
    }
    free(bar->cells);
    free(bar->ruler);
}

static void draw_bars(FILE *out, const struct show *show, const struct show_map *map,
                      unsigned width)
{
    for (size_t i = 0; i < map->count && !map->pieces[i].absent;) {
        const struct show_piece *first = &map->pieces[i];
        struct draw_bar bar = {.trace = show_trace(show),
                               .unit = show_unit(show),
                               .pieces = first,
                               .from = first->at,
                               .width = width - 4};
        for (; i < map->count && !map->pieces[i].absent && map->pieces[i].region == first->region;
             i++) {
            bar.bytes += map->pieces[i].size;
            bar.count++;
        }
        draw_bar(out, &bar);
    }
}

// ---- the list and the account -------------------------------------------------------------------

static void draw_list(FILE *out, const struct show *show, const struct show_map *map)
{
    char at[32], size[32], wanted[32], name[100];
    fprintf(out, "  %10s %10s  %s\n", "at", "size", "what");
    for (size_t i = 0; i < map->count && i < DRAW_LINES; i++) {
        const struct show_piece *piece = &map->pieces[i];
        words_amount(piece->at, show_unit(show), at, sizeof at);
        words_amount(piece->size, show_unit(show), size, sizeof size);
        words_amount(piece->requested, show_unit(show), wanted, sizeof wanted);
        words_name(show_trace(show), piece->process, piece->block, name, sizeof name);
        fprintf(out, "  %10s %10s  ", piece->absent ? "not here" : at, size);
        if (piece->kind == MEMS_PIECE_HOLE) {
            fprintf(out, "free\n");
        } else if (piece->kind == MEMS_PIECE_CACHED) {
            fprintf(out, "free, in a thread's magazine\n");
        } else if (piece->requested != piece->size && !piece->more) {
            fprintf(out, "%s (asked for %s)\n", name, wanted);
        } else {
            fprintf(out, "%s\n", name);
        }
    }
    if (map->count > DRAW_LINES) {
        fprintf(out, "  .. and %zu pieces more; --json has them all\n", map->count - DRAW_LINES);
    }
}

static void draw_share(FILE *out, const char *what, double share)
{
    if (share < 0) {
        fprintf(out, "%s -", what);
    } else {
        fprintf(out, "%s %.1f %%", what, share * 100);
    }
}

static void draw_account(FILE *out, const struct show *show, const struct show_map *map)
{
    char wanted[32], taken[32], free_bytes[32], largest[32];
    const struct mems_stats *stats = &map->stats;
    uint64_t unit = show_unit(show);
    const char *hole = map->frame != 0 ? "frame" : "hole";
    words_amount(stats->requested_bytes, unit, wanted, sizeof wanted);
    words_amount(stats->block_bytes, unit, taken, sizeof taken);
    words_amount(stats->free_bytes, unit, free_bytes, sizeof free_bytes);
    words_amount(stats->largest_hole, unit, largest, sizeof largest);
    fprintf(out, "  live: %" PRIu64 " block%s, %s asked for, %s taken; ", stats->live_blocks,
            stats->live_blocks == 1 ? "" : "s", wanted, taken);
    draw_share(out, "internal fragmentation",
               stats->block_bytes > 0
                   ? 1 - (double)stats->requested_bytes / (double)stats->block_bytes
                   : -1);
    fprintf(out, "\n  free: %s in %" PRIu64 " %s%s", free_bytes, stats->holes, hole,
            stats->holes == 1 ? "" : "s");
    if (map->frame == 0) {
        fprintf(out, ", the largest %s; ", largest);
        draw_share(out, "external fragmentation",
                   stats->free_bytes > 0
                       ? 1 - (double)stats->largest_hole / (double)stats->free_bytes
                       : -1);
    }
    fprintf(out, "\n  refused: %" PRIu64 ", %" PRIu64 " of them though enough was free in all",
            stats->refusals, stats->refusals_enough_free);
    if (stats->faults > 0 || stats->evictions > 0) {
        fprintf(out, "; faults: %" PRIu64 ", %" PRIu64 " left memory", stats->faults,
                stats->evictions);
    }
    fprintf(out, "\n");
}

void draw_map(FILE *out, struct show *show, unsigned width)
{
    const struct show_map *map = show_look(show);
    char memory[32];
    words_amount(map->memory, show_unit(show), memory, sizeof memory);
    fprintf(out, "  memory: %s\n", memory);
    if (map->frame != 0) {
        draw_frames(out, show, map, width);
    } else {
        draw_bars(out, show, map, width);
        draw_list(out, show, map);
    }
    draw_account(out, show, map);
    fprintf(out, "\n");
}

// ---- side by side -------------------------------------------------------------------------------

static void draw_percent(FILE *out, int width, double share)
{
    if (share < 0) {
        fprintf(out, "%*s", width, "-");
    } else {
        fprintf(out, "%*.1f", width, share * 100);
    }
}

void draw_table(FILE *out, const struct draw_row *rows, size_t count)
{
    fprintf(out, "%-*s%8s%8s%8s%6s%6s%7s%9s\n", DRAW_TARGET, "", "", "", "enough", "int.", "ext.",
            "", "largest");
    fprintf(out, "%-*s%8s%8s%8s%6s%6s%7s%9s%7s\n", DRAW_TARGET, "policy", "served", "refused",
            "free", "%", "%", "holes", "hole", "faults");
    for (size_t i = 0; i < count; i++) {
        const struct show_summary *summary = &rows[i].summary;
        char largest[32];
        words_amount(summary->largest_hole, rows[i].unit, largest, sizeof largest);
        if (strlen(rows[i].target) > DRAW_TARGET) {
            fprintf(out, "%s\n%-*s", rows[i].target, DRAW_TARGET, "");
        } else {
            fprintf(out, "%-*s", DRAW_TARGET, rows[i].target);
        }
        fprintf(out, "%8" PRIu64 "%8" PRIu64 "%8" PRIu64, summary->served, summary->refused,
                summary->refused_enough);
        draw_percent(out, 6, summary->internal);
        draw_percent(out, 6, summary->external);
        fprintf(out, "%7" PRIu64 "%9s%7" PRIu64 "\n", summary->holes, largest, summary->faults);
    }
}
