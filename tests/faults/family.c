// SPDX-License-Identifier: MIT
//
// family.c - a program that uses the malloc family and goes on when it is refused memory.
//
// It is run on a preloaded malloc under `refuse`. Exit status 0: it came to its end; it prints how
// often it was refused.

#define SCRIPT(name) name

#include "script.h"

// What the kernel refuses next is not known here.
static bool refused(void)
{
    return false;
}

static void *life(void *arg)
{
    script_run(arg);
    return NULL;
}

int main(void)
{
    static struct script script = {.random = 5, .refused = refused};
    pthread_t thread;
    script_run(&script);
    if (pthread_create(&thread, NULL, life, &script) == 0) {
        pthread_join(thread, NULL);
    }
    // At the end as at the beginning: every call gives what it gave.
    for (unsigned how = 0; how < 8; how++) {
        free(script_get(how, 1000, 64));
    }
    fprintf(stderr, "refused %llu times\n", (unsigned long long)script.refusals);
    return 0;
}
