// SPDX-License-Identifier: MIT
//
// complete_inner.h - what the parts of complete.c share.

#ifndef CLI_COMPLETE_INNER_H
#define CLI_COMPLETE_INNER_H

#include <stdio.h>

#include "cli/option.h"

#define COMPLETE_LONGEST 512

struct complete {
    FILE *out;
    char head[COMPLETE_LONGEST]; // stays as it is
    const char *stem;            // the beginning of what is looked for
    const struct cli_command *command;
    const struct cli_list *words; // all of the line
    size_t next;                  // the first behind the command
};

// Offers a word where it begins as the last one does; `arg` is a struct complete.
void complete_offer(void *arg, const char *word, const char *help);
// The option that a word names, without its value; NULL: none.
const struct cli_option *complete_option(const struct cli_command *command, const char *word,
                                         size_t length);

// complete_said.c
void complete_job_sections(struct complete *complete);
void complete_history_jobs(struct complete *complete);
void complete_history_sections(struct complete *complete);

#endif
