// SPDX-License-Identifier: MIT
//
// stage.c - the memory that a cell's process shares with the driver.

#include "run/stage.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAGE_MAGIC 0x6d656d73u

static uint64_t stage_round(uint64_t bytes)
{
    return (bytes + 4095) & ~(uint64_t)4095;
}

int stage_create(unsigned threads, const char *text, struct stage **stage, int *file)
{
    return stage_create_pictured(threads, text, 0, 0, stage, file);
}

int stage_create_pictured(unsigned threads, const char *text, unsigned pictures, unsigned pieces,
                          struct stage **stage, int *file)
{
    uint64_t text_offset = stage_round(sizeof(struct stage));
    uint64_t history_offset = text_offset + stage_round(strlen(text) + 1);
    uint64_t worker_offset = history_offset + stage_round(threads * sizeof(struct history));
    uint64_t album_offset = worker_offset + stage_round(threads * sizeof(struct worker));
    uint64_t bytes = album_offset + stage_round(picture_bytes(pictures, pieces));
    int fd = memfd_create("mems-stress cell", MFD_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    void *memory = MAP_FAILED;
    if (ftruncate(fd, (off_t)bytes) == 0) {
        memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (memory == MAP_FAILED) {
        int error = errno;
        close(fd);
        return error;
    }
    struct stage *made = memory;
    made->magic = STAGE_MAGIC;
    made->threads = threads;
    made->bytes = bytes;
    made->text_offset = text_offset;
    made->history_offset = history_offset;
    made->worker_offset = worker_offset;
    if (pictures > 0) {
        made->album_offset = album_offset;
        stage_album(made)->room = pictures;
        stage_album(made)->pieces = pieces;
    }
    strcpy((char *)memory + text_offset, text);
    *stage = made;
    *file = fd;
    return 0;
}

struct stage *stage_attach(int file)
{
    struct stat status;
    if (fstat(file, &status) != 0) {
        return NULL;
    }
    if ((uint64_t)status.st_size < sizeof(struct stage)) {
        errno = EINVAL;
        return NULL;
    }
    size_t bytes = (size_t)status.st_size;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED) {
        return NULL;
    }
    struct stage *stage = memory;
    if (stage->magic != STAGE_MAGIC || stage->bytes != bytes) {
        munmap(memory, bytes);
        errno = EINVAL;
        return NULL;
    }
    stage->file = file;
    return stage;
}

void stage_detach(struct stage *stage)
{
    if (stage != NULL) {
        munmap(stage, stage->bytes);
    }
}

const char *stage_text(const struct stage *stage)
{
    return (const char *)stage + stage->text_offset;
}

struct history *stage_history(struct stage *stage, unsigned worker)
{
    return (struct history *)((char *)stage + stage->history_offset) + worker;
}

struct worker *stage_workers(struct stage *stage)
{
    return (struct worker *)((char *)stage + stage->worker_offset);
}

struct picture_album *stage_album(struct stage *stage)
{
    return stage->album_offset > 0 ? (struct picture_album *)((char *)stage + stage->album_offset)
                                   : NULL;
}

uint64_t stage_operations(struct stage *stage)
{
    uint64_t sum = 0;
    struct worker *workers = stage_workers(stage);
    for (unsigned i = 0; i < stage->threads; i++) {
        for (unsigned kind = 0; kind < OP_KINDS; kind++) {
            sum += __atomic_load_n(&workers[i].count[kind], __ATOMIC_RELAXED);
        }
        sum += __atomic_load_n(&workers[i].refused, __ATOMIC_RELAXED);
    }
    return sum;
}

uint64_t stage_progress(struct stage *stage)
{
    return stage_operations(stage) + __atomic_load_n(&stage->ticks, __ATOMIC_RELAXED);
}

const char *stage_phase_name(uint32_t phase)
{
    static const char *const names[] = {"start", "prepare", "run", "drain", "check", "done"};
    return phase < sizeof names / sizeof names[0] ? names[phase] : "?";
}
