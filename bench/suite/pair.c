// SPDX-License-Identifier: MIT
//
// pair.c - malloc and free of one block, over and over: the loop whose instructions are counted.
//
// Linked as any program is: both calls go through a stub of the procedure linkage table, bound when
// first called. The difference between the instructions of two counts is that of the loop alone,
// stubs included, and exact: start, first calls and exit cancel out.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: mems-pair SIZE COUNT\n");
        return 1;
    }
    size_t size = strtoull(argv[1], NULL, 10);
    uint64_t count = strtoull(argv[2], NULL, 10);
    for (uint64_t i = 0; i < count; i++) {
        void *block = malloc(size);
        __asm__ volatile("" : "+r"(block));
        free(block);
    }
    return 0;
}
