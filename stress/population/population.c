// SPDX-License-Identifier: MIT
//
// population.c - a population as a file, read and written.

#include "population/population.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk/memory.h"
#include "job/number.h"

#define POPULATION_HEADER  "mems-fleet"
#define POPULATION_VERSION 1
#define POPULATION_BYTES   (UINT64_C(16) << 20) // of a file: no row needs a hundredth of that
#define POPULATION_RATE    1e15 // the largest rate or count; the least is one over it

struct word {
    const char *at;
    size_t length;
};

#define LINE_WORDS 4 // one more than there may be

struct reader {
    struct complaint *complaint;
    struct complaint_place place; // of the line; column 1
    const char *line;
    struct word words[LINE_WORDS];
    size_t word_count;
    struct population *population;
};

// ---- complaints ---------------------------------------------------------------------------------

static struct complaint_clip clipped(const struct word *word)
{
    char text[64];
    size_t length = word->length < sizeof text - 1 ? word->length : sizeof text - 1;
    memcpy(text, word->at, length);
    text[length] = '\0';
    return complaint_clip(text);
}

// The place of a word of the line.
static struct complaint_place place_of(const struct reader *reader, const struct word *word)
{
    struct complaint_place place = reader->place;
    place.column = (unsigned)(word->at - reader->line) + 1;
    return place;
}

static int wrong(struct reader *reader, const struct word *word, const char *why)
{
    struct complaint_place place = place_of(reader, word);
    complain_at(reader->complaint, &place, "'%s': %s", clipped(word).text, why);
    return EINVAL;
}

// ---- reading ------------------------------------------------------------------------------------

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void split(struct reader *reader, const char *end)
{
    const char *at = reader->line;
    reader->word_count = 0;
    while (reader->word_count < LINE_WORDS) {
        while (at < end && is_blank(*at)) {
            at++;
        }
        if (at == end || *at == '#') {
            return;
        }
        struct word *word = &reader->words[reader->word_count++];
        word->at = at;
        while (at < end && !is_blank(*at) && *at != '#') {
            at++;
        }
        word->length = (size_t)(at - word->at);
    }
}

static int read_size(struct reader *reader, const struct word *word, uint64_t *size)
{
    struct complaint why = {""};
    if (number_parse(word->at, word->length, NUMBER_BYTES, size, &why) != 0) {
        return wrong(reader, word, why.text);
    }
    if (*size == 0 || *size > POPULATION_MOST) {
        return wrong(reader, word, "a size is 1 .. 1Ti");
    }
    return 0;
}

// SIZE or FROM-TO.
static int read_sizes(struct reader *reader, const struct word *word, struct population_row *row)
{
    const struct population *population = reader->population;
    const char *dash = memchr(word->at, '-', word->length);
    struct word low = {word->at, dash != NULL ? (size_t)(dash - word->at) : word->length};
    int error = read_size(reader, &low, &row->low);
    row->high = row->low;
    if (error == 0 && dash != NULL) {
        struct word high = {dash + 1, word->length - low.length - 1};
        error = read_size(reader, &high, &row->high);
    }
    if (error == 0 && row->high < row->low) {
        error = wrong(reader, word, "a range that ends before it begins: write the smaller first");
    }
    if (error == 0 && population->count > 0 &&
        row->low <= population->rows[population->count - 1].high) {
        error = wrong(reader, word, "sizes go up, and none is in two rows");
    }
    return error;
}

static int read_rate(struct reader *reader, const struct word *word, double *rate)
{
    struct complaint why = {""};
    if (number_parse_real(word->at, word->length, rate, &why) != 0) {
        return wrong(reader, word, why.text);
    }
    if (*rate != 0 && !(*rate >= 1 / POPULATION_RATE && *rate <= POPULATION_RATE)) {
        return wrong(reader, word, "it should be 0, or a number from 1e-15 to 1e15");
    }
    return 0;
}

static int add_row(struct population *population, const struct population_row *row)
{
    size_t count = population->count;
    if ((count & (count - 1)) == 0) { // grown at powers of two
        struct population_row *rows =
            reallocarray(population->rows, count > 0 ? 2 * count : 1, sizeof *rows);
        if (rows == NULL) {
            return ENOMEM;
        }
        population->rows = rows;
    }
    population->rows[population->count++] = *row;
    population->births += row->births;
    population->live += row->live;
    return 0;
}

static int read_row(struct reader *reader)
{
    struct population_row row = {0};
    if (reader->word_count != 3) {
        const struct word *word = &reader->words[reader->word_count < 3 ? 0 : 3];
        return wrong(reader, word, "a row is three words: SIZE or FROM-TO, births, live");
    }
    if (reader->population->count == POPULATION_ROWS) {
        return wrong(reader, &reader->words[0], "more than 4096 rows");
    }
    int error = read_sizes(reader, &reader->words[0], &row);
    error = error != 0 ? error : read_rate(reader, &reader->words[1], &row.births);
    error = error != 0 ? error : read_rate(reader, &reader->words[2], &row.live);
    if (error == 0 && row.live <= 0) {
        error = wrong(reader, &reader->words[2],
                      row.births > 0 ? "what is born lives for a while: live is above 0"
                                     : "neither born nor alive: leave the row out");
    }
    error = error != 0 ? error : add_row(reader->population, &row);
    if (error == ENOMEM) {
        complain(reader->complaint, "%s", strerror(ENOMEM));
    }
    return error;
}

