// SPDX-License-Identifier: MIT
//
// replay.c - a main for a target where there is no libFuzzer: every file of a corpus, and changed
// copies of it.
//
//   test-fuzz-NAME [-changes=N] FILE-OR-FOLDER...
//
// Each file is an input as it is; then N times a copy with a few bytes changed, a piece left out or
// doubled, or the end cut off, from a seed that is printed first. The input under way is in memory
// of just its size, so that AddressSanitizer sees reads past its end. No file at all is an error: a
// corpus that is gone would pass.

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz/fuzz.h"
#include "support/source.h"

static unsigned changes;
static uint64_t chance;
static size_t inputs;

static void try_input(const uint8_t *bytes, size_t size)
{
    uint8_t *tight = malloc(size + (size == 0));
    test_require(tight != NULL, "no memory for %zu bytes", size);
    if (size > 0) {
        memcpy(tight, bytes, size);
    }
    LLVMFuzzerTestOneInput(tight, size);
    free(tight);
    inputs++;
}

// One change; at most `size` bytes more. Returns the new size.
static size_t change(uint8_t *bytes, size_t size, size_t room)
{
    size_t at = test_below(&chance, size + 1);
    size_t count = 1 + test_below(&chance, 16);
    switch (test_below(&chance, 4)) {
    case 0:
        return at;
    case 1:
        count = count < size - at ? count : size - at;
        memmove(bytes + at, bytes + at + count, size - at - count);
        return size - count;
    case 2:
        count = count < size - at ? count : size - at;
        count = count < room - size ? count : room - size;
        memmove(bytes + at + count, bytes + at, size - at);
        return size + count;
    default:
        for (; count > 0 && size > 0; count--) {
            bytes[test_below(&chance, size)] = (uint8_t)test_random(&chance);
        }
        return size;
    }
}

static void replay_file(const char *path)
{
    FILE *in = fopen(path, "re");
    test_require(in != NULL, "cannot read %s: %s", path, strerror(errno));
    test_require(fseek(in, 0, SEEK_END) == 0, "%s has no end", path);
    size_t size = (size_t)ftell(in), room = 2 * size + 64;
    uint8_t *bytes = malloc(size + 1), *copy = malloc(room);
    rewind(in);
    test_require(bytes != NULL && copy != NULL, "no memory for %s", path);
    test_require(fread(bytes, 1, size, in) == size, "%s has become shorter", path);
    fclose(in);
    fprintf(stderr, "%s\n", path);
    try_input(bytes, size);
    for (unsigned i = 0; i < changes; i++) {
        size_t now = size;
        memcpy(copy, bytes, size);
        for (uint64_t some = 1 + test_below(&chance, 3); some > 0; some--) {
            now = change(copy, now, room);
        }
        try_input(copy, now);
    }
    free(copy);
    free(bytes);
}

static void replay_folder(const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);
    test_require(count >= 0, "cannot read %s: %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.') {
            replay_file(path);
        }
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    LLVMFuzzerInitialize(&argc, &argv);
    chance = test_seed();
    for (int i = 1; i < argc; i++) {
        struct stat status;
        if (sscanf(argv[i], "-changes=%u", &changes) == 1) {
            continue;
        }
        test_require(stat(argv[i], &status) == 0, "%s: %s", argv[i], strerror(errno));
        (S_ISDIR(status.st_mode) ? replay_folder : replay_file)(argv[i]);
    }
    test_require(inputs > 0, "no input: usage: %s [-changes=N] FILE-OR-FOLDER...", argv[0]);
    fprintf(stderr, "%zu inputs\n", inputs);
    return 0;
}
