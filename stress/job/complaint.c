// SPDX-License-Identifier: MIT
//
// complaint.c - one message about bad input.

#include "job/complaint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "job/plain.h"

void complain(struct complaint *complaint, const char *format, ...)
{
    if (!complaint || complaint->text[0]) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(complaint->text, sizeof complaint->text, format, arguments);
    va_end(arguments);
    plain_make(complaint->text, sizeof complaint->text);
}

struct complaint_where complaint_where(const struct complaint_place *place)
{
    struct complaint_where where;
    if (place->line == 0) {
        snprintf(where.text, sizeof where.text, "%s", place->file);
    } else if (place->column == 0) {
        snprintf(where.text, sizeof where.text, "%s:%u", place->file, place->line);
    } else {
        snprintf(where.text, sizeof where.text, "%s:%u:%u", place->file, place->line,
                 place->column);
    }
    return where;
}

void complain_exhausted(void)
{
    static const char text[] = "mems-stress: out of memory\n";
    ssize_t wrote = write(STDERR_FILENO, text, sizeof text - 1); // stdio might want memory
    (void)wrote;
    exit(7);
}

void complain_at(struct complaint *complaint, const struct complaint_place *place,
                 const char *format, ...)
{
    if (!complaint || complaint->text[0]) {
        return;
    }
    struct complaint_where where = complaint_where(place);
    size_t used = strlen(where.text);
    memcpy(complaint->text, where.text, used);
    memcpy(complaint->text + used, ": ", 2);
    used += 2;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(complaint->text + used, sizeof complaint->text - used, format, arguments);
    va_end(arguments);
    plain_make(complaint->text, sizeof complaint->text);
}

struct complaint_clip complaint_clip(const char *text)
{
    struct complaint_clip clip;
    size_t length = strlen(text);
    if (length < sizeof clip.text) {
        memcpy(clip.text, text, length + 1);
        return clip;
    }
    size_t kept = sizeof clip.text - 4;
    while (kept > 0 && ((unsigned char)text[kept] & 0xc0) == 0x80) {
        kept--; // not in the middle of a UTF-8 character
    }
    memcpy(clip.text, text, kept);
    memcpy(clip.text + kept, "...", 4);
    return clip;
}
