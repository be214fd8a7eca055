// SPDX-License-Identifier: MIT
//
// describe.c - keys for people: mems-stress help KEY, mems-stress list keys.

#include <string.h>

#include "job/tables.h"
#include "job/value.h"
#include "workload/workload.h"

static const char *const kind_names[] = {
    [JOB_NUMBER] = "a number; k M G T are 1000, and more; * multiplies, as in 2*$ncpus",
    [JOB_REAL] = "a decimal number",
    [JOB_SIZE] = "a size in bytes; k M G T are 1000, and more; Ki Mi Gi Ti are 1024, and more",
    [JOB_TIME] = "a time with its unit: ns us ms s m h",
    [JOB_FLAG] = "yes or no",
    [JOB_CHOICE] = "one word",
    [JOB_RATIO] = "a share",
    [JOB_TEXT] = "text",
    [JOB_PATH] = "a file; a relative one starts at the folder of the job",
    [JOB_LIST] = "a list; commas inside parentheses do not separate",
    [JOB_DISTRIBUTION] = ("sizes drawn at random: SIZE, FROM-TO, SIZE/WEIGHT:FROM-TO/WEIGHT, "
                          "log:FROM-TO, invsq:FROM-TO, exp:MEAN@FROM-TO"),
};

static const char *standard_of(const struct job_key *key)
{
    return !key->standard ? "must be given" : key->standard[0] ? key->standard : "none";
}

void job_describe_key(const struct job_key *key, FILE *out)
{
    char allowed[512];
    value_allowed(key, allowed, sizeof allowed);
    fprintf(out, "%s: %s\n", key->name, key->help);
    fprintf(out, "  kind     %s\n", kind_names[key->kind]);
    fprintf(out, "  allowed  %s\n", allowed);
    fprintf(out, "  default  %s\n", standard_of(key));
}

size_t job_describe(const char *name, FILE *out)
{
    size_t count = 0;
    const struct job_key *key = table_find(job_common_keys, name);
    if (key) {
        job_describe_key(key, out);
        count++;
    }
    const struct workload *workload;
    for (size_t i = 0; (workload = workload_at(i)) != NULL; i++) {
        key = table_find(workload->keys, name);
        if (key) {
            fprintf(out, "%sworkload %s\n", count ? "\n" : "", workload->name);
            job_describe_key(key, out);
            count++;
        }
    }
    return count;
}

static void list_table(const struct job_key *table, FILE *out)
{
    for (; table && table->name; table++) {
        fprintf(out, "  %-14s %s (%s%s)\n", table->name, table->help,
                table->standard && table->standard[0] ? "default " : "", standard_of(table));
    }
}

void job_list_keys(FILE *out)
{
    fprintf(out, "every section\n");
    list_table(job_common_keys, out);
    const struct workload *workload;
    for (size_t i = 0; (workload = workload_at(i)) != NULL; i++) {
        if (table_count(workload->keys) > 0) {
            fprintf(out, "workload %s\n", workload->name);
            list_table(workload->keys, out);
        }
    }
}
