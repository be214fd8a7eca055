// SPDX-License-Identifier: MIT
//
// file.c - a result reaches its place whole or not at all.

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "disk/disk.h"
#include "result/document.h"

static int file_complain(const char *path, int error, struct complaint *complaint)
{
    bool lost = error == ENOENT && !disk_has_folder(path);
    complain(complaint, "cannot write the result to %s: %s", *path != '\0' ? path : "\"\"",
             lost ? "its folder is missing; make it first" : strerror(error));
    return error;
}

int document_probe(const char *path, struct complaint *complaint)
{
    int error = strcmp(path, "-") == 0 ? 0 : disk_probe(path);
    return error == 0 ? 0 : file_complain(path, error, complaint);
}

int document_write(const char *path, const char *text, struct complaint *complaint)
{
    struct disk_file file;
    if (strcmp(path, "-") == 0) {
        int error = fflush(stdout) != 0 ? errno : disk_write(STDOUT_FILENO, text, strlen(text));
        return error == 0 ? 0 : file_complain("standard output", error, complaint);
    }
    int error = disk_open(path, &file);
    if (error == 0) {
        error = disk_write(file.fd, text, strlen(text));
        if (error == 0) {
            error = disk_close(&file);
        } else {
            disk_abandon(&file);
        }
    }
    return error == 0 ? 0 : file_complain(path, error, complaint);
}
