// SPDX-License-Identifier: MIT
//
// table.c - the policies there are.

#include <string.h>

#include "policy/policy.h"

static const struct policy *const policies[] = {
    &policy_fixed,        &policy_dynamic,   &policy_paging,
    &policy_segmentation, &policy_vm_paging, &policy_vm_segmentation,
};

const struct policy *policy_at(size_t index)
{
    return index < sizeof policies / sizeof policies[0] ? policies[index] : NULL;
}

const struct policy *policy_find(const char *name)
{
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        if (strcmp(policies[i]->name, name) == 0) {
            return policies[i];
        }
    }
    return NULL;
}
