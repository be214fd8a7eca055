// SPDX-License-Identifier: MIT
//
// zero.c - addresses that begin at 0, said by the program: then NULL is the first block.
#define MEMS_START_VA 0
#include "mems.h"

int main(void)
{
    mems_init();
    int *numbers = (int *)mems_malloc(250 * sizeof(int));
    printf("%lu\n", (unsigned long)numbers);
    int *host = (int *)mems_get(&numbers[1]);
    *host = 200;
    printf("%d\n", ((int *)mems_get(NULL))[1]);
    mems_print_stats();
    mems_free(NULL);
    mems_print_stats();
    printf("%lu\n", (unsigned long)mems_malloc(4096));
    mems_print_stats();
    mems_finish();
    return 0;
}
