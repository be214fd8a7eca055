// SPDX-License-Identifier: MIT
//
// document.c - lines, sections, comments, quotes and includes of a job file.
//
// 1. Lines
//
// A line is blank, a comment (# or ;), a section's head [name], or key = value. A comment may also
// follow anything after white space. There is no limit to a line's length and no continuation.
// Lines end with LF or CRLF; a byte order mark at the start is skipped.
//
// 2. Values
//
// White space around a value is not part of it. A value in double quotes is taken as it stands,
// also with # and ; and with white space at its ends; "" inside stands for one quote. Variables
// are replaced in both (text.c). An empty value is an error.
//
// 3. Includes
//
// `include = FILE` reads the lines of FILE in its place; a relative FILE starts at the folder of
// the file that names it, and so do the paths of the lines it brings. Keys before FILE's first
// section belong to the section that includes it. When FILE has sections of its own, the including
// file must open one before its next key: which one the key would belong to is not visible there.
//
// A file that includes itself, over any number of steps, is told by device and inode. Diamonds are
// fine; the number of files a job may read is bounded, because diamonds multiply.

#include "job/document.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "job/job.h"
#include "job/text.h"

#define FILES_MAX 256

struct reader {
    struct document *document;
    struct complaint *complaint;
    const char *file, *folder;
    const struct text_file *loaded; // NULL: from memory
    const struct reader *parent;    // the file that includes this one
    unsigned *files;                // read so far by the whole job
    unsigned line;
    bool covered; // an included file has opened sections since the last one of this file
};

static int read_text(struct reader *reader, const char *text, size_t length);

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool comment(char c)
{
    return c == '#' || c == ';';
}

static const char *skip_blank(const char *at, const char *end)
{
    while (at < end && blank(*at)) {
        at++;
    }
    return at;
}

static struct complaint_place place_at(const struct reader *reader, const char *line,
                                       const char *at)
{
    return (struct complaint_place){reader->file, reader->line, (unsigned)(at - line) + 1};
}

static int open_section(struct reader *reader, struct complaint_place at, const char *name)
{
    struct document *document = reader->document;
    bool global = strcmp(name, "global") == 0;
    for (struct document_section *other = document->sections; other && !global;
         other = other->next) {
        if (!other->global && strcmp(other->name, name) == 0) {
            complain_at(reader->complaint, &at,
                        "section [%s] twice: the first is at %s:%u; give each its own name",
                        complaint_clip(name).text, other->at.file, other->at.line);
            return EINVAL;
        }
    }
    if (!global && ++document->section_count > DOCUMENT_SECTIONS_MAX) {
        complain_at(reader->complaint, &at, "more than %d sections", DOCUMENT_SECTIONS_MAX);
        return EINVAL;
    }
    struct document_section *section = arena_get(&document->arena, sizeof *section);
    section->name = name;
    section->at = at;
    section->global = global;
    if (document->last) {
        document->last->next = section;
    } else {
        document->sections = section;
    }
    document->last = section;
    reader->covered = false;
    return 0;
}

static int read_head(struct reader *reader, const char *line, const char *at, const char *end)
{
    struct complaint_place place = place_at(reader, line, at);
    const char *close = memchr(at, ']', (size_t)(end - at));
    if (!close) {
        complain_at(reader->complaint, &place, "a section's head without its ']': write [name]");
        return EINVAL;
    }
    const char *name = skip_blank(at + 1, close);
    const char *name_end = close;
    while (name_end > name && blank(name_end[-1])) {
        name_end--;
    }
    if (name == name_end || name_end - name > DOCUMENT_SECTION_NAME_MAX ||
        memchr(name, '[', (size_t)(name_end - name))) {
        complain_at(reader->complaint, &place,
                    "bad name of a section: allowed is 1 to %d characters without [ and ]",
                    DOCUMENT_SECTION_NAME_MAX);
        return EINVAL;
    }
    const char *rest = skip_blank(close + 1, end);
    if (rest < end && !(comment(*rest) && rest > close + 1)) {
        place = place_at(reader, line, rest);
        complain_at(reader->complaint, &place,
                    "text after a section's head: only a comment (# or ; after white space) may "
                    "follow");
        return EINVAL;
    }
    return open_section(reader, place,
                        arena_copy(&reader->document->arena, name, (size_t)(name_end - name)));
}

