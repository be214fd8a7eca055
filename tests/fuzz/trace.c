// SPDX-License-Identifier: MIT
//
// trace.c - a target for traces, binary and text: which one it is the reader decides.

#include "fuzz/fuzz.h"
#include "unit/trace/law_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct trace *trace = trace_law_parse(bytes, size);
    if (trace != NULL) {
        (void)trace_law(trace);
        trace_free(trace);
    }
    return 0;
}
