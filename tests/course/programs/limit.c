// SPDX-License-Identifier: MIT
//
// limit.c - under 5 MiB of address space, ten thousand small requests; then until it is full.
#include "mems.h"
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

int main(void)
{
    struct rlimit limit = {5 * 1024 * 1024, 5 * 1024 * 1024};
    if (setrlimit(RLIMIT_AS, &limit) != 0) {
        perror("setrlimit");
        return 1;
    }
    mems_init();
    for (int i = 0; i < 10000; i++) {
        void *block = mems_malloc(40);
        if (block == NULL) {
            fprintf(stderr, "request %d failed: %s\n", i, strerror(errno));
            return 1;
        }
        memset(mems_get(block), i % 100, 40);
    }
    int more = 0;
    errno = 0;
    while (more < 100000 && mems_malloc(4000) != NULL) {
        more++;
    }
    if (more == 100000 || errno != ENOMEM) {
        fprintf(stderr, "%d more requests, then %s\n", more, strerror(errno));
        return 1;
    }
    /* Full is not broken. */
    mems_free((void *)1000);
    if (mems_malloc(40) != (void *)1000) {
        fprintf(stderr, "the freed block is not to be had\n");
        return 1;
    }
    mems_finish();
    puts("10000 blocks under 5 MiB");
    return 0;
}
