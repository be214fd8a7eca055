// SPDX-License-Identifier: MIT
//
// initialize.c - what every target needs before its first input.

#include <stdlib.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

// cmocka's assertions end the process where no test runs; abort() is what a fuzzer looks for. Files
// that a law writes and reads back stay in memory.
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    setenv("CMOCKA_TEST_ABORT", "1", 1);
    if (access("/dev/shm", W_OK) == 0) {
        setenv("TMPDIR", "/dev/shm", 0);
    }
    return 0;
}