static int read_header(struct reader *reader)
{
    const struct word *words = reader->words;
    uint64_t version;
    struct complaint ignored = {""};
    if (reader->word_count != 2 || words[0].length != strlen(POPULATION_HEADER) ||
        memcmp(words[0].at, POPULATION_HEADER, words[0].length) != 0 ||
        number_parse(words[1].at, words[1].length, NUMBER_COUNT, &version, &ignored) != 0) {
        complain_at(reader->complaint, &reader->place,
                    "not a distribution: the first line should be '" POPULATION_HEADER " %d'",
                    POPULATION_VERSION);
        return EINVAL;
    }
    return version == POPULATION_VERSION
               ? 0
               : wrong(reader, &words[1], "this mems-stress reads version 1 only");
}

static int read_lines(struct reader *reader, const char *text, size_t length)
{
    const char *end = text + length;
    int error = 0;
    while (error == 0 && (text < end || reader->place.line == 0)) {
        const char *newline = text < end ? memchr(text, '\n', (size_t)(end - text)) : NULL;
        reader->place.line++;
        reader->line = text;
        split(reader, newline != NULL ? newline : end);
        if (reader->place.line == 1) {
            error = read_header(reader);
        } else if (reader->word_count > 0) {
            error = read_row(reader);
        }
        text = newline != NULL ? newline + 1 : end;
    }
    if (error == 0 && reader->population->births <= 0) {
        complain_at(reader->complaint, &reader->place, "no row in which blocks are born");
        error = EINVAL;
    }
    return error;
}

int population_parse(const char *text, size_t length, const char *name,
                     struct population *population, struct complaint *complaint)
{
    struct reader reader = {
        .complaint = complaint, .place = {.file = name, .column = 1}, .population = population};
    *population = (struct population){0};
    int error = read_lines(&reader, text, length);
    if (error != 0) {
        population_fini(population);
    }
    return error;
}

int population_read(const char *path, struct population *population, struct complaint *complaint)
{
    *population = (struct population){0};
    FILE *file = fopen(path, "re");
    char *text = file != NULL ? malloc(POPULATION_BYTES) : NULL;
    int error = file == NULL ? errno : text == NULL ? ENOMEM : 0;
    size_t length = 0;
    if (error == 0) {
        length = fread(text, 1, POPULATION_BYTES, file);
        error = ferror(file) != 0 ? errno : 0;
    }
    if (error != 0) {
        complain(complaint, "%s: %s", path, strerror(error));
    } else if (length == POPULATION_BYTES) {
        complain(complaint, "%s: larger than any distribution: 16 MiB and more", path);
        error = EFBIG;
    } else {
        error = population_parse(text, length, path, population, complaint);
    }
    free(text);
    if (file != NULL) {
        fclose(file);
    }
    return error;
}

void population_fini(struct population *population)
{
    free(population->rows);
    *population = (struct population){0};
}

// ---- writing ------------------------------------------------------------------------------------

// Seven digits, without an exponent.
static void print_rate(FILE *out, double rate, const char *after)
{
    int digits = rate > 0 ? 6 - (int)floor(log10(rate)) : 0;
    fprintf(out, "%-14.*f%s", digits > 0 ? digits : 0, rate, after);
}

char *population_text(const struct population *population, const char *comment)
{
    char *text = NULL, sizes[48];
    size_t length;
    FILE *out = disk_memory(&text, &length);
    if (out == NULL) {
        return NULL;
    }
    fprintf(out, POPULATION_HEADER " %d\n", POPULATION_VERSION);
    for (const char *at = comment; at != NULL && *at != '\0';) {
        size_t line = strcspn(at, "\n");
        fprintf(out, "# %.*s\n", (int)line, at);
        at += line + (at[line] == '\n');
    }
    fprintf(out, "# %-20s%-14s%s\n", "size", "births", "live");
    for (size_t i = 0; i < population->count; i++) {
        const struct population_row *row = &population->rows[i];
        int used = snprintf(sizes, sizeof sizes, "%llu", (unsigned long long)row->low);
        if (row->high > row->low) {
            snprintf(sizes + used, sizeof sizes - (size_t)used, "-%llu",
                     (unsigned long long)row->high);
        }
        fprintf(out, "%-22s", sizes);
        print_rate(out, row->births, " ");
        int digits = 6 - (int)floor(log10(row->live));
        fprintf(out, "%.*f\n", digits > 0 ? digits : 0, row->live);
    }
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        free(text);
        text = NULL;
    }
    return text;
}
