// SPDX-License-Identifier: MIT
//
// json.c - values that every document is made of.

#ifdef MEMS_HAVE_JANSSON

#include "json/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

json_t *json_of_text(const char *text)
{
    if (text == NULL) {
        return json_null();
    }
    json_t *string = json_string(text);
    if (string == NULL) {
        char *copy = strdup(text);
        for (char *at = copy; at != NULL && *at != '\0'; at++) {
            *at = (unsigned char)*at < 0x80 ? *at : '?';
        }
        string = json_string(copy != NULL ? copy : "");
        free(copy);
    }
    return string;
}

json_t *json_of_lines(const char *text)
{
    json_t *lines = json_array();
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        char *line = strndup(text, length);
        json_array_append_new(lines, json_of_text(line));
        free(line);
        text += length;
        text += *text == '\n';
    }
    return lines;
}

json_t *json_of_real(double real)
{
    return isfinite(real) ? json_real(real) : json_null();
}

json_t *json_of_count(uint64_t count)
{
    return count <= INT64_MAX ? json_integer((json_int_t)count) : json_real((double)count);
}

const char *json_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

#endif
