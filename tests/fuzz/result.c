// SPDX-License-Identifier: MIT
//
// result.c - a target for result documents, as compare and --baseline read them.

#include "fuzz/fuzz.h"
#include "unit/compare/law_result.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    (void)result_law(bytes, size);
    return 0;
}
