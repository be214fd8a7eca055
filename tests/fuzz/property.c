// SPDX-License-Identifier: MIT
//
// property.c - a target for a property that takes bytes: FUZZ_LAW is its header, FUZZ_PROPERTY its
// name (CMakeLists.txt has the table).

#include FUZZ_LAW

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    FUZZ_PROPERTY(bytes, size);
    return 0;
}
