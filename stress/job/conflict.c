// SPDX-License-Identifier: MIT
//
// conflict.c - keys that mean nothing without another, and keys that exclude each other.
//
// Both are errors: a key that changes nothing was meant to. What a key needs is a row of a table
// here; what excludes what is judged by values, because a section that was written with all its
// values is read back with every one of them given. ops and runtime are settled where they are
// bound (job.c): there the level decides which of them holds.

#include "job/conflict.h"

#include <errno.h>
#include <string.h>

#include "job/checks.h"
#include "workload/workload.h"

#define MEMORY_LIMIT_LEAST (64u << 20)

// `key` means something only where one of `needs` is given.
struct need {
    const char *key;
    const char *needs[4]; // NULL-terminated
};

static const struct need needs[] = {
    {"arrival", {"rate"}},
    {"steady_window", {"steady"}},
    {"folder", {"setup", "prepare", "cleanup"}},
};

static const struct need *find_need(const char *key)
{
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        if (strcmp(needs[i].key, key) == 0) {
            return &needs[i];
        }
    }
    return NULL;
}

bool conflict_depends(const char *key)
{
    return find_need(key) != NULL;
}

static bool is_there(const struct job_section *section, const char *key)
{
    const struct job_value *value = job_value(section, key);
    return value->key->kind == JOB_TEXT ? value->text[0] != 0 : value->number != 0;
}

bool conflict_idle(const struct job_section *section, const char *key)
{
    const struct need *need = find_need(key);
    bool idle = need != NULL;
    for (size_t i = 0; idle && need->needs[i]; i++) {
        idle = !is_there(section, need->needs[i]);
    }
    return idle;
}

// Checks of blocks that are picked out, where verify makes none of them: they were meant to be
// made.
static int check_checks(const struct job_section *section, struct complaint *complaint)
{
    uint64_t of_blocks = job_checks_of_level(UINT64_MAX);
    uint64_t picked = job_number(section, "checks") & of_blocks;
    uint64_t made = job_checks_of_level(job_number(section, "verify"));
    if (picked == 0 || picked == of_blocks || (picked & made) != 0) {
        return 0;
    }
    unsigned first = (unsigned)__builtin_ctzll(picked);
    job_complain(section, "checks", complaint,
                 "verify = %s makes none of these checks of blocks: leave checks out, or verify = "
                 "%u",
                 job_text(section, "verify"), job_checks[first].level);
    return EINVAL;
}

static int check_needs(const struct job_section *section, struct document_entry *const *holders,
                       struct complaint *complaint)
{
    for (size_t row = 0; row < section->value_count; row++) {
        const char *key = section->values[row].key->name;
        struct document_entry *holder = holders[row];
        const struct need *need = holder ? find_need(key) : NULL;
        if (!need) {
            continue;
        }
        if (!conflict_idle(section, key)) {
            holder->used = true;
            if (holder->origin) {
                holder->origin->used = true;
            }
        } else if (holder->level != DOCUMENT_GLOBAL) {
            const char *const *names = need->needs;
            job_complain(section, key, complaint, "means nothing without %s%s%s%s%s: leave it out",
                         names[0], names[1] ? ", " : "", names[1] ? names[1] : "",
                         names[1] ? " or " : "", names[1] ? names[2] : "");
            return EINVAL;
        }
    }
    return 0;
}

int conflict_check(const struct job_section *section, struct document_entry *const *holders,
                   struct complaint *complaint)
{
    uint64_t limit = job_number(section, "memory_limit");
    bool steady = is_there(section, "steady");
    if (limit > 0 && limit < MEMORY_LIMIT_LEAST) {
        job_complain(section, "memory_limit", complaint, "allowed is 0 (none), or 64Mi and more");
        return EINVAL;
    }
    if (steady && is_there(section, "ops")) {
        job_complain(section, "steady", complaint,
                     "measures until the rate is steady, not for a number of operations: leave out "
                     "steady or ops");
        return EINVAL;
    }
    if (steady && !is_there(section, "runtime")) {
        job_complain(section, "steady", complaint,
                     "needs a runtime, after which it is given up: this workload ends by itself");
        return EINVAL;
    }
    if (is_there(section, "latency_limit") && !is_there(section, "latency")) {
        job_complain(section, "latency_limit", complaint,
                     "no operation is timed (latency = none): time all, or one in N");
        return EINVAL;
    }
    if (job_number(section, "rss_slope_limit") > 0 && job_number(section, "rss_slope") == 0) {
        job_complain(section, "rss_slope_limit", complaint,
                     "nobody looks at the slope (rss_slope = any): say rss_slope = flat, too");
        return EINVAL;
    }
    int error = check_checks(section, complaint);
    return error ? error : check_needs(section, holders, complaint);
}

int conflict_validate(const struct job_section *section, struct complaint *complaint)
{
    struct complaint why = {{0}};
    int error = section->workload->validate ? section->workload->validate(section, &why) : 0;
    if (!error) {
        return 0;
    }
    bool placed = false; // it may know the place itself
    for (size_t row = 0; row < section->value_count && !placed; row++) {
        size_t length = strlen(section->values[row].file);
        placed =
            strncmp(why.text, section->values[row].file, length) == 0 && why.text[length] == ':';
    }
    if (placed) {
        complain(complaint, "%s", why.text);
    } else {
        struct complaint_place at = {section->file, section->line, section->column};
        complain_at(complaint, &at, "section [%s]: %s", complaint_clip(section->name).text,
                    why.text);
    }
    return error;
}
