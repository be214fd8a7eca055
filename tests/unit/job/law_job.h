// SPDX-License-Identifier: MIT
//
// law_job.h - the law of job files: any text is a job, or a complaint with a place; and a job that
// was read can be written and read again.

#ifndef JOB_LAW_JOB_H
#define JOB_LAW_JOB_H

#include <string.h>

#include "job/job.h"
#include "support/test.h"

// FILE:LINE:COLUMN: and then something.
static inline bool job_has_place(const char *text)
{
    if (strncmp(text, "job:", 4) != 0) {
        return false;
    }
    const char *at = text + 4;
    for (int i = 0; i < 2; i++) {
        size_t digits = strspn(at, "0123456789");
        if (digits == 0 || *at == '0' || at[digits] != ':') {
            return false;
        }
        at += digits + 1;
    }
    return at[0] == ' ' && at[1] != 0;
}

// What the command line may say over it; telling or not, the answer has a place.
static const char *const job_overrides[] = {
    "threads=2",     "threads=1..4", "churn.slots=3", "larson.rounds=1,2", "size=16,32",
    "note=\"a, b\"", "ops=1,0",      "runtime=1ms",   "workload=churn",    "trace.trace=x,y",
};

static inline void job_law_set(const char *text, size_t length, uint64_t choice)
{
    struct complaint complaint = {{0}};
    struct job *job = NULL;
    const char *set[3] = {NULL};
    size_t count = sizeof job_overrides / sizeof job_overrides[0];
    set[0] = job_overrides[choice % count];
    set[1] = job_overrides[choice / count % count];
    if (job_parse_set(text, length, "job", "/folder", set, &job, &complaint) == 0) {
        assert_string_equal(complaint.text, "");
        job_free(job);
    } else if (!job_has_place(complaint.text) && strncmp(complaint.text, "--set ", 6) != 0) {
        fail_msg("complaint without a place: %s", complaint.text);
    }
}

// Whether the text is a job.
static inline bool job_law(const char *text, size_t length)
{
    struct complaint complaint = {{0}};
    struct job *job = NULL;
    // A copy without room to spare: a read past the end is found by AddressSanitizer.
    char *tight = malloc(length ? length : 1);
    assert_non_null(tight);
    memcpy(tight, text, length);
    int error = job_parse(tight, length, "job", "/folder", &job, &complaint);
    free(tight);
    if (error) {
        if (!job_has_place(complaint.text)) {
            fail_msg("complaint without a place: %s", complaint.text);
        }
        return false;
    }
    for (size_t i = 0; i < job->section_count; i++) {
        struct job *back = NULL;
        char *written = job_section_text(&job->sections[i]);
        assert_non_null(written);
        if (job_parse(written, strlen(written), "job", "/folder", &back, &complaint) != 0) {
            fail_msg("not read back: %s\n%s", complaint.text, written);
        }
        char *again = job_section_text(&back->sections[0]);
        assert_int_equal(back->section_count, 1); // what is resolved sweeps no more
        assert_string_equal(written, again);
        free(written);
        free(again);
        job_free(back);
    }
    job_free(job);
    return true;
}

#endif
