// SPDX-License-Identifier: MIT
//
// plant.c - does what memcheck must find, by name: read, undefined, lost; or nothing wrong.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int look_at(const char *at)
{
    return *at;
}

// Called through a variable: what is wrong is done at run time, whatever the compiler knows.
static int (*volatile look)(const char *at) = look_at;

static void lose(size_t size)
{
    char *block = malloc(size);
    memset(block, 1, size);
    printf("%d\n", look(block));
}

int main(int argc, char **argv)
{
    const char *sin = argc > 1 ? argv[1] : "";
    char *block = malloc(10);
    memset(block, 1, 9);
    int seen = look(block + 8);
    if (strcmp(sin, "read") == 0) {
        seen = look(block + 10);
    } else if (strcmp(sin, "undefined") == 0) {
        seen = look(block + 9) == 7;
        if (seen) {
            puts("a seven");
        }
    } else if (strcmp(sin, "lost") == 0) {
        lose(100);
    }
    free(block);
    return seen == 77;
}
