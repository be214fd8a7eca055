// SPDX-License-Identifier: MIT
//
// read.c - a trace from a file or from memory, whichever form it has.

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace/binary.h"
#include "trace/store.h"
#include "trace/text.h"

int trace_parse(const void *bytes, size_t length, const char *name, struct trace **trace,
                struct trace **part, struct complaint *complaint)
{
    if (part != NULL) {
        *part = NULL;
    }
    if (length == 0) {
        complain(complaint, "%s: is empty, not a trace", name);
        return EINVAL;
    }
    if (trace_is_binary(bytes, length)) {
        return trace_binary_parse(bytes, length, name, trace, part, complaint);
    }
    if (memchr(bytes, '\0', length) != NULL) {
        complain(complaint, "%s: is not a trace: neither the binary form nor text", name);
        return EINVAL;
    }
    return trace_text_parse(bytes, length, name, trace, complaint);
}

// The whole file into mapped memory. Read, not mapped: a file that shrinks meanwhile is an error,
// not a SIGBUS.
static int load(const char *path, void **bytes, size_t *room, size_t *length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    struct stat status;
    int error = fstat(fd, &status) != 0 ? errno : S_ISCHR(status.st_mode) ? ENODEV : 0;
    while (error == 0) {
        error = trace_store_grow(bytes, room, *length + 65536, 1);
        if (error != 0) {
            break;
        }
        ssize_t got = read(fd, (char *)*bytes + *length, *room - *length);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            error = got < 0 ? errno : 0;
            break;
        }
        *length += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    return error;
}

int trace_read_part(const char *path, struct trace **trace, struct trace **part,
                    struct complaint *complaint)
{
    void *bytes = NULL;
    size_t room = 0, length = 0;
    int error = load(path, &bytes, &room, &length);
    if (error == ENODEV) {
        complain(complaint, "%s: is a device, not a trace", path);
    } else if (error != 0) {
        complain(complaint, "%s: cannot be read: %s", path, strerror(error));
    } else {
        error = trace_parse(bytes, length, path, trace, part, complaint);
    }
    trace_store_free(bytes, room, 1);
    return error;
}

int trace_read(const char *path, struct trace **trace, struct complaint *complaint)
{
    return trace_read_part(path, trace, NULL, complaint);
}
