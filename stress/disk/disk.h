// SPDX-License-Identifier: MIT
//
// disk.h - a file reaches its place whole or not at all.

#ifndef DISK_DISK_H
#define DISK_DISK_H

#include <stdbool.h>
#include <stddef.h>

// A file on its way.
struct disk_file {
    int fd;     // write here; a caller that closes it sets it to -1
    char *path; // where it will stand: as asked for, or the file that this is a link to
    char *part; // written first, renamed then; NULL: a device or a pipe, written as it is
};

// What stands at `path`, where it is neither a file nor missing: "a folder", "a pipe", "a device".
// Else NULL.
const char *disk_not_a_file(const char *path);

// Whether the folder that `path` names its file in is there.
bool disk_has_folder(const char *path);

// Begins a file. 0 or errno (EISDIR: a folder; ENOENT: its folder is missing).
int disk_open(const char *path, struct disk_file *file);
// All of it, whatever a call takes. 0 or errno.
int disk_write(int fd, const void *bytes, size_t size);
// To the disk, under its name. 0, or errno: then what stood there before still does.
int disk_close(struct disk_file *file);
// It goes; what stood there before stays.
void disk_abandon(struct disk_file *file);

// Whether disk_open would succeed, without leaving a trace. 0 or errno.
int disk_probe(const char *path);

// Removes the part that is being written, if there is one: for a signal handler that ends the
// process.
void disk_forget(void);

// A new folder "PATH.spool-XXXXXX" that is this process's until it ends or removes it: its absolute
// path, from malloc. NULL with errno.
char *disk_folder_new(const char *path);
// Removes it with the files in it.
void disk_folder_remove(const char *folder);
// Removes such folders beside `path` whose processes have ended. `busy` says whether one whose
// maker has ended is still in use.
void disk_folder_clean(const char *path, bool (*busy)(const char *folder));

#endif
