// SPDX-License-Identifier: MIT
//
// references.c - a reference string, read and numbered.
//
// Pages get their number by an open hash table of at most half its places taken: a string of a
// hundred million references costs one probe or two for each. A file is read a piece at a time: the
// first word that is no page ends it, also where the file has no end.

#include "faults/references.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE 65536 // bytes of a file at a time

struct place {
    uint64_t name;
    uint64_t page; // + 1; 0: free
};

struct table {
    struct place *places;
    size_t room; // a power of two, or 0
    size_t count;
};

struct reader {
    struct complaint *complaint;
    struct complaint_place place; // of the byte at `at`
    const char *at, *end;
    bool comment; // `at` is inside one
    struct references *references;
    size_t room;      // of references->pages
    size_t name_room; // of references->names
    struct table table;
};

// ---- numbering ----------------------------------------------------------------------------------

static struct place *table_find(const struct table *table, uint64_t name)
{
    uint64_t hash = name * UINT64_C(0x9e3779b97f4a7c15);
    size_t at = (size_t)(hash ^ hash >> 32) & (table->room - 1);
    while (table->places[at].page != 0 && table->places[at].name != name) {
        at = (at + 1) & (table->room - 1);
    }
    return &table->places[at];
}

static int table_grow(struct table *table)
{
    struct table larger = {.room = table->room > 0 ? table->room * 2 : 1024, .count = table->count};
    larger.places = calloc(larger.room, sizeof *larger.places);
    if (larger.places == NULL) {
        return ENOMEM;
    }
    for (size_t i = 0; i < table->room; i++) {
        if (table->places[i].page != 0) {
            *table_find(&larger, table->places[i].name) = table->places[i];
        }
    }
    free(table->places);
    *table = larger;
    return 0;
}

// A page that was not seen before; its number is `table.count` by now.
static int reader_name(struct reader *reader, uint64_t name)
{
    struct references *references = reader->references;
    size_t number = reader->table.count - 1;
    if (number == reader->name_room) {
        size_t room = number > 0 ? number * 2 : 64;
        uint64_t *names = reallocarray(references->names, room, sizeof *names);
        if (names == NULL) {
            return ENOMEM;
        }
        references->names = names;
        reader->name_room = room;
    }
    references->names[number] = name;
    return 0;
}

static int reader_add(struct reader *reader, uint64_t name)
{
    struct references *references = reader->references;
    struct table *table = &reader->table;
    if (2 * table->count >= table->room && table_grow(table) != 0) {
        return ENOMEM;
    }
    if (references->count == reader->room) {
        size_t room = reader->room > 0 ? reader->room * 2 : 1024;
        uint64_t *pages = reallocarray(references->pages, room, sizeof *pages);
        if (pages == NULL) {
            return ENOMEM;
        }
        references->pages = pages;
        reader->room = room;
    }
    struct place *place = table_find(table, name);
    if (place->page == 0) {
        table->count++;
        *place = (struct place){name, table->count};
        if (reader_name(reader, name) != 0) {
            return ENOMEM;
        }
    }
    references->pages[references->count++] = place->page - 1;
    return 0;
}

// ---- reading ------------------------------------------------------------------------------------

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void reader_step(struct reader *reader)
{
    reader->place.column++;
    if (*reader->at++ == '\n') {
        reader->place.line++;
        reader->place.column = 1;
    }
}

// Blanks and comments.
static void reader_skip(struct reader *reader)
{
    while (reader->at < reader->end &&
           (reader->comment || is_blank(*reader->at) || *reader->at == '#')) {
        reader->comment = *reader->at != '\n' && (reader->comment || *reader->at == '#');
        reader_step(reader);
    }
}

