// SPDX-License-Identifier: MIT
//
// law_plan.h - the law of plans: the plan of a plan is the same, byte for byte.

#ifndef RUN_LAW_PLAN_H
#define RUN_LAW_PLAN_H

#include <string.h>

#include "run/plan.h"
#include "support/test.h"

// The plan of a text as it is written, to be freed; NULL: it has none, and the complaint says why.
static inline char *plan_of(const char *text, const char *folder,
                            const struct plan_options *options)
{
    struct complaint complaint = {{0}};
    struct job *job = NULL;
    struct plan *plan;
    char *written = NULL;
    size_t size;
    if (job_parse(text, strlen(text), "test.ini", folder, &job, &complaint) != 0 ||
        plan_make(job, "mems-stress run test.ini", options, &plan, &complaint) != 0) {
        assert_int_not_equal(complaint.text[0], '\0');
        job_free(job);
        return NULL;
    }
    FILE *out = open_memstream(&written, &size);
    assert_non_null(out);
    assert_int_equal(plan_write(plan, out), 0);
    assert_int_equal(fclose(out), 0);
    plan_free(plan);
    job_free(job);
    return written;
}

// Whether the text has a plan.
static inline bool plan_law(const char *text, const struct plan_options *options)
{
    char *once = plan_of(text, "/folder", options);
    if (!once) {
        return false;
    }
    char *twice = plan_of(once, "/another", &(struct plan_options){0});
    if (!twice || strcmp(once, twice) != 0) {
        print_error("the job\n%s\nhas the plan\n%s\nwhose plan is\n", text, once);
        fail_msg("%s", twice ? twice : "none");
    }
    free(once);
    free(twice);
    return true;
}

#endif
