// SPDX-License-Identifier: MIT
//
// read.c - a document from a file, and as one line.

#ifdef MEMS_HAVE_JANSSON

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "json/json.h"

int json_read(const char *path, json_t **root, char *why, size_t size)
{
    json_error_t wrong;
    FILE *file = fopen(path, "re");
    int error = file == NULL ? errno : 0;
    *root = NULL;
    if (error == 0) {
        errno = 0;
        *root = json_loadf(file, JSON_REJECT_DUPLICATES, &wrong);
        error = ferror(file) ? (errno != 0 ? errno : EIO) : 0;
        fclose(file);
    }
    if (error != 0) {
        snprintf(why, size, "cannot read %s: %s", path, strerror(error));
        json_decref(*root);
        *root = NULL;
        return error;
    }
    if (*root == NULL && json_error_code(&wrong) == json_error_out_of_memory) {
        snprintf(why, size, "%s cannot be read: out of memory", path);
        return ENOMEM;
    }
    if (*root == NULL) {
        snprintf(why, size, "%s:%d:%d: no JSON: %s", path, wrong.line, wrong.column, wrong.text);
        return EINVAL;
    }
    return 0;
}

char *json_print_line(const json_t *root, size_t flags)
{
    return json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(9) | flags);
}

#endif
