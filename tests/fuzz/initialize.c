// SPDX-License-Identifier: MIT
//
// initialize.c - what every target needs before its first input.

#include <stdlib.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

// cmocka's assertions end the process where no test runs; abort() is what a fuzzer looks for. Where
// FUZZ_IN_MEMORY says so, files that a law writes and reads back stay in memory; swap files are
// better where they are, since room for them is taken at once.
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    setenv("CMOCKA_TEST_ABORT", "1", 1);
#ifdef FUZZ_IN_MEMORY
    if (access("/dev/shm", W_OK) == 0) {
        setenv("TMPDIR", "/dev/shm", 1);
    }
#endif
    return 0;
}
