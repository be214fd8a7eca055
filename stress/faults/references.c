// SPDX-License-Identifier: MIT
//
// references.c - a reference string, read and numbered.
//
// Pages get their number by an open hash table of at most half its places taken: a string of a
// hundred million references costs one probe or two for each.

#include "faults/references.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    struct references *references;
    size_t room; // of references->pages
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
    while (reader->at < reader->end && (is_blank(*reader->at) || *reader->at == '#')) {
        bool comment = *reader->at == '#';
        while (comment && reader->at < reader->end && *reader->at != '\n') {
            reader_step(reader);
        }
        if (!comment) {
            reader_step(reader);
        }
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

int references_parse(const char *text, size_t length, const char *name,
                     struct references *references, struct complaint *complaint)
{
    struct reader reader = {
        .complaint = complaint,
        .place = {.file = name, .line = 1, .column = 1},
        .at = text,
        .end = text + length,
        .references = references,
    };
    int error = 0;
    *references = (struct references){0};
    reader_skip(&reader);
    while (error == 0 && reader.at < reader.end) {
        error = reader_number(&reader);
        reader_skip(&reader);
    }
    if (error == 0 && references->count == 0) {
        complain_at(complaint, &reader.place, "no page number in it");
        error = EINVAL;
    }
    references->page_count = reader.table.count;
    free(reader.table.places);
    if (error != 0) {
        references_fini(references);
    }
    return error;
}

static int read_all(int file, char **text, size_t *length)
{
    size_t room = 0;
    *text = NULL;
    *length = 0;
    for (;;) {
        if (*length == room) {
            room = room > 0 ? room * 2 : 65536;
            char *larger = realloc(*text, room);
            if (larger == NULL) {
                return ENOMEM;
            }
            *text = larger;
        }
        ssize_t got = read(file, *text + *length, room - *length);
        if (got < 0 && errno != EINTR) {
            return errno;
        }
        if (got == 0) {
            return 0;
        }
        *length += got > 0 ? (size_t)got : 0;
    }
}

int references_read(const char *path, struct references *references, struct complaint *complaint)
{
    bool standard = strcmp(path, "-") == 0;
    const char *name = standard ? "standard input" : path;
    char *text = NULL;
    size_t length = 0;
    *references = (struct references){0};
    int file = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    int error = file < 0 ? errno : read_all(file, &text, &length);
    if (error != 0) {
        complain(complaint, "%s: %s", name, strerror(error));
    } else {
        error = references_parse(text, length, name, references, complaint);
    }
    if (file > STDIN_FILENO) {
        close(file);
    }
    free(text);
    return error;
}

void references_fini(struct references *references)
{
    free(references->pages);
    *references = (struct references){0};
}
