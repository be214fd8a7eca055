// SPDX-License-Identifier: MIT
//
// book.h - what every shard's result knows of the whole: the member "shard" of a document. With
// libjansson only.

#ifndef SHARD_BOOK_H
#define SHARD_BOOK_H

#include <jansson.h>

#include "shard/deal.h"

// By what a run is known again: the plan, the files that its sections name, and this build. Empty
// where this build has no SHA-256.
struct digest book_key(const struct plan *plan);

// This build: version and revision.
const char *book_build(void);

// The book of a plan that is dealt but not yet parted. NULL with a complaint where two cells have
// one name.
json_t *book_make(const struct plan *plan, const struct dealt *dealt, unsigned index,
                  struct complaint *complaint);

#endif
