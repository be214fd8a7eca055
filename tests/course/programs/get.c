// SPDX-License-Identifier: MIT
//
// get.c - from MeMS addresses to real ones.
#include "mems.h"

static const char *kind(void *host)
{
    return host == NULL ? "NULL" : "mapped";
}

int main(void)
{
    mems_init();
    int on_stack = 0;
    char *block = (char *)mems_malloc(100);
    char *host = (char *)mems_get(block);
    int inside = 1;
    for (int i = 0; i < 100; i++) {
        inside = inside && (char *)mems_get(block + i) == host + i;
    }
    printf("interior %d\n", inside);
    printf("stack %s\n", kind(mems_get(&on_stack)));
    printf("before %s\n", kind(mems_get(block - 1)));
    printf("hole %s\n", kind(mems_get(block + 100)));
    printf("after %s\n", kind(mems_get(block + 4096)));
    mems_free(block);
    printf("freed %s\n", kind(mems_get(block)));
    printf("freed inside %s\n", kind(mems_get(block + 50)));
    mems_finish();
    printf("finished %s\n", kind(mems_get(block)));
    return 0;
}
