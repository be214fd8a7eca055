// SPDX-License-Identifier: MIT
//
// part.h - a run that does a part of its plan: one shard of it, or what an earlier run has left.

#ifndef CLI_PART_H
#define CLI_PART_H

#include "result/document.h"
#include "run/drive.h"
#include "run/plan.h"
#include "shard/deal.h"

struct cli_job_settings;

struct part {
    struct digest hash, key; // of the whole plan; the run's
    struct deal deal;
    struct json_t *book;     // of a shard; NULL: the run does all
    struct json_t *machines; // once it has run
    struct journal_run *run; // NULL: nothing is kept
    struct journal *journal;
    bool written; // the result stands in its place
};

// Judges --shard and --resume. 0, or an exit status after a message.
int part_check(const struct cli_job_settings *settings);
// Notes what the whole plan is, and leaves in it the shard that the settings name. The same.
int part_open(const struct cli_job_settings *settings, struct plan *plan, struct part *part);
// Right before the run, where it is a shard or to be resumed: gives the plan what is done already.
// -1: go on. Else the exit status: of a whole result that stands there, or after a message.
int part_resume(const struct cli_job_settings *settings, const struct host *host, struct plan *plan,
                struct part *part);
// Adds to what is told while it runs, and to the document afterwards.
void part_view(struct part *part, struct drive_view *view);
void part_head(struct part *part, const struct plan *plan, struct document_head *head);
// What a journal has goes only when the result is whole and written.
void part_close(struct part *part, const struct plan *plan);

#endif
