// SPDX-License-Identifier: MIT
//
// restore.h - a cell's outcome read back from a document: the inverse of result/json*.c. With
// libjansson only.

#ifndef RESULT_RESTORE_H
#define RESULT_RESTORE_H

#include <jansson.h>

#include "run/plan.h"

// Fills in the outcome of a cell that was not run: verdict, message, report, evidence. The cell is
// one of a plan, and `object` what json_of_cell made of it. 0, or EINVAL with a complaint that says
// which member is not as it should be: then the cell is as it was.
int restore_cell(const json_t *object, struct cell *cell, struct complaint *complaint);

// Takes back what restore_cell did.
void restore_forget(struct cell *cell);

// ---- for the files of restore only --------------------------------------------------------------

struct restore {
    const char *cell; // whose
    struct complaint *complaint;
};

// "cell ID: PLACE.KEY: WANTED is wanted". Returns EINVAL.
int restore_complain(const struct restore *restore, const char *place, const char *key,
                     const char *wanted);

enum restore_kind {
    RESTORE_COUNT, // uint64_t; null: 0
    RESTORE_REAL,  // double; null: NAN
    RESTORE_SHARE, // double; null: -1
    RESTORE_RATIO, // double; null: 0
    RESTORE_FLAG,  // bool
    RESTORE_TEXT,  // char[size]; null: ""
};

// One member of an object, and where it goes. Tables end with a row whose key is NULL.
struct restore_field {
    const char *place; // of the object, by its key; "": the object itself
    const char *key;
    enum restore_kind kind;
    size_t offset, size;
};

// Every row of the table, from `object` into the struct at `into`.
int restore_fields(const struct restore *restore, const struct restore_field *table,
                   const json_t *object, void *into);

// A number that must be there, at most `most`.
int restore_number(const struct restore *restore, const json_t *value, const char *place,
                   const char *key, uint64_t most, uint64_t *number);

int restore_report(const struct restore *restore, const json_t *object, const struct cell *cell,
                   struct cell_report *report);
// The most pieces that a picture of it has.
unsigned restore_album_pieces(const json_t *map);
// As many pictures as the album has room for.
int restore_album(const struct restore *restore, const json_t *map, struct picture_album *album);
int restore_evidence(const struct restore *restore, const json_t *object, struct cell *cell);

#endif
