// SPDX-License-Identifier: MIT
//
// conf.c - a target for MEMS_MALLOC_CONF.

#include "fuzz/text.h"
#include "unit/malloc/law_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = text_of(bytes, size);
    conf_law(text);
    free(text);
    return 0;
}
