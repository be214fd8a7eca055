// SPDX-License-Identifier: MIT
//
// journal.h - what a run has done so far, beside the place of its result: a run that was killed
// goes on from there. With libjansson only.

#ifndef SHARD_JOURNAL_H
#define SHARD_JOURNAL_H

#include <jansson.h>

#include "run/plan.h"
#include "shard/deal.h"

struct journal;

// Who writes, and for what. What is pointed to must outlive the journal.
struct journal_run {
    const char *result; // where the result will stand; the journal is RESULT.journal
    const char *key;    // book_key
    const char *plan;   // plan_hash
    const char *build;  // book_build
    struct deal deal;
    const char *host; // this machine's name
    json_t *machine;  // and all about it, as documents have it. Taken over.
};

// What a journal came to when it was opened; for a line to the user.
struct journal_news {
    size_t kept;      // cells that need not be done again
    size_t elsewhere; // cells done on another machine, whose sections are begun again here
    size_t lost;      // bytes at the end that were no whole line
    char *aside;      // where one of another build was put, from malloc; NULL: there was none
};

// Where the journal of a result stands; the caller frees it.
char *journal_path(const char *result);
// Opens or begins it, and gives the cells of the plan what it has of them (cell->kept). 0; EBUSY:
// another run writes it; EEXIST: what is there is of another plan or shard, or no journal, and
// stays as it is; or what the file system says. With a complaint.
int journal_open(const struct journal_run *run, struct plan *plan, struct journal **journal,
                 struct journal_news *news, struct complaint *complaint);
// A cell has ended: it is on the disk when this returns, or said to be lost on standard error,
// once. Cells that an end of the run from outside may have hurt are not taken.
void journal_add(struct journal *journal, struct plan *plan, struct cell *cell);
// The machines on which the cells of the plan were done, as documents have them. The caller's.
json_t *journal_machines(const struct journal *journal, const struct plan *plan);
// `finished`: the result stands in its place, and the journal goes.
void journal_close(struct journal *journal, bool finished);

// Whether the cell came to an end of its own, so that it need not be done again.
bool journal_has_ended(const struct cell *cell);
// Whether a whole result of the same run stands at its place, and no journal beside it: *status is
// then what the run came to.
bool journal_is_done(const struct journal_run *run, const struct plan *plan, int *status);

#endif
