// SPDX-License-Identifier: MIT
//
// plain.c - what others wrote, as a terminal may have it.
//
// 1. Why. A result that was sent by somebody else, a program's output, a file's name: a terminal
//    that gets them obeys what is in them. An escape sequence moves the cursor over a verdict or
//    sets the keyboard's answers; U+202E turns the rest of a line around, so that what is read is
//    not what is there (Boucher, Anderson: Trojan Source, 2021; Unicode TR 36, 3.2).
// 2. What. Control characters (C0 but line feed and tab, DEL, C1), the controls of direction and
// the
//    separators of lines and paragraphs, and bytes that are no UTF-8 (a terminal of eight bits may
//    take 0x9b for an escape) become what C writes for them: \x1b, \u202e, \xff. A line alone loses
//    its line feeds in the same way: it cannot pretend to be two. Everything else stays, letters of
//    all scripts too.
// 3. Where. Once, at the last step: tables and lists go through plain_open, whatever they contain;
//    each complaint is made plain as it is made. Documents are none of this: JSON, CSV and XML have
//    their own ways, and keep what there is.
// 4. A character may come in two pieces when a stream's buffer ends in it: the first is kept until
//    the second comes.

#include "job/plain.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "job/complaint.h"

#define PLAIN_WIDEST 6    // "\u202e"
#define PLAIN_MOST   2048 // bytes that are made plain in their place

struct plain_character {
    uint32_t code;
    size_t size;   // bytes; 0: the text ends in it
    bool is_valid; // else it is one byte that is no UTF-8
};

static struct plain_character plain_next(const unsigned char *at, size_t left)
{
    const struct plain_character byte = {at[0], 1, at[0] < 0x80};
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4) {
        return byte;
    }
    uint32_t code = at[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if (i == left) {
            return (struct plain_character){0, 0, false};
        }
        if ((at[i] & 0xc0) != 0x80) {
            return byte;
        }
        code = code << 6 | (at[i] & 0x3fu);
    }
    bool is_valid = code >= least[size] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return is_valid ? (struct plain_character){code, size, true} : byte;
}

static bool plain_is_unfit(uint32_t code, bool line)
{
    static const uint32_t ranges[][2] = {
        {0x00, 0x08},     {0x0b, 0x1f},     {0x7f, 0x9f},     // controls
        {0x061c, 0x061c}, {0x200e, 0x200f}, {0x2028, 0x202e}, // marks, separators, overrides
        {0x2066, 0x2069}, {0xfeff, 0xfeff},                   // isolates, byte order
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (code >= ranges[i][0] && code <= ranges[i][1]) {
            return true;
        }
    }
    return line && (code == '\n' || code == '\t');
}

// One character as it may be shown, not terminated; the bytes it takes.
static size_t plain_show(const unsigned char *at, struct plain_character character, bool line,
                         char shown[PLAIN_WIDEST + 1])
{
    if (!character.is_valid) {
        return (size_t)snprintf(shown, PLAIN_WIDEST + 1, "\\x%02x", at[0]);
    }
    if (plain_is_unfit(character.code, line)) {
        return (size_t)snprintf(shown, PLAIN_WIDEST + 1,
                                character.code < 0x80 ? "\\x%02x" : "\\u%04x", character.code);
    }
    memcpy(shown, at, character.size);
    return character.size;
}

// The text in `to`, as far as it fits with a NUL.
static void plain_copy(const char *text, bool line, char *to, size_t size)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t left = strlen(text), used = 0;
    while (left > 0) {
        char shown[PLAIN_WIDEST + 1];
        struct plain_character character = plain_next(at, left);
        character.size += character.size == 0; // the end cuts it: a byte of no character
        size_t length = plain_show(at, character, line, shown);
        if (used + length >= size) {
            break;
        }
        memcpy(to + used, shown, length);
        used += length;
        at += character.size;
        left -= character.size;
    }
    to[used] = '\0';
}

struct plain_line plain_line(const char *text)
{
    struct plain_line made;
    plain_copy(text, true, made.text, sizeof made.text);
    return made;
}

void plain_make(char *text, size_t size)
{
    char copy[PLAIN_MOST]; // no allocation: a cell complains of its allocator, too
    snprintf(copy, sizeof copy, "%s", text);
    plain_copy(copy, false, text, size);
}

// ---- a stream -----------------------------------------------------------------------------------

struct plain_stream {
    FILE *out;
    unsigned char kept[4]; // the beginning of a character
    size_t count;
};

static void plain_put(struct plain_stream *stream, const unsigned char *at,
                      struct plain_character character)
{
    char shown[PLAIN_WIDEST + 1];
    fwrite(shown, 1, plain_show(at, character, false, shown), stream->out);
}

// What is kept is no character: nothing more comes, or not what it wanted.
static void plain_give_up(struct plain_stream *stream)
{
    for (size_t i = 0; i < stream->count; i++) {
        plain_put(stream, &stream->kept[i], (struct plain_character){0, 1, false});
    }
    stream->count = 0;
}

static void plain_byte(struct plain_stream *stream, unsigned char byte)
{
    stream->kept[stream->count++] = byte;
    while (stream->count > 0) {
        struct plain_character character = plain_next(stream->kept, stream->count);
        if (character.size == 0) {
            return;
        }
        plain_put(stream, stream->kept, character);
        stream->count -= character.size;
        memmove(stream->kept, stream->kept + character.size, stream->count);
    }
}

static ssize_t plain_write(void *cookie, const char *bytes, size_t size)
{
    struct plain_stream *stream = cookie;
    for (size_t i = 0; i < size; i++) {
        plain_byte(stream, (unsigned char)bytes[i]);
    }
    return ferror(stream->out) ? 0 : (ssize_t)size;
}

static int plain_close(void *cookie)
{
    struct plain_stream *stream = cookie;
    plain_give_up(stream);
    int error = ferror(stream->out) ? EOF : 0;
    free(stream);
    return error;
}

FILE *plain_open(FILE *out)
{
    const cookie_io_functions_t functions = {.write = plain_write, .close = plain_close};
    struct plain_stream *stream = calloc(1, sizeof *stream);
    FILE *made = stream != NULL ? fopencookie(stream, "w", functions) : NULL;
    if (made == NULL) {
        complain_exhausted();
    }
    stream->out = out;
    return made;
}
