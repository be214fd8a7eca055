// SPDX-License-Identifier: MIT
//
// text.c - loading, bytes, variables.

#include "job/text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk/claim.h"
#include "job/job.h"
#include "job/number.h"

#define FILE_MAX (16u << 20) // no job is larger; /dev/zero is
#define DEPTH    16          // of defaults inside defaults

static int load_bytes(int fd, struct arena *arena, struct text_file *file)
{
    size_t room = 1 << 16, length = 0;
    char *bytes = arena_get(arena, room);
    for (;;) {
        ssize_t got = read(fd, bytes + length, room - length);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return errno;
        }
        if (got == 0) {
            break;
        }
        length += (size_t)got;
        if (length > FILE_MAX) {
            return EFBIG;
        }
        if (length == room) {
            char *larger = arena_get(arena, room * 2);
            memcpy(larger, bytes, length);
            bytes = larger;
            room *= 2;
        }
    }
    file->bytes = bytes;
    file->length = length;
    return 0;
}

int text_load(const char *path, struct arena *arena, struct text_file *file,
              struct complaint *complaint)
{
    int error = 0;
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0) {
        error = errno;
        goto out;
    }
    char why[sizeof complaint->text];
    error = claim_file(path, CLAIM_READ, "the job's", why, sizeof why);
    if (error) {
        close(fd);
        complain(complaint, "%s", why);
        return error;
    }
    file->device = status.st_dev;
    file->inode = status.st_ino;
    error = load_bytes(fd, arena, file);
    if (error) {
        goto out;
    }
    char *whole = realpath(path, NULL);
    const char *slash = whole ? strrchr(whole, '/') : NULL;
    file->folder = slash && slash > whole ? arena_copy(arena, whole, (size_t)(slash - whole)) : "/";
    free(whole);
out:
    if (fd >= 0) {
        close(fd);
    }
    if (error == EFBIG) {
        complain(complaint, "larger than %u MiB: not a job file", FILE_MAX >> 20);
    } else if (error) {
        complain(complaint, "%s", strerror(error));
    }
    return error;
}

