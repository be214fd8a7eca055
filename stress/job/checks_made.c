// SPDX-License-Identifier: MIT
//
// checks_made.c - which checks a section makes: by verify and remains, less what checks leaves out.

#include "job/checks.h"

#include <stdio.h>

enum { CHECKS_REMAINS_CHECK }; // the first choice of the key remains

// What verify and remains ask for.
static uint64_t checks_wanted(const struct job_section *section)
{
    uint64_t checks = job_checks_of_level(job_number(section, "verify"));
    if (job_number(section, "remains") == CHECKS_REMAINS_CHECK) {
        checks |= job_check_bit(JOB_CHECK_INVARIANTS) | job_check_bit(JOB_CHECK_CONSERVATION);
    }
    return checks;
}

uint64_t job_checks_of(const struct job_section *section)
{
    return checks_wanted(section) & job_number(section, "checks");
}

void job_checks_off(const struct job_section *section, char *text, size_t size)
{
    uint64_t off = checks_wanted(section) & ~job_number(section, "checks");
    size_t used = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < JOB_CHECK_COUNT && used < size; i++) {
        if (job_checks_have(off, (enum job_check)i)) {
            int more = snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "",
                                job_checks[i].name);
            used += more > 0 ? (size_t)more : 0;
        }
    }
}
