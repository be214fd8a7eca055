// SPDX-License-Identifier: MIT
//
// plot.c - a series of values in a line, or in a few.
//
// The scale runs from the least to the largest value that is drawn, but over a tenth of their
// middle at least: figures that differ by less than a few per cent look as level as they are.

#include "history/plot.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define PLOT_LEVELS 8
#define PLOT_ROWS   8
#define PLOT_SCALE  10  // columns on the left of the dots
#define PLOT_RANGE  0.1 // of the middle, at least

struct plot_scale {
    double low, high;
    size_t first; // value that is drawn first
};

struct plot_number plot_number(double value)
{
    static const char suffixes[] = {' ', 'k', 'M', 'G', 'T'};
    struct plot_number number;
    size_t suffix = 0;
    while (fabs(value) >= 9999.5 && suffix + 1 < sizeof suffixes) {
        value /= 1000;
        suffix++;
    }
    int length = snprintf(number.text, sizeof number.text, "%.4g", value);
    if (suffix > 0 && length > 0) {
        snprintf(number.text + length, sizeof number.text - (size_t)length, " %c",
                 suffixes[suffix]);
    }
    return number;
}

static struct plot_scale plot_scale(const struct plot *plot, size_t width)
{
    struct plot_scale scale = {INFINITY, -INFINITY, plot->count};
    size_t columns = 0;
    while (scale.first > 0) {
        size_t more = plot->marked[scale.first - 1] ? 2 : 1;
        if (columns + more > width) {
            break;
        }
        columns += more;
        scale.first--;
        scale.low = fmin(scale.low, plot->values[scale.first]);
        scale.high = fmax(scale.high, plot->values[scale.first]);
    }
    double middle = (scale.low + scale.high) / 2;
    double half = fmax((scale.high - scale.low) / 2, fabs(middle) * PLOT_RANGE / 2);
    scale.low = middle - half;
    scale.high = middle + half;
    return scale;
}

// 0 .. levels - 1.
static size_t plot_level(const struct plot_scale *scale, double value, size_t levels)
{
    double share = (value - scale->low) / (scale->high - scale->low);
    return scale->high > scale->low ? (size_t)lrint(share * (double)(levels - 1)) : levels / 2;
}

void plot_spark(FILE *out, const struct plot *plot)
{
    static const char *const blocks[PLOT_LEVELS] = {"\u2581", "\u2582", "\u2583", "\u2584",
                                                    "\u2585", "\u2586", "\u2587", "\u2588"};
    static const char *const points[PLOT_LEVELS] = {"_", ".", ":", "-", "=", "+", "*", "#"};
    struct plot_scale scale = plot_scale(plot, plot->width);
    size_t columns = 0;
    for (size_t i = scale.first; i < plot->count; i++) {
        size_t level = plot_level(&scale, plot->values[i], PLOT_LEVELS);
        if (plot->marked[i]) {
            fputc('|', out);
            columns++;
        }
        fputs(plot->ascii ? points[level] : blocks[level], out);
        columns++;
    }
    fprintf(out, "%*s", (int)(plot->width - columns), "");
}

static void plot_row(FILE *out, const struct plot *plot, const struct plot_scale *scale, size_t row)
{
    char line[256];
    size_t length = 0;
    for (size_t i = scale->first; i < plot->count && length + 2 < sizeof line; i++) {
        if (plot->marked[i]) {
            line[length++] = '|';
        }
        bool here = plot_level(scale, plot->values[i], PLOT_ROWS) == PLOT_ROWS - 1 - row;
        line[length++] = here ? 'o' : ' ';
    }
    while (length > 0 && line[length - 1] == ' ') {
        length--;
    }
    fprintf(out, "%.*s\n", (int)length, line);
}

void plot_dots(FILE *out, const struct plot *plot, const char *first, const char *last)
{
    size_t width = plot->width - PLOT_SCALE;
    struct plot_scale scale = plot_scale(plot, width);
    size_t columns = 0;
    for (size_t row = 0; row < PLOT_ROWS; row++) {
        double edge = row == 0 ? scale.high : scale.low;
        bool labelled = row == 0 || row + 1 == PLOT_ROWS;
        fprintf(out, "%*s |", PLOT_SCALE - 2, labelled ? plot_number(edge).text : "");
        plot_row(out, plot, &scale, row);
    }
    for (size_t i = scale.first; i < plot->count; i++) {
        columns += plot->marked[i] ? 2 : 1;
    }
    fprintf(out, "%*s +", PLOT_SCALE - 2, "");
    for (size_t i = 0; i < columns; i++) {
        fputc('-', out);
    }
    int gap = (int)columns - (int)strlen(first) - (int)strlen(last);
    fprintf(out, "\n%*s%s%*s%s\n", PLOT_SCALE, "", first, gap > 2 ? gap : 2, "", last);
}