// A value in quotes; `at` is its first quote. Moves `at` past the last one.
static int read_quoted(struct reader *reader, const char *line, const char **at, const char *end,
                       const char **value, size_t *length)
{
    char *text = arena_get(&reader->document->arena, (size_t)(end - *at));
    const char *from = *at + 1;
    size_t used = 0;
    for (; from < end; from++) {
        if (*from == '"') {
            if (from + 1 == end || from[1] != '"') {
                break;
            }
            from++;
        }
        text[used++] = *from;
    }
    if (from == end) {
        struct complaint_place place = place_at(reader, line, *at);
        complain_at(reader->complaint, &place, "a quoted value without its closing '\"'");
        return EINVAL;
    }
    const char *rest = skip_blank(from + 1, end);
    if (rest < end && !(comment(*rest) && rest > from + 1)) {
        struct complaint_place place = place_at(reader, line, rest);
        complain_at(reader->complaint, &place,
                    "text after a quoted value: a quote inside is written \"\"");
        return EINVAL;
    }
    *at += 1;
    *value = text;
    *length = used;
    return 0;
}

static void read_plain(const char *at, const char *end, const char **value, size_t *length)
{
    const char *stop = at;
    while (stop < end && !(comment(*stop) && (stop == at || blank(stop[-1])))) {
        stop++;
    }
    while (stop > at && blank(stop[-1])) {
        stop--;
    }
    *value = at;
    *length = (size_t)(stop - at);
}

// What complaints call an included file: as it was named, beside the file that names it.
static const char *name_included(const struct reader *reader, const char *path)
{
    const char *slash = strrchr(reader->file, '/');
    if (path[0] == '/' || !slash) {
        return path;
    }
    return arena_print(&reader->document->arena, "%.*s%s", (int)(slash + 1 - reader->file),
                       reader->file, path);
}

static int include(struct reader *reader, const struct document_entry *entry)
{
    struct document *document = reader->document;
    const char *path = entry->value;
    if (path[0] != '/') {
        path = arena_print(&document->arena, "%s/%s", reader->folder, path);
    }
    struct text_file file;
    struct complaint why = {{0}};
    int error = text_load(path, &document->arena, &file, &why);
    if (error) {
        complain_at(reader->complaint, &entry->value_at, "include = %s: %s",
                    complaint_clip(entry->value).text, why.text);
        return error;
    }
    for (const struct reader *outer = reader; outer; outer = outer->parent) {
        if (outer->loaded && outer->loaded->device == file.device &&
            outer->loaded->inode == file.inode) {
            complain_at(reader->complaint, &entry->value_at, "include = %s: %s includes itself%s%s",
                        complaint_clip(entry->value).text, outer->file,
                        outer == reader ? "" : " by way of ", outer == reader ? "" : reader->file);
            return EINVAL;
        }
    }
    if (++*reader->files > FILES_MAX) {
        complain_at(reader->complaint, &entry->value_at, "the job reads more than %d files",
                    FILES_MAX);
        return EINVAL;
    }
    struct reader inner = {.document = document,
                           .complaint = reader->complaint,
                           .file = name_included(reader, entry->value),
                           .folder = file.folder,
                           .loaded = &file,
                           .parent = reader,
                           .files = reader->files};
    struct document_section *before = document->last;
    error = read_text(&inner, file.bytes, file.length);
    if (document->last != before) {
        reader->covered = true;
    }
    return error;
}

static int add_entry(struct reader *reader, const struct document_entry *made)
{
    struct document_section *section = reader->document->last;
    if (strcmp(made->key, "include") == 0) {
        return include(reader, made);
    }
    if (!section) {
        complain_at(reader->complaint, &made->key_at,
                    "key '%s' before the first section: begin with [global] or [name]",
                    complaint_clip(made->key).text);
        return EINVAL;
    }
    if (reader->covered) {
        complain_at(reader->complaint, &made->key_at,
                    "key '%s' after an include with sections of its own: open a section first "
                    "([global] or [name])",
                    complaint_clip(made->key).text);
        return EINVAL;
    }
    struct document_entry *entry = arena_get(&reader->document->arena, sizeof *entry);
    *entry = *made;
    entry->level = section->global ? DOCUMENT_GLOBAL : DOCUMENT_OWN;
    if (section->last) {
        section->last->next = entry;
    } else {
        section->entries = entry;
    }
    section->last = entry;
    return 0;
}

