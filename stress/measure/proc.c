// SPDX-License-Identifier: MIT
//
// proc.c - small files of the kernel's, read without malloc.

#include "measure/proc.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define PROC_STATM 128 // bytes: seven numbers

size_t proc_read(const char *path, char *text, size_t size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file >= 0 ? read(file, text, size - 1) : 0;
    size_t length = got > 0 ? (size_t)got : 0;
    text[length] = '\0';
    if (file >= 0) {
        close(file);
    }
    return length;
}

uint64_t proc_number(const char *path)
{
    char text[32];
    proc_read(path, text, sizeof text);
    return strtoull(text, NULL, 10);
}

uint64_t proc_mapped_of(const char *statm)
{
    return strtoull(statm, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t proc_resident_of(const char *statm)
{
    char *second;
    strtoull(statm, &second, 10);
    return strtoull(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t proc_mapped(void)
{
    char statm[PROC_STATM];
    proc_read("/proc/self/statm", statm, sizeof statm);
    return proc_mapped_of(statm);
}

uint64_t proc_resident(void)
{
    char statm[PROC_STATM];
    proc_read("/proc/self/statm", statm, sizeof statm);
    return proc_resident_of(statm);
}
