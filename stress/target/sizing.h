// SPDX-License-Identifier: MIT
//
// sizing.h - how much memory an engine is given that was not told: from what a policy's options are
// and what will be asked of it.

#ifndef TARGET_SIZING_H
#define TARGET_SIZING_H

#include <stdbool.h>

#include "target/target.h"

// Whether the policy has an option of that name.
bool sizing_has_option(const char *policy, const char *name);
// Whether "key=..." stands in the options (NULL: none do).
bool sizing_option_given(const char *options, const char *key);
// Whether "key=word" does.
bool sizing_option_is(const char *options, const char *key, const char *word);
// The value of "key=..." in the options as a size, or `standard` where it is not given or no size.
uint64_t sizing_option_size(const char *options, const char *key, uint64_t standard);

// The page size that an engine with these options will have; 0 where the policy has no pages.
uint64_t sizing_page(const char *policy, const char *options);

// The options of a policy with what its user left open, twice what `demand` needs; `*sized`, from
// malloc, is NULL where nothing is left open. 0 or ENOMEM.
int sizing_make(const char *policy, const char *options, const struct target_demand *demand,
                char **sized);

#endif
