// SPDX-License-Identifier: MIT
//
// empty.c - a system without memory: at the start, after mems_finish and after a new start.
#include "mems.h"

int main(void)
{
    mems_init();
    mems_print_stats();
    mems_malloc(10000);
    mems_print_stats();
    mems_finish();
    mems_init();
    mems_print_stats();
    mems_finish();
    return 0;
}
