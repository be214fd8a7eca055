// SPDX-License-Identifier: MIT
//
// options.c - a target for an engine's policy and options: "policy(options)", as jobs name them.

#include "fuzz/text.h"
#include "unit/engine/law_options.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = text_of(bytes, size);
    char *options = strchr(text, '(');
    if (options != NULL) {
        *options++ = '\0';
    }
    options_law(text, options);
    free(text);
    return 0;
}