static bool key_character(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

// The value that begins at `at`, into an entry that has its key.
static int read_value(struct reader *reader, const char *line, const char *at, const char *end,
                      struct document_entry *entry)
{
    struct arena *arena = &reader->document->arena;
    const char *raw;
    size_t length;
    entry->quoted = at < end && *at == '"';
    if (entry->quoted) {
        int error = read_quoted(reader, line, &at, end, &raw, &length);
        if (error) {
            return error;
        }
    } else if (reader->line == 0) { // the command line has no comments
        raw = at;
        length = (size_t)(end - at);
    } else {
        read_plain(at, end, &raw, &length);
    }
    entry->value_at = place_at(reader, line, at);
    char *value;
    int error = text_expand(raw, length, &entry->value_at, arena, &reader->document->names, &value,
                            reader->complaint);
    if (error) {
        return error;
    }
    entry->value = value;
    entry->literal = !entry->quoted && strlen(value) == length && memcmp(value, raw, length) == 0;
    if (!*value) {
        complain_at(reader->complaint, &entry->value_at,
                    "key '%s' has no value: give one, or leave the line out for the default",
                    complaint_clip(entry->key).text);
        return EINVAL;
    }
    return 0;
}

// key = value; `at` is the key's first character.
static int read_entry(struct reader *reader, const char *line, const char *at, const char *end)
{
    struct arena *arena = &reader->document->arena;
    struct document_entry entry = {.folder = reader->folder};
    entry.key_at = place_at(reader, line, at);
    const char *key = at;
    while (at < end && key_character(*at)) {
        at++;
    }
    entry.key = arena_copy(arena, key, (size_t)(at - key));
    const char *equals = skip_blank(at, end);
    if (at == key || equals == end || *equals != '=') {
        complain_at(reader->complaint, &entry.key_at,
                    "expected [section], key = value, or a comment, not '%s'",
                    complaint_clip(arena_copy(arena, key, (size_t)(end - key))).text);
        return EINVAL;
    }
    int error = read_value(reader, line, skip_blank(equals + 1, end), end, &entry);
    if (error) {
        return error;
    }
    return add_entry(reader, &entry);
}

static int read_line(struct reader *reader, const char *line, const char *end)
{
    const char *at = skip_blank(line, end);
    if (at == end || comment(*at)) {
        return 0;
    }
    if (*at == '[') {
        return read_head(reader, line, at, end);
    }
    return read_entry(reader, line, at, end);
}

// The place and the name of the byte at `bad`.
static int complain_byte(struct reader *reader, const char *text, size_t bad)
{
    size_t line = 0;
    reader->line = 1;
    for (size_t i = 0; i < bad; i++) {
        if (text[i] == '\n') {
            reader->line++;
            line = i + 1;
        }
    }
    struct complaint_place place = place_at(reader, text + line, text + bad);
    unsigned char byte = (unsigned char)text[bad];
    complain_at(reader->complaint, &place, "byte 0x%02x (%s): a job is a text file in UTF-8", byte,
                byte == 0      ? "NUL"
                : byte >= 0x80 ? "not UTF-8"
                               : "a control character");
    return EINVAL;
}

static int read_text(struct reader *reader, const char *text, size_t length)
{
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        length -= 3;
    }
    size_t bad = text_check(text, length);
    if (bad < length) {
        return complain_byte(reader, text, bad);
    }
    const char *at = text, *end = text + length;
    int error = 0;
    while (at < end && !error) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const char *line_end = stop ? stop : end;
        if (stop && line_end > at && line_end[-1] == '\r') {
            line_end--;
        }
        reader->line++;
        error = read_line(reader, at, line_end);
        at = stop ? stop + 1 : end;
    }
    return error;
}

int document_read(struct document *document, const char *path, const char **folder,
                  struct complaint *complaint)
{
    struct text_file file;
    struct complaint why = {{0}};
    struct complaint_place place = {path, 1, 1};
    int error = text_load(path, &document->arena, &file, &why);
    if (error) {
        complain_at(complaint, &place, "%s", why.text);
        return error;
    }
    document->name = arena_copy(&document->arena, path, strlen(path));
    unsigned files = 1;
    struct reader reader = {.document = document,
                            .complaint = complaint,
                            .file = document->name,
                            .folder = file.folder,
                            .loaded = &file,
                            .files = &files};
    *folder = file.folder;
    return read_text(&reader, file.bytes, file.length);
}

int document_parse(struct document *document, const char *text, size_t length, const char *name,
                   const char *folder, struct complaint *complaint)
{
    document->name = arena_copy(&document->arena, name, strlen(name));
    unsigned files = 1;
    struct reader reader = {.document = document,
                            .complaint = complaint,
                            .file = document->name,
                            .folder = arena_copy(&document->arena, folder, strlen(folder)),
                            .files = &files};
    return read_text(&reader, text, length);
}

