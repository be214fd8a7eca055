// SPDX-License-Identifier: MIT
//
// exports.c - which object answers for each name of the malloc family and of C++ new and delete.
//
// usage: exports NAME .. prints a line a name: "NAME FILE", or "NAME -" where nothing answers.
// It is linked with the C library alone: no libstdc++ is in the process.
// usage: exports throw: asks operator new for more than there is, where nobody can throw.

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *of_name(const char *name)
{
    return dlsym(RTLD_DEFAULT, name);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "throw") == 0) {
        void *(*new_one)(size_t size) = NULL;
        *(void **)&new_one = of_name("_Znwm");
        if (new_one == NULL) {
            fputs("no operator new\n", stderr);
            return 2;
        }
        printf("%p\n", new_one(SIZE_MAX));
        return 0;
    }
    for (int i = 1; i < argc; i++) {
        Dl_info info = {.dli_fname = "-"};
        void *address = of_name(argv[i]);
        if (address != NULL) {
            dladdr(address, &info);
        }
        printf("%s %s\n", argv[i], info.dli_fname);
    }
    return 0;
}
