// SPDX-License-Identifier: MIT
//
// merge.c - holes merge with both neighbours within a MAIN node and never across nodes; the first
// hole that is large enough is taken; contents stay through free and reuse.
#include "mems.h"

int main(void)
{
    mems_init();
    void *a = mems_malloc(1000);
    void *b = mems_malloc(2000);
    void *c = mems_malloc(1096); /* the first page is full */
    void *d = mems_malloc(PAGE_SIZE);
    void *e = mems_malloc(PAGE_SIZE + 1);
    mems_print_stats();
    mems_free(a);
    mems_free(c);
    mems_print_stats();
    void *f = mems_malloc(1001); /* the first hole is one byte too small */
    printf("%lu\n", (unsigned long)f);
    mems_free(d);
    mems_free(b); /* merges with the hole before it */
    mems_print_stats();
    mems_free(f); /* merges with both */
    mems_free(e);
    mems_print_stats();

    char *text = (char *)mems_malloc(20);
    sprintf((char *)mems_get(text), "still here");
    mems_free(text);
    char *again = (char *)mems_malloc(20);
    printf("%d %s\n", again == text, (char *)mems_get(again));
    mems_finish();
    return 0;
}