// The section with the longest name that the text begins with, before a dot.
static const struct document_section *find_named(const struct document *document, const char *text)
{
    const struct document_section *found = NULL;
    for (const struct document_section *at = document->sections; at; at = at->next) {
        size_t length = strlen(at->name);
        if (!at->global && strncmp(text, at->name, length) == 0 && text[length] == '.' &&
            (!found || length > strlen(found->name))) {
            found = at;
        }
    }
    return found;
}

// SECTION.KEY with a section that is not there; its name is what stands before the dot.
static int complain_section(struct reader *reader, const char *text, const char *dot)
{
    const struct document *document = reader->document;
    struct arena *arena = &reader->document->arena;
    const char **names = arena_get(arena, (document->section_count + 1) * sizeof *names);
    const char *name = arena_copy(arena, text, (size_t)(dot - text));
    size_t count = 0;
    for (const struct document_section *at = document->sections; at; at = at->next) {
        if (!at->global) {
            names[count++] = at->name;
        }
    }
    const char *near = job_suggest(name, names);
    struct complaint_place place = place_at(reader, text, text);
    complain_at(reader->complaint, &place, "the job has no section [%s]%s%s%s",
                complaint_clip(name).text, near ? "; did you mean [" : "", near ? near : "",
                near ? "]?" : "; write KEY=VALUE or SECTION.KEY=VALUE");
    return EINVAL;
}

static int add_override(struct document *document, struct document_override *made,
                        struct complaint *complaint)
{
    for (const struct document_override *other = document->overrides; other; other = other->next) {
        bool everywhere = !other->section && !made->section;
        if (strcmp(other->entry.key, made->entry.key) == 0 &&
            (everywhere ||
             (other->section && made->section && strcmp(other->section, made->section) == 0))) {
            complain_at(complaint, &made->entry.key_at, "key '%s' is set twice: the first is %s",
                        complaint_clip(made->entry.key).text, other->entry.key_at.file);
            return EINVAL;
        }
    }
    if (document->last_override) {
        document->last_override->next = made;
    } else {
        document->overrides = made;
    }
    document->last_override = made;
    return 0;
}

// What stands before the equals sign: [SECTION.]KEY. Returns where the sign is.
static int read_target(struct reader *reader, const char *text, struct document_override *made,
                       const char **equals)
{
    const struct document_section *section = find_named(reader->document, text);
    const char *key = section ? text + strlen(section->name) + 1 : text;
    const char *at = key;
    while (key_character(*at)) {
        at++;
    }
    made->section = section ? section->name : NULL;
    made->entry.key = arena_copy(&reader->document->arena, key, (size_t)(at - key));
    *equals = skip_blank(at, at + strlen(at));
    const char *stop = text + strcspn(text, "=");
    const char *dot = memrchr(text, '.', (size_t)(stop - text));
    if (!section && dot) {
        return complain_section(reader, text, dot);
    }
    if (at == key || **equals != '=' || strcmp(made->entry.key, "include") == 0) {
        complain_at(reader->complaint, &made->entry.key_at,
                    "expected KEY=VALUE or SECTION.KEY=VALUE");
        return EINVAL;
    }
    return 0;
}

int document_override(struct document *document, const char *text, struct complaint *complaint)
{
    struct arena *arena = &document->arena;
    struct document_override *made = arena_get(arena, sizeof *made);
    struct reader reader = {.document = document, .complaint = complaint, .folder = "/"};
    char *folder = realpath(".", NULL);
    if (folder) {
        reader.folder = arena_copy(arena, folder, strlen(folder));
    }
    free(folder);
    reader.file = arena_print(arena, "--set %s", complaint_clip(text).text);
    made->entry = (struct document_entry){.folder = reader.folder, .level = DOCUMENT_SET};
    made->entry.key_at = place_at(&reader, text, text);
    if (text_check(text, strlen(text)) != strlen(text) || strchr(text, '\n')) {
        complain_at(complaint, &made->entry.key_at,
                    "a line break, a control character or a byte that is not UTF-8");
        return EINVAL;
    }
    const char *equals, *end = text + strlen(text);
    int error = read_target(&reader, text, made, &equals);
    error =
        error ? error : read_value(&reader, text, skip_blank(equals + 1, end), end, &made->entry);
    return error ? error : add_override(document, made, complaint);
}

void document_fini(struct document *document)
{
    arena_fini(&document->arena);
    *document = (struct document){0};
}
