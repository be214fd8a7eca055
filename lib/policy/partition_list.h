// SPDX-License-Identifier: MIT
//
// partition_list.h - "64Kix100,1Mix10": what fixed partitioning cuts the memory into.

#ifndef POLICY_PARTITION_LIST_H
#define POLICY_PARTITION_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "base/option.h"

#define PARTITION_SIZES_MOST 64
#define PARTITION_COUNT_MOST (UINT64_C(1) << 32)

struct partition_cut {
    uint64_t size, count;
};

// Reads the list into at most PARTITION_SIZES_MOST cuts. 0, or EINVAL with a complaint.
int partition_list_parse(struct option_text text, struct partition_cut *cuts, size_t *count,
                         struct printer *complaint);

// Whether memory can be cut so, within `capacity` (0: any). 0 and the sum, or EINVAL with a
// complaint.
int partition_list_check(const struct partition_cut *cuts, size_t count, uint64_t capacity,
                         uint64_t *total, struct printer *complaint);

#endif
