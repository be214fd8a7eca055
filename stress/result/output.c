// SPDX-License-Identifier: MIT
//
// output.c - the forms a result can take, each in a file of its own.

#include "result/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char *output_json(const struct output_scene *scene)
{
    struct complaint complaint = {0};
    return document_text(scene->plan, scene->verdict, scene->head, &complaint);
}

static char *output_google(const struct output_scene *scene)
{
    struct complaint complaint = {0};
    return document_google(scene->plan, scene->verdict, scene->head, &complaint);
}

static const struct output_row {
    const char *option;
    char *(*text)(const struct output_scene *scene);
    bool document; // by libjansson
} output_table[OUTPUT_FORMS] = {
    [OUTPUT_JSON] = {"--json", output_json, true},
    [OUTPUT_CSV] = {"--csv", output_csv, false},
    [OUTPUT_JUNIT] = {"--junit", output_junit, false},
    [OUTPUT_GOOGLE] = {"--google-benchmark", output_google, true},
};

bool output_has_stdout(const struct output_paths *paths)
{
    bool any = false;
    for (unsigned form = 0; form < OUTPUT_FORMS; form++) {
        any |= paths->path[form] != NULL && strcmp(paths->path[form], "-") == 0;
    }
    return any;
}

int output_check(const struct output_paths *paths, struct complaint *complaint)
{
    for (unsigned form = 0; form < OUTPUT_FORMS; form++) {
        if (paths->path[form] != NULL && output_table[form].document && !document_possible()) {
            complain(complaint, "%s: this build has no libjansson", output_table[form].option);
            return EINVAL;
        }
    }
    return 0;
}

int output_probe(const struct output_paths *paths, struct complaint *complaint)
{
    int error = 0;
    for (unsigned form = 0; form < OUTPUT_FORMS && error == 0; form++) {
        error = paths->path[form] != NULL ? document_probe(paths->path[form], complaint) : 0;
    }
    return error;
}

int output_write(const struct output_paths *paths, const struct output_scene *scene,
                 struct complaint *complaint)
{
    int first = 0;
    for (unsigned form = 0; form < OUTPUT_FORMS; form++) {
        const char *path = paths->path[form];
        if (path == NULL) {
            continue;
        }
        char *text = output_table[form].text(scene);
        int error = ENOMEM;
        if (text == NULL) {
            complain(complaint, "%s: out of memory", output_table[form].option);
        } else {
            error = document_write(path, text, complaint);
        }
        free(text);
        first = first != 0 ? first : error;
    }
    return first;
}
