// SPDX-License-Identifier: MIT
//
// checks.c - the table of checks, and what each level has of them.

#include "job/checks.h"

const struct job_check_row job_checks[JOB_CHECK_COUNT] = {
#define JOB_CHECK_ROW(id, name, level, help) [JOB_CHECK_##id] = {name, level, help},
    JOB_CHECK_ROWS(JOB_CHECK_ROW)
#undef JOB_CHECK_ROW
};

uint64_t job_checks_of_level(uint64_t verify)
{
    uint64_t checks = 0;
    for (unsigned i = 0; i < JOB_CHECK_COUNT; i++) {
        if (job_checks[i].level != 0 && job_checks[i].level <= verify) {
            checks |= job_check_bit((enum job_check)i);
        }
    }
    return checks;
}
