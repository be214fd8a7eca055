// SPDX-License-Identifier: MIT
//
// print.c - the document as text that people can read too.
//
// An object has a line for each member, an array of objects or texts a line for each element; all
// other arrays (curves, buckets) take one line, however long, and so does an object of plain values
// in an array. So whoever looks for a figure finds it, and a thousand samples are not a thousand
// lines.

#ifdef MEMS_HAVE_JANSSON

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "json/json.h"

#include "disk/memory.h"

#define JSON_PRINT_FLAGS (JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9))

static bool json_is_plain(const json_t *value)
{
    return !json_is_object(value) && !json_is_array(value);
}

static bool json_is_one_line(json_t *value, bool in_array)
{
    size_t index;
    const char *key;
    json_t *child;
    json_array_foreach(value, index, child)
    {
        if (json_is_object(child) || json_is_string(child)) {
            return false;
        }
    }
    json_object_foreach(value, key, child)
    {
        if (!in_array || !json_is_plain(child)) {
            return false;
        }
    }
    return true;
}

static int json_dump(FILE *out, const json_t *value)
{
    return json_dumpf(value, out, JSON_PRINT_FLAGS);
}

static int json_key(FILE *out, const char *key)
{
    json_t *string = json_string(key);
    int error = string == NULL || json_dump(out, string) != 0;
    json_decref(string);
    fputc(':', out);
    return error;
}

static void json_line(FILE *out, unsigned depth, const char *before)
{
    fprintf(out, "%s\n%*s", before, (int)depth, "");
}

static int json_put(FILE *out, json_t *value, unsigned depth, bool in_array)
{
    size_t index;
    const char *key;
    json_t *child;
    const char *separator = "";
    int error = 0;
    if (json_is_one_line(value, in_array)) {
        return json_dump(out, value);
    }
    fputc(json_is_array(value) ? '[' : '{', out);
    json_array_foreach(value, index, child)
    {
        json_line(out, depth + 1, separator);
        error |= json_put(out, child, depth + 1, true);
        separator = ",";
    }
    json_object_foreach(value, key, child)
    {
        json_line(out, depth + 1, separator);
        error |= json_key(out, key);
        error |= json_put(out, child, depth + 1, false);
        separator = ",";
    }
    json_line(out, depth, "");
    fputc(json_is_array(value) ? ']' : '}', out);
    return error;
}

char *json_print(json_t *root)
{
    char *text = NULL;
    size_t size;
    FILE *out = disk_memory(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    int error = json_put(out, root, 0, false);
    error |= ferror(out);
    error |= fclose(out);
    if (error != 0) {
        free(text);
        return NULL;
    }
    return text;
}

#endif