// Bytes of the UTF-8 character at `bytes`, 0 where there is none. Overlong forms, surrogates and
// what is past U+10FFFF are none.
static size_t character(const unsigned char *bytes, size_t length)
{
    unsigned char first = bytes[0];
    if (first < 0x80) {
        return 1;
    }
    size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || size > length) {
        return 0;
    }
    unsigned char low = 0x80, high = 0xbf;
    if (first == 0xe0) {
        low = 0xa0;
    } else if (first == 0xed) {
        high = 0x9f;
    } else if (first == 0xf0) {
        low = 0x90;
    } else if (first == 0xf4) {
        high = 0x8f;
    }
    if (bytes[1] < low || bytes[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < size; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return size;
}

size_t text_check(const char *bytes, size_t length)
{
    size_t at = 0;
    while (at < length) {
        unsigned char c = (unsigned char)bytes[at];
        bool line_end = c == '\r' && at + 1 < length && bytes[at + 1] == '\n';
        if ((c < 0x20 && c != '\t' && c != '\n' && !line_end) || c == 0x7f) {
            break;
        }
        size_t size = character((const unsigned char *)bytes + at, length - at);
        if (size == 0) {
            break;
        }
        at += size;
    }
    return at;
}

struct expansion {
    struct arena *arena;
    struct text_names *names;
    const struct complaint_place *place;
    const char *start; // what the place's column is the column of
    char *text;
    size_t length, room;
    struct complaint *complaint;
};

static struct complaint_place place_of(const struct expansion *e, const char *at)
{
    struct complaint_place place = *e->place;
    place.column += (unsigned)(at - e->start);
    return place;
}

static void put(struct expansion *e, const char *text, size_t length)
{
    if (e->room - e->length < length) {
        size_t room = (e->length + length) * 2;
        char *larger = arena_get(e->arena, room + 1);
        memcpy(larger, e->text, e->length);
        e->text = larger;
        e->room = room;
    }
    memcpy(e->text + e->length, text, length);
    e->length += length;
}

static bool word_character(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

// The brace that closes the one opened before `at`, or NULL.
static const char *closing_brace(const char *at, const char *end)
{
    unsigned open = 1;
    for (; at < end; at++) {
        if (*at == '{' && at[-1] == '$') {
            open++;
        } else if (*at == '}' && --open == 0) {
            return at;
        }
    }
    return NULL;
}

static void keep_name(struct expansion *e, const char *name)
{
    for (const struct text_name *at = e->names->first; at; at = at->next) {
        if (strcmp(at->name, name) == 0) {
            return;
        }
    }
    struct text_name *kept = arena_get(e->arena, sizeof *kept);
    kept->name = name;
    if (e->names->last) {
        e->names->last->next = kept;
    } else {
        e->names->first = kept;
    }
    e->names->last = kept;
}

static int expand(struct expansion *e, const char *at, const char *end, unsigned depth);

// ${NAME} or ${NAME:-default}; `at` is after the brace.
static int expand_environment(struct expansion *e, const char *at, const char **end, unsigned depth)
{
    struct complaint_place place = place_of(e, at - 2);
    const char *close = closing_brace(at, *end);
    if (!close) {
        complain_at(e->complaint, &place, "'${' without its '}'");
        return EINVAL;
    }
    const char *stop = at;
    while (stop < close && word_character(*stop)) {
        stop++;
    }
    bool otherwise = close - stop >= 2 && stop[0] == ':' && stop[1] == '-';
    if (stop == at || isdigit((unsigned char)*at) || (stop < close && !otherwise)) {
        complain_at(e->complaint, &place,
                    "bad variable: write ${NAME} or ${NAME:-default}, NAME of letters, digits "
                    "and _");
        return EINVAL;
    }
    *end = close + 1;
    const char *name = arena_copy(e->arena, at, (size_t)(stop - at));
    const char *value = getenv(name);
    if (value) {
        keep_name(e, name);
    }
    if (otherwise && (!value || !*value)) {
        return expand(e, stop + 2, close, depth + 1);
    }
    if (!value) {
        complain_at(e->complaint, &place,
                    "the environment has no variable '%s': set it, or give a default as in "
                    "${%s:-default}",
                    complaint_clip(name).text, complaint_clip(name).text);
        return EINVAL;
    }
    size_t length = strlen(value);
    if (text_check(value, length) != length || memchr(value, '\n', length)) {
        complain_at(e->complaint, &place,
                    "the environment's '%s' has a line break, a control character or a byte "
                    "that is not UTF-8",
                    complaint_clip(name).text);
        return EINVAL;
    }
    put(e, value, length);
    return 0;
}

// $word; `at` is after the dollar sign.
static int expand_word(struct expansion *e, const char *at, const char **end)
{
    static const char *const names[] = {"ncpus", "pagesize", NULL};
    struct complaint_place place = place_of(e, at - 1);
    const char *stop = at;
    while (stop < *end && word_character(*stop)) {
        stop++;
    }
    const char *name = arena_copy(e->arena, at, (size_t)(stop - at));
    char number[32];
    if (strcmp(name, names[0]) == 0) {
        snprintf(number, sizeof number, "%u", number_of_cpus());
    } else if (strcmp(name, names[1]) == 0) {
        snprintf(number, sizeof number, "%ld", sysconf(_SC_PAGESIZE));
    } else if (stop == at) {
        complain_at(e->complaint, &place, "a lone '$': write $$ for a dollar sign");
        return EINVAL;
    } else {
        const char *near = job_suggest(name, names);
        complain_at(e->complaint, &place,
                    "unknown variable '$%s'%s%s: there are $ncpus, $pagesize and ${NAME} of "
                    "the environment",
                    complaint_clip(name).text, near ? ", did you mean $" : "", near ? near : "");
        return EINVAL;
    }
    if (e->length > 0 && isdigit((unsigned char)e->text[e->length - 1])) {
        complain_at(e->complaint, &place, "a digit just before $%s: write 2*$%s to multiply", name,
                    name);
        return EINVAL;
    }
    put(e, number, strlen(number));
    *end = stop;
    return 0;
}

static int expand(struct expansion *e, const char *at, const char *end, unsigned depth)
{
    if (depth > DEPTH) {
        struct complaint_place place = place_of(e, at);
        complain_at(e->complaint, &place, "more than %d defaults inside one another", DEPTH);
        return EINVAL;
    }
    while (at < end) {
        const char *dollar = memchr(at, '$', (size_t)(end - at));
        const char *plain_end = dollar ? dollar : end;
        put(e, at, (size_t)(plain_end - at));
        if (!dollar) {
            break;
        }
        at = dollar + 1;
        const char *after = end;
        int error = 0;
        if (at < end && *at == '$') {
            put(e, "$", 1);
            after = at + 1;
        } else if (at < end && *at == '{') {
            error = expand_environment(e, at + 1, &after, depth);
        } else {
            error = expand_word(e, at, &after);
        }
        if (error) {
            return error;
        }
        at = after;
    }
    return 0;
}

int text_expand(const char *text, size_t length, const struct complaint_place *place,
                struct arena *arena, struct text_names *names, char **expanded,
                struct complaint *complaint)
{
    struct expansion e = {.arena = arena,
                          .names = names,
                          .place = place,
                          .start = text,
                          .room = length,
                          .complaint = complaint};
    e.text = arena_get(arena, length + 1);
    int error = expand(&e, text, text + length, 0);
    if (!error) {
        e.text[e.length] = 0;
        *expanded = e.text;
    }
    return error;
}
