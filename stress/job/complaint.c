// SPDX-License-Identifier: MIT
//
// complaint.c - one message about bad input.

#include "job/complaint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void complain(struct complaint *complaint, const char *format, ...)
{
    if (!complaint || complaint->text[0]) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(complaint->text, sizeof complaint->text, format, arguments);
    va_end(arguments);
}

void complain_at(struct complaint *complaint, const struct complaint_place *place,
                 const char *format, ...)
{
    if (!complaint || complaint->text[0]) {
        return;
    }
    char message[sizeof complaint->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    int used = snprintf(complaint->text, sizeof complaint->text, "%s:%u:%u: ", place->file,
                        place->line, place->column);
    if (used >= 0 && (size_t)used < sizeof complaint->text) {
        snprintf(complaint->text + used, sizeof complaint->text - (size_t)used, "%s", message);
    }
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
