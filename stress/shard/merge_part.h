// SPDX-License-Identifier: MIT
//
// merge_part.h - one file of a merge. With libjansson only.

#ifndef SHARD_MERGE_PART_H
#define SHARD_MERGE_PART_H

#include <jansson.h>

#include "job/complaint.h"

struct merge_part {
    const char *path;
    unsigned index; // its shard; 0: several, merged before
    json_t *root;
    const json_t *book;
    json_t *sections; // by name; borrowed from the root's
    json_t *cells;    // by name
};

// Reads a shard's result, strictly. 0, or EINVAL or errno with a complaint.
int merge_part_read(const char *path, struct merge_part *part, struct complaint *complaint);
void merge_part_fini(struct merge_part *part);

// Whether both are of one plan, dealt alike, and of one build. EINVAL with a complaint that says
// where they differ.
int merge_part_fits(const struct merge_part *first, const struct merge_part *part,
                    struct complaint *complaint);

#endif
