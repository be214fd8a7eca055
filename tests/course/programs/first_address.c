// SPDX-License-Identifier: MIT
//
// first_address.c - where addresses begin when the program does not say so.
#include "mems.h"

int main(void)
{
    mems_init();
    unsigned long first = (unsigned long)mems_malloc(1000);
    unsigned long second = (unsigned long)mems_malloc(250);
    printf("%lu %lu\n", first, second);
    char *host = (char *)mems_get((void *)(first + 10));
    printf("%s\n", host == NULL ? "nothing" : "something");
    mems_free((void *)first);
    printf("%s\n", mems_get((void *)first) == NULL ? "nothing" : "something");
    mems_print_stats();
    mems_finish();
    return 0;
}
