// SPDX-License-Identifier: MIT
//
// example.c - the course's own example: ten requests of 1000 bytes, one freed, one more.
#include "mems.h"

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    mems_init();
    void *ptr[10];
    for (int i = 0; i < 10; i++) {
        ptr[i] = mems_malloc(1000);
        printf("Virtual address: %lu\n", (unsigned long)ptr[i]);
    }
    mems_print_stats();
    mems_free(ptr[3]);
    mems_print_stats();
    ptr[3] = mems_malloc(1000);
    printf("Virtual address: %lu\n", (unsigned long)ptr[3]);
    mems_print_stats();
    mems_finish();
    return 0;
}
