// SPDX-License-Identifier: MIT
//
// describe.c - keys for people: mems-stress help KEY.

#include <string.h>

#include "job/tables.h"
#include "job/value.h"
#include "workload/workload.h"

static const char *const kind_names[] = {
    [JOB_NUMBER] = "a number; k M G T are 1000, and more; + - * / ( ) as in 2*$ncpus",
    [JOB_REAL] = "a decimal number",
    [JOB_SIZE] = "a size in bytes; k M G T are 1000, and more; Ki Mi Gi Ti are 1024, and more; "
                 "+ - * / ( ) as in (1+3)*4Ki",
    [JOB_TIME] = "a time with its unit: ns us ms s m h; + - * / ( ) as in 1s/4",
    [JOB_FLAG] = "yes or no",
    [JOB_CHOICE] = "one word",
    [JOB_RATIO] = "a share",
    [JOB_TEXT] = "text",
    [JOB_PATH] = "a file; a relative one starts at the folder of the job",
    [JOB_LIST] = "a list; commas inside parentheses do not separate",
    [JOB_DISTRIBUTION] = ("sizes drawn at random: SIZE, FROM-TO, SIZE/WEIGHT:FROM-TO/WEIGHT, "
                          "log:FROM-TO, invsq:FROM-TO, exp:MEAN@FROM-TO, zipf:S@FROM-TO"),
    [JOB_SET] = "all, none, or names separated by commas; -NAME takes one away, as in all,-NAME",
};

// A cell for each of several values.
static const char *sweep_of(const struct job_key *key)
{
    static const char *const forms[] = {
        [JOB_NUMBER] = "1,2,4 or 1..8 or 1,2,4..32 or 1..64*2 or 8..32+8: a section of each",
        [JOB_REAL] = "0,0.1,0.5 or 0..1+0.25: a section of each",
        [JOB_SIZE] = "64,4Ki or 16..4Ki*2 or 1Ki..4Ki+1Ki: a section of each",
        [JOB_TIME] = "1s,5s or 10ms..50ms+10ms: a section of each",
        [JOB_FLAG] = "no,yes: a section of each",
        [JOB_CHOICE] = "words separated by commas: a section of each",
        [JOB_RATIO] = "none,1/32,all: a section of each",
        [JOB_TEXT] = "texts separated by commas: a section of each; quote one that has a comma",
        [JOB_PATH] = "files separated by commas: a section of each; quote one that has a comma",
        [JOB_DISTRIBUTION] = "16,64-128,4Ki or 16..4Ki*2: a section of each",
    };
    return key->plain || key->kind == JOB_LIST || key->kind == JOB_SET
               ? "never: a comma is part of the value"
               : forms[key->kind];
}

static const char *standard_of(const struct job_key *key)
{
    return !key->standard ? "must be given" : key->standard[0] ? key->standard : "none";
}

void job_key_words(const struct job_key *key, struct job_key_words *words)
{
    words->kind = kind_names[key->kind];
    words->standard = standard_of(key);
    words->sweep = sweep_of(key);
    value_allowed(key, words->allowed, sizeof words->allowed);
}

void job_describe_key(const struct job_key *key, FILE *out)
{
    struct job_key_words words;
    job_key_words(key, &words);
    fprintf(out, "%s: %s\n", key->name, key->help);
    fprintf(out, "  kind     %s\n", words.kind);
    fprintf(out, "  allowed  %s\n", words.allowed);
    fprintf(out, "  default  %s\n", words.standard);
    fprintf(out, "  sweep    %s\n", words.sweep);
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