static int reader_number(struct reader *reader)
{
    struct complaint_place place = reader->place;
    const char *word = reader->at;
    uint64_t number = 0;
    bool digits = true, fits = true;
    while (reader->at < reader->end && !is_blank(*reader->at) && *reader->at != '#') {
        unsigned digit = (unsigned)(unsigned char)*reader->at - '0';
        digits &= digit <= 9;
        fits &= number <= (REFERENCES_MOST - digit) / 10;
        number = fits ? number * 10 + digit : number;
        reader_step(reader);
    }
    char text[64];
    size_t length = (size_t)(reader->at - word);
    length = length < sizeof text - 1 ? length : sizeof text - 1;
    memcpy(text, word, length);
    text[length] = '\0';
    if (!digits) {
        complain_at(reader->complaint, &place, "'%s' is no page number: digits only",
                    complaint_clip(text).text);
        return EINVAL;
    }
    if (!fits) {
        complain_at(reader->complaint, &place, "page %s is out of range: 0 .. 2^63",
                    complaint_clip(text).text);
        return EINVAL;
    }
    int error = reader_add(reader, number);
    if (error != 0) {
        complain_at(reader->complaint, &place, "out of memory after %zu references",
                    reader->references->count);
    }
    return error;
}

static void reader_open(struct reader *reader, const char *name, struct references *references,
                        struct complaint *complaint)
{
    *references = (struct references){0};
    *reader = (struct reader){
        .complaint = complaint,
        .place = {.file = name, .line = 1, .column = 1},
        .references = references,
    };
}

// All numbers of a piece of text, at whose end no number is cut in two.
static int reader_piece(struct reader *reader, const char *text, size_t length)
{
    int error = 0;
    reader->at = text;
    reader->end = text + length;
    reader_skip(reader);
    while (error == 0 && reader->at < reader->end) {
        error = reader_number(reader);
        reader_skip(reader);
    }
    return error;
}

static int reader_close(struct reader *reader, int error)
{
    struct references *references = reader->references;
    if (error == 0 && references->count == 0) {
        complain_at(reader->complaint, &reader->place, "no page number in it");
        error = EINVAL;
    }
    references->page_count = reader->table.count;
    free(reader->table.places);
    if (error != 0) {
        references_fini(references);
    }
    return error;
}

int references_parse(const char *text, size_t length, const char *name,
                     struct references *references, struct complaint *complaint)
{
    struct reader reader;
    reader_open(&reader, name, references, complaint);
    return reader_close(&reader, reader_piece(&reader, text, length));
}

int references_make(const uint64_t *names, size_t count, struct references *references)
{
    struct reader reader;
    int error = 0;
    reader_open(&reader, "names", references, NULL);
    for (size_t i = 0; i < count && error == 0; i++) {
        error = reader_add(&reader, names[i]);
    }
    return reader_close(&reader, error);
}

// How much of the text can be read now: up to its last blank, or all inside a comment. A word that
// fills the piece is none that could be a page.
static size_t whole_words(const struct reader *reader, const char *text, size_t length)
{
    size_t whole = length;
    while (whole > 0 && !is_blank(text[whole - 1])) {
        whole--;
    }
    return whole > 0 || (length < PIECE && !reader->comment) ? whole : length;
}

static int read_pieces(int file, struct reader *reader)
{
    static char text[PIECE];
    size_t length = 0;
    for (;;) {
        ssize_t got = read(file, text + length, sizeof text - length);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            int error = errno;
            complain(reader->complaint, "%s: %s", reader->place.file, strerror(error));
            return error;
        }
        if (got == 0) {
            return reader_piece(reader, text, length);
        }
        length += (size_t)got;
        size_t whole = whole_words(reader, text, length);
        int error = reader_piece(reader, text, whole);
        if (error != 0) {
            return error;
        }
        length -= whole;
        memmove(text, text + whole, length);
    }
}

int references_read(const char *path, struct references *references, struct complaint *complaint)
{
    bool standard = strcmp(path, "-") == 0;
    const char *name = standard ? "standard input" : path;
    struct reader reader;
    *references = (struct references){0};
    int file = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        int error = errno;
        complain(complaint, "%s: %s", name, strerror(error));
        return error;
    }
    reader_open(&reader, name, references, complaint);
    int error = reader_close(&reader, read_pieces(file, &reader));
    if (file > STDIN_FILENO) {
        close(file);
    }
    return error;
}

void references_fini(struct references *references)
{
    free(references->pages);
    free(references->names);
    *references = (struct references){0};
}
